from types import SimpleNamespace

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.measure import ablated
from evocircuits.tasks import Trials
from evocircuits.tasks.colour import Colour, bank, evidence, pigment
from tests.tasks.observers import run, trivial

COLOUR = Colour()
WAVELENGTHS_nm = 420 + 220 / 7 * np.arange(8)
CONES = {"long": 560, "middle": 530, "short": 420}


def cone_counts(trials: Trials) -> np.ndarray:
    """int[trials, cones]: spikes of the long-, middle- and short-wave cone."""
    spikes = [trials.stimulus.spikes[cone] for cone in CONES]
    return np.stack([np.bincount(s.trial, minlength=trials.n) for s in spikes], axis=1)


def template(wavelength_nm: float, peak_nm: float) -> float:
    """The α- and β-band of Govardovskii et al. (2000), written out again."""
    a = 0.8795 + 0.0459 * np.exp(-((peak_nm - 300) ** 2) / 11940)
    terms = [(69.7, a), (28.0, 0.922), (-14.9, 1.104)]
    alpha = 1 / (0.674 + sum(np.exp(slope * (at - peak_nm / wavelength_nm)) for slope, at in terms))
    off = (wavelength_nm - (189 + 0.315 * peak_nm)) / (-40.5 + 0.195 * peak_nm)
    return alpha + 0.26 * np.exp(-(off**2))


def sensitivities() -> np.ndarray:
    """float[wavelengths, cones]."""
    return np.array([[template(nm, peak_nm) for peak_nm in CONES.values()] for nm in WAVELENGTHS_nm])


def relay(cone_of_output: list[str]) -> Circuit:
    """Each output fires with every spike of one cone."""
    populations, projections = [], []
    for port, cone in zip(COLOUR.outputs, cone_of_output, strict=True):
        cell = PopulationGene(innovation(port.name), True, 1, 1.0, 15.0, 0.5, 0.5, 5.0, port=port.name)
        populations.append(cell)
        source = next(p for p in COLOUR.inputs if p.name == cone)
        projections.append(
            ProjectionGene(innovation(port.name, cone), source.id, cell.id, Pattern("one_to_one"), 2.0, 1.0)
        )
    genome = Genome(COLOUR.inputs, COLOUR.outputs, tuple(populations), tuple(projections))
    return develop(genome, dt_ms=COLOUR.dt_ms)


def answered(counts: list[int], answer: int):
    """The score of one trial with these output counts."""
    by_port = {port.name: np.array([[n]]) for port, n in zip(COLOUR.outputs, counts, strict=True)}
    return COLOUR.score(
        SimpleNamespace(answer=np.array([answer])), SimpleNamespace(output_counts=by_port.get)
    )


@pytest.mark.parametrize("peak_nm", [420, 530, 560])
def test_pigments_absorb_most_at_their_peak_and_a_quarter_of_it_at_the_beta_band(peak_nm):
    wavelength_nm = np.arange(380, 700, 0.5)
    absorbance = pigment(wavelength_nm, np.array(peak_nm))
    assert wavelength_nm[absorbance.argmax()] == pytest.approx(peak_nm, abs=1)
    assert absorbance.max() == pytest.approx(1, abs=0.01)
    beta_nm = 189 + 0.315 * peak_nm
    assert pigment(np.array(beta_nm), np.array(peak_nm)) == pytest.approx(0.26, abs=0.06)
    assert absorbance == pytest.approx(np.array([template(nm, peak_nm) for nm in wavelength_nm]))


def test_cone_counts_have_the_moments_of_poisson_spikes_at_log_uniform_intensity():
    trials = COLOUR.trials(np.random.default_rng(0), 16_000)
    counts = cone_counts(trials)
    assert np.all(np.bincount(trials.answer) == 2000)
    mean, variance = 0.75 / np.log(4), (1 - 1 / 16) / 2 / np.log(4) - (0.75 / np.log(4)) ** 2
    for answer, sensitivity in enumerate(sensitivities()):
        shown = counts[trials.answer == answer]
        expected = 40 * sensitivity * mean
        spread = expected + (40 * sensitivity) ** 2 * variance
        assert np.all(np.abs(shown.mean(axis=0) - expected) < 5 * np.sqrt(spread / 2000))
        assert shown.var(axis=0)[expected > 1] == pytest.approx(spread[expected > 1], rel=0.15)


def test_flashes_last_200_ms():
    trials = COLOUR.trials(np.random.default_rng(1), 200)
    assert 190 < max(s.time_ms.max() for s in trials.stimulus.spikes.values()) < 200
    assert trials.stimulus.duration_ms == 250


