"""The search: `localise` from three seeds against its bar, and the same rows whatever ran the steps.

The bar of .62 lies between what one coincidence cell per place can reach (.667) and a first prototype (.60); chance is
.077, the ideal observer .855.
"""

import tempfile
import time
from pathlib import Path

from report import Row, at_least, at_most

from evocircuits.library import Library
from evocircuits.search.recipe import load_recipe
from evocircuits.search.run import evolve

SEEDS = (1, 2, 3)
BAR = 0.62
BUDGET_s = 180


def measure() -> list[Row]:
    """Held-out scores and times of full runs, and the comparison of executors on a small recipe."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            library = Library(f"sqlite:///{Path(folder)}/seed{seed}.db")
            started = time.perf_counter()
            run = evolve("localise", seed=seed, library=library)
            seconds = time.perf_counter() - started
            score, circuit = run.best.scores[0], run.best.circuit
            print(f"seed {seed}: {score.raw:.3f} ({score.low:.3f}…{score.high:.3f}), {circuit}", flush=True)
            rows += [
                at_least(f"localise, seed {seed}, held-out score", score.raw, "", BAR),
                Row(f"localise, seed {seed}, energy per trial", score.energy_pJ, "pJ"),
                at_most(f"localise, seed {seed}, run time", seconds, "s", BUDGET_s),
                Row(f"localise, seed {seed}, evaluations per second", run.evaluations / seconds, "1/s"),
            ]
        rows.append(Row("localise, hand-wired reference, held-out score", run.reference.raw, ""))
        rows.append(_identity(Path(folder)))
    return rows


def _identity(folder: Path) -> Row:
    recipe = load_recipe("order")
    hashes = set()
    for executor in ("serial", "ray"):
        library = Library(f"sqlite:///{folder}/{executor}.db")
        evolve(recipe, library=library, executor=executor)
        hashes.add(library.rows_hash())
    return Row(
        "order, distinct hashes of library rows, serial and Ray", len(hashes), "", "= 1", len(hashes) == 1
    )
