"""Mutation and crossover: pure functions of genomes and a generator.

Weights are relative to threshold, so a perturbation means the same at any time constant. Steps are log-uniform in size:
most fine-tune, some leap. Structural operators (copying a population, moving it behind a relay, inserting inhibition)
look poor per use and open what perturbation cannot reach: their rates are not tuned by immediate credit.
Every operator returns a valid genome within the task's ranges, or the parent as it is; `mutate` and `crossover` hold
the recipe's limits of size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evocircuits.development import count_synapses
from evocircuits.genome import PATTERNS, Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.plasticity import SpikeTiming
from evocircuits.search.draws import log_uniform, scaled, step
from evocircuits.search.rules import drawn, perturbed, rested_share
from evocircuits.tasks import Ranges, Task

THRESHOLD_mV = 15.0
"""Every evolved neuron's threshold: strengths are relative to it, so varying it would change nothing."""


@dataclass(frozen=True)
class Space:
    """What operators may produce: a task's ports and ranges, and limits of size."""

    task: Task
    max_neurons: int
    max_synapses: int

    @property
    def ranges(self) -> Ranges:
        """The task's gene ranges."""
        return self.task.ranges

    def admits(self, genome: Genome) -> bool:
        """Whether a genome stays within the limits of size."""
        if sum(p.size for p in genome.populations) > self.max_neurons:
            return False
        return count_synapses(genome) <= self.max_synapses


Operator = Callable[[Genome, np.random.Generator, Space], Genome]


def found(rng: np.random.Generator, space: Space) -> Genome:
    """A founder: what the task gives, and an excitatory population for every output port that is not served by it,
    driven by every input port.
    """
    populations, projections = map(list, space.task.given())
    served = {p.port for p in populations}
    for port in space.task.outputs:
        if port.name in served:
            continue
        population = _population(
            innovation("founder", port.name), rng, space, excitatory=True, size=port.size
        )
        populations.append(replace(population, port=port.name))
        for source in space.task.inputs:
            id = innovation("founder", source.name, port.name)
            projections.append(_projection(id, source.id, population.id, rng, space, source.size, port.size))
    return Genome(space.task.inputs, space.task.outputs, tuple(populations), tuple(projections))


def mutate(genome: Genome, rng: np.random.Generator, space: Space) -> tuple[Genome, str]:
    """A mutant by one to three operators drawn by their rates, and their names joined by '+', or `unchanged`."""
    names = [name for name in OPERATORS if name != "plasticity" or space.ranges.plasticity]
    rates = np.array([OPERATORS[name][0] for name in names])
    parent, used = genome, []
    for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1])):
        name = names[rng.choice(len(names), p=rates / rates.sum())]
        changed = OPERATORS[name][1](genome, rng, space)
        if changed != genome and space.admits(changed):
            genome, used = changed, [*used, name]
    return genome, "+".join(used) if genome != parent else "unchanged"


