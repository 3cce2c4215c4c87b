"""`simulate`: a circuit, a stimulus, what to record → a recording."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import kernels
from evocircuits.simulator.kernels import LANES
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
    membrane: np.ndarray  # float[blocks, N × 4 × LANES]
    ring: np.ndarray  # float[blocks, D × N × 2 × LANES]
    pending: np.ndarray  # uint8[blocks, D, N]


@dataclass(frozen=True, eq=False)
class Recording:
    """What a simulation recorded.

    `counts`: int[trials, N] spikes of each neuron. `spikes`: every spike with `channel` the neuron, times at the end of
    the step in which the threshold was passed, in order of time; None unless asked for. `voltage_mV`: float[steps,
    trials, M] after each step; None unless asked for. `input_counts`: port → int[trials, channels]. `truncated`: the
    spike limit was passed and the rest was not simulated. `state`: where it stopped.
    """

    dt_ms: float
    duration_ms: float
    counts: np.ndarray
    input_counts: dict[str, np.ndarray]
    spikes: Spikes | None
    voltage_mV: np.ndarray | None
    truncated: bool
    state: State


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
    it the recording is `truncated`. Times in `stimulus` count from where `state` stopped.

    Raises `InputError` when the stimulus names a port or channel the circuit lacks, or `state` does not fit.
    """
    record = record or Record()
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    wiring, longest_delay = _wiring(circuit, dt_ms, np.dtype(dtype))
    n_blocks = -(-stimulus.n_trials // LANES)
    state = _fresh_or_copied(state, (n_blocks, longest_delay + 1, circuit.n_neurons), np.dtype(dtype))
    ports = tuple((name, afferents.channels) for name, afferents in circuit.inputs.items())
    probe = np.array(record.voltage, np.int64)
    counts, traces, spikes, truncated = [], [], [], False
    for block, events in enumerate(_binned(stimulus, ports, dt_ms)):
        count = np.zeros(circuit.n_neurons * LANES, np.int64)
        trace = np.empty((n_steps, len(probe), LANES), dtype)
        capacity = 4096 if record.spikes else 0
        while True:  # again with room for all spikes when they did not fit
            arrays = [a[block].copy() for a in (state.membrane, state.ring, state.pending)]
            spike = [np.empty(capacity, np.int64) for _ in range(3)]
            count[:] = 0
            total, taken = kernels.advance(
                wiring.propagator, *arrays, state.step, n_steps, *events, *wiring[1:], count, *spike, probe, trace, max_spikes
            )
            if not record.spikes or total <= capacity:
                break
            capacity = total
        for whole, part in zip((state.membrane, state.ring, state.pending), arrays, strict=True):
            whole[block] = part
        truncated |= total > max_spikes
        counts.append(count.reshape(-1, LANES).T)
        traces.append(trace)
        spikes.append([spike[0][:total], spike[1][:total], spike[2][:total] + block * LANES])
    n = stimulus.n_trials
    return Recording(
        dt_ms=dt_ms,
        duration_ms=n_steps * dt_ms,
        counts=np.concatenate(counts)[:n],
        input_counts=_input_counts(stimulus, ports),
        spikes=_spikes(spikes, n, dt_ms) if record.spikes else None,
        voltage_mV=np.concatenate(traces, axis=2)[:, :, :n].swapaxes(1, 2) if record.voltage else None,
        truncated=truncated,
        state=State(state.step + n_steps, state.membrane, state.ring, state.pending),
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


def _fresh_or_copied(state: State | None, shape: tuple[int, int, int], dtype: np.dtype) -> State:
    n_blocks, n_slots, n_neurons = shape
    if state is None:
        return State(
            step=0,
            membrane=np.zeros((n_blocks, n_neurons * 4 * LANES), dtype),
            ring=np.zeros((n_blocks, n_slots * n_neurons * 2 * LANES), dtype),
            pending=np.zeros((n_blocks, n_slots, n_neurons), np.uint8),
        )
    if state.pending.shape != shape or state.membrane.dtype != dtype:
        raise InputError(
            f"simulate: expected a state of (blocks, slots, neurons) {shape} and {dtype}; "
            f"got {state.pending.shape} and {state.membrane.dtype}"
        )
    return State(state.step, state.membrane.copy(), state.ring.copy(), state.pending.copy())


@lru_cache(maxsize=4)
def _binned(stimulus: Stimulus, ports: tuple[tuple[str, int], ...], dt_ms: float) -> tuple:
    """Per block of trials: (event_start, event_channel, event_lane), sorted by step; one generation reuses them."""
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    offsets = dict(zip([name for name, _ in ports], np.cumsum([0] + [size for _, size in ports]), strict=False))
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
    order = np.lexsort((channel, trial, step, trial // LANES))
    order = order[step[order] < n_steps]
    step, trial, channel = step[order], trial[order], channel[order]
    blocks = []
    for block in range(-(-stimulus.n_trials // LANES)):
        lo, hi = np.searchsorted(trial // LANES, [block, block + 1])
        start = np.searchsorted(step[lo:hi], np.arange(n_steps + 1))
        blocks.append((start, channel[lo:hi], trial[lo:hi] - block * LANES))
    return tuple(blocks)


def _input_counts(stimulus: Stimulus, ports: tuple[tuple[str, int], ...]) -> dict[str, np.ndarray]:
    counts = {name: np.zeros((stimulus.n_trials, size), np.int64) for name, size in ports}
    for name, spikes in stimulus.spikes.items():
        np.add.at(counts[name], (spikes.trial, spikes.channel), 1)
    return counts


def _spikes(parts: list, n_trials: int, dt_ms: float) -> Spikes:
    step, neuron, trial = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((neuron, trial, step))
    order = order[trial[order] < n_trials]
    return Spikes(step[order] * dt_ms, trial[order], neuron[order])
