import random
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.development import develop, rheobase_pA
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure import evaluate
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming
from evocircuits.search.refine import Descent, Refined, descend, genes, refine, with_genes
from evocircuits.search.variation import Space, found, mutate
from evocircuits.tasks import TASKS, get_task

seeds = st.integers(0, 2**32 - 1)


def space_of(name: str, **ranges) -> Space:
    """A task's space, had it these ranges."""
    task = copy(get_task(name))
    task.ranges = replace(task.ranges, **ranges)
    return Space(task, max_neurons=64, max_synapses=600)


SPACES = [space_of(name, plasticity=tuple(RULES), bias=(-1.0, 2.0)) for name in TASKS]
ORDER = space_of("order")


def grown(space: Space, seed: int) -> Genome:
    """A genome that has been through many operators."""
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    for _ in range(12):
        genome, _ = mutate(genome, rng, space)
    return genome


def plastic(space: Space, rule) -> Genome:
    """The task's reference with one rule on all its projections."""
    reference = space.task.reference()
    return reference.with_genes(projections=[replace(j, plasticity=rule) for j in reference.projections])


def nearness(space: Space, target: np.ndarray):
    """A score that is 0 for genomes with the genes of `target` and falls with the squared distance."""
    return lambda genome: -float(np.sum((genes(genome, space) - target) ** 2))


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


def of_each(score):
    """The scores of several genomes by a function of one."""
    return lambda several: [score(one) for one in several]


def test_frozen_genes_are_none_of_the_vector_and_stay():
    genome = ORDER.task.reference()
    frozen = genome.with_genes(
        populations=[replace(p, frozen=True) for p in genome.populations],
        projections=[replace(j, frozen=True) for j in genome.projections],
    )
    assert len(genes(frozen, ORDER)) == 0
    refined = refine(frozen, of_each(lambda _: 0.25), np.random.default_rng(1), ORDER, evaluations=50)
    assert (refined.genome, refined.score, refined.evaluations) == (frozen, 0.25, 1)


@pytest.mark.parametrize("extra", [-1, 1])
def test_a_vector_of_another_length_is_refused(extra):
    genome = ORDER.task.reference()
    n = len(genes(genome, ORDER))
    with pytest.raises(InputError, match=rf"^with_genes: vector: expected float\[{n}\]; got shape"):
        with_genes(genome, np.zeros(n + extra), ORDER)


def step_size(genome: Genome) -> int:
    """How many genomes the strategy tries in a step (Hansen & Ostermeier's default)."""
    return int(4 + 3 * np.log(len(genes(genome, ORDER))))


def test_with_fewer_evaluations_than_a_step_and_a_final_need_nothing_is_tried():
    genome = ORDER.task.reference()
    for evaluations in (1, 3, step_size(genome) + 2):
        refined = refine(
            genome, of_each(lambda _: 0.5), np.random.default_rng(1), ORDER, evaluations=evaluations
        )
        assert refined == Refined(genome, score=0.5, gain=0.0, evaluations=1)


@pytest.mark.parametrize("evaluations", [20, 60, 61])
def test_as_many_steps_are_taken_as_the_evaluations_suffice_for(evaluations):
    genome, asked = ORDER.task.reference(), []
    target = genes(genome, ORDER) + 0.5
    nearer = nearness(ORDER, target)

    def score(one: Genome) -> float:
        asked.append((nearer(one), one))
        return asked[-1][0]

    refined = refine(genome, of_each(score), np.random.default_rng(1), ORDER, evaluations=evaluations)
    assert evaluations - step_size(genome) < refined.evaluations == len(asked) <= evaluations
    final = asked[-3:]
    assert final[0][1] == genome
    assert (refined.score, refined.genome) == max(final, key=lambda pair: pair[0])
    assert refined.score == max(score for score, _ in asked)
    assert refined.gain == refined.score - final[0][0]


@pytest.mark.parametrize("evaluations", [100, 101])
def test_side_by_side_each_goes_as_far_as_alone(evaluations):
    genomes = [ORDER.task.reference(), grown(ORDER, 3), grown(ORDER, 4)]
    target = genes(genomes[0], ORDER)
    calls = []

    def score(several) -> list[float]:
        calls.append(len(several))
        return [-float(np.sum((genes(one, ORDER)[:3] - target[:3] - 1) ** 2)) for one in several]

    alone = [Descent(genome, ORDER, np.random.default_rng(k)) for k, genome in enumerate(genomes)]
    for descent in alone:
        descend([descent], evaluations, score)
    made, sizes = sum(calls), len(calls)
    calls.clear()
    together = [Descent(genome, ORDER, np.random.default_rng(k)) for k, genome in enumerate(genomes)]
    descend(together, evaluations, score)
    assert [d.mean for d in together] == [d.mean for d in alone]
    assert [d.made for d in together] == [d.made for d in alone]
    assert sum(calls) == made
    assert len(calls) < sizes


