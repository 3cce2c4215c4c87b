"""Compiled kernels against the same code in plain Python; what they count is checked in test_census."""

import numpy as np
import pytest

from evocircuits.measure.kernels import count_triads, swap_targets


@pytest.mark.parametrize("seed", range(3))
def test_triads(seed):
    rng = np.random.default_rng(seed)
    onto = (rng.random((9, 9)) < 0.3).astype(int)
    inhibitory = (rng.random(9) < 0.3).astype(int)
    counts = count_triads(onto, inhibitory)
    assert counts.tolist() == count_triads.py_func(onto, inhibitory).tolist()
    assert counts.sum() == 84  # 9 over 3


@pytest.mark.parametrize("loops", [False, True])
def test_swaps(loops):
    rng = np.random.default_rng(1)
    sender, target = rng.integers(8, size=20), rng.integers(8, size=20)
    picks = rng.integers(20, size=(300, 2))
    results = []
    for kernel in (swap_targets, swap_targets.py_func):
        moved, present = target.copy(), np.zeros((8, 8), np.int32)
        np.add.at(present, (sender, target), 1)
        kernel(sender, moved, present, loops, picks)
        counted = np.zeros((8, 8), np.int32)
        np.add.at(counted, (sender, moved), 1)
        assert np.array_equal(counted, present)
        results.append(moved.tolist())
    assert results[0] == results[1] != target.tolist()
