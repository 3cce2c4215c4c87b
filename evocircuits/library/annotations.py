"""Tags on motifs, and notes on motifs and runs: each function does its part of a transaction of its caller's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, or_, select

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.checksum import opened, sealed

TAG_LENGTH = 40
NOTE_LENGTH = 2000


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a motif or a run, and when (UTC, ISO 8601)."""

    text: str
    written: str


def checked_tag(tag: str) -> str:
    """The tag. Raises `InputError` unless it is one printable word of at most 40 characters."""
    if not (
        isinstance(tag, str) and 0 < len(tag) <= TAG_LENGTH and tag.isprintable() and not set(tag) & set(" ,")
    ):
        raise InputError(f"tag: expected one word of at most {TAG_LENGTH} characters; got {str(tag)[:60]!r}")
    return tag


def checked_note(text: str) -> str:
    """The text on one line. Raises `InputError` unless it is of 1 to 2,000 printable characters."""
    line = " ".join(text.split()) if isinstance(text, str) else ""
    if not (0 < len(line) <= NOTE_LENGTH and line.isprintable()):
        raise InputError(f"note: expected a text of 1 to {NOTE_LENGTH} characters; got {str(text)[:60]!r}")
    return line


def tag(connection: Connection, motif_id: str, tags: Iterable[str], *, remove: bool = False) -> list[dict]:
    """Give tags to a motif, or take them from it; the rows of those that it then has, still sealed."""
    named = sorted({checked_tag(tag) for tag in tags})
    of_these = schema.tag.c.motif_id == motif_id, schema.tag.c.tag.in_(named)
    connection.execute(delete(schema.tag).where(*of_these))
    if named and not remove:
        rows = [sealed({"motif_id": motif_id, "tag": tag}) for tag in named]
        connection.execute(schema.tag.insert(), rows)
    return tag_rows(connection, [motif_id])


def note(connection: Connection, id: str, text: str) -> None:
    """Write a note about the motif or run of that id."""
    kind = "motif" if connection.scalar(select(schema.motif.c.id).filter_by(id=id)) else "run"
    put_note(connection, text, **{kind: id})


def put_note(
    connection: Connection,
    text: str,
    *,
    motif: str | None = None,
    run: str | None = None,
    written: str | None = None,
) -> None:
    """Add a note about a motif or a run, written now unless it is told when; an equal one stays."""
    written = written or datetime.now(UTC).isoformat(timespec="seconds")
    row = sealed({"motif_id": motif, "run_id": run, "text": checked_note(text), "written": written})
    connection.execute(delete(schema.note).filter_by(checksum=row["checksum"]))
    connection.execute(schema.note.insert(), [row])


def tag_rows(connection: Connection, ids: Iterable[str]) -> list[dict]:
    """The rows of the tags of motifs; still sealed."""
    tags = select(schema.tag).where(schema.tag.c.motif_id.in_(list(ids))).order_by(schema.tag.c.tag)
    return [dict(row) for row in connection.execute(tags).mappings()]


def tags_of(rows: Iterable[dict]) -> dict[str, tuple[str, ...]]:
    """The tags of each motif in such rows. Raises `InputError` for a damaged one."""
    tags: dict[str, tuple[str, ...]] = {}
    for row in rows:
        content = opened("tag", row)
        tags[content["motif_id"]] = (*tags.get(content["motif_id"], ()), content["tag"])
    return tags


def note_rows(connection: Connection, subjects: Iterable[str]) -> list[dict]:
    """The rows of the notes about motifs and runs of those ids, in the order they were written; still sealed."""
    ids, note = list(subjects), schema.note.c
    notes = select(schema.note).where(or_(note.motif_id.in_(ids), note.run_id.in_(ids)))
    return [dict(row) for row in connection.execute(notes.order_by(note.written, note.checksum)).mappings()]


def notes_of(rows: Iterable[dict]) -> dict[str, tuple[Note, ...]]:
    """The notes on each motif and run in such rows. Raises `InputError` for a damaged one."""
    notes: dict[str, tuple[Note, ...]] = {}
    for row in rows:
        content = opened("note", row)
        subject = content["motif_id"] or content["run_id"]
        notes[subject] = (*notes.get(subject, ()), Note(content["text"], content["written"]))
    return notes
