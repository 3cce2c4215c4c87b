"""The verb that lists motifs and runs: `ls`."""

from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, app, print_json
from evocircuits.errors import InputError


@app.command("ls")
def list_(
    task: Annotated[str | None, typer.Option(help="Only motifs scored on this task.")] = None,
    run: Annotated[str | None, typer.Option(help="Only motifs found by this run.")] = None,
    sort: Annotated[
        str, typer.Option(metavar="BY", help="By score, or least energy, neurons, synapses or spikes.")
    ] = "score",
    front: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COST", help="Only what no other beats in score and this cost; may be repeated."
        ),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(metavar="X", help="At least so far from chance (0) to ceiling (1).")
    ] = None,
    min_neurons: Annotated[int | None, typer.Option(min=0, metavar="N", help="At least so many.")] = None,
    max_neurons: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most so many.")] = None,
    max_synapses: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most so many.")] = None,
    ei: Annotated[
        str | None,
        typer.Option(metavar="MIN:MAX", help="E neurons for each I neuron; either may be left out."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="With this tag; may be repeated.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Words in id, origin, run, task, operator, tags or notes."),
    ] = None,
    structure: Annotated[
        str | None, typer.Option(metavar="NAME", help='Named by its certificate, as "mutual inhibition".')
    ] = None,
    shape: Annotated[
        str | None, typer.Option(metavar="ID", help="Equal to this motif but for the order of neurons.")
    ] = None,
    group: Annotated[bool, typer.Option("--group", help="Of those of equal shape the first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option(min=0, metavar="N", help="After the first so many.")] = 0,
    runs: Annotated[bool, typer.Option("--runs", help="List runs in place of motifs.")] = False,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """List motifs, best score first.

    \b
    Examples:
      evocircuits ls
      evocircuits ls --task localise --front energy --front neurons
      evocircuits ls --max-neurons 20 --ei 2:6 --tag kept --sort energy
      evocircuits ls --text "seed gradient" --group --offset 20
      evocircuits ls --runs
    """
    from evocircuits import report
    from evocircuits.library import Library

    opened = Library(library)
    if runs:
        rows = opened.runs()
        if as_json:
            print_json({"runs": [vars(row) for row in rows]})
        else:
            report.print_runs(rows)
        return
    motifs = opened.listing(
        task=task,
        run=run,
        sort=sort,
        front=tuple(front or ()),
        min_score=min_score,
        min_neurons=min_neurons,
        max_neurons=max_neurons,
        max_synapses=max_synapses,
        ei=None if ei is None else _bounds(ei),
        tag=tuple(tag or ()),
        text=text,
        structure=structure,
        shape=shape,
        group=group,
        limit=limit,
        offset=offset,
    )
    if as_json:
        print_json({"motifs": [report.row_document(motif) for motif in motifs]})
    elif motifs:
        report.print_motifs(motifs, grouped=group)
    else:
        print(f"no such motifs in {opened.database.name}; find some: evocircuits evolve order")


def _bounds(text: str) -> tuple[float | None, ...]:
    """The numbers of MIN:MAX, None for one that is left out."""
    try:
        bounds = tuple(float(part) if part.strip() else None for part in text.split(":"))
    except ValueError:
        bounds = ()
    if len(bounds) != 2:
        raise InputError(f"--ei: expected MIN:MAX, as 2:6, 2: or :6; got {text!r}")
    return bounds
