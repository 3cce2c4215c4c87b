"""The minimal form of a circuit: what is left when all that can go without loss has gone, one level at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.parts import Parts
from evocircuits.measure.table import Table, senders, table_of, with_table
from evocircuits.shape import CONSTANTS

PATIENCE = 3
"""How many parts in a row may turn out indispensable before a level is given up."""
MOST_TRIED = 500
"""Parts of a level; where there are more, they are not tried one by one."""

NONE = np.zeros(0, int)
Loss = tuple[np.ndarray, np.ndarray]
"""What goes at once: neurons and synapses."""
Scores = Callable[[list[Circuit]], list[float]]


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept of a circuit: masks of its neurons, bool[N], and of the synapses of its table, bool[S]."""

    neurons: np.ndarray
    synapses: np.ndarray

    def without(self, neurons: np.ndarray, synapses: np.ndarray) -> "Kept":
        """Less these, int[K] each."""
        left = Kept(self.neurons.copy(), self.synapses.copy())
        left.neurons[neurons], left.synapses[synapses] = False, False
        return left


def minimal_form(circuit: Circuit, parts: Parts, scores: Scores, low: float) -> Circuit:
    """`circuit` less what it can do without, its score never below `low`; `scores` measures circuits on equal trials.

    Populations go first, then projections, neurons and single synapses: of each level the part whose loss costs least,
    and so on while the score holds, twice as many at once each time that it does. Output neurons stay, and so does what
    the task gives. What no input reaches or what reaches no output goes for nothing. Neurons keep their order.
    """
    fixed = _fixed(circuit, parts)
    kept = _pruned(circuit, Kept(np.ones_like(fixed.neurons), np.ones_like(fixed.synapses)), fixed)
    for candidates in (_populations, _projections, _neurons, _synapses):
        kept = _reduced(circuit, candidates(parts, kept, fixed), kept, scores, low)
        kept = _pruned(circuit, kept, fixed)
    return _made(circuit, kept)


def _fixed(circuit: Circuit, parts: Parts) -> Kept:
    """What may not go."""
    neurons, synapses = np.zeros(circuit.n_neurons, dtype=bool), np.zeros(circuit.n_synapses, dtype=bool)
    neurons[circuit.output_neurons] = True
    for p in parts.populations:
        neurons[p.members] |= p.frozen
    for j in parts.projections:
        synapses[j.members] |= j.frozen
    return Kept(neurons, synapses)


def _populations(parts: Parts, kept: Kept, fixed: Kept) -> list[Loss]:
    free = [p.members for p in parts.populations if len(p.members) > 1 and not fixed.neurons[p.members].any()]
    return [(members, NONE) for members in free if kept.neurons[members].any()]


def _projections(parts: Parts, kept: Kept, fixed: Kept) -> list[Loss]:
    free = [j.members for j in parts.projections if len(j.members) > 1 and not j.frozen]
    return [(NONE, members) for members in free if kept.synapses[members].any()]


def _neurons(parts: Parts, kept: Kept, fixed: Kept) -> list[Loss]:
    return [(np.array([k]), NONE) for k in np.flatnonzero(kept.neurons & ~fixed.neurons)]


def _synapses(parts: Parts, kept: Kept, fixed: Kept) -> list[Loss]:
    return [(NONE, np.array([k])) for k in np.flatnonzero(kept.synapses & ~fixed.synapses)]


def _reduced(circuit: Circuit, candidates: list[Loss], kept: Kept, scores: Scores, low: float) -> Kept:
    if not 0 < len(candidates) <= MOST_TRIED:
        return kept
    alone = np.array(scores([_made(circuit, kept.without(*one)) for one in candidates]))
    order = [candidates[k] for k in np.argsort(-alone, kind="stable") if alone[k] >= low]
    failures = 0
    while order and failures < PATIENCE:
        sizes = [2**k for k in range(len(order).bit_length())]
        less = [_less(kept, order[:n]) for n in sizes]
        fine = [k for k, score in enumerate(scores([_made(circuit, k) for k in less])) if score >= low]
        if fine:
            kept, order, failures = less[fine[-1]], order[sizes[fine[-1]] :], 0
        else:
            order, failures = order[1:], failures + 1
    return kept


def _less(kept: Kept, losses: Sequence[Loss]) -> Kept:
    for loss in losses:
        kept = kept.without(*loss)
    return kept


def _made(circuit: Circuit, kept: Kept) -> Circuit:
    table = table_of(circuit)
    stays = _live(circuit, table, kept)
    place = np.cumsum(kept.neurons) - 1
    left = table.rows(stays)
    source = np.where(left.port < 0, place[left.source * (left.port < 0)], left.source)
    arrays = {name: getattr(circuit, name)[kept.neurons] for name in ("excitatory", *CONSTANTS)}
    outputs = {port: place[neurons] for port, neurons in circuit.outputs.items()}
    left = left._replace(source=source, target=place[left.target])
    return with_table(circuit, left, outputs=outputs, **arrays)


def _live(circuit: Circuit, table: Table, kept: Kept) -> np.ndarray:
    """bool[S]: the synapses that are kept, and so are both ends."""
    from_kept = np.ones(len(table.port), dtype=bool)
    between = table.port < 0
    from_kept[between] = kept.neurons[table.source[between]]
    return kept.synapses & from_kept & kept.neurons[table.target]


def _pruned(circuit: Circuit, kept: Kept, fixed: Kept) -> Kept:
    """Less the neurons that cannot be made to spike or whose spikes reach no output, and less their synapses."""
    table = table_of(circuit)
    live, sender = _live(circuit, table, kept), senders(circuit, table)
    channels = sum(a.channels for a in circuit.inputs.values())
    onto = np.zeros((circuit.n_neurons + channels,) * 2, dtype=bool)
    onto[sender[live], table.target[live]] = True
    by_itself = (circuit.bias_pA > 0) | (circuit.threshold_mV <= 0)
    heard = np.zeros(len(onto), dtype=bool)
    heard[circuit.output_neurons] = True
    used = _spread(np.append(by_itself, np.ones(channels, dtype=bool)), onto) & _spread(heard, onto.T)
    neurons = kept.neurons & (fixed.neurons | used[: circuit.n_neurons])
    return Kept(neurons, _live(circuit, table, Kept(neurons, kept.synapses)))


def _spread(reached: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """bool[nodes]: where one gets from the nodes that are `reached`, with these."""
    while not np.array_equal(further := reached | (reached @ onto), reached):
        reached = further
    return reached
