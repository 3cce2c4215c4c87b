"""The `evocircuits` command: one function a verb. What is slow to import is imported inside the verb that needs it.

Exit status: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted with state saved.
"""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from evocircuits.errors import InputError

app = typer.Typer(
    epilog="Begin with: evocircuits evolve order",
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

LibraryUrl = Annotated[
    str | None,
    typer.Option(
        "--library", metavar="URL", help="Default: $EVOCIRCUITS_LIBRARY or sqlite:///runs/library.db."
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; messages go to standard error.")
]
MotifId = Annotated[
    str, typer.Argument(metavar="ID", help="A motif's id, the beginning of one, or best:TASK.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Worker processes; default: one a core.")
]
ExecutorName = Annotated[
    Literal["ray", "serial"], typer.Option(help="Where to evaluate; the result is the same.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"evocircuits {version('evocircuits')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Evolve small circuits of excitatory and inhibitory spiking neurons, and build trained networks of them."""


@app.command("evolve")
def evolve(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a .toml file.")],
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**63 - 1, metavar="N", help="In place of the recipe's seed.")
    ] = None,
    baseline: Annotated[
        Literal["random", "hill_climbing"] | None,
        typer.Option(help="Spend as many evaluations on random search or on hill climbing."),
    ] = None,
    workers: Workers = None,
    executor: ExecutorName = "ray",
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Evolve circuits by a recipe.

    The winners are kept in the library. A recipe and a seed name one run: evolved again it goes on where it
    stopped, and once finished it is only shown.

    \b
    Examples:
      evocircuits evolve order
      evocircuits evolve localise --seed 3 --workers 2
      evocircuits evolve winner --baseline random
      evocircuits evolve my-recipe.toml --executor serial --json
    """
    from evocircuits.library import Library
    from evocircuits.search.recipe import load_recipe

    replaced = {"seed": seed, "search": baseline}
    chosen = load_recipe(recipe, **{key: value for key, value in replaced.items() if value is not None})
    _run_to_end(chosen, Library(library), executor, workers, as_json)


@app.command("resume")
def resume(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or the beginning of one.")],
    workers: Workers = None,
    executor: ExecutorName = "ray",
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Continue an interrupted run.

    \b
    Examples:
      evocircuits ls --runs
      evocircuits resume order-s1
    """
    from evocircuits.library import Library
    from evocircuits.search.recipe import parse_recipe

    opened = Library(library)
    row = opened.run(run)
    _run_to_end(parse_recipe(row.recipe, origin=f"run {row.id}"), opened, executor, workers, as_json)


def _run_to_end(recipe, library, executor: str, workers: int | None, as_json: bool) -> None:
    from evocircuits import report
    from evocircuits.progress import shown_progress
    from evocircuits.search.run import evolve

    with _interruptible(recipe.run_id), shown_progress() as on_progress:
        run = evolve(recipe, library=library, executor=executor, workers=workers, on_progress=on_progress)
    pictures = _draw_run(run)
    if as_json:
        _print_json(report.run_document(run) | {"pictures": [str(path) for path in pictures]})
    else:
        report.print_run(run)
        print(f"Pictures: {', '.join(map(str, pictures))}")


def _draw_run(run) -> list[Path]:
    """The run's history and, of an archive over two descriptors, its map."""
    from evocircuits.draw import draw_history, draw_map
    from evocircuits.measure.descriptors import named

    folder = Path("runs/pictures")
    levels = [s.normalised for s in run.references if s is not None]
    marks = {"hand-wired": min(levels)} if levels else {}
    marks |= {"target": run.recipe.target} if run.recipe.target else {}
    draw_history(run.reports, folder / f"{run.id}.svg", marks=marks, title=run.id)
    if len(run.recipe.descriptors) != 2 or not run.archive:
        return [folder / f"{run.id}.svg"]
    rows = [(tuple(elite["cell"]), elite["score"]) for elite in run.archive]
    draw_map(rows, named(run.recipe.descriptors), folder / f"{run.id}-map.svg", title=run.id)
    return [folder / f"{run.id}.svg", folder / f"{run.id}-map.svg"]


@contextmanager
def _interruptible(run_id: str) -> Iterator[None]:
    """Ctrl-C and a polite kill both end a run with its last epoch saved."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise _Interrupted(f"interrupted; continue with: evocircuits resume {run_id}") from None
    finally:
        signal.signal(signal.SIGTERM, former)


@app.command("ls")
def list_(
    task: Annotated[str | None, typer.Option(help="Only motifs scored on this task.")] = None,
    run: Annotated[str | None, typer.Option(help="Only motifs found by this run.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    runs: Annotated[bool, typer.Option("--runs", help="List runs in place of motifs.")] = False,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """List motifs, best score first.

    \b
    Examples:
      evocircuits ls
      evocircuits ls --task localise --limit 3
      evocircuits ls --runs
    """
    from evocircuits import report
    from evocircuits.library import Library

    opened = Library(library)
    if runs:
        rows = opened.runs()
        if as_json:
            _print_json({"runs": [vars(row) for row in rows]})
        else:
            report.print_runs(rows)
        return
    motifs = opened.motifs(task=task, run=run, limit=limit)
    if as_json:
        _print_json({"motifs": [report.summary(motif, task) for motif in motifs]})
    elif motifs:
        report.print_motifs(motifs, task)
    else:
        print(f"no such motifs in {opened.url}; find some: evocircuits evolve order")


@app.command("show")
def show(
    id: MotifId,
    draw: Annotated[Path | None, typer.Option(metavar="FILE", help="Where: .svg, .png or .pdf.")] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a motif and draw its circuit.

    Scores, populations and projections are printed; the picture is written to runs/pictures/ unless --draw
    names a file.

    \b
    Examples:
      evocircuits show best:localise
      evocircuits show 3fa9 --draw circuit.png
    """
    from evocircuits import report
    from evocircuits.draw import draw_circuit
    from evocircuits.library import Library

    motif = Library(library).get(id)
    path = draw or Path("runs/pictures") / f"{motif.id[:8]}.svg"
    score = report.main_score(motif)
    title = f"{score.task}: {score.raw:.3f}, motif {motif.id[:8]}" if score else motif.id[:8]
    draw_circuit(motif.circuit, path, title=report.printable(title), genome=motif.genome)
    if as_json:
        _print_json({"motif": motif.to_dict(), "picture": str(path)})
    else:
        report.print_motif(motif)
        print(f"\npicture: {path}")


@app.command("export")
def export(
    id: MotifId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write, usually .json.")],
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a motif to a file.

    \b
    Example:
      evocircuits export 3fa9 motif.json
    """
    from evocircuits.exchange import write_motif
    from evocircuits.library import Library

    motif = Library(library).get(id)
    write_motif(motif, file)
    if as_json:
        _print_json({"id": motif.id, "file": str(file)})
    else:
        print(f"{motif.id[:8]} written to {file}")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Motif files.")],
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add motifs from files to the library.

    All of them, or none when one is malformed. What a file claims as scores is not taken over: each is measured
    anew here.

    \b
    Example:
      evocircuits import motif.json other.json
    """
    from evocircuits.exchange import read_motif
    from evocircuits.library import Library
    from evocircuits.measure import rescored

    motifs = [rescored(read_motif(file)) for file in files]
    Library(library).add(motifs)
    if as_json:
        _print_json({"imported": [motif.id for motif in motifs]})
    else:
        for motif, file in zip(motifs, files, strict=True):
            print(f"{motif.id[:8]} from {file}")


@app.command("train")
def train(
    id: MotifId,
    data: Annotated[Literal["digits"], typer.Option(help="What to classify.")] = "digits",
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained per arm.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the data.")] = 10,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Default: runs/train-<id>/.")] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained side by side.")] = 2,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Train networks built of a motif.

    Copies of the motif classify images, beside two controls: the same neurons wired at random, and a dense layer.
    The folder --out receives result.json and learning_curve.png.

    \b
    Examples:
      evocircuits train best:localise --data digits
      evocircuits train 3fa9 --seeds 5 --epochs 20 --out runs/digits
    """
    from evocircuits import report
    from evocircuits.draw import draw_learning_curves
    from evocircuits.library import Library
    from evocircuits.nn.train import ARMS, train_digits
    from evocircuits.progress import shown_training

    motif = Library(library).get(id)
    folder = out or Path("runs") / f"train-{motif.id[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder that can be created; {error.strerror}") from None
    with shown_training(len(ARMS) * seeds * epochs) as on_progress:
        trained = train_digits(motif, seeds=seeds, epochs=epochs, workers=workers, on_progress=on_progress)
    result = trained.to_dict()
    (folder / "result.json").write_text(
        json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    title = f"{data}, {seeds} seed{'s' if seeds > 1 else ''}, motif {motif.id[:8]}"
    draw_learning_curves(result, folder / "learning_curve.png", title=title)
    if as_json:
        _print_json(result | {"folder": str(folder)})
    else:
        report.print_training(result)
        print(f"\nwritten to {folder}: result.json, learning_curve.png")


@app.command("score")
def score(
    motif: Annotated[
        str,
        typer.Argument(metavar="MOTIF", help="A motif's id, best:TASK, a motif file, or reference:TASK."),
    ],
    task: Annotated[str, typer.Option(metavar="NAME", help="What to ask of it.")],
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Trials, lives or episodes; default: what the task asks for."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Of the trials.")] = 0,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Measure a motif on held-out trials of a task.

    A motif of the library keeps the score.

    \b
    Examples:
      evocircuits score best:localise --task localise --trials 10000
      evocircuits score reference:order --task order --seed 3
      evocircuits score motif.json --task latch
    """
    from evocircuits import report
    from evocircuits.measure import score_circuit
    from evocircuits.tasks import get_task

    asked = get_task(task)
    circuit, keep = _scored(motif, library)
    found = score_circuit(circuit, asked, seed=seed, n_trials=trials or asked.held_out)
    keep(found)
    if as_json:
        _print_json({"motif": circuit.id, "score": vars(found)})
    else:
        report.print_score(asked, found)


def _scored(name: str, library: str | None):
    """The circuit of that name, and where its score goes."""
    from evocircuits.development import develop
    from evocircuits.exchange import read_motif
    from evocircuits.library import Library
    from evocircuits.tasks import get_task, reference_of

    if name.startswith("reference:"):
        task = get_task(name.removeprefix("reference:"))
        if (genome := reference_of(task)) is None:
            raise InputError(f"{name}: expected a task with a hand-wired reference; {task.name} has none")
        return develop(genome, dt_ms=task.dt_ms), lambda score: None
    if Path(name).suffix == ".json" or Path(name).is_file():
        return read_motif(Path(name)).circuit, lambda score: None
    opened = Library(library)
    motif = opened.get(name)
    return motif.circuit, lambda score: opened.add([replace(motif, scores=(score,))])


@app.command("tasks")
def tasks(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="This task in full.")] = None,
    draw: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where: .svg, .png, .pdf; or .html, a life to watch.")
    ] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say what can be asked of a circuit, and what bounds its score.

    A task in full comes with its hand-wired reference circuit: its score on held-out trials is measured, and the
    circuit drawn beside what it does in two of them, into runs/pictures/ unless --draw names a file.

    \b
    Examples:
      evocircuits tasks
      evocircuits tasks localise --draw localise.png
      evocircuits tasks forage --draw life.html
    """
    from evocircuits import report
    from evocircuits.development import develop
    from evocircuits.measure import score_circuit, stream
    from evocircuits.plots import check_suffix
    from evocircuits.replay import write_replay
    from evocircuits.task_picture import draw_task
    from evocircuits.tasks import TASKS, get_task, reference_of

    if name is None:
        if draw is not None:
            raise InputError(
                "--draw: expected the task to draw, as in: evocircuits tasks localise --draw FILE"
            )
        if as_json:
            _print_json({"tasks": [report.task_document(task) for task in TASKS.values()]})
        else:
            report.print_tasks(TASKS.values())
        return
    task = get_task(name)
    genome = reference_of(task)
    path = draw or Path("runs/pictures") / f"{task.name}.svg"
    to_watch = path.suffix.lower() == ".html" and hasattr(task, "life")
    if not to_watch:
        check_suffix(path)
    if genome is None:
        if draw is not None:
            raise InputError(f"--draw: expected a task with a hand-wired reference; {task.name} has none")
        if as_json:
            nothing = {"reference": None, "score": None, "picture": None}
            _print_json({"tasks": [report.task_document(task) | nothing]})
        else:
            report.print_task(task, None)
        return
    circuit = develop(genome, dt_ms=task.dt_ms)
    measured = score_circuit(circuit, task, seed=0, n_trials=task.held_out)
    if to_watch:
        life = task.life(circuit, task.trials(stream(0), 1))
        write_replay(life, path, title=f"{task.name}: {task.summary}")
    else:
        draw_task(task, circuit, path, score=measured, genome=genome)
    if as_json:
        document = report.task_document(task) | {"reference": genome.to_dict(), "score": vars(measured)}
        _print_json({"tasks": [document | {"picture": str(path)}]})
    else:
        report.print_task(task, measured)
        print(f"\npicture: {path}")


def _print_json(document: dict) -> None:
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))


class _Interrupted(Exception):
    """Stopped by the user with state saved; its text says how to go on."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status; whatever goes wrong is one line on standard error."""
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        sys.exit(app(arguments, prog_name="evocircuits", standalone_mode=False) or 0)
    except InputError as error:
        message, status = f"error: {error}", 2
    except _Interrupted as interruption:
        message, status = str(interruption), 130
    except (typer.Abort, KeyboardInterrupt):
        message, status = "interrupted; nothing was kept", 130
    except (OSError, RuntimeError, MemoryError) as error:
        message, status = f"error: {error or type(error).__name__}", 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # a fault of ours: let the traceback tell
            raise
        verb = f"{arguments[0]} " if arguments[0] in {c.name for c in app.registered_commands} else ""
        message, status = f"error: {error.format_message()} (see: evocircuits {verb}--help)", 2
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    print(line, file=sys.stderr)
    if "--json" in arguments:
        _print_json({"error": line.removeprefix("error: ")})
    sys.exit(status)
