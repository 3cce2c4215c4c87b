"""The library: motifs, their scores and the runs that found them, in one SQL database."""

from evocircuits.library.rows import RunRow
from evocircuits.library.store import Library

__all__ = ["Library", "RunRow"]
