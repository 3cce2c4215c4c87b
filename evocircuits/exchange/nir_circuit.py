"""A circuit from a NIR graph: its neurons' constants, and the synapses that its linear paths amount to.

Graphs of `nir_nodes.py` give back the very circuit, id and all; where a graph was changed meanwhile, the change holds.
Others are read as far as a circuit can say the same: LIF and CubaLIF neurons, or LIFs behind LIs as their currents.
"""

import json
from typing import NamedTuple

import numpy as np

from evocircuits.checks import checked_positive, shown
from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.exchange.nir_cells import SPIKING, Cells, currents, membranes, receptor
from evocircuits.exchange.nir_fields import Graph, graph_from, port_of, size_of, told
from evocircuits.exchange.nir_paths import LINEAR, Wires, joined, paths_from
from evocircuits.genome import Genome

READ = ("Input", "Output", "LI", *LINEAR, *SPIKING)
"""The types of nodes that have a twin here."""
LONGEST_GENOME = 4_000_000


class FromNir(NamedTuple):
    """A circuit with its time step, and the genome that developed to it where the graph holds one. `notes` say, a line
    each, where the graph was silent and what was assumed.
    """

    circuit: Circuit
    dt_ms: float
    genome: Genome | None
    notes: tuple[str, ...]


def circuit_from(data: dict, dt_ms: float | None = None) -> FromNir:
    """The circuit of a graph as `nir.NIRGraph.to_dict` tells it.

    `dt_ms` is for graphs whose metadata name no time step. Delays of less than a step take one.

    Raises `InputError` for nodes without a twin here, for neurons whose synapses have both signs (Dale's law), for
    input channels that inhibit, outputs that are not single neurons, and values out of their domain.
    """
    graph = graph_from(data)
    for name, node in graph.nodes.items():
        if node["type"] not in READ:
            raise InputError(
                f"NIR: node {name!r}: expected one of {', '.join(READ)}; got {shown(node['type'])}"
            )
    cells, dt_ms, notes = Cells.of(graph), _dt_ms(graph, dt_ms), []
    own = _between(graph, cells)
    ports = {name: _onto(graph, cells, name, size_of(node, name)) for name, node in _nodes(graph, "Input")}
    model = _model([own, *ports.values()])
    excitatory = _polarity(graph, cells, own, ports)
    constants = membranes(graph, cells, model, notes)
    constants |= currents(graph, cells, [own, *ports.values()], constants["tau_m_ms"])
    circuit = Circuit(
        excitatory,
        **constants,
        source=own.wires.source,
        **_columns(own, dt_ms, notes),
        inputs={
            port_of(graph.nodes[name], name): Afferents(
                size_of(graph.nodes[name], name), port.wires.source, **_columns(port, dt_ms, notes)
            )
            for name, port in ports.items()
        },
        outputs=_outputs(graph, cells),
        model=model,
    )
    return FromNir(circuit, dt_ms, _genome(graph.metadata), tuple(dict.fromkeys(notes)))


class _Synapses(NamedTuple):
    """What reaches neurons from one source: `wires` with signed weights in pA, and each one's current's `tau_ms`, NaN
    where it steps the membrane.
    """

    wires: Wires
    tau_ms: np.ndarray


def _nodes(graph: Graph, kind: str) -> list[tuple[str, dict]]:
    """The inputs or the outputs by name. Raises `InputError` where two are one port."""
    nodes = [(name, node) for name, node in graph.nodes.items() if node["type"] == kind]
    ports = [port_of(node, name) for name, node in nodes]
    if len(set(ports)) < len(ports):
        raise InputError(f"NIR: expected each {kind.lower()} to be a port of its own; got {shown(ports)}")
    return nodes


def _dt_ms(graph: Graph, given: float | None) -> float:
    value = graph.metadata.get("dt_ms") if given is None else given
    if value is None:
        raise InputError(
            "NIR: expected dt_ms in the graph's metadata; got none: give the time step, as dt_ms=…"
        )
    return checked_positive("NIR: dt_ms", value)


def _onto(graph: Graph, cells: Cells, source: str, width: int) -> _Synapses:
    parts, taus = [Wires(*np.zeros((5, 0)))], [np.zeros(0)]
    for end, wires in paths_from(graph, source, width).items():
        if graph.nodes[end]["type"] == "Output":
            continue
        onto = receptor(graph, end)
        weight, first = wires.weight * onto.gain[wires.target], cells.span[onto.neurons][0]
        taus.append(onto.tau_ms[wires.target])
        parts.append(wires._replace(target=wires.target + first, weight=weight))
    order = np.argsort(np.concatenate([part.place for part in parts]), kind="stable")
    return _Synapses(_indexed(joined(parts)), np.concatenate(taus)[order])


