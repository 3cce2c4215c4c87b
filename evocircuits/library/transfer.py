"""A library's content as plain records, as far as it can be read, and such records taken in by another."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from json import loads

from sqlalchemy import Connection, Table

from evocircuits.library import annotations, motifs, runs, schema, trainings
from evocircuits.library.ancestry import births_for
from evocircuits.library.annotations import Note
from evocircuits.library.checksum import Damaged, fits
from evocircuits.library.database import Database
from evocircuits.library.salvage import has, rows_with, stored_rows
from evocircuits.motif import Motif

Lost = Callable[[str], None]


def records(database: Database, lost: Lost) -> Iterator[dict]:
    """Everything of a library but the states of islands, which only the search can read, as one dictionary after
    another, ready for JSON: `motif` with `tags`, `notes`, `certificates` and `trainings`; `run` with `notes`; `birth`.

    Of a damaged library those that are whole, and of an older one what it has; `lost` is told of the others.
    Raises `InputError` for what is no library.
    """
    try:
        database.version()
    except Damaged as damage:
        lost(str(damage))
    for batch in motifs.in_batches(_whole(database, schema.motif, lost)):
        yield from _of_motifs(database, batch, lost)
    for batch in motifs.in_batches(_whole(database, schema.run, lost)):
        yield from _of_runs(database, batch, lost)
    rows = sorted(_whole(database, schema.lineage, lost), key=lambda row: (row["child"], row["run"]))
    for birth in births_for(rows):
        yield {"birth": asdict(birth)}


def _whole(database: Database, table: Table, lost: Lost) -> Iterator[dict]:
    if has(database, table):
        yield from _fitting(table, stored_rows(database, table, lost), lost)


def _with(database: Database, table: Table, column: str, values: Sequence[str], lost: Lost) -> list[dict]:
    if not has(database, table):
        return []
    return list(_fitting(table, rows_with(database, table, column, values), lost))


def _fitting(table: Table, rows: Iterable[dict], lost: Lost) -> Iterator[dict]:
    for row in rows:
        if fits(runs.without_progress(row) if table is schema.run else row):
            yield row
        else:
            lost(
                f"{table.name} row {' '.join(str(value)[:12] for value in list(row.values())[:2])!r} is damaged"
            )


def _of_motifs(database: Database, batch: list[dict], lost: Lost) -> Iterator[dict]:
    ids = [row["id"] for row in batch]
    scores, tags, notes, certificates, trained = (
        _by_motif(_with(database, table, "motif_id", ids, lost))
        for table in (schema.score, schema.tag, schema.note, schema.certificate, schema.training)
    )
    for row in batch:
        id = row["id"]
        try:
            [motif] = motifs.read([row], scores.get(id, []))
        except (ValueError, KeyError) as error:  # InputError among them
            lost(f"motif {id[:8]}: {' '.join(str(error).split())[:120]}")
            continue
        yield {
            "motif": motif.to_dict(),
            "tags": [tag["tag"] for tag in tags.get(id, [])],
            "notes": _notes(notes.get(id, [])),
            "certificates": [loads(kept["certificate"]) for kept in certificates.get(id, [])],
            "trainings": [asdict(training) for training in trainings.read(trained.get(id, []))],
        }


def _of_runs(database: Database, batch: list[dict], lost: Lost) -> Iterator[dict]:
    ids = [row["id"] for row in batch]
    reports = _with(database, schema.report, "run_id", ids, lost)
    notes = _with(database, schema.note, "run_id", ids, lost)
    for run in runs.read(batch, sorted(reports, key=lambda row: row["epoch"])):
        yield {"run": asdict(run), "notes": _notes([row for row in notes if row["run_id"] == run.id])}


def _by_motif(rows: Iterable[dict]) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for row in rows:
        found.setdefault(row["motif_id"], []).append(row)
    return found


def _notes(rows: Iterable[dict]) -> list[dict]:
    in_order = sorted(rows, key=lambda row: (row["written"], row["checksum"]))
    return [{"text": row["text"], "written": row["written"]} for row in in_order]


def take(database: Database, entries: Sequence[tuple[Motif, Sequence[str], Sequence[Note]]]) -> None:
    """Store motifs with their tags and notes, all or none; what is there already stays and is added to."""
    database.write(_take, motifs.prepared(motif for motif, _, _ in entries), entries)


def _take(connection: Connection, prepared: list[motifs.Prepared], entries: Sequence[tuple]) -> None:
    motifs.add_motifs(connection, prepared)
    for motif, tags, notes in entries:
        annotations.tag(connection, motif.id, tags)
        for note in notes:
            annotations.put_note(connection, note.text, motif=motif.id, written=note.written)
