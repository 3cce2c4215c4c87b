"""Quality diversity: the archives of an island, rebuilt from its plain list of individuals whenever they are asked for.

An individual has a `score`, to be maximised, and `descriptors`, its values of the archive's descriptors in order.
Those that could not be evaluated, of score `INVALID`, never enter. What is kept depends on the pool and its order
alone, and of equals the earlier is kept. pyribs loads when first used: it brings pandas and scikit-learn along.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from evocircuits.measure.descriptors import named
from evocircuits.search.objectives import INVALID
from evocircuits.search.selection import nsga2

if TYPE_CHECKING:
    from ribs.archives import GridArchive

NEIGHBOURS = 15
"""With how many of those most like it an individual competes."""


class Described(Protocol):
    """What an archive knows of an individual."""

    score: float
    descriptors: tuple[float, ...]


Individual = TypeVar("Individual", bound=Described)


def map_elites(pool: Sequence[Individual], names: Sequence[str]) -> list[Individual]:
    """The best individual of every cell of the descriptors' grid, cell by cell (Mouret & Clune 2015, MAP-Elites).

    Raises `InputError` for an unknown descriptor, as all functions here do.
    """
    valid = _valid(pool)
    elites = _filled(valid, names).data(["solution", "index"])
    return [valid[k] for k in elites["solution"][np.argsort(elites["index"])]]


def cells(pool: Sequence[Individual], names: Sequence[str]) -> list[tuple[int, ...]]:
    """Of each individual in the pool, the coordinates of its cell, one for each descriptor."""
    grid = _grid(names)
    if not pool:
        return []
    return [tuple(cell) for cell in grid.int_to_grid_index(grid.index_of(_points(pool, names))).tolist()]


def coverage(pool: Sequence[Individual], names: Sequence[str]) -> float:
    """The share of cells that hold an individual."""
    return float(_filled(_valid(pool), names).stats.coverage)


def qd_score(pool: Sequence[Individual], names: Sequence[str]) -> float:
    """The sum of the best scores of all cells, those below chance counting 0 (Pugh et al. 2015)."""
    return float(sum(max(0.0, elite.score) for elite in map_elites(pool, names)))


def novelty_search(pool: Sequence[Individual], names: Sequence[str], capacity: int) -> list[Individual]:
    """At most `capacity` individuals, in the order of the pool, by novelty search with local competition.

    As in Lehman & Stanley (GECCO 2011), NSGA-II chooses by two objectives: novelty, the mean distance to the nearest 15
    others of the pool, and how many of these an individual outscores. Distances are between descriptors, each scaled to
    its range; before all others the best score has a place.
    """
    valid = _valid(pool)
    points, scores = _points(valid, names), _scores(valid)
    if len(valid) <= capacity:
        return valid
    values = list(zip(*(column.tolist() for column in _novelty(points, scores)), strict=True))
    others = np.delete(np.arange(len(valid)), best := int(np.argmax(scores))).tolist()
    chosen = nsga2(others, [values[k] for k in others], (1.0, 1.0), capacity - 1)
    return [valid[k] for k in sorted([best, *chosen])]


def _valid(pool: Sequence[Individual]) -> list[Individual]:
    return [individual for individual in pool if individual.score > INVALID]


def _scores(pool: Sequence[Individual]) -> np.ndarray:
    return np.array([individual.score for individual in pool], dtype=float)


def _points(pool: Sequence[Individual], names: Sequence[str]) -> np.ndarray:
    """float[pool, descriptors] in 0…1: where each lies in the ranges of its descriptors."""
    axes = named(names)
    points = [[d.position(v) for d, v in zip(axes, i.descriptors, strict=True)] for i in pool]
    return np.array(points, dtype=float).reshape(len(points), len(axes))


def _grid(names: Sequence[str]) -> "GridArchive":
    from ribs.archives import GridArchive

    bins = [descriptor.bins for descriptor in named(names)]
    return GridArchive(
        solution_dim=(), dims=bins, ranges=[(0.0, 1.0)] * len(bins), solution_dtype=np.int64, seed=0
    )


def _filled(valid: list[Individual], names: Sequence[str]) -> "GridArchive":
    """The grid, holding places in `valid` as its solutions."""
    grid = _grid(names)
    if valid:
        grid.add(np.arange(len(valid)), _scores(valid), _points(valid, names))
    return grid


def _novelty(points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float[n] and int[n]: mean distance to the nearest, up to a common factor, and how many of them score less."""
    from ribs.archives import ProximityArchive

    archive = ProximityArchive(
        solution_dim=(),
        measure_dim=points.shape[1],
        k_neighbors=NEIGHBOURS + 1,  # each finds itself first, at no distance and outscored by none
        novelty_threshold=0.0,
        local_competition=True,
        initial_capacity=len(points),
        solution_dtype=np.int64,
        seed=0,
    )
    archive.add(np.arange(len(points)), scores, points)
    return archive.compute_novelty(points, scores)
