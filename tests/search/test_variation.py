import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.develop import count_synapses, develop
from evocircuits.search.variation import OPERATORS, Space, crossover, found, mutate
from evocircuits.tasks import TASKS, get_task

SPACES = [Space(get_task(name), max_neurons=40, max_synapses=150) for name in TASKS]
seeds = st.integers(0, 2**32 - 1)


def grown(space: Space, seed: int, generations: int = 12):
    """A genome that has been through many operators."""
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    for _ in range(generations):
        genome, _ = mutate(genome, rng, space)
    return genome


def assert_within(genome, space: Space):
    """Within the limits of size and, synapse for synapse, within the task's ranges."""
    circuit = develop(genome, dt_ms=space.task.dt_ms)
    assert circuit.n_neurons <= space.max_neurons
    assert circuit.n_synapses == count_synapses(genome) <= space.max_synapses
    low, high = space.ranges.delay_ms
    half_step = space.task.dt_ms / 2
    for delay_ms in (circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())):
        assert np.all((delay_ms >= low - half_step) & (delay_ms <= high + half_step))
    for population in genome.populations:
        for name in ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms"):
            assert (
                getattr(space.ranges, name)[0] <= getattr(population, name) <= getattr(space.ranges, name)[1]
            )
    for projection in genome.projections:
        assert space.ranges.strength[0] <= projection.strength <= space.ranges.strength[1]


@pytest.mark.parametrize("space", SPACES, ids=TASKS)
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_evolved_genomes_stay_valid_and_within_limits(space, seed):
    assert_within(grown(space, seed), space)


@pytest.mark.parametrize("name", OPERATORS)
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_operators_are_pure_and_deterministic(name, seed):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed, generations=6)
    before = json.dumps(genome.to_dict())
    _, operator = OPERATORS[name]
    one, two = (operator(genome, np.random.default_rng(seed), space) for _ in range(2))
    assert one == two
    assert json.dumps(genome.to_dict()) == before


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_changes_some_genome(name):
    space = SPACES[-1]
    genomes = [grown(space, seed) for seed in range(20)]
    changed = [OPERATORS[name][1](g, np.random.default_rng(i), space) != g for i, g in enumerate(genomes)]
    assert any(changed)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_crossover_takes_one_targets_bundle_from_the_other_parent(seed):
    space = SPACES[-1]
    mother, father = grown(space, seed), grown(space, seed + 1)
    child = crossover(mother, father, np.random.default_rng(seed), space)
    assert_within(child, space)
    origins = {j: "mother" for j in mother.projections} | {j: "father" for j in father.projections}
    assert all(j in origins for j in child.projections)
    from_father = {j.target for j in child.projections if j not in mother.projections}
    assert len(from_father) <= 1
    sources = {g.id for g in (*child.inputs, *child.populations)}
    for target in from_father:
        bundle = {j.id for j in father.incoming(target) if j.source in sources}
        assert {j.id for j in child.incoming(target)} == bundle


def test_crossover_with_a_parent_that_moved_its_inputs_keeps_the_output_driven():
    space = SPACES[-1]
    plain = found(np.random.default_rng(0), space)
    moved = OPERATORS["hidden"][1](plain, np.random.default_rng(0), space)
    child = crossover(moved, plain, np.random.default_rng(0), space)
    assert {j.source for j in child.incoming(plain.populations[0].id)} == {port.id for port in plain.inputs}
    assert child.populations == plain.populations  # the hidden one would lead nowhere


@given(seed=seeds, which=st.sampled_from(["populations", "projections"]))
@settings(max_examples=60, deadline=None)
def test_frozen_genes_are_kept_by_every_operator(seed, which):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed, generations=6)
    chosen = {seed % 3}
    frozen = [replace(g, frozen=i in chosen) for i, g in enumerate(getattr(genome, which))]
    genome = genome.with_genes(**{which: frozen})
    kept = {g for g in frozen if g.frozen}
    for _, operator in OPERATORS.values():
        assert kept <= set(getattr(operator(genome, np.random.default_rng(seed), space), which))
    other = grown(space, seed + 1, generations=6)
    assert kept <= set(getattr(crossover(genome, other, np.random.default_rng(seed), space), which))


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_mutant_that_names_an_operator_differs_from_its_parent(seed):
    space = SPACES[seed % len(SPACES)]
    genome = found(np.random.default_rng(seed), space)
    mutant, operators = mutate(genome, np.random.default_rng(seed), space)
    assert (mutant == genome) == (operators == "unchanged")


def test_the_same_innovation_gets_the_same_id_on_every_island():
    space = SPACES[-1]
    genome = found(np.random.default_rng(0), space)
    one, two = (OPERATORS["hidden"][1](genome, np.random.default_rng(seed), space) for seed in (1, 2))
    assert [p.id for p in one.populations] == [p.id for p in two.populations]
    assert [j.id for j in one.projections] == [j.id for j in two.projections]


def test_inserted_inhibition_is_inhibitory_and_reaches_its_target():
    space = SPACES[-1]
    genome = found(np.random.default_rng(0), space)
    grown_genome = OPERATORS["inhibition"][1](genome, np.random.default_rng(0), space)
    (cell,) = set(grown_genome.populations) - set(genome.populations)
    assert not cell.excitatory
    assert [j.target for j in grown_genome.projections if j.source == cell.id] == [genome.populations[0].id]
