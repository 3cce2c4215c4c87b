"""Where a run's time goes: in the simulator's kernel, and in breeding and developing offspring."""

import tempfile
import time
from importlib import import_module

import numpy as np
from report import Row, at_least, at_most

from evocircuits.development import develop
from evocircuits.library import Library
from evocircuits.search.island import advance
from evocircuits.search.recipe import load_recipe
from evocircuits.search.run import evolve
from evocircuits.search.variation import crossover, found, mutate

GENERATIONS, GENOMES, REPEATS = 20, 100, 9
CROSSED = 0.2


def costs() -> list[Row]:
    """The kernel's share of an island's CPU time on `localise`, and the time an offspring takes."""
    return [_kernel_share(), *(_offspring(task) for task in ("localise", "order"))]


def _kernel_share() -> Row:
    """Over a whole run in this process, after a first epoch that compiles what it needs."""
    recipe = load_recipe("localise")
    advance(None, [], recipe.model_dump(), 0, 0)
    module, spent_s = import_module("evocircuits.simulator.simulate"), [0.0]
    kernel_for = module.advance_lanes

    def timed_kernel_for(*lanes, **kinds):
        kernel = kernel_for(*lanes, **kinds)

        def timed(*arguments):
            begun = time.process_time()
            kernel(*arguments)
            spent_s[0] += time.process_time() - begun

        return timed

    module.advance_lanes = timed_kernel_for
    try:
        begun = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            evolve(recipe, library=Library(f"sqlite:///{folder}/library.db"), executor="serial")
        total_s = time.process_time() - begun
    finally:
        module.advance_lanes = kernel_for
    return at_least("localise: share of CPU in the simulator's kernel", 100 * spent_s[0] / total_s, "%", 75)


def _offspring(name: str) -> Row:
    """Crossing one in five, mutating and developing, per offspring of a population grown by mutation alone."""
    space, rng = load_recipe(name).space, np.random.default_rng(0)
    genomes = [found(rng, space) for _ in range(GENOMES)]
    for _ in range(GENERATIONS):
        genomes = [mutate(genome, rng, space)[0] for genome in genomes]
    taken_ms = []
    for _ in range(REPEATS):
        begun = time.process_time()
        for genome, other in zip(genomes, genomes[::-1], strict=True):
            crossed = crossover(genome, other, rng, space) if rng.random() < CROSSED else genome
            child, _ = mutate(crossed, rng, space)
            develop(child, dt_ms=space.task.dt_ms)
        taken_ms.append(1000 * (time.process_time() - begun) / GENOMES)
    return at_most(f"{name}: breeding and development per offspring", np.array(taken_ms), "ms", 0.15)
