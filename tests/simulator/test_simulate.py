"""What a recording holds, on circuits small enough to follow by hand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from evocircuits.circuit import MAX_NEURONS, MODELS, Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.plasticity import SpikeTiming
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from evocircuits.simulator.encode import poisson
from tests.simulator.circuits import equal_neurons, events, random_circuit, trains

DT_MS = 0.1


def chain(n: int = 2, *, delay_ms: float = 0.5, t_ref_ms: float = 2.0) -> Circuit:
    """Each neuron, the first driven by a channel, makes the next one fire a step after its spike has arrived."""
    return equal_neurons(
        n,
        t_ref_ms=np.full(n, t_ref_ms),
        source=np.arange(n - 1),
        target=np.arange(1, n),
        weight_pA=np.full(n - 1, 1e6),
        delay_ms=np.full(n - 1, delay_ms),
        inputs={"in": Afferents(1, [0], [0], [1e6], [0.3])},
        outputs={"out": [n - 1, 0]},
    )


def at(*times_ms: float, trial: int = 0, n_trials: int = 1, duration_ms: float = 10.0) -> Stimulus:
    return trains(list(times_ms), duration_ms=duration_ms, trial=trial, n_trials=n_trials)


def test_a_spike_travels_down_a_chain_one_delay_and_one_step_a_synapse():
    recording = simulate(chain(3), at(1.0), dt_ms=DT_MS, record=Record(spikes=True))
    # current up at 1.0 + 0.3, threshold passed a step later at 1.4; then 0.5 + 0.1 for each synapse
    assert recording.spikes.time_ms == pytest.approx([1.4, 2.0, 2.6])
    assert recording.spikes.channel.tolist() == [0, 1, 2]


def test_a_spike_at_time_zero_arrives_after_its_delay():
    recording = simulate(chain(1), at(0.0), dt_ms=DT_MS, record=Record(spikes=True))
    assert recording.spikes.time_ms == pytest.approx([0.4])


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
    assert recording.first_spike_ms is None
    assert recording.voltage_mV is None
    assert recording.weights is None
    assert recording.duration_ms == pytest.approx(10.0)


def test_voltage_has_steps_trials_and_the_chosen_neurons_in_order():
    recording = simulate(chain(3), at(1.0, n_trials=5), dt_ms=DT_MS, record=Record(voltage=(2, 0)))
    assert recording.voltage_mV.shape == (100, 5, 2)
    swapped = simulate(chain(3), at(1.0, n_trials=5), dt_ms=DT_MS, record=Record(voltage=(0, 2)))
    assert np.array_equal(recording.voltage_mV, swapped.voltage_mV[:, :, ::-1])


def test_more_spikes_than_expected_are_all_kept():
    autapse = {"source": [0], "target": [0], "weight_pA": [1.0], "delay_ms": [0.5], "rule": [0]}
    rule = SpikeTiming(10.0, learning_rate=1e-3, mu_plus=0.0, alpha=0.1)
    circuit = equal_neurons(t_ref_ms=[0.0], bias_pA=[1e6], **autapse, plasticity=(rule,))
    begun = simulate(circuit, Stimulus(100, 1.0), dt_ms=DT_MS).state
    all_of_them, bare = (
        simulate(
            circuit, Stimulus(100, 120.0), dt_ms=DT_MS, record=Record(spikes=s, weights=True), state=begun
        )
        for s in (True, False)
    )
    assert all_of_them.counts.tolist() == [[1200]] * 100
    assert all_of_them.spikes.time_ms == pytest.approx(np.repeat(np.arange(11, 1211) * DT_MS, 100))
    assert np.array_equal(all_of_them.spikes.trial, np.tile(np.arange(100), 1200))
    # what did not fit at first was simulated again from where it began
    assert np.array_equal(all_of_them.weights.synapses, bare.weights.synapses)
    assert (bare.weights.synapses > 1.0).all()
    assert (bare.weights.synapses < 10.0).all()


@pytest.mark.parametrize("dt_ms", [0.1, 0.5])
def test_a_spike_steps_the_membrane_of_iaf_psc_delta_by_its_charge_when_it_arrives(dt_ms):
    circuit = replace(chain(2), model="iaf_psc_delta", tau_m_ms=np.array([10.0, 1e18]))
    weak = Afferents(2, [0, 1], [0, 1], [1e6, 500.0], [1.0, 2.0])
    circuit = replace(circuit, inputs={"in": weak}, weight_pA=np.array([750.0]), delay_ms=np.array([1.5]))
    stimulus = trains([1.0], [4.0, 4.0, 6.0], duration_ms=10.0)
    record = Record(spikes=True, voltage=(1,))
    recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=record, dtype=np.float64)
    # Neuron 0 fires in the step of the arrival, at 1 + 1, and its 750 pA × 1 ms / 250 pF = 3 mV reach the other at 3.5;
    # 2 mV for each of the weaker spikes come at 6 (twice) and at 8
    assert recording.spikes.time_ms == pytest.approx([2.0])
    v_mV = recording.voltage_mV[:, 0, 0]
    rises = {3.5: 3.0, 6.0: 4.0, 8.0: 2.0}
    expected_mV = [
        sum(mV for at_ms, mV in rises.items() if at_ms < (k + 1.5) * dt_ms) for k in range(len(v_mV))
    ]
    np.testing.assert_allclose(v_mV, expected_mV, rtol=1e-12)


def test_a_membrane_step_decays_and_may_be_negative():
    circuit = replace(chain(2), excitatory=np.array([False, True]), model="iaf_psc_delta", weight_pA=[1e3])
    v_mV = simulate(circuit, at(1.0), dt_ms=DT_MS, record=Record(voltage=(1,)), dtype=np.float64).voltage_mV[
        :, 0, 0
    ]
    # the first fires at 1.3, −4 mV reach the second at 1.8
    since_ms = np.arange(1, 101) * DT_MS - 1.8
    np.testing.assert_allclose(v_mV, np.where(since_ms > -0.05, -4 * np.exp(-since_ms / 10), 0), rtol=1e-9)


def test_a_refractory_neuron_of_iaf_psc_delta_loses_what_arrives():
    circuit = replace(chain(1, t_ref_ms=2.0), reset_mV=np.array([-5.0]), model="iaf_psc_delta")
    stimulus = at(1.0, 1.1, 2.9, 3.0, 3.1)  # the last step of refractoriness ends at 3.3
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True, voltage=(0,)))
    # at 3.0 + 0.3 it still is, at 3.1 + 0.3 no more: the charge of 1e6 pA × 1 ms is far above threshold
    assert recording.spikes.time_ms == pytest.approx([1.3, 3.4])
    assert np.all(recording.voltage_mV[12:54] == -5)


def test_synaptic_time_constants_do_not_matter_to_iaf_psc_delta():
    circuit = replace(chain(3), model="iaf_psc_delta")
    slow = replace(circuit, tau_syn_ex_ms=np.full(3, 40.0), tau_syn_in_ms=np.full(3, 10.0))
    spikes = [simulate(c, at(1.0), dt_ms=DT_MS, record=Record(spikes=True)).spikes for c in (circuit, slow)]
    assert spikes[0].time_ms == pytest.approx([1.3, 1.8, 2.3])
    assert np.array_equal(spikes[0].time_ms, spikes[1].time_ms)


@pytest.mark.parametrize("weight_pA", [2499.0, 2500.0])  # 250 pF × 10 mV in 1 ms
def test_a_charge_that_just_meets_threshold_makes_iaf_psc_delta_fire(weight_pA):
    inputs = {"in": Afferents(1, [0], [0], [weight_pA], [0.3])}
    circuit = replace(chain(1), model="iaf_psc_delta", inputs=inputs)
    recording = simulate(circuit, at(1.0), dt_ms=DT_MS, dtype=np.float64)
    assert recording.counts.tolist() == [[int(weight_pA == 2500.0)]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_spikes_are_those_of_each_trial_and_neuron_and_infinite_where_there_is_none(dtype):
    stimulus = at(1.0, 5.0, trial=2, n_trials=20)
    record = Record(first_spikes=True)
    first_ms = simulate(chain(3), stimulus, dt_ms=DT_MS, record=record, dtype=dtype).first_spike_ms
    assert first_ms.shape == (20, 3)
    assert first_ms[2] == pytest.approx([1.4, 2.0, 2.6])
    assert np.isinf(np.delete(first_ms, 2, axis=0)).all()


@pytest.mark.parametrize("n_trials", [5, 64, 130])
def test_binned_counts_are_those_of_the_spikes(n_trials):
    circuit = chain(3)
    rng = np.random.default_rng(3)
    stimulus = Stimulus(
        n_trials, 120.0, {"in": poisson(rng, np.full((n_trials, 1), 100.0), duration_ms=120.0)}
    )
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True, bin_ms=20.0))
    spikes, counts = recording.spikes, np.zeros((6, n_trials, 3), int)
    bins = np.round(spikes.time_ms / DT_MS).astype(int) - 1  # a spike's time is the end of its step
    np.add.at(counts, (bins // round(20.0 / DT_MS), spikes.trial, spikes.channel), 1)
    assert len(spikes.time_ms) > 10 * n_trials
    assert np.array_equal(recording.binned_counts, counts)
    assert np.array_equal(recording.counts, counts.sum(axis=0))


@pytest.mark.parametrize("bin_ms", [0.0, -1.0, 0.05, 0.15, 7.0, "long"])
def test_bins_that_do_not_divide_the_duration_are_refused(bin_ms):
    with pytest.raises(InputError, match=r"Record.bin_ms: expected"):
        simulate(chain(1), at(1.0, duration_ms=10.0), dt_ms=0.1, record=Record(bin_ms=bin_ms))


def test_a_synaptic_event_is_a_spike_at_each_synapse_it_is_sent_to():
    inputs = {"in": Afferents(2, [0, 1, 1], [0, 1, 2], [1e6, 1.0, 1.0], [0.3, 1.0, 1.0])}
    synapses = {
        "source": [0, 0, 0, 1],
        "target": [1, 2, 1, 0],
        "weight_pA": [1e6, 1, 1, 1],
        "delay_ms": [0.5] * 4,
    }
    circuit = equal_neurons(3, inputs=inputs, **synapses)
    stimulus = trains([1.0, 9.97], [2.0, 2.0, 3.0], duration_ms=10.0, trial=1, n_trials=3)
    recording = simulate(circuit, stimulus, dt_ms=DT_MS)
    assert recording.counts.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    # inputs: 1 synapse × 1 spike (the other is rounded to the end), 2 × 3; neuron 0: 3 × 1, neuron 1: 1 × 1
    assert recording.synaptic_events.tolist() == [0, 1 + 6 + 3 + 1, 0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("time_scale", [0.3, 8.0, 50.0])
def test_time_scale_leaves_spikes_in_place(model, time_scale):
    rng = np.random.default_rng(7)
    circuit = random_circuit(rng, n=10, density=0.5, bias=0.9, strength=0.5, model=model)
    dense = rng.random((1000, 2, 4)) < 0.02
    spikes = []
    for scaled, dt_ms in ((circuit, DT_MS), (circuit.scaled(time_scale), time_scale * DT_MS)):
        stimulus = Stimulus.from_dense({"in": dense}, dt_ms=dt_ms)
        record = Record(spikes=True)
        found = simulate(scaled, stimulus, dt_ms=dt_ms, record=record, dtype=np.float64).spikes
        spikes.append([events(found, trial, dt_ms) for trial in range(2)])
    assert min(map(len, spikes[0])) > 50
    assert spikes[0] == spikes[1]


def test_everything_may_be_recorded_where_there_is_nothing():
    everything = Record(spikes=True, first_spikes=True, voltage=(0,), weights=True)
    unconnected = simulate(equal_neurons(2), Stimulus(3, 1.0), dt_ms=DT_MS, record=everything)
    assert unconnected.weights.synapses.shape == (3, 0)
    assert unconnected.spikes.time_ms.tolist() == []
    only_inputs = simulate(chain(1), Stimulus(3, 1.0), dt_ms=DT_MS, record=everything)
    assert only_inputs.weights.inputs["in"].tolist() == [[1e6]] * 3


def test_a_neuron_that_stays_refractory_fires_once():
    circuit = replace(chain(1), t_ref_ms=np.array([1e300]), bias_pA=np.array([1e4]))
    assert simulate(circuit, at(duration_ms=50.0), dt_ms=DT_MS).counts.tolist() == [[1]]


NAN = float("nan")
ONE_LINE = [  # what is asked for, and the line that refuses it, up to what came
    (lambda: simulate(chain(), at(1.0), dt_ms=0.0), "dt_ms: expected a time step > 0; got 0.0"),
    (lambda: simulate(chain(), at(1.0), dt_ms=-0.1), "dt_ms: expected a time step > 0; got -0.1"),
    (lambda: simulate(chain(), at(1.0), dt_ms=NAN), "dt_ms: expected a time step > 0; got nan"),
    (lambda: simulate(chain(), at(1.0), dt_ms=np.inf), "dt_ms: expected a time step > 0; got inf"),
    (
        lambda: simulate(chain(), at(duration_ms=2e6), dt_ms=0.1),
        "duration_ms: expected at most 16777216 steps of 0.1 ms; got 20000000",
    ),
    (lambda: simulate(chain(), at(duration_ms=1e300), dt_ms=0.1), "duration_ms: expected at most 16777216 steps"),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, record=Record(voltage=(0, 2))),
        "Record.voltage: expected neurons 0…1; got [0, 2]",
    ),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, record=Record(voltage=(-1,))),
        "Record.voltage: expected neurons 0…1; got [-1]",
    ),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, record=Record(voltage=(0.5,))),
        "Record.voltage: expected a list of neurons; got (0.5,)",
    ),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, dtype=np.float16),
        "dtype: expected float32 or float64; got float16",
    ),
    (lambda: simulate(chain(), at(1.0), dt_ms=0.1, dtype=int), "dtype: expected float32 or float64; got int64"),
    (lambda: simulate(chain(), at(1.0), dt_ms=0.1, dtype="four"), "dtype: expected float32 or float64; got 'four'"),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, record=Record(voltage=1)),
        "Record.voltage: expected a list of neurons; got 1",
    ),
    (lambda: simulate(chain(), at(1.0), dt_ms=0.1, record="spikes"), "simulate: record: expected a Record; got str"),
    (lambda: simulate(chain(), at(1.0), dt_ms=0.1, state=1), "simulate: state: expected recording.state; got int"),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1, max_spikes=-1),
        "simulate: max_spikes: expected a whole number ≥ 0; got -1",
    ),
    (
        lambda: simulate(chain(), at(duration_ms=1.25), dt_ms=0.1),
        "duration_ms: expected whole steps of dt_ms = 0.1; got 12.5",
    ),
    (
        lambda: simulate(chain(), at(duration_ms=0.04), dt_ms=0.1),
        "duration_ms: expected whole steps of dt_ms = 0.1; got 0.",
    ),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.1).output_counts("eye"),
        "output_counts: expected one of ['out']; got 'eye'",
    ),
    (
        lambda: simulate(chain(2, delay_ms=0.04), at(1.0), dt_ms=0.1),
        "Circuit.delay_ms: expected delays of at least dt_ms = 0.1; got 0.04",
    ),
    (
        lambda: simulate(chain(), at(1.0), dt_ms=0.4),
        "Circuit.inputs['in'].delay_ms: expected delays of at least dt_ms = 0.4; got 0.3",
    ),
    (
        lambda: simulate(chain(), Stimulus(1, 1.0, {"eye": Spikes([], [], [])}), dt_ms=0.1),
        "simulate: stimulus port 'eye': expected one of ['in']; got 'eye'",
    ),
    (
        lambda: simulate(chain(), Stimulus(1, 1.0, {"in": Spikes([0.5], [0], [1])}), dt_ms=0.1),
        "simulate: stimulus port 'in': expected ",
    ),
    (
        lambda: simulate(chain(), Stimulus(1, 1.0, graded={"in": np.ones((3, 1, 1))}), dt_ms=0.1),
        "simulate: Stimulus.graded['in']: expected bins of whole steps; got 3 bins in 10 steps",
    ),
    (
        lambda: simulate(chain(), Stimulus(1, 1.0, current_pA=np.ones((1, 1, 3))), dt_ms=0.1),
        "simulate: Stimulus.current_pA: expected currents for 2 neurons; got 3",
    ),
    (lambda: chain(2, delay_ms=-0.5), "Circuit.delay_ms: expected delays > 0; got -0.5"),
    (lambda: replace(chain(), weight_pA=[-1.0]), "Circuit.weight_pA: expected magnitudes ≥ 0 (Dale's law); got -1.0"),
    (lambda: replace(chain(), bias_pA=[NAN, 0]), "Circuit.bias_pA: expected finite numbers; got nan"),
    (lambda: replace(chain(), tau_m_ms=[10.0, 0.0]), "Circuit.tau_m_ms: expected values > 0; got 0.0"),
    (lambda: replace(chain(), tau_syn_ex_ms=[-1.0, 1.0]), "Circuit.tau_syn_ex_ms: expected values > 0; got -1.0"),
    (lambda: replace(chain(), target=[2]), "Circuit.target: expected indices 0…1; got 2…2"),
    (lambda: replace(chain(), outputs={"out": [5]}), "Circuit.outputs['out']: expected indices 0…1; got 5…5"),
    (
        lambda: replace(chain(), inputs={"in": Afferents(1, [0], [2], [1.0], [1.0])}),
        "Circuit.inputs['in'].target: expected indices 0…1; got 2…2",
    ),
    (lambda: equal_neurons(MAX_NEURONS + 1), f"Circuit: expected at most {MAX_NEURONS} neurons; got 10001"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), ONE_LINE, ids=[message for _, message in ONE_LINE])
def test_a_wrong_request_is_one_clear_line(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert str(error.value).startswith(message)
    assert "; got " in str(error.value)
    assert "\n" not in str(error.value)
