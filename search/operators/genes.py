"""What operators are made of: new genes, genes kept within the task's ranges, genomes with genes changed or gone.

Genes that were checked once stay valid under these, so that genomes are put together without checking them again.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from evocircuits.development import rheobase_pA
from evocircuits.genome import (
    PATTERNS,
    Genome,
    Pattern,
    PopulationGene,
    Port,
    ProjectionGene,
    innovation,
    varied,
)
from evocircuits.search import rules
from evocircuits.search.draws import clipped, log_uniform, pick
from evocircuits.tasks import Ranges

if TYPE_CHECKING:
    from evocircuits.search.space import Space

THRESHOLD_mV = 15.0
"""Every evolved neuron's threshold: strengths are relative to it, so varying it would change nothing."""
CONSTANTS = ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")
"""The constants of a population that vary within ranges of their names."""

ALL_TO_ALL = Pattern("all_to_all")
ONE_TO_ONE = Pattern("one_to_one")
_WIDE = ("one_to_one", "all_to_all", *(kind for kind in PATTERNS if kind != "single"))
_NARROW = ("all_to_all", "all_to_all", "single", "single", "sparse")


def new_population(
    id: int, rng: np.random.Generator, space: "Space", *, excitatory: bool, size: int
) -> PopulationGene:
    """A population with constants around the task's typical ones, without bias."""
    r = space.ranges
    constants = {name: log_uniform(rng, r.typical[name], 2.0, getattr(r, name)) for name in CONSTANTS}
    return PopulationGene(id, excitatory, size, threshold_mV=THRESHOLD_mV, **constants)


def new_projection(
    id: int, source: Port | PopulationGene, target: PopulationGene, rng: np.random.Generator, space: "Space"
) -> ProjectionGene:
    """A projection with a strength around .6 and a delay around the task's typical one, tilted more often than not."""
    low, high = space.ranges.delay_ms
    n = max(source.size, target.size)
    delay_ms = log_uniform(rng, space.ranges.typical["delay_ms"], 2.0, (low, high))
    gradient_ms = 0.0
    if n > 1 and rng.random() < 0.7:
        gradient_ms = (2 * rng.random() - 1) * min(delay_ms - low, high - delay_ms) / ((n - 1) / 2)
    pattern = (
        ALL_TO_ALL if min(source.size, target.size) == 1 else drawn_pattern(rng, source.size, target.size)
    )
    strength = log_uniform(rng, 0.6, 2.5, space.ranges.strength)
    return ProjectionGene(id, source.id, target.id, pattern, strength, delay_ms, gradient_ms)


def drawn_pattern(
    rng: np.random.Generator, n_source: int, n_target: int, kinds: tuple[str, ...] | None = None
) -> Pattern:
    """A pattern of one of `kinds`, or of those that differ between sides of these sizes."""
    n = max(n_source, n_target)
    kind = pick(
        rng, kinds or (_WIDE if min(n_source, n_target) > 1 else _NARROW if n > 1 else ("all_to_all",))
    )
    match kind:
        case "neighbours":
            return Pattern(kind, value=float(pick(rng, (1, 2, 3))))
        case "shifted":
            return Pattern(kind, value=float(pick(rng, (-2, -1, 1, 2))))
        case "sparse":
            return Pattern(kind, value=0.1 + 0.5 * rng.random(), seed=int(rng.random() * 2**31))
        case "single":
            return Pattern(kind, value=float(int(rng.random() * n)))
    return Pattern(kind)


def with_strength(j: ProjectionGene, strength: float) -> ProjectionGene:
    """`j` at that strength; the bound of a spike-timing rule gives way."""
    return varied(j, strength=strength, plasticity=rules.bounded(j.plasticity, strength))


