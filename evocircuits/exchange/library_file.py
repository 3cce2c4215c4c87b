"""The library file: a whole library as JSON, one record a line, and nothing but JSON.

{"format": "evocircuits-library", "version": 1}
{"motif": {… as in a motif file …}, "tags": […], "notes": [{"text": …, "written": …}], "certificates": […],
 "trainings": […]}
{"run": {…}, "notes": […]}
{"birth": {"child": …, "parents": […], "operator": …, "run": …, "epoch": …, "island": …}}
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

from evocircuits.errors import InputError
from evocircuits.exchange import strict_json
from evocircuits.exchange.motif_file import MAX_BYTES, checked, motif_of
from evocircuits.lineage import Birth
from evocircuits.motif import Motif

FORMAT = "evocircuits-library"
VERSION = 1
LONGEST = 4 * MAX_BYTES
"""Bytes of a line: a motif with its certificates."""


@dataclass(frozen=True)
class Note:
    """What somebody wrote about a motif, and when."""

    text: str
    written: str


@dataclass(frozen=True)
class Entry:
    """A motif of a library file, and what its library knew of it: of certificates and trainings how many there are."""

    motif: Motif
    tags: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    certificates: int = 0
    trainings: int = 0


def write_library(records: Iterable[dict], path: str | os.PathLike) -> int:
    """Write records to `path`, replacing a file there only once the new one is complete; how many motifs those were."""
    path = Path(path)
    unfinished, motifs = path.with_name(path.name + ".part"), 0
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            for row in chain([{"format": FORMAT, "version": VERSION}], records):
                file.write(json.dumps(row, separators=(",", ":"), allow_nan=False) + "\n")
                motifs += "motif" in row
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror or error}") from None
    return motifs


def read_library(path: str | os.PathLike) -> Iterator[Entry | Birth]:
    """The motifs and births in a library file, in order; one record at a time is in memory.

    Runs are history, and passed over. Raises `InputError`, one line, where the file is missing or no library file, and
    at the first record that is not well-formed, or longer than 16 MB.
    """
    path = Path(path)
    for number, line in enumerate(_lines(path), start=1):
        try:
            record = strict_json.loads(line)
            if number == 1:
                _check_header(record)
            elif (read := _read(record)) is not None:
                yield read
        except (ValueError, TypeError, OverflowError, RecursionError) as error:  # InputError among them
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}, line {number}: expected a file written by `evocircuits library export`; {reason}"
            ) from None


def _lines(path: Path) -> Iterator[bytes]:
    try:
        if not path.is_file():
            raise InputError(f"{path}: expected a library file; no such file")
        with path.open("rb") as file:
            number = 0
            while (line := file.readline(LONGEST + 1)) or not number:
                number += 1
                if len(line) > LONGEST:
                    raise InputError(f"{path}, line {number}: expected at most {LONGEST} bytes a line")
                yield line
    except OSError as error:
        raise InputError(f"{path}: expected a library file that can be read; {error.strerror}") from None


def _check_header(record) -> None:
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(f"no format {FORMAT!r}")
    if record.get("version") != VERSION or record["version"] is True:
        raise InputError(f"expected version {VERSION}; got {str(record.get('version'))[:20]}")


def _read(record) -> Entry | Birth | None:
    if not isinstance(record, dict):
        raise InputError("expected a motif, a run or a birth")
    if "motif" in record:
        return _entry(record)
    if "birth" in record:
        return _row(Birth, record["birth"], "birth")
    if "run" in record:
        return None
    raise InputError(f"expected a motif, a run or a birth; got {str(list(record))[:60]}")


def _entry(record: dict) -> Entry:
    if unknown := set(record) - {"motif", "tags", "notes", "certificates", "trainings"}:
        raise InputError(
            f"expected motif, tags, notes, certificates and trainings; got {sorted(unknown)[0][:40]!r}"
        )
    many = [len(checked(list[dict], record.get(name, []), name)) for name in ("certificates", "trainings")]
    tags = checked(list[str], record.get("tags", []), "tags")
    notes = checked(list[dict], record.get("notes", []), "notes")
    rows = tuple(_row(Note, note, f"notes.{k}") for k, note in enumerate(notes))
    return Entry(motif_of(record["motif"]), tuple(tags), rows, *many)


def _row(kind: type, value, name: str):
    """A dataclass of that kind, of these fields and no others."""
    known = [f.name for f in fields(kind)]
    if isinstance(value, dict) and (unknown := [key for key in value if key not in known]):
        raise InputError(f"{name}: expected the fields {', '.join(known)}; got {unknown[0][:40]!r}")
    return checked(kind, value, name)
