"""Matched controls: what a circuit owes to its wiring, beyond what it is made of.

`random_like` keeps the neurons, and how many synapses of which weights and delays there are between the polarities;
`rewired` keeps in addition every neuron's numbers of incoming and outgoing synapses of either sign, by swaps of edges
(Maslov & Sneppen, Science 296 (2002); Milo et al., Science 298 (2002)). Both are circuits under Dale's law.
"""

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.kernels import swap_targets
from evocircuits.measure.table import Table, from_excitatory, senders, table_of, with_table

SWAPS = 20
"""Attempts at a swap for each synapse."""


def random_like(circuit: Circuit, rng: np.random.Generator, fixed: np.ndarray | None = None) -> Circuit:
    """A random circuit of the same neurons and ports, drawn from `rng`.

    It has as many synapses as `circuit` from excitatory and from inhibitory neurons and from each input port onto
    excitatory and onto inhibitory ones, in each such class of the same weights (with their rules) and the same delays,
    drawn for one another. Two synapses have the same ends, or one ends where it begins, only where some have to, or
    some of that class in `circuit` do. `fixed`: a mask bool[S] of its table: synapses that stay.
    """
    table = table_of(circuit)
    drawn = Table(*(column.copy() for column in table))
    free = np.ones(len(table.port), dtype=bool) if fixed is None else ~fixed
    classes = 2 * _source_kind(circuit, table) + circuit.excitatory[table.target]
    for one in np.unique(classes[free]):
        rows = np.flatnonzero(free & (classes == one))
        drawn.source[rows], drawn.target[rows] = _ends(circuit, table, rows, ~free, rng)
        by_weight = rng.permutation(rows)
        drawn.weight_pA[rows], drawn.rule[rows] = table.weight_pA[by_weight], table.rule[by_weight]
        drawn.delay_ms[rows] = table.delay_ms[rng.permutation(rows)]
    return with_table(circuit, drawn)


def rewired(circuit: Circuit, rng: np.random.Generator, fixed: np.ndarray | None = None) -> Circuit:
    """`circuit` after `SWAPS` attempts per synapse to exchange the targets of two of them, drawn from `rng`.

    Both come from excitatory neurons, from inhibitory ones, or from one input port; each keeps its weight, delay and
    rule. No swap makes two synapses of the same ends, or one that ends where it begins where `circuit` has none.
    `fixed`: a mask bool[S] of its table: synapses that stay.
    """
    table = table_of(circuit)
    free = np.flatnonzero(np.ones(len(table.port), dtype=bool) if fixed is None else ~fixed)
    if not len(free):
        return circuit
    sender, target = senders(circuit, table), table.target.copy()
    present = np.zeros((sender.max() + 1, circuit.n_neurons), np.int32)
    np.add.at(present, (sender, target), 1)
    loops = bool(np.any(sender == target))
    swap_targets(sender, target, present, loops, _pairs(_source_kind(circuit, table)[free], free, rng))
    return with_table(circuit, table._replace(target=target))


def _source_kind(circuit: Circuit, table: Table) -> np.ndarray:
    """int[S]: 0 and 1 for inhibitory and excitatory neurons, from 2 on the input ports."""
    return np.where(table.port < 0, from_excitatory(circuit, table).astype(int), table.port + 2)


def _ends(
    circuit: Circuit, table: Table, rows: np.ndarray, fixed: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """int[2, K]: sources and targets for the K synapses of a class, those in `rows`."""
    port, target = table.port[rows[0]], table.target[rows[0]]
    if port >= 0:
        sources = np.arange(list(circuit.inputs.values())[port].channels)
    else:
        sources = np.flatnonzero(circuit.excitatory == circuit.excitatory[table.source[rows[0]]])
    targets = np.flatnonzero(circuit.excitatory == circuit.excitatory[target])
    pairs = np.stack(np.meshgrid(sources, targets, indexing="ij")).reshape(2, -1)
    taken = fixed & (table.port == port)
    allowed = ~np.isin(_code(circuit, *pairs), _code(circuit, table.source[taken], table.target[taken]))
    if port < 0 and not np.any(table.source[rows] == table.target[rows]):
        allowed &= pairs[0] != pairs[1]
    pairs = pairs[:, allowed] if allowed.any() else pairs
    times, more = divmod(len(rows), pairs.shape[1])
    some = rng.choice(pairs.shape[1], more, replace=False)
    return np.append(np.tile(pairs, times), pairs[:, some], axis=1)


def _code(circuit: Circuit, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return source * circuit.n_neurons + target


def _pairs(kind: np.ndarray, free: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int[attempts, 2]: any of the `free` synapses, and one of the same `kind`, int[free]."""
    order = np.argsort(kind, kind="stable")
    start, size = np.searchsorted(kind[order], kind), np.bincount(kind)[kind]
    one = rng.integers(len(free), size=SWAPS * len(free))
    other = order[start[one] + (rng.random(len(one)) * size[one]).astype(int)]
    return np.stack([free[one], free[other]], axis=1)