def _between(graph: Graph, cells: Cells) -> _Synapses:
    """All synapses between neurons, node by node."""
    parts = [_onto(graph, cells, name, last - first) for name, (first, last) in cells.span.items()]
    firsts = [first for first, _ in cells.span.values()]
    shifted = [
        p.wires._replace(source=p.wires.source + first) for p, first in zip(parts, firsts, strict=True)
    ]
    wires = Wires(*(np.concatenate(columns) for columns in zip(*shifted, strict=True)))
    return _Synapses(wires, np.concatenate([part.tau_ms for part in parts]))


def _indexed(wires: Wires) -> Wires:
    return wires._replace(source=wires.source.astype(int), target=wires.target.astype(int))


def _model(groups: list[_Synapses]) -> str:
    steps = np.isnan(np.concatenate([group.tau_ms for group in groups]))
    if steps.any() and not steps.all():
        raise InputError("NIR: expected synapses that all pass currents, or all step membranes; got both")
    return "iaf_psc_delta" if steps.any() else "iaf_psc_exp"


def _polarity(graph: Graph, cells: Cells, own: _Synapses, ports: dict[str, _Synapses]) -> np.ndarray:
    """bool[N]: as the metadata say, else as the weights do. Raises `InputError` where that breaks Dale's law."""
    weight, source = own.wires.weight, own.wires.source
    excitatory = np.ones(cells.n, bool)
    excitatory[source[weight < 0]] = False
    for name, (first, last) in cells.span.items():
        if (known := told(graph.nodes[name], "excitatory", (last - first,))) is not None:
            excitatory[first:last] = known != 0
    wrong = np.flatnonzero(np.where(excitatory[source], weight < 0, weight > 0))
    if len(wrong):
        kind, first = "excitatory" if excitatory[source[wrong[0]]] else "inhibitory", wrong[0]
        raise InputError(
            f"NIR: expected synapses of one sign from each neuron (Dale's law); "
            f"got {weight[first]:g} from neuron {source[first]}, which is {kind}"
        )
    for name, port in ports.items():
        if np.any(port.wires.weight < 0):
            raise InputError(
                f"NIR: input {name!r}: expected weights ≥ 0, as input channels excite; got negative ones"
            )
    return excitatory


def _columns(synapses: _Synapses, dt_ms: float, notes: list[str]) -> dict[str, np.ndarray]:
    _, target, weight, delay_ms, _ = synapses.wires
    short = delay_ms < dt_ms * (1 - 1e-9)
    if short.any():
        notes.append(f"synapses without a delay, or one below dt_ms = {dt_ms:g}, take one step")
    return {"target": target, "weight_pA": np.abs(weight), "delay_ms": np.where(short, dt_ms, delay_ms)}


def _outputs(graph: Graph, cells: Cells) -> dict[str, np.ndarray]:
    """Port → int[K], the neuron behind each unit of an output."""
    found = {name: [Wires(*np.zeros((5, 0)))] for name, _ in _nodes(graph, "Output")}
    for name, (first, last) in cells.span.items():
        for end, wires in paths_from(graph, name, last - first).items():
            if end in found:
                found[end].append(wires._replace(source=wires.source + first))
    outputs = {}
    for name, parts in found.items():
        wires, size = _indexed(joined(parts)), size_of(graph.nodes[name], name)
        whole = sorted(wires.target.tolist()) == list(range(size))
        if not whole or np.any(wires.weight != 1) or np.any(wires.delay_ms):
            raise InputError(
                f"NIR: output {name!r}: expected each of its {size} units to be one neuron's spikes"
            )
        outputs[port_of(graph.nodes[name], name)] = wires.source[np.argsort(wires.target)]
    return outputs


def _genome(metadata: dict) -> Genome | None:
    text = metadata.get("genome")
    if text is None:
        return None
    try:
        if not isinstance(text, str) or len(text) > LONGEST_GENOME:
            raise ValueError("no text")
        return Genome.from_dict(json.loads(text))
    except (ValueError, RecursionError, OverflowError, TypeError) as error:
        raise InputError(f"NIR: metadata: expected a genome as JSON; got {shown(error)}") from None
