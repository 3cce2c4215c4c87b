"""A circuit as the kernel's tables: who passes what to whom, and when.

Sources are the neurons and, after them, the input channels, ports in order of their names. What waits in the kernel's
queue is a row of the table of synapses, with the mask of the lanes in which it will pass a spike: an entry more costs
less than a loop of unknown length. Only in static circuits where many synapses have equal source and delay, these wait
together, as a bundle. A spike-timing synapse has a second row, whose source is its target: through it the postsynaptic
spikes reach the synapse. NEST puts the whole delay d on the dendrite, so that a synapse meets a presynaptic spike at
once, a postsynaptic one d later, and passes its weight on d after that; here both come d later than in NEST (after d
and 2 d), which leaves every difference of times as it is and lets a weight be worked out when it is passed on.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.plasticity import Plasticity, ShortTerm
from evocircuits.simulator.models import P11_EX, P11_IN, P22, RESPONSES, delay_steps, propagators

STATIC, SHORT_TERM, PRESYNAPTIC, POSTSYNAPTIC = range(4)
"""Kinds of rows."""
UTILISATION, RATE_REC, RATE_FAC = range(3)
"""Columns of a short-term rule: U, h/τ_rec, h/τ_fac (infinite: no facilitation)."""
POTENTIATION, DEPRESSION, MU_PLUS, MU_MINUS, BOUND, RATE_PLUS, RATE_MINUS, PER_BOUND = range(8)
"""Columns of a spike-timing rule: λ, α λ, μ₊, μ₋, W, h/τ₊, h/τ₋, 1/W."""
DECAYS = 4096
"""Steps for which the decay of a trace is tabulated: the exponential is most of what plasticity costs."""
FEW_ALIKE = 5
"""Static synapses of equal source and delay wait one by one where they are so few, on average."""
ROW_PADDING = 48
"""Numbers that separate the rows of two neurons, so that they do not fall on the same place of the first-level cache
(rows a power of two apart cost a third of the speed)."""


class Wiring(NamedTuple):
    """Tables of a circuit with N neurons, C channels, E units that wait in the queue, S rows of synapses, R rules and K
    time constants of traces, for one time step, number type and lane count.
    """

    propagator: np.ndarray  # float[N, 10], columns of models.py, but P22 and P11 less 1
    inhibited: np.ndarray  # uint8[N]: whether any inhibitory synapse ends here
    source_start: np.ndarray  # uint64[N + C + 1]: what waits after a spike of a source
    unit_delay: np.ndarray  # uint64[E]: slots from the source's spike to the start of the step that it moves
    unit_code: np.ndarray  # uint64[E]: a row, or a bundle (_codes)
    row_into: np.ndarray  # uint64[S]: offset of the receptor's first lane in the state
    row_weight: np.ndarray  # float[S]: signed; of spike-timing synapses what 1 pA of their weight adds
    row_kind: np.ndarray  # uint8[S]
    row_rule: np.ndarray  # uint32[S]
    row_plastic: np.ndarray  # uint32[S]: which of the plastic synapses it is of
    rules: np.ndarray  # float[R, 8]
    rule_decays: np.ndarray  # uint32[R, 2]: of which table K₊ and K₋ decay
    decays: np.ndarray  # float[K, DECAYS]: e^{−k h/τ} for k = 0, 1, …

    def capacity(self, repeats: int) -> int:
        """How many units may wait in one slot, when a channel has up to `repeats` spikes in a step."""
        of_neurons = int(self.source_start[len(self.propagator)])
        return max(1, of_neurons + repeats * (len(self.unit_delay) - of_neurons))

    @property
    def plastic(self) -> bool:
        """Whether any synapse is."""
        return len(self.rules) > 0

    @property
    def slots_per_step(self) -> int:
        """Slots of the queue for one step: in plastic circuits postsynaptic spikes have one of their own, before that
        of the others; a synapse has met them when it passes a spike, and no branch need tell them apart.
        """
        return 2 if self.plastic else 1

    @property
    def n_slots(self) -> int:
        """Slots of the queue: the longest delay, and the present."""
        return (int(self.unit_delay.max(initial=1)) // self.slots_per_step + 1) * self.slots_per_step

    @property
    def bundled(self) -> bool:
        """Whether there are bundles."""
        return len(self.row_into) > len(self.unit_delay)


class PlasticSynapses(NamedTuple):
    """The plastic synapses in the order of the kernel's memory, those of spike timing before the others: `port` (None:
    between neurons), `index` into the synapses of that port or of the circuit, initial weights and, for those of spike
    timing only, bounds in pA.
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
    synapses = _synapses(circuit, dt_ms)
    if circuit.plasticity:
        rows, plastic = _plastic_rows(synapses, circuit.plasticity, response.lag)
    else:
        rows, plastic = _static_rows(synapses, response.lag), _no_plastic_synapses()
    start = _unit_start(rows)
    into = synapses.target * (4 * lanes + ROW_PADDING) + lanes
    into[synapses.inhibitory] += lanes
    gain = response.gain(circuit)[synapses.target]
    gain[synapses.inhibitory] *= -1
    inhibited = np.zeros(circuit.n_neurons, np.uint8)
    inhibited[synapses.target[synapses.inhibitory]] = 1
    wiring = Wiring(
        propagator=_losses(propagators(circuit, dt_ms)).astype(dtype),
        inhibited=inhibited,
        source_start=rows.source[start[:-1]]
        .searchsorted(np.arange(synapses.n_sources + 1))
        .astype(np.uint64),
        unit_delay=rows.slots[start[:-1]].astype(np.uint64),
        unit_code=_codes(start),
        row_into=into[rows.synapse].astype(np.uint64),
        row_weight=_representable(gain[rows.synapse] * rows.factor, dtype),
        row_kind=rows.kind,
        row_rule=rows.rule,
        row_plastic=rows.plastic,
        **_learning(circuit.plasticity, dt_ms, dtype),
    )
    return wiring, plastic


