"""`simulate`: a circuit, a stimulus, what to record → a recording."""

from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from typing import NamedTuple

import numpy as np

from evocircuits.checks import checked_positive
from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator.currents import Injected, injected, nothing_injected
from evocircuits.simulator.events import Events, binned
from evocircuits.simulator.kernels import LANE_WIDTHS, MEMORY, PASSED, advance_lanes
from evocircuits.simulator.models import steps_of
from evocircuits.simulator.state import PACKED_AT_ONCE, Batch, Left, Queue, State
from evocircuits.simulator.stimulus import Spikes, Stimulus
from evocircuits.simulator.wiring import PlasticSynapses, Wiring, wire

UNLIMITED = 2**62
"""Spikes: more than there can be."""
FIRST_GUESS = 2**16
"""Spikes of a block that are first given room to be recorded; it takes memory only as far as it fills."""
MAX_STEPS = 2**24
"""The longest run in one piece: float32 counts no further in steps of one."""


@dataclass(frozen=True)
class Record:
    """What to store beside spike counts.

    `spikes`: every spike. `first_spikes`: the time of each neuron's first. `bin_ms`: spike counts in bins of that
    length. `voltage`: the membrane of these neurons after each step. `weights`: the weights of all synapses at the end.
    Where a simulation goes on from a state, all of them are of the piece that is simulated.

    >>> import evocircuits as ec
    >>> ec.Record(spikes=True, voltage=[0, 3]).voltage
    (0, 3)
    """

    spikes: bool = False
    first_spikes: bool = False
    bin_ms: float | None = None
    voltage: tuple[int, ...] = ()
    weights: bool = False

    def __post_init__(self):
        if self.bin_ms is not None:
            checked_positive("Record.bin_ms", self.bin_ms)
        chosen = self.voltage
        if not isinstance(chosen, list | tuple | np.ndarray) or not all(
            isinstance(n, int | np.integer) and not isinstance(n, bool) for n in chosen
        ):
            raise InputError(f"Record.voltage: expected a list of neurons; got {chosen!r}")
        object.__setattr__(self, "voltage", tuple(map(int, chosen)))


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights in every trial at the end, in pA: `synapses` float[trials, S] of the circuit's own, `inputs` port →
    float[trials, S of that port]. A spike-timing synapse has the weight that the last presynaptic spike to arrive met,
    as NEST tells it.
    """

    synapses: np.ndarray
    inputs: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Recording:
    """What a simulation recorded.

    `counts`: int[trials, N] spikes of each neuron. `input_counts`: port → int[trials, channels]. `truncated`: the spike
    limit was passed and the rest was not simulated, though `input_counts` and `synaptic_events` tell the whole
    stimulus. `state`: where it stopped (refused by `simulate` when truncated).

    None unless asked for: `spikes`, all of them, with `channel` the neuron and times at the end of the step in which
    the threshold was passed, in order of time; `first_spike_ms`, float[trials, N], infinite for a neuron without a
    spike; `binned_counts`, int[bins, trials, N]; `voltage_mV`, float[steps, trials, K] after each step; `weights`.
    Times count from the very beginning, also where the simulation went on from a state.
    """

    circuit: Circuit
    dt_ms: float
    duration_ms: float
    counts: np.ndarray
    input_counts: dict[str, np.ndarray]
    truncated: bool
    state: State
    spikes: Spikes | None = None
    first_spike_ms: np.ndarray | None = None
    binned_counts: np.ndarray | None = None
    voltage_mV: np.ndarray | None = None
    weights: Weights | None = None

    def _repr_svg_(self) -> str | None:
        return import_module("evocircuits.draw").recording_svg(self)  # by name, as drawing knows recordings

    def output_counts(self, port: str) -> np.ndarray:
        """int[trials, K]: spike counts of the neurons of an output port, in order."""
        if port not in self.circuit.outputs:
            raise InputError(f"output_counts: expected one of {sorted(self.circuit.outputs)}; got {port!r}")
        return self.counts[:, self.circuit.outputs[port]]

    @cached_property
    def synaptic_events(self) -> np.ndarray:
        """int[trials]: every spike counts once for each synapse that it is sent to, input spikes included."""
        events = self.counts @ np.bincount(self.circuit.source, minlength=self.circuit.n_neurons)
        for name, afferents in self.circuit.inputs.items():
            fan_out = np.bincount(afferents.channel, minlength=afferents.channels)
            events = events + self.input_counts[name] @ fan_out
        return events


def simulate(
    circuit: Circuit,
    stimulus: Stimulus,
    *,
    dt_ms: float,
    record: Record | None = None,
    state: State | None = None,
    dtype=np.float32,
    max_spikes: int = UNLIMITED,
) -> Recording:
    """Simulate every trial of `stimulus` on `circuit` by exact integration on a grid of `dt_ms`.

    Spikes are those of NEST 3.10's model of the same name (with dtype float64, spike for spike), and so are the weights
    of plastic synapses, of which each trial has its own. Delays and refractory times are rounded to the grid.
    Times in `stimulus` count from where `state` stopped, and go to the nearest step: spikes nearer to the end of its
    duration than to the last step are left out. `max_spikes` bounds the spikes of all trials together: past it the
    recording is `truncated`. Trials run in blocks of 64 (16, where there are no more): full blocks are the fastest.

    Raises `InputError` when a delay is below `dt_ms`, the duration is not whole steps, the stimulus names a port, a
    channel or a neuron that the circuit lacks or has bins that are not whole steps, `record` names a neuron it lacks,
    or `state` does not fit.

    The reference of `order` fires when A comes before B:

    >>> import evocircuits as ec
    >>> task = ec.tasks.get_task("order")
    >>> circuit = ec.develop(task.reference(), dt_ms=task.dt_ms)
    >>> a = ec.Spikes(time_ms=[20.0, 30.0], trial=[0, 1], channel=[0, 0])
    >>> b = ec.Spikes(time_ms=[30.0, 20.0], trial=[0, 1], channel=[0, 0])
    >>> recording = ec.simulate(circuit, ec.Stimulus(2, 60.0, {"a": a, "b": b}), dt_ms=task.dt_ms)
    >>> recording.output_counts("out")
    array([[1],
           [0]])
    """
    record, dtype = _checked(record, state, dtype, max_spikes)
    n_steps, n_trials, n = _steps(stimulus, dt_ms), stimulus.n_trials, circuit.n_neurons
    n_bins = _bins(record, n_steps, dt_ms)
    if not set(record.voltage) <= set(range(n)):
        raise InputError(f"Record.voltage: expected neurons 0…{n - 1}; got {list(record.voltage)}")
    if state is not None:
        state.check(circuit, dt_ms, n_trials, dtype)
    lanes = next((width for width in LANE_WIDTHS if width >= n_trials), LANE_WIDTHS[-1])
    wiring, plastic = wire(circuit, dt_ms, dtype, lanes)
    ports = tuple((name, afferents.channels) for name, afferents in sorted(circuit.inputs.items()))
    events, input_counts, repeats = binned(stimulus, ports, dt_ms, lanes)
    current = injected(circuit, stimulus, n_steps, lanes, dtype)
    if state is not None:
        start, began, repeats = state.batch.copy, state.step, max(repeats, state.repeats)
    else:
        start, began = partial(Batch.at_rest, wiring, plastic.weight_pA, lanes, n_trials), 0
    capacity = FIRST_GUESS if record.spikes else 0
    while True:  # again with room for all spikes when they did not fit
        done = _advance(
            wiring, start(), repeats, events, current, record, n_steps, n_bins, capacity, max_spikes
        )
        if not record.spikes or done.totals.max() <= capacity:
            break
        capacity = int(done.totals.max())
    whole = {}
    if record.spikes:
        whole["spikes"] = _spikes(done, lanes, began, dt_ms)
    if record.first_spikes:
        steps = _by_trial(done.first_spike, n_trials)
        whole["first_spike_ms"] = np.where(steps < 0, np.inf, (began + steps) * dt_ms)
    if record.bin_ms:
        whole["binned_counts"] = _binned_by_trial(done.counts.swapaxes(0, 1), n_trials)
    if record.voltage:
        whole["voltage_mV"] = _binned_by_trial(done.trace.swapaxes(0, 1), n_trials)
    if record.weights:
        memory = done.batch.memory.reshape(len(done.totals), len(plastic.port), lanes, MEMORY)
        passed = memory[:, : len(plastic.max_weight_pA), :, PASSED]
        whole["weights"] = _weights(circuit, plastic, _by_trial(passed, n_trials))
    truncated = bool(done.totals.sum() > max_spikes)
    left = Left(done.batch, done.queue, n_steps, wiring.slots_per_step)
    if done.queue.entries.nbytes > PACKED_AT_ONCE and not truncated:
        left = left.packed()
    return Recording(
        circuit=circuit,
        dt_ms=dt_ms,
        duration_ms=n_steps * dt_ms,
        counts=_by_trial(done.counts.sum(axis=1), n_trials).astype(np.int64),
        input_counts=dict(input_counts),
        truncated=truncated,
        state=State(circuit, dt_ms, n_trials, dtype, began + n_steps, repeats, truncated, left),
        **whole,
    )


def _checked(record, state, dtype, max_spikes) -> tuple[Record, np.dtype]:
    if record is not None and not isinstance(record, Record):
        raise InputError(f"simulate: record: expected a Record; got {type(record).__name__}")
    if state is not None and not isinstance(state, State):
        raise InputError(f"simulate: state: expected recording.state; got {type(state).__name__}")
    if not isinstance(max_spikes, int | np.integer) or not 0 <= max_spikes <= UNLIMITED:
        raise InputError(f"simulate: max_spikes: expected a whole number ≥ 0; got {max_spikes!r}")
    try:
        number = np.dtype(dtype)
    except TypeError:
        number = None
    if number not in (np.float32, np.float64):
        raise InputError(f"dtype: expected float32 or float64; got {number or repr(dtype)}")
    return record or Record(), number


def _bins(record: Record, n_steps: int, dt_ms: float) -> int:
    if record.bin_ms is None:
        return 1
    steps = record.bin_ms / dt_ms
    if abs(steps - round(steps)) > 1e-6 * steps or n_steps % max(1, round(steps)):
        raise InputError(
            f"Record.bin_ms: expected whole steps of dt_ms = {dt_ms} that divide the duration; got {record.bin_ms}"
        )
    return n_steps // round(steps)


def _steps(stimulus: Stimulus, dt_ms: float) -> int:
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    if n_steps > MAX_STEPS:
        raise InputError(
            f"duration_ms: expected at most {MAX_STEPS} steps of {dt_ms} ms; got {n_steps}: go on from `state`"
        )
    if n_steps < 1 or abs(stimulus.duration_ms / dt_ms - n_steps) > 1e-6 * n_steps:
        raise InputError(
            f"duration_ms: expected whole steps of dt_ms = {dt_ms}; got {stimulus.duration_ms / dt_ms} of them"
        )
    return n_steps


class _Done(NamedTuple):
    """What the kernel did: `totals` int[blocks] spikes; `counts` int[blocks, bins, N, lanes]; `first_spike`
    int[blocks, N, lanes]; `spikes`: step, neuron and lane int[blocks, capacity]; `trace` float[blocks, steps, K,
    lanes].
    """

    batch: Batch
    queue: Queue
    totals: np.ndarray
    counts: np.ndarray
    first_spike: np.ndarray
    spikes: list[np.ndarray]
    trace: np.ndarray


def _advance(
    wiring: Wiring,
    batch: Batch,
    repeats: int,
    events: Events,
    current: Injected | None,
    record: Record,
    n_steps: int,
    n_bins: int,
    capacity: int,
    max_spikes: int,
) -> _Done:
    n_blocks, lanes, n = len(batch.waiting), batch.lanes, len(wiring.propagator)
    steps_per_count = n_steps // n_bins
    dtype = wiring.propagator.dtype
    recorded = record.spikes or record.first_spikes or len(record.voltage) > 0
    advance = advance_lanes(
        lanes,
        plastic=wiring.plastic,
        bundled=wiring.bundled,
        driven=current is not None,
        recorded=recorded,
    )
    queue = batch.queue(wiring.capacity(repeats))
    counts = np.zeros((n_blocks, n_bins * n * lanes), np.int32)
    first_spike = np.full((n_blocks, n * lanes if recorded else 0), -1, np.int32)
    spikes = [np.empty((n_blocks, capacity), np.int64) for _ in range(3)]
    probe = np.array(record.voltage, np.int64)
    trace = np.zeros((n_blocks, n_steps, len(probe), lanes), dtype)
    totals = np.zeros(n_blocks, np.int64)
    advance(
        n_steps, *wiring, batch.membrane, *queue, batch.memory, *events,
        *(current or nothing_injected(n_blocks, dtype)), counts, steps_per_count, first_spike, *spikes, probe, trace,
        max_spikes, totals,
    )  # fmt: skip
    counts = counts.reshape(n_blocks, n_bins, n, lanes)
    return _Done(batch, queue, totals, counts, first_spike.reshape(n_blocks, -1, lanes), spikes, trace)


def _by_trial(values: np.ndarray, n_trials: int) -> np.ndarray:
    """[blocks, K, lanes] as [trials, K]."""
    blocks, k, lanes = values.shape
    return values.swapaxes(1, 2).reshape(blocks * lanes, k)[:n_trials]


def _binned_by_trial(values: np.ndarray, n_trials: int) -> np.ndarray:
    """[bins, blocks, K, lanes] as [bins, trials, K]."""
    bins, blocks, k, lanes = values.shape
    return values.swapaxes(2, 3).reshape(bins, blocks * lanes, k)[:, :n_trials]


def _weights(circuit: Circuit, plastic: PlasticSynapses, passed_pA: np.ndarray) -> Weights:
    weight_pA = np.minimum(passed_pA, plastic.max_weight_pA)  # which float32 may have rounded up
    port, index = plastic.port[: weight_pA.shape[1]], plastic.index[: weight_pA.shape[1]]
    owners: dict[str | None, Circuit | object] = {None: circuit, **circuit.inputs}
    of_port = {}
    for name, owner in owners.items():
        of_port[name] = np.repeat(owner.weight_pA[None], len(weight_pA), axis=0)
        here = np.equal(port, name)
        of_port[name][:, index[here]] = weight_pA[:, here]
    return Weights(of_port.pop(None), of_port)


def _spikes(done: _Done, lanes: int, began: int, dt_ms: float) -> Spikes:
    step, neuron, lane = (
        np.concatenate([row[:total] for row, total in zip(column, done.totals, strict=True)])
        for column in done.spikes
    )
    n, n_trials = done.counts.shape[2], lanes * len(done.totals)
    trial = lane + np.repeat(np.arange(len(done.totals)) * lanes, done.totals)
    place = np.sort((step * n_trials + trial) * n + neuron)  # one number in the order of step, trial, neuron
    place, neuron = np.divmod(place, max(1, n))
    step, trial = np.divmod(place, n_trials)
    return Spikes((began + step) * dt_ms, trial, neuron)
