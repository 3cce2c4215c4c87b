"""Intervals and tests for what is reported."""

import math
from statistics import NormalDist

import numpy as np

Z_95 = 1.959963984540054
RESAMPLES = 2000
FLIPS = 200_000
"""So many that p can still be below .001 after correction over a hundred rows."""


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


def credit_interval(credit: np.ndarray, least: float, most: float) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of `credit`, float[n ≥ 2] in `least`…`most`."""
    if (least, most) == (0.0, 1.0):
        return wilson_interval(float(np.mean(credit)), len(credit))
    return mean_interval(credit, least, most)


def bootstrap_interval(
    differences: np.ndarray, rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean of paired `differences`, float[n ≥ 2] or float[circuits, trials].

    Percentiles over resamples, expanded where there are few values to draw from (Hesterberg, Am. Stat. 69 (2015)).
    Where all circuits met the same trials, circuits and trials are drawn independently, which errs on the wide side
    (Owen, Ann. Appl. Stat. 1 (2007)). The mean itself always lies within.
    """
    if differences.ndim == 1:  # equal differences, of which there are many, may be drawn together
        n = len(differences)
        values, times = np.unique(differences, return_counts=True)
        means = rng.multinomial(n, times / n, size=resamples) @ values / n
    else:
        circuits, trials = differences.shape
        n = min(circuits, trials)
        share = rng.multinomial(circuits, np.full(circuits, 1 / circuits), size=resamples) / circuits
        chosen = rng.integers(trials, size=(resamples, trials))
        means = np.take_along_axis(share @ differences, chosen, axis=1).mean(axis=1)
    tail = _tail(n)
    low, high = np.quantile(means, [tail, 1 - tail])
    mean = float(differences.mean())
    return min(float(low), mean), max(float(high), mean)


def _tail(n: int) -> float:
    """The share of resamples of n values that lies below a 95 % interval: resampling knows neither that the spread of n
    values is too small by √(1 − 1/n), nor that t has longer tails than the normal distribution.
    """
    z, nu = Z_95, n - 1
    t = (
        z + (z**3 + z) / (4 * nu) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)
    )  # Abramowitz & Stegun, 26.7.5
    return NormalDist().cdf(-t * math.sqrt(n / nu))


def sign_flip_p(differences: np.ndarray, rng: np.random.Generator, flips: int = FLIPS) -> float:
    """The two-sided p of the mean of paired `differences`, float[n], being 0: how often one at least as far from 0
    comes out when the sign of each is drawn anew (Fisher 1935), the observed one among `flips` draws and itself.

    A p that is clearly above .05 after the first fiftieth of the draws is left at that.
    """
    size = np.abs(differences[differences != 0])
    size = np.append(size, np.zeros(-len(size) % 8)).reshape(-1, 8)
    signs = 1.0 - 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    by_byte = size @ signs.T  # the sums of eight differences by the byte of their signs
    # A draw equal to what was observed may be rounded differently.
    observed = abs(float(np.sum(differences))) - 1e-12 * size.sum()
    for n in (min(flips, max(100, flips // 50)), flips):
        sums = np.zeros(n)
        for eight in by_byte:
            sums += eight[rng.integers(256, size=n, dtype=np.uint8)]
        p = (1 + int(np.count_nonzero(np.abs(sums) >= observed))) / (1 + n)
        if p > 0.1:
            break
    return p


def holm(p: np.ndarray) -> np.ndarray:
    """float[tests]: `p` after Holm's step-down correction for testing all of them (Scand. J. Stat. 6 (1979))."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, stepped)
    return corrected
