"""CMA-ES on a genome's continuous genes."""

import json
import random
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure import evaluate
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming
from evocircuits.search.refine import SIGMA, Descent, Refined, carry_on, descend
from evocircuits.search.variation import Space
from evocircuits.search.vector import genes, with_genes
from tests.search.roomy import ORDER, grown, plastic, space_of


def refine(genome, scores, rng, space, *, evaluations, sigma=SIGMA) -> Refined:
    """By a descent of its own."""
    return carry_on(Descent(genome, space, rng, sigma), scores, evaluations)


def nearness(space: Space, target: np.ndarray):
    """A score that is 0 for genomes with the genes of `target` and falls with the squared distance."""
    return lambda genome: -float(np.sum((genes(genome, space) - target) ** 2))


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


def test_a_descent_goes_on_where_it_was_told():
    """As if it had not been a dict in between, to the last bit."""
    genome, rng = ORDER.task.reference(), np.random.default_rng(3)
    scores = of_each(nearness(ORDER, genes(genome, ORDER) + 0.5))
    one = Descent(genome, ORDER, rng)
    descend([one], 80, scores)
    other = Descent.from_dict(json.loads(json.dumps(one.to_dict())), ORDER, deepcopy(rng))
    assert other.made == 0
    for descent in (one, other):
        descend([descent], 200, scores)
    assert one.strategy.sigma == other.strategy.sigma
    assert one.mean == other.mean
    assert one.to_dict() == other.to_dict()
