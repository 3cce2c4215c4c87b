"""Operators towards the direct encoding: populations become single neurons, projections single synapses.

What the circuit computes does not change: the same neurons in the same order, the same synapses, weights and delays.
Only then can its parts be varied one by one. Ids are the same whatever is split first: a part's id is the whole's,
combined by exclusive or with those of the members at its ends.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from evocircuits.development import count_wires, wires
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation, varied
from evocircuits.search.draws import pick
from evocircuits.search.operators.genes import ALL_TO_ALL, bound

if TYPE_CHECKING:
    from evocircuits.search.space import Space

MAX_PROJECTIONS = 150
"""Genomes that would have more are not split."""
_SHORTEST_ms = 1e-6


def split(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Turn one population into its members."""
    free = splittable(genome)
    return split_population(genome, pick(rng, free)) if free else genome


def unbundle(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Turn one projection between a single neuron and many channels or neurons into its synapses."""
    sizes = genome.sizes
    free = [
        j
        for j in genome.projections
        if not j.frozen
        and j.pattern.kind != "single"
        and min(sizes[j.source], sizes[j.target]) == 1
        and count_wires(j.pattern, sizes[j.source], sizes[j.target]) > 1
    ]
    if not free:
        return genome
    chosen = pick(rng, free)
    return _with_parts(genome, [_singles(j, sizes) if j is chosen else [j] for j in genome.projections])


def splittable(genome: Genome) -> list[PopulationGene]:
    """The populations that may be split."""
    kept = bound(genome)
    return [p for p in genome.populations if p.size > 1 and p.id not in kept]


def split_population(
    genome: Genome, population: PopulationGene, max_projections: int = MAX_PROJECTIONS
) -> Genome:
    """The genome with that population's members in its place, or as it is where it would have too many projections."""
    members = [varied(population, id=_member(population.id, k), size=1) for k in range(population.size)]
    populations = [m for p in genome.populations for m in (members if p.id == population.id else [p])]
    sizes = genome.sizes
    parts = [
        list(_parts(j, population.id, sizes)) if population.id in (j.source, j.target) else [j]
        for j in genome.projections
    ]
    return _with_parts(genome, parts, populations, max_projections)


def _with_parts(
    genome: Genome,
    parts: list[list[ProjectionGene]],
    populations: list[PopulationGene] | None = None,
    max_projections: int = MAX_PROJECTIONS,
) -> Genome:
    projections = [j for own in parts for j in own]
    if len(projections) > max_projections:
        return genome
    whole = genome.with_valid_genes(populations=populations, projections=projections)
    # A part can be there already: that of an earlier one with the same ancestry.
    distinct = len(whole.structure) == len(whole.populations) + len(whole.projections)
    return whole if distinct else genome


def _parts(j: ProjectionGene, population: int, sizes: dict[int, int]) -> Iterator[ProjectionGene]:
    """`j` as projections from or to the members of `population`."""
    n_source, n_target = sizes[j.source], sizes[j.target]
    ends, place = wires(j.pattern, n_source, n_target)
    pairs = list(zip(ends[0].tolist(), ends[1].tolist(), place.tolist(), strict=True))
    if j.source == j.target:
        for source, target, at in pairs:
            part = _ended(_ended(j, "source", source), "target", target)
            yield varied(part, pattern=ALL_TO_ALL, **_delay(j, at))
        return
    side = "source" if j.source == population else "target"
    larger = "source" if n_source > n_target else "target"  # the side whose places decide on delays
    others_of: dict[int, list[int]] = {}
    at_of: dict[int, float] = {}
    for source, target, at in pairs:
        own, other = (source, target) if side == "source" else (target, source)
        others_of.setdefault(own, []).append(other)
        at_of[own] = at
    for own, others in others_of.items():
        part = _ended(j, side, own)
        if side == larger:
            id = j.id if j.pattern.kind == "single" else part.id  # a single one is told from others already
            part = varied(part, id=id, **_delay(j, at_of[own]))
        if len(others) == (n_target if side == "source" else n_source):
            yield varied(part, pattern=ALL_TO_ALL)
        else:
            yield from (_single(part, side, other) for other in others)


def _singles(j: ProjectionGene, sizes: dict[int, int]) -> list[ProjectionGene]:
    """`j`, one of whose ends is a single neuron, as its synapses."""
    side = "source" if sizes[j.source] == 1 else "target"
    ends, _ = wires(j.pattern, sizes[j.source], sizes[j.target])
    return [_single(j, side, other) for other in ends[1 if side == "source" else 0].tolist()]


def _ended(j: ProjectionGene, side: str, k: int) -> ProjectionGene:
    """`j` with member `k` of the population at that side as its end."""
    member = _member(getattr(j, side), k)
    return varied(j, id=j.id ^ innovation(side, member), **{side: member})


def _single(j: ProjectionGene, side: str, k: int) -> ProjectionGene:
    """The synapse of `j` that joins the single neuron at `side` to member or channel `k` of the other end."""
    if j.pattern.kind == "single":
        return j
    far = "target" if side == "source" else "source"
    id = j.id ^ innovation(far, _member(getattr(j, far), k))
    return varied(j, id=id, pattern=Pattern("single", float(k)))


def _delay(j: ProjectionGene, place: float) -> dict[str, float]:
    return {
        "delay_ms": max(_SHORTEST_ms, j.delay_ms + j.delay_gradient_ms * place),
        "delay_gradient_ms": 0.0,
    }


def _member(population: int, k: int) -> int:
    return innovation("split", population, k)
