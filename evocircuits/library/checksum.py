"""Rows that cannot change unnoticed: each carries a `checksum`, the SHA-256 of its other columns."""

import hashlib
import json

from evocircuits.errors import InputError


class Damaged(InputError):
    """What is stored is not what was written: a row whose checksum differs, or a file that is no database any more."""


def canonical(value) -> str:
    """JSON with sorted keys and shortest floats; NaN and infinity are a `ValueError`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(row: dict) -> dict:
    """The row with its checksum."""
    return row | {"checksum": _checksum(row)}


def opened(table: str, row: dict) -> dict:
    """The row without its checksum. Raises `Damaged`, an `InputError`, when the two no longer agree."""
    content = {name: value for name, value in row.items() if name != "checksum"}
    if not fits(row):
        key = " ".join(str(value)[:12] for value in list(content.values())[:2])
        raise Damaged(
            f"library: {table} row {key!r} is damaged (its checksum differs; what is whole can be saved: "
            "evocircuits library export FILE)"
        )
    return content


def fits(row: dict) -> bool:
    """Whether a row is as it was sealed."""
    try:
        return _checksum({k: v for k, v in row.items() if k != "checksum"}) == row["checksum"]
    except ValueError:  # a number that has become NaN
        return False


def _checksum(row: dict) -> str:
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    return hashlib.sha256(canonical(plain).encode()).hexdigest()
