"""Neuron parameters as the kernel wants them: exact propagators of `iaf_psc_exp` over one time step.

    τ_m dV/dt = −V + (τ_m / C) (I_ex + I_in + I_bias),   τ_syn dI/dt = −I,   V held at reset while refractory.

Rotter & Diesmann, Biol. Cybern. 81 (1999): over a step h, V ← V e^{−h/τm} + I P21 + I_bias P20. The update order
(membrane, currents, arriving spikes, threshold) is that of NEST 3.10.
"""

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError

# Columns of the kernel's parameter table.
P22, P21_EX, P21_IN, DRIVE, THRESHOLD, RESET, REFRACTORY_STEPS, P11_EX, P11_IN = range(9)


def steps_of(time_ms, dt_ms: float) -> np.ndarray:
    """Times in ms as whole steps of `dt_ms`, rounded to the nearest. Raises `InputError` unless `dt_ms` > 0."""
    if not dt_ms > 0:
        raise InputError(f"dt_ms: expected a time step > 0; got {dt_ms}")
    return np.rint(np.asarray(time_ms, float) / dt_ms).astype(np.int64)


def propagators(circuit: Circuit, dt_ms: float) -> np.ndarray:
    """float64[N, 9]: the update's coefficients of each neuron, columns as named in this module."""
    tau_m, c_m = circuit.tau_m_ms, circuit.c_m_pF
    table = np.empty((circuit.n_neurons, 9))
    table[:, REFRACTORY_STEPS] = steps_of(circuit.t_ref_ms, dt_ms)
    table[:, P22] = np.exp(-dt_ms / tau_m)
    table[:, P21_EX] = _current_to_voltage(tau_m, circuit.tau_syn_ex_ms, c_m, dt_ms)
    table[:, P21_IN] = _current_to_voltage(tau_m, circuit.tau_syn_in_ms, c_m, dt_ms)
    table[:, DRIVE] = circuit.bias_pA * tau_m / c_m * -np.expm1(-dt_ms / tau_m)
    table[:, THRESHOLD] = circuit.threshold_mV
    table[:, RESET] = circuit.reset_mV
    table[:, P11_EX] = np.exp(-dt_ms / circuit.tau_syn_ex_ms)
    table[:, P11_IN] = np.exp(-dt_ms / circuit.tau_syn_in_ms)
    return table


def _current_to_voltage(tau_m, tau_syn, c_m, dt_ms):
    # e^{−h/τm} (1 − e^{−hδ}) / (δ C) with δ = 1/τs − 1/τm; its limit at δ → 0 is e^{−h/τm} h / C.
    delta = 1 / tau_syn - 1 / tau_m
    near = np.abs(delta * dt_ms) < 1e-9
    safe = np.where(near, 1.0, delta)
    return np.exp(-dt_ms / tau_m) / c_m * np.where(near, dt_ms, -np.expm1(-dt_ms * safe) / safe)
