"""Injected currents and graded values against the charging curve of a membrane, V = I τ / C (1 − e^{−t/τ})."""

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from tests.simulator.circuits import equal_neurons, random_circuit

DT_MS = 0.1
TIME_MS = np.arange(1, 101) * DT_MS  # the end of each step of 10 ms
CHARGED = 1 - np.exp(-TIME_MS / 10)  # of I × 10 ms / 250 pF: 4 mV for 100 pA


def membranes(circuit: Circuit, stimulus: Stimulus) -> np.ndarray:
    """float[steps, trials, neurons]."""
    record = Record(voltage=tuple(range(circuit.n_neurons)))
    return simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=np.float64).voltage_mV


def wired(model: str = MODELS[0], **changes) -> Circuit:
    """Two neurons. Channel 0 has synapses of 2 and 3 pA onto neuron 0, and channel 1 one of 7 pA onto neuron 1."""
    a = Afferents(2, [0, 1, 0], [0, 1, 0], [2.0, 7.0, 3.0], [0.1, 4.0, 9.0])
    return equal_neurons(2, inputs={"in": a}, model=model, **changes)


@pytest.mark.parametrize("model", MODELS)
def test_an_injected_current_charges_the_membrane_from_the_first_step_on(model):
    stimulus = Stimulus(3, 10.0, current_pA=[[[100.0, 0.0], [0.0, 0.0], [-50.0, 200.0]]])
    v_mV = membranes(equal_neurons(2, model=model), stimulus)
    for trial, neuron, final_mV in ((0, 0, 4), (0, 1, 0), (1, 0, 0), (1, 1, 0), (2, 0, -2), (2, 1, 8)):
        np.testing.assert_allclose(v_mV[:, trial, neuron], final_mV * CHARGED, rtol=1e-12)


def test_a_current_lasts_for_its_bin():
    v_mV = membranes(equal_neurons(), Stimulus(1, 10.0, current_pA=[[[0.0]], [[100.0]], [[100.0]], [[0.0]]]))
    expected_mV = np.zeros(100)
    expected_mV[25:75] = 4 * CHARGED[:50]
    expected_mV[75:] = expected_mV[74] * np.exp(-TIME_MS[:25] / 10)
    np.testing.assert_allclose(v_mV[:, 0, 0], expected_mV, rtol=1e-12)


def test_a_current_adds_to_the_bias():
    circuit = equal_neurons(bias_pA=[100.0])
    v_mV = membranes(circuit, Stimulus(1, 10.0, current_pA=[[[50.0]]]))
    np.testing.assert_allclose(v_mV[:, 0, 0], 6 * CHARGED, rtol=1e-12)


def test_a_refractory_neuron_ignores_a_current():
    circuit = equal_neurons(reset_mV=[-1.0], t_ref_ms=[1.0])
    record = Record(spikes=True, voltage=(0,))
    stimulus = Stimulus(1, 10.0, current_pA=[[[1e5]]])  # 40 mV a step
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=record)
    assert recording.spikes.time_ms == pytest.approx(np.arange(1, 101, 11) * DT_MS)
    assert (recording.voltage_mV == -1).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_graded_value_passes_weight_times_value_as_a_current_without_delay(model):
    graded = {"in": [[[20.0, 0.0], [10.0, 10.0]]]}
    v_mV = membranes(wired(model), Stimulus(2, 10.0, graded=graded))
    # 20 × (2 + 3) pA are 4 mV in the end; 10 × 5 pA 2 mV and 10 × 7 pA 2.8 mV
    for trial, neuron, final_mV in ((0, 0, 4), (0, 1, 0), (1, 0, 2), (1, 1, 2.8)):
        np.testing.assert_allclose(v_mV[:, trial, neuron], final_mV * CHARGED, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_graded_values_of_many_channels_give_the_same_bits_in_any_batch(dtype):
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, n=100, channels=600, density=0.2, strength=0.1)
    values = rng.random((2, 100, 600))
    record = Record(voltage=tuple(range(100)))
    together, alone, some = (
        simulate(circuit, Stimulus(len(v[0]), 2.0, graded={"in": v}), dt_ms=DT_MS, record=record, dtype=dtype)
        for v in (values, values[:, 70:71], values[:, 40:57])
    )
    assert np.array_equal(alone.voltage_mV, together.voltage_mV[:, 70:71])
    assert np.array_equal(some.voltage_mV, together.voltage_mV[:, 40:57])


def test_graded_values_and_currents_with_bins_of_their_own_add():
    graded = {"in": [[[20.0, 0.0]], [[0.0, 0.0]]]}  # 100 pA for 5 ms
    current_pA = [[[100.0, 100.0]]] * 4 + [[[0.0, 0.0]]]  # 100 pA for 8 ms
    both = membranes(wired(), Stimulus(1, 10.0, graded=graded, current_pA=current_pA))[:, 0]
    np.testing.assert_allclose(both[:50, 0], 8 * CHARGED[:50], rtol=1e-12)
    from_5_ms = 4 + (both[49, 0] - 4) * np.exp(-TIME_MS[:30] / 10)  # towards what is left, 100 pA
    np.testing.assert_allclose(both[50:80, 0], from_5_ms, rtol=1e-12)
    np.testing.assert_allclose(both[80:, 0], both[79, 0] * np.exp(-TIME_MS[:20] / 10), rtol=1e-12)
    np.testing.assert_allclose(both[:80, 1], 4 * CHARGED[:80], rtol=1e-12)


def test_a_port_carries_graded_values_beside_spikes():
    graded = {"in": [[[20.0, 0.0]]]}
    a = Afferents(2, [0, 1], [0, 0], [5.0, 1e6], [0.1, 0.5])
    circuit = equal_neurons(inputs={"in": a})
    stimulus = Stimulus(1, 10.0, {"in": Spikes([5.0], [0], [1])}, graded=graded)
    record = Record(spikes=True, voltage=(0,))
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=np.float64)
    assert recording.spikes.time_ms == pytest.approx([5.6])
    np.testing.assert_allclose(recording.voltage_mV[:55, 0, 0], 4 * CHARGED[:55], rtol=1e-12)
    assert recording.input_counts["in"].tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [
        (
            Stimulus(1, 10.0, current_pA=np.zeros((1, 1, 3))),
            "simulate: Stimulus.current_pA: expected currents for 2 neurons; got 3",
        ),
        (
            Stimulus(1, 10.0, graded={"eye": np.zeros((1, 1, 2))}),
            "simulate: graded port 'eye': expected one of ['in']; got 'eye'",
        ),
        (
            Stimulus(1, 10.0, graded={"in": np.zeros((1, 1, 3))}),
            "simulate: graded port 'in': expected 2 channels; got 3",
        ),
        (
            Stimulus(1, 10.0, current_pA=np.zeros((3, 1, 2))),
            "simulate: Stimulus.current_pA: expected bins of whole steps; got 3 bins in 100 steps",
        ),
        (
            Stimulus(1, 10.0, graded={"in": np.zeros((200, 1, 2))}),
            "simulate: Stimulus.graded['in']: expected bins of whole steps; got 200 bins in 100 steps",
        ),
    ],
)
def test_currents_that_do_not_fit_are_one_clear_line(stimulus, message):
    with pytest.raises(InputError) as error:
        simulate(wired(), stimulus, dt_ms=DT_MS)
    assert str(error.value) == message
