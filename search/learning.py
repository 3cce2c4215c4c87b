"""What circuits learn between generations: CMA-ES on the best resident, and on structures that are new.

A new structure seldom stands against a tuned one before it was tuned itself; a memetic island gives it that chance
(Moscato, On evolution, search, optimization, genetic algorithms and martial arts, Caltech 826 (1989)).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from evocircuits.genome import Genome
from evocircuits.search.assay import Assay
from evocircuits.search.recipe import Recipe
from evocircuits.search.refine import FINALISTS, Descent, Scores, carry_on, descend, settled
from evocircuits.search.selection import Individual, deap_random, mates, structures
from evocircuits.search.space import Space
from evocircuits.search.variation import mutate
from evocircuits.search.vector import genes

PER_GENE = 4
"""Evaluations for each continuous gene after which structures are first compared."""
ATTEMPTS = 20
"""A resident is mutated at most so often until its structure is another."""
WIDTHS = 0.2, 1.2
"""First standard deviations in the units of `refine`, from the narrowest to the widest: how far the best is nobody
knows."""


@dataclass(frozen=True)
class Learning:
    """Refinement by a recipe, measured by `assay` on the trials of `key`; what is random comes from `rng`."""

    recipe: Recipe
    space: Space
    assay: Assay
    key: tuple[int, ...]
    rng: np.random.Generator

    def best(
        self, residents: list[Individual], under_way: Descent | None = None
    ) -> tuple[Individual, Descent | None]:
        """What CMA-ES makes of the best resident's continuous genes in `recipe.refine_evaluations`, and the descent.

        One that is `under_way` is carried on if it is about the same structure; it is None once it is given up.
        Lamarckian, what is found is to move in. Baldwinian, the resident keeps its genes and is credited with what it
        could learn.
        """
        best = max(residents, key=lambda i: i.score)
        if under_way and _wiring(under_way.genome) == _wiring(best.genome):
            descent = under_way
            descent.genome = best.genome
        else:
            descent = Descent(best.genome, self.space, self.rng, self._width())
        found = carry_on(descent, self._fresh(), self.recipe.refine_evaluations)
        mother_score, learned = best.score, best.score + found.gain
        if self.recipe.refinement == "baldwinian":
            best.score = learned
        refined = Individual(found.genome, "refine", (best,), mother_score=mother_score, score=learned)
        return refined, descent if descent.worthwhile else None

    def variants(self, residents: list[Individual], evaluations: int) -> list[Individual]:
        """Mutants of another structure than their mothers', tuned in so many `evaluations` together.

        Successive halving (Jamieson & Talwalkar, AISTATS 2016): in each round those that are left share an equal part
        of the evaluations, and the better half goes on to the next; the last one has most.
        """
        residents = structures(residents)
        n, rounds = _contest(evaluations, PER_GENE * len(genes(residents[0].genome, self.space)))
        tried = [self._variant(residents) for _ in range(n)]
        descents = [Descent(i.genome, self.space, self.rng, self._width()) for i in tried]
        scores, left = self._fresh(), descents
        spare = evaluations - FINALISTS - 2 * (n - 1)  # n + n/2 + … + 2 are for the rankings
        for to_come in reversed(range(rounds)):
            before = sum(d.made for d in left)
            descend(left, spare // (to_come + 1) // len(left), scores)
            spare -= sum(d.made for d in left) - before
            if to_come:
                ranking = np.argsort(scores([d.mean for d in left]), kind="stable")[::-1]
                left = [left[at] for at in ranking[: len(left) // 2]]
        [last] = left
        return [
            replace(i, genome=settled(d, scores).genome if d is last else d.mean)
            for i, d in zip(tried, descents, strict=True)
        ]

    def _variant(self, residents: list[Individual]) -> Individual:
        """A mutant of another structure than its mother's, by the last operator that made it."""
        with deap_random(self.rng):
            [mother] = mates(residents, 1)
        genome, operator, wiring = mother.genome, "", _wiring(mother.genome)
        for _ in range(ATTEMPTS):
            genome, operator = mutate(genome, self.rng, self.space)
            if _wiring(genome) != wiring:
                break
        return Individual(genome, f"{operator}+refine", (mother,), mother_score=mother.score)

    def _width(self) -> float:
        narrow, wide = WIDTHS
        return narrow * (wide / narrow) ** self.rng.random()

    def _fresh(self) -> Scores:
        """Scores on other trials in every call."""
        calls = count()

        def scores(candidates: Sequence[Genome]) -> list[float]:
            return self.assay.worths(candidates, (*self.key, next(calls)))

        return scores


def _contest(evaluations: int, enough: int) -> tuple[int, int]:
    """How many variants share the evaluations in how many rounds, each with `enough` in the first: as many as can."""
    n = rounds = 1
    while (rounds + 1) * 2 * n * enough <= evaluations:
        n, rounds = 2 * n, rounds + 1
    return n, rounds


def _wiring(genome: Genome) -> tuple[set, set]:
    """What refinement leaves as it is."""
    projections = {(j.id, j.source, j.target, j.pattern, type(j.plasticity)) for j in genome.projections}
    return {(p.id, p.size) for p in genome.populations}, projections
