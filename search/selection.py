"""Selection with DEAP: tournaments for mating; score elites and NSGA-II on (score, energy) for survival.

Plain NSGA-II drifts to circuits of one neuron when scores are noisy; the elites keep what works.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from deap import base, tools

from evocircuits.genome import Genome
from evocircuits.measure import Evaluation

MEMORY = 8
"""Evaluations that a survivor's running mean remembers at most."""


class ScoreAndEnergy(base.Fitness):
    """Maximise the score, minimise the energy; at module level so that it unpickles in workers."""

    weights = (1.0, -1.0)


@dataclass(eq=False)
class Individual:
    """A genome, how it came about, and the running mean of its score over the fresh trials of each generation."""

    genome: Genome
    operator: str
    parents: tuple[str, ...] = ()
    evaluations: int = 0
    score: float = 0.0
    raw: float = 0.0
    energy_pJ: float = 0.0
    fitness: ScoreAndEnergy = field(default_factory=ScoreAndEnergy)

    def meet(self, evaluation: Evaluation, parsimony: float, chance: float) -> None:
        """Take in the evaluation of one more generation. An invalid one counts as it is: the lowest score there is.

        Synapses cost `parsimony` each, in proportion to what the circuit scores above chance.
        """
        worth = evaluation.graded - parsimony * evaluation.synapses * max(0.0, evaluation.raw - chance)
        if not evaluation.valid:
            worth, self.evaluations = evaluation.graded, 0
        weight = 1 / (min(self.evaluations, MEMORY - 1) + 1)
        self.evaluations += 1
        self.score = (1 - weight) * self.score + weight * worth
        self.raw = (1 - weight) * self.raw + weight * evaluation.raw
        self.energy_pJ = evaluation.energy_pJ
        self.fitness.values = (self.score, self.energy_pJ)


@contextmanager
def deap_random(rng: np.random.Generator) -> Iterator[None]:
    """Python's global generator, which DEAP draws from, seeded from `rng` within and put back after."""
    before = random.getstate()
    random.seed(int(rng.integers(2**63)))
    try:
        yield
    finally:
        random.setstate(before)


def mates(parents: list[Individual], n: int) -> list[Individual]:
    """`n` parents drawn by tournaments of three on the score."""
    return tools.selTournament(parents, n, tournsize=3, fit_attr="fitness") if parents else []


def survivors(pool: list[Individual], n: int, elites: int) -> list[Individual]:
    """`n` of `pool`: the `elites` best scores, the rest by NSGA-II; of equal genomes only the first."""
    distinct = list({individual.genome: individual for individual in reversed(pool)}.values())[::-1]
    best = sorted(distinct, key=lambda i: i.score, reverse=True)
    kept = best[:elites]
    rest = (
        tools.selNSGA2(best[elites:], min(n - len(kept), len(best) - len(kept)), nd="log")
        if best[elites:]
        else []
    )
    return kept + rest
