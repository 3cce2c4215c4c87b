"""Circuits in NEST: many side by side in one kernel, each with the first trial of its own stimulus."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.simulator import Stimulus


@contextmanager
def quiet() -> Iterator[None]:
    """NEST writes its banner from C++, so the file descriptors themselves are redirected."""
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, original in enumerate(kept, start=1):
            os.dup2(original, number)
            os.close(original)


def imported() -> ModuleType:
    """NEST, without its banner."""
    with quiet():
        import nest

        nest.verbosity = nest.VerbosityLevel.ERROR
    return nest


def build(nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], *, dt_ms: float) -> list[np.ndarray]:
    """NEST's numbers for each case's neurons; whatever NEST held before is dropped."""
    nest.ResetKernel()
    nest.resolution = dt_ms
    return [_add(nest, circuit, stimulus, dt_ms) for circuit, stimulus in cases]


def spikes(
    nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], *, dt_ms: float, duration_ms: float
) -> list[list[tuple[int, int]]]:
    """Each case's spikes as sorted (step, neuron)."""
    numbers = build(nest, cases, dt_ms=dt_ms)
    recorder = nest.Create("spike_recorder")
    nest.Connect(nest.NodeCollection(np.concatenate(numbers).tolist()), recorder, syn_spec={"delay": dt_ms})
    nest.Simulate(duration_ms)
    steps = np.rint(recorder.events["times"] / dt_ms).astype(int)
    senders = recorder.events["senders"]
    found = []
    for neurons in numbers:
        chosen = (senders >= neurons[0]) & (senders <= neurons[-1])
        found.append(
            sorted(zip(steps[chosen].tolist(), (senders[chosen] - neurons[0]).tolist(), strict=True))
        )
    return found


def _add(nest: ModuleType, circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> np.ndarray:
    params = {
        "E_L": 0.0,
        "V_m": 0.0,
        "V_reset": circuit.reset_mV,
        "V_th": circuit.threshold_mV,
        "tau_m": circuit.tau_m_ms,
        "C_m": circuit.c_m_pF,
        "t_ref": circuit.t_ref_ms,
        "I_e": circuit.bias_pA,
        "tau_syn_ex": circuit.tau_syn_ex_ms,
        "tau_syn_in": circuit.tau_syn_in_ms,
    }
    neurons = np.array(nest.Create("iaf_psc_exp", circuit.n_neurons, params).tolist())
    sign = np.where(circuit.excitatory, 1.0, -1.0)[circuit.source]
    _connect(
        nest, neurons[circuit.source], neurons[circuit.target], sign * circuit.weight_pA, circuit.delay_ms
    )
    for port, a in circuit.inputs.items():
        generators = nest.Create("spike_generator", a.channels)
        trains = stimulus.spikes[port]
        for c in range(a.channels):
            chosen = (trains.trial == 0) & (trains.channel == c)
            generators[c].spike_times = np.rint(np.sort(trains.time_ms[chosen]) / dt_ms) * dt_ms
        _connect(nest, np.array(generators.tolist())[a.channel], neurons[a.target], a.weight_pA, a.delay_ms)
    return neurons


def _connect(nest: ModuleType, source, target, weight_pA, delay_ms) -> None:
    if len(source):
        nest.Connect(source, target, "one_to_one", {"weight": weight_pA, "delay": delay_ms})
