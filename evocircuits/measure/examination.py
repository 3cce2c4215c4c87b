"""A circuit under examination: the jobs that measure variants of it on its own trials, and what they found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np

from evocircuits.certificate import Finding
from evocircuits.circuit import Circuit
from evocircuits.measure.controls import random_like, rewired
from evocircuits.measure.paired import (
    REMOVAL,
    Batch,
    compared,
    compared_draws,
    generator,
    measured,
    scored,
    scored_by_trial,
)
from evocircuits.measure.parts import Parts
from evocircuits.measure.plan import Item
from evocircuits.measure.statistics import FLIPS, bootstrap_interval
from evocircuits.measure.work import Job, Work

T = TypeVar("T")

OWN = "intact controls"
"""The key of the circuit's own scores, trial by trial, beside those of its controls."""
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

    def of_intact(self, purpose: str) -> Iterator[Job]:
        """What the circuit itself scores on a batch."""
        return self._alone(self.circuit, f"intact {purpose}", purpose)

    def of_items(self, items: Iterable[Item]) -> Iterator[Job]:
        """What the circuits of each item score, in comparison."""
        items = {item.key: item for item in items}
        return self._comparisons([items[key] for key in self.work.missing(items)])

    def of_controls(self, drawn: dict[str, list[Circuit]]) -> Iterator[Job]:
        """What controls of each kind score, and the circuit itself beside them."""
        of_key = {f"{kind} {k}": c for kind, circuits in drawn.items() for k, c in enumerate(circuits)}
        return self._scores(scored_by_trial, {OWN: self.circuit} | of_key if drawn else {}, "controls")

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
        self.work.run(self._scores(scored, dict(zip(keys, circuits, strict=True)), REMOVAL))
        return [self.work.results[key] for key in keys]

    def score_of(self, circuit: Circuit) -> dict:
        """What another circuit scores on the tests' trials, as `intact`."""
        self.work.run(self._alone(circuit, key := f"score {circuit.id}", "tests"))
        return self.work.results[key]

    def intact(self, purpose: str) -> dict:
        """The circuit's own `score` on a batch, `low`…`high`."""
        return self.work.results[f"intact {purpose}"]

    def finding(self, item: Item) -> Finding:
        """The finding of an item; p is not corrected yet."""
        row, trials = self.work.results[item.key], self._batch(item).trials
        return Finding(item.kind, item.key, item.what, p_holm=row["p"], n=trials - trials % item.draws, **row)

    def finding_of_controls(self, kind: str, n: int) -> Finding:
        """The finding of `n` controls: p is how likely one of them does as well as the circuit."""
        keys = OWN, *(f"{kind} {k}" for k in range(n))
        by_trial = np.array([self.work.results[key] for key in keys])
        difference, (own, *others) = by_trial[1:] - by_trial[0], by_trial.mean(axis=1).tolist()
        low, high = bootstrap_interval(difference, generator(self.seed, f"statistics of {kind}"))
        as_good = sum(score >= own for score in others)
        equal = others.count(own)
        p, (_, what) = (1 + as_good) / (1 + n), CONTROLS[kind]
        return Finding(
            kind="control",
            key=kind,
            what=what,
            effect=float(difference.mean()),
            low=low,
            high=high,
            p=p,
            p_holm=p,
            score=sum(others) / n,
            n=n,
            percentile=100 * (n - as_good + equal / 2) / n,
        )

    def _alone(self, circuit: Circuit, key: str, purpose: str) -> Iterator[Job]:
        for missing in self.work.missing([key]):
            yield Job((missing,), measured, (_plain([circuit]), self.batches[purpose]))

    def _scores(self, function: Callable, of_key: dict[str, Circuit], purpose: str) -> Iterator[Job]:
        pieces = self._pieces(self.work.missing(of_key), lambda key: 1)
        batch = self.batches[purpose]
        return (Job(tuple(p), function, (_plain([of_key[key] for key in p]), batch)) for p in pieces)

    def _comparisons(self, items: list[Item]) -> Iterator[Job]:
        def together(item: Item) -> tuple:
            return item.draws, item.condition, item.kind == "robustness"

        intact = self.circuit.to_dict()
        for (draws, condition, many), group in groupby(items, together):
            flips = FLIPS // 4 if many else FLIPS  # there are fewer rows to correct for
            for some in self._pieces(group, lambda item: item.draws):
                batch, keys = self._batch(some[0]), tuple(item.key for item in some)
                plain = [_plain(item.circuits(self.seed)) for item in some]
                if draws > 1:
                    several = dict(zip(keys, plain, strict=True))
                    yield Job(keys, compared_draws, (intact, several, batch, flips))
                else:
                    single = {key: one for key, [one] in zip(keys, plain, strict=True)}
                    yield Job(keys, compared, (intact, single, batch, condition, flips))

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


def _plain(circuits: Sequence[Circuit]) -> list[dict]:
    return [circuit.to_dict() for circuit in circuits]
