"""Seconds of calls that take turns: on a machine that others use too, what is compared is measured in turn.

They are seconds of processor time, the calling thread's or where others work for it the process's: on an idle machine
those of the clock, and on a busy one without those that went to others. Only where processes are measured, or what they
wait for, do they come from the clock.
"""

import time
from collections.abc import Callable

import numpy as np

STEADY = 5


def seconds(call: Callable) -> float:
    """Processor time that a call takes in this thread."""
    return _seconds(call, time.thread_time)


def process_seconds(call: Callable) -> float:
    """Processor time that a call takes in all threads of this process."""
    return _seconds(call, time.process_time)


def clock_seconds(call: Callable) -> float:
    """Time from a call's start to its end."""
    return _seconds(call, time.perf_counter)


def steady_seconds(call: Callable) -> float:
    """Processor time of one of several calls in a row, the median, after one that warms the caches up: a turn beside
    a peer whose own turn is long, and leaves the caches full of what is its own.
    """
    call()
    return float(np.median([seconds(call) for _ in range(STEADY)]))


def in_turn(*calls: Callable, repeats: int, timed=seconds) -> np.ndarray:
    """float[calls, repeats]: seconds of each call, after a first round that is not counted (it may compile)."""
    for call in calls:
        call()
    return np.array([[timed(call) for call in calls] for _ in range(repeats)]).T


def _seconds(call: Callable, clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start
