"""How genomes are measured, counted trial by trial against `evaluate`."""

from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure import evaluate
from evocircuits.measure.descriptors import describe
from evocircuits.search.assay import Assay
from evocircuits.search.objectives import INVALID
from evocircuits.search.selection import Individual
from evocircuits.tasks import get_task
from tests.search.small import REFERENCE, founder, mediocre, small, users_tasks

ORDER = get_task("order")
KEY = (1, 0, 7)
REST = 17
TRIAL_s = 0.15
HEAT = 64
LONG = small(trials=HEAT + REST, heat=HEAT, parents=4, parsimony=0.0)
SHORT = small(trials=32, parsimony=0.0)


def fresh(*genomes) -> list[Individual]:
    return [Individual(genome, "made") for genome in genomes]


def founders(n: int) -> list:
    return [founder(seed) for seed in range(n)]


def hot():
    cells = [replace(p, bias_pA=1e6, t_ref_ms=0.0) for p in REFERENCE.populations]
    return REFERENCE.with_genes(populations=cells)


def score(genome, heat: int, n_trials: int) -> float:
    """The normalised score in a heat."""
    return (evaluate(genome, ORDER, (*KEY, heat), n_trials).raw - 0.5) / 0.5


class TestHeats:
    def test_only_the_most_promising_meet_the_rest(self):
        pool, assay = fresh(*founders(4), *map(mediocre, np.linspace(0.51, 0.56, 8))), Assay(LONG)
        assay.race(pool, KEY)
        first = np.array([score(i.genome, 0, HEAT) for i in pool])
        rest = np.array([score(i.genome, 1, REST) for i in pool])
        promising = first >= np.sort(first)[-4]
        expected = np.where(promising, (HEAT * first + REST * rest) / (HEAT + REST), first)
        assert promising.sum() == 4
        assert not np.any(first[promising] == rest[promising])
        assert [i.normalised for i in pool] == pytest.approx(expected.tolist())
        assert assay.evaluations == 12
        assert assay.simulated_s == pytest.approx((12 * HEAT + 4 * REST) * TRIAL_s)

    def test_what_they_did_before_counts_among_the_promising(self):
        veterans, others = fresh(*founders(4)), fresh(*[REFERENCE] * 4)
        for veteran in veterans:
            veteran.generations, veteran.score, veteran.normalised = 1, 9.0, 0.0
        assert max(score(v.genome, 0, HEAT) for v in veterans) < 1
        Assay(LONG).race([*others, *veterans], KEY)
        for veteran in veterans:
            heats = score(veteran.genome, 0, HEAT), score(veteran.genome, 1, REST)
            mean = (HEAT * heats[0] + REST * heats[1]) / (HEAT + REST)
            assert veteran.normalised == pytest.approx(mean / 2)
            assert veteran.score == pytest.approx((9 + mean) / 2)

    def test_a_few_trials_are_one_heat(self):
        pool, assay = fresh(*founders(8)), Assay(SHORT)
        assay.race(pool, KEY)
        assert [i.normalised for i in pool] == [score(i.genome, 0, 32) for i in pool]
        assert assay.simulated_s == pytest.approx(8 * 32 * TRIAL_s)

    def test_all_are_compared_on_cases_of_the_same_trials(self, tmp_path):
        """Few trials left may not have every answer among them."""
        recipe = small(task="localise", trials=HEAT + 6, parents=4, elites=3)
        genomes = [get_task("localise").reference()] * 8
        pool = fresh(*genomes)
        Assay(recipe).race(pool, KEY)
        assert {len(i.cases) for i in pool} == {13}
        assert len({i.cases for i in pool}) == 1


