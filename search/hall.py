"""The hall of fame: what an island found good on trials that selection never sees."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from evocircuits.genome import Genome
from evocircuits.measure import evaluate
from evocircuits.search.births import parent_ids
from evocircuits.search.objectives import Met
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual

VALIDATION = 1
"""First word of the keys of validation trials."""

SURE = 4
"""A circuit that seems to reach the target meets so many times the validation trials again before it counts."""

STEP = 0.005
"""Validated scores of the same step count as equal, and the circuit that costs less leads."""


@dataclass(frozen=True)
class Candidate:
    """A genome that validation found good: its normalised score there, and where it came from."""

    genome: Genome
    validation: float
    energy_pJ: float
    epoch: int
    island: int
    operator: str
    parents: tuple[str, ...]


def validated(
    hall: list[Candidate], individuals: list[Individual], recipe: Recipe, island: int, epoch: int
) -> list[Candidate]:
    """The hall of fame after the best of `individuals` met the validation trials: distinct structures first."""
    known = {c.genome for c in hall}
    fresh = all(task.stock is None for task in recipe.tasks)  # else there are no others for a second look
    for individual in sorted(individuals, key=lambda i: i.score, reverse=True)[: recipe.winners]:
        if individual.genome in known or individual.score < 0:
            continue
        known.add(individual.genome)
        met = _met(individual.genome, recipe, (VALIDATION, 0), recipe.validation_trials)
        score = score_of(met)
        if recipe.target is not None and score >= recipe.target and fresh:
            again = _met(individual.genome, recipe, (VALIDATION, 1), SURE * recipe.validation_trials)
            score = min(score, (score + SURE * score_of(again)) / (1 + SURE))
        energy_pJ = float(np.mean([e.energy_pJ for e in met.evaluations]))
        origin = (epoch, island, individual.operator, parent_ids(individual, recipe.dt_ms))
        hall = [*hall, Candidate(individual.genome, score, energy_pJ, *origin)]
    return by_structure(hall)[: recipe.winners]


def score_of(met: Met) -> float:
    """The normalised score, of several tasks the worst; 0 for what could not be evaluated."""
    return min(met.normalised) if met.valid else 0.0


def by_structure(candidates: list[Candidate]) -> list[Candidate]:
    """The best of every structure first, then the second best of each, and so on."""
    best_first = sorted(candidates, key=lambda c: (-round(c.validation / STEP), c.energy_pJ))
    seen: Counter = Counter()
    ranked = []
    for candidate in best_first:
        ranked.append((seen[candidate.genome.structure], candidate))
        seen[candidate.genome.structure] += 1
    return [c for _, c in sorted(ranked, key=lambda row: row[0])]


def _met(genome: Genome, recipe: Recipe, key: tuple[int, ...], n_trials: int) -> Met:
    tasks = tuple(task.of_part("validation") for task in recipe.tasks)
    evaluations = tuple(evaluate(genome, task, (recipe.seed, *key), n_trials) for task in tasks)
    return Met(genome, tasks, evaluations, (recipe.seed, *key), n_trials)
