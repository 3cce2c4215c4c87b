"""What a recording holds, on circuits small enough to follow by hand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import Record, Spikes, Stimulus, simulate

DT_MS = 0.1


def chain(n: int = 2, *, delay_ms: float = 0.5, t_ref_ms: float = 2.0) -> Circuit:
    """Each neuron, the first driven by a channel, makes the next one fire a step after its spike has arrived.

    A current of 1e6 pA that lasts for 0.01 ms lifts 250 pF by about 40 mV, well above the threshold of 10.
    """
    return Circuit(
        excitatory=np.full(n, True),
        tau_m_ms=np.full(n, 10.0),
        c_m_pF=np.full(n, 250.0),
        threshold_mV=np.full(n, 10.0),
        reset_mV=np.zeros(n),
        t_ref_ms=np.full(n, t_ref_ms),
        bias_pA=np.zeros(n),
        tau_syn_ex_ms=np.full(n, 0.01),
        tau_syn_in_ms=np.full(n, 0.01),
        source=np.arange(n - 1),
        target=np.arange(1, n),
        weight_pA=np.full(n - 1, 1e6),
        delay_ms=np.full(n - 1, delay_ms),
        inputs={"in": Afferents(1, [0], [0], [1e6], [0.3])},
        outputs={"out": [n - 1, 0]},
    )


def at(*times_ms: float, trial: int = 0, n_trials: int = 1, duration_ms: float = 10.0) -> Stimulus:
    n = len(times_ms)
    return Stimulus(n_trials, duration_ms, {"in": Spikes(times_ms, np.full(n, trial), np.zeros(n, int))})


def test_a_spike_travels_down_a_chain_one_delay_and_one_step_a_synapse():
    recording = simulate(chain(3), at(1.0), dt_ms=DT_MS, record=Record(spikes=True))
    # current up at 1.0 + 0.3, threshold passed a step later at 1.4; then 0.5 + 0.1 for each synapse
    assert recording.spikes.time_ms == pytest.approx([1.4, 2.0, 2.6])
    assert recording.spikes.channel.tolist() == [0, 1, 2]


def test_a_spike_at_time_zero_arrives_after_its_delay():
    recording = simulate(chain(1), at(0.0), dt_ms=DT_MS, record=Record(spikes=True))
    assert recording.spikes.time_ms == pytest.approx([0.4])


def test_a_delay_below_one_step_is_one_step():
    recording = simulate(chain(2, delay_ms=0.001), at(1.0), dt_ms=DT_MS, record=Record(spikes=True))
    assert recording.spikes.time_ms == pytest.approx([1.4, 1.6])


def test_a_refractory_neuron_keeps_reset_and_misses_what_arrives():
    circuit = replace(chain(1, t_ref_ms=2.0), reset_mV=np.array([-5.0]))
    recording = simulate(circuit, at(1.0, 2.0, 5.0), dt_ms=DT_MS, record=Record(spikes=True, voltage=(0,)))
    assert recording.spikes.time_ms == pytest.approx([1.4, 5.4])
    v_mV = recording.voltage_mV[:, 0, 0]  # entry k is the membrane after step k + 1
    assert np.all(v_mV[:13] == 0)
    assert np.all(v_mV[13:34] == -5)  # at the spike's step and the 20 refractory ones after it
    assert v_mV[34] > -5


def test_bias_charges_the_membrane_exponentially():
    circuit = replace(chain(1), bias_pA=np.array([200.0]))
    recording = simulate(
        circuit, at(duration_ms=30.0), dt_ms=DT_MS, record=Record(voltage=(0,)), dtype=np.float64
    )
    time_ms = np.arange(1, 301) * DT_MS
    # 200 pA × 10 ms / 250 pF = 8 mV
    np.testing.assert_allclose(recording.voltage_mV[:, 0, 0], 8 * (1 - np.exp(-time_ms / 10)), rtol=1e-12)


@pytest.mark.parametrize("input_ms", [1.0, 20.0])  # one arrives in the step in question, the other not
def test_a_membrane_that_just_meets_threshold_fires(input_ms):
    circuit = replace(chain(1), bias_pA=np.array([200.0]), threshold_mV=np.array([100.0]))
    request = {"stimulus": at(input_ms, duration_ms=1.3), "dt_ms": DT_MS, "dtype": np.float64}
    v_mV = simulate(circuit, record=Record(voltage=(0,)), **request).voltage_mV[-1, 0, 0]
    meets = replace(circuit, threshold_mV=np.array([v_mV]))
    misses = replace(circuit, threshold_mV=np.array([np.nextafter(v_mV, 100)]))
    assert simulate(meets, **request).counts.tolist() == [[1]]
    assert simulate(misses, **request).counts.tolist() == [[0]]


def test_inhibition_pulls_below_rest():
    circuit = replace(chain(2), excitatory=np.array([False, True]), weight_pA=np.array([1e4]))
    recording = simulate(circuit, at(1.0), dt_ms=DT_MS, record=Record(voltage=(1,)))
    assert recording.voltage_mV.min() < -0.1
    assert recording.voltage_mV.max() == 0
    assert recording.counts.tolist() == [[1, 0]]


def test_counts_belong_to_their_trial_and_neuron():
    recording = simulate(chain(2), at(1.0, 5.0, trial=2, n_trials=4), dt_ms=DT_MS, record=Record(spikes=True))
    assert recording.counts.tolist() == [[0, 0], [0, 0], [2, 2], [0, 0]]
    assert set(recording.spikes.trial.tolist()) == {2}
    assert recording.output_counts("out").tolist() == recording.counts[:, [1, 0]].tolist()


def test_input_counts_hold_the_spikes_within_the_duration():
    recording = simulate(chain(2), at(1.0, 5.0, 9.94, 9.96, 30.0, trial=1, n_trials=2), dt_ms=DT_MS)
    assert recording.input_counts["in"].tolist() == [[0], [3]]


def test_nothing_is_recorded_that_was_not_asked_for():
    recording = simulate(chain(2), at(1.0), dt_ms=DT_MS)
    assert recording.spikes is None
    assert recording.voltage_mV is None
    assert recording.duration_ms == pytest.approx(10.0)


def test_voltage_has_steps_trials_and_the_chosen_neurons_in_order():
    recording = simulate(chain(3), at(1.0, n_trials=5), dt_ms=DT_MS, record=Record(voltage=(2, 0)))
    assert recording.voltage_mV.shape == (100, 5, 2)
    swapped = simulate(chain(3), at(1.0, n_trials=5), dt_ms=DT_MS, record=Record(voltage=(0, 2)))
    assert np.array_equal(recording.voltage_mV, swapped.voltage_mV[:, :, ::-1])


def test_more_spikes_than_expected_are_all_kept():
    circuit = replace(chain(1, t_ref_ms=0.0), bias_pA=np.array([1e6]))
    recording = simulate(circuit, at(n_trials=100, duration_ms=20), dt_ms=DT_MS, record=Record(spikes=True))
    assert recording.counts.tolist() == [[200]] * 100
    assert len(recording.spikes.time_ms) == 20_000


def test_time_scale_leaves_spikes_in_place():
    circuit = replace(chain(3), bias_pA=np.array([240.0, 260.0, 100.0]))
    fast = simulate(circuit, at(1.0, 4.0), dt_ms=0.1, record=Record(spikes=True), dtype=np.float64)
    slow_input = at(8.0, 32.0, duration_ms=80.0)
    slow = simulate(circuit.scaled(8.0), slow_input, dt_ms=0.8, record=Record(spikes=True), dtype=np.float64)
    assert len(fast.spikes.time_ms) > 5
    assert slow.spikes.time_ms == pytest.approx(8 * fast.spikes.time_ms)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: simulate(chain(), Stimulus(1, 1.0, {"eye": Spikes([], [], [])}), dt_ms=0.1),
            "expected one of ['in']",
        ),
        (
            lambda: simulate(chain(), Stimulus(1, 1.0, {"in": Spikes([0.5], [0], [1])}), dt_ms=0.1),
            "expected channels 0…0",
        ),
        (lambda: simulate(chain(), at(1.0), dt_ms=0.0), "dt_ms: expected a time step > 0"),
        (lambda: simulate(chain(), at(1.0), dt_ms=-0.1), "dt_ms: expected a time step > 0"),
        (
            lambda: simulate(chain(), at(1.0), dt_ms=0.1, record=Record(voltage=(2,))),
            "Record.voltage: expected neurons 0…1",
        ),
    ],
)
def test_a_wrong_request_is_one_clear_line(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "other",
    [
        {"circuit": chain(3)},
        {"circuit": chain(2, delay_ms=3.0)},
        {"dtype": np.float64},
        {"stimulus": at(1.0, n_trials=17)},
        {"stimulus": at(1.0, n_trials=200)},
        {"dt_ms": 0.05},
    ],
)
def test_a_state_of_another_kind_is_refused(other):
    request = {"circuit": chain(2), "stimulus": at(1.0), "dt_ms": 0.1}
    state = simulate(**request).state
    request |= other
    with pytest.raises(InputError, match="simulate: expected a state of this circuit"):
        simulate(request.pop("circuit"), request.pop("stimulus"), state=state, **request)
