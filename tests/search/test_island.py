"""An island's epoch: pure, counted, restarted, refined, reported."""

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.search.hall import Candidate, by_structure
from evocircuits.search.island import QUARANTINE, Step, advance, diversity
from evocircuits.search.operators import OPERATORS
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island, best_of, living
from evocircuits.search.strategies import strategy_of
from tests.search.small import REFERENCE, founder, individual, mediocre, small, users_tasks

RECIPE = small(epochs=8)
WAYS = {
    "population": {"strategies": ["population"]},
    "direct": {"strategies": ["direct"]},
    "memetic": {"strategies": ["memetic"]},
    "map_elites": {"strategies": ["map_elites"]},
    "novelty": {"strategies": ["novelty"]},
    "lexicase": {"strategies": ["population"], "mating": "lexicase"},
    "refinement": {"strategies": ["population"], "refine_evaluations": 5},
    "random": {"search": "random"},
    "hill_climbing": {"search": "hill_climbing"},
}
LITTER = RECIPE.generations * (RECIPE.parents + RECIPE.offspring)


def step(
    recipe: Recipe, state: bytes | None = None, *immigrants: bytes, island: int = 0, epoch: int = 0
) -> Step:
    return advance(state, list(immigrants), recipe.model_dump(), island, epoch)


def residents(blob: bytes) -> list[Individual]:
    return Island.unpacked(blob).individuals


def way(name: str) -> Recipe:
    return small(epochs=8, **WAYS[name])


def home(*individuals: Individual, hall: tuple[Candidate, ...] = (), **counts: int) -> bytes:
    return Island(list(individuals), list(hall), **counts).packed(RECIPE)


VISITORS = home(individual(0.5, 8), individual(0.4, 9))


@cache
def visited(name: str) -> tuple[Step, Step]:
    """An epoch, and another one to which visitors come."""
    first = step(way(name))
    return first, step(way(name), first.state, VISITORS, epoch=1)


def ids(blob: bytes) -> set[str]:
    """Those of the circuits of residents and hall."""
    return living([Island.unpacked(blob)], RECIPE)


def famous(validation: float, genome=None) -> Candidate:
    return Candidate(genome or founder(77), validation, 1.0, 0, 0, "found", ())


@pytest.mark.parametrize("name", WAYS)
class TestEveryWay:
    def test_equal_arguments_give_equal_bits_whatever_the_global_generators(self, name):
        recipe, results = way(name), []
        visitor = home(individual(0.5, 8))
        step(recipe)  # libraries that load when first used may draw numbers then
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            before = random.getstate(), np.random.get_state()[1].tolist()
            first = step(recipe)
            second = step(recipe, first.state, visitor, epoch=1)
            results.append((first, second))
            assert (random.getstate(), np.random.get_state()[1].tolist()) == before
        assert results[0] == results[1]

    def test_spends_the_same_evaluations_but_for_those_who_come(self, name):
        recipe = way(name)
        first, second = visited(name)
        taken = 0 if recipe.search != "evolution" else 2
        found = second.report["operators"].get("refine", {}).get("uses", 0)
        refined = recipe.refine_evaluations + found  # what is found is measured with all the others
        if strategy_of(recipe, 0).isolated:
            refined = recipe.refine_evaluations and recipe.refine_evaluations + 1
        elif recipe.search == "evolution":
            assert found == bool(recipe.refine_evaluations) + (name == "memetic")
        assert first.report["evaluations"] == LITTER
        left_over = LITTER + taken + refined - second.report["evaluations"]
        assert left_over in range(15 if found else 1)  # too few for a further step of CMA-ES
        assert second.report["simulated_s"] == pytest.approx(
            0.15 * recipe.trials * second.report["evaluations"]
        )

    def test_tells_the_births_of_who_lives_there_and_of_their_ancestors(self, name):
        known = ids(VISITORS)
        assert visited(name)[0].births
        for epoch, done in enumerate(visited(name), start=1):
            for birth in done.births:
                assert (birth.run, birth.epoch, birth.island) == (None, epoch, 0)
                assert set(birth.parents) <= known
                known.add(birth.child)
            assert ids(done.state) <= known
            assert len(done.births) < LITTER

    def test_reports_numbers_of_its_residents(self, name):
        recipe = way(name)
        first = step(recipe)
        done = step(recipe, first.state, epoch=1)
        report, there = done.report, residents(done.state)
        assert (report["island"], report["epoch"], report["restarts"]) == (0, 1, 0)
        assert report["median"] == np.median([i.normalised for i in there])
        assert report["structures"] == len({i.genome.structure for i in there})
        assert report["best"] == Island.unpacked(done.state).best
        for objective in recipe.objectives:
            told = report["objectives"][objective]
            own = [i.objectives[objective] for i in there]
            assert told == sorted(told)
            assert np.isfinite(told).all()
            assert (told[0], told[2], told[4]) == (min(own), np.median(own), max(own))
        assert 0 <= report["diversity"] <= 1
        assert ("coverage" in report) == (name in ("map_elites", "novelty"))
        assert 0 < report.get("coverage", 1) <= 1

    def test_gives_credit_to_single_operators_of_no_more_than_there_were(self, name):
        recipe, state = way(name), None
        for epoch in range(2):
            done = step(recipe, state, epoch=epoch)
            for operator, counts in done.report["operators"].items():
                assert "+" not in operator
                assert 0 <= counts["kept"] <= counts["uses"]
                assert 0 <= counts["better"] <= counts["uses"]
            state = done.state


