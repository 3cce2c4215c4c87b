"""Circuits in NEST: many side by side in one kernel, each with the first trial of its own stimulus."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from types import ModuleType
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming
from evocircuits.simulator import Spikes, Stimulus


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


def build(nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], *, dt_ms: float) -> list["Placed"]:
    """Each case in NEST; whatever NEST held before is dropped."""
    nest.ResetKernel()
    nest.resolution = dt_ms
    return [_place(nest, circuit, stimulus, dt_ms) for circuit, stimulus in cases]


def spikes(
    nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], *, dt_ms: float, duration_ms: float
) -> list[list[tuple[int, int]]]:
    """Each case's spikes as sorted (step, neuron)."""
    return [found.spikes for found in run(nest, cases, dt_ms=dt_ms, duration_ms=duration_ms)]


def run(
    nest: ModuleType,
    cases: list[tuple[Circuit, Stimulus]],
    *,
    dt_ms: float,
    duration_ms: float,
    voltage: bool = False,
) -> list["Found"]:
    """What NEST finds in each case; membranes only when asked for."""
    placed = build(nest, cases, dt_ms=dt_ms)
    recorders = nest.Create("spike_recorder", len(cases))
    meters = nest.Create("multimeter", len(cases), {"interval": dt_ms, "record_from": ["V_m"]})
    for p, recorder, meter in zip(placed, recorders, meters, strict=True):
        neurons = nest.NodeCollection(p.neurons.tolist())
        nest.Connect(neurons, recorder, syn_spec={"delay": dt_ms})
        if voltage:
            nest.Connect(meter, neurons, syn_spec={"delay": dt_ms})
    nest.Simulate(duration_ms)
    weights = _weights(nest)
    found = []
    for (circuit, _), p, recorder, meter in zip(cases, placed, recorders, meters, strict=True):
        step, neuron, _ = _events(recorder, p, dt_ms)
        emitted = sorted(zip(step.tolist(), neuron.tolist(), strict=True))
        voltage_mV = None
        if voltage:
            step, neuron, v_mV = _events(meter, p, dt_ms, "V_m")
            voltage_mV = np.full((step.max(), len(p.neurons)), np.nan)
            voltage_mV[step - 1, neuron] = v_mV
        at_end = {}
        for port, labels in p.labels.items():
            synapses = circuit if port is None else circuit.inputs[port]
            unit_pA = _unit_pA(circuit, synapses)[synapses.rule >= 0]
            at_end[port] = np.array([weights[label] for label in labels]) * unit_pA
        found.append(Found(emitted, voltage_mV, at_end))
    return found


class Placed(NamedTuple):
    """One case in NEST: its neurons' numbers, and the labels of its plastic synapses (None: between neurons)."""

    neurons: np.ndarray
    labels: dict[str | None, np.ndarray]


class Found(NamedTuple):
    """Spikes as sorted (step, neuron); membranes after each step but the last; weights of plastic synapses at the end,
    by port (None: between neurons), in the order of the circuit.
    """

    spikes: list[tuple[int, int]]
    voltage_mV: np.ndarray | None
    weight_pA: dict[str | None, np.ndarray]


def _events(device, placed: Placed, dt_ms: float, quantity: str = "times") -> tuple[np.ndarray, ...]:
    events = device.events
    step = np.rint(events["times"] / dt_ms).astype(int)
    return step, events["senders"] - placed.neurons[0], events[quantity]


def _weights(nest: ModuleType) -> dict[int, float]:
    found = {}
    for model in ("stdp_synapse_lbl", "tsodyks2_synapse_lbl"):
        synapses = nest.GetConnections(synapse_model=model)
        if len(synapses):
            values = synapses.get(["synapse_label", "weight"])  # of a single synapse without a list
            labels, weights = (np.atleast_1d(values[name]) for name in ("synapse_label", "weight"))
            found |= dict(zip(labels, np.abs(weights), strict=True))
    return found


