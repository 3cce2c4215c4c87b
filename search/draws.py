"""Random steps that genes take: log-uniform in size, so that most fine-tune and some leap."""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """One of `items`, all as likely."""
    return items[int(rng.random() * len(items))]


def step(rng: np.random.Generator) -> float:
    """A normal step whose standard deviation is log-uniform from .002 to .2."""
    return rng.standard_normal() * 0.002 * 100 ** rng.random()


def clipped(value: float, bounds: tuple[float, float]) -> float:
    """`value`, or the bound it passes."""
    return min(max(value, bounds[0]), bounds[1])


def scaled(value: float, bounds: tuple[float, float], rng: np.random.Generator) -> float:
    """`value` times the exponential of five steps (a few tenths of a percent to e), kept within bounds."""
    return clipped(value * math.exp(5 * step(rng)), bounds)


def log_uniform(rng: np.random.Generator, centre: float, factor: float, bounds: tuple[float, float]) -> float:
    """`centre` times or divided by up to `factor`, log-uniform, kept within bounds."""
    return clipped(centre * factor ** (2 * rng.random() - 1), bounds)


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Log-uniform between two bounds."""
    return clipped(low * (high / low) ** rng.random(), (low, high))
