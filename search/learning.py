"""What circuits learn between generations: CMA-ES on the best resident, and on structures that are new.

A new structure seldom stands against a tuned one before it was tuned itself; a memetic island gives it that chance
(Moscato, On evolution, search, optimization, genetic algorithms and martial arts, Caltech 826 (1989)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from evocircuits.genome import Genome
from evocircuits.search.assay import Assay
from evocircuits.search.recipe import Recipe
from evocircuits.search.refine import FINALISTS, Refined, genes, refine
from evocircuits.search.selection import Individual, deap_random, mates, structures
from evocircuits.search.space import Space
from evocircuits.search.variation import mutate

PER_GENE = 8
"""Evaluations for each continuous gene that tell what a new structure is worth: a memetic island tries as many …"""
ATTEMPTS = 20
"""… each after at most so many mutations of a resident …"""
WIDTHS = 0.2, 1.2
"""… and refined by steps that are first between so narrow and so wide, in the units of `refine`: how far the best is
nobody knows."""


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
        found = self._refined(best.genome, self.recipe.refine_evaluations)
        mother_score, learned = best.score, best.score + found.gain
        if self.recipe.refinement == "baldwinian":
            best.score = learned
        return Individual(found.genome, "refine", (best.genome,), mother_score=mother_score, score=learned)

    def variants(self, residents: list[Individual], evaluations: int) -> list[Individual]:
        """Mutants of another structure than their mothers', refined in half of the `evaluations` together, and at the
        end what the best of them becomes in the other half.
        """
        found: list[Individual] = []
        residents = structures(residents)
        left = evaluations // 2
        while left > 0:
            with deap_random(self.rng):
                [mother] = mates(residents, 1)
            variant, operator = self._variant(mother.genome)
            enough = PER_GENE * len(genes(variant, self.space)) + FINALISTS
            spent = enough if left >= 2 * enough else left
            genome = self._refined(variant, spent).genome
            found.append(
                Individual(genome, f"{operator}+refine", (mother.genome,), mother_score=mother.score)
            )
            left -= spent
        worths = self.assay.worths([i.genome for i in found], self.key)
        best = found[int(np.argmax(worths))]
        genome = self._refined(best.genome, evaluations - evaluations // 2 - len(found)).genome
        return [*found, Individual(genome, best.operator, best.ancestors, mother_score=best.mother_score)]

    def _variant(self, genome: Genome) -> tuple[Genome, str]:
        """A mutant of another structure, and the last operator that made it."""
        variant, operator, wiring = genome, "", _wiring(genome)
        for _ in range(ATTEMPTS):
            variant, operator = mutate(variant, self.rng, self.space)
            if _wiring(variant) != wiring:
                break
        return variant, operator

    def _refined(self, genome: Genome, evaluations: int) -> Refined:
        """The genome after CMA-ES, which meets fresh trials at every step."""
        steps = count()
        sigma = WIDTHS[0] * (WIDTHS[1] / WIDTHS[0]) ** self.rng.random()

        def scores(candidates: Sequence[Genome]) -> list[float]:
            return self.assay.worths(candidates, (*self.key, next(steps)))

        return refine(genome, scores, self.rng, self.space, evaluations=evaluations, sigma=sigma)


def _wiring(genome: Genome) -> tuple[set, set]:
    """What refinement leaves as it is."""
    projections = {(j.id, j.source, j.target, j.pattern, type(j.plasticity)) for j in genome.projections}
    return {(p.id, p.size) for p in genome.populations}, projections