def _place(nest: ModuleType, circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> Placed:
    params = {
        "E_L": 0.0,
        "V_m": 0.0,
        "V_reset": circuit.reset_mV,
        "V_th": circuit.threshold_mV,
        "tau_m": circuit.tau_m_ms,
        "C_m": circuit.c_m_pF,
        "t_ref": circuit.t_ref_ms,
        "I_e": circuit.bias_pA,
    }
    if circuit.model == "iaf_psc_exp":
        params |= {"tau_syn_ex": circuit.tau_syn_ex_ms, "tau_syn_in": circuit.tau_syn_in_ms}
    for rule in circuit.plasticity:
        if isinstance(rule, SpikeTiming):
            params |= {"tau_minus": rule.tau_minus_ms}  # NEST's neurons have one; so must the rules of a case
    neurons = np.array(nest.Create(circuit.model, circuit.n_neurons, params).tolist())
    sign = np.where(circuit.excitatory, 1.0, -1.0)[circuit.source]
    labels = {None: _connect(nest, circuit, circuit, neurons[circuit.source], neurons, sign)}
    _clamp(nest, neurons, current_pA(circuit, stimulus, dt_ms), dt_ms)
    for port, a in circuit.inputs.items():
        trains = stimulus.spikes.get(port, Spikes([], [], []))
        # Plastic synapses need a neuron as their source: one that repeats the generator's spikes a step later.
        early = dt_ms if circuit.plasticity else 0.0
        sources = nest.Create("spike_generator", a.channels)
        for c in range(a.channels):
            chosen = (trains.trial == 0) & (trains.channel == c)
            sources[c].spike_times = (np.rint((np.sort(trains.time_ms[chosen]) - early) / dt_ms)) * dt_ms
        if circuit.plasticity:
            generators, sources = sources, nest.Create("parrot_neuron", a.channels)
            nest.Connect(generators, sources, "one_to_one", {"delay": dt_ms})
        channels = np.array(sources.tolist())[a.channel]
        labels[port] = _connect(nest, circuit, a, channels, neurons, np.ones(len(channels)))
    return Placed(neurons, labels)


def current_pA(circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> np.ndarray:
    """float[steps, N]: what the first trial injects in each step, directly and by graded values."""
    n_steps = round(stimulus.duration_ms / dt_ms)
    total_pA = np.zeros((n_steps, circuit.n_neurons))
    if stimulus.current_pA is not None:
        total_pA += np.repeat(stimulus.current_pA[:, 0], n_steps // len(stimulus.current_pA), axis=0)
    for port, values in stimulus.graded.items():
        a = circuit.inputs[port]
        per_step = np.repeat(values[:, 0], n_steps // len(values), axis=0)
        for channel, target, weight_pA in zip(a.channel, a.target, a.weight_pA, strict=True):
            total_pA[:, target] += weight_pA * per_step[:, channel]
    return total_pA


def _clamp(nest: ModuleType, neurons: np.ndarray, current_pA: np.ndarray, dt_ms: float) -> None:
    """A current set for the time t reaches NEST's membrane in the step that begins one step after t (the generator
    leads by a step, its connection and the neuron follow by one each), so it is set a step early; NEST sets none at
    time 0 or before, so the first two steps must be without current.
    """
    assert not current_pA[:2].any()
    for number, of_neuron in zip(neurons.tolist(), current_pA.T, strict=True):
        changed = np.flatnonzero(np.diff(of_neuron)) + 1
        if len(changed):
            params = {"amplitude_times": (changed - 1) * dt_ms, "amplitude_values": of_neuron[changed]}
            generator = nest.Create("step_current_generator", params=params)
            nest.Connect(generator, nest.NodeCollection([number]), syn_spec={"delay": dt_ms})


_labels = count(1)


def _unit_pA(circuit: Circuit, synapses) -> np.ndarray:
    """float[S]: the weight that NEST calls 1; with `iaf_psc_delta` a step of 1 mV, that is 1 mV × C in 1 ms."""
    c_m_pF = circuit.c_m_pF[synapses.target]
    return c_m_pF if circuit.model == "iaf_psc_delta" else np.ones_like(c_m_pF)


def _connect(nest: ModuleType, circuit: Circuit, synapses, sources, neurons, sign) -> np.ndarray:
    """Connects, and returns the labels of the plastic synapses in order."""
    per_unit = sign / _unit_pA(circuit, synapses)
    labels = np.array([next(_labels) for _ in sources], int)
    for rule in range(-1, len(circuit.plasticity)):
        chosen = synapses.rule == rule
        if not chosen.any():
            continue
        spec = {"weight": (per_unit * synapses.weight_pA)[chosen], "delay": synapses.delay_ms[chosen]}
        if rule >= 0:
            spec |= _synapse(circuit.plasticity[rule], per_unit[chosen]) | {"synapse_label": labels[chosen]}
        nest.Connect(sources[chosen], neurons[synapses.target[chosen]], "one_to_one", spec)
    return labels[synapses.rule >= 0]


def _synapse(rule: Plasticity, per_unit: np.ndarray) -> dict:
    ones = np.ones(len(per_unit))
    if isinstance(rule, ShortTerm):
        values = {"U": rule.utilisation, "u": rule.utilisation, "x": 1.0}
        values |= {"tau_rec": rule.tau_rec_ms, "tau_fac": rule.tau_fac_ms}
        return {"synapse_model": "tsodyks2_synapse_lbl"} | {name: v * ones for name, v in values.items()}
    values = {"lambda": rule.learning_rate, "alpha": rule.alpha, "tau_plus": rule.tau_plus_ms}
    values |= {"mu_plus": rule.mu_plus, "mu_minus": rule.mu_minus}
    bound = {"synapse_model": "stdp_synapse_lbl", "Wmax": rule.max_weight * per_unit}
    return bound | {name: v * ones for name, v in values.items()}
