import random

import numpy as np
import pytest

from evocircuits.measure import Evaluation
from evocircuits.search.selection import Individual, deap_random, mates, survivors
from evocircuits.search.variation import Space, found
from evocircuits.tasks import get_task

SPACE = Space(get_task("order"), 10, 40)


def individual(score: float, energy_pJ: float = 1.0, seed: int | None = None) -> Individual:
    rng = np.random.default_rng(seed if seed is not None else int(score * 1e6 + energy_pJ))
    one = Individual(found(rng, SPACE), "found")
    one.meet(Evaluation(score, score, energy_pJ, 1.0, 1, 2), parsimony=0.0, chance=0.5)
    return one


def test_score_is_the_running_mean_over_generations():
    one = individual(0.4)
    one.meet(Evaluation(0.8, 0.8, 1.0, 1.0, 1, 2), parsimony=0.0, chance=0.5)
    assert one.score == pytest.approx(0.6)
    assert one.fitness.values == (one.score, 1.0)


def test_synapses_cost_only_above_chance():
    cheap, dear = Individual(None, ""), Individual(None, "")
    cheap.meet(Evaluation(0.5, 0.5, 1.0, 1.0, 1, 100), parsimony=0.001, chance=0.5)
    dear.meet(Evaluation(0.9, 0.9, 1.0, 1.0, 1, 100), parsimony=0.001, chance=0.5)
    assert cheap.score == 0.5
    assert dear.score == pytest.approx(0.9 - 0.001 * 100 * 0.4)


def test_an_invalid_evaluation_outweighs_earlier_good_ones():
    one = individual(0.9)
    one.meet(Evaluation.invalid("slow"), parsimony=0.0, chance=0.5)
    assert one.score == -1.0


def test_best_scores_survive_whatever_they_cost():
    pool = [individual(s / 10, energy_pJ=s * 100) for s in range(10)]
    kept = survivors(pool, 4, elites=2)
    assert sorted(i.score for i in kept)[-2:] == [0.8, 0.9]
    assert len(kept) == 4


def test_the_rest_are_the_front_of_score_and_energy():
    elite = individual(0.9, 1000)
    front, dominated = individual(0.6, 1.0), individual(0.5, 50.0)
    assert survivors([dominated, elite, front], 2, elites=1) == [elite, front]


def test_equal_genomes_survive_once():
    pool = [individual(0.9, seed=1), individual(0.9, seed=1), individual(0.5, seed=2)]
    assert len(survivors(pool, 3, elites=1)) == 2


def test_global_generator_is_put_back():
    random.seed(5)
    expected = random.Random(5).random()
    with deap_random(np.random.default_rng(0)):
        mates([individual(0.1), individual(0.2)], 3)
    assert random.random() == expected


def test_tournaments_prefer_the_better():
    pool = [individual(s / 10) for s in range(10)]
    with deap_random(np.random.default_rng(0)):
        drawn = mates(pool, 500)
    assert np.mean([i.score for i in drawn]) > 0.6
