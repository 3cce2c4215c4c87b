"""Numbers, patterns and rules."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.development import rheobase_pA
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming, kind_of
from evocircuits.search.operators import OPERATORS
from evocircuits.search.variation import found
from evocircuits.tasks import TASKS
from tests.search.spaces import PLASTIC, STATIC, assert_within, grown, ranging, seeds

PERTURBING = ("strength", "delay", "gradient", "constants", "pattern", "plasticity")


def applied(name: str, genome, rng, space):
    return OPERATORS[name][1](genome, rng, space)


@pytest.mark.parametrize("name", PERTURBING)
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_one_gene_changes_and_the_structure_stays(name, seed):
    space = PLASTIC[seed % len(PLASTIC)]
    genome = grown(space, seed, generations=6)
    changed = applied(name, genome, np.random.default_rng(seed), space)
    assert changed.structure == genome.structure
    before = (*genome.populations, *genome.projections)
    after = (*changed.populations, *changed.projections)
    assert sum(old != new for old, new in zip(before, after, strict=True)) <= 1


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_bias_keeps_its_share_of_rheobase_when_the_membrane_changes(seed):
    space = ranging(STATIC[seed % len(STATIC)], bias=(-1.0, 1.0))
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    biased = [replace(p, bias_pA=0.7 * rheobase_pA(p.tau_m_ms, p.threshold_mV)) for p in genome.populations]
    genome = genome.with_genes(populations=biased)
    for _ in range(20):
        changed = applied("constants", genome, rng, space)
        for old, new in zip(genome.populations, changed.populations, strict=True):
            if new.tau_m_ms != old.tau_m_ms:
                assert new.bias_pA * new.tau_m_ms == pytest.approx(old.bias_pA * old.tau_m_ms)


def test_founders_have_no_bias_and_get_some_only_where_the_task_allows_it():
    for space, varies in ((STATIC[0], False), (ranging(STATIC[0], bias=(-0.5, 1.5)), True)):
        rng = np.random.default_rng(1)
        genome = found(rng, space)
        assert all(p.bias_pA == 0 for p in genome.populations)
        biases = set()
        for _ in range(300):
            genome = applied("constants", genome, rng, space)
            biases |= {p.bias_pA for p in genome.populations}
            assert_within(genome, space)
        assert (len(biases) > 20) == varies


def test_forage_may_evolve_the_bias_of_its_reference():
    task = next(space.task for space in STATIC if space.task.name == "forage")
    biases = [p.bias_pA / rheobase_pA(p.tau_m_ms, p.threshold_mV) for p in task.reference().populations]
    assert 1 < max(biases) < task.ranges.bias[1]
    assert min(biases) >= task.ranges.bias[0]


def test_between_single_neurons_there_is_one_pattern_and_from_one_to_many_those_that_differ():
    space = PLASTIC[list(TASKS).index("winner")]
    genome = grown(space, 5, generations=8, direct=True)
    rng, kinds = np.random.default_rng(0), {1: Counter(), 2: Counter()}
    for _ in range(600):
        changed = applied("pattern", genome, rng, space)
        for old, new in zip(genome.projections, changed.projections, strict=True):
            if old != new:
                sizes = sorted((genome.size_of(new.source), genome.size_of(new.target)))
                if sizes[0] == 1:
                    kinds[min(sizes[1], 2)][new.pattern.kind] += 1
                if new.pattern.kind == "single":
                    assert 0 <= new.pattern.value < sizes[1]
        genome = changed
    assert set(kinds[1]) <= {"all_to_all"}
    assert set(kinds[2]) == {"all_to_all", "single", "sparse"}


def test_where_rules_are_allowed_they_are_given_within_the_range_of_strengths():
    space = ranging(STATIC[0], plasticity=("spike_timing",), strength=(0.3, 1.0))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        genome = found(rng, space)
        for name in ("plasticity", "strength") * 10:
            genome = applied(name, genome, rng, space)
            assert_within(genome, space)


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_rule_changes_one_projection_and_what_its_rested_synapses_pass_stays(seed):
    space = PLASTIC[seed % len(PLASTIC)]
    genome = grown(space, seed)
    changed = applied("plasticity", genome, np.random.default_rng(seed), space)
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
    space = ranging(STATIC[0], plasticity=(kind,))
    genome, rng = found(np.random.default_rng(0), space), np.random.default_rng(1)
    given_, perturbed, taken = Counter(), Counter(), 0
    for _ in range(400):
        changed = applied("plasticity", genome, rng, space)
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
    space = ranging(STATIC[0], plasticity=("short_term",))
    genome, rng = found(np.random.default_rng(0), space), np.random.default_rng(1)
    switched = Counter()
    for _ in range(600):
        changed = applied("plasticity", genome, rng, space)
        for old, new in zip(genome.projections, changed.projections, strict=True):
            if old.plasticity is not None and new.plasticity is not None:
                switched[old.plasticity.tau_fac_ms > 0, new.plasticity.tau_fac_ms > 0] += 1
        genome = changed
    assert min(switched[True, False], switched[False, True]) > 3


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_strength_that_outgrows_the_bound_of_its_rule_takes_the_bound_along(seed):
    space = ranging(STATIC[seed % len(STATIC)], plasticity=("spike_timing",))
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    tight = [replace(j, plasticity=SpikeTiming(max_weight=j.strength)) for j in genome.projections]
    genome = genome.with_genes(projections=tight)
    stronger = applied("strength", genome, rng, space)
    for old, new in zip(genome.projections, stronger.projections, strict=True):
        assert new.plasticity.max_weight == max(old.strength, new.strength)
    twins = applied("copy", genome, rng, space).projections[len(genome.projections) :]
    bounds = {j.strength for j in genome.projections}
    for twin in (j for j in twins if j.plasticity is not None):
        assert twin.plasticity.max_weight in bounds | {twin.strength}
        assert twin.plasticity.max_weight >= twin.strength
