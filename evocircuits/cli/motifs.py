"""Verbs about single motifs of the library: `show` and `score`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json
from evocircuits.errors import InputError


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

    opened = Library(library)
    motif = opened.get(id)
    tags, notes = opened.tags(motif.id), opened.notes(motif.id)
    path = draw or Path("runs/pictures") / f"{motif.id[:8]}.svg"
    score = report.main_score(motif)
    title = f"{score.task}: {score.raw:.3f}, motif {motif.id[:8]}" if score else motif.id[:8]
    draw_circuit(motif.circuit, path, title=report.printable(title), genome=motif.genome)
    if as_json:
        written = {"tags": list(tags), "notes": [vars(note) for note in notes]}
        print_json({"motif": motif.to_dict(), "picture": str(path)} | written)
    else:
        report.print_motif(motif)
        report.print_annotations(tags, notes)
        print(f"\npicture: {path}")


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
        print_json({"motif": circuit.id, "score": vars(found)})
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
