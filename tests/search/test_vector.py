"""A genome's continuous genes as a vector, and back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.development import develop, rheobase_pA
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming
from evocircuits.search.vector import genes, with_genes
from tests.search.roomy import ORDER, SPACES, grown, plastic, space_of

seeds = st.integers(0, 2**32 - 1)


def numbers(gene) -> dict:
    """The fields that are numbers, those of its rule among them."""
    rule = getattr(gene, "plasticity", None)
    return {
        name: value for name, value in (vars(gene) | (vars(rule) if rule else {})).items() if _real(value)
    }


def _real(value) -> bool:
    return isinstance(value, int | float)


@given(seed=seeds, which=st.sampled_from(range(len(SPACES))))
@settings(max_examples=120, deadline=None)
def test_genes_written_back_give_the_same_genome(seed, which):
    space = SPACES[which]
    genome = grown(space, seed)
    again = with_genes(genome, genes(genome, space), space)
    for kind in ("populations", "projections"):
        for old, new in zip(getattr(genome, kind), getattr(again, kind), strict=True):
            assert numbers(new) == pytest.approx(numbers(old), rel=1e-9, abs=1e-9)
    assert again.structure == genome.structure


@given(seed=seeds, which=st.sampled_from(range(len(SPACES))), reach=st.sampled_from([0.5, 5.0, 1e4]))
@settings(max_examples=120, deadline=None)
def test_any_vector_gives_a_genome_within_the_ranges_and_of_the_same_topology(seed, which, reach):
    space = SPACES[which]
    genome = grown(space, seed)
    vector = genes(genome, space)
    moved = with_genes(genome, vector + reach * np.random.default_rng(seed).normal(size=len(vector)), space)
    checked = Genome.from_dict(moved.to_dict())  # which constructs, and so checks, every gene
    assert checked == moved
    for old, new in zip(
        (*genome.populations, *genome.projections), (*moved.populations, *moved.projections), strict=True
    ):
        same = ("id", "excitatory", "size", "port", "source", "target", "pattern", "frozen", "threshold_mV")
        assert [getattr(new, name, None) for name in same] == [getattr(old, name, None) for name in same]
        assert new == old or not old.frozen
    assert space.fitted(moved) == moved
    low, high = space.ranges.delay_ms
    circuit, half_step = develop(moved, dt_ms=space.task.dt_ms), space.task.dt_ms / 2
    for delay_ms in (circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())):
        assert np.all((delay_ms >= low - half_step) & (delay_ms <= high + half_step))


def test_one_unit_is_a_factor_of_root_e_or_a_tenth_of_a_range():
    space = space_of("order", bias=(-1.0, 2.0), delay_ms=(1.0, 21.0))
    genome = space.task.reference()
    out, first = genome.populations[0], genome.projections[0]
    vector = genes(genome, space)
    n_out = 5  # tau_m, t_ref, both tau_syn, bias; then those of the other cell, which only excitation reaches
    assert len(vector) == n_out + 4 + 2 * len(genome.projections)
    moved = with_genes(genome, vector + 1.0, space)
    cell, synapse = moved.populations[0], moved.projections[0]
    assert cell.tau_m_ms / out.tau_m_ms == pytest.approx(np.exp(0.5))
    assert cell.tau_syn_in_ms / out.tau_syn_in_ms == pytest.approx(np.exp(0.5))
    assert synapse.strength / first.strength == pytest.approx(np.exp(0.5))
    assert synapse.delay_ms - first.delay_ms == pytest.approx(2.0)
    assert cell.bias_pA == pytest.approx(0.3 * rheobase_pA(cell.tau_m_ms, cell.threshold_mV))


def test_a_delay_gradient_is_a_gene_only_along_more_than_one_member():
    one, many = space_of("order"), space_of("localise")
    for space, expected in ((one, 2), (many, 3)):
        genome = space.task.reference()
        free = [replace(p, frozen=True) for p in genome.populations]
        only = genome.with_genes(
            populations=free, projections=[replace(j, frozen=i > 0) for i, j in enumerate(genome.projections)]
        )
        assert len(genes(only, space)) == expected


def test_what_does_not_arrive_at_a_population_has_no_time_constant_to_vary():
    genome = ORDER.task.reference()
    excited = [j for j in genome.projections if j.source in {port.id for port in genome.inputs}]
    without = genome.with_genes(projections=excited)
    assert len(genes(genome, ORDER)) - len(genes(without, ORDER)) == 2 + 1  # strength and delay; tau_syn_in


@pytest.mark.parametrize(
    ("rule", "n"),
    [(ShortTerm(0.5, 20.0, 30.0), 3), (ShortTerm(0.5, 20.0, 0.0), 2), (SpikeTiming(max_weight=5.0), 7)],
)
def test_the_parameters_of_rules_are_genes_and_facilitation_that_is_off_stays_off(rule, n):
    space = space_of("order", plasticity=tuple(RULES))
    static, genome = space.task.reference(), plastic(space, rule)
    vector = genes(genome, space)
    assert len(vector) - len(genes(static, space)) == n * len(static.projections)
    moved = with_genes(genome, vector - 0.1, space)
    for old, new in zip(genome.projections, moved.projections, strict=True):
        before, after = vars(old.plasticity), vars(new.plasticity)
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {name for name in before if before[name] > 0}


def test_a_strength_takes_the_bound_of_its_rule_along():
    space = space_of("order", plasticity=tuple(RULES))
    reference = space.task.reference()
    tight = reference.with_genes(
        projections=[
            replace(j, plasticity=SpikeTiming(max_weight=j.strength), frozen=i > 0)
            for i, j in enumerate(reference.projections)
        ],
        populations=[replace(p, frozen=True) for p in reference.populations],
    )
    vector = genes(tight, space)
    stronger = with_genes(tight, vector + np.eye(len(vector))[0], space).projections[0]
    assert stronger.strength == pytest.approx(tight.projections[0].strength * np.exp(0.5))
    assert stronger.plasticity.max_weight == stronger.strength


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_vector_of_another_length_is_refused(extra):
    genome = ORDER.task.reference()
    n = len(genes(genome, ORDER))
    with pytest.raises(InputError, match=rf"^with_genes: vector: expected float\[{n}\]; got shape"):
        with_genes(genome, np.zeros(n + extra), ORDER)
