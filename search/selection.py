"""Selection with DEAP: tournaments or lexicase for mating; score elites and NSGA-II on the objectives for survival.

Plain NSGA-II drifts to circuits of one neuron when scores are noisy; the elites keep what works.
"""

import random
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from deap import base, tools

from evocircuits.genome import Genome
from evocircuits.search.objectives import INVALID, OBJECTIVES

MEMORY = 8
"""Generations that a survivor's running means remember at most."""


@dataclass(eq=False)
class Individual:
    """A genome, how it came about, and running means over the fresh trials of the generations that it met.

    `ancestors` are those it was bred from in this epoch, the first of a `mother_score`; `parents` are the ids of their
    circuits, None until the epoch ends. `score` is what selection goes by, `normalised` what a report would say;
    `cases` are those of the last generation.
    """

    genome: Genome
    operator: str
    ancestors: tuple["Individual", ...] = ()
    parents: tuple[str, ...] | None = None
    mother_score: float = 0.0
    generations: int = 0
    score: float = 0.0
    normalised: float = 0.0
    objectives: dict[str, float] = field(default_factory=dict)
    cases: tuple[float, ...] = ()
    descriptors: tuple[float, ...] = ()

    def after(self, worth: float) -> float:
        """The score that a further generation of `worth` would give. An invalid one counts as it is."""
        return worth if worth <= INVALID else self._mixed(self.score, worth)

    def meet(
        self,
        worth: float,
        normalised: float,
        objectives: dict[str, float],
        cases: tuple[float, ...] = (),
        descriptors: tuple[float, ...] = (),
    ) -> None:
        """Take in one more generation."""
        if worth <= INVALID:
            self.generations = 0
        self.score, self.normalised = self.after(worth), self._mixed(self.normalised, normalised)
        self.objectives = {k: self._mixed(self.objectives.get(k, v), v) for k, v in objectives.items()}
        self.cases, self.descriptors = cases, descriptors
        self.generations += 1

    def _mixed(self, mean: float, value: float) -> float:
        weight = 1 / (min(self.generations, MEMORY - 1) + 1)
        return (1 - weight) * mean + weight * value


class Contender(NamedTuple):
    """An individual under one of DEAP's fitnesses."""

    individual: Individual
    fitness: base.Fitness


@contextmanager
def deap_random(rng: np.random.Generator) -> Iterator[None]:
    """Python's global generator, which DEAP draws from, seeded from `rng` within and put back after."""
    before = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(before)


def mates(parents: list[Individual], n: int, how: str = "tournament") -> list[Individual]:
    """`n` parents drawn by tournaments of three on the score, or by lexicase on the cases."""
    if how == "tournament":
        return tools.selTournament(parents, n, tournsize=3, fit_attr="score")
    n_cases = max(len(i.cases) for i in parents)
    contenders = [_contender(i, _padded(i.cases, n_cases), (1.0,) * n_cases) for i in parents]
    return [c.individual for c in tools.selAutomaticEpsilonLexicase(contenders, n)]


def survivors(pool: list[Individual], n: int, elites: int, objectives: tuple[str, ...]) -> list[Individual]:
    """`n` of `pool`: as `elites` the best scores and the best of further structures, half and half, so that what is new
    is not swept away by variants of what leads; the rest by NSGA-II. Of equal genomes only the first.
    """
    best = sorted(distinct(pool), key=lambda i: i.score, reverse=True)
    if objectives == ("score",):
        return best[:n]
    leaders = best[: elites - elites // 2]
    led = {i.genome.structure for i in leaders}
    others = [i for i in structures(best) if i.genome.structure not in led]
    kept = [*leaders, *others[: elites // 2]]
    kept += [i for i in best if i not in kept][: elites - len(kept)]
    weights = tuple(OBJECTIVES[name].sign for name in objectives)
    rest = [i for i in best if i not in kept]
    values = [tuple(i.objectives[name] for name in objectives) for i in rest]
    return kept + nsga2(rest, values, weights, n - elites)


def nsga2(individuals: list, values: Sequence[tuple], weights: tuple[float, ...], n: int) -> list:
    """At most `n` of `individuals` by NSGA-II on their `values`, each to be maximised or minimised as `weights` say."""
    contenders = [_contender(i, v, weights) for i, v in zip(individuals, values, strict=True)]
    chosen = tools.selNSGA2(contenders, min(n, len(contenders)), nd="log") if contenders else []
    return [c.individual for c in chosen]


def structures(individuals: list[Individual]) -> list[Individual]:
    """Of every structure the best score, best first."""
    best_first = sorted(individuals, key=lambda i: i.score, reverse=True)
    return _firsts(best_first, lambda i: i.genome.structure)


def distinct(pool: list[Individual]) -> list[Individual]:
    """Of equal genomes only the first."""
    return _firsts(pool, lambda i: i.genome)


def _firsts(individuals: list[Individual], key: Callable[[Individual], Hashable]) -> list[Individual]:
    """The first of every key, in order."""
    firsts: dict[Hashable, Individual] = {}
    for individual in individuals:
        firsts.setdefault(key(individual), individual)
    return list(firsts.values())


def _padded(cases: tuple[float, ...], n: int) -> tuple[float, ...]:
    return cases + (INVALID,) * (n - len(cases))


def _contender(individual: Individual, values: tuple[float, ...], weights: tuple[float, ...]) -> Contender:
    return Contender(individual, _fitness(weights)(values))


@cache
def _fitness(weights: tuple[float, ...]) -> type[base.Fitness]:
    return type("Fitness", (base.Fitness,), {"weights": weights})
