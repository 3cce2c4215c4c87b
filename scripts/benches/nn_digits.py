"""Digits, whole and row after row: test accuracy over seeds, what an inference costs, and how long training takes.

Each network is trained once, alone, on two threads, and kept as a line of runs/bench/nn-runs.jsonl, so that a stopped
bench goes on; delete a line to train its network again.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from nn_speed import THREADS
from report import Row, at_least, at_most, figure, tell
from search_runs import STORE, with_line

from evocircuits.exchange import read_motif
from evocircuits.motif import Motif
from evocircuits.nn import TrainingResult, TrainingRun, load_data
from evocircuits.nn.textbook import delay_line, push_pull
from evocircuits.nn.train import train_one
from evocircuits.search.recipe import PACKAGED

LINES = STORE.with_name("nn-runs.jsonl")
SEEDS = 5


@dataclass(frozen=True)
class Case:
    """Networks of copies of a motif, or of what it is compared with; what accuracy they are to reach, in what time."""

    data: str
    name: str
    motif: Callable[[], Motif]
    arms: tuple[str, ...]
    copies: int = 64
    epochs: int = 30
    bar: float | None = None
    limit_s: float | None = None


def localise() -> Motif:
    """The hand-wired circuit that places sounds."""
    return read_motif(PACKAGED / "reference" / "localise.motif.json")


CASES = (
    Case("digits", "push_pull", push_pull, ("motif",), bar=0.97, limit_s=10),
    Case("digits", "push_pull", push_pull, ("random", "mlp", "column", "dann", "gru")),
    Case("digits", "localise", localise, ("motif", "random", "dense")),
    Case("digit-rows", "delay_line", delay_line, ("motif",), copies=128, epochs=60, bar=0.95),
    Case("digit-rows", "delay_line", delay_line, ("shuffled", "dense", "gru"), copies=128, epochs=60),
)


def measure() -> list[Row]:
    """Means over seeds with the ends of their 95 % intervals."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return [row for case in CASES for arm in case.arms for row in _rows(case, arm)]
    finally:
        torch.set_num_threads(threads)


def _rows(case: Case, arm: str) -> list[Row]:
    runs = [_run(case, arm, seed) for seed in range(SEEDS)]
    result = TrainingResult("", case.data, case.epochs, case.copies, tuple(runs))
    accuracy = result.summary()[arm]
    name = f"nn: {case.data}, {case.name}, {arm}"
    wanted = at_least if case.bar else figure
    rows = [
        wanted(f"{name}, test accuracy, mean of {SEEDS} seeds", accuracy.mean, "", *filter(None, [case.bar])),
        figure(f"{name}, test accuracy, 95 % interval from", accuracy.low, "", detail=True),
        figure(f"{name}, test accuracy, 95 % interval to", accuracy.high, "", detail=True),
        figure(f"{name}, spikes per inference", result.summary("spikes")[arm].mean, "", detail=True),
        figure(f"{name}, synaptic operations per inference", result.summary("synaptic_events")[arm].mean, ""),
        figure(f"{name}, energy per inference at 45 nm, from", np.mean([r.energy_pJ[0] for r in runs]), "pJ"),
        figure(f"{name}, energy per inference at 45 nm, to", np.mean([r.energy_pJ[1] for r in runs]), "pJ"),
    ]
    if case.limit_s:
        seconds = np.array([run.seconds for run in runs])
        rows.append(at_most(f"{name}, {case.epochs} epochs of training", seconds, "s", case.limit_s))
    return rows


def _run(case: Case, arm: str, seed: int) -> TrainingRun:
    key = f"{case.data}/{case.name}/{arm}/{seed}"

    def trained() -> dict:
        tell(f"nn: training {key}")
        sizes = {"epochs": case.epochs, "copies": case.copies}
        return asdict(train_one(case.motif(), load_data(case.data), arm, seed, **sizes))

    return TrainingRun.from_dict(with_line(key, trained, LINES))
