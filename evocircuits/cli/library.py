"""Verbs about a whole library: `library verify`, `upgrade`, `prune`, `export` and `import`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, app, print_json

library_app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})
TOLD = 20
"""So many findings are printed."""


@library_app.callback()
def library() -> None:
    """Look after a library: verify, upgrade, prune, export, import.

    \b
    Examples:
      evocircuits library verify
      evocircuits library export everything.jsonl
    """


@library_app.command("verify")
def verify(library: LibraryUrl = None, as_json: AsJson = False) -> None:
    """Check that a library holds what was written to it.

    Status 1 where anything is damaged.

    \b
    Example:
      evocircuits library verify
    """
    from evocircuits.library import Database, verify

    database = Database.existing(library)
    found = verify(database)
    if as_json:
        print_json({"library": database.name, "damage": found})
    elif not found:
        print(f"{database.name} is whole")
    else:
        _tell(found, f"{database.name} is damaged")
        print("save what is whole: evocircuits library export FILE")
    if found:
        raise typer.Exit(1)


@library_app.command("upgrade")
def upgrade(library: LibraryUrl = None, as_json: AsJson = False) -> None:
    """Bring a library that an older evocircuits wrote to this version.

    A copy of its file is kept beside it (of a database on a server make one yourself). No run should be under way.

    \b
    Example:
      evocircuits library upgrade
    """
    from evocircuits.library import Database, upgrade

    database = Database.existing(library)
    done = upgrade(database)
    copy = done.copy and str(done.copy)
    if as_json:
        print_json({"library": database.name, "before": done.before, "after": done.after, "copy": copy})
    elif done.before == done.after:
        print(f"{database.name} is of version {done.after} already")
    else:
        print(
            f"{database.name}: version {done.before} → {done.after}"
            + (f"; as it was: {copy}" if copy else "")
        )


@library_app.command("prune")
def prune(
    keep: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Of each task only the best N motifs stay, with all tagged, noted or certified, and winners of runs.",
        ),
    ] = None,
    states: Annotated[
        bool,
        typer.Option("--states", help="Drop the islands of finished runs, which cannot be extended then."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make a library smaller.

    Without options only births from which no motif descends go, of runs that cannot go on.

    \b
    Examples:
      evocircuits library prune
      evocircuits library prune --keep 100 --states --dry-run
    """
    from evocircuits.library import Library, prune

    gone = prune(Library(library).database, keep=keep, states=states, dry_run=dry_run)
    if as_json:
        print_json(vars(gone) | {"dry_run": dry_run})
    else:
        verb = "would go" if dry_run else "gone"
        print(
            f"{verb}: {gone.motifs} motifs, the islands of {gone.runs} runs, {gone.births} births without descendants"
        )


@library_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write, usually .jsonl.")],
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a whole library to one file.

    Motifs, scores, certificates, trained networks' results, tags, notes, lineage, and the history of runs.

    It is JSON, a record a line. Of a damaged library all that is whole is written, and the rest told.

    \b
    Example:
      evocircuits library export everything.jsonl
    """
    from evocircuits.exchange import write_library
    from evocircuits.library import Database, records

    lost: list[str] = []
    motifs = write_library(records(Database.existing(library), lost.append), file)
    if as_json:
        print_json({"file": str(file), "motifs": motifs, "lost": lost})
    else:
        print(f"{motifs} motifs written to {file}")
        if lost:
            _tell(lost, "damaged and left out")


@library_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `library export` wrote.")],
    trials: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Measure scores over at most so many trials; 0: take none."),
    ] = 10_000,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add the motifs of a whole library to this one, with tags, notes and lineage.

    Ids stay. What the file claims as scores is not taken over: each is measured anew here, which takes its time.
    Interrupted and begun again it goes on with the motifs that are missing. Certificates (certify anew), results of
    training and runs stay in the file.

    \b
    Examples:
      evocircuits library import everything.jsonl
      evocircuits library import everything.jsonl --trials 1000
    """
    from evocircuits.exchange import read_library
    from evocircuits.library import Library

    for _ in read_library(file):  # all of it is well-formed, or nothing is added
        pass
    opened = Library(library)
    added, known = 0, 0
    for new, old in _taken(opened, file, trials):
        added, known = added + new, known + old
        print(f"{added} motifs added, {known} were there", file=sys.stderr)
    if as_json:
        print_json({"file": str(file), "added": added, "known": known})
    else:
        print(f"{added} motifs from {file}; {known} more were there already")


def _taken(opened, file: Path, trials: int) -> Iterator[tuple[int, int]]:
    """Add the content of a library file a batch at a time: how many motifs each time are new, and were there."""
    from evocircuits.exchange import Entry, read_library
    from evocircuits.library import Note, take
    from evocircuits.library.motifs import in_batches

    for batch in in_batches(read_library(file), 20):
        entries = [record for record in batch if isinstance(record, Entry)]
        known = {row.id for row in opened.rows(entry.motif.id for entry in entries)}
        rows = [
            (
                _measured(entry.motif, trials if entry.motif.id not in known else 0),
                entry.tags,
                [Note(note.text, note.written) for note in entry.notes],
            )
            for entry in entries
        ]
        take(opened.database, rows)
        opened.add((), births=[record for record in batch if not isinstance(record, Entry)])
        if entries:
            yield len(entries) - len(known), len(known)


def _measured(motif, trials: int):
    from dataclasses import replace

    from evocircuits.measure import rescored

    return rescored(motif, trials) if trials else replace(motif, scores=())


def _tell(findings: list[str], heading: str) -> None:
    from evocircuits import report

    print(f"{heading}:")
    for finding in findings[:TOLD]:
        print(f"  {report.printable(finding)}")
    if len(findings) > TOLD:
        print(f"  … and {len(findings) - TOLD} more")


app.add_typer(library_app, name="library")
