from dataclasses import replace

import numpy as np

from evocircuits.simulator import Spikes, Stimulus
from evocircuits.tasks import Trials, get_task
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times


class CountedOrder:
    """Order, with a second spike on `a` wherever the answer is 1: counts tell all."""

    inputs = get_task("order").inputs

    def trials(self, rng, n):
        trials = get_task("order").trials(rng, n)
        one = np.flatnonzero(trials.answer == 1)
        a = trials.stimulus.spikes["a"]
        more = Spikes(
            np.append(a.time_ms, np.full(len(one), 1.0)), np.append(a.trial, one), np.zeros(n + len(one), int)
        )
        return Trials(replace(trials.stimulus, spikes=trials.stimulus.spikes | {"a": more}), trials.answer)


def test_count_observer_finds_what_counts_tell():
    assert count_only_accuracy(CountedOrder(), np.random.default_rng(0), 200) == 1.0


def test_shuffling_keeps_counts_and_the_pool_of_times():
    trials = get_task("localise").trials(np.random.default_rng(0), 20)
    other = shuffle_times(trials, np.random.default_rng(1))
    before, after = trials.stimulus.spikes["left"], other.stimulus.spikes["left"]
    assert np.array_equal(before.trial, after.trial)
    assert np.array_equal(np.sort(before.time_ms), np.sort(after.time_ms))
    assert not np.array_equal(before.time_ms, after.time_ms)
    assert isinstance(other.stimulus, Stimulus)
