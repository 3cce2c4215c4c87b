"""Intervals for what is reported."""

import math

import numpy as np

Z_95 = 1.959963984540054


def wilson_interval(mean: float, n: int) -> tuple[float, float]:
    """The 95 % interval (low, high) of a share `mean` over `n` trials (Wilson, JASA 22 (1927)).

    Credit between 0 and 1, as for ties, varies less than the binary credit of the same mean: the interval then errs
    on the wide side.
    """
    centre = (mean + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(mean * (1 - mean) / n + Z_95**2 / (4 * n**2))
    return max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))


def mean_interval(
    values: np.ndarray, least: float = -math.inf, most: float = math.inf
) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of many `values`, float[n ≥ 2] in `least`…`most`, by their spread."""
    mean = float(np.mean(values))
    half = Z_95 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return max(least, mean - half), min(most, mean + half)