class _Synapses(NamedTuple):
    """All synapses of a circuit, those between neurons first, then port by port (`sizes`, and `ports`, None for the
    circuit's own): `source` and `target` as the kernel counts them, delay in `steps`, and in `arrival` one less where
    a spike moves the step that it falls into (input spikes).
    """

    n_sources: int
    ports: tuple[str | None, ...]
    sizes: list[int]
    source: np.ndarray
    target: np.ndarray
    steps: np.ndarray
    arrival: np.ndarray
    weight_pA: np.ndarray
    rule: np.ndarray
    inhibitory: np.ndarray


def _synapses(circuit: Circuit, dt_ms: float) -> _Synapses:
    n_sources, own = circuit.n_neurons, len(circuit.source)
    ports = sorted(circuit.inputs)  # equal circuits may hold them in another order
    parts, sources = [circuit], [circuit.source]
    for name in ports:
        afferents = circuit.inputs[name]
        parts.append(afferents)
        sources.append(afferents.channel + n_sources)
        n_sources += afferents.channels
    source = np.concatenate(sources)
    steps = _delay_steps(circuit, np.concatenate([part.delay_ms for part in parts]), dt_ms)
    arrival = steps.copy()
    arrival[own:] -= 1
    inhibitory = np.zeros(len(source), bool)
    np.logical_not(circuit.excitatory[circuit.source], out=inhibitory[:own])
    return _Synapses(
        n_sources,
        (None, *ports),
        [len(part) for part in sources],
        source,
        np.concatenate([part.target for part in parts]),
        steps,
        arrival,
        np.concatenate([part.weight_pA for part in parts]),
        np.concatenate([part.rule for part in parts]),
        inhibitory,
    )


