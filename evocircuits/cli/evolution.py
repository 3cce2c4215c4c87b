"""Verbs that evolve: `evolve`, `resume` and `extend`."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from evocircuits.cli.options import (
    AsJson,
    ExecutorName,
    Interrupted,
    LibraryUrl,
    RunId,
    Workers,
    app,
    print_json,
)

TensorBoardFolder = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard", metavar="DIR", help="Follow the run in TensorBoard, too: curves in DIR/RUN."
    ),
]


@app.command("evolve")
def evolve_(
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
    tensorboard: TensorBoardFolder = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Evolve circuits by a recipe.

    The winners are kept in the library, and what each epoch brought in runs/logs/RUN.jsonl. A recipe and a seed
    name one run: evolved again it goes on where it stopped, and once finished it is only shown.

    \b
    Examples:
      evocircuits evolve order
      evocircuits evolve localise --seed 3 --workers 2
      evocircuits evolve localise --tensorboard runs/tensorboard
      evocircuits evolve winner --baseline random
      evocircuits evolve my-recipe.toml --executor serial --json
    """
    from evocircuits.library import Library
    from evocircuits.search.recipe import load_recipe
    from evocircuits.search.run import evolve

    replaced = {"seed": seed, "search": baseline}
    chosen = load_recipe(recipe, **{key: value for key, value in replaced.items() if value is not None})
    settings = {"library": Library(library), "executor": executor, "workers": workers}
    settings["trackers"] = _trackers(tensorboard)
    _run_to_end(chosen.run_id, lambda told: evolve(chosen, on_progress=told, **settings), as_json)


@app.command("resume")
def resume(
    run: RunId,
    workers: Workers = None,
    executor: ExecutorName = "ray",
    tensorboard: TensorBoardFolder = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Continue an interrupted run.

    \b
    Examples:
      evocircuits ls --runs
      evocircuits resume order-s1
    """
    _run_on(run, 0, library, executor, workers, tensorboard, as_json)


@app.command("extend")
def extend(
    run: RunId,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="How many more.")],
    workers: Workers = None,
    executor: ExecutorName = "ray",
    tensorboard: TensorBoardFolder = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let a run go on for more epochs, also a finished one.

    \b
    Examples:
      evocircuits extend order-s1 --epochs 3
    """
    _run_on(run, epochs, library, executor, workers, tensorboard, as_json)


def _run_on(
    run: str,
    epochs: int,
    library: str | None,
    executor: str,
    workers: int | None,
    tensorboard: Path | None,
    as_json: bool,
) -> None:
    from evocircuits.library import Library
    from evocircuits.search.run import resume

    opened = Library(library)
    id = opened.run(run).id
    settings = {"library": opened, "executor": executor, "workers": workers}
    settings["trackers"] = _trackers(tensorboard)
    _run_to_end(id, lambda told: resume(id, epochs=epochs, on_progress=told, **settings), as_json)


def _trackers(tensorboard: Path | None) -> list:
    from evocircuits.search.trackers import TensorBoard

    return [TensorBoard(tensorboard)] if tensorboard else []


def _run_to_end(run_id: str, go: Callable, as_json: bool) -> None:
    """`go`, which is given the function that shows progress, and what came of it."""
    from evocircuits import report
    from evocircuits.progress import shown_progress

    with _interruptible(run_id), shown_progress() as on_progress:
        run = go(on_progress)
    pictures = _draw_run(run)
    if as_json:
        print_json(report.run_document(run) | {"pictures": [str(path) for path in pictures]})
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
    """Ctrl-C, a polite kill and `evocircuits stop` end a run with its last epoch saved."""
    from evocircuits.search.run import Stopped

    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; continue with: evocircuits resume {run_id}") from None
    except Stopped as stopped:
        raise Interrupted(f"{stopped}; continue with: evocircuits resume {run_id}") from None
    finally:
        signal.signal(signal.SIGTERM, former)
