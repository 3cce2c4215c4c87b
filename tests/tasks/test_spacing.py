import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.tasks.spacing import Spacing
from evocircuits.tasks.trains import start
from tests.tasks.observers import run

SPACING = Spacing()


def opening_ms(seed, n):
    """When the windows of the trials of a seed open, which is drawn first."""
    return start(np.random.default_rng(seed), n, 100.0)[:, 0]


def trains(trials, port):
    """The spike times of each trial, sorted."""
    spikes = trials.stimulus.spikes[port]
    return [np.sort(spikes.time_ms[spikes.trial == trial]) for trial in range(trials.n)]


def test_even_trains_are_in_phase_over_100_ms_and_clusters_at_opposite_ends():
    trials = SPACING.trials(np.random.default_rng(0), 1000)
    a_first, phases = [], []
    rows = zip(trains(trials, "a"), trains(trials, "b"), opening_ms(0, 1000), trials.answer, strict=True)
    for a, b, start_ms, clustered in rows:
        a, b = a - start_ms, b - start_ms
        assert len(a) == len(b)
        if clustered:
            first, last = sorted((a, b), key=np.min)
            assert first.max() <= 20
            assert 80 <= last.min() <= last.max() <= 100
            a_first.append(first is a)
        else:
            assert np.array_equal(a, b)
            assert np.allclose(np.diff(a), 100 / len(a))
            phases.append(a[0] * len(a) / 100)
    assert np.mean(a_first) == pytest.approx(0.5, abs=0.08)
    assert 0 <= min(phases) < 0.02
    assert 0.98 < max(phases) <= 1
    assert trials.stimulus.duration_ms == 400


def test_counts_are_4_to_8_equally_often_whatever_the_answer():
    trials = SPACING.trials(np.random.default_rng(1), 10_000)
    count = np.bincount(trials.stimulus.spikes["a"].trial)
    for answer in (0, 1):
        share = np.bincount(count[trials.answer == answer], minlength=9) / 5000
        assert share == pytest.approx([0] * 4 + [0.2] * 5, abs=0.02)


def test_clusters_are_uniform_in_their_20_ms():
    trials = SPACING.trials(np.random.default_rng(2), 2000)
    spikes = trials.stimulus.spikes["a"]
    time_ms = (spikes.time_ms - opening_ms(2, 2000)[spikes.trial])[trials.answer[spikes.trial] == 1]
    within_ms = np.where(time_ms > 50, time_ms - 80, time_ms)
    assert within_ms.mean() == pytest.approx(10, abs=0.3)
    assert within_ms.std() == pytest.approx(20 / np.sqrt(12), rel=0.03)


def test_whether_anything_comes_in_the_middle_tells_all():
    trials = SPACING.trials(np.random.default_rng(3), 10_000)
    spikes = trials.stimulus.spikes["a"]
    time_ms = spikes.time_ms - opening_ms(3, 10_000)[spikes.trial]
    middle = np.bincount(spikes.trial[np.abs(time_ms - 50) < 30], minlength=trials.n)
    assert np.mean((middle == 0) == trials.answer) == SPACING.ceiling


def test_hand_wired_reference_nearly_reaches_the_ceiling():
    trials = SPACING.trials(np.random.default_rng(4), 10_000)
    score = run(SPACING, develop(SPACING.reference(), dt_ms=SPACING.dt_ms), trials)
    assert 0.96 < score.normalised < 1
