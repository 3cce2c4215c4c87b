"""The reference kernel (reference_kernel.c), compiled and called: a dense ring of charge in C by hand, with AVX-512.

The same model on the same grid, but not the package's algorithm, which queues masks of spikes instead.
Of `evocircuits.simulator` only `Stimulus` is used: propagators, wiring and binning are written a second time.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.simulator import Stimulus

SOURCE = Path(__file__).with_name("reference_kernel.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (("-O3", "-march=native", "-ffast-math"), ("-O3", "-ffast-math"))
"""Tried in this order."""

PARAMETERS = np.dtype(
    [
        (name, np.float32)
        for name in ("p22", "p21_ex", "p21_in", "drive", "threshold", "reset", "p11_ex", "p11_in")
    ]
    + [(name, np.int32) for name in ("refractory_steps", "polarity", "first", "end")]
)
SYNAPSE = np.dtype([("reach", np.int32), ("weight_pA", np.float32)])
EVENT = np.dtype([("channel", np.int32), ("lane", np.int32)])
QUANTITIES, POLARITIES = 4, 2


@cache
def compile_kernel() -> ctypes.CDLL:
    """The kernel as a loaded library, built in a temporary directory.

    Raises `RuntimeError` when there is no C compiler or it refuses the source.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise RuntimeError(f"reference kernel: expected a C compiler on the path: {', '.join(COMPILERS)}")
    with tempfile.TemporaryDirectory() as directory:
        object_file, library = Path(directory, "kernel.o"), Path(directory, "kernel.so")
        for flags in FLAGS:
            built = _run(compiler, "-std=c11", *flags, "-fPIC", "-c", SOURCE, "-o", object_file)
            if built.returncode == 0:
                break
        if built.returncode == 0:
            # Linked without -ffast-math: with it, gcc adds code that flushes subnormals in the whole process.
            built = _run(compiler, "-shared", object_file, "-o", library)
        if built.returncode != 0:
            reason = (built.stderr.strip().splitlines() or ["no message"])[0]
            raise RuntimeError(f"reference kernel: {compiler} failed: {reason}")
        loaded = ctypes.CDLL(str(library))
    loaded.advance_block.restype = None
    return loaded


