"""The Mackey–Glass series, a chaotic one to forecast, and the error by which NeuroBench tells how well.

    dx/dt = β x(t − τ) / (1 + x(t − τ)ⁿ) − γ x,   β = .2, γ = .1, n = 10

Mackey & Glass, Science 197 (1977); sMAPE as in Yik et al., Nat. Commun. 16 (2025).
"""

import numpy as np

from evocircuits.checks import checked_count, checked_positive
from evocircuits.errors import InputError

BETA, GAMMA, POWER = 0.2, 0.1, 10
STEP = 0.1
TRANSIENT = 1000.0
"""Time that is left out at first, from a history that is constant."""


def mackey_glass(n: int, *, tau: float = 17.0, spacing: float = 2.6, start: float = 1.2) -> np.ndarray:
    """`n` values float[n], `spacing` apart, once the series that begins as `start` has settled.

    By the fourth-order Runge–Kutta method in steps of 0.1; the delayed value at half a step comes from the cubic with
    the values and slopes on either side. At τ = 17 the default spacing makes about 75 values in a Lyapunov time.

    Raises `InputError` for values that are not positive, and times that are no multiples of 0.1.
    """
    n, start = checked_count("mackey_glass: n", n), checked_positive("mackey_glass: start", start)
    late, every = _steps("tau", tau), _steps("spacing", spacing)
    total = round(TRANSIENT / STEP) + n * every
    x, slopes = [start] * (late + 1), [0.0] * late
    for then in range(total):
        now = x[-1]
        k1 = _slope(now, x[then])
        slopes.append(k1)
        middle = (x[then] + x[then + 1]) / 2 + STEP / 8 * (slopes[then] - slopes[then + 1])
        k2 = _slope(now + STEP / 2 * k1, middle)
        k3 = _slope(now + STEP / 2 * k2, middle)
        k4 = _slope(now + STEP * k3, x[then + 1])
        x.append(now + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.array(x[-1 - (n - 1) * every :: every])


def smape(predicted: np.ndarray, target: np.ndarray) -> float:
    """The symmetric mean absolute percentage error, 0 … 200, of values float[n]: 200/n Σ |p − t| / (|p| + |t|)."""
    predicted, target = np.asarray(predicted, float), np.asarray(target, float)
    if predicted.shape != target.shape or not target.size:
        raise InputError(f"smape: expected as many values of each; got {predicted.shape}, {target.shape}")
    size = np.abs(predicted) + np.abs(target)
    return float(200 * np.mean(np.abs(predicted - target) / np.where(size > 0, size, 1.0)))


def _slope(x: float, delayed: float) -> float:
    return BETA * delayed / (1 + delayed**POWER) - GAMMA * x


def _steps(name: str, time: float) -> int:
    steps = round(checked_positive(f"mackey_glass: {name}", time) / STEP)
    if steps < 1 or abs(steps * STEP - time) > 1e-9 * time:
        raise InputError(f"mackey_glass: {name}: expected a multiple of {STEP}; got {time}")
    return steps
