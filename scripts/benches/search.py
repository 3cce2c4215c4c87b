"""The search: does it find what the tasks ask for, in time, from many seeds, and more than simpler searches would?

Groups: `reach`, `long` and `poles`, runs that stop once validation holds the target; `xor`, neat-python's spiking
example; `baselines`, random search and hill climbing on as many evaluations; `ablation`, the search without one of its
mechanisms; `identity`, the same rows serial and on Ray; `costs`, where a run's time goes. Lines of runs are kept in
runs/bench/search-runs.jsonl and not measured twice.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from report import Row, at_least, figure
from search_champions import champions
from search_costs import costs
from search_runs import Case, measured, with_line
from search_xor import xor

from evocircuits.development import develop
from evocircuits.library import Library
from evocircuits.measure import score_circuit
from evocircuits.search.recipe import Recipe, load_recipe
from evocircuits.search.run import evolve
from evocircuits.tasks import get_task

TEN, THREE, FIVE = range(1, 11), range(1, 4), range(1, 6)

MARGIN = 0.01
"""By so much of the normalised score a run's target lies above the bar: its validation is a sample."""
WIDER = 0.03
"""Where the bar is a sample too."""

REACH = {
    "order": 1.0,
    "burst": 1.0,
    "route": 0.9,
    "winner": None,
    "localise": 0.724,  # .64 raw
    "synchrony": 0.9,
    "temporal_xor": 0.9,
    "spacing": 0.9,
    "triplet": 0.9,
    "latch": 0.95,
}
"""Bars of the normalised score; None is what the task's hand-wired reference scores on the same trials."""
LONG = {"localise": 0.866, "imprint": None, "contrast": None, "runaway": None, "colour": None, "forage": None}
"""For `localise` .75 raw."""
POLES = {"cartpole": (475, TEN, 180), "cartpole_hidden": (400, THREE, 900)}
"""Mean return, seeds and seconds."""

COMPARED = {"burst": 3, "localise": 3, "route": 3, "synchrony": 3, "latch": 6, "winner": 3}
"""The tasks on which searches are compared with each other, and for how many epochs."""
ABLATED = ("localise", "route", "latch")
SIZES = ("parents", "offspring", "elites", "refine_evaluations")
MOTIFS = ("split", "unbundle", "feedforward", "feedback", "cross", "disinhibition")
WITHOUT: dict[str, Callable[[Recipe], dict]] = {
    "islands and restarts": lambda recipe: {
        "islands": 1,
        "patience": 10**6,
        **{name: recipe.islands * getattr(recipe, name) for name in SIZES},
    },
    "refinement": lambda _: {"refine_evaluations": 0, "strategies": ["population", "population", "direct"]},
    "racing": lambda _: {"heat": 10**6},
    "split and motif insertion": lambda _: {"operators": dict.fromkeys(MOTIFS, 0.0)},
    "direct encoding": lambda _: {"strategies": ["population", "memetic"]},
    "population encoding": lambda _: {"strategies": ["direct"]},
}
"""What a search without a mechanism has in place of its recipe's settings: as many evaluations."""


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


def _reach() -> list[Row]:
    cases = [_reaching("reach", task, bar, seed, 120) for task, bar in REACH.items() for seed in TEN]
    return _rows_of_runs(measured(cases), least=9)


def _long() -> list[Row]:
    cases = [_reaching("long", task, bar, seed, 900) for task, bar in LONG.items() for seed in THREE]
    return [*_rows_of_runs(measured(cases), least=2), *champions()]


def _poles() -> list[Row]:
    rows = []
    for name, (bar, seeds, seconds) in POLES.items():
        task = get_task(name)
        normalised = (bar / task.per_credit - task.chance) / (task.ceiling - task.chance)
        cases = [_reaching("poles", name, normalised, seed, seconds) for seed in seeds]
        rows += _rows_of_runs(measured(cases), least=9 if len(seeds) == 10 else 2)
    return rows


def _reaching(group: str, task: str, bar: float | None, seed: int, seconds: float) -> Case:
    """A run that stops a little above its bar."""
    known = _reference(task, seed)["normalised"] if bar is None else bar
    target = min(1.0, known + (WIDER if bar is None else MARGIN)) if known < 1 else 1.0
    return Case(group, task, seed, seconds, {"target": target}, bar=known)


