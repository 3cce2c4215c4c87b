"""The motif file: one motif as JSON, and nothing but JSON, so that reading a stranger's file runs no code.

{"format": "evocircuits-motif", "version": 1,
 "id": …, "dt_ms": …, "genome": …, "circuit": …, "provenance": …, "scores": …}

motif.schema.json beside this file says it in full (JSON Schema).
"""

import json
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evocircuits.errors import InputError
from evocircuits.exchange import strict_json
from evocircuits.motif import Motif, MotifScore, Provenance

FORMAT = "evocircuits-motif"
VERSION = 1
MAX_BYTES = 4_000_000
"""About 50,000 synapses; 4 MB of the costliest JSON (empty lists) still parse within 100 MB of memory."""


def write_motif(motif: Motif, path: str | os.PathLike) -> None:
    """Write a motif to `path`, replacing a file there only once the new one is complete.

    >>> import evocircuits as ec
    >>> from evocircuits.motif import Provenance
    >>> genome = ec.tasks.get_task("order").reference()
    >>> motif = ec.Motif(genome, ec.develop(genome, dt_ms=0.1), 0.1, Provenance("hand-wired"))
    >>> ec.write_motif(motif, "order.motif.json")
    >>> ec.read_motif("order.motif.json") == motif
    True
    """
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

    >>> import evocircuits as ec
    >>> try:
    ...     ec.read_motif("gone.motif.json")
    ... except ec.InputError as error:
    ...     print(error)
    gone.motif.json: expected a motif file; no such file
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
        return _motif(strict_json.loads(data))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # InputError among them
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: expected a file written by `evocircuits export`; {reason}") from None


def _motif(content) -> Motif:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"no format {FORMAT!r}")
    if content.get("version") != VERSION or content["version"] is True:
        raise InputError(f"expected version {VERSION}; got {str(content.get('version'))[:20]}")
    return motif_of({name: value for name, value in content.items() if name not in ("format", "version")})


def motif_of(fields) -> Motif:
    """The motif of a stranger's fields. Raises `InputError` (or `TypeError`, `OverflowError`) where they are none."""
    if not isinstance(fields, dict):
        raise InputError("expected the fields of a motif")
    # Motif.from_dict checks names; kinds of provenance and scores are checked here, at the boundary.
    for name, kind in (("provenance", Provenance), ("scores", list[MotifScore])):
        checked(kind, fields.get(name), name)
    motif = Motif.from_dict(fields)
    neurons = sum(population.size for population in motif.genome.populations)
    if neurons != motif.circuit.n_neurons:
        raise InputError(
            f"expected a genome of the circuit's {motif.circuit.n_neurons} neurons; got {neurons}"
        )
    return motif


def checked(kind: type, value, name: str):
    """`value` as what its kind says, and nothing that would have to be converted first."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (name, *first["loc"])))
        raise InputError(f"{place}: {first['msg']}; got {str(first['input'])[:40]!r}") from None
