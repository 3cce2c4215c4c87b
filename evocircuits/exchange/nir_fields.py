"""A NIR graph as plain dictionaries, and what its nodes say: arrays that are checked, and numbers told more exactly.

The metadata repeat in our own units what NIR tells in others (1000 × (t / 1000) need not be t): where the two agree but
for the last digits, the metadata's are taken, and where a graph was changed, its own.
"""

from typing import NamedTuple

import numpy as np

from evocircuits.checks import shown
from evocircuits.circuit import MAX_CHANNELS
from evocircuits.errors import InputError

SAME = 1e-12
"""The relative difference up to which a number of the metadata replaces one of the graph."""


class Graph(NamedTuple):
    """`nodes`: name → its fields, `type` among them, as `nir.NIRNode.to_dict` gives them; `after`: name → the nodes
    that follow; `metadata`.
    """

    nodes: dict[str, dict]
    after: dict[str, list[str]]
    metadata: dict


def graph_from(data: dict) -> Graph:
    """The graph of `nir.NIRGraph.to_dict()`. Raises `InputError` for edges from or to nowhere, or twice the same."""
    nodes, after = data["nodes"], {name: [] for name in data["nodes"]}
    for start, end in data["edges"]:
        if start not in nodes or end not in nodes or end in after[start]:
            raise InputError(
                f"NIR: expected distinct edges between nodes of the graph; got {start!r} → {end!r}"
            )
        after[start].append(end)
    return Graph(nodes, after, data.get("metadata") or {})


def array(node: dict, name: str, field: str, ndim: int = 1) -> np.ndarray:
    """float[…] of `ndim` dimensions, finite. Raises `InputError` where the node of that `name` lacks it."""
    values = node.get(field)
    numbers = getattr(values, "dtype", np.dtype(object)).kind in "iuf"
    if not numbers or values.ndim != ndim or not np.all(np.isfinite(values)):
        raise InputError(f"NIR: node {name!r}: {field}: expected finite numbers in {ndim} dimension(s)")
    return np.asarray(values, float)


def positive(node: dict, name: str, field: str) -> np.ndarray:
    """float[…] of one dimension, > 0. Raises `InputError` where the node lacks it."""
    values = array(node, name, field)
    if not np.all(values > 0):
        raise InputError(f"NIR: node {name!r}: {field}: expected values > 0; got {values.min():g}")
    return values


def told(node: dict, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """float[`shape`] of that name in a node's metadata; None where it is not there, or not finite."""
    values = (node.get("metadata") or {}).get(name)
    if getattr(values, "dtype", np.dtype(object)).kind not in "biuf" or np.shape(values) != shape:
        return None
    values = np.asarray(values, float)
    return values if np.all(np.isfinite(values)) else None


def exact(node: dict, name: str, of_graph: np.ndarray, free=False) -> np.ndarray:
    """`of_graph` to the last digit, where the metadata tell it; where `free`, what they tell in place of the graph."""
    values = told(node, name, of_graph.shape)
    if values is None:
        return of_graph
    return np.where(free | (np.abs(values - of_graph) <= SAME * np.abs(of_graph)), values, of_graph)


def size_of(node: dict, name: str) -> int:
    """How many units an input or an output has. Raises `InputError` for more than one dimension."""
    shape = np.asarray(node.get("shape"))
    if shape.dtype.kind not in "iu" or shape.size != 1 or not 0 <= shape.item() <= MAX_CHANNELS:
        raise InputError(
            f"NIR: node {name!r}: expected a shape of one dimension; got {shown(node.get('shape'))}"
        )
    return int(shape.item())


def port_of(node: dict, name: str) -> str:
    """The port of an input or an output: its name in the metadata, else the node's."""
    port = (node.get("metadata") or {}).get("port", name)
    if not isinstance(port, str) or len(port) > 1000:
        raise InputError(f"NIR: node {name!r}: port: expected a name; got {shown(port)}")
    return port