def test_luck_of_single_evaluations_is_averaged_out():
    genome = ORDER.task.reference()
    target = genes(genome, ORDER) + 1.0
    nearer, luck = nearness(ORDER, target), np.random.default_rng(5)

    def noisy(several) -> list[float]:
        return [nearer(one) + 4.0 * luck.normal() for one in several]

    seen = refine(genome, noisy, np.random.default_rng(1), ORDER, evaluations=600)
    assert nearer(seen.genome) > 0.5 * nearer(genome)


def test_every_generation_is_compared_in_one_call_and_the_finalists_in_the_last():
    genome, calls = ORDER.task.reference(), []
    nearer = nearness(ORDER, genes(genome, ORDER) + 0.5)

    def scores(several) -> list[float]:
        calls.append(len(several))
        return [nearer(one) - 10.0 * len(calls) for one in several]  # of one call comparable, of two not

    refined = refine(genome, scores, np.random.default_rng(1), ORDER, evaluations=200)
    *generations, final = calls
    assert set(generations) == {step_size(genome)}
    assert final == 3
    assert refined.gain > 0


def test_a_smaller_budget_sees_the_same_genomes_as_far_as_it_reaches():
    genome = ORDER.task.reference()
    seen: dict[int, list] = {}
    for evaluations in (25, 60):
        score = nearness(ORDER, genes(genome, ORDER) + 0.5)
        seen[evaluations] = []
        refine(
            genome,
            of_each(lambda one, n=evaluations, score=score: seen[n].append(one) or score(one)),
            np.random.default_rng(1),
            ORDER,
            evaluations=evaluations,
        )
    steps = seen[25][:-3]
    assert steps
    assert seen[60][: len(steps)] == steps


@pytest.mark.parametrize("rule", [None, ShortTerm(0.5, 20.0, 30.0), SpikeTiming(max_weight=6.0)])
def test_a_known_optimum_is_approached(rule):
    space = space_of("order", plasticity=tuple(RULES))
    genome = plastic(space, rule)
    target = genes(with_genes(genome, genes(genome, space) + 0.7, space), space)
    refined = refine(
        genome,
        of_each(nearness(space, target)),
        np.random.default_rng(1),
        space,
        evaluations=70 * len(target),
    )
    assert refined.score > 0.01 * nearness(space, target)(genome)


def test_the_search_ends_where_its_steps_no_longer_matter():
    genome = ORDER.task.reference()
    score = nearness(ORDER, genes(genome, ORDER))
    refined = refine(genome, of_each(score), np.random.default_rng(1), ORDER, evaluations=100_000)
    assert refined.evaluations < 20_000
    assert refined.gain == 0  # nothing is nearer than itself
    assert refined.genome == genome


def test_nothing_better_leaves_the_genome_as_it_was():
    genome = ORDER.task.reference()
    refined = refine(
        genome, of_each(lambda one: float(one == genome)), np.random.default_rng(1), ORDER, evaluations=40
    )
    assert (refined.genome, refined.score) == (genome, 1.0)


@pytest.mark.parametrize("settings", [{"evaluations": 0}, {"evaluations": 9, "sigma": 0.0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(InputError, match=r"^refine: expected (evaluations ≥ 1|sigma > 0); got"):
        refine(ORDER.task.reference(), of_each(lambda _: 0.0), np.random.default_rng(1), ORDER, **settings)


def test_equal_arguments_give_equal_bits_whatever_the_global_generators_hold():
    genome = ORDER.task.reference()
    score = nearness(ORDER, genes(genome, ORDER) + 0.5)
    runs = []
    for elsewhere in (1, 2):
        random.seed(elsewhere)
        np.random.seed(elsewhere)
        runs.append(refine(genome, of_each(score), np.random.default_rng(3), ORDER, evaluations=100))
    other = refine(genome, of_each(score), np.random.default_rng(4), ORDER, evaluations=100)
    assert runs[0] == runs[1] != other


def test_global_generators_are_left_as_they_were_also_when_the_score_fails():
    genome, calls = ORDER.task.reference(), []

    def failing(one: Genome) -> float:
        calls.append(one)
        if len(calls) > 20:
            raise RuntimeError("no score")
        return 0.0

    np.random.seed(5)
    np.random.standard_normal(1)  # which leaves a second normal number in store
    before = random.getstate(), np.random.get_state()
    refine(
        genome,
        of_each(nearness(ORDER, genes(genome, ORDER))),
        np.random.default_rng(1),
        ORDER,
        evaluations=60,
    )
    with pytest.raises(RuntimeError, match="no score"):
        refine(genome, of_each(failing), np.random.default_rng(1), ORDER, evaluations=60)
    after = random.getstate(), np.random.get_state()
    assert before[0] == after[0]
    for one, two in zip(before[1], after[1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_spoilt_circuit_is_repaired():
    space = space_of("winner")
    task, reference = space.task, space.task.reference()
    vector = genes(reference, space)
    spoilt = with_genes(reference, vector + np.random.default_rng(1).normal(size=len(vector)), space)

    def score(genome: Genome) -> float:
        return evaluate(genome, task, (1, 0), 64).graded

    refined = refine(spoilt, of_each(score), np.random.default_rng(1), space, evaluations=80)
    assert (
        evaluate(spoilt, task, (1, 1), 500).raw < 0.3 < 0.6 < evaluate(refined.genome, task, (1, 1), 500).raw
    )
