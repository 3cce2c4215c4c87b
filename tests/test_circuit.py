"""Circuits: what is refused, the content id, change of time scale, plasticity."""

import hashlib
import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits import circuit as circuit_module
from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.plasticity import ShortTerm, SpikeTiming
from tests.circuits import DEPRESSING, circuits, models_and_rules, pair, plastic, with_random_rules


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_pA": [-1.0, 2.0]}, "Circuit.weight_pA: expected magnitudes ≥ 0 (Dale's law); got -1.0"),
        ({"weight_pA": [1.0, np.nan]}, "Circuit.weight_pA: expected finite numbers; got nan"),
        ({"weight_pA": [1.0]}, "Circuit.weight_pA: expected 2 values; got 1"),
        ({"weight_pA": [[1.0, 2.0]]}, "Circuit.weight_pA: expected float[synapses]; got shape (1, 2)"),
        ({"weight_pA": ["much", 2.0]}, "Circuit.weight_pA: expected float[synapses]; got ['much', 2.0]"),
        ({"delay_ms": [0.0, 1.0]}, "Circuit.delay_ms: expected delays > 0; got 0.0"),
        ({"source": [0, 2]}, "Circuit.source: expected indices 0…1; got 0…2"),
        ({"target": [-1, 0]}, "Circuit.target: expected indices 0…1; got -1…0"),
        ({"source": [0, 0.5]}, "Circuit.source: expected whole numbers; got [0, 0.5]"),
        (
            {"excitatory": ["false", "true"]},
            "Circuit.excitatory: expected true and false; got ['false', 'true']",
        ),
        ({"excitatory": [1, 2]}, "Circuit.excitatory: expected true and false; got [1, 2]"),
        ({"excitatory": [True]}, "Circuit.tau_m_ms: expected 1 values; got 2"),
        ({"tau_m_ms": [0.0, 1.0]}, "Circuit.tau_m_ms: expected values > 0; got 0.0"),
        ({"c_m_pF": [-5.0, 1.0]}, "Circuit.c_m_pF: expected values > 0; got -5.0"),
        ({"tau_syn_in_ms": [np.inf, 1.0]}, "Circuit.tau_syn_in_ms: expected finite numbers"),
        ({"t_ref_ms": [-1.0, 1.0]}, "Circuit.t_ref_ms: expected values ≥ 0; got -1.0"),
        (
            {"reset_mV": [0.0, 12.5]},
            "Circuit.threshold_mV: expected every threshold above its reset; got 12.0 at reset 12.5 of neuron 1",
        ),
        (
            {"model": "izhikevich"},
            "Circuit.model: expected one of iaf_psc_exp, iaf_psc_delta; got 'izhikevich'",
        ),
        ({"model": None}, "Circuit.model: expected one of iaf_psc_exp, iaf_psc_delta; got None"),
        (
            {"rule": [0, -1]},
            "Circuit.rule: expected −1 (static) or an index into 0 plasticity rules; got -1…0",
        ),
        (
            {"rule": [-1, -2]},
            "Circuit.rule: expected −1 (static) or an index into 0 plasticity rules; got -2…-1",
        ),
        ({"rule": [-1]}, "Circuit.rule: expected 2 values; got 1"),
        ({"rule": [-1, 0.5]}, "Circuit.rule: expected whole numbers; got [-1, 0.5]"),
        ({"plasticity": ["hebb"]}, "Circuit.plasticity: expected rules of plasticity; got 'hebb'"),
        ({"plasticity": "hebb"}, "Circuit.plasticity: expected rules of plasticity; got 'hebb'"),
        ({"plasticity": None}, "Circuit.plasticity: expected rules of plasticity; got None"),
        (
            {"plasticity": [DEPRESSING], "rule": [0, 1]},
            "Circuit.rule: expected −1 (static) or an index into 1 plasticity rules; got 0…1",
        ),
        (
            {"plasticity": [SpikeTiming(max_weight=99.5)], "rule": [0, 0]},
            "Circuit.weight_pA: expected at most the max_weight 99.5 of its rule; got 100.0",
        ),
        ({"inputs": [1]}, "Circuit.inputs: expected a dictionary by port name; got [1]"),
        ({"inputs": {1: None}}, "Circuit.inputs: expected a dictionary by port name; got {1: None}"),
        ({"inputs": {"in": 1}}, "Circuit.inputs['in']: expected Afferents; got 1"),
        ({"outputs": [0]}, "Circuit.outputs: expected a dictionary by port name; got [0]"),
        ({"outputs": {"out": [2]}}, "Circuit.outputs['out']: expected indices 0…1; got 2…2"),
        (
            {"inputs": {"in": Afferents(1, [0], [2], [1.0], [1.0])}},
            "Circuit.inputs['in'].target: expected indices 0…1",
        ),
        (
            {"inputs": {"in": Afferents(1, [0], [0], [1.0], [1.0], rule=[0])}},
            "Circuit.inputs['in'].rule: expected −1 (static) or an index into 0 plasticity rules; got 0…0",
        ),
        (
            {
                "inputs": {"in": Afferents(1, [0], [0], [3.0], [1.0], rule=[0])},
                "plasticity": [SpikeTiming(max_weight=2.0)],
            },
            "Circuit.inputs['in'].weight_pA: expected at most the max_weight 2.0 of its rule; got 3.0",
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
        (
            (0, [0], [0], [1.0], [1.0]),
            "Afferents.channel: expected no index, as there is nothing to name; got 0…0",
        ),
        ((1, [0], [0], [1.0], [1.0], [0, 0]), "Afferents.rule: expected 1 values; got 2"),
        ((1, [0], [0], [-1.0], [1.0]), "Afferents.weight_pA: expected magnitudes ≥ 0 (Dale's law)"),
        ((1, [0], [0], [1.0], [-1.0]), "Afferents.delay_ms: expected delays > 0"),
        ((1, [0], [0, 0], [1.0], [1.0]), "Afferents.target: expected 1 values; got 2"),
        ((1.5, [0], [0], [1.0], [1.0]), "Afferents.channels: expected a whole number ≥ 0; got 1.5"),
        (("2", [0], [0], [1.0], [1.0]), "Afferents.channels: expected a whole number ≥ 0; got '2'"),
        ((-1, [], [], [], []), "Afferents.channels: expected a whole number ≥ 0; got -1"),
    ],
)
def test_afferents_that_cannot_be_are_one_clear_line(arguments, message):
    with pytest.raises(InputError) as error:
        Afferents(*arguments)
    assert str(error.value).startswith(message)


