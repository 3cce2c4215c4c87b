import numpy as np
import pytest

from evocircuits.circuit import Afferents, Circuit
from evocircuits.measure.energy import energy_pJ
from evocircuits.simulator import Spikes, Stimulus, simulate


def test_every_spike_costs_one_accumulation_per_synapse_it_reaches():
    # One input channel drives neuron 0 twice over (3 synapses in all with neuron 1); neuron 0 has 2 outgoing synapses.
    n = np.ones(2)
    circuit = Circuit(
        excitatory=[True, True],
        tau_m_ms=10 * n,
        c_m_pF=250 * n,
        threshold_mV=15 * n,
        reset_mV=0 * n,
        t_ref_ms=50 * n,
        bias_pA=0 * n,
        tau_syn_ex_ms=2 * n,
        tau_syn_in_ms=2 * n,
        source=[0, 0],
        target=[1, 1],
        weight_pA=[1.0, 1.0],
        delay_ms=[1.0, 1.0],
        inputs={"in": Afferents(1, [0, 0, 0], [0, 0, 1], [50000.0, 50000.0, 1.0], [1.0, 1.0, 1.0])},
    )
    stimulus = Stimulus(2, 30.0, {"in": Spikes([5.0, 5.0, 10.0], [0, 1, 1], [0, 0, 0])})
    recording = simulate(circuit, stimulus, dt_ms=0.1)
    assert recording.counts.tolist() == [[1, 0], [1, 0]]
    # Trial 0: 1 input spike × 3 + 1 spike × 2 = 5; trial 1: 2 × 3 + 1 × 2 = 8.
    assert energy_pJ(recording.synaptic_events) == pytest.approx(6.5 * 0.9)
