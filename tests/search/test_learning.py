"""What an island learns between generations, apart from the island."""

from collections import Counter
from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from evocircuits.search.assay import Assay
from evocircuits.search.learning import PER_GENE, Learning
from evocircuits.search.operators import OPERATORS
from evocircuits.search.refine import FUTILE
from evocircuits.search.selection import Individual
from evocircuits.search.vector import genes
from tests.search.small import REFERENCE, founder, mediocre, small

KEY = (1, 3, 0)
START = mediocre(0.515)


def learning(seed: int = 0, **settings) -> Learning:
    recipe = small(trials=64, parsimony=0.0, **settings)
    return Learning(recipe, recipe.space, Assay(recipe), KEY, np.random.default_rng(seed))


def resident(genome, score: float) -> Individual:
    return Individual(genome, "made", score=score)


def test_the_best_learns_in_as_many_evaluations_as_the_recipe_says():
    teacher = learning(refine_evaluations=150)
    best, other = resident(START, 0.5), resident(founder(3), 0.1)
    learned, _ = teacher.best([other, best])
    assert learned.ancestors == (best,)
    assert learned.mother_score == 0.5
    assert learned.genome.structure == START.structure
    before, after = teacher.assay.worths([START, learned.genome], KEY)
    assert after > before
    assert learned.score > 0.5
    assert 130 < teacher.assay.evaluations <= 150 + 2


@pytest.mark.parametrize(("kind", "credited"), [("lamarckian", False), ("baldwinian", True)])
def test_only_baldwinian_learning_is_credited_to_who_learned(kind, credited):
    best = resident(START, 0.5)
    learned, _ = learning(refine_evaluations=150, refinement=kind).best([best])
    assert best.genome == START
    assert best.score == (learned.score if credited else 0.5)
    assert learned.mother_score == 0.5 < learned.score


def test_a_descent_is_carried_on_while_the_best_has_its_structure():
    teacher = learning(refine_evaluations=60)
    learned, descent = teacher.best([resident(START, 0.5)])
    steps = descent.strategy.update_count
    _, carried_on = teacher.best([learned], descent)
    assert carried_on is descent
    assert descent.strategy.update_count == 2 * steps > 0
    _, another = teacher.best([resident(founder(3), 0.9)], descent)
    assert another is not descent
    assert another.strategy.update_count < 2 * steps


def test_a_descent_that_gains_nothing_is_given_up():
    teacher = learning(refine_evaluations=60)
    teacher.assay.worths = lambda genomes, key: [0.5] * len(genomes)
    _, descent = teacher.best([resident(START, 0.5)])
    in_each, epochs = descent.made, 1
    while descent:
        _, descent = teacher.best([resident(START, 0.5)], descent)
        epochs += 1
    assert epochs == ceil(FUTILE * len(genes(START, teacher.space)) / in_each)


def test_more_genes_and_fewer_evaluations_try_fewer_variants():
    enough = PER_GENE * len(genes(REFERENCE, learning().space))
    numbers = []
    for evaluations in (enough, 4 * enough, 12 * enough):
        teacher = learning()
        numbers.append(len(teacher.variants([resident(REFERENCE, 0.5)], evaluations)))
        assert 0.6 * evaluations < teacher.assay.evaluations <= evaluations
    assert numbers == [1, 2, 4]


def test_the_better_half_goes_on_and_the_last_goes_furthest():
    teacher, calls = learning(), []

    def worths(genomes, key):
        calls.append([genome.structure for genome in genomes])
        return Assay.worths(teacher.assay, genomes, key)

    teacher.assay.worths = worths
    evaluations = 12 * PER_GENE * len(genes(REFERENCE, teacher.space))
    variants = [v.genome for v in teacher.variants([resident(REFERENCE, 0.5)], evaluations)]
    asked = Counter(structure for call in calls for structure in call)
    spent = sorted(asked[genome.structure] for genome in variants)
    assert spent[0] < spent[-2] < spent[-1]
    final = calls[-1]
    assert len(final) == 3
    assert asked[final[0]] == spent[-1]


def test_variants_are_of_other_structure_and_share_the_evaluations():
    teacher = learning()
    mothers = [resident(START, 0.5), resident(REFERENCE, 1.0)]
    variants = teacher.variants(mothers, 40)
    assert 20 < teacher.assay.evaluations <= 40
    for variant in variants:
        [mother] = variant.ancestors
        assert mother in mothers
        assert variant.genome.structure != mother.genome.structure
        assert variant.operator.endswith("+refine")
        assert variant.mother_score == mother.score


@pytest.mark.parametrize("operator", ["resize", "pattern"])
def test_another_size_or_pattern_is_another_structure(operator):
    teacher = learning(operators={name: float(name == operator) for name in OPERATORS})
    genome = REFERENCE if operator == "resize" else wide()
    for variant in teacher.variants([resident(genome, 0.5)], 40):
        sizes = [p.size for p in variant.genome.populations]
        patterns = [j.pattern for j in variant.genome.projections]
        before = [p.size for p in genome.populations], [j.pattern for j in genome.projections]
        assert variant.genome.structure == genome.structure
        assert (sizes, patterns) != before


def wide():
    """The reference with three inhibitory cells, which patterns can join in several ways."""
    cells = [replace(p, size=1 if p.port else 3) for p in REFERENCE.populations]
    return REFERENCE.with_genes(populations=cells)


def test_equal_arguments_teach_the_same_and_another_stream_something_else():
    def taught(seed: int):
        return [v.genome for v in learning(seed).variants([resident(START, 0.5)], 20)]

    assert taught(1) == taught(1) != taught(2)
