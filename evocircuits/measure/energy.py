"""What a trial costs on spike-based hardware: one accumulate operation for each synaptic event."""

import numpy as np

ACCUMULATE_pJ = 0.9
"""A 32-bit floating-point addition at 45 nm (Horowitz, ISSCC 2014)."""


def energy_pJ(synaptic_events: np.ndarray) -> float:
    """Energy of a trial, on average over trials with `synaptic_events` each, int[trials]."""
    return float(np.mean(synaptic_events)) * ACCUMULATE_pJ
