"""Small recipes, a user's tasks and hand-made individuals for the tests of the search."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from evocircuits.genome import Genome
from evocircuits.measure import Evaluation
from evocircuits.search.recipe import Recipe, parse_recipe
from evocircuits.search.selection import Individual
from evocircuits.search.space import Space
from evocircuits.search.variation import found
from evocircuits.tasks import get_task

SETTINGS = {
    "task": "order",
    "islands": 3,
    "epochs": 3,
    "generations": 2,
    "parents": 6,
    "offspring": 8,
    "elites": 3,
    "trials": 32,
    "validation_trials": 128,
    "held_out_trials": 500,
    "winners": 3,
    "strategies": ["population", "population", "direct"],
    "refine_evaluations": 0,
}

USERS_TASKS = '''
from dataclasses import replace

from evocircuits.tasks.order import Order


class Fore(Order):
    """Which came first, with no solution known."""

    name = "fore"

    def reference(self):
        return None


class Late(Order):
    """Which came first, a hundred milliseconds later."""

    name = "late"

    def trials(self, rng, n):
        made = super().trials(rng, n)
        spikes = {port: replace(s, time_ms=s.time_ms + 100) for port, s in made.stimulus.spikes.items()}
        return replace(made, stimulus=replace(made.stimulus, duration_ms=250.0, spikes=spikes))


class Aft(Order):
    """Which came last."""

    name = "aft"

    def trials(self, rng, n):
        made = super().trials(rng, n)
        return replace(made, answer=1 - made.answer)


class Hopeless(Order):
    """All that anybody does is wrong."""

    name = "hopeless"

    def score(self, trials, recording):
        return replace(super().score(trials, recording), graded=-1.0)
'''
"""Four tasks with the ports of `order`."""

SPACE = Space(get_task("order"), 10, 40)
REFERENCE = get_task("order").reference()


def small(**changes) -> Recipe:
    """A recipe that runs within a second."""
    return parse_recipe(SETTINGS | changes)


def users_tasks(folder: Path, *names: str) -> list[str]:
    """The user's tasks of those names, in a file of that folder."""
    file = folder / "mine.py"
    file.write_text(USERS_TASKS, encoding="utf-8")
    return [f"{file}:{name}" for name in names]


def founder(seed: int = 0) -> Genome:
    """A genome, another one for each seed."""
    return found(np.random.default_rng(seed), SPACE)


def evaluation(graded: float, raw: float | None = None, **changes) -> Evaluation:
    """An evaluation of that score, whose costs are 1 if nothing else is said."""
    costs = dict(energy_pJ=1.0, spikes=1.0, neurons=1, synapses=1)
    return Evaluation(graded=graded, raw=graded if raw is None else raw, **(costs | changes))


def individual(score: float, seed: int, cases: tuple[float, ...] = (), **objectives: float) -> Individual:
    """An individual of that score, with a genome of its seed."""
    one = Individual(founder(seed), "found")
    one.meet(score, score, {"score": score, "energy": 1.0} | objectives, cases)
    return one


def mediocre(veto: float) -> Genome:
    """The reference for `order` with a veto of that strength: from .5 to .57, it misses ever fewer gaps."""
    last = REFERENCE.projections[-1]
    return REFERENCE.with_genes(projections=[*REFERENCE.projections[:-1], replace(last, strength=veto)])
