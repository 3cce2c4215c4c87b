import numpy as np

from evocircuits.development import develop
from evocircuits.tasks.burst import Burst
from tests.tasks.observers import run, spike_times_ms

BURST = Burst()


def after_marker_ms(trials):
    return spike_times_ms(trials, "train", 5) - spike_times_ms(trials, "onset", 1)


def test_bursts_are_five_spikes_4_ms_apart_that_start_at_0_to_4_or_80_to_84_ms_after_the_marker():
    trials = BURST.trials(np.random.default_rng(0), 1000)
    time_ms = after_marker_ms(trials)
    late = trials.answer == 1
    assert np.allclose(np.diff(time_ms, axis=1), 4)
    for start_ms in (time_ms[~late, 0], time_ms[late, 0] - 80):
        assert 0 <= start_ms.min() < 0.1
        assert 3.9 < start_ms.max() <= 4
    assert 149 < np.ptp(spike_times_ms(trials, "onset", 1)) <= 150
    assert trials.stimulus.duration_ms == 400


def test_the_time_since_the_marker_tells_all_and_that_in_the_trial_little():
    trials = BURST.trials(np.random.default_rng(1), 10_000)
    for time_ms in after_marker_ms(trials).T:
        assert np.mean((time_ms > 50) == trials.answer) == BURST.ceiling
    in_trial_ms, edge_ms = spike_times_ms(trials, "train", 5)[:, 0], np.arange(0, 250, 5)[:, None]
    assert np.mean((in_trial_ms > edge_ms) == trials.answer, axis=1).max() < 0.8


def test_no_delay_spans_the_difference():
    assert BURST.ranges.delay_ms[1] < 80 / 3


def test_hand_wired_reference_reaches_the_ceiling():
    trials = BURST.trials(np.random.default_rng(2), 10_000)
    assert run(BURST, develop(BURST.reference(), dt_ms=BURST.dt_ms), trials).raw == 1.0
