"""The simulator's twin: one trial, loops and dictionaries only, written from the equations and not from the kernel.

    τ_m dV/dt = −V + (τ_m / C) (I_ex + I_in + I_bias),   τ_syn dI/dt = −I,

solved exactly over a step h (Rotter & Diesmann 1999), V held at reset for t_ref after a spike. Within a step: membrane,
currents, arriving spikes, threshold. A spike of time t and delay d raises the current at t + d.
"""

from collections import defaultdict
from math import exp

from evocircuits.circuit import Circuit


def simulate_trial(
    circuit: Circuit, inputs: list[tuple[int, str, int]], *, n_steps: int, dt_ms: float
) -> tuple[list[tuple[int, int]], list[list[float]]]:
    """`inputs` are (step, port, channel); returns spikes as (step, neuron) and the membranes after each step."""
    arriving = defaultdict(float)  # (step, neuron, sign) → pA
    for step, port, channel in inputs:
        for c, target, weight_pA, delay_ms in _afferents(circuit, port):
            if c == channel:
                arriving[step + _steps(delay_ms, dt_ms), target, +1] += weight_pA
    neurons = range(circuit.n_neurons)
    v_mV, i_ex_pA, i_in_pA, refractory = ([0.0] * circuit.n_neurons for _ in range(4))
    spikes, membranes = [], []
    for step in range(1, n_steps + 1):
        for n in neurons:
            if refractory[n] > 0:
                refractory[n] -= 1
            else:
                v_mV[n] = _membrane(circuit, n, v_mV[n], i_ex_pA[n], i_in_pA[n], dt_ms)
            i_ex_pA[n] = i_ex_pA[n] * exp(-dt_ms / circuit.tau_syn_ex_ms[n]) + arriving[step, n, +1]
            i_in_pA[n] = i_in_pA[n] * exp(-dt_ms / circuit.tau_syn_in_ms[n]) + arriving[step, n, -1]
            if v_mV[n] >= circuit.threshold_mV[n]:
                v_mV[n] = float(circuit.reset_mV[n])
                refractory[n] = _steps(circuit.t_ref_ms[n], dt_ms)
                spikes.append((step, n))
                sign = +1 if circuit.excitatory[n] else -1
                for target, weight_pA, delay_ms in _efferents(circuit, n):
                    arriving[step + _steps(delay_ms, dt_ms), target, sign] += sign * weight_pA
        membranes.append(list(v_mV))
    return spikes, membranes


def _membrane(circuit: Circuit, n: int, v_mV: float, i_ex_pA: float, i_in_pA: float, dt_ms: float) -> float:
    tau_ms, c_pF = float(circuit.tau_m_ms[n]), float(circuit.c_m_pF[n])
    decay = exp(-dt_ms / tau_ms)
    v_mV = v_mV * decay + circuit.bias_pA[n] * tau_ms / c_pF * (1 - decay)
    for current_pA, tau_syn_ms in ((i_ex_pA, circuit.tau_syn_ex_ms[n]), (i_in_pA, circuit.tau_syn_in_ms[n])):
        if tau_syn_ms == tau_ms:
            v_mV += current_pA * dt_ms / c_pF * decay
        else:
            share = tau_ms * tau_syn_ms / (tau_ms - tau_syn_ms)
            v_mV += current_pA * share / c_pF * (decay - exp(-dt_ms / tau_syn_ms))
    return float(v_mV)


def _afferents(circuit: Circuit, port: str):
    a = circuit.inputs[port]
    return zip(a.channel.tolist(), a.target.tolist(), a.weight_pA.tolist(), a.delay_ms.tolist(), strict=True)


def _efferents(circuit: Circuit, neuron: int):
    columns = (circuit.source, circuit.target, circuit.weight_pA, circuit.delay_ms)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [row[1:] for row in rows if row[0] == neuron]


def _steps(time_ms: float, dt_ms: float) -> int:
    return round(time_ms / dt_ms)