class TestNumbers:
    def test_the_same_key_gives_the_same_and_another_others(self):
        pools = [fresh(*founders(6), REFERENCE) for _ in range(3)]
        assays = [Assay(LONG) for _ in pools]
        for pool, assay, key in zip(pools, assays, (KEY, KEY, (*KEY[:2], 8)), strict=True):
            assay.race(pool, key)
        one, same, other = ([vars(i) for i in pool] for pool in pools)
        assert one == same != other
        assert assays[0] == assays[1]

    def test_every_objective_of_the_recipe_is_measured(self):
        recipe = small(objectives=("score", "worst", "energy", "spikes", "neurons", "synapses"))
        [one] = pool = fresh(REFERENCE)
        Assay(recipe).race(pool, KEY)
        known = evaluate(REFERENCE, ORDER, (*KEY, 0), 32)
        assert one.objectives == {
            "score": 1.0,
            "worst": 1.0,
            "energy": known.energy_pJ,
            "spikes": 1.5,
            "neurons": 2.0,
            "synapses": 3.0,
        }
        assert one.cases == (1.0, 1.0)

    def test_score_is_worth_with_parsimony(self):
        [one] = pool = fresh(REFERENCE)
        Assay(small(parsimony=0.01)).race(pool, KEY)
        assert (one.score, one.normalised) == pytest.approx((1 - 0.01 * 3, 1.0))

    def test_what_cannot_be_evaluated_is_invalid(self):
        pool = fresh(hot(), REFERENCE)
        Assay(LONG).race(pool, KEY)
        assert [i.score for i in pool] == [INVALID, 1.0]
        assert np.isfinite([pool[0].normalised, *pool[0].objectives.values()]).all()
        assert pool[0].cases == ()

    def test_more_genomes_meet_all_trials(self):
        assay = Assay(LONG)
        genome = founder(3)
        raw = evaluate(genome, ORDER, KEY, HEAT + REST).raw
        assert assay.worths([genome, hot()], KEY) == [(raw - 0.5) / 0.5, INVALID]
        assert assay.evaluations == 2
        spent_s = (HEAT + REST) * TRIAL_s
        assert spent_s <= assay.simulated_s <= 2 * spent_s  # the hot one's was cut short

    def test_noise_on_weights_costs_time_too(self):
        assay = Assay(small(objectives=("score", "robustness")))
        [one] = pool = fresh(REFERENCE)
        assay.race(pool, KEY)
        assert one.objectives["robustness"] == 1.0
        assert assay.evaluations == 1
        assert assay.simulated_s == pytest.approx(2 * 32 * TRIAL_s)


class TestDescriptors:
    def test_are_there_where_they_are_wanted(self):
        names = ("spikes", "neurons", "mean_delay")
        pool = fresh(REFERENCE, founder())
        Assay(SHORT, names).race(pool, KEY)
        for one in pool:
            circuit = develop(one.genome, dt_ms=ORDER.dt_ms)
            evaluation = evaluate(one.genome, ORDER, (*KEY, 0), 32)
            assert one.descriptors == describe(names, circuit, evaluation, ORDER)
        assert pool[0].descriptors[:2] == (1.5, 2)

    def test_are_left_out_where_not(self):
        pool = fresh(REFERENCE)
        Assay(SHORT).race(pool, KEY)
        assert pool[0].descriptors == ()


class TestSeveralTasks:
    def test_are_all_met_and_one_evaluation(self, tmp_path):
        recipe = small(
            task=users_tasks(tmp_path, "Fore", "Late"), objectives=("score", "worst", "energy"), parsimony=0.0
        )
        assay, pool = Assay(recipe), fresh(REFERENCE, founder(2))
        assay.race(pool, KEY)
        scores = [
            [(evaluate(i.genome, t, (*KEY, 0), 32).raw - 0.5) / 0.5 for t in recipe.tasks] for i in pool
        ]
        for one, each in zip(pool, scores, strict=True):
            assert one.score == one.objectives["score"] == pytest.approx(np.mean(each))
            assert one.objectives["worst"] == min(each)
            assert one.cases == tuple(each)
        assert scores[0] == [1.0, 1.0]
        assert assay.evaluations == 2
        assert assay.simulated_s == pytest.approx(2 * 32 * (TRIAL_s + 0.25))

    def test_that_contradict_each_other_cancel(self, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Fore", "Aft"), objectives=("score", "worst"))
        [one] = pool = fresh(REFERENCE)
        Assay(recipe).race(pool, KEY)
        assert one.score == one.normalised == 0
        assert one.objectives == {"score": 0.0, "worst": -1.0}
        assert one.cases == (1.0, -1.0)


def test_samples_are_those_for_training(tmp_path):
    values = {"time_ms": np.arange(20.0), "channel": [0, 1] * 10, "sample": np.arange(20)}
    np.savez(tmp_path / "clicks.npz", **values, label=[0, 1] * 10)
    recipe = small(task=f"data:{tmp_path}/clicks.npz")
    assert [task.part for task in Assay(recipe).tasks] == ["training"]