def _delay_steps(circuit: Circuit, delay_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """`delay_steps` of all synapses at once; what is wrong is told of the circuit or the port that it is in."""
    try:
        return delay_steps("Circuit", delay_ms, dt_ms)
    except InputError:
        delay_steps("Circuit", circuit.delay_ms, dt_ms)
        for name, afferents in sorted(circuit.inputs.items()):
            delay_steps(f"Circuit.inputs[{name!r}]", afferents.delay_ms, dt_ms)
        raise


class _Rows(NamedTuple):
    """Every `synapse` under its source, and every spike-timing synapse once more under its target, sorted: `slots` from
    the source's spike to the row's turn, the `factor` by which the receptor's gain becomes the row's weight; `kind`,
    `rule` and `plastic` as in `Wiring`.
    """

    synapse: np.ndarray
    source: np.ndarray
    slots: np.ndarray
    factor: np.ndarray
    kind: np.ndarray
    rule: np.ndarray
    plastic: np.ndarray


def _static_rows(synapses: _Synapses, lag: int) -> _Rows:
    order, n = np.lexsort((synapses.target, synapses.arrival, synapses.source)), len(synapses.source)
    return _Rows(
        order,
        synapses.source[order],
        synapses.arrival[order] + lag,
        synapses.weight_pA[order],
        np.zeros(n, np.uint8),
        np.zeros(n, np.uint32),
        np.zeros(n, np.uint32),
    )


def _plastic_rows(
    synapses: _Synapses, rules: tuple[Plasticity, ...], lag: int
) -> tuple[_Rows, PlasticSynapses]:
    kinds = [SHORT_TERM if isinstance(rule, ShortTerm) else PRESYNAPTIC for rule in rules]
    kind = np.array([*kinds, STATIC])[synapses.rule]
    timing = np.flatnonzero(kind == PRESYNAPTIC)
    plastic = np.concatenate([timing, np.flatnonzero(kind == SHORT_TERM)])
    place = np.zeros(len(kind), np.int64)
    place[plastic] = np.arange(len(plastic))
    factor = np.where(kind == PRESYNAPTIC, 1.0, synapses.weight_pA)

    synapse = np.concatenate([np.arange(len(kind)), timing])
    source = np.concatenate([synapses.source, synapses.target[timing]])
    delay = np.concatenate([synapses.arrival, 2 * synapses.steps[timing]]) + lag
    kind = np.concatenate([kind, np.full(len(timing), POSTSYNAPTIC)])
    order = np.lexsort((synapses.target[synapse], synapses.rule[synapse], kind, delay, source))
    synapse, kind = synapse[order], kind[order]
    rows = _Rows(
        synapse,
        source[order],
        2 * delay[order] + (kind != POSTSYNAPTIC),
        factor[synapse],
        kind.astype(np.uint8),
        np.maximum(synapses.rule[synapse], 0).astype(np.uint32),
        place[synapse].astype(np.uint32),
    )
    port = np.repeat(np.array(synapses.ports, object), synapses.sizes)
    index = np.concatenate([np.arange(size) for size in synapses.sizes])
    bounds_pA = np.array([getattr(rule, "max_weight", np.inf) for rule in rules])[synapses.rule[timing]]
    return rows, PlasticSynapses(port[plastic], index[plastic], synapses.weight_pA[plastic], bounds_pA)


def _no_plastic_synapses() -> PlasticSynapses:
    return PlasticSynapses(np.zeros(0, object), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


def _learning(plasticity: tuple[Plasticity, ...], dt_ms: float, dtype: np.dtype) -> dict[str, np.ndarray]:
    """The tables of a `Wiring` that hold its rules."""
    if not plasticity:
        return {
            "rules": np.zeros((0, 8), dtype),
            "rule_decays": np.zeros((0, 2), np.uint32),
            "decays": np.zeros((0, DECAYS), dtype),
        }
    rules = np.array([_constants(rule, dt_ms) for rule in plasticity])
    rates, tables = np.unique(rules[:, [RATE_PLUS, RATE_MINUS]], return_inverse=True)
    return {
        "rules": rules.astype(dtype),
        "rule_decays": tables.reshape(-1, 2).astype(np.uint32),
        "decays": np.exp(-rates[:, None] * np.arange(DECAYS)).astype(dtype),
    }


def _unit_start(rows: _Rows) -> np.ndarray:
    """int[E + 1]: where what waits as one begins: each row, or in static circuits those of equal source and slot if
    they are many.
    """
    n, source, slots = len(rows.source), rows.source, rows.slots
    new = (source[1:] != source[:-1]) | (slots[1:] != slots[:-1])
    if n <= FEW_ALIKE * (1 + np.count_nonzero(new)) or rows.kind.any():
        return np.arange(n + 1)
    return np.concatenate([[0], np.flatnonzero(new) + 1, [n]])


def _codes(start: np.ndarray) -> np.ndarray:
    """uint64[E]: the row that waits; of bundles the first, and in the upper half of the number how many they hold."""
    n_units = len(start) - 1
    if start[-1] == n_units:
        return np.arange(n_units, dtype=np.uint64)
    return (start[:-1] + (np.diff(start) << 32)).astype(np.uint64)


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


def _constants(rule: Plasticity, dt_ms: float) -> list[float]:
    if isinstance(rule, ShortTerm):
        facilitation = dt_ms / rule.tau_fac_ms if rule.tau_fac_ms else np.inf
        return [rule.utilisation, dt_ms / rule.tau_rec_ms, facilitation, *[0.0] * 5]
    rates = [dt_ms / rule.tau_plus_ms, dt_ms / rule.tau_minus_ms]
    learning = [rule.learning_rate, rule.alpha * rule.learning_rate]
    return [*learning, rule.mu_plus, rule.mu_minus, rule.max_weight, *rates, 1 / rule.max_weight]
