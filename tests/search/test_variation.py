import json
from collections import Counter
from copy import copy
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.development import count_synapses, develop
from evocircuits.errors import InputError
from evocircuits.genome import Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming, kind_of
from evocircuits.search.recipe import load_recipe
from evocircuits.search.rules import RULE_BOUNDS
from evocircuits.search.variation import OPERATORS, Space, crossover, found, mutate
from evocircuits.tasks import TASKS, get_task


def allowing(space: Space, *kinds: str) -> Space:
    """The space of the same task, had it allowed these rules."""
    task = copy(space.task)
    task.ranges = replace(task.ranges, plasticity=kinds)
    return replace(space, task=task)


def space_of(name: str) -> Space:
    """A task's space at its own recipe's limits."""
    recipe = load_recipe(name)
    return Space(get_task(name), recipe.max_neurons, recipe.max_synapses)


STATIC = [allowing(space_of(name)) for name in TASKS]
PLASTIC = [allowing(space, *RULES) for space in STATIC]
SPACES = [*STATIC, *PLASTIC]
NAMES = [*TASKS, *(f"{name}, plastic" for name in TASKS)]
LOCALISE = SPACES[NAMES.index("localise, plastic")]
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
        if projection.plasticity is not None:
            assert_rule_within(projection, space)


def assert_rule_within(projection, space: Space):
    """Of a kind the task allows, with its parameters within their bounds."""
    rule = projection.plasticity
    assert kind_of(rule) in space.ranges.plasticity
    for field in fields(rule):
        value, (low, high) = getattr(rule, field.name), RULE_BOUNDS[field.name]
        if field.name == "max_weight":  # its strength moves on its own
            assert projection.strength <= value <= space.ranges.strength[1]
        elif not (field.name == "tau_fac_ms" and value == 0):
            unit = space.ranges.typical["tau_m_ms"] if field.name.endswith("_ms") else 1.0
            assert low * unit <= value <= high * unit


@pytest.mark.parametrize("space", SPACES, ids=NAMES)
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
    space = LOCALISE
    genomes = [grown(space, seed) for seed in range(20)]
    changed = [OPERATORS[name][1](g, np.random.default_rng(i), space) != g for i, g in enumerate(genomes)]
    assert any(changed)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_crossover_takes_one_targets_bundle_from_the_other_parent(seed):
    space = LOCALISE
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
    space = LOCALISE
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
    space = LOCALISE
    genome = found(np.random.default_rng(0), space)
    one, two = (OPERATORS["hidden"][1](genome, np.random.default_rng(seed), space) for seed in (1, 2))
    assert [p.id for p in one.populations] == [p.id for p in two.populations]
    assert [j.id for j in one.projections] == [j.id for j in two.projections]


def test_inserted_inhibition_is_inhibitory_and_reaches_its_target():
    space = LOCALISE
    genome = found(np.random.default_rng(0), space)
    grown_genome = OPERATORS["inhibition"][1](genome, np.random.default_rng(0), space)
    (cell,) = set(grown_genome.populations) - set(genome.populations)
    assert not cell.excitatory
    assert [j.target for j in grown_genome.projections if j.source == cell.id] == [genome.populations[0].id]


@pytest.mark.parametrize("space", STATIC, ids=TASKS)
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_genomes_stay_static_where_a_task_allows_no_rules(space, seed):
    genome, other = grown(space, seed), grown(space, seed + 1)
    child = crossover(genome, other, np.random.default_rng(seed), space)
    child = OPERATORS["plasticity"][1](child, np.random.default_rng(seed), space)
    for one in (genome, other, child):
        assert all(j.plasticity is None for j in one.projections)
        assert develop(one, dt_ms=space.task.dt_ms).plasticity == ()


@pytest.mark.parametrize("space", STATIC, ids=TASKS)
def test_where_no_rules_are_allowed_the_search_draws_as_if_the_operator_did_not_exist(space, monkeypatch):
    with_it = [grown(space, seed) for seed in range(20)]
    monkeypatch.delitem(OPERATORS, "plasticity")
    assert [grown(space, seed) for seed in range(20)] == with_it


