"""One island's epoch as a pure function: `advance(state, immigrants, …) → state, emigrants, report`.

Every random stream has a key of its own: variation (island, generation), the stimuli of a generation its number alone.
So all islands meet the same fresh trials, and a step that is retried or moved gives the same bits. States travel as
zlib-compressed JSON.
"""

import json
import zlib
from collections import Counter
from dataclasses import dataclass, fields

import numpy as np

from evocircuits.development import develop
from evocircuits.genome import Genome
from evocircuits.measure import evaluate, stream
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual, deap_random, mates, survivors
from evocircuits.search.variation import Space, crossover, found, mutate
from evocircuits.tasks import get_task

TRAINING, VALIDATION, VARIATION = range(3)
"""First words of the streams' keys; reported scores draw from the stream without a key."""


@dataclass(frozen=True)
class Candidate:
    """A genome that validation found good: its score on trials that selection never sees."""

    genome: Genome
    validation: float
    energy_pJ: float
    epoch: int
    island: int
    operator: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What an epoch of one island returns."""

    state: bytes
    emigrants: bytes
    report: dict


def advance(state: bytes | None, immigrants: list[bytes], settings: dict, island: int, epoch: int) -> Step:
    """Advance one island by one epoch of `settings` (a recipe as plain values). Pure: equal arguments, equal bits."""
    recipe = Recipe(**settings)
    task = get_task(recipe.task)
    space = Space(task, recipe.max_neurons, recipe.max_synapses)
    parents, hall = _unpack(state) if state else ([], [])
    arrivals = [individual for blob in immigrants for individual in _unpack(blob)[0]]
    n_evaluations = 0
    for generation in range(epoch * recipe.generations, (epoch + 1) * recipe.generations):
        rng = stream(recipe.seed, VARIATION, island, generation)
        children = _breed(parents, recipe, rng, space)
        pool = parents + arrivals + children
        arrivals = []
        for individual in pool:
            evaluation = evaluate(individual.genome, task, (recipe.seed, TRAINING, generation), recipe.trials)
            individual.meet(evaluation, recipe.parsimony, task.chance)
        n_evaluations += len(pool)
        with deap_random(rng):
            parents = survivors(pool, recipe.parents, recipe.elites)
    hall = _validated(hall, parents, recipe, island, epoch)
    report = {
        "island": island,
        "epoch": epoch,
        "best": hall[0].validation if hall else 0.0,
        "median": float(np.median([i.raw for i in parents])),
        "evaluations": n_evaluations,
    }
    state = _pack(parents, hall)
    return Step(state, best_of(state, recipe.migrants), report)


def _breed(
    parents: list[Individual], recipe: Recipe, rng: np.random.Generator, space: Space
) -> list[Individual]:
    if not parents:
        return [Individual(found(rng, space), "found") for _ in range(recipe.parents + recipe.offspring)]
    with deap_random(rng):
        first, second = mates(parents, recipe.offspring), mates(parents, recipe.offspring)
    children = []
    for mother, father in zip(first, second, strict=True):
        genome, operators, ancestors = mother.genome, [], [mother]
        if father is not mother and rng.random() < recipe.crossover:
            genome = crossover(genome, father.genome, rng, space)
            if genome is not mother.genome:
                operators, ancestors = ["crossover"], [mother, father]
        genome, mutation = mutate(genome, rng, space)
        parents_of = tuple(_circuit_id(a.genome, space) for a in ancestors)
        children.append(Individual(genome, "+".join([*operators, mutation]), parents_of))
    return children


def _circuit_id(genome: Genome, space: Space) -> str:
    return develop(genome, dt_ms=space.task.dt_ms).id


def _validated(
    hall: list[Candidate], parents: list[Individual], recipe: Recipe, island: int, epoch: int
) -> list[Candidate]:
    """The hall of fame after the epoch's best met the validation trials: distinct structures first."""
    task, known = get_task(recipe.task), {c.genome for c in hall}
    for individual in sorted(parents, key=lambda i: i.score, reverse=True)[: recipe.winners]:
        if individual.genome in known or individual.score < 0:
            continue
        evaluation = evaluate(individual.genome, task, (recipe.seed, VALIDATION), recipe.validation_trials)
        origin = (epoch, island, individual.operator, individual.parents)
        hall = [*hall, Candidate(individual.genome, evaluation.raw, evaluation.energy_pJ, *origin)]
    return by_structure(hall)[: recipe.winners]


def by_structure(candidates: list[Candidate]) -> list[Candidate]:
    """The best of every structure first, then the second best of each, and so on."""
    best_first = sorted(candidates, key=lambda c: (-c.validation, c.energy_pJ))
    seen: Counter = Counter()
    ranked = []
    for candidate in best_first:
        ranked.append((seen[candidate.genome.structure], candidate))
        seen[candidate.genome.structure] += 1
    return [c for _, c in sorted(ranked, key=lambda row: row[0])]


def best_of(state: bytes, n: int) -> bytes:
    """The emigrants of an island in that state: its `n` best by score."""
    parents, _ = _unpack(state)
    return _pack(sorted(parents, key=lambda i: i.score, reverse=True)[:n], [])


def hall_of_fame(state: bytes) -> list[Candidate]:
    """The validated candidates in an island's state, the best first."""
    return _unpack(state)[1]


def _pack(parents: list[Individual], hall: list[Candidate]) -> bytes:
    def plain(row, skipped=("genome", "fitness")):
        kept = {f.name: getattr(row, f.name) for f in fields(row) if f.name not in skipped}
        return kept | {"genome": row.genome.to_dict()}

    document = {"parents": [plain(i) for i in parents], "hall": [plain(c) for c in hall]}
    return zlib.compress(json.dumps(document).encode(), 6)


def _unpack(blob: bytes) -> tuple[list[Individual], list[Candidate]]:
    document = json.loads(zlib.decompress(blob))

    def read(row: dict) -> dict:
        return row | {"genome": Genome.from_dict(row["genome"]), "parents": tuple(row["parents"])}

    parents = [Individual(**read(row)) for row in document["parents"]]
    for individual in parents:
        individual.fitness.values = (individual.score, individual.energy_pJ)
    return parents, [Candidate(**read(row)) for row in document["hall"]]
