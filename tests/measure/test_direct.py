from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure.direct import direct_genome
from evocircuits.simulator import simulate
from evocircuits.tasks import TASKS
from tests.circuits import pair, plastic
from tests.simulator.circuits import random_circuit, random_rules, random_stimulus

DT_ms = 0.1


def expressible(seed: int, plasticity=(), **changes) -> Circuit:
    """A random circuit of several capacitances and with biases, whose outputs are excitatory and whose reset is 0."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, strength=0.6, bias=0.6, plasticity=plasticity)
    outputs = rng.permutation(np.flatnonzero(circuit.excitatory))[:3]
    return replace(circuit, reset_mV=np.zeros(12), outputs={"out": outputs}, **changes)


def output_counts(circuit: Circuit, seed: int) -> np.ndarray:
    stimulus = random_stimulus(np.random.default_rng(seed), n_trials=4, n_steps=1000, rate_Hz=150.0)
    return simulate(circuit, stimulus, dt_ms=DT_ms, dtype=np.float64).output_counts("out")


@given(st.integers(0, 50))
def test_it_develops_to_a_circuit_that_spikes_alike(seed):
    circuit = expressible(seed)
    again = develop(direct_genome(circuit), dt_ms=DT_ms)
    assert output_counts(circuit, seed).tolist() == output_counts(again, seed).tolist()
    assert again.n_synapses == circuit.n_synapses
    assert again.outputs["out"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("seed", range(5))
def test_plastic_synapses_follow_the_same_rules(seed):
    circuit = expressible(seed, random_rules(np.random.default_rng(seed), max_weight=1500.0))
    again = develop(direct_genome(circuit), dt_ms=DT_ms)
    assert output_counts(circuit, seed).tolist() == output_counts(again, seed).tolist()


@pytest.mark.parametrize("name", TASKS)
def test_references_come_back_as_they_were_but_for_order(name):
    """Outputs come first in most of them, so that even the order is the same."""
    circuit = develop(TASKS[name].reference(), dt_ms=TASKS[name].dt_ms)
    genome = direct_genome(circuit)
    again = develop(genome, dt_ms=TASKS[name].dt_ms)
    assert {p.size for p in genome.populations} == {1}
    assert sorted(again.delay_ms) == pytest.approx(sorted(circuit.delay_ms))
    assert sorted(again.weight_pA) == pytest.approx(sorted(circuit.weight_pA))
    assert {port: a.channels for port, a in again.inputs.items()} == {
        port: a.channels for port, a in circuit.inputs.items()
    }


def test_synapses_without_weight_are_left_out():
    """pair(): of its four synapses 1 ⊣ 0 has no weight."""
    genome = direct_genome(replace(pair(), reset_mV=[0.0, 0.0]))
    assert len(genome.projections) == 3


@pytest.mark.parametrize(
    "circuit",
    [
        pair(),  # a reset of −1 mV
        replace(pair(), reset_mV=[0.0, 0.0], model="iaf_psc_delta"),
        replace(pair(), reset_mV=[0.0, 0.0], outputs={"out": [1]}),  # an inhibitory output
        replace(pair(), reset_mV=[0.0, 0.0], outputs={"out": [0], "too": [0]}),
        replace(plastic(rule=[0, 0]), reset_mV=[0.0, 0.0]),  # a plastic synapse that begins at 0
    ],
)
def test_what_genes_cannot_say_has_none(circuit):
    assert direct_genome(circuit) is None
