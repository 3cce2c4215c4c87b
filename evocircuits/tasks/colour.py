"""Colour: tell a wavelength from the spikes of three cones, whatever the intensity.

The cones' sensitivities are the templates of visual pigments of Govardovskii, Fyhrquist, Reuter, Kuzmin & Donner,
Visual Neuroscience 17 (2000), for vitamin A1. One cone confounds wavelength and intensity; cells that weigh cones
against each other do not (De Valois, Abramov & Jacobs, J. Opt. Soc. Am. 56 (1966)).

Rates alone matter: the ideal observer reads nothing but spike counts. Each output is a port of its own, so that a
search may give each its own weights. Opponency is what the reference is made of, not what the task demands: the same
bank, its weights shifted until none is negative, does almost as well with three times the spikes, as a test shows.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Stimulus
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.base import Ranges, Score, Task, Trials, argmax_credit, balanced_answers

CONES_nm = {"long": 560.0, "middle": 530.0, "short": 420.0}
WAVELENGTHS_nm = np.linspace(420, 640, 8)
PEAK_Hz = 200.0
DIMMEST = 0.25
FLASH_ms = 200.0
AFTER_ms = 50.0


def pigment(wavelength_nm: np.ndarray, peak_nm: np.ndarray) -> np.ndarray:
    """Absorbance of an A1 pigment relative to that at its peak: the α-band and the β-band of Govardovskii et al."""
    x = peak_nm / wavelength_nm
    a = 0.8795 + 0.0459 * np.exp(-((peak_nm - 300) ** 2) / 11940)
    alpha = 1 / (np.exp(69.7 * (a - x)) + np.exp(28 * (0.922 - x)) + np.exp(-14.9 * (1.104 - x)) + 0.674)
    beta_peak_nm, beta_width_nm = 189 + 0.315 * peak_nm, -40.5 + 0.195 * peak_nm
    return alpha + 0.26 * np.exp(-(((wavelength_nm - beta_peak_nm) / beta_width_nm) ** 2))


SENSITIVITY = pigment(WAVELENGTHS_nm[:, None], np.array(list(CONES_nm.values())))
"""float[wavelengths, cones]."""


class Colour(Task):
    """A flash of one of 8 wavelengths, 420–640 nm, for 200 ms; argmax of the counts of 8 outputs."""

    name = "colour"
    summary = "Tell which of 8 wavelengths a flash has from three cones, at intensities that vary fourfold."
    source = "Govardovskii et al. 2000; wavelengths and intensities of this suite"
    inputs = tuple(Port(name, 1) for name in CONES_nm)
    outputs = tuple(Port(f"{nm:.0f}nm", 1) for nm in WAVELENGTHS_nm)
    dt_ms = 0.1
    chance = 1 / len(WAVELENGTHS_nm)
    ceiling = 0.758
    claim = ("inhibition",)
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 50.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 20.0,
            "t_ref_ms": 1.0,
            "tau_syn_ex_ms": 5.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """A cone fires at 200 Hz × intensity × sensitivity as a Poisson process for 200 ms; 250 ms in all.

        Intensity is log-uniform in ¼…1.
        """
        answer = balanced_answers(rng, n, len(WAVELENGTHS_nm))
        intensity = DIMMEST ** rng.random(n)
        rate_Hz = PEAK_Hz * intensity[:, None] * SENSITIVITY[answer]
        spikes = {
            cone: poisson(rng, rate_Hz[:, [i]], duration_ms=FLASH_ms) for i, cone in enumerate(CONES_nm)
        }
        return Trials(Stimulus(n, FLASH_ms + AFTER_ms, spikes), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """Credit by argmax. Graded: the mean of it and of the share of the other outputs that the right one beats."""
        counts = np.hstack([recording.output_counts(port.name) for port in self.outputs])
        credit = argmax_credit(counts, trials.answer)
        right = np.take_along_axis(counts, trials.answer[:, None], axis=1)
        beaten = (np.sign(right - counts).sum(axis=1) / (len(self.outputs) - 1) + 1) / 2  # a tie counts half
        return Score(credit, float((credit + beaten).mean() / 2), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Opponent cells: cones that speak for an output's wavelength drive it, those that speak against inhibit it."""
        nats = evidence()
        return bank(nats - nats.mean(axis=0))


MEAN_SPIKES = PEAK_Hz * FLASH_ms / 1000 * (1 - DIMMEST) / -np.log(DIMMEST)
"""Of a cone at its peak, over all intensities."""
SHAPE = 6.4
"""Of the gamma distribution with the mean and variance of the intensities."""
LEAST = 0.01
"""The least sensitivity that a weight is made for, lest one spike of the short-wave cone outweigh all others."""
LIGHT_SPIKES = 3.0
"""About how often a cell with a refractory time of 50 ms fires in a flash of any intensity."""


def evidence() -> np.ndarray:
    """float[wavelengths, cones]: what a spike of a cone says for a wavelength, in nats, up to a constant per cone.

    Were intensity gamma-distributed with shape α and its actual mean, the log-likelihood of sensitivities s, of sum S,
    would be linear in the counts n: Σ nᵢ (log sᵢ − log(S + β)) − α log(S + β), with β = α / `MEAN_SPIKES`.
    """
    return np.log(np.maximum(LEAST, SENSITIVITY)) - _log_total()[:, None]


def bank(weights: np.ndarray) -> Genome:
    """An integrator for each wavelength, in which a spike of a cone weighs `weights` thresholds.

    `weights`: float[wavelengths, cones]; the negative ones act through an inhibitory cell per cone. The constant term
    of the log-likelihood comes from a cell that has the long-wave cone's spikes saturate at any intensity.
    """
    slow, fast = (50.0, 15.0, 0.5, 20.0, 20.0), (1.0, 15.0, 0.5, 0.5, 5.0)
    outputs = [
        PopulationGene(innovation("colour", port.name), True, 1, *slow, port=port.name)
        for port in Colour.outputs
    ]
    against = [PopulationGene(innovation("colour", "against", cone), False, 1, *fast) for cone in CONES_nm]
    light = PopulationGene(innovation("colour", "light"), True, 1, 1.0, 15.0, 50.0, 0.5, 5.0)
    constant = -SHAPE / LIGHT_SPIKES * _log_total()
    projections = [_wire(Colour.inputs[0], light, 2.0)]
    for cone, cell, column in zip(Colour.inputs, against, weights.T, strict=True):
        projections.append(_wire(cone, cell, 2.0))
        projections += [
            _wire(cone if w > 0 else cell, o, abs(w)) for o, w in zip(outputs, column, strict=True)
        ]
    projections += [_wire(light, o, w) for o, w in zip(outputs, constant - constant.min(), strict=True)]
    lowest = Colour.ranges.strength[0]
    projections = tuple(p for p in projections if p.strength >= lowest)
    return Genome(Colour.inputs, Colour.outputs, (*outputs, light, *against), projections)


def _log_total() -> np.ndarray:
    return np.log(SENSITIVITY.sum(axis=1) + SHAPE / MEAN_SPIKES)


def _wire(source: Port | PopulationGene, target: PopulationGene, strength: float) -> ProjectionGene:
    id = innovation("colour", source.id, target.id)
    return ProjectionGene(id, source.id, target.id, Pattern("one_to_one"), float(strength), delay_ms=0.5)
