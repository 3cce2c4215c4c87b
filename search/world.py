"""Artificial life: a population that lives, eats, starves and reproduces in one plane of `forage`, without a fitness.

As in Ray, An approach to the synthesis of life (Artificial Life II, 1991), nothing is scored; there is an energy, and
everything costs some. All agents act at once and hear the same sources. Who spends its last energy dies; who has saved
enough shares it with a child, which is born nearby and whose circuit may be a variation of its own. Births wait for the
end of a season; at its beginning all circuits are at rest and no sound is under way.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from evocircuits.lineage import Birth
from evocircuits.measure import stream
from evocircuits.search.births import births
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.space import Space
from evocircuits.search.variation import crossover, found, mutate
from evocircuits.search.world_state import Agent, Line, World
from evocircuits.tasks import Task
from evocircuits.tasks.forage_plane import COUNTS, Plane, Sources, radius_of
from evocircuits.tasks.forage_sound import STEP_ms
from evocircuits.tasks.forage_world import MEAL, START, direction
from evocircuits.tasks.side_by_side import SideBySide

LIVING = 4
"""First word of the streams' keys, beside those of island.py."""
SEASON_steps = 50
SOURCES_PER_AGENT = 1.0
"""Sources for each agent that there is room for …"""
RETURN_ms = 6000.0
"""… and how long an eaten one is away. So food is plentiful for the first clumsy few and scarce for many good ones, by
which the world asks more and more; where food comes back at once, running about in it blindly is a living."""
FEED = 3 * MEAL
"""What a source feeds: three times as much as in `forage`, or hardly a founder would live to have children."""
BIRTH = 4 * MEAL
"""The energy from which on half of it goes to a child."""
NEARBY_m = 0.5
"""How far from its parent a child is born."""
MUTANTS = 0.5
"""Share of children that vary; the others are clones, by which a genome shows what it is worth."""
FOUNDERS = 0.5
"""Share of founders among the sown, once there were births; the others are mutants of those who had them last."""
RECENT = 8
"""How many those are."""


def advance_world(
    state: bytes | None, recipe: Recipe, island: int, epoch: int, arrivals: Sequence[Individual] = ()
) -> tuple[bytes, dict, tuple[Birth, ...]]:
    """Let one world live for an epoch of `recipe.generations` seasons: its state then, a report, and the births that
    led to the lines there are then. Pure: equal arguments, equal bits.

    A season begins with `recipe.parents` agents at least, sown where fewer live, and there is room for
    `recipe.parents + recipe.offspring`: where it is full, a birth costs the life of the poorest. `arrivals` come as
    the sown do.
    """
    space = recipe.space
    world = World.unpacked(state, space) if state else None
    tally: Counter = Counter()
    for season in range(epoch * recipe.generations, (epoch + 1) * recipe.generations):
        rng = stream(recipe.seed, LIVING, island, season)
        if world is None:
            n_sources = round(SOURCES_PER_AGENT * _room(recipe))
            world = World(0, Sources.draw(rng, n_sources, radius_of(n_sources)), [], [])
        _sow(world, arrivals, rng, recipe, space, tally)
        _live(world, rng, space.task, tally)
        _reproduce(world, rng, recipe, space, tally)
        arrivals = ()
    born = births(world.lines, space.task.dt_ms, epoch, island)
    return world.packed(), _report(world, tally) | {"island": island, "epoch": epoch}, born


def residents(state: bytes, recipe: Recipe) -> list[Individual]:
    """The genomes that live in a world of that state, those with most children first: these are their score. Of equals
    those that ate more lead.
    """
    return [
        Individual(line.genome, line.operator, parents=line.parents, score=float(line.births))
        for line in _lines(World.unpacked(state, recipe.space).agents)
    ]


def _room(recipe: Recipe) -> int:
    return recipe.parents + recipe.offspring


def _lines(agents: list[Agent]) -> list[Line]:
    distinct = dict.fromkeys(agent.line for agent in agents)
    return sorted(distinct, key=lambda line: (line.births, line.meals), reverse=True)


def _sow(
    world: World,
    arrivals: Sequence[Individual],
    rng: np.random.Generator,
    recipe: Recipe,
    space: Space,
    tally: Counter,
) -> None:
    def settle(line: Line) -> None:
        place_m = radius_of(world.sources.n) * rng.random() ** 0.5 * direction(rng.uniform(0, 2 * np.pi))
        world.agents.append(Agent(line, place_m.tolist(), rng.uniform(0, 2 * np.pi), START))

    known = {line.genome: line for line in _lines(world.agents)} if arrivals else {}
    for individual in arrivals[: _room(recipe) - len(world.agents)]:
        genome = individual.genome
        if genome not in known:
            known[genome] = Line.of(genome, space, individual.operator, individual.parents)
        settle(known[genome])
        tally["arrived"] += 1
    while len(world.agents) < recipe.parents:
        if not world.recent or rng.random() < FOUNDERS:
            line = Line.of(found(rng, space), space, "found")
        else:
            line = _varied(world.recent[rng.integers(len(world.recent))], None, rng, space)
        settle(line)
        tally["sown"] += 1
        tally["lines"] += line not in world.recent


