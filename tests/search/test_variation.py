"""Founders, mutation and crossover."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import develop
from evocircuits.genome import Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.search.operators import OPERATORS
from evocircuits.search.variation import crossover, found, mutate
from tests.search.spaces import (
    LOCALISE,
    PLASTIC,
    SPACES,
    STATIC,
    assert_within,
    every_space,
    every_task,
    grown,
    seeds,
)


@every_space
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_evolved_genomes_stay_valid_and_within_limits(space, seed):
    assert_within(grown(space, seed, direct=seed % 3 == 0), space)


@every_space
@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_evolved_genomes_develop_to_circuits_that_pass_every_check_as_they_are(space, seed):
    circuit = develop(grown(space, seed), dt_ms=space.task.dt_ms)
    inputs = {
        name: Afferents(**{f.name: getattr(a, f.name) for f in fields(Afferents)})
        for name, a in circuit.inputs.items()
    }
    values = {f.name: getattr(circuit, f.name) for f in fields(Circuit)}
    checked = Circuit(**values | {"inputs": inputs})
    assert checked.id == circuit.id
    assert vars(circuit).keys() >= {f.name for f in fields(Circuit)}
    assert_same_arrays(circuit, checked)
    assert_same_arrays(circuit.outputs, checked.outputs)
    for name, afferents in checked.inputs.items():
        assert_same_arrays(circuit.inputs[name], afferents)


def assert_same_arrays(one, other):
    one, other = (x if isinstance(x, dict) else vars(x) for x in (one, other))
    for name, array in other.items():
        if isinstance(array, np.ndarray):
            assert np.array_equal(one[name], array)
            assert one[name].dtype == array.dtype
            assert one[name].flags.c_contiguous
            assert not one[name].flags.writeable
        elif name != "inputs" and name != "outputs":
            assert one[name] == array


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_mutant_that_names_an_operator_differs_from_its_parent(seed):
    space = SPACES[seed % len(SPACES)]
    genome = found(np.random.default_rng(seed), space)
    mutant, operators = mutate(genome, np.random.default_rng(seed), space)
    assert (mutant == genome) == (operators == "unchanged")


def test_nearly_every_mutant_is_one():
    rng = np.random.default_rng(0)
    genome = found(rng, LOCALISE)
    unchanged = sum(mutate(genome, rng, LOCALISE)[1] == "unchanged" for _ in range(500))
    assert unchanged < 10


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_crossover_takes_one_targets_bundle_from_the_other_parent(seed):
    space = PLASTIC[seed % len(PLASTIC)]
    direct = seed % 2 == 0
    mother, father = grown(space, seed, direct=direct), grown(space, seed + 1, direct=direct)
    child = crossover(mother, father, np.random.default_rng(seed), space)
    assert_within(child, space)
    from_father = {j.target for j in child.projections if j not in mother.projections}
    assert len(from_father) <= 1
    sources = {g.id for g in (*child.inputs, *child.populations)}
    for target in from_father:
        bundle = {j.id: j for j in father.incoming(target) if j.source in sources}
        assert {j.id for j in child.incoming(target)} == bundle.keys()
        for j in child.incoming(target):
            kept = {"delay_ms": j.delay_ms, "delay_gradient_ms": j.delay_gradient_ms, "pattern": j.pattern}
            assert replace(bundle[j.id], **kept) == j  # where sizes differ, delays are moved into their range
        assert replace(father.population(target), port=child.population(target).port) == child.population(
            target
        )


def test_crossover_of_direct_genomes_exchanges_single_neurons():
    mother, father = (found(np.random.default_rng(seed), LOCALISE, direct=True) for seed in (1, 2))
    child = crossover(mother, father, np.random.default_rng(0), LOCALISE)
    (new,) = set(child.populations) - set(mother.populations)
    assert new in father.populations
    assert set(child.incoming(new.id)) == set(father.incoming(new.id))
    assert child.structure == mother.structure == father.structure


def test_crossover_with_a_parent_that_moved_its_inputs_keeps_the_output_driven():
    space = LOCALISE
    plain = found(np.random.default_rng(0), space)
    moved = OPERATORS["hidden"][1](plain, np.random.default_rng(0), space)
    child = crossover(moved, plain, np.random.default_rng(0), space)
    assert {j.source for j in child.incoming(plain.populations[0].id)} == {port.id for port in plain.inputs}
    assert child.populations == plain.populations  # the hidden one would lead nowhere


@every_task
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_genomes_stay_static_where_a_task_allows_no_rules(space, seed):
    genome, other = grown(space, seed), grown(space, seed + 1)
    child = crossover(genome, other, np.random.default_rng(seed), space)
    child = OPERATORS["plasticity"][1](child, np.random.default_rng(seed), space)
    for one in (genome, other, child):
        assert all(j.plasticity is None for j in one.projections)
        assert develop(one, dt_ms=space.task.dt_ms).plasticity == ()


def test_where_rules_are_allowed_some_mutants_get_them():
    rng = np.random.default_rng(0)
    genome = found(rng, PLASTIC[0])
    operators = "+".join(mutate(genome, rng, PLASTIC[0])[1] for _ in range(300)).split("+")
    assert operators.count("plasticity") > 5


@pytest.mark.parametrize("direct", [False, True])
def test_founders_contain_what_the_task_gives(direct):
    space = STATIC[0]
    core = PopulationGene(innovation("given"), True, 4, 10.0, 15.0, 2.0, 2.0, 5.0, frozen=True)
    itself = ProjectionGene(
        innovation("itself"), core.id, core.id, Pattern("all_but_self"), 0.5, 1.0, frozen=True
    )

    class Given(type(space.task)):
        def given(self):
            return (core,), (itself,)

    founder = found(np.random.default_rng(0), replace(space, task=Given()), direct)
    assert core in founder.populations
    assert itself in founder.projections
    assert {p.port for p in founder.populations} == {None, *(port.name for port in space.task.outputs)}


@every_task
def test_founders_repeat_and_differ_where_the_task_leaves_something_open(space):
    one, two, other = (found(np.random.default_rng(seed), space) for seed in (1, 1, 2))
    assert one == two
    assert (one == other) == all(p.frozen for p in one.populations)