def test_equal_generators_give_equal_trials():
    one, same = (COLOUR.trials(np.random.default_rng(2), 20) for _ in range(2))
    assert np.array_equal(one.answer, same.answer)
    for cone in CONES:
        assert np.array_equal(one.stimulus.spikes[cone].time_ms, same.stimulus.spikes[cone].time_ms)


def test_maximum_likelihood_observer_of_counts_reaches_the_ceiling():
    trials = COLOUR.trials(np.random.default_rng(3), 40_000)
    patterns, pattern_of = np.unique(cone_counts(trials), axis=0, return_inverse=True)
    intensity = 0.25 ** np.linspace(0.005, 0.995, 100)
    likelihood = []
    for sensitivity in sensitivities():
        expected = 40 * intensity[:, None] * sensitivity
        log_likelihood = patterns @ np.log(expected).T - expected.sum(axis=1)
        likelihood.append(np.exp(log_likelihood).mean(axis=1))
    right = np.argmax(likelihood, axis=0)[pattern_of.ravel()] == trials.answer
    assert right.mean() == pytest.approx(COLOUR.ceiling, abs=3 * right.std() / 200)


def test_opponent_bank_comes_near_the_ceiling_and_needs_its_inhibition():
    trials = COLOUR.trials(np.random.default_rng(4), 10_000)
    circuit = develop(COLOUR.reference(), dt_ms=COLOUR.dt_ms)
    score = run(COLOUR, circuit, trials)
    assert score.normalised > 0.9
    without = run(COLOUR, ablated(circuit, "inhibition"), trials)
    assert COLOUR.claim == ("inhibition",)
    error = np.hypot(score.credit.std(), without.credit.std()) / 100
    assert score.raw - without.raw > 3 * error


def test_bank_of_excitation_alone_does_almost_as_well_with_three_times_the_spikes():
    trials = COLOUR.trials(np.random.default_rng(5), 4000)
    opponent = COLOUR.play(develop(COLOUR.reference(), dt_ms=COLOUR.dt_ms), trials)
    weights = evidence() - evidence().min(axis=0)
    excitatory = COLOUR.play(develop(bank(weights), dt_ms=COLOUR.dt_ms), trials)
    assert excitatory.score.normalised > 0.85
    assert excitatory.spikes.mean() > 3 * opponent.spikes.mean()


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = COLOUR.trials(np.random.default_rng(6), 200)
    assert run(COLOUR, trivial(COLOUR, kind), trials).raw == pytest.approx(1 / 8)


@pytest.mark.parametrize("cone", CONES)
def test_relay_of_one_cone_stays_at_chance(cone):
    trials = COLOUR.trials(np.random.default_rng(7), 200)
    assert run(COLOUR, relay([cone] * 8), trials).raw == pytest.approx(1 / 8)


def test_relay_of_each_output_s_nearest_cone_is_far_from_a_solution():
    nearest = [min(CONES, key=lambda cone: abs(CONES[cone] - nm)) for nm in WAVELENGTHS_nm]
    trials = COLOUR.trials(np.random.default_rng(8), 4000)
    assert run(COLOUR, relay(nearest), trials).raw < 3 / 8  # which of three cones fires most, and no more


def test_single_trials_can_be_scored():
    trials = COLOUR.trials(np.random.default_rng(9), 1)
    score = run(COLOUR, develop(COLOUR.reference(), dt_ms=COLOUR.dt_ms), trials)
    assert np.isfinite([score.raw, score.graded]).all()


def test_silence_and_saturation_and_ties_share_the_credit():
    assert answered([0] * 8, 3).raw == 1 / 8
    assert answered([500] * 8, 3).raw == 1 / 8
    assert answered([4, 4, 0, 0, 0, 0, 0, 0], 1).raw == 1 / 2
    assert answered([4, 4, 5, 0, 0, 0, 0, 0], 1).raw == 0
    assert np.isfinite(answered([0] * 8, 3).graded)


def test_graded_signal_tells_how_many_outputs_the_right_one_beats():
    second, last = (answered(counts, 3) for counts in ([2, 0, 0, 1, 0, 0, 0, 0], [2, 1, 1, 0, 1, 1, 1, 1]))
    assert second.raw == last.raw == 0
    assert second.graded == pytest.approx(6 / 7 / 2)
    assert last.graded == 0
    assert answered([0, 0, 0, 1, 0, 0, 0, 0], 3).graded == 1
