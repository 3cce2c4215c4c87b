import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.tasks import get_task
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times
from tests.tasks.observers import run, spike_times_ms, trivial

ORDER = get_task("order")


def test_gaps_are_5_to_15_ms_and_the_order_is_the_answer():
    trials = ORDER.trials(np.random.default_rng(0), 1000)
    gap_ms = spike_times_ms(trials, "b", 1)[:, 0] - spike_times_ms(trials, "a", 1)[:, 0]
    assert np.all((np.abs(gap_ms) >= 5) & (np.abs(gap_ms) <= 15))
    assert np.array_equal(gap_ms > 0, trials.answer == 1)
    assert trials.answer.mean() == 0.5


def test_one_spike_time_alone_tells_little():
    train, test = (ORDER.trials(np.random.default_rng(seed), 20_000) for seed in (7, 8))
    for port in ("a", "b"):
        edges = np.arange(0, 151, 2.5)
        bins = [np.digitize(spike_times_ms(t, port, 1)[:, 0], edges) for t in (train, test)]
        first = np.bincount(bins[0], weights=train.answer, minlength=len(edges) + 1)
        guess = first * 2 > np.bincount(bins[0], minlength=len(edges) + 1)
        assert np.mean(guess[bins[1]] == (test.answer == 1)) < 0.57


def test_hand_wired_reference_reaches_the_ceiling():
    trials = ORDER.trials(np.random.default_rng(1), 1000)
    assert run(ORDER, develop(ORDER.reference(), dt_ms=ORDER.dt_ms), trials).raw == 1.0


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = ORDER.trials(np.random.default_rng(2), 1000)
    assert run(ORDER, trivial(ORDER, kind), trials).raw == 0.5


def test_counts_carry_nothing():
    accuracy = count_only_accuracy(ORDER, np.random.default_rng(4), 2600)
    assert accuracy == pytest.approx(ORDER.count_only_ceiling, abs=0.03)
    assert ORDER.count_only_ceiling == ORDER.chance


def test_reference_falls_to_chance_when_times_are_shuffled_across_trials():
    trials = shuffle_times(ORDER.trials(np.random.default_rng(4), 4000), np.random.default_rng(5))
    assert run(ORDER, develop(ORDER.reference(), dt_ms=ORDER.dt_ms), trials).raw == pytest.approx(
        0.5, abs=0.03
    )


def test_single_trials_can_be_scored_and_silence_is_right_in_half_of_them():
    trials = [ORDER.trials(np.random.default_rng(seed), 1) for seed in range(40)]
    reference = develop(ORDER.reference(), dt_ms=ORDER.dt_ms)
    assert all(run(ORDER, reference, t).raw == 1.0 for t in trials)
    assert 0.2 < np.mean([run(ORDER, trivial(ORDER, "silent"), t).raw for t in trials]) < 0.8
