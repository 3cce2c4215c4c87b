"""What the command line says: motifs, runs and tasks as plain tables and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import getdoc
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern
from evocircuits.motif import Motif, MotifScore
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming

if TYPE_CHECKING:
    from evocircuits.certificate import Certificate, Finding
    from evocircuits.library import MotifRow, Note, RunRow
    from evocircuits.search.run import Run
    from evocircuits.tasks import Task

Row = Sequence[str]


def printable(text: object) -> str:
    """One line without control characters, so that no file or name can drive the terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def print_table(header: Row, rows: Iterable[Row], *, indent: int = 0, left: Sequence[int] = (0,)) -> None:
    """Print aligned columns without boxes; those numbered in `left` to the left, numbers to the right.

    On a terminal lines are cut to its width; in a pipe or file they are whole and without colour.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for i, name in enumerate(header):
        table.add_column(
            Text(name), justify="left" if i in left else "right", no_wrap=True, overflow="ellipsis"
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        print(" " * indent + line.rstrip())


def energy(pJ: float) -> str:
    """An energy in the unit that keeps it short."""
    value, unit = (pJ, "pJ") if pJ < 999.5 else (pJ / 1000, "nJ") if pJ < 999.5e3 else (pJ / 1e6, "µJ")
    return f"{value:#.3g}".rstrip(".") + " " + unit


def main_score(motif: Motif) -> MotifScore | None:
    """The score on the task a motif was evolved for, else its first one."""
    own = motif.provenance.recipe.get("task")
    return (motif.score_on(own) if own else None) or next(iter(motif.scores), None)


def summary(motif: Motif, task: str | None = None) -> dict:
    """A motif in a few numbers, for listings: `score` on `task`, by default the one it was evolved for."""
    score = motif.score_on(task) if task else main_score(motif)
    e = int(motif.circuit.excitatory.sum())
    return {
        "id": motif.id,
        "run": motif.provenance.run,
        "excitatory": e,
        "inhibitory": motif.circuit.n_neurons - e,
        "synapses": motif.circuit.n_synapses,
        "score": None if score is None else vars(score),
    }


def _score_cells(score: MotifScore | None) -> Row:
    if score is None:
        return "–", "–", "–"
    return f"{score.raw:.3f}", f"{_half(score):.3f}", f"{score.normalised:.2f}"


def _half(score: MotifScore) -> float:
    return (score.high - score.low) / 2


def _size_cells(circuit: Circuit) -> Row:
    e = int(circuit.excitatory.sum())
    return f"{e}+{circuit.n_neurons - e}", str(circuit.n_synapses)


def row_document(row: MotifRow) -> dict:
    """A motif of a listing as `evocircuits ls --json` prints it."""
    return vars(row) | {"score": row.score and vars(row.score), "tags": list(row.tags)}


def print_motifs(motifs: Iterable[MotifRow], *, grouped: bool = False) -> None:
    """The listing of `evocircuits ls`; where it is grouped, with how many motifs have each shape."""
    rows = []
    for motif in motifs:
        score = motif.score
        cost, name = (energy(score.energy_pJ), score.task) if score else ("–", "–")
        sizes = f"{motif.excitatory}+{motif.inhibitory}", str(motif.synapses)
        alike = (str(motif.alike),) if grouped else ()
        origin = " ".join(filter(None, (motif.run or motif.origin, *(f"#{tag}" for tag in motif.tags))))
        rows.append((motif.id[:8], name, *_score_cells(score), *sizes, cost, *alike, origin))
    header = (
        "id",
        "task",
        "score",
        "±",
        "norm.",
        "E+I",
        "syn.",
        "energy",
        *(["alike"] if grouped else []),
        "run",
    )
    print_table(header, rows, left=(0, 1, len(header) - 1))


def print_annotations(tags: Sequence[str], notes: Iterable[Note]) -> None:
    """What somebody wrote about a motif."""
    if tags:
        print(f"\n  tags: {printable(', '.join(tags))}")
    for note in notes:
        print(f"  {printable(note.written[:10])}: {printable(note.text)}")


def print_motif(motif: Motif) -> None:
    """Everything about a motif that fits a screen."""
    from_, e = motif.provenance, int(motif.circuit.excitatory.sum())
    print(f"motif {motif.id}")
    for s in motif.scores:
        share = f"{s.normalised:.0%} of the way from chance to ceiling; {s.trials} trials"
        print(f"  {printable(s.task)}: {s.raw:.3f} ±{_half(s):.3f} ({share})")
        spent = f"{s.spikes:.1f} spikes, {s.synaptic_events:.0f} synaptic events, {energy(s.energy_pJ)}"
        print(f"    {spent} per trial")
    print(
        f"  {e} E + {motif.circuit.n_neurons - e} I neurons, {motif.circuit.n_synapses} synapses, dt {motif.dt_ms:g} ms"
    )
    origin = [from_.origin, from_.run and f"run {from_.run}", from_.operator and f"by {from_.operator}"]
    origin += [f"epoch {from_.epoch}, island {from_.island}" if from_.epoch is not None else None]
    origin += [f"from {', '.join(p[:8] for p in from_.parents)}" if from_.parents else None]
    print("  " + printable("; ".join(filter(None, origin))))
    print()
    print_genome(motif.genome)


def print_genome(genome: Genome) -> None:
    """A genome as two tables: its populations, and the projections between them."""
    names, counts = {port.id: port.name for port in genome.inputs}, {True: 0, False: 0}
    for p in genome.populations:
        counts[p.excitatory] += 1
        names[p.id] = f"{'E' if p.excitatory else 'I'}{counts[p.excitatory]}"
    rows = []
    for p in genome.populations:
        numbers = (p.size, p.tau_m_ms, p.t_ref_ms, p.tau_syn_ex_ms, p.tau_syn_in_ms, p.bias_pA)
        rows.append((names[p.id], *(f"{x:.3g}" for x in numbers), p.port or "–"))
    header = ("population", "size", "τm ms", "refr. ms", "τex ms", "τin ms", "bias pA", "output")
    print_table(header, rows, indent=2, left=(0, 7))
    print()
    rows = []
    plastic = any(j.plasticity for j in genome.projections)
    for j in genome.projections:
        gradient = f"{j.delay_gradient_ms:+.3g}" if j.delay_gradient_ms else "–"
        ends = f"{names[j.source]} → {names[j.target]}"
        rows.append((ends, pattern_words(j.pattern), f"{j.strength:.3g}", f"{j.delay_ms:.3g}", gradient))
        rows[-1] += (rule_words(j.plasticity),) if plastic else ()
    header = (
        "projection",
        "pattern",
        "strength",
        "delay ms",
        "ms per step",
        *(["plasticity"] if plastic else []),
    )
    print_table(header, rows, indent=2, left=(0, 1, 5))


def rule_words(rule: Plasticity | None) -> str:
    """A rule with its constants, – for none."""
    if isinstance(rule, ShortTerm):
        return (
            f"short-term U {rule.utilisation:.2g}, rec. {rule.tau_rec_ms:.3g}, fac. {rule.tau_fac_ms:.3g} ms"
        )
    if isinstance(rule, SpikeTiming):
        mu = f"μ {rule.mu_plus:.2g}/{rule.mu_minus:.2g}"
        return f"spike timing ≤ {rule.max_weight:.3g}, λ {rule.learning_rate:.2g}, α {rule.alpha:.2g}, {mu}"
    return "–"


def pattern_words(pattern: Pattern) -> str:
    """Which source connects to which target."""
    detail = {"neighbours": f" ±{max(1, round(pattern.value))}", "shifted": f" {round(pattern.value):+d}"}
    detail |= {"sparse": f" {pattern.value:.0%}", "single": f" {round(pattern.value)}"}
    return pattern.kind.replace("_", " ") + detail.get(pattern.kind, "")


def run_document(run: Run) -> dict:
    """A finished run as `evocircuits evolve --json` prints it; `evocircuits ls --runs --json` has its epochs."""
    tasks = run.recipe.tasks
    return {
        "run": run.id,
        "status": run.status,
        "seed": run.recipe.seed,
        "search": run.recipe.search,
        "epochs": len(run.reports),
        "evaluations": run.evaluations,
        "simulated_s": sum(report["simulated_s"] for report in run.reports),
        "seconds": run.seconds,
        "winners": [summary(motif, task.name) for motif in run.motifs for task in tasks],
        "references": {t.name: s and vars(s) for t, s in zip(tasks, run.references, strict=True)},
        "chance": {task.name: task.chance for task in tasks},
        "ceiling": {task.name: task.ceiling for task in tasks},
        "archive": list(run.archive),
        "operators": run.operators,
    }


def print_run(run: Run) -> None:
    """A run's winners beside the hand-wired references, chance and the ideal observers' ceilings; and which operators
    found what was kept.
    """
    print(
        f"run {run.id} {run.status}: {len(run.reports)} epochs, {run.evaluations} evaluations, {run.seconds:.0f} s\n"
    )
    if not run.motifs:
        print("No circuit did better than chance.")
        return
    for k, task in enumerate(run.recipe.tasks):
        _print_scores(run, k, task)
        print()
    print(
        f"Scores on {run.motifs[0].scores[0].trials} trials never used in the search, ± half their 95 % interval;"
    )
    print("energy per trial.")
    if run.archive:
        print(f"{len(run.archive)} elites of its archives are motifs too.")
    used = sorted(run.operators.items(), key=lambda row: -row[1]["kept"])
    shares = [f"{name} {n['kept']} of {n['uses']}" for name, n in used if n["kept"]]
    if shares:
        print(fill(f"Children that stayed, by operator: {', '.join(shares)}.", 100))
    print(f"Look at one: evocircuits show {run.best.id[:8]}")


def _print_scores(run: Run, k: int, task: Task) -> None:
    rows = []
    for motif in run.motifs:
        score = motif.scores[k]
        rows.append(
            (motif.id[:8], *_score_cells(score), *_size_cells(motif.circuit), energy(score.energy_pJ))
        )
    if (by_hand := run.references[k]) is not None:
        reference = develop(task.reference(), dt_ms=task.dt_ms)
        rows.append(
            ("hand-wired", *_score_cells(by_hand), *_size_cells(reference), energy(by_hand.energy_pJ))
        )
    rows.append(("ceiling", f"{task.ceiling:.3f}", "", "1.00", "", "", ""))
    rows.append(("chance", f"{task.chance:.3f}", "", "0.00", "", "", ""))
    print_table((task.name, "score", "±", "norm.", "E+I", "syn.", "energy"), rows)


def print_runs(runs: Iterable[RunRow]) -> None:
    """The listing of `evocircuits ls --runs`."""
    rows = []
    for run in runs:
        epochs = f"{run.epoch}/{run.recipe['epochs']}" if "epochs" in run.recipe else str(run.epoch)
        best = f"{run.reports[-1]['best']:.3f}" if run.reports and "best" in run.reports[-1] else "–"
        rows.append((run.id, _status_word(run), epochs, best))
    print_table(("run", "status", "epochs", "best validated"), rows, left=(0, 1))


def _status_word(run: RunRow) -> str:
    return {"running": "unfinished"}.get(run.status, run.status)


def status_document(run: RunRow) -> dict:
    """How far a run is, as `evocircuits status --json` prints it: totals, and the report of the last epoch."""
    return {
        "run": run.id,
        "status": run.status,
        "epoch": run.epoch,
        "epochs": run.recipe["epochs"],
        **{
            name: sum(report[name] for report in run.reports)
            for name in ("evaluations", "simulated_s", "seconds")
        },
        "last": run.reports[-1] if run.reports else None,
    }


def print_status(run: RunRow) -> None:
    """How far a run is, and how its islands are."""
    now = status_document(run)
    print(f"run {run.id} {_status_word(run)}: epoch {run.epoch} of {now['epochs']}", end="")
    if not run.reports:
        print()
        return
    print(
        f", {now['evaluations']} evaluations in {now['seconds']:.0f} s ({now['simulated_s']:.3g} s simulated)"
    )
    print(f"best validated {now['last']['best']:.3f}, median {now['last']['median']:.3f}\n")
    rows = [
        (str(i["island"]), i["strategy"], f"{i['best']:.3f}", f"{i['median']:.3f}", str(i["restarts"]))
        for i in now["last"]["islands"]
    ]
    print_table(("island", "strategy", "best", "median", "restarts"), rows, left=(0, 1))


def print_training(result: dict) -> None:
    """Each arm's means over seeds, of `TrainingResult.to_dict()`."""
    summary = result["summary"]
    rows = []
    for arm, accuracy in summary["test_accuracy"].items():
        half = (accuracy["high"] - accuracy["low"]) / 2
        costs = [f"{summary[name][arm]['mean']:.0f}" for name in ("spikes", "synaptic_events", "parameters")]
        rows.append((arm, f"{accuracy['mean']:.1%}", f"{half:.1%}", *costs))
    print_table(("arm", "test accuracy", "±", "spikes", "synaptic ops", "parameters"), rows)
    seeds = len({run["seed"] for run in result["runs"]})
    print(f"\nMeans over {seeds} seeds, ± half the 95 % interval; spikes and synaptic operations per sample.")
    for note in result["notes"]:
        print(f"Note: {note}.")