def fitted(j: ProjectionGene, sizes: dict[int, int], ranges: Ranges) -> ProjectionGene:
    """`j` with delay and gradient such that all its synapses lie within the range of delays.

    `single` keeps to the members there are. `sizes`: those of the ports and populations at its ends.
    """
    low, high = ranges.delay_ms
    n = max(sizes[j.source], sizes[j.target])
    delay_ms = clipped(j.delay_ms, (low, high))
    room = min(delay_ms - low, high - delay_ms) / ((n - 1) / 2) if n > 1 else 0.0
    gradient_ms = clipped(j.delay_gradient_ms, (-room, room))
    pattern = j.pattern
    if pattern.kind == "single" and not 0 <= pattern.value <= n - 1:
        pattern = Pattern("single", clipped(pattern.value, (0.0, n - 1.0)))
    elif delay_ms == j.delay_ms and gradient_ms == j.delay_gradient_ms:
        return j
    return varied(j, delay_ms=delay_ms, delay_gradient_ms=gradient_ms, pattern=pattern)


def with_bias(p: PopulationGene, bias: float, ranges: Ranges) -> PopulationGene:
    """`p` with a bias of that many rheobases, kept within its range."""
    return varied(p, bias_pA=clipped(bias, ranges.bias) * rheobase_pA(p.tau_m_ms, p.threshold_mV))


def bias_of(p: PopulationGene) -> float:
    """The bias in rheobases."""
    return p.bias_pA / rheobase_pA(p.tau_m_ms, p.threshold_mV)


def change_projection(
    genome: Genome,
    rng: np.random.Generator,
    space: "Space",
    change: Callable[[ProjectionGene], ProjectionGene],
) -> Genome:
    """Change one projection that is not frozen and keep its delays in range."""
    free = [i for i, j in enumerate(genome.projections) if not j.frozen]
    if not free:
        return genome
    projections = list(genome.projections)
    at = pick(rng, free)
    projections[at] = fitted(change(projections[at]), genome.sizes, space.ranges)
    return genome.with_valid_genes(projections=projections)


def change_population(
    genome: Genome, rng: np.random.Generator, change: Callable[[PopulationGene], PopulationGene]
) -> Genome:
    """Change one population that is not frozen."""
    free = [i for i, p in enumerate(genome.populations) if not p.frozen]
    if not free:
        return genome
    populations = list(genome.populations)
    at = pick(rng, free)
    populations[at] = change(populations[at])
    return genome.with_valid_genes(populations=populations)


def extended(genome: Genome, *, populations=(), projections=()) -> Genome:
    """The genome and further genes."""
    return genome.with_valid_genes(
        populations=(*genome.populations, *populations), projections=(*genome.projections, *projections)
    )


def without(genome: Genome, gone: set[int]) -> Genome:
    """The genome less these populations and all projections to and from them."""
    projections = [j for j in genome.projections if j.source not in gone and j.target not in gone]
    populations = [p for p in genome.populations if p.id not in gone]
    return genome.with_valid_genes(populations=populations, projections=projections)


def bound(genome: Genome) -> set[int]:
    """The populations that must stay as they are: frozen ones, and those at an end of a frozen projection."""
    ends = {end for j in genome.projections if j.frozen for end in (j.source, j.target)}
    return ends | {p.id for p in genome.populations if p.frozen}


def hidden(genome: Genome) -> list[PopulationGene]:
    """The populations that serve no port and may be changed or taken away."""
    kept = bound(genome)
    return [p for p in genome.populations if p.port is None and p.id not in kept]


def pruned(genome: Genome) -> Genome:
    """Without hidden populations that no input reaches or that reach no output."""
    free = {p.id for p in hidden(genome)}
    if not free:
        return genome
    forward: dict[int, list[int]] = {}
    backward: dict[int, list[int]] = {}
    for j in genome.projections:
        forward.setdefault(j.source, []).append(j.target)
        backward.setdefault(j.target, []).append(j.source)
    driven = _reached([port.id for port in genome.inputs], forward)
    heard = _reached([p.id for p in genome.populations if p.port], backward)
    dead = free - (driven & heard)
    return without(genome, dead) if dead else genome


def _reached(starts: list[int], links: dict[int, list[int]]) -> set[int]:
    reached, frontier = set(starts), list(starts)
    while frontier:
        new = set(links.get(frontier.pop(), ())) - reached
        reached |= new
        frontier += new
    return reached


def fresh(genome: Genome, kind: str, *ancestry: int) -> int:
    """An innovation id for content that may come again: the first of its series that this genome lacks."""
    taken = genome.structure
    n = 0
    while (id := innovation(kind, *ancestry, n)) in taken:
        n += 1
    return id
