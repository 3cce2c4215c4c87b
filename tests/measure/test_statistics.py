from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.measure.statistics import (
    bootstrap_interval,
    credit_interval,
    holm,
    mean_interval,
    sign_flip_p,
    wilson_interval,
)


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


class TestBootstrap:
    def test_follows_the_spread_of_the_differences(self):
        """± 1 with equal chances: standard error 1/√1000, and 1.96 of them on either side."""
        low, high = bootstrap_interval(np.array([-1.0, 1.0] * 500), np.random.default_rng(0))
        assert (low, high) == pytest.approx((-0.062, 0.062), abs=0.006)

    def test_without_spread_has_no_width(self):
        assert bootstrap_interval(np.full(20, 0.25), np.random.default_rng(0)) == (0.25, 0.25)

    def test_covers_the_truth_in_95_of_100_samples(self):
        rng = np.random.default_rng(0)
        samples = rng.exponential(size=(400, 100))
        covered = [low <= 1 <= high for low, high in (bootstrap_interval(s, rng, 300) for s in samples)]
        assert np.mean(covered) == pytest.approx(0.94, abs=0.04)

    def test_covers_the_truth_also_where_there_are_few(self):
        rng = np.random.default_rng(0)
        samples = rng.normal(size=(800, 8))
        covered = [low <= 0 <= high for low, high in (bootstrap_interval(s, rng, 1000) for s in samples)]
        assert np.mean(covered) == pytest.approx(0.95, abs=0.03)

    def test_circuits_that_differ_widen_it(self):
        """Forty whose effects are ± 1, the same in each of 300 trials: standard error 1/√40."""
        effect = np.array([-1.0, 1.0] * 20)[:, None] * np.ones(300)
        low, high = bootstrap_interval(effect, np.random.default_rng(0))
        assert high - low == pytest.approx(2 * 1.96 / np.sqrt(40), rel=0.12)

    def test_trials_that_differ_widen_it(self):
        """The same effects in all of forty circuits, ± 1 in 300 trials: standard error 1/√300."""
        effect = np.ones(40)[:, None] * np.array([-1.0, 1.0] * 150)
        low, high = bootstrap_interval(effect, np.random.default_rng(0))
        assert high - low == pytest.approx(2 * 1.96 / np.sqrt(300), rel=0.12)

    @given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.integers(0, 99))
    def test_the_mean_lies_within(self, values, seed):
        low, high = bootstrap_interval(np.array(values), np.random.default_rng(seed), 50)
        assert low <= np.mean(values) <= high


class TestSignFlips:
    def exactly(self, differences: np.ndarray) -> float:
        """Over all assignments of signs."""
        signs = np.array(list(product([-1, 1], repeat=len(differences))))
        return float(np.mean(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-12))

    def test_of_five_equal_differences_two_in_32_are_as_extreme(self):
        p = sign_flip_p(np.ones(5), np.random.default_rng(0))
        assert p == pytest.approx(2 / 32, abs=0.003)

    @given(
        st.lists(st.sampled_from([-1.0, -0.5, 0.0, 1 / 3, 0.75, 1.0]), min_size=1, max_size=11),
        st.integers(0, 99),
    )
    def test_agrees_with_all_assignments(self, values, seed):
        differences = np.array(values)
        p = sign_flip_p(differences, np.random.default_rng(seed), flips=20_000)
        assert p == pytest.approx(self.exactly(differences), abs=0.02 if p < 0.1 else 0.1)

    def test_without_any_difference_p_is_one(self):
        assert sign_flip_p(np.zeros(10), np.random.default_rng(0)) == 1.0

    def test_nothing_is_less_likely_than_one_in_all_draws(self):
        assert sign_flip_p(np.ones(200), np.random.default_rng(0), flips=999) == 0.001

    def test_p_is_uniform_where_there_is_no_effect(self):
        rng = np.random.default_rng(1)
        p = np.array([sign_flip_p(rng.normal(size=40), rng, flips=5000) for _ in range(1000)])
        assert [np.mean(p <= q) for q in (0.05, 0.2, 0.5)] == pytest.approx([0.05, 0.2, 0.5], abs=0.05)


def test_holm_multiplies_by_how_many_are_left_and_never_falls():
    """.01 × 4, .02 × 3 = .06, .03 × 2 = .06, .9 × 1."""
    assert holm(np.array([0.9, 0.01, 0.03, 0.02])) == pytest.approx([0.9, 0.04, 0.06, 0.06])
    assert holm(np.array([0.3, 0.02, 0.025])) == pytest.approx([0.3, 0.06, 0.06])
    assert holm(np.array([0.6, 0.7])) == pytest.approx([1.0, 1.0])
    assert holm(np.zeros(0)).shape == (0,)


def test_credit_between_0_and_1_has_the_interval_of_a_share_and_other_credit_that_of_a_mean():
    credit = np.array([0.0, 1.0] * 50)
    assert credit_interval(credit, 0.0, 1.0) == wilson_interval(0.5, 100)
    assert credit_interval(credit, -1.0, 1.0) == mean_interval(credit, -1.0, 1.0)