def test_where_rules_are_allowed_some_mutants_get_them():
    rng = np.random.default_rng(0)
    genome = found(rng, PLASTIC[0])
    operators = "+".join(mutate(genome, rng, PLASTIC[0])[1] for _ in range(300)).split("+")
    assert operators.count("plasticity") > 5


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_bound_lies_within_the_range_of_strengths(seed):
    space = allowing(STATIC[0], "spike_timing")
    space.task.ranges = replace(space.ranges, strength=(0.3, 1.0))
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    for name in ("plasticity", "strength") * 10:
        genome = OPERATORS[name][1](genome, rng, space)
        assert_within(genome, space)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_rule_changes_one_projection_and_what_its_rested_synapses_pass_stays(seed):
    space = PLASTIC[seed % len(PLASTIC)]
    genome = grown(space, seed)
    changed = OPERATORS["plasticity"][1](genome, np.random.default_rng(seed), space)
    assert changed.populations == genome.populations
    pairs = zip(genome.projections, changed.projections, strict=True)
    differing = [(old, new) for old, new in pairs if old != new]
    assert len(differing) <= 1
    for old, new in differing:
        assert replace(new, strength=old.strength, plasticity=None) == replace(old, plasticity=None)
        if new.strength not in space.ranges.strength:
            assert rested(new) == pytest.approx(rested(old))


def rested(projection) -> float:
    rule = projection.plasticity
    return projection.strength * (rule.utilisation if isinstance(rule, ShortTerm) else 1.0)


@pytest.mark.parametrize("kind", RULES)
def test_the_plasticity_operator_gives_perturbs_and_takes_the_kinds_a_task_allows(kind):
    space = allowing(STATIC[0], kind)
    genome, rng = found(np.random.default_rng(0), space), np.random.default_rng(1)
    given_, perturbed, taken = Counter(), Counter(), 0
    for _ in range(400):
        changed = OPERATORS["plasticity"][1](genome, rng, space)
        for old, new in zip(genome.projections, changed.projections, strict=True):
            if old.plasticity is None and new.plasticity is not None:
                given_[kind_of(new.plasticity)] += 1
            elif new.plasticity is None and old.plasticity is not None:
                taken += 1
            elif old.plasticity != new.plasticity:
                before, after = vars(old.plasticity), vars(new.plasticity)
                perturbed.update(name for name in before if before[name] != after[name])
        genome = changed
    assert set(given_) == {kind}
    assert taken > 20
    assert set(perturbed) == {field.name for field in fields(RULES[kind])}


def test_facilitation_comes_and_goes():
    space = allowing(STATIC[0], "short_term")
    genome, rng = found(np.random.default_rng(0), space), np.random.default_rng(1)
    switched = Counter()
    for _ in range(600):
        changed = OPERATORS["plasticity"][1](genome, rng, space)
        for old, new in zip(genome.projections, changed.projections, strict=True):
            if old.plasticity is not None and new.plasticity is not None:
                switched[old.plasticity.tau_fac_ms > 0, new.plasticity.tau_fac_ms > 0] += 1
        genome = changed
    assert min(switched[True, False], switched[False, True]) > 3


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_strength_that_outgrows_the_bound_of_its_rule_takes_the_bound_along(seed):
    space = allowing(STATIC[seed % len(STATIC)], "spike_timing")
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    tight = [replace(j, plasticity=SpikeTiming(max_weight=j.strength)) for j in genome.projections]
    genome = genome.with_genes(projections=tight)
    stronger = OPERATORS["strength"][1](genome, rng, space)
    for old, new in zip(genome.projections, stronger.projections, strict=True):
        assert new.plasticity.max_weight == max(old.strength, new.strength)
    twins = OPERATORS["copy"][1](genome, rng, space).projections[len(genome.projections) :]
    bounds = {j.strength for j in genome.projections}
    for twin in (j for j in twins if j.plasticity is not None):
        assert twin.plasticity.max_weight in bounds | {twin.strength}
        assert twin.plasticity.max_weight >= twin.strength


def test_ranges_refuse_rules_that_are_none():
    for kinds in (("hebb",), "short_term", ["short_term"], None):
        with pytest.raises(
            InputError, match=r"^Ranges.plasticity: expected a tuple of kinds among short_term, "
        ):
            replace(STATIC[0].ranges, plasticity=kinds)


def test_founders_contain_what_the_task_gives():
    space = STATIC[0]
    core = PopulationGene(innovation("given"), True, 4, 10.0, 15.0, 2.0, 2.0, 5.0, frozen=True)
    itself = ProjectionGene(
        innovation("itself"), core.id, core.id, Pattern("all_but_self"), 0.5, 1.0, frozen=True
    )

    class Given(type(space.task)):
        def given(self):
            return (core,), (itself,)

    founder = found(np.random.default_rng(0), replace(space, task=Given()))
    assert core in founder.populations
    assert itself in founder.projections
    assert {p.port for p in founder.populations} == {None, *(port.name for port in space.task.outputs)}
