"""Motifs and whole libraries as files that others can read."""

from evocircuits.exchange.library_file import Entry, read_library, write_library
from evocircuits.exchange.motif_file import read_motif, write_motif

__all__ = ["Entry", "read_library", "read_motif", "write_library", "write_motif"]
