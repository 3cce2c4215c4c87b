"""Motifs and circuits to and from NIR, the format that simulators and chips share. Needs the package nir.

    graph = ec.exchange.to_nir(motif)                   # a nir.NIRGraph
    ec.exchange.write_nir(motif, "motif.nir")
    circuit, dt_ms, genome, notes = ec.exchange.read_nir("motif.nir")

What NIR has no word for (refractory times, who is excitatory, dt) stands in the graph's metadata, where other tools may
overlook it; what cannot be told at all is refused.
"""

import os
from pathlib import Path

from evocircuits.checks import checked_positive
from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.exchange.nir_circuit import FromNir, circuit_from
from evocircuits.exchange.nir_file import read_graph
from evocircuits.exchange.nir_nodes import graph_of, imported
from evocircuits.motif import Motif


def to_nir(what: Circuit | Motif, *, dt_ms: float | None = None):
    """The `nir.NIRGraph` of a motif or a circuit; a circuit needs its `dt_ms`.

    Raises `InputError` for plastic synapses, for circuits without input synapses or outputs, for more than 2 million
    numbers (neurons × synapses), and where the package nir is missing.
    """
    if isinstance(what, Motif):
        return graph_of(what.circuit, what.dt_ms if dt_ms is None else dt_ms, what.genome)
    if not isinstance(what, Circuit):
        raise InputError(f"to_nir: expected a motif or a circuit; got {type(what).__name__}")
    return graph_of(what, checked_positive("to_nir: dt_ms", dt_ms))


def write_nir(what: Circuit | Motif, path: str | os.PathLike, *, dt_ms: float | None = None) -> None:
    """Write a motif or a circuit as a NIR file, replacing a file there only once the new one is complete."""
    path, graph = Path(path), to_nir(what, dt_ms=dt_ms)
    unfinished = path.with_name(path.name + ".part")
    try:
        imported().write(unfinished, graph)
        unfinished.replace(path)
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror or error}") from None


def from_nir(graph, *, dt_ms: float | None = None) -> FromNir:
    """The circuit of a `nir.NIRGraph`; `dt_ms` where its metadata name no time step.

    Raises `InputError`, one line, where a circuit cannot say the same.
    """
    return circuit_from(graph.to_dict(), dt_ms)


def read_nir(path: str | os.PathLike, *, dt_ms: float | None = None) -> FromNir:
    """The circuit in a NIR file, which nothing outside the file takes part in and no code of which is run.

    Raises `InputError`, one line, for files that are missing, too large, no HDF5, or hold anything but plain numbers
    and names of harmless letters, and where a circuit cannot say the same.
    """
    try:
        return circuit_from(read_graph(Path(path)), dt_ms)
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None
