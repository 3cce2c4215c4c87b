"""The verb that draws motifs: `draw`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json
from evocircuits.errors import InputError

Kind = Literal["circuit", "raster", "front", "lineage"]
RIVALS = 2000
"""Motifs at most that a front is drawn among."""


@app.command("draw")
def draw(
    id: MotifId,
    kind: Annotated[
        Kind,
        typer.Option(
            help="Its circuit; its spikes in a trial; score against energy among all motifs of its task; its lineage."
        ),
    ] = "circuit",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="Where: .svg, .png or .pdf; default: runs/pictures/."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For raster and front; default: what it was evolved for."),
    ] = None,
    trial: Annotated[int, typer.Option(min=0, metavar="N", help="Of a raster.")] = 0,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Draw a motif.

    \b
    Examples:
      evocircuits draw best:localise -o localise.svg
      evocircuits draw best:localise --kind raster --trial 3 -o raster.png
      evocircuits draw 3fa9 --kind front
    """
    from evocircuits.library import Library

    opened = Library(library)
    motif = opened.get(id)
    path = out or Path("runs/pictures") / f"{motif.id[:8]}-{kind}.svg"
    if kind == "circuit":
        _draw_circuit(motif, path)
    elif kind == "lineage":
        _draw_lineage(opened, motif, path)
    elif kind == "raster":
        _draw_raster(motif, _task_of(motif, task), trial, path)
    else:
        _draw_front(opened, motif, _task_of(motif, task), path)
    if as_json:
        print_json({"motif": motif.id, "kind": kind, "picture": str(path)})
    else:
        print(f"picture: {path}")


def _task_of(motif, named: str | None) -> str:
    from evocircuits.report import main_score

    score = main_score(motif)
    if named is None and score is None:
        raise InputError(f"draw: motif {motif.id[:8]} has no score on any task; name one with --task")
    return named or score.task


def _draw_circuit(motif, path: Path) -> None:
    from evocircuits.draw import draw_circuit
    from evocircuits.report import main_score, printable

    score = main_score(motif)
    title = f"{score.task}: {score.raw:.3f}, motif {motif.id[:8]}" if score else motif.id[:8]
    draw_circuit(motif.circuit, path, title=printable(title), genome=motif.genome)


def _draw_lineage(library, motif, path: Path) -> None:
    from evocircuits.lineage_picture import draw_lineage

    found = library.lineage(motif.id)
    ids = [*found.births, *found.unknown]
    rows = [row for start in range(0, len(ids), 500) for row in library.rows(ids[start : start + 500])]
    draw_lineage(found, path, motifs={row.id for row in rows})


def _draw_raster(motif, name: str, trial: int, path: Path) -> None:
    from evocircuits.draw import draw_raster
    from evocircuits.measure import stream
    from evocircuits.tasks import get_task

    task = get_task(name)
    example = task.example(motif.circuit, task.trials(stream(0), trial + 1))
    windows = [window for window in example.windows if window.trial == trial]
    if not windows:
        raise InputError(f"--trial: expected one that the task shows; got {trial}")
    start_ms, end_ms = windows[0].start_ms, windows[0].end_ms
    draw_raster(
        example.spikes,
        motif.circuit,
        path,
        stimulus=example.stimulus,
        trial=trial,
        start_ms=start_ms,
        duration_ms=end_ms - start_ms,
        title=f"{task.name}, motif {motif.id[:8]}, trial {trial}",
    )


def _draw_front(library, motif, name: str, path: Path) -> None:
    from evocircuits.draw import draw_front

    rows = library.listing(task=name, limit=RIVALS)
    front = library.listing(task=name, front="energy")
    points = {row.id: (row.score.energy_pJ, row.score.normalised) for row in (*rows, *front)}
    on_front = {row.id for row in front}
    title = f"{name}: score against energy"
    draw_front(points, path, front=on_front, marked=motif.id, title=title)
