"""Circuits: what is refused, the content id, the shape that ignores order, and change of time scale."""

import hashlib
import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from tests.simulator.circuits import random_circuit

PER_NEURON = (
    "tau_m_ms",
    "c_m_pF",
    "threshold_mV",
    "reset_mV",
    "t_ref_ms",
    "bias_pA",
    "tau_syn_ex_ms",
    "tau_syn_in_ms",
)
circuits = st.builds(
    lambda seed, n, density: random_circuit(np.random.default_rng(seed), n=n, density=density),
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.floats(0.1, 0.8),
)


def pair(**changes) -> Circuit:
    """An excitatory and an inhibitory neuron that project to each other, one input channel, one output neuron."""
    fields_ = {
        "excitatory": [True, False],
        "tau_m_ms": [10.0, 20.0],
        "c_m_pF": [250.0, 250.0],
        "threshold_mV": [15.0, 12.0],
        "reset_mV": [0.0, -1.0],
        "t_ref_ms": [2.0, 0.0],
        "bias_pA": [0.0, 30.0],
        "tau_syn_ex_ms": [2.0, 2.0],
        "tau_syn_in_ms": [5.0, 5.0],
        "source": [0, 1],
        "target": [1, 0],
        "weight_pA": [100.0, 0.0],
        "delay_ms": [1.0, 0.1],
        "inputs": {"in": Afferents(2, [0, 1], [0, 0], [50.0, 60.0], [0.5, 0.6])},
        "outputs": {"out": [0]},
    }
    return Circuit(**fields_ | changes)


def relabelled(circuit: Circuit, neurons: np.ndarray, rng: np.random.Generator) -> Circuit:
    """Neuron i becomes neurons[i]; synapses, also those from inputs, come in another order."""
    back = np.argsort(neurons)
    order = rng.permutation(len(circuit.source))
    inputs = {}
    for name, a in circuit.inputs.items():
        mixed = rng.permutation(len(a.target))
        columns = (a.channel, neurons[a.target], a.weight_pA, a.delay_ms)
        inputs[name] = Afferents(a.channels, *(column[mixed] for column in columns))
    return replace(
        circuit,
        excitatory=circuit.excitatory[back],
        **{name: getattr(circuit, name)[back] for name in PER_NEURON},
        source=neurons[circuit.source][order],
        target=neurons[circuit.target][order],
        weight_pA=circuit.weight_pA[order],
        delay_ms=circuit.delay_ms[order],
        inputs=inputs,
        outputs={name: neurons[indices] for name, indices in circuit.outputs.items()},
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_pA": [-1.0, 2.0]}, "Circuit.weight_pA: expected magnitudes ≥ 0 (Dale's law); got -1.0"),
        ({"weight_pA": [1.0, np.nan]}, "Circuit.weight_pA: expected finite numbers"),
        ({"weight_pA": [1.0]}, "Circuit.weight_pA: expected 2 values; got 1"),
        ({"weight_pA": [[1.0, 2.0]]}, "Circuit.weight_pA: expected one dimension"),
        ({"weight_pA": ["much", 2.0]}, "Circuit.weight_pA: expected a list of numbers"),
        ({"delay_ms": [0.0, 1.0]}, "Circuit.delay_ms: expected delays > 0; got 0.0"),
        ({"source": [0, 2]}, "Circuit.source: expected indices 0…1; got 0…2"),
        ({"target": [-1, 0]}, "Circuit.target: expected indices 0…1; got -1…0"),
        ({"source": [0, 0.5]}, "Circuit.source: expected a list of whole numbers"),
        ({"excitatory": ["false", "true"]}, "Circuit.excitatory: expected a list of true and false"),
        ({"excitatory": [1, 2]}, "Circuit.excitatory: expected a list of true and false"),
        ({"excitatory": [True]}, "Circuit.tau_m_ms: expected 1 values; got 2"),
        ({"tau_m_ms": [0.0, 1.0]}, "Circuit.tau_m_ms: expected values > 0; got 0.0"),
        ({"c_m_pF": [-5.0, 1.0]}, "Circuit.c_m_pF: expected values > 0; got -5.0"),
        ({"tau_syn_in_ms": [np.inf, 1.0]}, "Circuit.tau_syn_in_ms: expected finite numbers"),
        ({"t_ref_ms": [-1.0, 1.0]}, "Circuit.t_ref_ms: expected values ≥ 0; got -1.0"),
        ({"reset_mV": [15.0, 0.0]}, "Circuit.threshold_mV: expected every threshold above its reset"),
        ({"outputs": {"out": [2]}}, "Circuit.outputs['out']: expected indices 0…1; got 2…2"),
        (
            {"inputs": {"in": Afferents(1, [0], [2], [1.0], [1.0])}},
            "Circuit.inputs['in'].target: expected indices 0…1",
        ),
    ],
)
def test_a_circuit_that_cannot_be_is_one_clear_line(changes, message):
    with pytest.raises(InputError) as error:
        pair(**changes)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, [1], [0], [1.0], [1.0]), "Afferents.channel: expected indices 0…0; got 1…1"),
        ((1, [0], [0], [-1.0], [1.0]), "Afferents.weight_pA: expected magnitudes ≥ 0 (Dale's law)"),
        ((1, [0], [0], [1.0], [-1.0]), "Afferents.delay_ms: expected delays > 0"),
        ((1, [0], [0, 0], [1.0], [1.0]), "Afferents.target: expected 1 values; got 2"),
        ((1.5, [0], [0], [1.0], [1.0]), "Afferents.channels: expected a number of channels; got 1.5"),
        (("2", [0], [0], [1.0], [1.0]), "Afferents.channels: expected a number of channels; got '2'"),
        ((-1, [], [], [], []), "Afferents.channels: expected a number of channels; got -1"),
    ],
)
def test_afferents_that_cannot_be_are_one_clear_line(arguments, message):
    with pytest.raises(InputError) as error:
        Afferents(*arguments)
    assert str(error.value).startswith(message)


