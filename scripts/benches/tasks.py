"""The task suite: what each task's hand-wired reference scores and costs, and what is left of it without what it claims
to need. With `--readme` the figures become the table in README.md.
"""

from datetime import date
from pathlib import Path

from report import Row, at_least, at_most, figure, machine, tell
from timing import in_turn

from evocircuits.development import develop
from evocircuits.measure import ablated, score_circuit, stream
from evocircuits.tasks import TASKS, Task
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times

SEED = 0
MOST_TRIALS = 10_000
TIMED_TRIALS, REPEATS = 1000, 5
BARS = {"localise": 0.878, "winner": 0.6, "imprint": 0.6, "forage": 0.6, "contrast": 0.6}
"""Of the normalised score; for all others .85. That of `localise` is .76 raw."""
README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- tasks: written by scripts/bench tasks --readme -->\n", "<!-- tasks: end -->"


def measure() -> list[Row]:
    """For each task its bounds, its reference's score and costs, controls, and the time that 1,000 trials take."""
    rows = []
    for number, task in enumerate(TASKS.values(), start=1):
        tell(f"tasks: {number} of {len(TASKS)}: {task.name}")
        rows += _measured(task)
    return rows


def _measured(task: Task) -> list[Row]:
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    n = MOST_TRIALS if task.held_out >= TIMED_TRIALS else task.held_out
    score = score_circuit(circuit, task, seed=SEED, n_trials=n)
    scale, unit = task.per_credit, task.unit
    rows = [
        figure(f"{task.name}: chance", task.chance * scale, unit),
        figure(f"{task.name}: ceiling", task.ceiling * scale, unit),
        figure(f"{task.name}: reference", score.raw * scale, unit),
        figure(f"{task.name}: reference, interval low", score.low * scale, unit, detail=True),
        figure(f"{task.name}: reference, interval high", score.high * scale, unit, detail=True),
        figure(f"{task.name}: trials", n, "", detail=True),
        figure(f"{task.name}: spikes per trial", score.spikes, "", detail=True),
        figure(f"{task.name}: synaptic events per trial", score.synaptic_events, "", detail=True),
        at_least(f"{task.name}: reference, normalised", score.normalised, "", BARS.get(task.name, 0.85)),
    ]
    for what in task.claim:
        without = score_circuit(ablated(circuit, what), task, seed=SEED, n_trials=n)
        rows.append(figure(f"{task.name}: reference without {what}", without.raw * scale, unit))
    if task.temporal:
        rows += _temporal(task, circuit)
    if task.open_loop:
        trials = TIMED_TRIALS if task.held_out >= TIMED_TRIALS else task.held_out
        (seconds,) = in_turn(
            lambda: score_circuit(circuit, task, seed=SEED + 1, n_trials=trials), repeats=REPEATS
        )
        rows.append(
            at_most(
                f"{task.name}: time of {TIMED_TRIALS:,} trials", seconds * TIMED_TRIALS / trials, "s", 1.0
            )
        )
    return rows


def _temporal(task: Task, circuit) -> list[Row]:
    """What counts alone tell, and the reference on times that tell nothing: within three standard errors of chance."""
    three_errors = 3 * (task.chance * (1 - task.chance) / MOST_TRIALS) ** 0.5
    counts = count_only_accuracy(task, stream(SEED, 1), MOST_TRIALS)
    shuffled = shuffle_times(task.trials(stream(SEED, 2), MOST_TRIALS), stream(SEED, 3))
    reference = task.play(circuit, shuffled).score.raw
    return [
        _near(f"{task.name}: spike counts alone", counts, task.chance, three_errors),
        _near(f"{task.name}: reference on shuffled times", reference, task.chance, three_errors),
    ]


def _near(name: str, value: float, target: float, most: float) -> Row:
    return Row(name, value, "share correct", f"{target:.3f} ± {most:.3f}", abs(value - target) <= most)


def write_readme(rows: list[Row], path: Path = README) -> None:
    """Put the table of `rows` between the README's marks."""
    text = path.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    path.write_text(
        f"{head}{BEGIN}{table(rows, f'{date.today():%Y-%m-%d}, {machine()}')}{END}{tail}", encoding="utf-8"
    )


def table(rows: list[Row], when: str) -> str:
    """The rows as Markdown."""
    values = {row.name: row.value for row in rows}
    lines = [
        "| task | asks | chance | counts alone | reference | without | ceiling | way | spikes | synaptic events |",
        "|---|---|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    for task in TASKS.values():

        def of(what: str, name=task.name) -> float:
            return values[f"{name}: {what}"]

        digits = 3 if task.per_credit == 1 else 2 if task.per_credit < 100 else 0
        half = (of("reference, interval high") - of("reference, interval low")) / 2
        without = ", ".join(f"{what} {of(f'reference without {what}'):.{digits}f}" for what in task.claim)
        cells = [
            f"[`{task.name}`](evocircuits/tasks/{type(task).__module__.rpartition('.')[2]}.py)",
            task.summary.rstrip("."),
            f"{of('chance'):.{digits}f}",
            f"{of('spike counts alone'):.3f}" if task.temporal else "–",
            f"**{of('reference'):.{digits}f}** ± {half:.{digits}f}",
            without or "–",
            f"{of('ceiling'):.{digits}f}",
            f"{of('reference, normalised'):.0%}",
            f"{of('spikes per trial'):,.0f}"
            if of("spikes per trial") >= 10
            else f"{of('spikes per trial'):.1f}",
            f"{of('synaptic events per trial'):,.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + f"\n\n*{when}: `scripts/bench tasks`.*\n"
