from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Afferents
from evocircuits.measure.table import content, from_excitatory, senders, table_of, with_table
from tests.circuits import circuits, plastic
from tests.simulator.circuits import equal_neurons


def two_ports():
    """0 → 1 ⊣ 0 between neurons, port `a` of two channels and port `b` of three."""
    return equal_neurons(
        2,
        excitatory=[True, False],
        source=[0, 1],
        target=[1, 0],
        weight_pA=[1.0, 2.0],
        delay_ms=[1.0, 2.0],
        inputs={
            "a": Afferents(2, [1], [0], [3.0], [3.0]),
            "b": Afferents(3, [0, 2], [1, 0], [4.0, 5.0], [4.0, 5.0]),
        },
    )


def test_synapses_between_neurons_come_first_then_port_by_port():
    table = table_of(two_ports())
    assert table.port.tolist() == [-1, -1, 0, 1, 1]
    assert table.source.tolist() == [0, 1, 1, 0, 2]
    assert table.target.tolist() == [1, 0, 0, 1, 0]
    assert table.weight_pA.tolist() == [1, 2, 3, 4, 5]


def test_senders_count_neurons_then_the_channels_of_all_ports():
    """Two neurons, channels 2 and 3 of `a`, 4 to 6 of `b`."""
    circuit = two_ports()
    assert senders(circuit, table_of(circuit)).tolist() == [0, 1, 3, 4, 6]
    lone = equal_neurons(1, source=[0], target=[0], weight_pA=[1.0], delay_ms=[1.0])
    assert senders(lone, table_of(lone)).tolist() == [0]


def test_all_channels_are_excitatory():
    circuit = two_ports()
    assert from_excitatory(circuit, table_of(circuit)).tolist() == [True, False, True, True, True]


@given(circuits)
def test_a_circuit_comes_back_from_its_table(circuit):
    assert with_table(circuit, table_of(circuit)) == circuit


def test_rules_come_back_too():
    assert with_table(plastic(), table_of(plastic())) == plastic()


@given(circuits, st.integers(0, 99))
def test_content_does_not_depend_on_the_order_of_synapses(circuit, seed):
    table = table_of(circuit)
    order = np.random.default_rng(seed).permutation(len(table.port))
    assert content(with_table(circuit, table.rows(order))) == content(circuit)
    other = replace(circuit, weight_pA=circuit.weight_pA + 1)
    assert content(other) != content(circuit) or len(circuit.source) == 0
