import numpy as np

from evocircuits.development import develop
from evocircuits.tasks.burst import Burst
from tests.tasks.observers import run, spike_times_ms

BURST = Burst()


def test_bursts_are_five_spikes_4_ms_apart_that_start_at_0_to_4_or_80_to_84_ms():
    trials = BURST.trials(np.random.default_rng(0), 1000)
    time_ms = spike_times_ms(trials, "train", 5)
    late = trials.answer == 1
    assert np.allclose(np.diff(time_ms, axis=1), 4)
    for start_ms in (time_ms[~late, 0], time_ms[late, 0] - 80):
        assert 0 <= start_ms.min() < 0.1
        assert 3.9 < start_ms.max() <= 4
    assert np.all(spike_times_ms(trials, "onset", 1) == 0)
    assert trials.stimulus.duration_ms == 130


def test_the_time_of_any_spike_tells_all():
    trials = BURST.trials(np.random.default_rng(1), 10_000)
    for time_ms in spike_times_ms(trials, "train", 5).T:
        assert np.mean((time_ms > 50) == trials.answer) == BURST.ceiling


def test_no_delay_spans_the_difference():
    assert BURST.ranges.delay_ms[1] < 80 / 3


def test_hand_wired_reference_reaches_the_ceiling():
    trials = BURST.trials(np.random.default_rng(2), 10_000)
    assert run(BURST, develop(BURST.reference(), dt_ms=BURST.dt_ms), trials).raw == 1.0