class TestCredit:
    def test_adds_up_to_the_children(self, tmp_path):
        (tmp_path / "own.py").write_text("def nothing(genome, rng, space):\n    return genome\n")
        rates = dict.fromkeys(OPERATORS, 0.0) | {f"{tmp_path}/own.py:nothing": 1.0}
        recipe = small(operators=rates, crossover=0.0, strategies=["population"], epochs=8)
        first = step(recipe)
        second = step(recipe, first.state, home(individual(0.4, 9)), epoch=1)
        litter = RECIPE.parents + RECIPE.offspring
        assert first.report["operators"]["found"]["uses"] == litter
        assert first.report["operators"]["unchanged"]["uses"] == litter - len(residents(first.state))
        [(name, counts)] = second.report["operators"].items()
        assert (name, counts["kept"]) == ("unchanged", 0)
        assert counts["uses"] == 2 * (litter - len(residents(second.state)))

    def test_of_random_search_is_of_all_that_was_drawn(self):
        done = step(way("random"))
        litter = RECIPE.parents + RECIPE.offspring
        uses = {name: counts["uses"] for name, counts in done.report["operators"].items()}
        assert uses == {"found": litter, "random": litter - RECIPE.winners}

    def test_is_not_given_again_to_who_comes_from_elsewhere(self):
        first = step(way("population"))
        visitors = home(Individual(founder(1), "found"), Individual(founder(2), "strength", parents=("aa",)))
        second = step(way("population"), first.state, visitors, epoch=1)
        assert second.report["evaluations"] == LITTER + 2
        assert "found" not in second.report["operators"]


class TestTravel:
    def test_emigrants_are_the_best_by_score(self):
        done = step(RECIPE)
        assert done.emigrants == best_of(done.state, RECIPE.migrants, RECIPE)
        scores = sorted((i.score for i in residents(done.state)), reverse=True)
        assert [i.score for i in residents(done.emigrants)] == scores[: RECIPE.migrants]

    def test_a_good_immigrant_takes_over_the_lead(self):
        poor = home(*(individual(0.0, seed) for seed in range(6)))
        alone = step(RECIPE, poor, epoch=1)
        joined = step(RECIPE, poor, home(Individual(REFERENCE, "hand")), epoch=1)
        assert REFERENCE not in [i.genome for i in residents(alone.state)]
        assert REFERENCE in [i.genome for i in residents(joined.state)]
        assert joined.report["best"] == 1.0

    @pytest.mark.parametrize("name", ["random", "hill_climbing"])
    def test_baselines_take_nobody_in(self, name):
        first = step(way(name))
        alone = step(way(name), first.state, epoch=1)
        assert step(way(name), first.state, home(Individual(REFERENCE, "hand")), epoch=1) == alone

    def test_islands_and_seeds_differ(self):
        states = {
            step(small(seed=seed, strategies=["population"]), island=island).state
            for seed in (1, 2)
            for island in (0, 1)
        }
        assert len(states) == 4