def task_document(task: Task) -> dict:
    """A task as `evocircuits tasks --json` prints it."""
    return {
        "name": task.name,
        "summary": task.summary,
        "definition": getdoc(type(task)),
        "source": task.source,
        "unit": task.unit,
        "per_credit": task.per_credit,
        "chance": task.chance,
        "ceiling": task.ceiling,
        "count_only_ceiling": task.count_only_ceiling,
        "claim": list(task.claim),
        "dt_ms": task.dt_ms,
        "inputs": {port.name: port.size for port in task.inputs},
        "outputs": {port.name: port.size for port in task.outputs},
    }


def print_tasks(tasks: Iterable[Task]) -> None:
    """Each task in a few lines: what it asks, and the numbers that bound its score."""
    for task in tasks:
        ports = [", ".join(f"{p.name} ({p.size})" for p in group) for group in (task.inputs, task.outputs)]
        print(fill(task.summary, 80, initial_indent=f"{task.name:16} ", subsequent_indent=" " * 17))
        bounds = [f"chance {task.in_unit(task.chance)}", f"ceiling {task.in_unit(task.ceiling)}"]
        bounds += [f"spike counts alone {task.count_only_ceiling:.3f}"] if task.temporal else []
        print(f"{'':16} {', '.join(bounds)}")
        print(fill(f"{ports[0]} → {ports[1]}", 80, initial_indent=" " * 17, subsequent_indent=" " * 17))


