"""A circuit as the kernel's tables: who passes what to whom, and when.

Sources are the neurons and, after them, the input channels, ports in order of their names. A source's synapses of equal
delay and rule form a group, the unit that waits in the kernel's queue. A spike-timing synapse has a second group, whose
source is its target: through it the postsynaptic spikes reach the synapse. NEST puts the whole delay d on the dendrite,
so that a synapse meets a presynaptic spike at once, a postsynaptic one d later, and passes its weight on d after that;
here both come d later than in NEST (after d and 2 d), which leaves every difference of times as it is and lets a weight
be worked out when it is passed on.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.plasticity import Plasticity, ShortTerm
from evocircuits.simulator.models import P11_EX, P11_IN, P22, RESPONSES, delay_steps, propagators

STATIC, SHORT_TERM, PRESYNAPTIC, POSTSYNAPTIC = range(4)
"""Kinds of groups."""
UTILISATION, RATE_REC, RATE_FAC = range(3)
"""Columns of a short-term rule: U, h/τ_rec, h/τ_fac (infinite: no facilitation)."""
POTENTIATION, DEPRESSION, MU_PLUS, MU_MINUS, BOUND, RATE_PLUS, RATE_MINUS, PER_BOUND = range(8)
"""Columns of a spike-timing rule: λ, α λ, μ₊, μ₋, W, h/τ₊, h/τ₋, 1/W."""
DECAYS = 4096
"""Steps for which the decay of a trace is tabulated: the exponential is most of what plasticity costs."""
ROW_PADDING = 48
"""Numbers that separate the rows of two neurons, so that they do not fall on the same place of the first-level cache
(rows a power of two apart cost a third of the speed)."""


class Wiring(NamedTuple):
    """Tables of a circuit with N neurons, C channels, G groups, S rows of synapses, P spike-timing synapses, M plastic
    groups and R rules, for one time step, number type and lane count.
    """

    propagator: np.ndarray  # float[N, 10], columns of models.py, but P22 and P11 less 1
    inhibited: np.ndarray  # uint8[N]: whether any inhibitory synapse ends here
    group_start: np.ndarray  # uint64[N + C + 1]: the groups of a source
    group_delay: np.ndarray  # uint64[G]: steps from the source's spike to the start of the step that it moves
    group_code: (
        np.ndarray
    )  # uint64[G]: what waits in the queue: the group, or if all are static its rows (_rows)
    group_kind: np.ndarray  # uint64[G]
    group_rule: np.ndarray  # uint64[G]
    group_memory: np.ndarray  # uint64[G]: a plastic group's place in the memory
    synapse_start: np.ndarray  # uint64[G + 1]: the rows of a group
    synapse_into: np.ndarray  # uint64[S]: offset of the receptor's first lane in the state
    synapse_weight: np.ndarray  # float[S]: signed; of spike-timing synapses what 1 pA of their weight adds
    synapse_plastic: np.ndarray  # uint64[S]: the spike-timing synapse that a row is of
    plastic_pre: np.ndarray  # uint64[P]: memory of the presynaptic and of the postsynaptic group
    plastic_post: np.ndarray  # uint64[P]
    rules: np.ndarray  # float[R, 8]
    decays: np.ndarray  # float[R, 2, DECAYS]: e^{−k h/τ₊} and e^{−k h/τ₋} for k = 0, 1, …

    def capacity(self, repeats: int) -> int:
        """How many groups may wait in one slot, when a channel has up to `repeats` spikes in a step."""
        of_neurons = int(self.group_start[len(self.propagator)])
        return max(1, of_neurons + repeats * (len(self.group_delay) - of_neurons))

    @property
    def n_slots(self) -> int:
        """Slots of the queue: the longest delay, and the present."""
        return int(self.group_delay.max(initial=1)) + 1

    @property
    def plastic(self) -> bool:
        """Whether any synapse is."""
        return len(self.rules) > 0


class PlasticSynapses(NamedTuple):
    """The spike-timing synapses, in the order of the kernel's weights: `port` (None: between neurons), `index` into
    the synapses of that port or of the circuit, initial weights and bounds in pA.
    """

    port: np.ndarray
    index: np.ndarray
    weight_pA: np.ndarray
    max_weight_pA: np.ndarray


class _Same:
    """A circuit as a key that costs nothing to hash: equal to itself only."""

    def __init__(self, circuit: Circuit):
        self.circuit = circuit

    def __eq__(self, other) -> bool:
        return self.circuit is other.circuit

    def __hash__(self) -> int:
        return id(self.circuit)


def wire(circuit: Circuit, dt_ms: float, dtype: np.dtype, lanes: int) -> tuple[Wiring, PlasticSynapses]:
    """The tables of `circuit`; the last few are kept, since closed loops ask for the same ones at every step.

    Raises `InputError` for delays below `dt_ms` and weights beyond the range of `dtype`.
    """
    return _wire(_Same(circuit), float(dt_ms), dtype, lanes)


@lru_cache(maxsize=8)
def _wire(key: _Same, dt_ms: float, dtype: np.dtype, lanes: int) -> tuple[Wiring, PlasticSynapses]:
    circuit = key.circuit
    response = RESPONSES[circuit.model]
    n = circuit.n_neurons
    # All synapses, those between neurons first, as columns.
    parts = [(circuit, circuit.source, 0, None, "Circuit")]
    n_sources = n
    for name, afferents in sorted(circuit.inputs.items()):  # equal circuits may hold them in another order
        parts.append((afferents, afferents.channel + n_sources, 1, name, f"Circuit.inputs[{name!r}]"))
        n_sources += afferents.channels
    steps = np.concatenate([delay_steps(owner, part.delay_ms, dt_ms) for part, *_, owner in parts])
    source = np.concatenate([part[1] for part in parts])
    target, weight_pA, rule = (
        np.concatenate([getattr(part[0], name) for part in parts]) for name in ("target", "weight_pA", "rule")
    )
    early = np.repeat([part[2] for part in parts], [len(part[1]) for part in parts])
    port = np.repeat(np.array([part[3] for part in parts], object), [len(part[1]) for part in parts])
    index = np.concatenate([np.arange(len(part[1])) for part in parts])
    inhibitory = np.zeros(len(source), bool)
    inhibitory[: len(circuit.source)] = ~circuit.excitatory[circuit.source]

    kinds = [SHORT_TERM if isinstance(known, ShortTerm) else PRESYNAPTIC for known in circuit.plasticity]
    kind = np.array([*kinds, STATIC])[rule]
    timing = np.flatnonzero(kind == PRESYNAPTIC)
    plastic = np.zeros(len(source), np.int64)
    plastic[timing] = np.arange(len(timing))
    signed = np.where(inhibitory, -1.0, 1.0) * response.gain(circuit)[target]
    weight = np.where(kind == PRESYNAPTIC, signed, signed * weight_pA)
    into = target * (4 * lanes + ROW_PADDING) + (1 + inhibitory) * lanes

    # Rows: every synapse under its source, and every spike-timing synapse once more under its target.
    rows = np.concatenate([np.arange(len(source)), timing])
    row_source = np.concatenate([source, target[timing]])
    row_delay = np.concatenate([steps + response.lag - early, 2 * steps[timing] + response.lag])
    row_kind = np.concatenate([kind, np.full(len(timing), POSTSYNAPTIC)])
    row_rule = rule[rows]
    order = np.lexsort((target[rows], row_rule, row_kind, row_delay, row_source))
    keys = np.stack([row_source, row_delay, row_kind, row_rule])[:, order]
    first = np.flatnonzero(np.concatenate([[len(order) > 0], np.any(keys[:, 1:] != keys[:, :-1], axis=0)]))
    group_of_row = np.searchsorted(first, np.arange(len(order)), side="right") - 1
    group_source, group_delay, group_kind, group_rule = keys[:, first]
    group_memory = np.cumsum(group_kind != STATIC) - (group_kind != STATIC)
    memory_of_row = np.empty(len(order), np.int64)
    memory_of_row[order] = group_memory[group_of_row]
    inhibited = np.zeros(n, np.uint8)
    inhibited[target[inhibitory]] = 1
    rules = np.array([_constants(known, dt_ms) for known in circuit.plasticity]).reshape(-1, 8)
    unsigned = np.uint64
    start = np.append(first, len(order))
    row_weight = _representable(weight[rows[order]], dtype)
    wiring = Wiring(
        propagator=_losses(propagators(circuit, dt_ms)).astype(dtype),
        inhibited=inhibited,
        group_start=np.searchsorted(group_source, np.arange(n_sources + 1)).astype(unsigned),
        group_delay=group_delay.astype(unsigned),
        group_code=np.arange(len(first), dtype=unsigned) if circuit.plasticity else _rows(start),
        group_kind=group_kind.astype(unsigned),
        group_rule=np.maximum(group_rule, 0).astype(unsigned),
        group_memory=group_memory.astype(unsigned),
        synapse_start=start.astype(unsigned),
        synapse_into=into[rows[order]].astype(unsigned),
        synapse_weight=row_weight,
        synapse_plastic=plastic[rows[order]].astype(unsigned),
        plastic_pre=memory_of_row[timing].astype(unsigned),
        plastic_post=memory_of_row[len(source) :].astype(unsigned),
        rules=rules.astype(dtype),
        decays=np.exp(-rules[:, [RATE_PLUS, RATE_MINUS], None] * np.arange(DECAYS)).astype(dtype),
    )
    return wiring, PlasticSynapses(port[timing], index[timing], weight_pA[timing], rules[rule[timing], BOUND])


def _representable(weight: np.ndarray, dtype: np.dtype) -> np.ndarray:
    largest = np.abs(weight).max(initial=0.0)
    if largest > np.finfo(dtype).max:
        raise InputError(
            f"weight_pA: expected what {dtype} can hold, up to {np.finfo(dtype).max:.2g}; got {largest:.2g}"
        )
    return weight.astype(dtype)


def _losses(propagator: np.ndarray) -> np.ndarray:
    """With what decays lose in a step in place of what is left, P − 1: a float32 near 1 would forget most of it."""
    propagator[:, [P22, P11_EX, P11_IN]] -= 1
    return propagator


def _rows(start: np.ndarray) -> np.ndarray:
    """Of each group the first of its rows, and in the upper half of the number how many there are."""
    return (start[:-1] + (np.diff(start) << 32)).astype(np.uint64)


def _constants(rule: Plasticity, dt_ms: float) -> list[float]:
    if isinstance(rule, ShortTerm):
        facilitation = dt_ms / rule.tau_fac_ms if rule.tau_fac_ms else np.inf
        return [rule.utilisation, dt_ms / rule.tau_rec_ms, facilitation, *[0.0] * 5]
    rates = [dt_ms / rule.tau_plus_ms, dt_ms / rule.tau_minus_ms]
    learning = [rule.learning_rate, rule.alpha * rule.learning_rate]
    return [*learning, rule.mu_plus, rule.mu_minus, rule.max_weight, *rates, 1 / rule.max_weight]
