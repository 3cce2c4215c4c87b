"""Random steps that genes take: log-uniform in size, so that most fine-tune and some leap."""

import numpy as np


def step(rng: np.random.Generator) -> float:
    """A normal step whose standard deviation is log-uniform from .002 to .2."""
    return float(rng.normal() * 10 ** rng.uniform(np.log10(0.002), np.log10(0.2)))


def scaled(value: float, bounds: tuple[float, float], rng: np.random.Generator) -> float:
    """`value` times the exponential of five steps (a few tenths of a percent to e), kept within bounds."""
    return float(np.clip(value * np.exp(5 * step(rng)), *bounds))


def log_uniform(rng: np.random.Generator, centre: float, factor: float, bounds: tuple[float, float]) -> float:
    """`centre` times or divided by up to `factor`, log-uniform, kept within bounds."""
    return float(np.clip(centre * np.exp(rng.uniform(-1, 1) * np.log(factor)), *bounds))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Log-uniform between two bounds."""
    return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))
