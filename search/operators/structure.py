"""Operators that add, remove, copy, move and resize populations and projections.

They look poor per use and open what perturbation cannot reach: their rates are not tuned by immediate credit.
"""

from typing import TYPE_CHECKING

import numpy as np

from evocircuits.genome import Genome, PopulationGene, ProjectionGene, innovation, varied
from evocircuits.search.draws import pick, scaled
from evocircuits.search.operators.genes import (
    ONE_TO_ONE,
    extended,
    fitted,
    fresh,
    hidden,
    new_projection,
    pruned,
    with_strength,
    without,
)

if TYPE_CHECKING:
    from evocircuits.search.space import Space


def add_projection(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Connect a random source to a random population."""
    source = pick(rng, (*genome.inputs, *genome.populations))
    target = pick(rng, genome.populations)
    parallel = sum(j.source == source.id and j.target == target.id for j in genome.projections)
    id = fresh(genome, "projection", source.id, target.id, parallel)
    return extended(genome, projections=[new_projection(id, source, target, rng, space)])


def delete_projection(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Remove one projection."""
    free = [j for j in genome.projections if not j.frozen]
    if len(free) < 2:
        return genome
    gone = pick(rng, free)
    return pruned(genome.with_valid_genes(projections=[j for j in genome.projections if j is not gone]))


def delete_population(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Remove one population that serves no port, with its projections."""
    free = hidden(genome)
    return pruned(without(genome, {pick(rng, free).id})) if free else genome


def copy_population(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Put a twin of a population beside it: same inputs and targets, strengths jittered.

    The twin of a population that serves a port relays to it one to one, so that two detectors of different width or
    delay add up.
    """
    original = pick(rng, genome.populations)
    twin = varied(original, id=fresh(genome, "copy", original.id), port=None, frozen=False)
    sizes = genome.sizes | {twin.id: twin.size}
    projections = []
    for j in genome.projections:
        source = twin.id if j.source == original.id else j.source
        target = twin.id if j.target == original.id else j.target
        if (source, target) != (j.source, j.target):
            id = innovation("copy", twin.id, j.id)
            copied = varied(j, id=id, source=source, target=target, frozen=False)
            copied = with_strength(copied, scaled(j.strength, space.ranges.strength, rng))
            projections.append(fitted(copied, sizes, space.ranges))
    if original.port:
        projections.append(_relay(twin, original, rng, space))
    return extended(genome, populations=[twin], projections=projections)


def move_to_hidden(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Insert a relay before a port: its population's inputs move to a hidden copy that drives it one to one."""
    served = [p for p in genome.populations if p.port and not p.frozen]
    if not served:
        return genome
    output = pick(rng, served)
    relay = varied(output, id=fresh(genome, "hidden", output.id), port=None)
    moved = [
        varied(j, id=innovation("moved", relay.id, j.id), target=relay.id)
        if j.target == output.id and j.source != output.id and not j.frozen
        else j
        for j in genome.projections
    ]
    return genome.with_valid_genes(
        populations=(*genome.populations, relay), projections=(*moved, _relay(relay, output, rng, space))
    )


def resize(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Give one population that serves no port another size: one more or less, one in all, or as many as a port."""
    free = hidden(genome)
    if not free:
        return genome
    old = pick(rng, free)
    ports = (port.size for port in (*genome.inputs, *genome.outputs))
    new = varied(old, size=pick(rng, sorted({1, old.size - 1, old.size + 1, *ports} - {0, old.size})))
    sizes = genome.sizes | {new.id: new.size}
    return genome.with_valid_genes(
        populations=[new if p is old else p for p in genome.populations],
        projections=[
            fitted(j, sizes, space.ranges) if old.id in (j.source, j.target) else j
            for j in genome.projections
        ],
    )


def _relay(
    source: PopulationGene, target: PopulationGene, rng: np.random.Generator, space: "Space"
) -> ProjectionGene:
    relay = new_projection(innovation("relay", source.id), source, target, rng, space)
    return varied(relay, pattern=ONE_TO_ONE, strength=1.1 + 1.9 * rng.random(), delay_gradient_ms=0.0)
