"""The neurons of a NIR graph: their constants, and the receptors at which synapses may end."""

from typing import NamedTuple

import numpy as np

from evocircuits.circuit import MAX_NEURONS
from evocircuits.errors import InputError
from evocircuits.exchange.nir_fields import Graph, array, exact, positive, told
from evocircuits.exchange.nir_paths import Wires

SPIKING = ("LIF", "CubaLIF")


class Cells(NamedTuple):
    """The N neurons of all spiking nodes, in order: node → (first, one past its last)."""

    span: dict[str, tuple[int, int]]
    n: int

    @classmethod
    def of(cls, graph: Graph) -> "Cells":
        """Raises `InputError` for a graph without neurons, or of too many."""
        span, n = {}, 0
        for name, node in graph.nodes.items():
            if node["type"] in SPIKING:
                size = len(array(node, name, "v_threshold"))
                span[name] = (n, n + size)
                n += size
        if not 0 < n <= MAX_NEURONS:
            raise InputError(f"NIR: expected 1…{MAX_NEURONS} LIF or CubaLIF neurons; got {n}")
        return cls(span, n)


class Receptor(NamedTuple):
    """Where synapses end: the node of neurons behind it, what a weight of 1 adds to each of them, and the current's
    time constant (NaN: the membrane itself is stepped).
    """

    neurons: str
    gain: np.ndarray
    tau_ms: np.ndarray


def receptor(graph: Graph, end: str) -> Receptor:
    """The receptor that a node is: CubaLIF, LIF, or an LI with one LIF behind it. Raises `InputError` for others."""
    node = graph.nodes[end]
    if node["type"] == "LIF":
        ones = np.ones_like(array(node, end, "v_threshold"))
        return Receptor(end, ones, np.nan * ones)
    if node["type"] == "CubaLIF":
        tau_s = positive(node, end, "tau_syn")
        return Receptor(end, array(node, end, "w_in") / tau_s, 1000 * tau_s)
    behind = graph.after[end]
    if node["type"] != "LI" or len(behind) != 1 or graph.nodes[behind[0]]["type"] != "LIF":
        raise InputError(
            f"NIR: node {end!r}: expected an LI with one LIF behind it; got {node['type']} → {behind}"
        )
    tau_s = positive(node, end, "tau")
    if np.any(array(node, end, "v_leak")):
        raise InputError(f"NIR: node {end!r}: v_leak: expected 0, a current that decays to nothing")
    if len(tau_s) != len(array(graph.nodes[behind[0]], behind[0], "v_threshold")):
        raise InputError(f"NIR: node {end!r}: expected as many units as {behind[0]!r} has; got {len(tau_s)}")
    return Receptor(behind[0], array(node, end, "r") / tau_s, 1000 * tau_s)


def membranes(graph: Graph, cells: Cells, model: str, notes: list[str]) -> dict[str, np.ndarray]:
    """The float[N] columns of a circuit that have to do with membranes; adds to `notes` where a node tells no t_ref."""
    parts = []
    for name in cells.span:
        node = graph.nodes[name]
        tau_s = positive(node, name, "tau_mem" if node["type"] == "CubaLIF" else "tau")
        r = positive(node, name, "r")
        potentials = [array(node, name, field) for field in ("v_leak", "v_threshold", "v_reset")]
        if len({len(column) for column in (tau_s, r, *potentials)}) > 1:
            raise InputError(f"NIR: node {name!r}: expected equally many values of each constant")
        leak, threshold_mV, reset_mV = potentials
        c_m_pF = (1000 if model == "iaf_psc_exp" else 1) * tau_s / r
        part = {"tau_m_ms": 1000 * tau_s, "c_m_pF": c_m_pF, "bias_pA": leak * c_m_pF / (1000 * tau_s)}
        part |= {"threshold_mV": threshold_mV, "reset_mV": reset_mV, "t_ref_ms": np.zeros_like(tau_s)}
        if told(node, "t_ref_ms", tau_s.shape) is None:
            notes.append(f"node {name!r} tells no t_ref_ms in its metadata: its neurons are never refractory")
        parts.append({to: exact(node, to, column, free=to == "t_ref_ms") for to, column in part.items()})
    return {to: np.concatenate([part[to] for part in parts]) for to in parts[0]}


def currents(
    graph: Graph, cells: Cells, groups: list[tuple[Wires, np.ndarray]], tau_m_ms
) -> dict[str, np.ndarray]:
    """Time constants of currents, float[N] by receptor. Nothing depends on that of a receptor without synapses: it is
    what the metadata say, else that of the membrane.
    """
    columns = {}
    for to, negative in (("tau_syn_ex_ms", False), ("tau_syn_in_ms", True)):
        column, used = tau_m_ms.copy(), np.zeros(cells.n, bool)
        for wires, tau_ms in groups:
            # A weight of 0 has a sign, too: that of its source.
            here = np.flatnonzero((np.signbit(wires.weight) == negative) & np.isfinite(tau_ms))
            column[wires.target[here]] = tau_ms[here]
            used[wires.target[here]] = True
        for name, (first, last) in cells.span.items():
            column[first:last] = exact(graph.nodes[name], to, column[first:last], free=~used[first:last])
        columns[to] = column
    return columns
