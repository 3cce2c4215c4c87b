"""Circuits on the same trials: what a certificate's workers do. Functions of plain values to plain values.

Scores are normalised: 0 at the task's chance, 1 at its ceiling.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.fitness import stream
from evocircuits.measure.robustness import (
    finer,
    with_spikes_added,
    with_spikes_deleted,
    with_spikes_jittered,
)
from evocircuits.measure.statistics import FLIPS, bootstrap_interval, credit_interval, sign_flip_p
from evocircuits.tasks import Task, Trials, get_task

CERTIFICATE = 1000
"""First word of the keys of all streams that a certificate draws from: no search meets its trials."""
PARTS = {"tests": "held-out", "draws": "held-out", "removal": "validation"}
"""What trials are for, and of which part of a task's stock they are."""

TIME_STEP = "time step"
NOISE = {
    "spikes added": with_spikes_added,
    "spikes deleted": with_spikes_deleted,
    "spikes jittered": with_spikes_jittered,
}
Condition = tuple[str, float]
"""Other conditions for the circuit as it is: one of `NOISE` with its amount, or `TIME_STEP`."""


class Batch(NamedTuple):
    """So many trials of a task (a name or file that `get_task` takes), drawn from a seed for a purpose in `PARTS`."""

    task: str
    seed: int
    purpose: str
    trials: int


def generator(seed: int, key: str) -> np.random.Generator:
    """The generator of a seed and a text; those of different texts are independent, also of all trials."""
    return stream(seed, CERTIFICATE, *_words(key))


def brings_spikes(batch: Batch) -> bool:
    """Whether input spikes are part of the trials, there before a circuit does anything."""
    trials = _trials(batch)
    return isinstance(trials, Trials) and any(len(s.time_ms) for s in trials.stimulus.spikes.values())


def scored(circuits: list[dict], batch: Batch) -> list[float]:
    """The mean score of each circuit."""
    return [float(score.mean()) for score in _scores(_read(circuits), batch)]


def measured(circuits: list[dict], batch: Batch) -> list[dict]:
    """The mean `score` of each circuit with its 95 % interval `low`…`high`."""
    task, rows = _task(batch), []
    for score in _scores(_read(circuits), batch):
        credit = task.chance + score * (task.ceiling - task.chance)
        low, high = (_normalised(end, task) for end in credit_interval(credit, *task.credit_range))
        mean = float(score.mean())
        rows.append({"score": mean, "low": min(low, mean), "high": max(high, mean)})
    return rows


def compared(
    intact: dict,
    changed: dict[str, list[dict]],
    batch: Batch,
    condition: Condition | None = None,
    flips: int = FLIPS,
) -> list[dict]:
    """For each key of `changed`, the mean `score` of its circuits over all draws, and the `effect`, its difference from
    the intact circuit's on the same trials, with 95 % interval `low`…`high` and two-sided `p` of `flips` permutations.
    """
    circuits = [circuit for draws in changed.values() for circuit in draws]
    scores = iter(_scores(_read(circuits), batch, condition))
    before = _intact_score(Circuit.from_dict(intact), batch)
    rows = []
    for key, draws in changed.items():
        after, rng = np.array([next(scores) for _ in draws]), generator(batch.seed, f"statistics of {key}")
        difference = after - before
        low, high = bootstrap_interval(difference, rng)
        p = sign_flip_p(difference.mean(axis=0), rng, flips)
        effect = {"effect": float(difference.mean()), "low": low, "high": high, "p": p}
        rows.append({"score": float(after.mean()), **effect})
    return rows


def _scores(
    circuits: Sequence[Circuit], batch: Batch, condition: Condition | None = None
) -> list[np.ndarray]:
    """float[trials] of each circuit."""
    task, trials = _task(batch), _trials(batch)
    if condition is not None:
        kind, amount = condition
        if kind == TIME_STEP:
            task = finer(task)
        else:
            rng = generator(batch.seed, f"{kind} {amount}")
            trials = replace(trials, stimulus=NOISE[kind](trials.stimulus, amount, rng))
    return [_normalised(play.score.credit, task) for play in task.play_all(circuits, trials)]


@lru_cache(maxsize=4)
def _intact_score(circuit: Circuit, batch: Batch) -> np.ndarray:
    return _scores([circuit], batch)[0]


@lru_cache(maxsize=4)
def _trials(batch: Batch) -> Trials:
    return _task(batch).trials(stream(batch.seed, CERTIFICATE, *_words(batch.purpose)), batch.trials)


def _task(batch: Batch) -> Task:
    return get_task(batch.task).of_part(PARTS[batch.purpose])


def _read(circuits: list[dict]) -> list[Circuit]:
    return [Circuit.from_dict(circuit) for circuit in circuits]


def _normalised(credit, task: Task):
    return (credit - task.chance) / (task.ceiling - task.chance)


def _words(text: str) -> tuple[int, int]:
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")
