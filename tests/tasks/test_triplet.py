import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.tasks.triplet import Triplet
from tests.tasks.observers import run, spike_times_ms

TRIPLET = Triplet()
MEAN_ms = {"regular": (10, 50, 90), "early": (10, 20, 30), "late": (70, 80, 90)}


def after_marker_ms(trials):
    return spike_times_ms(trials, "train", 3) - spike_times_ms(trials, "onset", 1)


def test_patterns_are_as_stated_with_2_ms_of_uniform_jitter():
    trials = TRIPLET.trials(np.random.default_rng(0), 3000)
    time_ms = after_marker_ms(trials)
    for answer, port in enumerate(TRIPLET.outputs):
        error_ms = time_ms[trials.answer == answer] - MEAN_ms[port.name]
        assert 1.99 < np.abs(error_ms).max() <= 2
        assert error_ms.std() == pytest.approx(2 / np.sqrt(3), rel=0.02)
        assert error_ms.mean(axis=0) == pytest.approx(0, abs=0.12)
    assert 149 < np.ptp(spike_times_ms(trials, "onset", 1)) <= 150
    assert trials.stimulus.duration_ms == 400


def test_ideal_observer_reaches_the_ceiling_and_needs_the_middle_spike():
    trials = TRIPLET.trials(np.random.default_rng(1), 12_000)
    error_ms = after_marker_ms(trials)[:, None] - np.array(list(MEAN_ms.values()))
    unlikely = np.abs(error_ms) > 2
    accuracy = {
        spikes: np.mean(unlikely[:, :, spikes].sum(axis=2).argmin(axis=1) == trials.answer)
        for spikes in ((0,), (2,), (1,), (0, 1, 2))
    }
    assert accuracy[0, 1, 2] == accuracy[(1,)] == TRIPLET.ceiling
    assert accuracy[(0,)] == accuracy[(2,)] == pytest.approx(2 / 3)


def test_hand_wired_reference_reaches_the_ceiling():
    trials = TRIPLET.trials(np.random.default_rng(2), 12_000)
    assert run(TRIPLET, develop(TRIPLET.reference(), dt_ms=TRIPLET.dt_ms), trials).raw == 1.0
