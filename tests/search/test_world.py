from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.search import world as lived
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island, living
from evocircuits.search.world import advance_world, residents
from evocircuits.search.world_state import World
from evocircuits.tasks import get_task
from evocircuits.tasks.forage_world import MEAL, START

FORAGE = get_task("forage")
RECIPE = Recipe(task="forage", generations=4, parents=6, offspring=6, max_neurons=12, max_synapses=100)


def reference(n: int = 1) -> list[Individual]:
    return [Individual(FORAGE.reference(), "found") for _ in range(n)]


def world_of(state: bytes, recipe: Recipe = RECIPE) -> World:
    return World.unpacked(state, recipe.space)


@pytest.fixture(scope="module")
def epochs() -> list[tuple]:
    """Three of them, full of good foragers from the first on."""
    state, done = None, []
    for epoch in range(3):
        done.append(advance_world(state, RECIPE, 0, epoch, reference(12) if epoch == 0 else ()))
        state = done[-1][0]
    return done


def test_equal_arguments_give_equal_bits(epochs):
    assert advance_world(epochs[0][0], RECIPE, 0, 1) == epochs[1]
    np.random.seed(5)
    assert advance_world(epochs[1][0], RECIPE, 0, 2) == epochs[2]


def test_a_life_is_the_same_in_one_epoch_or_in_two():
    halves = advance_world(advance_world(None, RECIPE, 0, 0)[0], RECIPE, 0, 1)[0]
    assert advance_world(None, RECIPE.model_copy(update={"generations": 8}), 0, 0)[0] == halves


def test_worlds_and_seeds_differ():
    recipes = [RECIPE.model_copy(update={"generations": 1, "seed": seed}) for seed in (1, 2)]
    assert len({advance_world(None, recipe, island, 0)[0] for recipe in recipes for island in (0, 1)}) == 4


def test_energy_comes_out_even(epochs):
    before = 0
    for _, report, _ in epochs:
        sown = (report["sown"] + report["arrived"]) * START
        gained = sown + report["meals"] * lived.FEED
        assert report["energy"] == before + gained - report["paid"] - report["lost"]
        before = report["energy"]
    assert sum(report["meals"] for _, report, _ in epochs) > 20


def test_heads_come_out_even(epochs):
    before = 0
    for state, report, _ in epochs:
        came = report["sown"] + report["arrived"] + report["births"]
        assert report["alive"] == before + came - report["starved"] - report["displaced"]
        assert report["alive"] == len(world_of(state).agents) <= 12
        before = report["alive"]
    assert sum(report["births"] for _, report, _ in epochs) > 10
    assert sum(report["displaced"] for _, report, _ in epochs) > 0


def test_the_living_stay_within_the_limits_of_size_and_all_have_energy(epochs):
    agents = [agent for state, _, _ in epochs for agent in world_of(state).agents]
    assert all(agent.energy > 0 for agent in agents)
    assert all(RECIPE.space.admits(agent.line.genome) for agent in agents)
    assert all(agent.line.circuit == develop(agent.line.genome, dt_ms=FORAGE.dt_ms) for agent in agents)


def test_without_food_all_starve_after_five_seconds_and_others_are_sown(monkeypatch):
    monkeypatch.setattr(lived, "SOURCES_PER_AGENT", 0.1)
    monkeypatch.setattr(lived, "FEED", 0)
    recipe = RECIPE.model_copy(update={"generations": 7})
    state, report, _ = advance_world(None, recipe, 0, 0)
    assert (report["births"], report["displaced"], report["energy"] > 0) == (0, 0, True)
    assert report["starved"] >= 6
    assert report["sown"] == report["alive"] + report["starved"]
    assert 0 < report["lifetime_s"] <= 5
    assert all(agent.line.operator == "found" for agent in world_of(state).agents)


def test_good_foragers_take_the_world_over_from_founders():
    recipe = RECIPE.model_copy(update={"generations": 40, "offspring": 10, "crossover": 0.0})
    state, report, _ = advance_world(None, recipe, 0, 0, reference(2))
    ours = set(FORAGE.reference().structure)
    shared = [len(ours & agent.line.genome.structure) / len(ours) for agent in world_of(state, recipe).agents]
    assert np.mean(np.array(shared) > 0.5) > 0.6
    assert report["arrived"] == 2
    assert report["catch_per_s"] > 0.2  # founders: .1
    assert report["food"] < 1


