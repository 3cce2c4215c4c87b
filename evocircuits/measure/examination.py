"""A circuit under examination: the jobs that measure variants of it on its own trials, and what they found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np

from evocircuits.certificate import Finding
from evocircuits.circuit import Circuit
from evocircuits.measure.controls import random_like, rewired
from evocircuits.measure.paired import Batch, compared, generator, measured, scored
from evocircuits.measure.parts import Parts
from evocircuits.measure.plan import Item
from evocircuits.measure.statistics import FLIPS, bootstrap_interval
from evocircuits.measure.work import Job, Work

T = TypeVar("T")

CONTROLS = {
    "random": (random_like, "random circuits of the same neurons, synapse numbers, weights and delays"),
    "rewired": (rewired, "rewirings in which every neuron keeps its numbers of synapses of either sign"),
}
"""How each kind is drawn, and what it is."""


@dataclass(frozen=True, eq=False)
class Examination:
    """`circuit` with its `parts`; the `batches` of trials that it meets, by purpose; the `work` that is done, in jobs
    of about `at_once` circuits.
    """

    circuit: Circuit
    parts: Parts
    batches: dict[str, Batch]
    work: Work
    at_once: int

    @property
    def seed(self) -> int:
        """Of all that is drawn."""
        return self.batches["tests"].seed

    def of_intact(self, purposes: Iterable[str]) -> list[Job]:
        """What the circuit itself scores on these batches."""
        missing = [purpose for purpose in purposes if self.work.missing([_intact_key(purpose)])]
        plain = [self.circuit.to_dict()]
        return [Job((_intact_key(p),), measured, (plain, self.batches[p])) for p in missing]

    def of_items(self, items: Iterable[Item]) -> Iterator[Job]:
        """What the circuits of each item score, in comparison."""
        items = {item.key: item for item in items}
        return self._comparisons([items[key] for key in self.work.missing(items)])

    def of_controls(self, kind: str, circuits: Sequence[Circuit]) -> Iterator[Job]:
        """What controls of a kind score."""
        of_key = {f"{kind} {k}": circuit for k, circuit in enumerate(circuits)}
        return self._scores(of_key, "draws")

    def controls(self, kind: str, n: int) -> list[Circuit]:
        """`n` controls; what the task gives stays as it is."""
        fixed = np.zeros(self.circuit.n_synapses, dtype=bool)
        for j in self.parts.projections:
            fixed[j.members] |= j.frozen
        draw, _ = CONTROLS[kind]
        return [draw(self.circuit, generator(self.seed, f"{kind} {k}"), fixed) for k in range(n)]

    def scores(self, circuits: Sequence[Circuit]) -> list[float]:
        """The mean scores of circuits on the trials of the removal, once they are measured."""
        keys = [f"removal {circuit.id}" for circuit in circuits]
        self.work.run(self._scores(dict(zip(keys, circuits, strict=True)), "removal"))
        return [self.work.results[key] for key in keys]

    def score_of(self, circuit: Circuit) -> dict:
        """What another circuit scores on the tests' trials, as `intact`."""
        [key] = keys = (f"score {circuit.id}",)
        missing = self.work.missing(keys)
        self.work.run(Job((key,), measured, (_plain([circuit]), self.batches["tests"])) for key in missing)
        return self.work.results[key]

    def intact(self, purpose: str) -> dict:
        """The circuit's own `score` on a batch, `low`…`high`."""
        return self.work.results[_intact_key(purpose)]

    def finding(self, item: Item) -> Finding:
        """The finding of an item; p is not corrected yet."""
        row = self.work.results[item.key]
        n = self._batch(item).trials
        return Finding(item.kind, item.key, item.what, p_holm=row["p"], n=n, **row)

    def finding_of_controls(self, kind: str, n: int) -> Finding:
        """The finding of `n` controls: p is how likely one of them does as well as the circuit."""
        scores = np.array([self.work.results[f"{kind} {k}"] for k in range(n)])
        own = self.intact("draws")["score"]
        low, high = bootstrap_interval(scores - own, generator(self.seed, f"statistics of {kind}"))
        p = (1 + np.count_nonzero(scores >= own)) / (1 + n)
        beaten = 100 * (np.mean(scores < own) + np.mean(scores == own) / 2)
        effect = {"effect": float(np.mean(scores - own)), "low": low, "high": high, "p": p, "p_holm": p}
        _, what = CONTROLS[kind]
        return Finding(
            "control", kind, what, **effect, score=float(scores.mean()), n=n, percentile=float(beaten)
        )

    def _scores(self, of_key: dict[str, Circuit], purpose: str) -> Iterator[Job]:
        pieces = self._pieces(self.work.missing(of_key), lambda key: 1)
        batch = self.batches[purpose]
        return (Job(tuple(p), scored, (_plain([of_key[key] for key in p]), batch)) for p in pieces)

    def _comparisons(self, items: list[Item]) -> Iterator[Job]:
        def together(item: Item) -> tuple:
            return self._batch(item), item.condition, item.kind == "robustness"

        for (batch, condition, many), group in groupby(items, together):
            for some in self._pieces(group, lambda item: item.draws):
                changed = {item.key: _plain(item.circuits(self.seed)) for item in some}
                flips = FLIPS // 4 if many else FLIPS  # there are fewer rows to correct for
                values = self.circuit.to_dict(), changed, batch, condition, flips
                yield Job(tuple(changed), compared, values)

    def _pieces(self, things: Iterable[T], circuits_of: Callable[[T], int]) -> Iterator[list[T]]:
        piece, n = [], 0
        for thing in things:
            piece.append(thing)
            n += circuits_of(thing)
            if n >= self.at_once:
                yield piece
                piece, n = [], 0
        if piece:
            yield piece

    def _batch(self, item: Item) -> Batch:
        return self.batches["draws" if item.draws > 1 else "tests"]


def _intact_key(purpose: str) -> str:
    return f"intact {purpose}"


def _plain(circuits: Sequence[Circuit]) -> list[dict]:
    return [circuit.to_dict() for circuit in circuits]
