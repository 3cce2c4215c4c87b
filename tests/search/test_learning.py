"""What an island learns between generations, apart from the island."""

import numpy as np
import pytest

from evocircuits.search.assay import Assay
from evocircuits.search.learning import ENOUGH, VARIANTS, Learning
from evocircuits.search.selection import Individual
from tests.search.small import REFERENCE, founder, mediocre, small

KEY = (1, 3, 0)
START = mediocre(0.515)


def learning(seed: int = 0, **settings) -> Learning:
    recipe = small(trials=64, parsimony=0.0, **settings)
    return Learning(recipe, recipe.space, Assay(recipe), KEY, np.random.default_rng(seed))


def resident(genome, score: float) -> Individual:
    return Individual(genome, "made", score=score)


def test_the_best_learns_in_as_many_evaluations_as_the_recipe_says():
    teacher = learning(refine_evaluations=30)
    best, other = resident(START, 0.5), resident(founder(3), 0.1)
    learned = teacher.best([other, best])
    assert learned.ancestors == (START,)
    assert learned.mother_score == 0.5
    assert learned.genome.structure == START.structure
    before, after = teacher.assay.worths([START, learned.genome], KEY)
    assert after > before
    assert learned.score == pytest.approx(0.5 + after - before)
    assert teacher.assay.evaluations == 30 + 2


@pytest.mark.parametrize(("kind", "credited"), [("lamarckian", False), ("baldwinian", True)])
def test_only_baldwinian_learning_is_credited_to_who_learned(kind, credited):
    best = resident(START, 0.5)
    learned = learning(refine_evaluations=30, refinement=kind).best([best])
    assert best.genome == START
    assert best.score == (learned.score if credited else 0.5)
    assert learned.mother_score == 0.5 < learned.score


def test_more_evaluations_try_more_variants():
    teacher = learning()
    assert len(teacher.variants([resident(START, 0.5)], 3 * ENOUGH + 2)) == 3
    assert teacher.assay.evaluations <= 3 * ENOUGH


def test_variants_are_of_other_structure_and_share_the_evaluations():
    teacher = learning()
    mothers = [resident(START, 0.5), resident(REFERENCE, 1.0)]
    variants = teacher.variants(mothers, 40)
    assert len(variants) == VARIANTS
    assert teacher.assay.evaluations == VARIANTS * (40 // VARIANTS)
    for variant in variants:
        [mother] = variant.ancestors
        assert mother in (START, REFERENCE)
        assert variant.genome.structure != mother.structure
        assert variant.operator.endswith("+refine")
        assert variant.mother_score == (0.5 if mother == START else 1.0)


def test_equal_arguments_teach_the_same_and_another_stream_something_else():
    def taught(seed: int):
        return [v.genome for v in learning(seed).variants([resident(START, 0.5)], 20)]

    assert taught(1) == taught(1) != taught(2)