def test_arrays_are_copies_that_cannot_be_written():
    weight_pA = np.array([1.0, 2.0])
    circuit = pair(weight_pA=weight_pA)
    weight_pA[0] = -1
    assert circuit.weight_pA.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        circuit.weight_pA[0] = -1
    with pytest.raises(ValueError, match="read-only"):
        circuit.inputs["in"].weight_pA[0] = -1
    with pytest.raises(ValueError, match="read-only"):
        circuit.outputs["out"][0] = 1


def test_counts_and_output_neurons():
    circuit = pair(outputs={"b": [1], "a": [0, 1]})
    assert (circuit.n_neurons, circuit.n_synapses) == (2, 4)
    assert circuit.output_neurons.tolist() == [1, 0, 1]
    assert pair(outputs={}).output_neurons.tolist() == []


def test_the_id_is_the_hash_of_sorted_json_with_shortest_floats():
    text = (
        '{"bias_pA":[0.0,30.0],"c_m_pF":[250.0,250.0],"delay_ms":[1.0,0.1],"excitatory":[true,false],'
        '"inputs":{"in":{"channel":[0,1],"channels":2,"delay_ms":[0.5,0.6],"target":[0,0],"weight_pA":[50.0,60.0]}},'
        '"outputs":{"out":[0]},"reset_mV":[0.0,-1.0],"source":[0,1],"t_ref_ms":[2.0,0.0],"target":[1,0],'
        '"tau_m_ms":[10.0,20.0],"tau_syn_ex_ms":[2.0,2.0],"tau_syn_in_ms":[5.0,5.0],"threshold_mV":[15.0,12.0],'
        '"weight_pA":[100.0,0.0]}'
    )
    assert pair().id == hashlib.sha256(text.encode()).hexdigest()


def test_the_id_does_not_depend_on_how_numbers_were_given():
    floats = pair()
    given_otherwise = pair(
        weight_pA=np.array([100, 0], np.int32),
        bias_pA=(-0.0, 30),
        source=np.array([0.0, 1.0]),
        excitatory=[1, 0],
    )
    assert given_otherwise.id == floats.id
    assert given_otherwise == floats
    assert len({given_otherwise, floats}) == 1


