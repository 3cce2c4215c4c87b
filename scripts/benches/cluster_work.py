"""What workers are given to do in place of a run's steps, in `cluster.py` and `faults.py`."""

import os
import time
from functools import cache
from pathlib import Path

import numpy as np

from evocircuits.search.island import Step
from evocircuits.search.recipe import load_recipe

MEAN_s, SIGMA = 2.0, 0.5
STATE_BYTES = 30_000
"""As many as an island's state of `localise` has."""


def sleeping(state, immigrants, settings, island: int, epoch: int, refused=()) -> Step:
    """A step that sleeps its time, log-normal with stragglers, and returns as much as a real one does."""
    time.sleep(sleep_s(island, epoch))
    return _like_a_real_one()


def sleep_s(island: int, epoch: int) -> float:
    """How long that step takes, in seconds, 2 in the mean."""
    rng = np.random.default_rng((island, epoch))
    return float(MEAN_s * rng.lognormal(-(SIGMA**2) / 2, SIGMA))


@cache
def _like_a_real_one() -> Step:
    from evocircuits.search.island import advance

    recipe = load_recipe("order", generations=1, parents=2, offspring=2, validation_trials=2, trials=2)
    step = advance(None, [], recipe.model_dump(), 0, 0)
    return Step(os.urandom(STATE_BYTES), os.urandom(STATE_BYTES // 20), step.report)


def nothing() -> None:
    """Takes no time."""


def greedy(folder: str) -> int:
    """Takes ever more memory, up to eight gigabytes, and leaves a file for every time it was called."""
    calls = len(list(Path(folder).iterdir()))
    (Path(folder) / str(calls)).touch()
    taken = []
    for _ in range(80):
        taken.append(np.ones(100 * 2**17))
        time.sleep(0.05)
    return len(taken)
