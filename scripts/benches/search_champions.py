"""Champions: of every open-loop task the best circuit of all benchmarked runs, kept in runs/reference/."""

from pathlib import Path

from report import Row, figure

from evocircuits.development import develop
from evocircuits.exchange import read_motif, write_motif
from evocircuits.measure import score_circuit
from evocircuits.motif import Motif, MotifScore
from evocircuits.search.run import Run
from evocircuits.tasks import TASKS, Task

FOLDER = Path(__file__).parents[2] / "runs" / "reference"
SEED = 0
TRIALS = 10_000


def crown(run: Run) -> None:
    """Put a winner of the run in the place of the champion if it ranks higher."""
    if len(run.recipe.tasks) > 1 or run.recipe.tasks[0].name not in TASKS:
        return
    task, by_hand = run.recipe.tasks[0], run.references[0]
    path = FOLDER / f"{task.name}.motif.json"
    best = max(run.motifs, key=lambda motif: _rank(motif.scores[0], by_hand))
    rank = _rank(best.scores[0], by_hand)
    if not path.exists() or rank > _rank(_rescored(read_motif(path), task, run), by_hand):
        write_motif(best, path)


def champions() -> list[Row]:
    """Every open-loop task's champion against its hand-wired reference, on the same trials."""
    rows = []
    for task in TASKS.values():
        path = FOLDER / f"{task.name}.motif.json"
        if not task.open_loop or not path.exists():
            continue
        circuits = read_motif(path).circuit, develop(task.reference(), dt_ms=task.dt_ms)
        n = TRIALS if task.held_out >= 1000 else task.held_out
        ours, by_hand = (score_circuit(c, task, seed=SEED, n_trials=n) for c in circuits)
        good = ours.high >= by_hand.low and ours.synaptic_events <= by_hand.synaptic_events
        rows += [
            Row(
                f"{task.name}: champion",
                ours.raw,
                "",
                f"≥ {by_hand.raw:.3f} within intervals at ≤ {by_hand.synaptic_events:.0f} synaptic events",
                good,
            ),
            figure(f"{task.name}: champion, synaptic events", ours.synaptic_events, ""),
        ]
    return rows


def _rank(score: MotifScore, by_hand: MotifScore) -> tuple:
    """First as good as the hand-wired circuit at no more synaptic events, then as good at more, then by score."""
    good = score.high >= by_hand.low
    return good and score.synaptic_events <= by_hand.synaptic_events, good, score.raw


def _rescored(motif: Motif, task: Task, run: Run) -> MotifScore:
    n = run.references[0].trials
    return score_circuit(motif.circuit, task, seed=run.recipe.seed, n_trials=n)