def test_a_child_gets_half_and_is_born_beside_its_parent(monkeypatch):
    state, *_ = advance_world(None, RECIPE, 0, 0)
    world = world_of(state)
    world.agents = world.agents[:2]
    rich, poor = world.agents
    rich.energy, poor.energy = 4 * MEAL + 1, 4 * MEAL - 1
    births, tally = rich.line.births, lived.Counter()
    lived._reproduce(world, np.random.default_rng(0), RECIPE, RECIPE.space, tally)
    *parents, child = world.agents
    assert parents == [rich, poor]
    assert [agent.energy for agent in world.agents] == [2 * MEAL + 1, 4 * MEAL - 1, 2 * MEAL]
    assert child.generation == rich.generation + 1
    assert np.hypot(*np.subtract(child.position_m, rich.position_m)) == pytest.approx(0.5)
    assert (rich.line.births, tally["births"], world.recent[-1]) == (births + 1, 1, rich.line)


def test_where_there_is_no_room_a_birth_costs_the_life_of_the_poorest():
    state, *_ = advance_world(None, RECIPE, 0, 0, reference(12))
    world = world_of(state)
    while len(world.agents) < 12:
        world.agents.append(replace(world.agents[0]))
    for k, agent in enumerate(world.agents):
        agent.energy = MEAL + k
    world.agents[3].energy, poorest = 5 * MEAL, world.agents[0]
    tally = lived.Counter()
    lived._reproduce(world, np.random.default_rng(0), RECIPE, RECIPE.space, tally)
    assert len(world.agents) == 12
    assert poorest not in world.agents
    assert (tally["displaced"], tally["lost"]) == (1, MEAL)


def test_children_are_clones_or_variations_and_tell_their_parents(epochs):
    lines = [line for state, _, _ in epochs for line in lived._lines(world_of(state).agents)]
    varied = [line for line in lines if line.parents]
    assert varied
    assert all(line.depth >= 1 and line.operator != "found" for line in varied)
    reference_id = develop(FORAGE.reference(), dt_ms=FORAGE.dt_ms).id
    assert any(reference_id in line.parents for line in varied)


def test_births_lead_from_the_living_to_founders_and_arrivals(epochs):
    told = {birth.child: birth for *_, births in epochs for birth in births}
    reference_id = develop(FORAGE.reference(), dt_ms=FORAGE.dt_ms).id
    lines = [line for state, *_ in epochs for line in world_of(state).lines]
    for line in lines:
        birth = told[line.circuit.id]
        assert (birth.operator, birth.parents) == (line.operator, line.parents)
        assert all(parent in told for parent in birth.parents)
    assert told[reference_id].parents == ()
    assert any(birth.epoch == 3 for birth in told.values())
    assert all(birth.island == 0 for birth in told.values())


def test_living_are_all_that_are_borne_or_had_children_last(epochs):
    state, *_ = epochs[-1]
    lines = world_of(state).lines
    assert living([Island(world=state)], RECIPE) == {line.circuit.id for line in lines}
    assert len(lines) > 1


def test_residents_are_led_by_those_with_most_children(epochs):
    state, report, _ = epochs[-1]
    lines = residents(state, RECIPE)
    births = [line.score for line in lines]
    assert births == sorted(births, reverse=True)
    assert births[0] > 0
    assert len(lines) == report["lines"] == len({line.genome for line in lines})


def test_state_is_small_though_all_differ():
    recipe = RECIPE.model_copy(
        update={"generations": 1, "parents": 72, "max_neurons": 64, "max_synapses": 400}
    )
    rng, space = np.random.default_rng(0), recipe.space
    state, *_ = advance_world(None, recipe, 0, 0)
    world = world_of(state, recipe)
    for agent in world.agents:
        genome = FORAGE.reference()
        for _ in range(40):
            genome, _ = lived.mutate(genome, rng, space)
        agent.line = replace(agent.line, genome=genome)
    assert len(world.packed()) < 100_000
