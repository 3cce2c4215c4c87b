"""What circuits learn between generations: CMA-ES on the best resident, and on structures that are new.

A new structure seldom stands against a tuned one before it was tuned itself; a memetic island gives it that chance
(Moscato, On evolution, search, optimization, genetic algorithms and martial arts, Caltech 826 (1989)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evocircuits.genome import Genome
from evocircuits.search.assay import Assay
from evocircuits.search.recipe import Recipe
from evocircuits.search.refine import SIGMA, refine
from evocircuits.search.selection import Individual, deap_random, mates
from evocircuits.search.space import Space
from evocircuits.search.variation import mutate

VARIANTS, ENOUGH = 2, 150
"""New structures that a memetic island tries in an epoch, at least, and evaluations that tell what one is worth: what
there is beyond them is spent on more structures …"""
ATTEMPTS = 20
"""… each after at most so many mutations of a resident …"""
WIDE = 0.8
"""… and refined by steps so wide at first, in the units of `refine`: what is new is far from its best."""


@dataclass(frozen=True)
class Learning:
    """Refinement by a recipe, measured by `assay` on the trials of `key`; what is random comes from `rng`."""

    recipe: Recipe
    space: Space
    assay: Assay
    key: tuple[int, ...]
    rng: np.random.Generator

    def best(self, residents: list[Individual]) -> Individual:
        """What CMA-ES makes of the best resident's continuous genes in `recipe.refine_evaluations`.

        Lamarckian, it is to move in. Baldwinian, the resident keeps its genes and is credited with what it could learn.
        """
        best = max(residents, key=lambda i: i.score)
        genome, gain = self._refined(best.genome, self.recipe.refine_evaluations, SIGMA)
        mother_score, learned = best.score, best.score + gain
        if self.recipe.refinement == "baldwinian":
            best.score = learned
        return Individual(genome, "refine", (best.genome,), mother_score=mother_score, score=learned)

    def variants(self, residents: list[Individual], evaluations: int) -> list[Individual]:
        """Mutants of another structure than their mothers', refined in so many `evaluations` together."""
        n = max(VARIANTS, evaluations // ENOUGH)
        with deap_random(self.rng):
            mothers = mates(residents, n)
        return [self._variant(mother, evaluations // n) for mother in mothers]

    def _variant(self, mother: Individual, evaluations: int) -> Individual:
        variant, operators = mother.genome, []
        while variant.structure == mother.genome.structure and len(operators) < ATTEMPTS:
            variant, operator = mutate(variant, self.rng, self.space)
            operators.append(operator)
        genome, _ = self._refined(variant, evaluations, WIDE)
        return Individual(genome, f"{operators[-1]}+refine", (mother.genome,), mother_score=mother.score)

    def _refined(self, genome: Genome, evaluations: int, sigma: float) -> tuple[Genome, float]:
        """The genome after CMA-ES, and what it gained."""
        worths: list[float] = []

        def scores(candidates: Sequence[Genome]) -> list[float]:
            worths.extend(self.assay.worths(candidates, self.key))
            return worths[-len(candidates) :]

        found = refine(genome, scores, self.rng, self.space, evaluations=evaluations, sigma=sigma)
        return found.genome, found.score - worths[0]
