"""Linear paths of a NIR graph as lists of synapses: who reaches whom, with what weight, after how long.

A path runs from spikes (an input, neurons) through nodes that only copy, weight, add and delay, to the next node that
does something else. A matrix is as many synapses as it has entries other than 0.
"""

from typing import NamedTuple

import numpy as np

from evocircuits.errors import InputError
from evocircuits.exchange.nir_fields import Graph, array, exact, told

LINEAR = ("Linear", "Affine", "Scale", "Delay")
MAX_PASSED = 8_000_000
"""Numbers looked at while all paths of a source are followed, so that forks of forks and loops come to an end."""
VISIT = 5000
"""What visiting a node costs beside its numbers."""


class Wires(NamedTuple):
    """S synapses between the units of two nodes; `place` is the unit through which one entered the last matrix."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    delay_ms: np.ndarray
    place: np.ndarray

    def taken(self, rows: np.ndarray) -> "Wires":
        """These rows, in that order."""
        return Wires(*(column[rows] for column in self))


def paths_from(graph: Graph, source: str, width: int) -> dict[str, Wires]:
    """What the `width` units of node `source` reach: each node at the end of a linear path, and the synapses onto it.

    Raises `InputError` for widths that do not fit, for an affine map with a bias, and for paths without end.
    """
    units = np.arange(width)
    start = Wires(units, units, np.ones(width), np.zeros(width), units)
    found: dict[str, list[Wires]] = {}
    pending = [(name, start, width) for name in graph.after[source]]
    passed = 0
    while pending:
        name, wires, width = pending.pop()
        node = graph.nodes[name]
        passed += VISIT + len(wires.source) + np.size(node.get("weight", 0))
        if passed > MAX_PASSED:
            raise InputError(
                f"NIR: expected paths that end at neurons or outputs; got too many from {source!r}"
            )
        if node["type"] in LINEAR:
            wires, width = _through(node, name, wires, width)
            pending += [(after, wires, width) for after in graph.after[name]]
        else:
            found.setdefault(name, []).append(wires)
            _check_width(name, _width(node), width)
    return {name: joined(parts) for name, parts in found.items()}


def joined(parts: list[Wires]) -> Wires:
    """Several lists of synapses as one, in order of their `place`."""
    whole = Wires(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return whole.taken(np.argsort(whole.place, kind="stable"))


def _width(node: dict) -> int | None:
    for field in ("v_threshold", "tau"):
        if field in node:
            return np.size(node[field])
    return int(np.prod(node["shape"])) if "shape" in node else None


def _through(node: dict, name: str, wires: Wires, width: int) -> tuple[Wires, int]:
    """What comes out of a linear node, and how many units it has."""
    wires = wires.taken(np.argsort(wires.target, kind="stable"))
    if node["type"] in ("Linear", "Affine"):
        return _through_matrix(node, name, wires, width)
    field = "delay" if node["type"] == "Delay" else "scale"
    values = array(node, name, field)
    _check_width(name, len(values), width)
    if node["type"] == "Scale":
        return wires._replace(weight=wires.weight * values[wires.target]), width
    delay_ms = exact(node, "delay_ms", 1000 * values)
    return wires._replace(delay_ms=wires.delay_ms + delay_ms[wires.target]), width


def _through_matrix(node: dict, name: str, wires: Wires, width: int) -> tuple[Wires, int]:
    if node["type"] == "Affine" and np.any(array(node, name, "bias")):
        raise InputError(f"NIR: node {name!r}: expected no bias: a current that is filtered has no twin here")
    weight = array(node, name, "weight", ndim=2)
    _check_width(name, weight.shape[1], width)
    entered, left = _entries(node, weight)
    first = np.searchsorted(entered, np.arange(width + 1))
    fan_out = np.diff(first)[wires.target]
    if fan_out.sum() > MAX_PASSED:
        raise InputError(f"NIR: expected at most {MAX_PASSED} synapses; got more at {name!r}")
    row = np.repeat(np.arange(len(fan_out)), fan_out)
    before = np.repeat(np.cumsum(fan_out) - fan_out, fan_out)
    entry = first[wires.target][row] + np.arange(len(row)) - before
    target, place = left[entry], entered[entry]
    wires = wires.taken(row)
    factor = weight[target, place]
    return wires._replace(target=target, weight=wires.weight * factor, place=place), weight.shape[0]


def _entries(node: dict, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of a matrix's entries, column by column; a column of zeros has one where the metadata say so."""
    entered, left = np.nonzero(weight.T)
    target = told(node, "target", weight.shape[1:])
    if target is None:
        return entered, left
    silent = np.flatnonzero(~weight.any(axis=0) & (target >= 0) & (target < weight.shape[0]))
    entered, left = np.concatenate([entered, silent]), np.concatenate([left, target[silent].astype(int)])
    order = np.argsort(entered, kind="stable")
    return entered[order], left[order]


def _check_width(name: str, expected: int | None, width: int) -> None:
    if expected != width:
        raise InputError(
            f"NIR: node {name!r}: expected what precedes it to have {expected} units; got {width}"
        )
