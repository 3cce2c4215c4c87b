"""How islands breed and whom they keep."""

import numpy as np
import pytest

from evocircuits.search.archive import cells
from evocircuits.search.selection import Individual
from evocircuits.search.strategies import BASELINES, STRATEGIES, founders, strategy_name, strategy_of
from tests.search.small import SPACE, individual, small

RECIPE = small()
RESIDENTS = [individual(s / 10, s, (s / 10, 0.5)) for s in range(6)]
ALL = {**STRATEGIES, **BASELINES}


def bred(strategy: str, residents=RESIDENTS, n: int = 20, seed: int = 0, **changes) -> list[Individual]:
    recipe = small(**changes)
    return ALL[strategy].breed(residents, n, recipe, recipe.space, np.random.default_rng(seed))


def genomes(individuals) -> list:
    return [i.genome for i in individuals]


class TestNames:
    def test_islands_take_the_strategies_in_turn(self):
        recipe = small(strategies=["population", "direct", "novelty"])
        names = [strategy_name(recipe, island) for island in range(5)]
        assert names == ["population", "direct", "novelty", "population", "direct"]
        assert strategy_of(recipe, 2) is STRATEGIES["novelty"]

    @pytest.mark.parametrize("search", BASELINES)
    def test_a_baseline_is_on_all_islands(self, search):
        recipe = small(search=search)
        assert {strategy_name(recipe, island) for island in range(4)} == {search}
        assert strategy_of(recipe, 1) is BASELINES[search]

    def test_only_baselines_are_isolated_and_only_some_keep_archives(self):
        assert {name for name, s in ALL.items() if s.isolated} == set(BASELINES)
        assert {name for name, s in ALL.items() if s.archive} == {"map_elites", "novelty"}


class TestFounders:
    def test_are_as_many_as_asked_for_and_all_different(self):
        found = founders(9, STRATEGIES["population"], SPACE, np.random.default_rng(0))
        assert len(set(genomes(found))) == 9
        assert {i.operator for i in found} == {"found"}

    def test_of_a_direct_island_have_genes_for_every_neuron(self):
        space = small(task="localise").space
        for name, sizes in (("population", {13}), ("direct", {1})):
            [one] = founders(1, STRATEGIES[name], space, np.random.default_rng(0))
            assert {p.size for p in one.genome.populations} == sizes


class TestBreeding:
    @pytest.mark.parametrize("strategy", ALL)
    def test_makes_as_many_as_asked_for_and_the_same_from_an_equal_generator(self, strategy):
        one, same, other = (bred(strategy, seed=seed) for seed in (1, 1, 2))
        assert len(one) == 20
        assert genomes(one) == genomes(same) != genomes(other)

    @pytest.mark.parametrize("strategy", [name for name in ALL if name != "random"])
    def test_children_know_whose_they_are(self, strategy):
        for child in bred(strategy, crossover=0.5, n=60):
            mother = child.ancestors[0]
            assert child.mother_score == mother.score
            assert set(child.ancestors) <= set(RESIDENTS)
            assert child.parents is None
            crossed = "crossover" in child.operator.split("+")
            assert len(child.ancestors) == 1 + crossed
            assert child.operator.count("crossover") <= 1
            assert (child.genome == mother.genome) == (child.operator == "unchanged") or crossed

    def test_without_crossover_none_is_crossed_and_with_it_some_are(self):
        assert not any("crossover" in c.operator for c in bred("population", crossover=0.0, n=60))
        assert any("crossover" in c.operator for c in bred("population", crossover=1.0, n=60))

    def test_prefers_the_better_but_in_archives(self):
        def mean(strategy):
            return np.mean([c.mother_score for c in bred(strategy, n=300)])

        even = np.mean([i.score for i in RESIDENTS])
        assert mean("population") > even + 0.05
        assert mean("map_elites") == pytest.approx(even, abs=0.04)

    def test_by_lexicase_goes_by_cases(self):
        specialist = individual(-0.5, 7, (0.0, 0.9))
        by_case = bred("population", [*RESIDENTS, specialist], n=60, mating="lexicase", crossover=0.0)
        by_score = bred("population", [*RESIDENTS, specialist], n=60, mating="tournament", crossover=0.0)
        share = [np.mean([c.ancestors[0] is specialist for c in some]) for some in (by_case, by_score)]
        assert share[0] > 0.3 > share[1]

    def test_at_random_never_looks_at_the_residents(self):
        others = [individual(0.1, 100 + s) for s in range(6)]
        one, two = bred("random", RESIDENTS), bred("random", others)
        assert genomes(one) == genomes(two)
        assert {(i.ancestors, i.operator) for i in one} == {((), "random")}
        assert len({i.genome.structure for i in one}) > 10

    def test_by_hill_climbing_is_of_the_one_alone(self):
        children = bred("hill_climbing", RESIDENTS[3:4], crossover=1.0)
        assert {c.ancestors for c in children} == {(RESIDENTS[3],)}


class TestKeeping:
    def test_hill_climbing_keeps_one_and_of_equals_the_last(self):
        twin = individual(0.5, 50)
        assert BASELINES["hill_climbing"].keep([*RESIDENTS, twin], RECIPE) == [twin]
        assert BASELINES["hill_climbing"].keep(RESIDENTS, RECIPE) == [RESIDENTS[5]]

    def test_random_keeps_a_few_of_the_best(self):
        kept = BASELINES["random"].keep(RESIDENTS, small(winners=2))
        assert kept == [RESIDENTS[5], RESIDENTS[4]]

    @pytest.mark.parametrize("strategy", ["population", "direct"])
    def test_a_population_keeps_its_size_and_elites(self, strategy):
        pool = [*RESIDENTS, *(individual(s / 20, 20 + s, energy=1.0 - s) for s in range(10))]
        kept = STRATEGIES[strategy].keep(pool, RECIPE)
        assert len(kept) == RECIPE.parents
        best = sorted((i.score for i in pool), reverse=True)[: RECIPE.elites]
        assert [i.score for i in kept[: RECIPE.elites]] == best

    def test_a_map_keeps_the_best_of_each_cell(self):
        names, pool = ("neurons", "spikes"), [individual(s / 10, s) for s in range(8)]
        for k, one in enumerate(pool):
            one.descriptors = (2.0, 10.0 ** (k % 3))
        kept = STRATEGIES["map_elites"].keep(pool, RECIPE)
        assert sorted(i.score for i in kept) == [0.5, 0.6, 0.7]
        assert len(set(cells(kept, names))) == 3

    def test_novelty_keeps_twice_the_parents_and_the_best(self):
        pool = [individual(s / 30, s) for s in range(30)]
        for one in pool:
            one.descriptors = (2.0 + one.score, 10.0)
        kept = STRATEGIES["novelty"].keep(pool, small(parents=4, elites=1))
        assert len(kept) == 8
        assert pool[-1] in kept

    @pytest.mark.parametrize("strategy", ["population", "map_elites", "novelty", "random"])
    def test_equal_genomes_stay_once(self, strategy):
        pool = [individual(0.5, 1), individual(0.5, 1)]
        for one in pool:
            one.descriptors = (2.0, 10.0)
        assert ALL[strategy].keep(pool, RECIPE) == pool[:1]