def crossover(genome: Genome, other: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Take one population's constants and incoming projections from `other`, aligned by innovation id.

    Projections whose source this genome lacks stay behind, and so do populations of its own that then lead nowhere.
    """
    shared = [p for p in genome.populations if not p.frozen and any(q.id == p.id for q in other.populations)]
    if not shared:
        return genome
    chosen = shared[rng.integers(len(shared))]
    donor = other.population(chosen.id)
    if donor.size != chosen.size or donor.excitatory != chosen.excitatory:
        return genome
    sources = {g.id for g in (*genome.inputs, *genome.populations)}
    kept = [j for j in genome.projections if j.target != chosen.id or j.frozen]
    taken = [j for j in other.incoming(chosen.id) if j.source in sources and j.id not in {k.id for k in kept}]
    if not taken:
        return genome
    populations = [replace(donor, port=chosen.port) if p.id == chosen.id else p for p in genome.populations]
    child = _pruned(genome.with_genes(populations=populations, projections=[*kept, *taken]))
    return child if space.admits(child) else genome


def perturb_strength(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Scale the strength of one projection."""
    return _change_projection(
        genome, rng, space, lambda j: _with_strength(j, scaled(j.strength, space.ranges.strength, rng))
    )


def perturb_delay(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Shift the delay of one projection."""
    low, high = space.ranges.delay_ms
    return _change_projection(
        genome, rng, space, lambda j: replace(j, delay_ms=j.delay_ms + step(rng) * (high - low))
    )


def perturb_gradient(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Tilt a projection's delay along the index, turn the tilt round, or mirror a fellow's onto the same target."""

    def tilt(j: ProjectionGene) -> ProjectionGene:
        steps = max(1, genome.size_of(j.target) - 1, genome.size_of(j.source) - 1)
        gradient = j.delay_gradient_ms
        fellows = [k.delay_gradient_ms for k in genome.incoming(j.target) if k.id != j.id]
        way = rng.random()
        if way < 0.1:
            gradient = -gradient
        elif way < 0.25 and fellows:
            gradient = -fellows[rng.integers(len(fellows))]
        else:
            gradient += step(rng) * (space.ranges.delay_ms[1] - space.ranges.delay_ms[0]) / steps
        return replace(j, delay_gradient_ms=gradient)

    return _change_projection(genome, rng, space, tilt)


def perturb_constants(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Scale one time constant of one population."""
    name = ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")[rng.integers(4)]
    return _change_population(
        genome,
        rng,
        lambda p: replace(p, **{name: scaled(getattr(p, name), getattr(space.ranges, name), rng)}),
    )


def change_pattern(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Wire one projection by another pattern."""
    return _change_projection(genome, rng, space, lambda j: replace(j, pattern=_pattern(rng)))


def add_projection(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Connect a random source to a random population."""
    sources = [*genome.inputs, *genome.populations]
    source = sources[rng.integers(len(sources))]
    target = genome.populations[rng.integers(len(genome.populations))]
    parallel = sum(j.source == source.id and j.target == target.id for j in genome.projections)
    id = _fresh(genome, "projection", source.id, target.id, parallel)
    return _with(
        genome, projections=[_projection(id, source.id, target.id, rng, space, source.size, target.size)]
    )


def delete_projection(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Remove one projection."""
    free = [j for j in genome.projections if not j.frozen]
    if len(free) < 2:
        return genome
    gone = free[rng.integers(len(free))]
    return _pruned(genome.with_genes(projections=[j for j in genome.projections if j.id != gone.id]))


def delete_population(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Remove one population that serves no port, with its projections."""
    free = [p for p in genome.populations if _removable(p, genome)]
    if not free:
        return genome
    return _pruned(_without(genome, {free[rng.integers(len(free))].id}))


def copy_population(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Put a twin of a population beside it: same inputs and targets, strengths jittered.

    The twin of a population that serves a port relays to it one to one, so that two detectors of different width or
    delay add up.
    """
    original = genome.populations[rng.integers(len(genome.populations))]
    twin = _fresh(genome, "copy", original.id)
    population = replace(original, id=twin, port=None, frozen=False)
    projections = []
    for j in genome.projections:
        ends = (twin if j.source == original.id else j.source, twin if j.target == original.id else j.target)
        if ends != (j.source, j.target):
            copied = replace(
                j, id=innovation("copy", twin, j.id), source=ends[0], target=ends[1], frozen=False
            )
            projections.append(_with_strength(copied, scaled(j.strength, space.ranges.strength, rng)))
    if original.port:
        relay = _projection(
            innovation("relay", twin), twin, original.id, rng, space, original.size, original.size
        )
        strong = rng.uniform(1.1, 3.0)
        projections.append(
            replace(relay, pattern=Pattern("one_to_one"), strength=strong, delay_gradient_ms=0.0)
        )
    return _with(genome, populations=[population], projections=projections)


def move_to_hidden(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Insert a relay before a port: its population's inputs move to a hidden copy that drives it one to one."""
    served = [p for p in genome.populations if p.port and not p.frozen]
    if not served:
        return genome
    output = served[rng.integers(len(served))]
    hidden = _fresh(genome, "hidden", output.id)
    moved = [
        replace(j, id=innovation("moved", hidden, j.id), target=hidden)
        if j.target == output.id and j.source != output.id and not j.frozen
        else j
        for j in genome.projections
    ]
    relay = _projection(innovation("relay", hidden), hidden, output.id, rng, space, output.size, output.size)
    relay = replace(
        relay, pattern=Pattern("one_to_one"), strength=rng.uniform(1.1, 3.0), delay_gradient_ms=0.0
    )
    populations = [*genome.populations, replace(output, id=hidden, port=None)]
    return genome.with_genes(populations=populations, projections=[*moved, relay])


def insert_inhibition(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Insert an inhibitory population with strong defaults: driven by the target itself or by one of its sources."""
    target = genome.populations[rng.integers(len(genome.populations))]
    drivers = [genome.population(target.id)]
    drivers += [
        g
        for g in (*genome.inputs, *genome.populations)
        if any(j.source == g.id for j in genome.incoming(target.id))
    ]
    driver = drivers[rng.integers(len(drivers))]
    id = _fresh(genome, "inhibition", driver.id, target.id)
    size = 1 if rng.random() < 0.5 else target.size
    cell = _population(id, rng, space, excitatory=False, size=size)
    inward = _projection(innovation("drive", id), driver.id, id, rng, space, driver.size, size)
    outward = _projection(innovation("veto", id), id, target.id, rng, space, size, target.size)
    spread = Pattern("all_to_all") if size == 1 else _one_of(rng, "one_to_one", "all_but_self", "neighbours")
    inward = replace(
        inward, pattern=Pattern("one_to_one"), strength=rng.uniform(1.1, 2.0), delay_gradient_ms=0.0
    )
    outward = replace(outward, pattern=spread, strength=rng.uniform(0.3, 3.0), delay_gradient_ms=0.0)
    return _with(genome, populations=[cell], projections=[inward, outward])


def vary_plasticity(genome: Genome, rng: np.random.Generator, space: Space) -> Genome:
    """Give one projection a rule the task allows, perturb the rule that it has, or take it away.

    The strength goes along, so that a rested synapse passes what it passed before.
    """
    kinds = space.ranges.plasticity
    if not kinds:
        return genome

    def change(j: ProjectionGene) -> ProjectionGene:
        if j.plasticity is None:
            rule = drawn(kinds[rng.integers(len(kinds))], j.strength, rng, space.ranges)
        elif rng.random() < 0.3:
            rule = None
        else:
            rule = perturbed(j.plasticity, j.strength, rng, space.ranges)
        strength = j.strength * rested_share(j.plasticity) / rested_share(rule)
        return _with_strength(replace(j, plasticity=rule), float(np.clip(strength, *space.ranges.strength)))

    return _change_projection(genome, rng, space, change)


OPERATORS: dict[str, tuple[float, Operator]] = {
    "strength": (4.0, perturb_strength),
    "delay": (3.0, perturb_delay),
    "gradient": (3.0, perturb_gradient),
    "constants": (3.0, perturb_constants),
    "pattern": (0.4, change_pattern),
    "add": (0.5, add_projection),
    "delete": (0.5, delete_projection),
    "delete_population": (0.3, delete_population),
    "copy": (0.7, copy_population),
    "hidden": (0.3, move_to_hidden),
    "inhibition": (0.6, insert_inhibition),
    "plasticity": (1.0, vary_plasticity),
}
"""Name → (rate, operator). `plasticity` is drawn only where the task allows rules."""


def _one_of(rng: np.random.Generator, *kinds: str) -> Pattern:
    return _pattern(rng, kinds)


def _pattern(
    rng: np.random.Generator, kinds: tuple[str, ...] = ("one_to_one", "all_to_all", *PATTERNS)
) -> Pattern:
    kind = kinds[rng.integers(len(kinds))]
    match kind:
        case "neighbours":
            return Pattern(kind, value=float(rng.integers(1, 4)))
        case "shifted":
            return Pattern(kind, value=float(rng.choice([-2, -1, 1, 2])))
        case "sparse":
            return Pattern(kind, value=float(rng.uniform(0.1, 0.6)), seed=int(rng.integers(2**31)))
    return Pattern(kind)


def _with_strength(j: ProjectionGene, strength: float) -> ProjectionGene:
    rule = j.plasticity
    if isinstance(rule, SpikeTiming) and rule.max_weight < strength:
        rule = replace(rule, max_weight=strength)
    return replace(j, strength=strength, plasticity=rule)


def _population(
    id: int, rng: np.random.Generator, space: Space, *, excitatory: bool, size: int
) -> PopulationGene:
    names = ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")
    r = space.ranges
    constants = {name: log_uniform(rng, r.typical[name], 2.0, getattr(r, name)) for name in names}
    return PopulationGene(id, excitatory, size, threshold_mV=THRESHOLD_mV, **constants)


def _projection(id, source, target, rng, space, n_source, n_target) -> ProjectionGene:
    low, high = space.ranges.delay_ms
    n = max(n_source, n_target)
    delay_ms = log_uniform(rng, space.ranges.typical["delay_ms"], 2.0, (low, high))
    tilted = n > 1 and rng.random() < 0.7
    gradient = rng.uniform(-1, 1) * min(delay_ms - low, high - delay_ms) / ((n - 1) / 2) if tilted else 0.0
    pattern = Pattern("all_to_all") if min(n_source, n_target) == 1 else _pattern(rng)
    strength = log_uniform(rng, 0.6, 2.5, space.ranges.strength)
    return ProjectionGene(id, source, target, pattern, strength, delay_ms, float(gradient))


def _fitted(j: ProjectionGene, genome: Genome, space: Space) -> ProjectionGene:
    """`j` with delay and gradient such that all its synapses lie within the range of delays."""
    low, high = space.ranges.delay_ms
    delay_ms = float(np.clip(j.delay_ms, low, high))
    half = (max(genome.size_of(j.source), genome.size_of(j.target)) - 1) / 2
    room = min(delay_ms - low, high - delay_ms) / half if half else 0.0
    return replace(j, delay_ms=delay_ms, delay_gradient_ms=float(np.clip(j.delay_gradient_ms, -room, room)))


def _change_projection(genome, rng, space, change) -> Genome:
    free = [i for i, j in enumerate(genome.projections) if not j.frozen]
    if not free:
        return genome
    at = free[rng.integers(len(free))]
    changed = _fitted(change(genome.projections[at]), genome, space)
    return genome.with_genes(projections=[*genome.projections[:at], changed, *genome.projections[at + 1 :]])


def _change_population(genome, rng, change) -> Genome:
    free = [i for i, p in enumerate(genome.populations) if not p.frozen]
    if not free:
        return genome
    at = free[rng.integers(len(free))]
    changed = change(genome.populations[at])
    return genome.with_genes(populations=[*genome.populations[:at], changed, *genome.populations[at + 1 :]])


def _with(genome: Genome, *, populations=(), projections=()) -> Genome:
    return genome.with_genes(
        populations=[*genome.populations, *populations], projections=[*genome.projections, *projections]
    )


def _without(genome: Genome, gone: set[int]) -> Genome:
    projections = [j for j in genome.projections if j.source not in gone and j.target not in gone]
    return genome.with_genes(
        populations=[p for p in genome.populations if p.id not in gone], projections=projections
    )


def _removable(population: PopulationGene, genome: Genome) -> bool:
    ends = {end for j in genome.projections if j.frozen for end in (j.source, j.target)}
    return population.port is None and not population.frozen and population.id not in ends


def _pruned(genome: Genome) -> Genome:
    """Without populations that no input reaches or that reach no output."""
    forward: dict[int, set[int]] = {}
    backward: dict[int, set[int]] = {}
    for j in genome.projections:
        forward.setdefault(j.source, set()).add(j.target)
        backward.setdefault(j.target, set()).add(j.source)
    driven = _reached({port.id for port in genome.inputs}, forward)
    heard = _reached({p.id for p in genome.populations if p.port}, backward)
    dead = {p.id for p in genome.populations if p.id not in driven & heard and _removable(p, genome)}
    return _without(genome, dead) if dead else genome


def _reached(starts: set[int], links: dict[int, set[int]]) -> set[int]:
    found, frontier = set(starts), list(starts)
    while frontier:
        new = links.get(frontier.pop(), set()) - found
        found |= new
        frontier += new
    return found


def _fresh(genome: Genome, kind: str, *ancestry: int) -> int:
    """An innovation id for content that may come again: the first of its series that this genome lacks."""
    taken = {g.id for g in (*genome.populations, *genome.projections)}
    n = 0
    while (id := innovation(kind, *ancestry, n)) in taken:
        n += 1
    return id
