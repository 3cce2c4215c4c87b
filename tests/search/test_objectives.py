"""What a search pursues, on evaluations made by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.measure import Evaluation
from evocircuits.search.objectives import INVALID, OBJECTIVES, Met
from evocircuits.tasks import get_task
from tests.search.small import REFERENCE, evaluation

ORDER, WINNER = get_task("order"), get_task("winner")  # chance .5 and .25, ceilings 1 and .734
FAILED = Evaluation.invalid("too hot")
shares = st.floats(0, 1)
counts = st.integers(1, 1000)


def met(*evaluations: Evaluation, genome=REFERENCE, key=(1,), n_trials=32) -> Met:
    return Met(genome, (ORDER, WINNER)[: len(evaluations)], evaluations, key, n_trials)


def values(met: Met) -> dict[str, float]:
    """Every objective's value but that of robustness, which plays the trials again."""
    return {name: objective.of(met) for name, objective in OBJECTIVES.items() if name != "robustness"}


def test_scores_count_from_chance_to_ceiling():
    one = met(evaluation(0.75, 0.6), evaluation(0.734, 0.25))
    assert one.graded == pytest.approx((0.5, 1.0))
    assert one.normalised == pytest.approx((0.2, 0.0))


def test_values_are_those_of_a_single_task():
    one = met(evaluation(0.75, 0.6, energy_pJ=3.0, spikes=5.0, neurons=4, synapses=7))
    assert values(one) == pytest.approx(
        {"score": 0.5, "worst": 0.5, "energy": 3.0, "spikes": 5.0, "neurons": 4.0, "synapses": 7.0}
    )


def test_values_of_several_tasks_are_means_but_for_the_worst():
    one = met(
        evaluation(0.75, energy_pJ=3.0, spikes=5.0, neurons=4, synapses=7),
        evaluation(0.734, energy_pJ=5.0, spikes=1.0, neurons=4, synapses=7),
    )
    assert values(one) == pytest.approx(
        {"score": 0.75, "worst": 0.5, "energy": 4.0, "spikes": 3.0, "neurons": 4.0, "synapses": 7.0}
    )


def test_scores_are_to_be_high_and_costs_low():
    signs = {name: objective.sign for name, objective in OBJECTIVES.items()}
    costs = {"energy", "spikes", "neurons", "synapses"}
    assert {name for name, sign in signs.items() if sign == -1} == costs
    assert {name for name, sign in signs.items() if sign == 1} == {"score", "worst", "robustness"}


@given(shares, shares, counts, st.floats(0, 1e6))
def test_an_invalid_one_is_worse_than_any_other_in_everything(graded, raw, size, cost):
    valid = evaluation(graded, raw, neurons=size, synapses=size, energy_pJ=cost, spikes=cost)
    for one, other in ((met(FAILED), met(valid)), (met(valid, FAILED), met(valid, valid))):
        assert not one.valid
        assert one.worth(1e-3) == INVALID < other.worth(1e-3)
        assert np.isfinite(one.normalised).all()
        for name, value in values(one).items():
            if name not in ("neurons", "synapses") or not one.evaluations[0].valid:
                assert np.isfinite(value)
                assert OBJECTIVES[name].sign * value < OBJECTIVES[name].sign * values(other)[name]


@given(shares, shares, counts, st.floats(0, 1))
def test_synapses_cost_of_what_is_above_chance_alone(graded, raw, synapses, parsimony):
    one = met(evaluation(graded, raw, synapses=synapses))
    score, above = OBJECTIVES["score"].of(one), max(0.0, (raw - 0.5) / 0.5)
    assert one.worth(0.0) == score
    assert one.worth(parsimony) == pytest.approx(score - parsimony * synapses * above)
    if raw <= 0.5:
        assert one.worth(parsimony) == score


def test_worth_is_the_mean_over_tasks():
    one = met(evaluation(0.5, 1.0, synapses=10), evaluation(0.734, 0.25, synapses=10))
    assert one.worth(0.01) == pytest.approx(0.5 - 0.01 * 10 * 0.5)


def test_cases_are_right_answers_or_tasks():
    one, two = evaluation(0.75, cases=(0.5, 1.0)), evaluation(0.734, cases=(0.9,))
    assert met(one).cases == (0.5, 1.0)
    assert met(one, two).cases == pytest.approx((0.5, 1.0))  # their graded scores
    assert met(FAILED).cases == ()


class TestRobustness:
    def test_of_strong_synapses_is_their_score(self):
        assert OBJECTIVES["robustness"].of(met(evaluation(1.0))) == 1.0

    def test_of_synapses_that_just_suffice_is_less(self):
        barely = [
            projection.__class__(**vars(projection) | {"strength": 1.02})
            for projection in REFERENCE.projections
        ]
        fragile = REFERENCE.with_genes(projections=barely)
        robustness = [
            OBJECTIVES["robustness"].of(met(evaluation(1.0), genome=fragile, key=(k,))) for k in range(12)
        ]
        assert np.mean(robustness) < 0.8
        again = OBJECTIVES["robustness"].of(met(evaluation(1.0), genome=fragile, key=(3,)))
        assert again == robustness[3]

    def test_of_an_invalid_one_is_that_of_an_invalid_one(self):
        hot = [p.__class__(**vars(p) | {"bias_pA": 1e6, "t_ref_ms": 0.0}) for p in REFERENCE.populations]
        one = met(FAILED, genome=REFERENCE.with_genes(populations=hot))
        assert OBJECTIVES["robustness"].of(one) == INVALID
