"""All synapses of a circuit as one table, those from input channels included, so that a change may meet any of them."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit

_COLUMNS = ("target", "weight_pA", "delay_ms", "rule")


class Table(NamedTuple):
    """S synapses: those between neurons, then those of each input port in the order of `Circuit.inputs`.

    `port`: int[S], −1 between neurons, else which port; `source`: int[S], a neuron, or a channel of that port; the
    other columns are the circuit's.
    """

    port: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight_pA: np.ndarray
    delay_ms: np.ndarray
    rule: np.ndarray

    def rows(self, chosen: np.ndarray) -> "Table":
        """Some of the rows: a mask bool[S], or indices."""
        return Table(*(column[chosen] for column in self))


def table_of(circuit: Circuit) -> Table:
    """The synapses of a circuit."""
    parts = [circuit, *circuit.inputs.values()]
    port = np.repeat(np.arange(len(parts)) - 1, [len(part.target) for part in parts])
    source = np.concatenate([circuit.source, *(a.channel for a in circuit.inputs.values())])
    return Table(port, source, *(np.concatenate([getattr(p, name) for p in parts]) for name in _COLUMNS))


def with_table(circuit: Circuit, table: Table, **changes) -> Circuit:
    """The circuit with these synapses in place of its own, in any order, and further fields changed."""

    def columns(own: Table, source: str) -> dict[str, np.ndarray]:
        return {source: own.source} | {name: getattr(own, name) for name in _COLUMNS}

    inputs = {
        name: replace(afferents, **columns(table.rows(table.port == k), "channel"))
        for k, (name, afferents) in enumerate(circuit.inputs.items())
    }
    return replace(circuit, **columns(table.rows(table.port < 0), "source"), inputs=inputs, **changes)


def from_excitatory(circuit: Circuit, table: Table) -> np.ndarray:
    """bool[S]: whether the source is excitatory, as all input channels are."""
    excitatory = np.ones(len(table.port), dtype=bool)
    between = table.port < 0
    excitatory[between] = circuit.excitatory[table.source[between]]
    return excitatory


def senders(circuit: Circuit, table: Table) -> np.ndarray:
    """int[S]: the source as one number among neurons and, after them, the channels of all ports."""
    channels = [afferents.channels for afferents in circuit.inputs.values()]
    first = np.array([0, *(circuit.n_neurons + np.cumsum([0, *channels[:-1]]))])
    return first[: len(channels) + 1][table.port + 1] + table.source


def content(circuit: Circuit) -> bytes:
    """The synapses in an order that is theirs: equal for circuits that differ in the order of synapses only."""
    rows = np.stack(table_of(circuit)).astype(float)
    return rows[:, np.lexsort(rows)].tobytes()
