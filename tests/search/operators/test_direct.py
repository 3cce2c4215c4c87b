"""Towards the direct encoding: everything is its own gene, and the circuit stays the same to the last synapse."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.plasticity import ShortTerm
from evocircuits.search.operators import OPERATORS
from evocircuits.search.operators.direct import MAX_PROJECTIONS, split_population, splittable
from evocircuits.search.variation import found
from evocircuits.tasks import TASKS
from tests.search.spaces import (
    NAMES,
    PLASTIC,
    SPACES,
    STATIC,
    assert_same_circuit,
    assert_within,
    every_space,
    grown,
    seeds,
)

WIDE = Port("wide", 3)


def population(id: int, size: int, **changes) -> PopulationGene:
    return replace(PopulationGene(id, True, size, 10.0, 15.0, 2.0, 2.0, 5.0), **changes)


def wired(pattern: Pattern, size: int = 3, **changes) -> Genome:
    """The port of three channels onto one population of that size, by one projection with a tilted delay."""
    onto = ProjectionGene(10, WIDE.id, 1, pattern, 0.5, 2.0, 0.25, **changes)
    return Genome((WIDE,), (Port("out", size),), (population(1, size, port="out"),), (onto,))


def fully_split(genome: Genome) -> Genome:
    while free := splittable(genome):
        smaller = split_population(genome, free[0], max_projections=10**6)
        assert smaller is not genome
        genome = smaller
    return genome


def test_one_to_one_becomes_single_channels_each_with_its_delay():
    genome = split_population(wired(Pattern("one_to_one")), population(1, 3, port="out"))
    members = [innovation("split", 1, k) for k in range(3)]
    assert [(p.id, p.size, p.port) for p in genome.populations] == [(m, 1, "out") for m in members]
    assert [(j.source, j.target, j.delay_ms, j.delay_gradient_ms) for j in genome.projections] == [
        (WIDE.id, members[0], 1.75, 0.0),
        (WIDE.id, members[1], 2.0, 0.0),
        (WIDE.id, members[2], 2.25, 0.0),
    ]
    assert [j.pattern for j in genome.projections] == [Pattern("single", k) for k in (0, 1, 2)]


def test_all_to_all_stays_one_projection_for_each_member():
    genome = wired(Pattern("all_to_all"))
    parts = split_population(genome, genome.populations[0]).projections
    assert [(j.pattern, j.delay_ms) for j in parts] == [
        (Pattern("all_to_all"), delay_ms) for delay_ms in (1.75, 2.0, 2.25)
    ]


def test_delays_along_the_other_side_stay_a_gradient():
    genome = wired(Pattern("all_to_all"), size=2)
    parts = split_population(genome, genome.populations[0]).projections
    assert [(j.delay_ms, j.delay_gradient_ms) for j in parts] == [(2.0, 0.25)] * 2


def test_members_of_a_recurrent_population_connect_one_by_one():
    itself = ProjectionGene(11, 1, 1, Pattern("all_but_self"), 0.5, 2.0, 0.25)
    genome = wired(Pattern("all_to_all"))
    genome = genome.with_genes(projections=[*genome.projections, itself])
    split = split_population(genome, genome.populations[0])
    assert len(split.projections) == 3 + 6
    assert_same_circuit(genome, split, 0.25)


@every_space
@given(seed=seeds)
@settings(max_examples=6, deadline=None)
def test_a_genome_split_to_the_last_neuron_develops_to_the_same_circuit(space, seed):
    genome = grown(space, seed)
    split = fully_split(genome)
    free = [p for p in split.populations if p.size > 1]
    assert all(p.frozen for p in free)
    assert Genome.from_dict(split.to_dict()) == split
    assert_same_circuit(genome, split, space.task.dt_ms)


@pytest.mark.parametrize("space", [STATIC[0], *PLASTIC[:6]], ids=[NAMES[0], *NAMES[len(STATIC) :][:6]])
@given(seed=seeds)
@settings(max_examples=3, deadline=None)
def test_its_shape_is_the_same_after_every_split(space, seed):
    genome = grown(space, seed, generations=8)
    shape = develop(genome, dt_ms=space.task.dt_ms).shape
    while free := splittable(genome):
        smaller = split_population(genome, free[-1])
        if smaller is genome:
            break
        genome = smaller
        assert develop(genome, dt_ms=space.task.dt_ms).shape == shape


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_unbundling_makes_every_synapse_a_gene_and_changes_nothing_else(seed):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed, direct=True)
    rng = np.random.default_rng(seed)
    apart = genome
    for _ in range(8):
        apart = OPERATORS["unbundle"][1](apart, rng, space)
    assert_same_circuit(genome, apart, space.task.dt_ms)
    assert Genome.from_dict(apart.to_dict()) == apart
    new = set(apart.projections) - set(genome.projections)
    assert {j.pattern.kind for j in new} <= {"single"}


def test_ids_do_not_depend_on_what_is_split_first():
    cells = (population(1, 3, port="out"), population(2, 4), population(3, 3))
    patterns = ("all_to_all", "one_to_one", "all_but_self", "neighbours", "shifted", "single", "sparse")
    values = (0, 0, 0, 1, 1, 2, 0.5)
    ends = ((1, 2), (2, 1), (2, 3), (3, 1), (1, 3), (1, 2), (3, 2), (WIDE.id, 2), (WIDE.id, 1), (1, 1))
    projections = tuple(
        ProjectionGene(10 + 10 * i + k, *end, Pattern(kind, float(values[k]), 5), 0.5, 2.0)
        for i, end in enumerate(ends)
        for k, kind in enumerate(patterns)
    )
    genome = Genome((WIDE,), (Port("out", 3),), cells, projections)

    def through(order) -> Genome:
        split = genome
        for id in order:
            split = split_population(split, split.population(id), max_projections=10**6)
        return split

    one, two, three = through((1, 2, 3)), through((3, 2, 1)), through((2, 3, 1))
    assert set(one.projections) == set(two.projections) == set(three.projections)
    assert Genome.from_dict(one.to_dict()) == one


def test_rules_go_along():
    rule = ShortTerm(0.2, 100.0, 50.0)
    genome = wired(Pattern("one_to_one"), plasticity=rule)
    parts = split_population(genome, genome.populations[0]).projections
    assert [j.plasticity for j in parts] == [rule] * 3


def test_frozen_populations_and_those_at_frozen_projections_are_not_split():
    genome = wired(Pattern("one_to_one"))
    assert splittable(genome) == list(genome.populations)
    assert splittable(wired(Pattern("one_to_one"), frozen=True)) == []
    core = genome.with_genes(populations=[replace(p, frozen=True) for p in genome.populations])
    assert splittable(core) == []
    for kept in (wired(Pattern("one_to_one"), frozen=True), core):
        assert OPERATORS["split"][1](kept, np.random.default_rng(0), STATIC[0]) is kept


def test_a_genome_that_would_have_too_many_projections_is_left_alone():
    n = int(MAX_PROJECTIONS**0.5)
    for size, declined in ((n, False), (n + 1, True)):
        itself = ProjectionGene(11, 1, 1, Pattern("all_to_all"), 0.5, 2.0)
        genome = Genome((), (), (population(1, size),), (itself,))
        assert (split_population(genome, genome.populations[0]) is genome) == declined


def test_members_that_are_there_already_are_not_made_again():
    genome = wired(Pattern("one_to_one"))
    split = split_population(genome, genome.populations[0])
    again = split.with_genes(populations=[*split.populations, population(1, 3)])
    assert split_population(again, again.population(1)) is again


@every_space
def test_a_direct_founder_is_the_founder_in_single_neurons(space):
    whole, direct = (found(np.random.default_rng(1), space, direct) for direct in (False, True))
    assert_same_circuit(whole, direct, space.task.dt_ms)
    assert all(p.size == 1 or p.frozen for p in direct.populations)
    assert_within(direct, space)


def test_single_neurons_can_be_varied_one_by_one():
    space = STATIC[list(TASKS).index("winner")]
    rng = np.random.default_rng(0)
    genome = found(rng, space, direct=True)
    assert len({p.tau_m_ms for p in genome.populations}) == 1
    for _ in range(40):
        genome = OPERATORS["constants"][1](genome, rng, space)
    assert len({p.tau_m_ms for p in genome.populations}) == len(genome.populations) == 4
