"""What a trial costs on spike-based hardware: synaptic events, each one accumulate operation."""

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.simulator import Recording

ACCUMULATE_pJ = 0.9
"""A 32-bit floating-point addition at 45 nm (Horowitz, ISSCC 2014)."""


def synaptic_events(circuit: Circuit, recording: Recording) -> float:
    """Synaptic events per trial: every spike counts once for each synapse it reaches, input spikes included."""
    fan_out = np.bincount(circuit.source, minlength=circuit.n_neurons)
    events = recording.counts @ fan_out
    for name, afferents in circuit.inputs.items():
        fan_out = np.bincount(afferents.channel, minlength=afferents.channels)
        events = events + recording.input_counts[name] @ fan_out
    return float(events.mean())
