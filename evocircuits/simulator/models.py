"""Neuron models as the kernel wants them: exact propagators over one time step.

    τ_m dV/dt = −V + (τ_m / C) (I_ex + I_in + I_bias),   V held at reset while refractory.

Rotter & Diesmann, Biol. Cybern. 81 (1999): over a step h, V ← V e^{−h/τm} + I P21 + I_bias P20, and I ← I P11. A model
is one entry of `RESPONSES`: what arriving charge does to the membrane. The update order (membrane, currents, arriving
spikes, threshold) is that of NEST 3.10, where each model has its namesake.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError

# Columns of the kernel's parameter table.
P22, P21_EX, P21_IN, DRIVE, THRESHOLD, RESET, REFRACTORY_STEPS, P11_EX, P11_IN, P20 = range(10)

MAX_DELAY_STEPS = 1_000_000


class Response(NamedTuple):
    """How a model's membrane takes what arrives on its two receptors.

    `propagators(circuit, dt_ms)` gives P21 and P11, each float[2, N] with the excitatory receptor first,
    `gain(circuit)` what a weight of 1 pA adds to a receptor of each neuron, and `lag` how many steps after its arrival
    a spike first moves the membrane.
    """

    propagators: Callable[[Circuit, float], tuple[np.ndarray, np.ndarray]]
    gain: Callable[[Circuit], np.ndarray]
    lag: int


def steps_of(time_ms, dt_ms: float) -> np.ndarray:
    """Times in ms as whole steps of `dt_ms`, rounded to the nearest. Raises `InputError` unless `dt_ms` > 0."""
    if not isinstance(dt_ms, int | float | np.number) or not 0 < dt_ms < np.inf:
        raise InputError(f"dt_ms: expected a time step > 0; got {dt_ms!r}")
    steps = np.rint(np.asarray(time_ms, float) / dt_ms)
    within = np.minimum(np.maximum(steps, -(2.0**62)), 2.0**62)  # what is longer would wrap around
    return within.astype(np.int64)


def delay_steps(owner: str, delay_ms: np.ndarray, dt_ms: float) -> np.ndarray:
    """Delays as whole steps.

    Raises `InputError`, in the name of their `owner`, for delays below `dt_ms` or above `MAX_DELAY_STEPS` of it.
    """
    steps = steps_of(delay_ms, dt_ms)
    if (shortest := delay_ms.min(initial=np.inf)) < dt_ms * (1 - 1e-9):
        raise InputError(f"{owner}.delay_ms: expected delays of at least dt_ms = {dt_ms}; got {shortest}")
    if steps.max(initial=0) > MAX_DELAY_STEPS:
        raise InputError(
            f"{owner}.delay_ms: expected at most {MAX_DELAY_STEPS} steps of dt_ms = {dt_ms}; got {delay_ms.max()} ms"
        )
    return steps


def propagators(circuit: Circuit, dt_ms: float) -> np.ndarray:
    """float64[N, 10]: the update's coefficients of each neuron, columns as named in this module."""
    exponent = -dt_ms / circuit.tau_m_ms
    table = np.empty((circuit.n_neurons, 10))
    table[:, REFRACTORY_STEPS] = steps_of(circuit.t_ref_ms, dt_ms)
    table[:, P22] = np.exp(exponent)
    table[:, P20] = circuit.tau_m_ms / circuit.c_m_pF * -np.expm1(exponent)
    table[:, DRIVE] = circuit.bias_pA * table[:, P20]
    table[:, THRESHOLD] = circuit.threshold_mV
    table[:, RESET] = circuit.reset_mV
    p21, p11 = RESPONSES[circuit.model].propagators(circuit, dt_ms)
    table[:, P21_EX], table[:, P21_IN] = p21
    table[:, P11_EX], table[:, P11_IN] = p11
    return table


def _exponential_currents(circuit: Circuit, dt_ms: float):
    """τ_syn dI/dt = −I: a spike raises the current by its weight, which moves the membrane from the next step on."""
    tau_syn = np.array([circuit.tau_syn_ex_ms, circuit.tau_syn_in_ms])
    p11 = np.exp(-dt_ms / tau_syn)
    return _current_to_voltage(circuit.tau_m_ms, tau_syn, circuit.c_m_pF, dt_ms, p11), p11


def _membrane_steps(circuit: Circuit, dt_ms: float):
    """A spike steps the membrane at once by weight × 1 ms / C, and is gone."""
    return np.ones((2, circuit.n_neurons)), np.zeros((2, circuit.n_neurons))


RESPONSES = {
    "iaf_psc_exp": Response(_exponential_currents, lambda circuit: np.ones(circuit.n_neurons), lag=1),
    "iaf_psc_delta": Response(_membrane_steps, lambda circuit: 1.0 / circuit.c_m_pF, lag=0),
}


def _current_to_voltage(tau_m, tau_syn, c_m, dt_ms, p11):
    # e^{−h/τm} (1 − e^{−hδ}) / (δ C) with δ = 1/τs − 1/τm; its limit at δ → 0 is e^{−h/τm} h / C, and where hδ is not
    # small the difference of the two exponentials loses nothing and cannot overflow.
    delta = 1 / tau_syn - 1 / tau_m
    h_delta = np.abs(delta * dt_ms)
    near, far = h_delta < 1e-9, h_delta > 1
    safe = np.where(near, 1.0, delta)
    decay = np.exp(-dt_ms / tau_m)
    series = decay * np.where(near, dt_ms, -np.expm1(-dt_ms * np.where(far, 0.0, safe)) / safe)
    return np.where(far, (decay - p11) / safe, series) / c_m
