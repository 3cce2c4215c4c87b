"""Runs of the search as a benchmark makes them: each once, kept as a line of a file, so that a stopped bench goes on.

A line holds what was asked (group, recipe, seed, target), what came of it on held-out trials, what it took, and when
and on what it was measured. Delete a line to measure it again.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from report import machine, tell
from search_champions import crown

from evocircuits.library import Library
from evocircuits.search.recipe import load_recipe
from evocircuits.search.run import Progress, Run, evolve

STORE = Path(__file__).parents[2] / "runs" / "bench" / "search-runs.jsonl"
PATIENCE = 1.5
"""A run that takes so many times its budget is given up."""


@dataclass(frozen=True)
class Case:
    """A run to be made: a recipe by name with some keys replaced, the seconds it may take, and the normalised score
    that it is to reach.
    """

    group: str
    recipe: str
    seed: int
    limit_s: float | None = None
    settings: dict = field(default_factory=dict)
    variant: str = ""
    bar: float | None = None

    @property
    def key(self) -> str:
        """What tells its line from others."""
        return "/".join(filter(None, (self.group, self.recipe, self.variant, str(self.seed))))


class _TooLong(BaseException):
    """Like an interruption: not a failure of the run."""


def measured(cases: list[Case], store: Path = STORE) -> list[dict]:
    """The lines of all cases, those that are missing measured now."""
    known = stored(store)
    for number, case in enumerate(cases, start=1):
        if case.key in known:
            continue
        line = _measure(case)
        found = f"{line['normalised']:.3f}" if line["finished"] else "given up"
        tell(f"search: {number} of {len(cases)}: {case.key}: {found}, {line['seconds']:.0f} s")
        append(line, store)
        known[case.key] = line
    return [known[case.key] for case in cases]


def with_line(key: str, measure: Callable[[], dict], store: Path = STORE) -> dict:
    """The line of that key; what `measure` gives where there is none yet."""
    known = stored(store)
    if key not in known:
        append({"key": key} | measure(), store)
        known = stored(store)
    return known[key]


def stored(store: Path = STORE) -> dict[str, dict]:
    """The lines there are, by key."""
    if not store.exists():
        return {}
    lines = map(json.loads, store.read_text(encoding="utf-8").splitlines())
    return {line["key"]: line for line in lines}


def append(line: dict, store: Path = STORE) -> None:
    """Add a line, with date and machine."""
    stamped = line | {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    with store.open("a", encoding="utf-8") as file:
        file.write(json.dumps(stamped) + "\n")


def _measure(case: Case) -> dict:
    recipe = load_recipe(case.recipe, seed=case.seed, **case.settings)
    started = time.perf_counter()
    progress: list[Progress] = []

    def watch(now: Progress) -> None:
        progress.append(now)
        if case.limit_s and time.perf_counter() - started > PATIENCE * case.limit_s:
            raise _TooLong

    line = {"key": case.key} | asdict(case) | {"run": recipe.run_id}
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = evolve(recipe, library=Library(f"sqlite:///{folder}/library.db"), on_progress=watch)
        except _TooLong:
            run = None
    seconds = time.perf_counter() - started
    if run is None:
        spent = {"evaluations": progress[-1].evaluations, "validated": progress[-1].best}
        return line | {"finished": False, "seconds": seconds, "normalised": 0.0} | spent
    crown(run)
    return line | {"finished": True, "seconds": seconds} | _outcome(run)


def _outcome(run: Run) -> dict:
    motif = run.best
    score = motif.scores[0]
    excitatory = int(motif.circuit.excitatory.sum())
    kept = ("raw", "low", "high", "normalised", "trials", "spikes", "synaptic_events", "energy_pJ")
    return {name: getattr(score, name) for name in kept} | {
        "validated": run.reports[-1]["best"],
        "epochs": len(run.reports),
        "evaluations": run.evaluations,
        "simulated_s": sum(report["simulated_s"] for report in run.reports),
        "restarts": sum(island["restarts"] for island in run.reports[-1]["islands"]),
        "excitatory": excitatory,
        "inhibitory": motif.circuit.n_neurons - excitatory,
        "synapses": motif.circuit.n_synapses,
        "motif": motif.id,
    }
