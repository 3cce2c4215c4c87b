"""Variation: founders, mutation and crossover, pure functions of genomes and a generator.

They hold the recipe's limits of size; what single operators do is told in `operators`.
"""

import numpy as np

from evocircuits.genome import Genome, PopulationGene, innovation, varied
from evocircuits.search.draws import pick
from evocircuits.search.operators import OPERATORS, Operator
from evocircuits.search.operators.direct import split_population, splittable
from evocircuits.search.operators.genes import fitted, new_population, new_projection, pruned
from evocircuits.search.space import Space

ATTEMPTS = 4
"""How often an operator is drawn at most for each change wanted: many do not apply to every genome."""


def found(rng: np.random.Generator, space: Space, direct: bool = False) -> Genome:
    """A founder: what the task gives, and an excitatory population for every output port that is not served by it,
    driven by every input port. Where it is to be `direct`, its populations are split into single neurons.
    """
    populations, projections = map(list, space.task.given())
    served = {p.port for p in populations}
    for port in space.task.outputs:
        if port.name in served:
            continue
        id = innovation("founder", port.name)
        population = varied(new_population(id, rng, space, excitatory=True, size=port.size), port=port.name)
        populations.append(population)
        for source in space.task.inputs:
            id = innovation("founder", source.name, port.name)
            projections.append(new_projection(id, source, population, rng, space))
    genome = Genome(space.task.inputs, space.task.outputs, tuple(populations), tuple(projections))
    for population in splittable(genome) if direct else ():
        genome = split_population(genome, population)
    return genome


def mutate(genome: Genome, rng: np.random.Generator, space: Space) -> tuple[Genome, str]:
    """A mutant by one to three operators drawn by their rates, and their names joined by '+', or `unchanged`."""
    parent, used, many = genome, [], rng.random()
    wanted = 1 if many < 0.6 else 2 if many < 0.9 else 3
    for _ in range(ATTEMPTS * wanted):
        name, operator = space.draw_operator(rng)
        changed = operator(genome, rng, space)
        if changed is not genome and changed != genome and space.admits(changed):
            genome = changed
            used.append(name)
            if len(used) == wanted:
                break
    return genome, "+".join(used) if genome != parent else "unchanged"


def crossover(genome: Genome, other: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Take one population's constants and incoming projections from `other`, aligned by innovation id.

    Projections whose source this genome lacks stay behind, and so do populations of its own that then lead nowhere.
    """
    donors = {p.id: p for p in other.populations}
    shared = [p for p in genome.populations if not p.frozen and _alike(p, donors.get(p.id))]
    if not shared:
        return genome
    chosen = pick(rng, shared)
    donor = varied(donors[chosen.id], port=chosen.port, frozen=False)
    sizes = genome.sizes
    kept = [j for j in genome.projections if j.target != chosen.id or j.frozen]
    ids = {j.id for j in kept}
    taken = [
        fitted(j, sizes, space.ranges)
        for j in other.projections
        if j.target == chosen.id and j.source in sizes and j.id not in ids
    ]
    if not taken:
        return genome
    populations = [donor if p is chosen else p for p in genome.populations]
    child = pruned(genome.with_valid_genes(populations=populations, projections=(*kept, *taken)))
    return child if space.admits(child) else genome


def _alike(one: PopulationGene, other: PopulationGene | None) -> bool:
    return other is not None and (one.size, one.excitatory) == (other.size, other.excitatory)


__all__ = ["OPERATORS", "Operator", "Space", "crossover", "found", "mutate"]
