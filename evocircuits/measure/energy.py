"""What a trial costs on spike-based hardware: one accumulate operation for each synaptic event."""

from evocircuits.simulator import Recording

ACCUMULATE_pJ = 0.9
"""A 32-bit floating-point addition at 45 nm (Horowitz, ISSCC 2014)."""


def energy_pJ(recording: Recording) -> float:
    """Energy of the synaptic events of a trial, on average over the trials."""
    return float(recording.synaptic_events.mean()) * ACCUMULATE_pJ
