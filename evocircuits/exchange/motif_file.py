"""The motif file: one motif as JSON, and nothing but JSON, so that reading a stranger's file runs no code.

{"format": "evocircuits-motif", "version": 1,
 "id": …, "dt_ms": …, "genome": …, "circuit": …, "provenance": …, "scores": …}
"""

import json
import math
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evocircuits.errors import InputError
from evocircuits.motif import Motif, MotifScore, Provenance

FORMAT = "evocircuits-motif"
VERSION = 1
MAX_BYTES = 4_000_000
"""About 50,000 synapses; 4 MB of the costliest JSON (empty lists) still parse within 100 MB of memory."""


def write_motif(motif: Motif, path: str | os.PathLike) -> None:
    """Write a motif to `path`, replacing a file there only once the new one is complete."""
    path = Path(path)
    text = json.dumps({"format": FORMAT, "version": VERSION, **motif.to_dict()}, indent=1, allow_nan=False)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror}") from None


def read_motif(path: str | os.PathLike) -> Motif:
    """The motif in a motif file.

    Raises `InputError`, one line, when the file is missing, larger than 4 MB, not JSON, or not a well-formed
    motif whose id is that of its circuit.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise InputError(f"{path}: expected a motif file; no such file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a motif file that can be read; {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: expected at most {MAX_BYTES} bytes; a motif file is far smaller")
    try:
        return _motif(
            json.loads(data, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        )
    except RecursionError:
        raise InputError(f"{path}: expected a motif file; got JSON nested too deeply") from None
    except (ValueError, TypeError, OverflowError) as error:  # InputError among them
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: expected a file written by `evocircuits export`; {reason}") from None


def _motif(content) -> Motif:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"no format {FORMAT!r}")
    if content.get("version") != VERSION or content["version"] is True:
        raise InputError(f"expected version {VERSION}; got {str(content.get('version'))[:20]}")
    fields = {name: value for name, value in content.items() if name not in ("format", "version")}
    # Motif.from_dict checks names; kinds of provenance and scores are checked here, at the boundary.
    for name, kind in (("provenance", Provenance), ("scores", list[MotifScore])):
        try:
            TypeAdapter(kind).validate_json(json.dumps(fields.get(name)), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, (name, *first["loc"])))
            raise InputError(f"{place}: {first['msg']}; got {str(first['input'])[:40]!r}") from None
    return Motif.from_dict(fields)


def _object(pairs: list[tuple]) -> dict:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise InputError("a field came twice")
    return content


def _constant(name: str):
    raise InputError(f"expected finite numbers; got {name}")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"expected finite numbers; got {text[:20]}")
    return value