def test_arrays_are_copies_that_cannot_be_written():
    given = {
        "weight_pA": np.array([1.0, 2.0]),
        "source": np.array([0, 1]),
        "excitatory": np.array([True, False]),
    }
    out = np.array([0])
    circuit = pair(**given, outputs={"out": out})
    text = circuit.to_dict()
    for array in (*given.values(), out):
        array[:] = array[::-1] + 1
    assert circuit.to_dict() == text
    kept = [getattr(circuit, name) for name in given]
    for array in (*kept, circuit.rule, circuit.inputs["in"].weight_pA, circuit.outputs["out"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_a_circuit_keeps_its_ports_when_the_callers_dictionary_changes():
    inputs = {"in": pair().inputs["in"]}
    circuit = pair(inputs=inputs)
    inputs.clear()
    assert circuit == pair()


def test_circuits_above_the_limits_of_size_are_refused(monkeypatch):
    assert (circuit_module.MAX_NEURONS, circuit_module.MAX_SYNAPSES) == (10_000, 4_000_000)
    monkeypatch.setattr(circuit_module, "MAX_NEURONS", 2)
    monkeypatch.setattr(circuit_module, "MAX_SYNAPSES", 4)
    assert pair().n_synapses == 4  # those of the input count
    monkeypatch.setattr(circuit_module, "MAX_SYNAPSES", 3)
    with pytest.raises(InputError, match=r"^Circuit: expected at most 3 synapses; got 4$"):
        pair()
    monkeypatch.setattr(circuit_module, "MAX_NEURONS", 1)
    with pytest.raises(InputError, match=r"^Circuit: expected at most 1 neurons; got 2$"):
        pair()


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


def test_static_circuits_keep_the_id_they_had_before_there_was_plasticity():
    # written down with the version that knew neither rules nor models
    assert pair().id == "332833856928155db36f544fc3df3e6ee0271c3a5c7ea33e38db37a1dfc9b0a6"
    assert pair(rule=[-1, -1], model="iaf_psc_exp", plasticity=()).id == pair().id


def test_the_text_of_a_plastic_circuit_adds_model_rules_and_their_places():
    circuit = plastic(model="iaf_psc_delta")
    data, static = circuit.to_dict(), pair().to_dict()
    added = {name: data[name] for name in data if name not in static}
    assert added == {
        "model": "iaf_psc_delta",
        "rule": [0, -1],
        "plasticity": [
            {"rule": "short_term", "utilisation": 0.25, "tau_rec_ms": 100.0, "tau_fac_ms": 0.0},
            {
                "rule": "spike_timing",
                "max_weight": 120.0,
                "learning_rate": 0.01,
                "alpha": 1.0,
                "mu_plus": 1.0,
                "mu_minus": 1.0,
                "tau_plus_ms": 20.0,
                "tau_minus_ms": 20.0,
            },
        ],
    }
    assert data["inputs"]["in"] == static["inputs"]["in"] | {"rule": [-1, 1]}


def test_the_id_tells_models_and_rules_apart():
    others = models_and_rules()
    assert len({circuit.id for circuit in others}) == len(others)


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


@given(circuits, st.integers(0, 2**32 - 1), st.sampled_from(circuit_module.MODELS))
@settings(max_examples=20, deadline=None)
def test_json_and_back_is_the_same_plastic_circuit(circuit, seed, model):
    circuit = replace(with_random_rules(circuit, np.random.default_rng(seed)), model=model)
    read = Circuit.from_dict(json.loads(json.dumps(circuit.to_dict())))
    assert read.id == circuit.id
    assert (read.model, read.plasticity) == (model, circuit.plasticity)
    assert read.rule.tolist() == circuit.rule.tolist()
    assert read.inputs["in"].rule.tolist() == circuit.inputs["in"].rule.tolist()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.pop("tau_m_ms"), "circuit: expected the fields of Circuit.to_dict(); got no tau_m_ms"),
        (lambda d: d.pop("inputs"), "circuit: expected the fields of Circuit.to_dict(); got no inputs"),
        (
            lambda d: d.update(colour=[1, 2]),
            "circuit: expected the fields of Circuit.to_dict(); got 'colour'",
        ),
        (lambda d: d.update(inputs=[1]), "Circuit.inputs: expected a dictionary by port name; got [1]"),
        (
            lambda d: d.update(inputs={"in": 3}),
            "circuit: inputs['in']: expected the fields of Circuit.to_dict(); got 3",
        ),
        (
            lambda d: d.update(inputs={"in": {"channels": 1}}),
            "circuit: inputs['in']: expected the fields of Circuit.to_dict(); got no channel",
        ),
        (lambda d: d.update(outputs=None), "Circuit.outputs: expected a dictionary by port name; got None"),
        (lambda d: d.update(weight_pA=None), "Circuit.weight_pA: expected float[synapses]; got None"),
        (
            lambda d: d.update(excitatory=[None, True]),
            "Circuit.excitatory: expected true and false; got [None, True]",
        ),
        (lambda d: d.update(delay_ms=[10**400, 1]), "Circuit.delay_ms: expected float[synapses]; got [1000"),
        (lambda d: d.update(plasticity=3), "Circuit.plasticity: expected a list of rules; got 3"),
        (lambda d: d.update(plasticity=["hebb"]), "plasticity: expected a dictionary that names its rule"),
        (
            lambda d: d["plasticity"][0].update(tau_rec_ms=0.0),
            "ShortTerm.tau_rec_ms: expected a time constant > 0",
        ),
        (lambda d: d["plasticity"][0].update(rule="hebb"), "plasticity.rule: expected one of short_term"),
        (
            lambda d: d["plasticity"].pop(),
            "Circuit.inputs['in'].rule: expected −1 (static) or an index into 1",
        ),
        (
            lambda d: d.update(model="hh"),
            "Circuit.model: expected one of iaf_psc_exp, iaf_psc_delta; got 'hh'",
        ),
    ],
)
def test_a_malformed_dictionary_is_one_clear_line(spoil, message):
    data = plastic().to_dict()
    spoil(data)
    with pytest.raises(InputError) as error:
        Circuit.from_dict(data)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [None, [], "circuit", 3])
