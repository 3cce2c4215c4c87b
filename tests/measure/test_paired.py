import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure import ablated
from evocircuits.measure.paired import (
    NOISE,
    TIME_STEP,
    Batch,
    brings_spikes,
    compared,
    compared_draws,
    generator,
    measured,
    scored,
    scored_by_trial,
)
from evocircuits.measure.statistics import wilson_interval
from evocircuits.tasks import get_task

ORDER = get_task("order")
INTACT = develop(ORDER.reference(), dt_ms=ORDER.dt_ms)
BATCH = Batch("order", 5, "tests", 200)


def without_inhibition() -> Circuit:
    return ablated(INTACT, "inhibition")


def rows(changed: dict[str, Circuit], condition=None) -> list[dict]:
    plain = {key: circuit.to_dict() for key, circuit in changed.items()}
    return compared(INTACT.to_dict(), plain, BATCH, condition, 2000)


def row_of_draws(draws: list[Circuit], batch: Batch = BATCH, intact: Circuit = INTACT) -> dict:
    [row] = compared_draws(intact.to_dict(), {"drawn": [c.to_dict() for c in draws]}, batch, 2000)
    return row


def test_scores_are_normalised():
    """The reference of `order` is always right: 1. Without inhibition it always fires, and is right in half: 0."""
    assert scored([INTACT.to_dict(), without_inhibition().to_dict()], BATCH) == [1.0, 0.0]


def test_the_interval_of_a_score_is_that_of_its_credit():
    [row] = measured([without_inhibition().to_dict()], BATCH)
    low, high = wilson_interval(0.5, 200)
    assert (row["score"], row["low"], row["high"]) == pytest.approx((0.0, 2 * low - 1, 2 * high - 1))


def test_an_effect_is_the_difference_on_the_same_trials():
    same, worse = rows({"same": INTACT, "worse": without_inhibition()})
    assert same == {"score": 1.0, "effect": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}
    assert (worse["score"], worse["effect"], worse["p"]) == (0.0, -1.0, pytest.approx(1 / 2001))
    assert worse["low"] < -1 < worse["high"] < -0.8


def test_a_row_does_not_depend_on_its_company():
    [alone] = rows({"worse": without_inhibition()})
    _, together = rows({"same": INTACT, "worse": without_inhibition()})
    assert alone == together


class TestDraws:
    def test_scores_are_averaged(self):
        row = row_of_draws([INTACT, without_inhibition()] * 8)
        assert (row["score"], row["effect"]) == (0.5, -0.5)

    def test_what_a_single_one_does_in_many_trials_says_little_of_others(self):
        """Of sixteen one fails throughout, as is as likely by chance as that one is better throughout."""
        row = row_of_draws([*[INTACT] * 15, without_inhibition()])
        assert (row["effect"], row["p"], row["high"]) == (-1 / 16, 1.0, 0.0)

    def test_what_all_do_is_certain(self):
        """Two of 2^16 assignments of signs are as extreme."""
        row = row_of_draws([without_inhibition()] * 16)
        assert (row["effect"], row["low"], row["high"]) == (-1.0, -1.0, -1.0)
        assert row["p"] <= 2 / 2001

    def test_each_meets_trials_of_its_own(self):
        localise = get_task("localise")
        circuit = develop(localise.reference(), dt_ms=localise.dt_ms)
        shares = Batch("localise", 5, "tests", 64)
        of_shares = [
            scored([circuit.to_dict()], shares._replace(purpose=f"tests {k}", trials=16))[0] for k in range(4)
        ]
        row = row_of_draws([circuit] * 4, shares, circuit)
        assert len(set(of_shares)) > 1
        assert (row["score"], row["effect"]) == (pytest.approx(np.mean(of_shares)), 0.0)

    def test_of_a_closed_loop_each_plays_all_trials_and_its_share_counts(self):
        task, batch = get_task("cartpole"), Batch("cartpole", 0, "draws", 4)
        good = develop(task.reference(), dt_ms=task.dt_ms)
        [by_trial] = scored_by_trial([(bad := ablated(good, "inhibition")).to_dict()], batch)
        row = row_of_draws([good, bad], batch, good)
        [of_good] = scored_by_trial([good.to_dict()], batch)
        assert row["score"] == pytest.approx((np.mean(of_good[:2]) + np.mean(by_trial[2:])) / 2)
        assert row["effect"] == pytest.approx(np.mean(by_trial[2:]) / 2 - np.mean(of_good[2:]) / 2)


@pytest.mark.parametrize("condition", [(kind, 0.5) for kind in NOISE] + [(TIME_STEP, 0.5)])
def test_conditions_change_the_trials_of_the_changed_only(condition):
    """At half the time step nothing changes; half of the spikes deleted or added do harm, half a millisecond none."""
    [row] = rows({"it": INTACT}, condition)
    harmful = condition[0] in ("spikes added", "spikes deleted")
    assert row["effect"] < -0.1 if harmful else row["effect"] == 0
    assert rows({"it": INTACT}, condition) == [row]


def test_trials_depend_on_purpose_and_seed():
    def means(batch: Batch) -> list[float]:
        localise = get_task("localise")
        return scored([develop(localise.reference(), dt_ms=localise.dt_ms).to_dict()], batch)

    batches = [
        Batch("localise", seed, purpose, 64) for seed in (0, 1) for purpose in ("tests", "draws", "removal")
    ]
    assert len({means(batch)[0] for batch in batches}) > 3
    assert means(batches[0]) == means(batches[0])


def test_generators_of_other_texts_or_seeds_are_others():
    drawn = {generator(seed, text).random() for seed in (0, 1) for text in ("a", "b", "a")}
    assert len(drawn) == 4


def test_which_trials_bring_spikes():
    assert brings_spikes(BATCH)
    assert not brings_spikes(Batch("cartpole", 0, "draws", 20))


def test_scores_of_closed_loops_are_normalised_too():
    task = get_task("cartpole")
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    [score] = scored([circuit.to_dict()], Batch("cartpole", 0, "tests", 4))
    assert score == pytest.approx(1.0, abs=0.1)
    assert np.isfinite(score)
