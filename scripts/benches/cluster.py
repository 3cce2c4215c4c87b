"""Runs on several workers: what more of them bring, what Ray costs, and what a thousand would wait for.

Groups: `weak`, two workers with twice the islands against one; `overhead`, Ray against one process, both on one core;
`many`, 64 workers and 192 islands whose steps sleep; `rates`, what the driver can do in a second; `memory`, the
driver's over 2,000 epochs; `identity`, the same rows wherever a run is worked at.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from cluster_work import STATE_BYTES, MEAN_s, nothing, sleep_s, sleeping
from fault_runs import RECIPE, Site, cluster
from report import Row, at_least, at_most, figure, tell

from evocircuits.library import Library
from evocircuits.search import graph
from evocircuits.search.executor import open_executor
from evocircuits.search.recipe import Recipe, load_recipe
from evocircuits.search.run import evolve

REPEATS = 3
WORKERS, ISLANDS, EPOCHS = 64, 192, 12
SMALL = {
    "islands": 2, "generations": 1, "parents": 4, "offspring": 4, "elites": 2, "trials": 8, "validation_trials": 8,
    "held_out_trials": 50, "refine_evaluations": 0, "winners": 2, "strategies": ["population"],
}  # fmt: skip
MANY_EPOCHS = 2000
WARM_EPOCHS = 200
"""After so many the driver has what it needs."""


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


def _weak() -> list[Row]:
    """Whole runs, from the start of the cluster to the scores of the winners; one after the other, alternating."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for repeat in range(REPEATS):
        for workers in rates:
            recipe = load_recipe("localise", seed=repeat, islands=4 * workers, epochs=4)
            rates[workers].append(_evaluations_per_s(recipe, "ray", workers))
        tell(f"cluster: weak: {rates}")
    ratio = np.array(rates[2]) / np.array(rates[1])
    return [
        figure("one worker, 4 islands of localise", rates[1], "evaluations/s"),
        figure("two workers, 8 islands", rates[2], "evaluations/s"),
        at_least("throughput of two workers over that of one", ratio, "", 1.9),
    ]


def _evaluations_per_s(recipe: Recipe, executor: str, workers: int | None = None) -> float:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = evolve(recipe, library=Library(f"sqlite:///{folder}/l.db"), executor=executor, workers=workers)
    return run.evaluations / (time.perf_counter() - began)


def _overhead() -> list[Row]:
    """The time of the epochs, without the start of the cluster, which is a row of its own; all on the first core."""
    seconds: dict[str, list[float]] = {"serial": [], "ray": []}
    starts, steps = [], []
    for repeat in range(REPEATS):
        for executor, taken in seconds.items():
            told = _on_one_core(executor, repeat)
            taken.append(told["epochs_s"])
            if executor == "ray":
                starts.append(told["start_s"])
            else:
                steps.append(told["epochs_s"] / told["steps"])
        tell(f"cluster: overhead: {seconds}")
    more = 100 * (np.array(seconds["ray"]) / np.array(seconds["serial"]) - 1)
    return [
        figure("a step, in one process on one core", steps, "s"),
        at_most("more time on Ray, all of it on the same core", more, "%", 5),
        figure("until a local cluster has started and is ready", starts, "s"),
    ]


ONE_CORE = """
import json, os, sys, tempfile, time
os.sched_setaffinity(0, {0})
from evocircuits.library import Library
from evocircuits.search.recipe import load_recipe
from evocircuits.search.run import evolve
began = time.perf_counter()
recipe = load_recipe("localise", seed=int(sys.argv[2]), islands=4, epochs=4)
with tempfile.TemporaryDirectory() as folder:
    library = Library(f"sqlite:///{folder}/l.db")
    run = evolve(recipe, library=library, executor=sys.argv[1], workers=None if sys.argv[1] == "serial" else 1)
epochs_s = sum(r["seconds"] for r in run.reports)
print(json.dumps({"epochs_s": epochs_s, "start_s": time.perf_counter() - began - epochs_s, "steps": 16}))
"""