@given(circuits)
@settings(max_examples=20, deadline=None)
def test_json_and_back_is_the_same_circuit(circuit):
    assert Circuit.from_dict(json.loads(json.dumps(circuit.to_dict()))).id == circuit.id


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("tau_m_ms"),
        lambda d: d.update(colour=[1, 2]),
        lambda d: d.update(inputs=[1]),
        lambda d: d.update(inputs={"in": {"channels": 1}}),
        lambda d: d.update(outputs=None),
        lambda d: d.update(weight_pA=None),
        lambda d: d.update(excitatory=[None, True]),
        lambda d: d.update(delay_ms=[10**400, 1]),
    ],
)
def test_a_malformed_dictionary_is_one_clear_line(spoil):
    data = pair().to_dict()
    spoil(data)
    with pytest.raises(InputError) as error:
        Circuit.from_dict(data)
    assert "\n" not in str(error.value)


@given(circuits, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_shape_does_not_change_when_neurons_and_synapses_change_places(circuit, random):
    rng = np.random.default_rng(random.randrange(2**32))
    other = relabelled(circuit, rng.permutation(circuit.n_neurons), rng)
    assert other.shape == circuit.shape


@given(circuits, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_shape_changes_with_every_constant_weight_and_delay(circuit, random):
    for name in (*PER_NEURON, "weight_pA", "delay_ms"):
        values = getattr(circuit, name).copy()
        values[random.randrange(len(values))] += 0.125
        assert replace(circuit, **{name: values}).shape != circuit.shape
    a = circuit.inputs["in"]
    for name in ("weight_pA", "delay_ms"):
        values = getattr(a, name).copy()
        values[random.randrange(len(values))] += 0.125
        assert replace(circuit, inputs={"in": replace(a, **{name: values})}).shape != circuit.shape
    flipped = circuit.excitatory.copy()
    flipped[random.randrange(circuit.n_neurons)] ^= True
    assert replace(circuit, excitatory=flipped).shape != circuit.shape


def test_the_shape_changes_with_ports():
    shapes = [
        pair(),
        pair(outputs={"out": [1]}),
        pair(outputs={"out": [0, 1]}),
        pair(outputs={"out": [1, 0]}),
        pair(outputs={"other": [0]}),
        pair(inputs={"ear": pair().inputs["in"]}),
        pair(inputs={"in": Afferents(2, [1, 0], [0, 0], [50.0, 60.0], [0.5, 0.6])}),
        pair(inputs={}),
    ]
    assert len({circuit.shape for circuit in shapes}) == len(shapes)


def test_the_shape_tells_one_ring_from_two():
    """Six like neurons in one ring or in two: the same neighbours everywhere, told apart by an output's place."""
    like = {name: np.ones(6) for name in PER_NEURON} | {
        "reset_mV": np.zeros(6),
        "excitatory": np.full(6, True),
    }
    synapses = {
        "source": np.arange(6),
        "weight_pA": np.ones(6),
        "delay_ms": np.ones(6),
        "outputs": {"out": [0]},
    }
    one = Circuit(target=[1, 2, 3, 4, 5, 0], **like, **synapses)
    two = Circuit(target=[1, 2, 0, 4, 5, 3], **like, **synapses)
    assert one.shape != two.shape


def test_scaling_multiplies_times_and_capacitance_and_nothing_else():
    circuit, slow = pair(), pair().scaled(4.0)
    times = {"tau_m_ms", "c_m_pF", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms", "delay_ms"}
    for field in fields(Circuit):
        if field.name not in ("inputs", "outputs"):
            factor = 4.0 if field.name in times else 1.0
            assert np.array_equal(getattr(slow, field.name), factor * getattr(circuit, field.name))
    assert slow.inputs["in"].delay_ms.tolist() == [2.0, 2.4]
    assert slow.inputs["in"].weight_pA.tolist() == [50.0, 60.0]
    assert slow.outputs["out"].tolist() == [0]


def test_a_circuit_says_what_it_is():
    assert repr(pair()) == f"Circuit(1 E + 1 I, 4 synapses, id {pair().id[:8]})"