def prepare(circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> Callable[[], np.ndarray]:
    """A function that simulates every trial from rest on one thread and returns int[trials, N] spike counts.

    To be timed as a whole. A call zeroes state, ring, flags and counts, runs the kernel over all blocks and copies
    the counts. Compiling, allocation, the wiring's tables and the stimulus sorted by step are prepared once, here.
    """
    kernel = compile_kernel()
    block_lanes, pass_lanes = (
        ctypes.c_int32.in_dll(kernel, name).value for name in ("lanes_per_block", "lanes_per_pass")
    )
    n, n_steps = circuit.n_neurons, int(_steps(stimulus.duration_ms, dt_ms))
    n_blocks = -(-stimulus.n_trials // block_lanes)
    n_passes = block_lanes // pass_lanes

    ports, columns, channels = {}, [], 0
    for name, a in circuit.inputs.items():
        ports[name] = channels
        columns.append((a.channel + channels, a.target, a.delay_ms, a.weight_pA))
        channels += a.channels
    afferents = [np.concatenate(c) for c in zip(*columns, strict=True)] if columns else [np.zeros(0, int)] * 4
    synapses = [circuit.source, circuit.target, circuit.delay_ms, circuit.weight_pA]
    longest = max(int(_delay_steps(delay, dt_ms).max(initial=1)) for delay in (synapses[2], afferents[2]))
    # A spike leaves at the end of its step; input stamped k × dt is there when step k starts, hence one less.
    start, synapses = _table(*synapses, n, n, dt_ms, less=0)
    tables = [_parameters(circuit, start, dt_ms), synapses, *_table(*afferents, channels, n, dt_ms, less=1)]
    event_start, events = _events(stimulus, ports, n_steps, dt_ms, pass_lanes, n_blocks * n_passes)

    slots = longest + 1
    state = _aligned((n_blocks, n_passes, n, QUANTITIES, pass_lanes), np.float32)
    ring = _aligned((n_blocks, n_passes, slots, n, POLARITIES, pass_lanes), np.float32)
    pending = _aligned((n_blocks, n_passes, slots, n), np.uint8)
    counts = _aligned((n_blocks, n, block_lanes), np.int32)
    calls = []
    for block in range(n_blocks):
        sizes = (n, slots, n_steps, min(block_lanes, stimulus.n_trials - block * block_lanes))
        starts = event_start[block * n_passes * n_steps :]
        arrays = (*tables, starts, events, state[block], ring[block], pending[block], counts[block])
        # These pointers hold their arrays.
        calls.append([*map(ctypes.c_int32, sizes), *(a.ctypes.data_as(ctypes.c_void_p) for a in arrays)])

    def run() -> np.ndarray:
        for array in (state, ring, pending, counts):
            array.fill(0)
        for arguments in calls:
            kernel.advance_block(*arguments)
        return counts.swapaxes(1, 2).reshape(-1, n)[: stimulus.n_trials].astype(np.int64)

    return run


def _run(*command) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def _steps(time_ms, dt_ms: float) -> np.ndarray:
    return np.rint(np.asarray(time_ms, float) / dt_ms).astype(np.int64)


def _delay_steps(delay_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    return np.maximum(1, _steps(delay_ms, dt_ms))


def _parameters(circuit: Circuit, synapse_start: np.ndarray, dt_ms: float) -> np.ndarray:
    """Each neuron's, computed in float64 before they are rounded."""
    tau_m_ms, c_m_pF = circuit.tau_m_ms, circuit.c_m_pF
    p22 = np.exp(-dt_ms / tau_m_ms)

    def p21(tau_syn_ms):
        rate = 1 / tau_syn_ms - 1 / tau_m_ms
        equal = np.abs(rate * dt_ms) < 1e-9
        return p22 / c_m_pF * np.where(equal, dt_ms, -np.expm1(-rate * dt_ms) / np.where(equal, 1, rate))

    table = np.empty(circuit.n_neurons, PARAMETERS)
    table["p22"] = p22
    table["p21_ex"], table["p21_in"] = p21(circuit.tau_syn_ex_ms), p21(circuit.tau_syn_in_ms)
    table["drive"] = circuit.bias_pA * tau_m_ms / c_m_pF * -np.expm1(-dt_ms / tau_m_ms)
    table["threshold"], table["reset"] = circuit.threshold_mV, circuit.reset_mV
    table["p11_ex"], table["p11_in"] = (
        np.exp(-dt_ms / tau_ms) for tau_ms in (circuit.tau_syn_ex_ms, circuit.tau_syn_in_ms)
    )
    table["refractory_steps"] = _steps(circuit.t_ref_ms, dt_ms)
    table["polarity"] = ~circuit.excitatory
    table["first"], table["end"] = synapse_start[:-1], synapse_start[1:]
    return table


def _table(
    source, target, delay_ms, weight_pA, n_sources: int, n_neurons: int, dt_ms: float, *, less: int
) -> tuple[np.ndarray, np.ndarray]:
    """Synapses ordered by source, and where each source's start; `less` steps are taken off the delays."""
    order = np.argsort(source, kind="stable")
    table = np.empty(len(order), SYNAPSE)
    table["reach"] = ((_delay_steps(delay_ms, dt_ms) - less) * n_neurons + target)[order]
    table["weight_pA"] = weight_pA[order]
    return np.searchsorted(source[order], np.arange(n_sources + 1)).astype(np.int32), table


def _events(
    stimulus: Stimulus, ports: dict[str, int], n_steps: int, dt_ms: float, pass_lanes: int, n_passes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Input spikes ordered by pass and step, and where those of each pass and step start."""
    parts = [
        (_steps(s.time_ms, dt_ms), s.trial, s.channel + ports[name]) for name, s in stimulus.spikes.items()
    ]
    parts.append((np.zeros(0, np.int64),) * 3)
    step, trial, channel = (np.concatenate(column) for column in zip(*parts, strict=True))
    within = step < n_steps
    step, trial, channel = step[within], trial[within], channel[within]
    row = trial // pass_lanes * n_steps + step
    order = np.lexsort((channel, trial, row))
    events = np.empty(len(order), EVENT)
    events["channel"], events["lane"] = channel[order], (trial % pass_lanes)[order]
    return np.searchsorted(row[order], np.arange(n_passes * n_steps + 1)).astype(np.int32), events


def _aligned(shape: tuple[int, ...], dtype) -> np.ndarray:
    """An array of zeros that starts at a multiple of 64 bytes, as AVX-512 loads want it."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size].view(dtype).reshape(shape)