def test_what_is_no_circuit_at_all_is_one_clear_line(data):
    with pytest.raises(InputError, match=r"^circuit: expected the fields of Circuit.to_dict\(\); got "):
        Circuit.from_dict(data)


def test_scaling_multiplies_times_and_capacitance_and_nothing_else():
    circuit, slow = pair(), pair().scaled(4.0)
    times = {"tau_m_ms", "c_m_pF", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms", "delay_ms"}
    for field in fields(Circuit):
        if field.name not in ("inputs", "outputs", "model", "plasticity"):
            factor = 4.0 if field.name in times else 1.0
            assert np.array_equal(getattr(slow, field.name), factor * getattr(circuit, field.name))
    assert (slow.model, slow.plasticity) == ("iaf_psc_exp", ())
    assert slow.inputs["in"].delay_ms.tolist() == [2.0, 2.4]
    assert slow.inputs["in"].weight_pA.tolist() == [50.0, 60.0]
    assert slow.outputs["out"].tolist() == [0]


def test_scaling_multiplies_the_charges_of_iaf_psc_delta():
    # a charge lifts the membrane by weight × 1 ms / C, and C grows with time
    circuit = pair(model="iaf_psc_delta")
    slow = circuit.scaled(4.0)
    assert slow.model == "iaf_psc_delta"
    assert slow.weight_pA.tolist() == [400.0, 0.0]
    assert slow.inputs["in"].weight_pA.tolist() == [200.0, 240.0]
    for old, new in ((circuit, slow), (circuit.inputs["in"], slow.inputs["in"])):
        lift_mV = [c.weight_pA / k.c_m_pF[c.target] for c, k in ((old, circuit), (new, slow))]
        assert np.array_equal(*lift_mV)


@pytest.mark.parametrize(("model", "charge"), [("iaf_psc_exp", 1.0), ("iaf_psc_delta", 4.0)])
def test_scaling_slows_rules_and_bounds_go_with_the_weights(model, charge):
    slow = plastic(model=model).scaled(4.0)
    assert slow.plasticity == (
        ShortTerm(0.25, 400.0, 0.0),
        SpikeTiming(max_weight=120.0 * charge, tau_plus_ms=80.0, tau_minus_ms=80.0),
    )
    assert slow.rule.tolist() == [0, -1]
    assert slow.inputs["in"].rule.tolist() == [-1, 1]


@given(circuits, st.floats(1e-3, 1e3), st.sampled_from(circuit_module.MODELS))
@settings(max_examples=25, deadline=None)
def test_a_weight_at_its_bound_stays_within_it_at_any_time_scale(circuit, time_scale, model):
    bound = SpikeTiming(max_weight=circuit.weight_pA.max())
    rule = np.zeros(len(circuit.rule), int)
    slow = replace(circuit, model=model, plasticity=[bound], rule=rule).scaled(time_scale)
    assert slow.plasticity[0].max_weight == slow.weight_pA.max()


@pytest.mark.parametrize("time_scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_scale_that_cannot_be_is_one_clear_line(time_scale):
    with pytest.raises(InputError, match=r"^Circuit.scaled: time_scale: expected a finite number > 0; got "):
        pair().scaled(time_scale)


def test_the_static_circuit_has_rested_synapses_and_no_rules():
    static = plastic().static()
    assert static.weight_pA.tolist() == [25.0, 0.0]  # utilisation .25 of 100
    assert static.inputs["in"].weight_pA.tolist() == [50.0, 60.0]  # spike timing leaves weights
    assert static == pair(weight_pA=[25.0, 0.0])
    a = replace(plastic().inputs["in"], rule=[-1, 0])
    assert plastic(inputs={"in": a}).static().inputs["in"].weight_pA.tolist() == [50.0, 15.0]
    delta = plastic(model="iaf_psc_delta").static()
    assert (delta.model, delta.plasticity, delta.rule.tolist()) == ("iaf_psc_delta", (), [-1, -1])


def test_a_static_circuit_is_its_own_static_circuit():
    assert pair().static() == pair()
    assert plastic().static().static() == plastic().static()


def test_a_circuit_says_what_it_is():
    assert repr(pair()) == f"Circuit(1 E + 1 I, 4 synapses, id {pair().id[:8]})"
