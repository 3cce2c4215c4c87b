import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.tasks.temporal_xor import TemporalXor
from tests.tasks.observers import run, spike_times_ms

XOR = TemporalXor()


def times_ms(trials):
    """When a and b spike after the marker."""
    marker_ms = spike_times_ms(trials, "onset", 1)
    return [(spike_times_ms(trials, port, 1) - marker_ms)[:, 0] for port in ("a", "b")]


def test_all_four_cases_come_equally_often_and_their_exclusive_or_is_the_answer():
    trials = XOR.trials(np.random.default_rng(0), 10_000)
    a_ms, b_ms = times_ms(trials)
    a_late, b_late = a_ms > 9, b_ms > 21
    assert np.array_equal(a_late ^ b_late, trials.answer == 1)
    assert np.bincount(2 * a_late + b_late) / trials.n == pytest.approx([0.25] * 4, abs=0.02)
    for time_ms, late, early_ms in ((a_ms, a_late, 5), (b_ms, b_late, 17)):
        jitter_ms = time_ms - early_ms - 8 * late
        assert 0.99 < np.abs(jitter_ms).max() <= 1
        assert jitter_ms.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)
    assert 59 < np.ptp(spike_times_ms(trials, "onset", 1)) <= 60
    assert trials.stimulus.duration_ms == 160


def test_both_spikes_tell_all_and_one_tells_nothing():
    trials = XOR.trials(np.random.default_rng(1), 10_000)
    a_ms, b_ms = times_ms(trials)
    a_late, b_late = a_ms > 9, b_ms > 21
    assert np.mean((a_late != b_late) == trials.answer) == XOR.ceiling
    for late in (a_late, b_late):
        assert np.mean(late == trials.answer) == pytest.approx(XOR.chance, abs=0.015)


def test_a_coincidence_of_the_inputs_as_they_come_tells_one_case_of_four():
    trials = XOR.trials(np.random.default_rng(2), 10_000)
    a_ms, b_ms = times_ms(trials)
    windows_ms = np.arange(0, 30, 0.25)[:, None]
    accuracy = np.mean((np.abs(a_ms - b_ms) < windows_ms) == trials.answer, axis=1)
    assert accuracy.max() == pytest.approx(0.75, abs=0.015)


def test_hand_wired_reference_reaches_the_ceiling():
    trials = XOR.trials(np.random.default_rng(3), 10_000)
    assert run(XOR, develop(XOR.reference(), dt_ms=XOR.dt_ms), trials).raw == 1.0
