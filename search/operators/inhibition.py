"""Operators that insert the canonical circuits of inhibition, strong enough to act at once.

Feed-forward and feedback inhibition, cross inhibition (lateral, or mutual between two populations) and disinhibition:
Isaacson & Scanziani, Neuron 72 (2011); Kepecs & Fishell, Nature 505 (2014).
"""

from typing import TYPE_CHECKING

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation, varied
from evocircuits.search.draws import between, pick
from evocircuits.search.operators.genes import (
    ALL_TO_ALL,
    ONE_TO_ONE,
    drawn_pattern,
    extended,
    fresh,
    new_population,
    new_projection,
)

if TYPE_CHECKING:
    from evocircuits.search.space import Space


def insert_feedforward(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Let what excites a population also excite new inhibitory cells onto it, and often onto all its fellows."""
    target = pick(rng, genome.populations)
    drivers = _exciting(genome, target)
    if not drivers:
        return genome
    return _inserted(genome, rng, space, [pick(rng, drivers)], _with_fellows(genome, rng, target))


def insert_feedback(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Let an excitatory population, or all its fellows, excite new inhibitory cells onto itself."""
    excitatory = [p for p in genome.populations if p.excitatory]
    if not excitatory:
        return genome
    all_alike = _with_fellows(genome, rng, pick(rng, excitatory))
    return _inserted(genome, rng, space, all_alike, all_alike)


def insert_cross(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Let the members of an excitatory population, or two such populations of one size, inhibit each other.

    Each has an inhibitory cell of its own, which vetoes all the others.
    """
    excitatory = [p for p in genome.populations if p.excitatory]
    if not excitatory:
        return genome
    one = pick(rng, excitatory)
    others = [p for p in excitatory if p.size == one.size and p is not one]
    if one.size > 1 and (not others or rng.random() < 0.5):
        return _inserted(genome, rng, space, [one], [one], Pattern("all_but_self"))
    if not others:
        return genome
    other = pick(rng, others)
    half = _inserted(genome, rng, space, [one], [other], ONE_TO_ONE)
    return _inserted(half, rng, space, [other], [one], ONE_TO_ONE)


def insert_disinhibition(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Let new inhibitory cells silence inhibitory ones, which come as feed-forward inhibition where there are none."""
    if all(p.excitatory for p in genome.populations):
        genome = insert_feedforward(genome, rng, space)
    inhibitory = [p for p in genome.populations if not p.excitatory]
    drivers = [*genome.inputs, *(p for p in genome.populations if p.excitatory)]
    if not inhibitory or not drivers:
        return genome
    return _inserted(genome, rng, space, [pick(rng, drivers)], [pick(rng, inhibitory)])


def _exciting(genome: Genome, target: PopulationGene) -> list[Port | PopulationGene]:
    sources = {j.source for j in genome.projections if j.target == target.id}
    excitatory = [*genome.inputs, *(p for p in genome.populations if p.excitatory)]
    return [g for g in excitatory if g.id in sources]


def _fast(cell: PopulationGene, rng: np.random.Generator, space: "Space") -> PopulationGene:
    """The cell with membrane and excitation no slower than typical of the task, as fast-spiking interneurons are."""
    quick = {
        name: between(rng, getattr(space.ranges, name)[0], space.ranges.typical[name])
        for name in ("tau_m_ms", "tau_syn_ex_ms")
    }
    return varied(cell, **quick)


def _with_fellows(genome: Genome, rng: np.random.Generator, one: PopulationGene) -> list[PopulationGene]:
    """The population; as often, where it serves a port, all of its sign and size that serve one."""
    if one.port is None or rng.random() < 0.5:
        return [one]
    return [p for p in genome.populations if p.port and (p.excitatory, p.size) == (one.excitatory, one.size)]


def _inserted(
    genome: Genome,
    rng: np.random.Generator,
    space: "Space",
    drivers: list[Port] | list[PopulationGene],
    targets: list[PopulationGene],
    veto: Pattern | None = None,
) -> Genome:
    """New inhibitory cells from drivers to targets: one in all, or one for each member, as any `veto` wants it."""
    id = fresh(genome, "inhibition", drivers[0].id, targets[0].id)
    size = 1 if veto is None and rng.random() < 0.5 else targets[0].size
    if veto is None:
        kinds = ("one_to_one", "all_but_self", "neighbours")
        veto = drawn_pattern(rng, size, size, kinds) if size > 1 else ALL_TO_ALL
    cell = _fast(new_population(id, rng, space, excitatory=False, size=size), rng, space)
    strong = 1.1 + 0.9 * rng.random(), 0.05 * 180 ** rng.random()
    inward = [_wire("drive", driver, cell, rng, space, ONE_TO_ONE, strong[0]) for driver in drivers]
    outward = [_wire("veto", cell, target, rng, space, veto, strong[1]) for target in targets]
    return extended(genome, populations=[cell], projections=[*inward, *outward])


def _wire(
    kind: str,
    source: Port | PopulationGene,
    target: PopulationGene,
    rng: np.random.Generator,
    space: "Space",
    pattern: Pattern,
    strength: float,
) -> ProjectionGene:
    drawn = new_projection(innovation(kind, source.id, target.id), source, target, rng, space)
    return varied(drawn, pattern=pattern, strength=strength, delay_gradient_ms=0.0)
