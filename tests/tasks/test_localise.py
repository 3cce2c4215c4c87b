import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.tasks import get_task
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times
from tests.tasks.observers import run, spike_times_ms, trivial

LOCALISE = get_task("localise")


def test_click_times_have_the_stated_differences_and_jitter():
    trials = LOCALISE.trials(np.random.default_rng(0), 2600)
    difference_ms = spike_times_ms(trials, "left", 16) - spike_times_ms(trials, "right", 16)
    error_ms = difference_ms - (trials.answer[:, None] - 6) * 0.1
    assert error_ms.mean() == pytest.approx(0, abs=0.003)
    assert error_ms.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.02)
    period_ms = np.diff(spike_times_ms(trials, "left", 16), axis=1)
    assert period_ms.mean() == pytest.approx(10, abs=0.01)


@pytest.mark.parametrize(("clicks", "expected"), [(1, 0.332), (4, 0.557), (16, 0.855)])
def test_ideal_observer_reaches_the_ceiling(clicks, expected):
    trials = LOCALISE.trials(np.random.default_rng(1), 26_000)
    difference_ms = (spike_times_ms(trials, "left", 16) - spike_times_ms(trials, "right", 16))[
        :, :clicks
    ].mean(axis=1)
    place = np.clip(np.rint(difference_ms / 0.1), -6, 6) + 6
    assert np.mean(place == trials.answer) == pytest.approx(expected, abs=0.01)
    assert LOCALISE.ceiling == 0.855


def test_hand_wired_bank_beats_what_one_cell_per_place_can_reach():
    trials = LOCALISE.trials(np.random.default_rng(2), 1280)
    score = run(LOCALISE, develop(LOCALISE.reference(), dt_ms=LOCALISE.dt_ms), trials)
    assert 0.70 < score.raw < 0.855


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = LOCALISE.trials(np.random.default_rng(3), 260)
    assert run(LOCALISE, trivial(LOCALISE, kind), trials).raw == pytest.approx(1 / 13)


def test_counts_carry_nothing():
    accuracy = count_only_accuracy(LOCALISE, np.random.default_rng(4), 2600)
    assert accuracy == pytest.approx(LOCALISE.count_only_ceiling, abs=0.02)
    assert LOCALISE.count_only_ceiling == LOCALISE.chance


def test_reference_falls_to_chance_when_times_are_shuffled_across_trials():
    trials = shuffle_times(LOCALISE.trials(np.random.default_rng(5), 1280), np.random.default_rng(6))
    score = run(LOCALISE, develop(LOCALISE.reference(), dt_ms=LOCALISE.dt_ms), trials)
    assert score.raw == pytest.approx(1 / 13, abs=0.03)


def test_graded_signal_rewards_near_misses():
    trials = LOCALISE.trials(np.random.default_rng(7), 128)
    counts = np.zeros((128, 13), int)
    near, far = counts.copy(), counts.copy()
    near[np.arange(128), (trials.answer + np.where(trials.answer < 12, 1, -1))] = 1
    far[np.arange(128), (trials.answer + 6) % 13] = 1

    class Played:
        def __init__(self, counts):
            self.counts = counts

        def output_counts(self, port):
            return self.counts

    assert LOCALISE.score(trials, Played(near)).raw == LOCALISE.score(trials, Played(far)).raw == 0
    assert LOCALISE.score(trials, Played(near)).graded > LOCALISE.score(trials, Played(far)).graded