class TestBaselines:
    def test_random_search_never_depends_on_its_residents(self):
        recipe = small(search="random", epochs=8, generations=1, winners=14)
        drawn = []
        for seed in (1, 50):
            state = home(*(individual(s, seed + k) for k, s in enumerate((0.1, 0.2, 0.3))))
            there = residents(step(recipe, state, epoch=1).state)
            drawn.append({i.genome: i.score for i in there if i.operator == "random"})
        assert drawn[0] == drawn[1]
        assert len(drawn[0]) == LITTER // 2 - 3

    def test_a_hill_climber_is_alone_and_gets_no_worse_on_the_same_trials(self):
        recipe, state = small(search="hill_climbing", epochs=8, generations=1), None
        for epoch in range(4):
            before = residents(state) if state else []
            state = step(recipe, state, epoch=epoch).state
            [climber] = residents(state)
            if before:
                children = climber.parents == (develop(before[0].genome, dt_ms=0.1).id,)
                assert children or climber.genome == before[0].genome

    def test_hill_climbers_start_at_the_best_of_their_founders(self):
        recipe = small(search="hill_climbing", generations=1, epochs=8)
        [climber] = residents(step(recipe).state)
        crowd = small(search="random", generations=1, epochs=8, winners=14)
        assert climber.score == max(i.score for i in residents(step(crowd).state))