def _live(world: World, rng: np.random.Generator, task: Task, tally: Counter) -> None:
    """A season: who is dead at its end is gone."""
    agents, (ears,) = world.agents, [port.name for port in task.inputs]
    poses = ("position_m", "heading", "activation", "energy")
    bodies = {name: np.array([getattr(agent, name) for agent in agents]) for name in poses}
    plane = Plane.meet(world.step, FEED, RETURN_ms, world.sources, **bodies)
    together, state = SideBySide.of([agent.line.circuit for agent in agents]), None
    for _ in range(SEASON_steps):
        tally["there"] += int(plane.sources.there(plane.time_ms).sum())
        plane, heard = plane.hear(rng, dt_ms=task.dt_ms)
        done = together.advance({ears: heard}, STEP_ms, dt_ms=task.dt_ms, state=state)
        plane = plane.act(done.outputs, done.spikes, done.synaptic_events, rng)
        state = done.state
    for i, agent in enumerate(agents):
        agent.position_m, agent.heading = plane.position_m[i].tolist(), float(plane.heading[i])
        agent.activation, agent.energy = plane.activation[i].tolist(), int(plane.energy[i])
        agent.lived += int(plane.lived[i])
        agent.line.lived += int(plane.lived[i])
        agent.line.meals += int(plane.meals[i])
    for name in COUNTS:
        tally[name] += int(getattr(plane, name).sum())
    tally["seasons"] += 1
    world.step, world.sources = plane.step, plane.sources
    for agent in [agent for agent in agents if agent.energy == 0]:
        _bury(agent, "starved", world, tally)


def _reproduce(world: World, rng: np.random.Generator, recipe: Recipe, space: Space, tally: Counter) -> None:
    for parent in [agent for agent in world.agents if agent.energy >= BIRTH]:
        if parent.energy < BIRTH:
            continue  # it has had to make room
        mate = world.agents[rng.integers(len(world.agents))] if rng.random() < recipe.crossover else None
        line = _varied(parent.line, mate and mate.line, rng, space, MUTANTS)
        place_m = (parent.position_m + NEARBY_m * direction(rng.uniform(0, 2 * np.pi))).tolist()
        energy, heading = parent.energy // 2, rng.uniform(0, 2 * np.pi)
        parent.energy -= energy
        parent.line.births += 1
        tally["births"] += 1
        tally["lines"] += line is not parent.line
        world.recent = [*(r for r in world.recent if r is not parent.line), parent.line][-RECENT:]
        if len(world.agents) >= _room(recipe):
            poorest = min(world.agents, key=lambda agent: agent.energy)
            tally["lost"] += poorest.energy
            poorest.energy = 0
            _bury(poorest, "displaced", world, tally)
        world.agents.append(Agent(line, place_m, heading, energy, generation=parent.generation + 1))


def _bury(dead: Agent, how: str, world: World, tally: Counter) -> None:
    world.agents = [agent for agent in world.agents if agent is not dead]
    tally[how] += 1
    tally["lifetimes"] += dead.lived


def _varied(
    line: Line, mate: Line | None, rng: np.random.Generator, space: Space, mutants: float = 1.0
) -> Line:
    """The line of a child: its parent's own, or a new one."""
    genome, operators, ancestors = line.genome, [], [line]
    if mate is not None and mate is not line:
        genome = crossover(genome, mate.genome, rng, space)
        if genome != line.genome:
            operators, ancestors = ["crossover"], [line, mate]
    if rng.random() < mutants:
        genome, mutation = mutate(genome, rng, space)
        operators += [mutation] if mutation != "unchanged" else []
    if genome == line.genome:
        return line
    return Line.of(genome, space, "+".join(operators), ancestors=tuple(ancestors), depth=line.depth + 1)


def _report(world: World, tally: Counter) -> dict:
    """Rates are per agent and second of life. `food` is the share of the sources that are there; `catch_per_s`, the
    meals that there would be if all were, tells skill from plenty.
    """
    agents, lines = world.agents, _lines(world.agents)
    lived_s = tally["lived"] * STEP_ms / 1000
    n_dead = tally["starved"] + tally["displaced"]
    food = tally["there"] / tally["seasons"] / SEASON_steps / world.sources.n

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else 0.0

    circuits = [agent.line.circuit for agent in agents]
    return {
        "evaluations": tally["lines"],
        "simulated_s": lived_s,
        "alive": len(agents),
        "energy": sum(agent.energy for agent in agents),
        **{name: tally[name] for name in ("births", "starved", "displaced", "sown", "arrived")},
        **{name: tally[name] for name in ("meals", "paid", "lost")},
        "lifetime_s": tally["lifetimes"] * STEP_ms / 1000 / max(1, n_dead),
        "food": food,
        "meals_per_s": tally["meals"] / lived_s,
        "catch_per_s": tally["meals"] / lived_s / food,
        "meals_paid_per_s": tally["paid"] / MEAL / lived_s,
        "spikes_per_s": tally["spikes"] / lived_s,
        "synaptic_events_per_s": tally["synaptic_events"] / lived_s,
        "lines": len(lines),
        "structures": len({line.genome.structure for line in lines}),
        "neurons": mean([c.n_neurons for c in circuits]),
        "synapses": mean([c.n_synapses for c in circuits]),
        "inhibitory": mean([float(np.mean(~c.excitatory)) for c in circuits]),
        "generation": mean([agent.generation for agent in agents]),
        "depth": mean([agent.line.depth for agent in agents]),
    }
