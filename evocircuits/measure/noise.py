"""Circuits whose weights are not quite what they should be, as on analogue hardware or in tissue."""

from dataclasses import replace

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.interventions import bounds_pA


def with_noisy_weights(circuit: Circuit, spread: float, rng: np.random.Generator) -> Circuit:
    """`circuit` with every weight times exp(`spread` × a standard normal number): signs and zeros stay.

    A weight that has a `max_weight` does not pass it.
    """

    def noisy(weight_pA: np.ndarray, rule: np.ndarray) -> np.ndarray:
        drawn = weight_pA * np.exp(spread * rng.standard_normal(len(weight_pA)))
        return np.minimum(drawn, bounds_pA(circuit)[rule])

    inputs = {port: replace(a, weight_pA=noisy(a.weight_pA, a.rule)) for port, a in circuit.inputs.items()}
    return replace(circuit, weight_pA=noisy(circuit.weight_pA, circuit.rule), inputs=inputs)
