"""Motifs as files that others can read."""

from evocircuits.exchange.motif_file import read_motif, write_motif

__all__ = ["read_motif", "write_motif"]
