"""Verbs about runs, for another terminal than the one that drives them: `status` and `stop`."""

import time
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, RunId, app, print_json
from evocircuits.errors import InputError

LOOK_s = 1.0
"""How often a watched run is looked at."""


@app.command("status")
def status(
    run: RunId,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it ends.")] = False,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show how far a run is.

    \b
    Examples:
      evocircuits status order-s1
      evocircuits status localise --watch
    """
    from evocircuits import report
    from evocircuits.library import Library

    if watch and as_json:
        raise InputError("status: expected --watch or --json; got both")
    opened = Library(library)
    row = opened.run(run)
    if watch:
        row = _watched(opened, row)
    if as_json:
        print_json(report.status_document(row))
    else:
        report.print_status(row)


@app.command("stop")
def stop(run: RunId, library: LibraryUrl = None, as_json: AsJson = False) -> None:
    """Ask a run to stop after the epoch that it commits next.

    \b
    Examples:
      evocircuits stop localise
      evocircuits resume localise
    """
    from evocircuits.library import Library

    opened = Library(library)
    row = opened.run(run)
    opened.request_stop(row.id)
    if as_json:
        print_json({"run": row.id, "status": "stopping"})
    else:
        print(f"run {row.id} stops after epoch {row.epoch + 1}; continue with: evocircuits resume {row.id}")


def _watched(library, row):
    """The run as it is when nobody drives it any more."""
    from evocircuits.progress import shown_progress

    with shown_progress() as on_progress:
        while row.under_way:
            if row.reports:
                on_progress(_progress(row))
            time.sleep(LOOK_s)
            row = library.run(row.id)
    return row


def _progress(row):
    from evocircuits.search.graph import Progress

    evaluations, seconds = (sum(r[name] for r in row.reports) for name in ("evaluations", "seconds"))
    epochs, last = row.recipe["epochs"], row.reports[-1]
    return Progress(
        epoch=row.epoch,
        epochs=epochs,
        best=last["best"],
        median=last["median"],
        evaluations=evaluations,
        evaluations_per_s=evaluations / max(seconds, 1e-9),
        seconds_left=seconds / row.epoch * (epochs - row.epoch),
    )
