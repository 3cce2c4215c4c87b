"""Circuits on the same trials: what a certificate's workers do. Functions of plain values to plain values.

Scores are normalised: 0 at the task's chance, 1 at its ceiling.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
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
REMOVAL = "removal"
"""The purpose of trials by which something is chosen, and which reported ones must not be among."""

TIME_STEP = "time step"
NOISE = {
    "spikes added": with_spikes_added,
    "spikes deleted": with_spikes_deleted,
    "spikes jittered": with_spikes_jittered,
}
Condition = tuple[str, float]
"""Other conditions for the circuit as it is: one of `NOISE` with its amount, or `TIME_STEP`."""


class Batch(NamedTuple):
    """So many trials of a task (a name or file that `get_task` takes), drawn from a seed for a purpose of any name."""

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


def scored_by_trial(circuits: list[dict], batch: Batch) -> list[list[float]]:
    """The scores of each circuit, trial by trial."""
    return [score.tolist() for score in _scores(_read(circuits), batch)]


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
    changed: dict[str, dict],
    batch: Batch,
    condition: Condition | None = None,
    flips: int = FLIPS,
) -> list[dict]:
    """For each key, what its changed circuit scores beside the intact one on the same trials: the mean `score`, and the
    `effect`, by how much it is higher, with 95 % interval `low`…`high` and two-sided `p` of `flips` permutations.
    """
    before = _intact_scores(Circuit.from_dict(intact), batch)
    after = _scores(_read(changed.values()), batch, condition)
    return [
        _row(score, score - before, generator(batch.seed, f"statistics of {key}"), flips)
        for key, score in zip(changed, after, strict=True)
    ]


def compared_draws(
    intact: dict, changed: dict[str, list[dict]], batch: Batch, flips: int = FLIPS
) -> list[dict]:
    """The same of as many circuits for each key, drawn at random: each meets an equal share of the trials of its own.

    So their mean differences are independent, and what follows from these holds for circuits yet to be drawn as well.
    """
    n = len(next(iter(changed.values())))
    before = _intact_shares(Circuit.from_dict(intact), batch, n)
    after = _shares(_read(chain.from_iterable(changed.values())), batch, n).reshape(-1, n)
    return [
        _row(score, score - before, generator(batch.seed, f"statistics of {key}"), flips)
        for key, score in zip(changed, after, strict=True)
    ]


def _row(score: np.ndarray, difference: np.ndarray, rng: np.random.Generator, flips: int) -> dict:
    low, high = bootstrap_interval(difference, rng)
    p = sign_flip_p(difference, rng, flips)
    return {
        "score": float(score.mean()),
        "effect": float(difference.mean()),
        "low": low,
        "high": high,
        "p": p,
    }


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


def _shares(circuits: Sequence[Circuit], batch: Batch, n: int) -> np.ndarray:
    """float[circuits]: the mean score of the k-th on the (k mod n)-th of n shares of the trials."""
    each, mean = batch.trials // n, np.zeros(len(circuits))
    if _task(batch).open_loop:
        for k in range(n):
            share = batch._replace(purpose=f"{batch.purpose} {k}", trials=each)
            mean[k::n] = [score.mean() for score in _scores(circuits[k::n], share)]
    else:  # a closed loop takes least time where all play it side by side, on all of the trials
        for k, score in enumerate(_scores(circuits, batch)):
            mean[k] = score[each * (k % n) : each * (k % n + 1)].mean()
    return mean


@lru_cache(maxsize=4)
def _intact_scores(circuit: Circuit, batch: Batch) -> np.ndarray:
    return _scores([circuit], batch)[0]


@lru_cache(maxsize=4)
def _intact_shares(circuit: Circuit, batch: Batch, n: int) -> np.ndarray:
    return _shares([circuit] * n, batch, n)


@lru_cache(maxsize=64)
def _trials(batch: Batch) -> Trials:
    return _task(batch).trials(stream(batch.seed, CERTIFICATE, *_words(batch.purpose)), batch.trials)


def _task(batch: Batch) -> Task:
    return get_task(batch.task).of_part("validation" if batch.purpose == REMOVAL else "held-out")


def _read(circuits: Iterable[dict]) -> list[Circuit]:
    return [Circuit.from_dict(circuit) for circuit in circuits]


def _normalised(credit, task: Task):
    return (credit - task.chance) / (task.ceiling - task.chance)


def _words(text: str) -> tuple[int, int]:
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")
