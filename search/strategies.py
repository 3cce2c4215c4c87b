"""How an island breeds, and whom it keeps: strategies that run side by side, and the baselines they are held against.

Every generation an island breeds children from some of its residents, lets those, newcomers and children meet the same
trials, and keeps some of all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evocircuits.search.archive import map_elites, novelty_search
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual, deap_random, distinct, mates, survivors
from evocircuits.search.variation import Space, crossover, found, mutate

LEAPS = 20
"""A random genome is a founder after up to so many mutations."""

Breeder = Callable[[list[Individual], int, Recipe, Space, np.random.Generator], list[Individual]]
Keeper = Callable[[list[Individual], Recipe], list[Individual]]


@dataclass(frozen=True)
class Strategy:
    """`breed` makes children of residents; `keep` says who stays. `direct`: founders have genes of their own for every
    neuron. `memetic`: most evaluations go to the refinement of new structures. `archive`: residents are an archive over
    the recipe's descriptors. `isolated`: no migration, no restarts and no refinement, as for a baseline.
    """

    breed: Breeder
    keep: Keeper
    direct: bool = False
    memetic: bool = False
    archive: bool = False
    isolated: bool = False


def strategy_name(recipe: Recipe, island: int) -> str:
    """What an island's strategy is called."""
    if recipe.search != "evolution":
        return recipe.search
    return recipe.strategies[island % len(recipe.strategies)]


def strategy_of(recipe: Recipe, island: int) -> Strategy:
    """The strategy of an island."""
    return (STRATEGIES | BASELINES)[strategy_name(recipe, island)]


def founders(n: int, strategy: Strategy, space: Space, rng: np.random.Generator) -> list[Individual]:
    """The first inhabitants of an island."""
    return [Individual(found(rng, space, direct=strategy.direct), "found") for _ in range(n)]


def _bred(
    residents: list[Individual], n: int, recipe: Recipe, space: Space, rng: np.random.Generator
) -> list[Individual]:
    """Mutants of residents that won a tournament, some of them crossed with a second one before."""
    with deap_random(rng):
        first, second = (mates(residents, n, recipe.mating) for _ in range(2))
    return [_child(m, f, recipe, space, rng) for m, f in zip(first, second, strict=True)]


def _bred_from_any(
    residents: list[Individual], n: int, recipe: Recipe, space: Space, rng: np.random.Generator
) -> list[Individual]:
    """As `_bred`, every resident alike: an archive's selection is that they are in it."""
    first, second = ([residents[k] for k in rng.integers(len(residents), size=n)] for _ in range(2))
    return [_child(m, f, recipe, space, rng) for m, f in zip(first, second, strict=True)]


def _child(
    mother: Individual, father: Individual, recipe: Recipe, space: Space, rng: np.random.Generator
) -> Individual:
    genome, operators, ancestors = mother.genome, [], (mother,)
    if father is not mother and rng.random() < recipe.crossover:
        genome = crossover(genome, father.genome, rng, space)
        if genome is not mother.genome:
            operators, ancestors = ["crossover"], (mother, father)
    genome, mutation = mutate(genome, rng, space)
    return Individual(genome, "+".join([*operators, mutation]), ancestors, mother_score=mother.score)


def _drawn(
    residents: list[Individual], n: int, recipe: Recipe, space: Space, rng: np.random.Generator
) -> list[Individual]:
    """Random genomes, whoever there is."""
    children = []
    for _ in range(n):
        genome = found(rng, space)
        for _ in range(rng.integers(LEAPS + 1)):
            genome, _ = mutate(genome, rng, space)
        children.append(Individual(genome, "random"))
    return children


def _mutants_of_one(
    residents: list[Individual], n: int, recipe: Recipe, space: Space, rng: np.random.Generator
) -> list[Individual]:
    """λ mutants of the one resident."""
    climber = residents[0]
    return [_child(climber, climber, recipe, space, rng) for _ in range(n)]


def _elites_and_front(pool: list[Individual], recipe: Recipe) -> list[Individual]:
    return survivors(pool, recipe.parents, recipe.elites, recipe.objectives)


def _map(pool: list[Individual], recipe: Recipe) -> list[Individual]:
    return map_elites(distinct(pool), recipe.descriptors)


def _novel(pool: list[Individual], recipe: Recipe) -> list[Individual]:
    return novelty_search(distinct(pool), recipe.descriptors, 2 * recipe.parents)


def _best_few(pool: list[Individual], recipe: Recipe) -> list[Individual]:
    return survivors(pool, recipe.winners, recipe.winners, ("score",))


def _best_one(pool: list[Individual], recipe: Recipe) -> list[Individual]:
    """The best; of equals the last, so that a climber drifts along plateaus."""
    return [max(reversed(pool), key=lambda i: i.score)]


STRATEGIES: dict[str, Strategy] = {
    "population": Strategy(_bred, _elites_and_front),
    "memetic": Strategy(_bred, _elites_and_front, memetic=True),
    "direct": Strategy(_bred, _elites_and_front, direct=True),
    "map_elites": Strategy(_bred_from_any, _map, archive=True),
    "novelty": Strategy(_bred_from_any, _novel, archive=True),
}

BASELINES: dict[str, Strategy] = {
    "random": Strategy(_drawn, _best_few, isolated=True),
    "hill_climbing": Strategy(_mutants_of_one, _best_one, isolated=True),
}
