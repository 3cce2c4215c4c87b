from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure.ablation import ablated
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times
from evocircuits.tasks.synchrony import Synchrony
from tests.tasks.observers import run, spike_times_ms, trivial

SYNCHRONY = Synchrony()
REFERENCE = develop(SYNCHRONY.reference(), dt_ms=SYNCHRONY.dt_ms)


def standard_error(credit):
    return credit.std() / np.sqrt(len(credit))


def test_ten_channels_spike_once_each_with_a_spread_of_2_or_4_ms_about_a_random_centre():
    trials = SYNCHRONY.trials(np.random.default_rng(0), 4000)
    spikes = trials.stimulus.spikes["volley"]
    assert np.all(np.bincount(spikes.trial * 10 + spikes.channel, minlength=40_000) == 1)
    time_ms = spike_times_ms(trials, "volley", 10)
    assert trials.answer.mean() == 0.5
    for answer, spread_ms in ((1, 2), (0, 4)):
        variance = time_ms[trials.answer == answer].var(axis=1, ddof=1)
        assert np.sqrt(variance.mean()) == pytest.approx(spread_ms, rel=0.03)
        centre_ms = time_ms[trials.answer == answer].mean(axis=1)
        assert centre_ms.mean() == pytest.approx(60, abs=1.5)
        assert centre_ms.std() == pytest.approx(60 / np.sqrt(12), rel=0.05)
    assert 0 < time_ms.min() < time_ms.max() < trials.stimulus.duration_ms


def test_the_same_generator_state_gives_the_same_trials():
    one, two, other = (SYNCHRONY.trials(np.random.default_rng(seed), 20) for seed in (1, 1, 2))
    times_ms = [trials.stimulus.spikes["volley"].time_ms for trials in (one, two, other)]
    assert np.array_equal(one.answer, two.answer)
    assert np.array_equal(times_ms[0], times_ms[1])
    assert not np.array_equal(times_ms[0], times_ms[2])


def test_likelihood_ratio_observer_reaches_the_ceiling():
    trials = SYNCHRONY.trials(np.random.default_rng(3), 20_000)
    time_ms = spike_times_ms(trials, "volley", 10)
    likelihood = {}
    for spread_ms in (2, 4):  # integrated over the centres that the trial may have had
        likelihood[spread_ms] = np.zeros(len(time_ms))
        for centre_ms in np.arange(30.25, 90, 0.5):
            z = (time_ms - centre_ms) / spread_ms
            likelihood[spread_ms] += np.exp(-(z**2).sum(axis=1) / 2) / spread_ms**10
    right = (likelihood[2] > likelihood[4]) == (trials.answer == 1)
    assert right.mean() == pytest.approx(SYNCHRONY.ceiling, abs=3 * standard_error(right))


def test_hand_wired_reference_comes_near_the_ceiling():
    trials = SYNCHRONY.trials(np.random.default_rng(4), 10_000)
    assert 0.9 < run(SYNCHRONY, REFERENCE, trials).normalised < 1


def test_a_leaky_cell_without_inhibition_falls_short_of_the_reference():
    trials = SYNCHRONY.trials(np.random.default_rng(5), 10_000)
    genome = SYNCHRONY.reference()
    cell, onto_cell = (
        replace(genome.populations[0], tau_m_ms=7.0),
        replace(genome.projections[0], strength=0.15),
    )
    leaky = develop(genome.with_genes(populations=[cell], projections=[onto_cell]), dt_ms=SYNCHRONY.dt_ms)
    score = run(SYNCHRONY, leaky, trials)
    assert score.raw == pytest.approx(0.86, abs=0.015)
    gain = run(SYNCHRONY, REFERENCE, trials).credit - score.credit
    assert gain.mean() > 3 * standard_error(gain)


@pytest.mark.parametrize("what", SYNCHRONY.claim)
def test_reference_needs_what_it_claims(what):
    trials = SYNCHRONY.trials(np.random.default_rng(6), 2000)
    loss = run(SYNCHRONY, REFERENCE, trials).credit - run(SYNCHRONY, ablated(REFERENCE, what), trials).credit
    assert loss.mean() > 3 * standard_error(loss)


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = SYNCHRONY.trials(np.random.default_rng(7), 1000)
    score = run(SYNCHRONY, trivial(SYNCHRONY, kind), trials)
    assert score.raw == score.graded == 0.5


def test_counts_carry_nothing():
    accuracy = count_only_accuracy(SYNCHRONY, np.random.default_rng(8), 10_000)
    assert accuracy == pytest.approx(SYNCHRONY.chance, abs=3 * 0.5 / np.sqrt(10_000))
    assert SYNCHRONY.count_only_ceiling == SYNCHRONY.chance


def test_reference_falls_to_chance_when_times_are_shuffled_across_trials():
    trials = shuffle_times(SYNCHRONY.trials(np.random.default_rng(9), 10_000), np.random.default_rng(10))
    assert run(SYNCHRONY, REFERENCE, trials).raw == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(10_000))


@pytest.mark.parametrize(("kind", "answer"), [("silent", 0), ("always", 1)])
def test_silence_and_saturation_are_right_in_the_single_trials_that_ask_for_them(kind, answer):
    trials = [SYNCHRONY.trials(np.random.default_rng(seed), 1) for seed in range(20)]
    assert {int(t.answer[0]) for t in trials} == {0, 1}
    for t in trials:
        score = run(SYNCHRONY, trivial(SYNCHRONY, kind), t)
        assert score.raw == score.graded == (t.answer[0] == answer)
