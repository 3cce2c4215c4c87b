import numpy as np
import pytest

from evocircuits.measure.statistics import mean_interval, wilson_interval


def test_interval_of_half_in_a_hundred():
    assert wilson_interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)


def test_interval_at_the_ends_stays_within_zero_and_one():
    assert wilson_interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_interval_covers_the_truth_in_95_of_100_samples():
    rng = np.random.default_rng(0)
    means = rng.binomial(200, 0.7, 4000) / 200
    covered = [low <= 0.7 <= high for low, high in (wilson_interval(m, 200) for m in means)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_interval_of_a_mean_follows_the_spread_of_the_values():
    assert mean_interval(np.array([-1.0, 1.0] * 50)) == pytest.approx((-0.197, 0.197), abs=1e-3)
    assert mean_interval(np.full(5, 0.3)) == pytest.approx((0.3, 0.3))
    assert mean_interval(np.array([0.9, 1.0]), -1.0, 1.0) == pytest.approx((0.852, 1.0), abs=1e-4)


def test_interval_of_a_mean_covers_the_truth_in_95_of_100_samples():
    samples = np.random.default_rng(0).exponential(size=(4000, 200))
    covered = [low <= 1 <= high for low, high in map(mean_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)
