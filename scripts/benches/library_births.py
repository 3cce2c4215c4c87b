"""What it costs a run to tell of births: to find those of an island's epoch, and to store those of all islands."""

import tempfile
import time
from dataclasses import replace

import numpy as np
from report import Row, figure, tell

from evocircuits.library import Library
from evocircuits.search import island
from evocircuits.search.recipe import load_recipe

EPOCHS, COMMITS = 3, 18


def births() -> list[Row]:
    """On islands of `localise`, each of another strategy: what births cost beside an epoch without them."""
    recipe = load_recipe("localise")
    settings, find, telling_s = recipe.model_dump(), island.births, [0.0]

    def timed(*arguments):
        begun = time.process_time()
        told = find(*arguments)
        telling_s[0] += time.process_time() - begun
        return told

    steps, states = [], dict.fromkeys(range(len(recipe.strategies)))
    island.births = timed
    try:
        for epoch in range(EPOCHS):
            tell(f"library: births of epoch {epoch + 1} of {EPOCHS}")
            for k, state in states.items():
                steps.append(island.advance(state, [], settings, k, epoch))
                states[k] = steps[-1].state
    finally:
        island.births = find
    told = [len(step.births) for step in steps]
    offspring = sum(step.report["evaluations"] for step in steps)
    return [
        figure("localise: births told of an island's epoch", np.array(told), ""),
        figure("localise: telling of births, per offspring", 1000 * telling_s[0] / offspring, "ms"),
        *_committed(recipe.islands, steps[-1]),
    ]


def _committed(islands: int, step: island.Step) -> list[Row]:
    """The commit of an epoch of so many islands, with births and without."""
    states, taken_ms = dict.fromkeys(range(islands), step.state), {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder:
        library = Library(f"sqlite:///{folder}/library.db")
        library.start_run("r", {"epochs": 9}, 1, {})
        for epoch in range(1, COMMITS + 1):
            born = [
                replace(birth, child=f"{epoch}-{k}-{birth.child[:56]}", run="r")
                for k in range(islands)
                for birth in step.births
            ]
            with_births = epoch % 2 == 0
            begun = time.process_time()
            library.commit_epoch("r", epoch, states, {"best": 0.0}, born if with_births else ())
            taken_ms[with_births].append(1000 * (time.process_time() - begun))
    return [
        figure(f"commit of {islands} islands' states", np.array(taken_ms[False]), "ms"),
        figure(f"the same with {islands * len(step.births)} births", np.array(taken_ms[True]), "ms"),
    ]
