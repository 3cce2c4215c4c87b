"""The verb that says what can be asked of a circuit: `tasks`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, app, print_json
from evocircuits.errors import InputError


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
    from evocircuits.tasks import TASKS, get_task

    if name is not None:
        document, show = _in_full(get_task(name), draw)
    elif draw is None:
        document = {"tasks": [report.task_document(task) for task in TASKS.values()]}
        show = partial(report.print_tasks, TASKS.values())
    else:
        raise InputError("--draw: expected the task to draw, as in: evocircuits tasks localise --draw FILE")
    if as_json:
        print_json(document)
    else:
        show()


def _in_full(task, draw: Path | None) -> tuple[dict, Callable[[], None]]:
    """A task's document, and what shows it, once its reference is measured and drawn."""
    from evocircuits import report
    from evocircuits.development import develop
    from evocircuits.measure import score_circuit
    from evocircuits.tasks import reference_of

    path = draw or Path("runs/pictures") / f"{task.name}.svg"
    to_watch = _checked(path, task)
    document = report.task_document(task)
    if (genome := reference_of(task)) is None:
        if draw is not None:
            raise InputError(f"--draw: expected a task with a hand-wired reference; {task.name} has none")
        document |= {"reference": None, "score": None, "picture": None}
        return {"tasks": [document]}, lambda: report.print_task(task, None)
    circuit = develop(genome, dt_ms=task.dt_ms)
    measured = score_circuit(circuit, task, seed=0, n_trials=task.held_out)
    _draw(task, circuit, genome, measured, path, to_watch)
    document |= {"reference": genome.to_dict(), "score": vars(measured), "picture": str(path)}

    def show() -> None:
        report.print_task(task, measured)
        print(f"\npicture: {path}")

    return {"tasks": [document]}, show


def _checked(path: Path, task) -> bool:
    """Whether the file is to be a life to watch; anything else must be a picture."""
    from evocircuits.plots import check_suffix

    to_watch = path.suffix.lower() == ".html" and hasattr(task, "life")
    if not to_watch:
        check_suffix(path)
    return to_watch


def _draw(task, circuit, genome, measured, path: Path, to_watch: bool) -> None:
    from evocircuits.measure import stream
    from evocircuits.replay import write_replay
    from evocircuits.task_picture import draw_task

    if to_watch:
        life = task.life(circuit, task.trials(stream(0), 1))
        write_replay(life, path, title=f"{task.name}: {task.summary}")
    else:
        draw_task(task, circuit, path, score=measured, genome=genome)
