"""Runaway: keep an excitatory core that would run away at moderate rates, through ten drives and two kicks.

With recurrent excitation strong enough to sustain itself, only inhibition makes a low rate stable; in cortex it is
feedback (Tsodyks et al., J. Neurosci. 17 (1997); Ozeki et al., Neuron 62 (2009)). The core is given and frozen: its 16
E cells, their synapses on each other and those of drive and kick, so that excitation cannot be tuned down; cells and
synapses may only be added. Without inhibition every condition fails, whatever excitation is added. Feedback is not
demanded: a pacemaker's inhibition, which hears nothing of the E cells, holds every condition as well, even were the
rate asked to follow the drive.

Each trial has four kicks: after a single one, 50 ms of sixteen cells hold a handful of spikes, and the rate would be
measured no better than the bound it must keep.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Spikes, Stimulus
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers

N_E, N_I = 16, 4
DRIVES_Hz = np.arange(10.0, 101.0, 10.0)
KICKED_QUARTERS = np.array([1, 4])
CONDITIONS = len(DRIVES_Hz) * len(KICKED_QUARTERS)
KICKS_ms = np.array([250.0, 500.0, 750.0, 1000.0])
BEFORE_ms = (-150.0, 0.0)
AFTER_ms = (50.0, 100.0)
BIN_ms = 50.0
DURATION_ms = 1100.0
RATE_Hz = (2.0, 40.0)
CHANGE = 1.5


class Runaway(Task):
    """A trial is one of 20 conditions: drive 10–100 Hz × kicks of 4 or all 16 cells; right when the rate is kept."""

    name = "runaway"
    summary = "Hold a self-sustaining excitatory core at 2–40 Hz, whatever drives it, and bring it back after kicks."
    source = "Tsodyks et al. 1997; conditions of this suite"
    inputs = (Port("drive", N_E), Port("kick", 4))
    outputs = (Port("e", N_E),)
    dt_ms = 0.1
    chance = 0.0
    ceiling = 1.0
    claim = ("inhibition",)
    unit = "share of conditions held"
    max_spikes = 500
    record = Record(bin_ms=BIN_ms)
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 3.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def given(self) -> tuple[tuple[PopulationGene, ...], tuple[ProjectionGene, ...]]:
        """The core: E cells in a row, each exciting two neighbours a side, driven one to one and kicked in quarters."""
        drive, kick = self.inputs
        e = PopulationGene(
            innovation("runaway", "e"), True, N_E, 20.0, 15.0, 5.0, 5.0, 3.0, port="e", frozen=True
        )
        one = Pattern("one_to_one")
        return (e,), tuple(
            ProjectionGene(
                innovation("runaway", name), source, e.id, pattern, strength, delay_ms, frozen=True
            )
            for name, source, pattern, strength, delay_ms in (
                ("drive→e", drive.id, one, 0.7, 0.5),
                ("kick→e", kick.id, one, 2.0, 0.5),
                ("e→e", e.id, Pattern("neighbours", 2.0), 0.5, 2.0),
            )
        )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Each E cell gets a Poisson train of the drive's rate; 1.1 s, kicks every 250 ms.

        A kick is a spike to the cells of one quarter, which one by chance, or to all. Answer: the condition, which the
        trials go through in turn, from any, in random order.
        """
        condition = balanced_answers(rng, n, CONDITIONS)
        drive, kick = np.unravel_index(condition, (len(DRIVES_Hz), len(KICKED_QUARTERS)))
        rate_Hz = np.repeat(DRIVES_Hz[drive][:, None], N_E, axis=1)
        order = rng.random((n, 4)).argsort(axis=1)
        trial, quarter = np.nonzero(order < KICKED_QUARTERS[kick][:, None])
        times = len(KICKS_ms)
        kicks = Spikes(np.tile(KICKS_ms, len(trial)), trial.repeat(times), quarter.repeat(times))
        spikes = {"drive": poisson(rng, rate_Hz, duration_ms=DURATION_ms), "kick": kicks}
        return Trials(Stimulus(n, DURATION_ms, spikes), condition)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """One where the rate before kicks is 2–40 Hz and that 50–100 ms after them within × 1.5 of it, else zero.

        Rates are means over the E cells and the four kicks, the one before taken over 150 ms. Graded: how near.
        """
        before_Hz, after_Hz = (_rate_Hz(recording, window_ms) for window_ms in (BEFORE_ms, AFTER_ms))
        low_Hz, high_Hz = RATE_Hz
        less, more = np.minimum(before_Hz, after_Hz), np.maximum(before_Hz, after_Hz)
        credit = (low_Hz <= before_Hz) & (before_Hz <= high_Hz) & (more <= CHANGE * less)
        moderate = np.minimum(before_Hz / low_Hz, high_Hz / np.maximum(before_Hz, high_Hz))
        steady = CHANGE * less / np.maximum(more, low_Hz)
        graded = np.minimum(moderate, 1) * np.minimum(steady, 1)
        return Score(credit.astype(float), float(graded.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """An inhibition-stabilised loop: 4 I cells that all E cells excite and that inhibit all E cells."""
        (e,), core = self.given()
        i = PopulationGene(innovation("runaway", "i"), False, N_I, 10.0, 15.0, 1.0, 3.0, 5.0)
        every = Pattern("all_to_all")
        loop = (
            ProjectionGene(innovation("runaway", "e→i"), e.id, i.id, every, 0.35, delay_ms=0.5),
            ProjectionGene(innovation("runaway", "i→e"), i.id, e.id, every, 0.27, delay_ms=0.5),
        )
        return Genome(self.inputs, self.outputs, (e, i), (*core, *loop))


def _rate_Hz(recording: Recording, window_ms: tuple[float, float]) -> np.ndarray:
    """float[trials]: the mean rate of the E cells in a window about the kicks."""
    first, end = (np.round((KICKS_ms + edge_ms) / BIN_ms).astype(int) for edge_ms in window_ms)
    counts = recording.binned_counts[..., recording.circuit.outputs["e"]].sum(axis=2)
    inside = sum(counts[f:e].sum(axis=0) for f, e in zip(first, end, strict=True))
    return inside / (N_E * len(KICKS_ms) * (window_ms[1] - window_ms[0]) / 1000)