class TestRestart:
    RECIPE = small(epochs=50, patience=3, generations=1, strategies=["population"])
    STUCK = (individual(0.0, 41), individual(0.1, 42))

    def stuck(self, validation: float = 0.1, **counts) -> bytes:
        return home(*self.STUCK, hall=(famous(validation),), **{"stagnant": 3} | counts)

    def test_comes_after_as_many_stagnant_epochs_as_patience_has(self):
        early = step(self.RECIPE, self.stuck(stagnant=2), epoch=5)
        done = step(self.RECIPE, self.stuck(), epoch=5)
        assert early.report["restarts"] == 0
        assert done.report["restarts"] == Island.unpacked(done.state).restarts == 1
        assert done.report["operators"]["found"]["uses"] == LITTER // 2
        assert {i.operator for i in residents(done.state)} == {"found"}
        stuck = {i.genome for i in self.STUCK}
        assert stuck & {i.genome for i in residents(early.state)}
        assert not stuck & {i.genome for i in residents(done.state)}

    def test_gives_up_the_refinement_under_way(self):
        under_way = {"steps": 3}
        done, other = (
            step(self.RECIPE, self.stuck(validation, descent=under_way), epoch=5) for validation in (0.1, 1.0)
        )
        assert Island.unpacked(done.state).descent is None
        assert Island.unpacked(other.state).descent == under_way

    def test_spends_no_more_than_another_epoch_and_keeps_the_hall(self):
        done = step(self.RECIPE, self.stuck(0.9), epoch=5)
        assert done.report["evaluations"] == LITTER // 2
        assert famous(0.9) in Island.unpacked(done.state).hall
        assert done.report["best"] >= 0.9

    def test_does_not_come_at_the_ceiling_or_too_late_or_to_a_baseline(self):
        assert step(self.RECIPE, self.stuck(1.0), epoch=5).report["restarts"] == 0
        assert step(self.RECIPE, self.stuck(), epoch=48).report["restarts"] == 0
        assert step(self.RECIPE, self.stuck(), epoch=47).report["restarts"] == 1
        climbing = self.RECIPE.model_copy(update={"search": "hill_climbing"})
        assert step(climbing, self.stuck(), epoch=5).report["restarts"] == 0

    def test_closes_the_island_to_immigrants_for_a_while(self):
        visitor, state, taken = home(Individual(REFERENCE, "hand")), self.stuck(), []
        for epoch in range(5, 5 + QUARANTINE + 1):
            done = step(self.RECIPE, state, visitor, epoch=epoch)
            taken.append(done.report["evaluations"] - LITTER // 2)
            state = done.state
        assert taken == [0] * QUARANTINE + [1]
        assert done.report["restarts"] == 1
        joined = step(self.RECIPE, self.stuck(quarantine=1, stagnant=0), visitor, epoch=5)
        alone = step(self.RECIPE, self.stuck(quarantine=1, stagnant=0), epoch=5)
        assert joined == alone

    def test_stagnant_is_who_validates_no_better(self):
        bad, good = home(individual(0.0, 41), hall=(famous(0.9),)), home(Individual(REFERENCE, "hand"))
        assert Island.unpacked(step(self.RECIPE, bad, epoch=1).state).stagnant == 1
        assert Island.unpacked(step(self.RECIPE, bad, good, epoch=1).state).stagnant == 0
        recipe, state = self.RECIPE, home(Individual(REFERENCE, "hand"), hall=(famous(1.0),))
        for epoch in range(3):
            state = step(recipe, state, epoch=epoch).state
        assert Island.unpacked(state).stagnant == 3


class TestRefinement:
    START = mediocre(0.515)
    RECIPE = small(epochs=8, generations=1, refine_evaluations=40, strategies=["population"], trials=64)

    def start(self, score: float = 0.2) -> Individual:
        one = Individual(self.START, "strength")
        one.meet(score, score, {"score": score, "energy": 2.7})
        return one

    def lived(self, kind: str, **changes) -> Step:
        recipe = self.RECIPE.model_copy(update={"refinement": kind, **changes})
        return step(recipe, home(self.start()), epoch=1)

    def test_lamarckian_moves_what_was_learned_in(self):
        done = self.lived("lamarckian")
        [learned] = [i for i in residents(done.state) if i.operator == "refine"]
        assert learned.genome.structure == self.START.structure
        assert learned.genome != self.START
        assert learned.parents == (develop(self.START, dt_ms=0.1).id,)
        credit = done.report["operators"]["refine"]
        assert credit["uses"] == 1
        assert min(credit["better"], credit["kept"]) >= 1
        assert 28 < done.report["evaluations"] - LITTER // 2 - 1 <= 40

    def test_goes_on_in_the_next_epoch_with_what_it_has_learnt(self):
        recipe = self.RECIPE.model_copy(update={"refinement": "baldwinian"})
        first = step(recipe, home(self.start(10.0)), epoch=1)
        second = step(recipe, first.state, epoch=2)
        begun, carried_on = (Island.unpacked(done.state).descent for done in (first, second))
        assert carried_on["steps"] == 2 * begun["steps"] > 0
        assert carried_on["learnt"] != begun["learnt"]

    def test_baldwinian_leaves_genes_and_gives_credit(self):
        room = {"parents": 20, "elites": 20, "offspring": 4}
        plain = self.lived("baldwinian", refine_evaluations=0, **room)
        done = self.lived("baldwinian", **room)
        assert not [i for i in residents(done.state) if i.operator == "refine"]
        scores = [next(i.score for i in residents(s.state) if i.genome == self.START) for s in (done, plain)]
        assert scores[0] > scores[1]
        assert "refine" not in done.report["operators"]
        assert 28 < done.report["evaluations"] - plain.report["evaluations"] <= 40

    def test_baldwinian_puts_what_was_learned_in_the_hall(self):
        hall = Island.unpacked(self.lived("baldwinian", winners=14).state).hall
        [learned] = [c for c in hall if c.operator == "refine"]
        assert learned.parents == (develop(self.START, dt_ms=0.1).id,)
        own = [c.validation for c in hall if c.genome == self.START]
        assert all(learned.validation > validation for validation in own)

    def test_of_variants_brings_other_structures_with_credit_for_both_steps(self):
        room = {"parents": 20, "elites": 20, "offspring": 4, "generations": 4, "parsimony": 0.0}
        done = self.lived("lamarckian", strategies=("memetic",), refine_evaluations=0, **room)
        assert done.report["operators"]["refine"]["uses"] == 1
        variants = [i for i in residents(done.state) if i.operator.endswith("+refine")]
        assert variants
        for one in variants:
            assert one.genome.structure != self.START.structure
            assert one.parents == (develop(self.START, dt_ms=0.1).id,)
            assert set(one.operator.split("+")) <= set(done.report["operators"])

    def test_of_what_cannot_be_improved_leaves_one_in_the_hall(self):
        perfect = Individual(REFERENCE, "hand")
        perfect.meet(1.0, 1.0, {"score": 1.0, "energy": 2.7})
        for kind in ("lamarckian", "baldwinian"):
            recipe = self.RECIPE.model_copy(
                update={"refinement": kind, "refine_evaluations": 3, "parsimony": 0.0}
            )
            done = Island.unpacked(step(recipe, home(perfect), epoch=1).state)
            assert [c.genome for c in done.hall].count(REFERENCE) == 1
            assert [i.genome for i in done.individuals].count(REFERENCE) == 1

    def test_is_not_for_baselines(self):
        recipe = self.RECIPE.model_copy(update={"search": "hill_climbing"})
        done = step(recipe, home(self.start()), epoch=1)
        assert set(done.report["operators"]).isdisjoint({"refine"})
        assert done.report["evaluations"] == LITTER // 2 + 40 + 1  # as many mutants in its place


class TestHall:
    def test_the_best_leads_and_as_many_are_kept_as_there_are_winners(self):
        done = step(RECIPE)
        hall = Island.unpacked(done.state).hall
        assert 0 < len(hall) <= RECIPE.winners
        assert hall == by_structure(hall)
        assert done.report["best"] == max(c.validation for c in hall)

    def test_is_empty_where_everybody_is_wrong(self, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Hopeless"), strategies=["population", "map_elites"])
        for island in (0, 1):
            done = step(recipe, island=island)
            assert Island.unpacked(done.state).hall == []
            assert done.report["best"] == 0.0
            assert step(recipe, done.state, done.emigrants, island=island, epoch=1).report["best"] == 0.0


class TestArtificialLife:
    RECIPE = small(
        task="forage", search="artificial_life", parents=4, offspring=4, elites=2, validation_trials=4
    )

    def test_is_pure_and_tells_scores_of_who_had_most_children(self):
        results = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            first = step(self.RECIPE)
            results.append((first, step(self.RECIPE, first.state, first.emigrants, epoch=1)))
        assert results[0] == results[1]
        first, second = (Island.unpacked(done.state) for done in results[0])
        assert first.world
        assert first.world != second.world
        assert 0 < len(second.individuals) <= max(self.RECIPE.winners, self.RECIPE.migrants)
        report = results[0][1].report
        assert (report["island"], report["epoch"], report["strategy"]) == (0, 1, "artificial_life")
        assert report["best"] == second.best
        assert report["arrived"] == len(residents(results[0][0].emigrants))
        assert np.isfinite([v for v in report.values() if isinstance(v, float)]).all()


def test_diversity_is_the_mean_share_of_genes_that_differ():
    fewer = REFERENCE.with_genes(projections=REFERENCE.projections[:1])  # 3 of 5 genes
    other = replace(REFERENCE.projections[0], id=12345)
    changed = REFERENCE.with_genes(projections=[other, *REFERENCE.projections[1:]])  # 4 shared of 6
    one, two, three = (Individual(genome, "made") for genome in (REFERENCE, fewer, changed))
    assert diversity([one, one]) == diversity([one]) == diversity([]) == 0
    assert diversity([one, two]) == pytest.approx(2 / 5)
    assert diversity([one, three]) == pytest.approx(2 / 6)
    assert diversity([one, one, three]) == pytest.approx((0 + 2 / 6 + 2 / 6) / 3)