def _on_one_core(executor: str, seed: int) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", ONE_CORE, executor, str(seed)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _many() -> list[Row]:
    """Real workers, real messages and commits; only that steps sleep: 2 s in the mean, σ of the logarithm .5."""
    recipe = load_recipe("order", islands=ISLANDS, epochs=EPOCHS)
    graph.advance, real = sleeping, graph.advance
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    try:
        with tempfile.TemporaryDirectory() as folder, open_executor("ray", WORKERS) as pool:
            library = Library(f"sqlite:///{folder}/library.db")
            library.start_run("sleeping", recipe.model_dump(mode="json"), recipe.seed, {})
            for future in [pool.submit(sleeping, None, [], {}, k, 0) for k in range(4 * WORKERS)]:
                pool.result(future)  # so that all workers have started
            tell("cluster: many: workers have started")
            began, cpu = time.perf_counter(), time.process_time()
            graph.Graph(recipe, "sleeping", library, pool, lambda progress: None).run_to_end()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    finally:
        graph.advance = real
    slept = sum(sleep_s(island, epoch) for island in range(ISLANDS) for epoch in range(EPOCHS))
    return [
        figure("64 workers, 192 islands: mean step", MEAN_s, "s"),
        at_least("64 workers, 192 islands: efficiency", slept / (WORKERS * seconds), "", 0.9),
        at_most("driver's CPU time per step", 1000 * cpu / (ISLANDS * EPOCHS), "ms", 5),
    ]


def _rates() -> list[Row]:
    """What every step passes through, each alone: tasks of Ray, and the commit of an epoch of so many islands."""
    rows = []
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    with open_executor("ray", 2) as pool:
        pool.result(pool.submit(nothing))
        taken = []
        for _ in range(REPEATS):
            began = time.perf_counter()
            for future in [pool.submit(nothing) for _ in range(1000)]:
                pool.result(future)
            taken.append(1000 / (time.perf_counter() - began))
        rows.append(figure("empty tasks through the executor, two workers", taken, "1/s"))
    for islands in (192, 3000):
        with tempfile.TemporaryDirectory() as folder:
            library = Library(f"sqlite:///{folder}/library.db")
            library.start_run("large", {"epochs": 9}, 1, {})
            states, taken = {i: os.urandom(STATE_BYTES) for i in range(islands)}, []
            for epoch in range(1, 6):
                began = time.perf_counter()
                library.commit_epoch("large", epoch, states, {"best": 0.0})
                taken.append(time.perf_counter() - began)
        rows.append(figure(f"commit of {islands} islands' states", taken, "s"))
    return rows


def _memory() -> list[Row]:
    """Resident memory of the driver's process, on Ray, every hundred epochs after the first 200."""
    recipe = load_recipe("order", epochs=MANY_EPOCHS, **SMALL)
    sampled_MB, sizes = [], {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "library.db"

        def told(progress) -> None:
            if progress.epoch % 100 == 0 and progress.epoch >= WARM_EPOCHS and progress.epoch not in sizes:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                sampled_MB.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
                sizes[progress.epoch] = file.stat().st_size

        evolve(recipe, library=Library(f"sqlite:///{file}"), workers=2, on_progress=told)
    largest = 100 * (max(sampled_MB) / sampled_MB[0] - 1)
    first, last = min(sizes), max(sizes)
    return [
        figure("driver's memory after 200 epochs", sampled_MB[0], "MB"),
        at_most("driver's memory over 2,000 epochs: the most above that", largest, "%", 5),
        figure(
            "library: growth per epoch of 2 islands",
            (sizes[last] - sizes[first]) / (last - first) / 1000,
            "kB",
        ),
    ]


def _identity() -> list[Row]:
    """Rows and last states by hash: one process, one worker, two, and a cluster of three nodes."""
    digests = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in {
            "serial": ("--executor", "serial"),
            "one worker": ("--workers", "1"),
            "two workers": ("--workers", "2"),
        }.items():
            site = Site.new(Path(folder) / name, RECIPE)
            site.finish(*options)
            digests[name] = site.digest()
        with cluster(Path(folder) / "ray", 3) as here:
            site = Site.new(Path(folder) / "nodes", RECIPE)
            site.finish("--executor", here.address, environment=here.environment)
            digests["three nodes"] = site.digest()
    same = sum(digest == digests["serial"] for digest in digests.values())
    return [at_least(f"the same rows and states: {', '.join(digests)}", same, "", len(digests))]


GROUPS = {
    "weak": _weak,
    "overhead": _overhead,
    "many": _many,
    "rates": _rates,
    "memory": _memory,
    "identity": _identity,
}
