from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import ablated
from evocircuits.simulator import Spikes, simulate
from evocircuits.tasks.contrast import Contrast, Windows
from tests.tasks.observers import run, trivial

CONTRAST = Contrast()
CONTRASTS = np.array([1, 2, 4, 8])


def window_counts(spikes: Spikes, n: int) -> np.ndarray:
    """int[trials, windows, 8]: spikes of 8 channels from each window's onset to the next."""
    counts = np.zeros((n, 4, 8), int)
    window = np.minimum(spikes.time_ms // 300, 3).astype(int)  # outputs may fire in the last step
    np.add.at(counts, (spikes.trial, window, spikes.channel), 1)
    return counts


def expected_counts(contrast: int) -> np.ndarray:
    """float[directions, channels]: mean spikes in 200 ms, from the definition."""
    degrees = 45.0 * (np.arange(8)[:, None] - np.arange(8))
    return 0.2 * (10 + 25 * contrast * np.exp(2 * (np.cos(np.deg2rad(degrees)) - 1)))


def chain(*cells: tuple[float, float, float, float], bias_pA: float = 0.0) -> Circuit:
    """A chain of excitatory layers, one to one; each (tau_m_ms, t_ref_ms, tau_syn_ex_ms, strength)."""
    populations, projections, source = [], [], CONTRAST.inputs[0].id
    for id, (tau_m_ms, t_ref_ms, tau_syn_ms, strength) in enumerate(cells):
        populations.append(PopulationGene(id, True, 8, tau_m_ms, 15.0, t_ref_ms, tau_syn_ms, 5.0, bias_pA))
        projections.append(
            ProjectionGene(100 + id, source, id, Pattern("one_to_one"), strength, delay_ms=1.0)
        )
        source = id
    populations[-1] = replace(populations[-1], port="direction")
    return develop(
        Genome(CONTRAST.inputs, CONTRAST.outputs, tuple(populations), tuple(projections)),
        dt_ms=CONTRAST.dt_ms,
    )


def answered(windows: list[list[int]], *, contrast=CONTRASTS, answer=(0, 1, 2, 3)):
    """The score of one trial in which the outputs fire so often in each window, the right one first."""
    trials = Windows(SimpleNamespace(n_trials=1), np.array([answer]), np.array([contrast]))
    return scored(
        np.array([[np.roll(window, right) for window, right in zip(windows, answer, strict=True)]]), trials
    )


def scored(counts: np.ndarray, trials: Windows):
    """The score of outputs that fire so often: int[trials, windows, 8]."""
    circuit = SimpleNamespace(outputs={"direction": np.arange(8)})
    return CONTRAST.score(
        trials, SimpleNamespace(binned_counts=np.asarray(counts).swapaxes(0, 1), circuit=circuit)
    )


def firing(right: int, others: int = 0) -> list[int]:
    return [right] + [others] * 7


def test_each_contrast_comes_once_a_trial_in_any_window_and_directions_are_balanced():
    trials = CONTRAST.trials(np.random.default_rng(0), 1000)
    assert np.array_equal(np.sort(trials.contrast, axis=1), np.tile(CONTRASTS, (1000, 1)))
    assert np.all(np.abs((trials.contrast[..., None] == CONTRASTS).mean(axis=0) - 0.25) < 0.05)
    assert np.all(np.bincount(trials.answer.ravel()) == 500)
    assert np.abs(np.corrcoef(trials.answer.T) - np.eye(4)).max() < 0.12


def test_input_counts_follow_the_tuning_and_windows_end_in_silence():
    trials = CONTRAST.trials(np.random.default_rng(1), 4000)
    spikes = trials.stimulus.spikes["tuned"]
    counts = window_counts(spikes, trials.n)
    for contrast in CONTRASTS:
        shown = trials.contrast == contrast
        for direction in range(8):
            mean = counts[shown & (trials.answer == direction)].mean(axis=0)
            expected = expected_counts(contrast)[direction]
            assert np.all(np.abs(mean - expected) < 5 * np.sqrt(expected / 400))
    assert np.all(spikes.time_ms % 300 < 200)
    assert trials.stimulus.duration_ms == 1200


def test_equal_generators_give_equal_trials():
    one, same = (CONTRAST.trials(np.random.default_rng(2), 20) for _ in range(2))
    assert np.array_equal(one.answer, same.answer)
    assert np.array_equal(one.contrast, same.contrast)
    assert np.array_equal(one.stimulus.spikes["tuned"].time_ms, same.stimulus.spikes["tuned"].time_ms)


def test_likelihood_ratio_observer_of_counts_reaches_the_ceiling():
    trials = CONTRAST.trials(np.random.default_rng(3), 10_000)
    counts, right = window_counts(trials.stimulus.spikes["tuned"], trials.n), []
    for contrast in CONTRASTS:
        shown = trials.contrast == contrast
        expected = expected_counts(contrast)
        log_likelihood = counts[shown] @ np.log(expected).T - expected.sum(axis=1)
        right.append(log_likelihood.argmax(axis=1) == trials.answer[shown])
    assert np.mean(right) == pytest.approx(CONTRAST.ceiling, abs=3 * np.std(right) / 200)


def test_pooled_inhibition_comes_near_the_ceiling_and_nothing_without_inhibition():
    trials = CONTRAST.trials(np.random.default_rng(4), 10_000)
    circuit = develop(CONTRAST.reference(), dt_ms=CONTRAST.dt_ms)
    assert run(CONTRAST, circuit, trials).normalised > 0.8
    without = run(CONTRAST, ablated(circuit, "inhibition"), trials)
    assert CONTRAST.claim == ("inhibition",)
    assert without.raw < 0.01


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_get_nothing(kind):
    trials = CONTRAST.trials(np.random.default_rng(5), 200)
    score = run(CONTRAST, trivial(CONTRAST, kind), trials)
    assert score.raw == 0
    assert np.isfinite(score.graded)


def test_relay_of_each_channel_to_its_output_sees_all_but_gains_too_much():
    trials = CONTRAST.trials(np.random.default_rng(6), 1000)
    relay = chain((2.0, 0.5, 0.5, 1.5))
    score = run(CONTRAST, relay, trials)
    assert score.raw < 0.01
    assert 0.1 < score.graded < 0.3


def test_steady_firing_under_a_relay_does_not_hide_its_gain():
    trials = CONTRAST.trials(np.random.default_rng(7), 1000)
    relay = chain((10.0, 0.5, 2.0, 0.9), bias_pA=800.0)
    record = replace(CONTRAST.record, spikes=True)
    recording = simulate(relay, trials.stimulus, dt_ms=CONTRAST.dt_ms, record=record)
    total = window_counts(recording.spikes, trials.n).sum(axis=2)
    assert total[trials.contrast == 8].mean() < 1.5 * total[trials.contrast == 1].mean()
    assert CONTRAST.score(trials, recording).raw < 0.01


@pytest.mark.parametrize("start", [0, 1, 2])
@pytest.mark.parametrize("n", [3, 5, 7, 8])
def test_firing_of_some_outputs_in_some_windows_does_not_hide_a_relays_gain(n, start):
    trials = CONTRAST.trials(np.random.default_rng(10), 1000)
    counts = window_counts(trials.stimulus.spikes["tuned"], trials.n)
    for windows in (slice(start, 4), slice(0, 4 - start)):
        raised = counts.copy()
        raised[:, windows, :n] += 60
        assert scored(raised, trials).raw < 0.1


def test_pacemakers_of_all_outputs_but_one_do_not_hide_a_relays_gain():
    trials = CONTRAST.trials(np.random.default_rng(11), 1000)
    (tuned,) = CONTRAST.inputs
    outputs = PopulationGene(1, True, 8, 1.0, 15.0, 0.5, 0.5, 5.0, port="direction")
    pacemakers = PopulationGene(2, True, 8, 10.0, 15.0, 0.5, 0.5, 5.0, bias_pA=600.0)
    relay = ProjectionGene(10, tuned.id, 1, Pattern("one_to_one"), 1.5, 1.0)
    pace = ProjectionGene(11, 2, 1, Pattern("shifted", 1.0), 5.0, 1.0)
    genome = Genome(CONTRAST.inputs, CONTRAST.outputs, (outputs, pacemakers), (relay, pace))
    assert run(CONTRAST, develop(genome, dt_ms=CONTRAST.dt_ms), trials).raw < 0.01


def test_saturating_cells_are_no_substitute_for_inhibition():
    trials = CONTRAST.trials(np.random.default_rng(8), 1000)
    assert run(CONTRAST, chain((38.0, 0.6, 4.7, 20.0), (1.0, 5.0, 5.0, 20.0)), trials).raw < 0.1


def test_single_trials_can_be_scored():
    trials = CONTRAST.trials(np.random.default_rng(9), 1)
    score = run(CONTRAST, develop(CONTRAST.reference(), dt_ms=CONTRAST.dt_ms), trials)
    assert np.isfinite([score.raw, score.graded]).all()


def test_gain_is_that_of_the_output_above_what_each_always_fires():
    assert answered([firing(10), firing(10), firing(10), firing(15)]).raw == 1
    assert answered([firing(10), firing(10), firing(10), firing(16)]).raw == 0
    assert answered([firing(60, 50), firing(60, 50), firing(60, 50), firing(66, 50)]).raw == 0
    assert answered([firing(16), firing(10), firing(10), firing(10)], contrast=[8, 2, 4, 1]).raw == 0


def test_no_window_may_fall_below_a_third_of_the_output_at_the_lowest_contrast():
    assert answered([firing(12), firing(12), firing(4), firing(12)]).raw == 1
    assert answered([firing(12), firing(12), firing(3), firing(12)]).raw == 0
    assert answered([firing(12), firing(12), firing(12), firing(3)]).raw == 0


def test_wrong_windows_count_nothing_ties_their_share_and_a_silent_one_voids_the_trial():
    assert answered([firing(10), firing(0, 1), firing(10), firing(10)]).raw == 0.75
    assert answered([firing(10), firing(0), firing(10), firing(10)]).raw == 0
    assert answered([firing(10), [5, 5, 0, 0, 0, 0, 0, 0], firing(10), firing(10)]).raw == 0.875
    wrong = [0, 10, 0, 0, 0, 0, 0, 0]
    assert answered([firing(10), wrong, wrong, firing(10)]).raw == 0.5


def test_silence_and_saturation_fail():
    assert answered([firing(0)] * 4).raw == 0
    assert answered([firing(0), firing(9), firing(9), firing(9)]).raw == 0
    assert answered([firing(500, 500)] * 4).raw == 0


def test_graded_signal_tells_one_excess_from_another():
    little, much = (answered([firing(10)] * 3 + [firing(n)]) for n in (20, 80))
    assert little.raw == much.raw == 0
    assert 1 > little.graded > much.graded > 0