def print_task(task: Task, score: MotifScore | None) -> None:
    """A task in full: its definition and, if there is one, its hand-wired reference with its score."""
    print_tasks([task])
    print(f"\n{getdoc(type(task))}\nSource: {task.source}.")
    if score is None:
        print("Nobody has wired a circuit for it by hand.")
        return
    print(f"Hand-wired{', and in need of ' if task.claim else ''}{' and '.join(task.claim)}:\n")
    print_genome(task.reference())
    print()
    print_score(task, score)


def print_score(task: Task, score: MotifScore) -> None:
    """A score in the task's unit, with its interval and costs."""
    low, high = task.in_unit(score.low), task.in_unit(score.high)
    print(f"{task.name}: {task.unit} {task.in_unit(score.raw)} (95 % interval {low}…{high})")
    print(f"  {score.normalised:.0%} of the way from chance {task.in_unit(task.chance)}", end="")
    print(f" to ceiling {task.in_unit(task.ceiling)}; {score.trials} trials of seed {score.seed}")
    spent = (
        f"{score.spikes:.1f} spikes, {score.synaptic_events:.0f} synaptic events, {energy(score.energy_pJ)}"
    )
    print(f"  {spent} per trial")


def print_certificate(certificate: Certificate, kept: Motif | None = None) -> None:
    """What can be said of the motif, then every finding, named structures, the minimal form and notes."""
    c = certificate
    interval = f"[{c.low:.3f}, {c.high:.3f}]"
    print(
        f"motif {c.motif[:8]} on {printable(c.task)}: {c.score:.3f} {interval} normalised, {c.trials} trials\n"
    )
    for verdict in c.verdicts:
        if verdict.word not in ("useless", "irrelevant"):
            print(printable(verdict.text))
    print(
        "\nBehind each verdict: the change of the normalised score [95 % interval], p after Holm's correction.\n"
    )
    rows = [(f.what, f.figures, f"{f.score:.3f}", _beaten(f) + (c.verdict(f.key) or "")) for f in c.findings]
    print_table(("finding", "change of score, p", "score", "verdict"), rows, left=(0, 1, 3))
    print()
    for structure in c.structures:
        print(f"{structure.name}: {structure.count}, for example {structure.example}")
    unusual = sorted((row for row in c.census if row.z is not None), key=lambda row: -abs(row.z))[:3]
    for row in unusual:
        print(f"triad {row.name}: {row.count}, rewired {row.mean:.1f} ± {row.sd:.1f} (z = {row.z:+.1f})")
    if c.minimal is not None:
        m = c.minimal
        small = f"minimal form: {m.neurons} neurons, {m.synapses} synapses, {m.score:.3f} [{m.low:.3f}, {m.high:.3f}]"
        print(small + (f", kept as {kept.id[:8]}" if kept else "; keep it with --minimal"))
    for note in c.notes:
        print(f"note: {note}")


def _beaten(finding: Finding) -> str:
    return "" if finding.percentile is None else f"beats {finding.percentile:.0f} %  "
