"""Evaluations that may be the end of their process: noted one by one before they begin, and refused where known to be.

The simulator bounds what a circuit can cost, but a task of the user's own may crash, or never return, on some circuit.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from evocircuits.genome import Genome


@dataclass(frozen=True)
class Note:
    """What is about to be evaluated: a genome, as plain values, on so many trials of a seed, on a task of that name,
    and of a task with a limited stock of trials from which part of it.
    """

    genome: dict
    task: str
    seed: tuple[int, ...]
    n_trials: int
    part: str = "training"

    @property
    def digest(self) -> str:
        """By which the genome is refused."""
        return digest(self.genome)


@dataclass(frozen=True)
class Caution:
    """`note` is told of each evaluation before it begins, which they then do one by one; genomes whose digests are
    `refused` are not evaluated.
    """

    note: Callable[[Note], None] | None = None
    refused: frozenset[str] = frozenset()


_NONE = Caution()
_around: ContextVar[Caution] = ContextVar("caution", default=_NONE)


def caution() -> Caution:
    """That under which this code runs."""
    return _around.get()


@contextmanager
def noting(note: Callable[[Note], None]) -> Iterator[None]:
    """Evaluations within are told to `note` first."""
    with _set(replace(caution(), note=note)):
        yield


@contextmanager
def refusing(digests: Collection[str]) -> Iterator[None]:
    """Genomes of these digests are invalid within."""
    with _set(replace(caution(), refused=caution().refused | frozenset(digests))):
        yield


def digest(genome: Genome | dict) -> str:
    """SHA-256 of a genome, or of its plain values."""
    plain = genome if isinstance(genome, dict) else genome.to_dict()
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


@contextmanager
def _set(changed: Caution) -> Iterator[None]:
    token = _around.set(changed)
    try:
        yield
    finally:
        _around.reset(token)