def _reference(name: str, seed: int) -> dict:
    """What the hand-wired circuit scores on the trials on which a run of that seed is reported."""
    recipe, task = load_recipe(name), get_task(name)
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    return with_line(
        f"reference/{name}/{seed}",
        lambda: vars(score_circuit(circuit, task, seed=seed, n_trials=recipe.held_out_trials)),
    )


def _rows_of_runs(lines: list[dict], least: int) -> list[Row]:
    """Per task how many runs reached their bar in time, and the medians of what they found and took."""
    rows = []
    for name in dict.fromkeys(line["recipe"] for line in lines):
        mine = [line for line in lines if line["recipe"] == name]
        reached = sum(map(_in_time, mine))
        label = f"{name} ≥ {mine[0]['bar']:.3f} within {mine[0]['limit_s'] / 60:g} min"
        rows += [
            at_least(f"{label}: runs of {len(mine)} that reach it", reached, "", least),
            figure(f"{name}: normalised held-out score", [line["normalised"] for line in mine], ""),
            figure(f"{name}: run time", [line["seconds"] for line in mine], "s"),
            figure(f"{name}: evaluations", [line["evaluations"] for line in mine], ""),
        ]
    return rows


def _in_time(line: dict) -> bool:
    return line["normalised"] >= _rounded(line["bar"]) and line["seconds"] <= line["limit_s"]


def _rounded(bar: float) -> float:
    """A bar of 1 is met by what is 1.000 to three places: one wrong trial of ten thousand."""
    return 0.9995 if bar == 1 else bar


def _baselines() -> list[Row]:
    """Both baselines spend what a population does, refinement included; a memetic island meets a few genomes more."""
    rows = []
    for name, epochs in COMPARED.items():
        scores, spent = {}, {}
        for search in ("evolution", "random", "hill_climbing"):
            settings = {"epochs": epochs, "search": search}
            cases = [Case("baselines", name, seed, settings=settings, variant=search) for seed in FIVE]
            lines = measured(cases)
            scores[search] = [line["normalised"] for line in lines]
            spent[search] = [line["evaluations"] for line in lines]
        rows += _compared(name, scores)
        rows += [figure(f"{name}: {search}, evaluations", values, "") for search, values in spent.items()]
    return rows


def _ablation() -> list[Row]:
    rows = []
    for name in ABLATED:
        scores, simulated, epochs = {}, {}, {"epochs": COMPARED[name]}
        for variant, changed in {"whole": lambda _: {}, **WITHOUT}.items():
            settings = epochs | changed(load_recipe(name))
            cases = [Case("ablation", name, seed, settings=settings, variant=variant) for seed in FIVE]
            lines = measured(cases)
            scores[variant] = [line["normalised"] for line in lines]
            simulated[variant] = [line["simulated_s"] for line in lines]
        rows += _compared(name, scores)
        rows += [
            figure(f"{name}: {variant}, simulated time", spent, "s") for variant, spent in simulated.items()
        ]
    return rows


def _compared(name: str, scores: dict[str, list[float]]) -> list[Row]:
    """Each one's score, and how much the first is ahead of it, over seeds."""
    first, *others = scores
    rows = [figure(f"{name}: {variant}, normalised score", values, "") for variant, values in scores.items()]
    for other in others:
        ahead = np.subtract(scores[first], scores[other])
        half = 2.776 * ahead.std(ddof=1) / np.sqrt(len(ahead))  # Student's t, 4 degrees of freedom
        rows.append(
            Row(
                f"{name}: {first} ahead of {other}, mean (95 % interval)",
                float(ahead.mean()),
                "",
                "not below 0",
                bool(ahead.mean() + half >= 0),
                (float(ahead.mean() - half), float(ahead.mean() + half)),
            )
        )
    return rows


def _identity() -> list[Row]:
    hashes = set()
    with tempfile.TemporaryDirectory() as folder:
        for executor in ("serial", "ray"):
            library = Library(f"sqlite:///{Path(folder)}/{executor}.db")
            evolve("order", library=library, executor=executor)
            hashes.add(library.rows_hash())
    name = "order, distinct hashes of library rows, serial and Ray"
    return [Row(name, len(hashes), "", "= 1", len(hashes) == 1)]


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "reach": _reach,
    "long": _long,
    "poles": _poles,
    "xor": xor,
    "baselines": _baselines,
    "ablation": _ablation,
    "identity": _identity,
    "costs": costs,
}
