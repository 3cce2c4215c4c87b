"""The shape of a circuit, which ignores the order of neurons and synapses and tells all else apart."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from tests.circuits import circuits, models_and_rules, pair, with_random_rules

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


def relabelled(circuit: Circuit, neurons: np.ndarray, rng: np.random.Generator) -> Circuit:
    """Neuron i becomes neurons[i]; synapses, also those from inputs, come in another order."""
    back = np.argsort(neurons)
    order = rng.permutation(len(circuit.source))
    inputs = {}
    for name, a in circuit.inputs.items():
        mixed = rng.permutation(len(a.target))
        columns = (a.channel, neurons[a.target], a.weight_pA, a.delay_ms, a.rule)
        inputs[name] = Afferents(a.channels, *(column[mixed] for column in columns))
    return replace(
        circuit,
        excitatory=circuit.excitatory[back],
        **{name: getattr(circuit, name)[back] for name in PER_NEURON},
        source=neurons[circuit.source][order],
        target=neurons[circuit.target][order],
        weight_pA=circuit.weight_pA[order],
        delay_ms=circuit.delay_ms[order],
        rule=circuit.rule[order],
        inputs=inputs,
        outputs={name: neurons[indices] for name, indices in circuit.outputs.items()},
    )


def test_static_circuits_keep_the_shape_they_had_before_there_was_plasticity():
    # written down with the version that knew neither rules nor models
    assert pair().shape == "0ecd19b1659aee98cf0e2a2e8e8260cb9f8a982aef876657eaf8795a0e0423a1"


def test_the_shape_tells_models_and_rules_apart():
    others = models_and_rules()
    assert len({circuit.shape for circuit in others}) == len(others)


@given(circuits, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_shape_does_not_change_when_neurons_and_synapses_change_places(circuit, random):
    rng = np.random.default_rng(random.randrange(2**32))
    other = relabelled(circuit, rng.permutation(circuit.n_neurons), rng)
    assert other.shape == circuit.shape


@given(circuits, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_shape_of_a_plastic_circuit_does_not_change_either_not_even_when_rules_change_places(
    circuit, random
):
    rng = np.random.default_rng(random.randrange(2**32))
    circuit = with_random_rules(circuit, rng)
    other = relabelled(circuit, rng.permutation(circuit.n_neurons), rng)
    assert other.shape == circuit.shape
    places = np.array([2, 0, 1, -1])  # rule i becomes places[i], −1 stays
    moved = replace(
        other,
        plasticity=[circuit.plasticity[i] for i in (1, 2, 0)],
        rule=places[other.rule],
        inputs={name: replace(a, rule=places[a.rule]) for name, a in other.inputs.items()},
    )
    assert moved.shape == circuit.shape


@given(circuits, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_shape_changes_with_every_rule(circuit, random):
    circuit = with_random_rules(circuit, np.random.default_rng(random.randrange(2**32)))
    for synapses in (circuit, circuit.inputs["in"]):
        rule = synapses.rule.copy()
        one = random.randrange(len(rule))
        rule[one] = (rule[one] + 2) % 4 - 1  # the next of −1, 0, 1, 2
        changed = replace(synapses, rule=rule)
        changed = changed if synapses is circuit else replace(circuit, inputs={"in": changed})
        assert changed.shape != circuit.shape
    used = circuit.rule[circuit.rule >= 0]
    if len(used):
        rules = list(circuit.plasticity)
        rules[used[0]] = rules[used[0]].scaled(2.0)
        assert replace(circuit, plasticity=rules).shape != circuit.shape


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
