"""`simulate`: a circuit, a stimulus, what to record → a recording."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator.kernels import LANE_WIDTHS, advance_lanes
from evocircuits.simulator.models import propagators, steps_of
from evocircuits.simulator.stimulus import Spikes, Stimulus

UNLIMITED = 2**62


@dataclass(frozen=True)
class Record:
    """What to store beside spike counts: every spike, and the membrane of chosen neurons."""

    spikes: bool = False
    voltage: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class State:
    """Where a simulation stopped, to be passed back to `simulate` for the same circuit, time step and batch size."""

    step: int
    membrane: np.ndarray  # float[blocks, N × 4 × lanes]
    ring: np.ndarray  # float[blocks, D × N × 2 × lanes]
    pending: np.ndarray  # uint8[blocks, D, N]


@dataclass(frozen=True, eq=False)
class Recording:
    """What a simulation recorded.

    `counts`: int[trials, N] spikes of each neuron. `spikes`: every spike with `channel` the neuron, times at the end of
    the step in which the threshold was passed, in order of time; None unless asked for. `voltage_mV`: float[steps,
    trials, M] after each step; None unless asked for. `input_counts`: port → int[trials, channels]. `truncated`: the
    spike limit was passed and the rest was not simulated. `state`: where it stopped (of no use when truncated).
    `outputs`: the circuit's.
    """

    dt_ms: float
    duration_ms: float
    counts: np.ndarray
    input_counts: dict[str, np.ndarray]
    spikes: Spikes | None
    voltage_mV: np.ndarray | None
    truncated: bool
    state: State
    outputs: dict[str, np.ndarray]

    def output_counts(self, port: str) -> np.ndarray:
        """int[trials, K]: spike counts of the neurons of an output port, in order."""
        return self.counts[:, self.outputs[port]]


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

    Spikes are those of NEST 3.10's `iaf_psc_exp` (with dtype float64, spike for spike). Delays and refractory times are
    rounded to the grid; a delay below one step is one step. `max_spikes` bounds the spikes of each 128 trials: past
    it the recording is `truncated`. Times in `stimulus` count from where `state` stopped; spikes at or after its
    duration are left out.

    Raises `InputError` when the stimulus names a port or channel the circuit lacks, `record` a neuron it lacks, or
    `state` does not fit.
    """
    record = record or Record()
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    wiring, longest_delay = _wiring(circuit, dt_ms, np.dtype(dtype))
    lanes = next((width for width in LANE_WIDTHS if width >= stimulus.n_trials), LANE_WIDTHS[-1])
    n_blocks = -(-stimulus.n_trials // lanes)
    state = _fresh_or_copied(state, (n_blocks, longest_delay + 1, circuit.n_neurons), lanes, np.dtype(dtype))
    ports = tuple((name, afferents.channels) for name, afferents in circuit.inputs.items())
    probe = np.array(record.voltage, np.int64)
    if len(probe) and not 0 <= probe.min() <= probe.max() < circuit.n_neurons:
        raise InputError(
            f"Record.voltage: expected neurons 0…{circuit.n_neurons - 1}; got {list(record.voltage)}"
        )
    blocks, input_counts = _binned(stimulus, ports, dt_ms, lanes)
    counts, traces, spikes, truncated = [], [], [], False
    for block, events in enumerate(blocks):
        count = np.zeros(circuit.n_neurons * lanes, np.int64)
        trace = np.zeros((n_steps, len(probe), lanes), dtype)
        used = min(lanes, stimulus.n_trials - block * lanes)
        capacity = 4096 if record.spikes else 0
        while True:  # again with room for all spikes when they did not fit
            arrays = [a[block].copy() for a in (state.membrane, state.ring, state.pending)]
            spike = [np.empty(capacity, np.int64) for _ in range(3)]
            count[:] = 0
            total = advance_lanes(lanes)(
                wiring.propagator, *arrays, state.step, n_steps, *events, *wiring[1:],
                count, *spike, probe, trace, max_spikes, used,
            )  # fmt: skip
            if not record.spikes or total <= capacity:
                break
            capacity = total
        for whole, part in zip((state.membrane, state.ring, state.pending), arrays, strict=True):
            whole[block] = part
        truncated |= total > max_spikes
        counts.append(count.reshape(-1, lanes).T)
        traces.append(trace)
        spikes.append([spike[0][:total], spike[1][:total], spike[2][:total] + block * lanes])
    n = stimulus.n_trials
    return Recording(
        dt_ms=dt_ms,
        duration_ms=n_steps * dt_ms,
        counts=np.concatenate(counts)[:n],
        input_counts=dict(input_counts),
        spikes=_spikes(spikes, dt_ms) if record.spikes else None,
        voltage_mV=np.concatenate(traces, axis=2)[:, :, :n].swapaxes(1, 2) if record.voltage else None,
        truncated=truncated,
        state=State(state.step + n_steps, state.membrane, state.ring, state.pending),
        outputs=circuit.outputs,
    )


class _Wiring(NamedTuple):
    propagator: np.ndarray
    afferent_start: np.ndarray
    afferent_target: np.ndarray
    afferent_delay: np.ndarray
    afferent_weight: np.ndarray
    synapse_start: np.ndarray
    synapse_target: np.ndarray
    synapse_delay: np.ndarray
    synapse_weight: np.ndarray
    inhibitory: np.ndarray


def _wiring(circuit: Circuit, dt_ms: float, dtype: np.dtype) -> tuple[_Wiring, int]:
    offset, columns = 0, []
    for a in circuit.inputs.values():
        columns.append((a.channel + offset, a.target, a.delay_ms, a.weight_pA))
        offset += a.channels
    afferents = [np.concatenate(c) for c in zip(*columns, strict=True)] if columns else [np.zeros(0, int)] * 4
    synapses = [circuit.source, circuit.target, circuit.delay_ms, circuit.weight_pA]
    tables, longest = [], 1
    for (source, target, delay_ms, weight), n_sources in ((afferents, offset), (synapses, circuit.n_neurons)):
        order = np.argsort(source, kind="stable")
        delay = np.maximum(1, steps_of(delay_ms, dt_ms))[order]
        longest = max(longest, int(delay.max(initial=1)))
        start = np.searchsorted(source[order], np.arange(n_sources + 1))
        tables += [start, target[order], delay, weight[order].astype(dtype)]
    inhibitory = (~circuit.excitatory).astype(np.int64)
    return _Wiring(propagators(circuit, dt_ms).astype(dtype), *tables, inhibitory), longest


def _fresh_or_copied(state: State | None, shape: tuple[int, int, int], lanes: int, dtype: np.dtype) -> State:
    n_blocks, n_slots, n_neurons = shape
    fresh = State(
        step=0,
        membrane=np.zeros((n_blocks, n_neurons * 4 * lanes), dtype),
        ring=np.zeros((n_blocks, n_slots * n_neurons * 2 * lanes), dtype),
        pending=np.zeros((n_blocks, n_slots, n_neurons), np.uint8),
    )
    if state is None:
        return fresh
    for name in ("membrane", "ring", "pending"):
        expected, got = getattr(fresh, name), getattr(state, name)
        if expected.shape != got.shape or expected.dtype != got.dtype:
            raise InputError(
                f"simulate: expected a state of this circuit, time step, dtype and number of trials: its {name} "
                f"{expected.dtype}{list(expected.shape)}; got {got.dtype}{list(got.shape)}"
            )
    return State(state.step, state.membrane.copy(), state.ring.copy(), state.pending.copy())


@lru_cache(maxsize=4)
def _binned(
    stimulus: Stimulus, ports: tuple[tuple[str, int], ...], dt_ms: float, lanes: int
) -> tuple[list, dict]:
    """Per block of trials (event_start, event_channel, event_lane), sorted by step; and spike counts per port.

    A generation of genomes evaluated on one stimulus reuses them.
    """
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    offsets = dict(
        zip([name for name, _ in ports], np.cumsum([0] + [size for _, size in ports]), strict=False)
    )
    sizes = dict(ports)
    step, trial, channel = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for name, spikes in stimulus.spikes.items():
        if name not in sizes:
            raise InputError(f"simulate: stimulus port {name!r}: expected one of {sorted(sizes)}")
        if len(spikes.channel) and not 0 <= spikes.channel.min() <= spikes.channel.max() < sizes[name]:
            raise InputError(f"simulate: stimulus port {name!r}: expected channels 0…{sizes[name] - 1}")
        step.append(steps_of(spikes.time_ms, dt_ms))
        trial.append(spikes.trial)
        channel.append(spikes.channel + offsets[name])
    step, trial, channel = (np.concatenate(parts) for parts in (step, trial, channel))
    order = np.lexsort((channel, trial, step, trial // lanes))
    order = order[step[order] < n_steps]
    step, trial, channel = step[order], trial[order], channel[order]
    blocks = []
    for block in range(-(-stimulus.n_trials // lanes)):
        lo, hi = np.searchsorted(trial // lanes, [block, block + 1])
        start = np.searchsorted(step[lo:hi], np.arange(n_steps + 1))
        blocks.append((start, channel[lo:hi], trial[lo:hi] - block * lanes))
    counts = np.zeros((stimulus.n_trials, sum(sizes.values())), np.int64)
    np.add.at(counts, (trial, channel), 1)
    counts.setflags(write=False)
    return blocks, {name: counts[:, offsets[name] : offsets[name] + size] for name, size in ports}


def _spikes(parts: list, dt_ms: float) -> Spikes:
    step, neuron, trial = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((neuron, trial, step))
    return Spikes(step[order] * dt_ms, trial[order], neuron[order])
