"""Motifs as files that others can read: our own, whole libraries, NIR's and NEST's, and folders for model hubs."""

from evocircuits.exchange.hub import from_pretrained, read_motif_folder, save_pretrained
from evocircuits.exchange.library_file import Entry, read_library, write_library
from evocircuits.exchange.motif_file import read_motif, write_motif
from evocircuits.exchange.nest import to_nest, write_nest
from evocircuits.exchange.nir import from_nir, read_nir, to_nir, write_nir
from evocircuits.exchange.nir_circuit import FromNir

__all__ = [
    "Entry",
    "FromNir",
    "from_nir",
    "from_pretrained",
    "read_library",
    "read_motif",
    "read_motif_folder",
    "read_nir",
    "save_pretrained",
    "to_nest",
    "to_nir",
    "write_library",
    "write_motif",
    "write_nest",
    "write_nir",
]
