"""Whether a library holds what was written to it: the file, every row's checksum, and what is derived from others."""

from collections.abc import Callable, Iterator
from itertools import islice

from sqlalchemy import Connection, Table, func, select, text

from evocircuits.errors import InputError
from evocircuits.library import listing, runs, schema
from evocircuits.library.checksum import fits
from evocircuits.library.database import Database
from evocircuits.library.motifs import in_batches, read
from evocircuits.library.salvage import has, rows_with, stored_rows

MOST = 1000
"""So many findings are told at most."""


def verify(database: Database, on_progress: Callable[[str], None] = lambda part: None) -> list[str]:
    """What is wrong with a library, in a line each; nothing where all is well.

    `on_progress` is told what comes next. The check of an SQLite file as such keeps runs from committing while it
    lasts; the rest does not. Raises `InputError` for what is no library at all.
    """
    database.version()
    return list(islice(_findings(database, on_progress), MOST))


def _findings(database: Database, on_progress: Callable[[str], None]) -> Iterator[str]:
    if database.is_sqlite:
        on_progress("file")
        yield from _read(database, _of_file)
    for table in schema.tables.sorted_tables:
        if "checksum" in table.c and has(database, table):
            on_progress(table.name)
            yield from _of_table(database, table)
    if has(database, schema.run):
        yield from _read(database, _of_progress)
    if has(database, schema.motif):
        on_progress("motifs")
        yield from _of_motifs(database)


def _read(database: Database, look: Callable[[Connection], list[str]]) -> list[str]:
    """What it finds wrong, or what kept it from looking."""
    try:
        return database.read(look)
    except (InputError, OSError) as damage:
        return [str(damage)]


def _of_file(connection: Connection) -> list[str]:
    """What SQLite finds wrong with its file, and rows that point nowhere."""
    told = connection.execute(text("PRAGMA integrity_check(20)")).scalars().all()
    wrong = [f"file: {' '.join(line.split())}" for line in told if line != "ok"]
    dangling = connection.execute(text("PRAGMA foreign_key_check")).all()
    return wrong + [f"{row[0]} row {row[1]} points to a missing {row[2]}" for row in dangling]


def _of_progress(connection: Connection) -> list[str]:
    """Runs of which the part of their row that changes, and has no checksum, cannot be true."""
    of_run = select(func.max(schema.report.c.epoch)).where(schema.report.c.run_id == schema.run.c.id)
    rows = connection.execute(
        select(schema.run.c.id, schema.run.c.status, schema.run.c.epoch, of_run.scalar_subquery())
    )
    return [
        f"run {id}: it is {status!r} after epoch {epoch}, and its last report is of epoch {last or 0}"
        for id, status, epoch, last in rows
        if status not in runs.STATUSES or epoch != (last or 0)
    ]


def _of_table(database: Database, table: Table) -> Iterator[str]:
    lost: list[str] = []
    for row in stored_rows(database, table, lost.append):
        sealed = runs.without_progress(row) if table is schema.run else row
        if not fits(sealed):
            key = " ".join(str(value)[:12] for value in list(row.values())[:2])
            yield f"{table.name} row {key!r} is damaged (its checksum differs)"
    yield from lost


def _of_motifs(database: Database) -> Iterator[str]:
    """Whether each motif's circuit has its id, and stands in the listing as it should."""
    derived = has(database, schema.listing)
    whole = (row for row in stored_rows(database, schema.motif, lambda _: None) if fits(row))
    for batch in in_batches(whole):
        ids = [row["id"] for row in batch]
        scores = [row for row in rows_with(database, schema.score, "motif_id", ids) if fits(row)]
        for row in batch:
            try:
                read([row], [])
            except (InputError, ValueError, KeyError) as error:
                yield f"motif {row['id'][:8]}: {' '.join(str(error).split())[:120]}"
        if derived:
            yield from _of_listing(database, batch, scores)


def _of_listing(database: Database, motifs: list[dict], scores: list[dict]) -> Iterator[str]:
    def key(row: dict) -> tuple[str, str]:
        return row["motif_id"], row["task"]

    expected = {key(row): row for row in listing.rows_for(motifs, scores)}
    stored = {
        key(row): row
        for row in rows_with(database, schema.listing, "motif_id", [row["id"] for row in motifs])
    }
    for id, task in sorted(expected.keys() | stored.keys()):
        if expected.get((id, task)) != stored.get((id, task)):
            yield f"listing of motif {id[:8]} on {task or 'nothing'} is not what its scores say"
