"""Selection on individuals made by hand."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.search.objectives import INVALID
from evocircuits.search.selection import (
    MEMORY,
    Individual,
    deap_random,
    distinct,
    mates,
    structures,
    survivors,
)
from tests.search.small import REFERENCE, founder, individual

worths = st.lists(st.floats(-2, 1), min_size=1, max_size=30)


def drawn(pool: list[Individual], n: int, how: str, seed: int = 0) -> list[Individual]:
    with deap_random(np.random.default_rng(seed)):
        return mates(pool, n, how)


class TestMeeting:
    def test_means_run_over_generations(self):
        one = Individual(founder(), "found")
        for worth, normalised, energy in ((0.4, 0.5, 1.0), (0.8, 0.6, 3.0), (0.6, 1.0, 2.0)):
            one.meet(worth, normalised, {"energy": energy})
        assert (one.score, one.normalised) == pytest.approx((0.6, 0.7))
        assert one.objectives == pytest.approx({"energy": 2.0})
        assert one.generations == 3

    @given(worths)
    def test_after_tells_what_meeting_does(self, values):
        one = Individual(founder(), "found")
        for worth in values:
            expected = one.after(worth)
            one.meet(worth, worth, {})
            assert one.score == expected == pytest.approx(one.normalised)
        assert min(values) - 1e-9 <= one.score <= max(values) + 1e-9
        if len(values) <= MEMORY:
            assert one.score == pytest.approx(np.mean(values))

    def test_old_generations_are_forgotten(self):
        one = Individual(founder(), "found")
        for worth in [0.0] * 100 + [1.0] * 5 * MEMORY:
            one.meet(worth, worth, {})
        assert one.score > 0.98

    def test_an_invalid_generation_wipes_the_memory(self):
        one = Individual(founder(), "found")
        for _ in range(5):
            one.meet(0.9, 0.9, {"energy": 1.0})
        assert one.after(INVALID) == INVALID
        one.meet(INVALID, -1.0, {"energy": 1e12})
        assert (one.score, one.normalised, one.objectives) == (INVALID, -1.0, {"energy": 1e12})
        one.meet(0.9, 0.9, {"energy": 1.0})
        assert one.score == pytest.approx((INVALID + 0.9) / 2)

    def test_cases_and_descriptors_are_those_of_the_last_generation(self):
        one = Individual(founder(), "found")
        one.meet(0.1, 0.1, {}, (0.1, 0.2), (3.0,))
        one.meet(0.1, 0.1, {}, (0.3, 0.4), (4.0,))
        assert (one.cases, one.descriptors) == ((0.3, 0.4), (4.0,))


class TestSurvival:
    def test_the_best_scores_stay_whatever_they_cost(self):
        pool = [individual(s / 10, s, energy=s * 100.0) for s in range(10)]
        kept = survivors(pool, 4, 2, ("score", "energy"))
        assert [i.score for i in kept[:2]] == [0.9, 0.8]
        assert len(kept) == 4

    def test_half_of_the_elites_are_of_further_structures(self):
        leaders = [individual(0.9 - s / 100, s) for s in range(6)]
        assert len({i.genome.structure for i in leaders}) == 1
        other = Individual(REFERENCE, "hand")
        other.meet(0.2, 0.2, {"score": 0.2, "energy": 9.0})
        assert survivors([*leaders, other], 4, 4, ("score", "energy")) == [*leaders[:2], other, leaders[2]]
        assert other not in survivors([*leaders, other], 4, 1, ("score", "energy"))

    def test_the_best_of_every_structure_comes_best_first(self):
        lone, other = individual(0.5, 1), Individual(REFERENCE, "hand", score=0.9)
        pool = [individual(0.1, 2), Individual(REFERENCE, "hand", score=0.4), other, lone]
        assert structures(pool) == [other, lone]
        better = individual(0.95, 3)
        assert structures([*pool, better]) == [better, other]

    def test_the_rest_are_the_front_of_the_objectives_named(self):
        elite = individual(0.9, 1, neurons=10.0, robustness=0.0)
        small = individual(0.5, 2, neurons=1.0, robustness=0.1)
        robust = individual(0.5, 3, neurons=5.0, robustness=0.9)
        pool = [robust, elite, small]
        assert survivors(pool, 2, 1, ("score", "neurons")) == [elite, small]
        assert survivors(pool, 2, 1, ("score", "robustness")) == [elite, robust]
        assert set(survivors(pool, 3, 1, ("neurons", "robustness"))) == set(pool)

    def test_no_score_among_the_objectives_needs_no_score(self):
        cheap, dear = individual(0.1, 1, energy=1.0), individual(0.6, 2, energy=9.0)
        elite = individual(0.9, 3, energy=9.0)
        assert survivors([dear, cheap, elite], 2, 1, ("energy",)) == [elite, cheap]

    def test_score_alone_ranks(self):
        pool = [individual(s, seed) for seed, s in enumerate((0.3, 0.9, 0.1, 0.5))]
        assert [i.score for i in survivors(pool, 3, 1, ("score",))] == [0.9, 0.5, 0.3]

    def test_equal_genomes_stay_once_and_the_first_of_them(self):
        pool = [individual(0.5, 1), individual(0.9, 1), individual(0.4, 2)]
        assert distinct(pool) == [pool[0], pool[2]]
        assert survivors(pool, 3, 1, ("score", "energy")) == [pool[0], pool[2]]

    def test_an_invalid_one_goes_first(self):
        pool = [individual(s, seed) for seed, s in enumerate((0.1, INVALID, 0.2))]
        assert {i.score for i in survivors(pool, 2, 1, ("score", "energy"))} == {0.1, 0.2}

    @given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 9)), min_size=1, max_size=12), st.integers(1, 8))
    def test_as_many_as_asked_for_if_there_are_so_many(self, values, n):
        pool = [individual(score, seed, energy=energy) for seed, (score, energy) in enumerate(values)]
        kept = survivors(pool, n, min(n, 2), ("score", "energy"))
        assert len(kept) == len(set(map(id, kept))) == min(n, len(pool))
        assert max(pool, key=lambda i: i.score).score == kept[0].score


class TestMating:
    def test_tournaments_prefer_the_better(self):
        pool = [individual(s / 10, s) for s in range(10)]
        chosen = drawn(pool, 500, "tournament")
        assert np.mean([i.score for i in chosen]) > 0.6
        assert len(set(map(id, chosen))) > 5

    def test_lexicase_prefers_specialists_where_tournaments_do_not(self):
        specialists = [individual(0.5, 1, (1.0, 0.0)), individual(0.5, 2, (0.0, 1.0))]
        generalists = [individual(0.6, 3 + k, (0.6, 0.6)) for k in range(5)]
        pool = [*generalists, *specialists]
        by_case = drawn(pool, 100, "lexicase")
        assert {id(i) for i in by_case} == {id(i) for i in specialists}
        by_score = drawn(pool, 100, "tournament")
        assert sum(i in specialists for i in by_score) < 15

    def test_who_is_best_at_everything_is_always_drawn_by_lexicase(self):
        best = individual(0.1, 1, (0.9, 0.9, 0.9))
        pool = [individual(0.5, 2, (0.1, 0.9, 0.1)), best, individual(0.5, 3, (0.1, 0.1, 0.1))]
        assert set(drawn(pool, 30, "lexicase")) == {best}

    def test_who_could_not_be_evaluated_is_never_drawn_by_lexicase(self):
        pool = [individual(INVALID, 1), individual(0.0, 2, (0.2, 0.0)), individual(0.0, 3, (0.0, 0.2))]
        assert pool[0] not in drawn(pool, 30, "lexicase")
        assert drawn(pool[:1], 3, "lexicase") == pool[:1] * 3

    @pytest.mark.parametrize("how", ["tournament", "lexicase"])
    def test_the_generator_passed_decides(self, how):
        pool = [individual(s / 10, s, (s / 10, 0.5 - s / 20)) for s in range(10)]
        one, same, other = (drawn(pool, 50, how, seed) for seed in (1, 1, 2))
        assert one == same != other


@pytest.mark.parametrize("how", ["tournament", "lexicase"])
def test_the_global_generator_is_put_back(how):
    random.seed(5)
    before = random.getstate()
    drawn([individual(0.1, 1, (0.1,)), individual(0.2, 2, (0.2,))], 3, how)
    assert random.getstate() == before


def test_the_global_generator_is_put_back_after_an_error():
    before = random.getstate()
    with pytest.raises(IndexError), deap_random(np.random.default_rng(0)):
        random.choice([])
    assert random.getstate() == before
