"""A run that is cut in pieces, each going on from the state that the last one left, is the whole run to the bit."""

from dataclasses import replace

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import Record, Recording, Spikes, Stimulus, simulate
from tests.simulator.circuits import (
    PEAK_pA,
    equal_neurons,
    events,
    part,
    random_circuit,
    random_rules,
    random_stimulus,
    trains,
    with_currents,
)

DT_MS, N_STEPS = 0.1, 500
EVERYTHING = Record(spikes=True, first_spikes=True, voltage=(0, 3), weights=True)


def case(
    *, model: str, plastic: bool, driven: bool, n_trials: int, repeated: float = 0.05
) -> tuple[Circuit, Stimulus]:
    """Delays are longer than the shorter pieces and shorter than the longer ones; some input spikes come twice."""
    rng = np.random.default_rng([n_trials, plastic, driven, len(model)])
    rules = random_rules(rng, max_weight=PEAK_pA[model]) if plastic else ()
    circuit = random_circuit(
        rng, n=8, strength=0.5, bias=1.0, longest_delay_ms=4.0, model=model, plasticity=rules
    )
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=N_STEPS, repeated=repeated)
    if driven:
        stimulus = with_currents(rng, circuit, stimulus, bins=N_STEPS, graded_bins=N_STEPS)
    return circuit, stimulus


def in_pieces(circuit: Circuit, stimulus: Stimulus, steps: list[int], dtype=np.float32) -> list[Recording]:
    """One recording a piece, for pieces of so many steps."""
    recordings, first = [], 0
    for n_steps in steps:
        piece = part(stimulus, first_ms=first * DT_MS, duration_ms=n_steps * DT_MS)
        state = recordings[-1].state if recordings else None
        recordings.append(simulate(circuit, piece, dt_ms=DT_MS, record=EVERYTHING, state=state, dtype=dtype))
        first += n_steps
    return recordings


def check_equal(pieces: list[Recording], whole: Recording) -> None:
    assert whole.counts.sum() > 5 * len(whole.counts)
    assert np.array_equal(np.concatenate([piece.voltage_mV for piece in pieces]), whole.voltage_mV)
    assert np.array_equal(sum(piece.counts for piece in pieces), whole.counts)
    assert np.array_equal(pieces[-1].weights.synapses, whole.weights.synapses)
    assert np.array_equal(pieces[-1].weights.inputs["in"], whole.weights.inputs["in"])
    assert np.array_equal(sum(piece.input_counts["in"] for piece in pieces), whole.input_counts["in"])
    first_ms = np.min([piece.first_spike_ms for piece in pieces], axis=0)
    np.testing.assert_allclose(first_ms, whole.first_spike_ms, rtol=1e-12)
    for trial in range(len(whole.counts)):
        joined = [event for piece in pieces for event in events(piece.spikes, trial, DT_MS)]
        assert joined == events(whole.spikes, trial, DT_MS)


@pytest.mark.parametrize("n_steps", [1, 7, 71, 500])
@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("plastic", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_run_cut_in_pieces_gives_the_same_bits(model, plastic, driven, n_steps):
    circuit, stimulus = case(model=model, plastic=plastic, driven=driven, n_trials=3)
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING)
    steps = [min(n_steps, N_STEPS - first) for first in range(0, N_STEPS, n_steps)]
    check_equal(in_pieces(circuit, stimulus, steps), whole)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_trials", [64, 130])
def test_pieces_of_several_blocks_of_trials_give_the_same_bits(n_trials, dtype):
    circuit, stimulus = case(model=MODELS[0], plastic=True, driven=True, n_trials=n_trials)
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING, dtype=dtype)
    check_equal(in_pieces(circuit, stimulus, [71, 1, 300, 128], dtype), whole)


def test_doubled_input_spikes_may_come_in_some_pieces_only():
    circuit, stimulus = case(model=MODELS[0], plastic=True, driven=False, n_trials=2, repeated=0.0)
    spikes = stimulus.spikes["in"]
    kept = np.arange(len(spikes.time_ms))
    doubled = kept[(spikes.time_ms >= 20.0) & (spikes.time_ms < 23.0)]
    order = np.concatenate([kept, doubled, doubled])
    joined = Spikes(spikes.time_ms[order], spikes.trial[order], spikes.channel[order])
    stimulus = replace(stimulus, spikes={"in": joined})
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING)
    assert len(doubled) > 0
    check_equal(in_pieces(circuit, stimulus, [200, 15, 15, 5, 265]), whole)


def test_doubled_input_spikes_under_way_outlast_a_piece():
    inputs = {"in": Afferents(1, [0], [0], [250.0], [1.0])}  # 1 mV each
    circuit = equal_neurons(tau_m_ms=[1e18], inputs=inputs, model="iaf_psc_delta")
    sent = Spikes([1.0, 1.0, 1.1], [0, 0, 1], [0, 0, 0])
    state = simulate(circuit, Stimulus(2, 1.5, {"in": sent}), dt_ms=DT_MS).state
    record = Record(voltage=(0,))
    rest = simulate(circuit, Stimulus(2, 1.0), dt_ms=DT_MS, record=record, state=state)
    assert rest.voltage_mV[:, 0, 0] == pytest.approx([0] * 4 + [2] * 6)  # at 1.0 + 1.0, 0.5 into this piece
    assert rest.voltage_mV[:, 1, 0] == pytest.approx([0] * 5 + [1] * 5)


def test_a_current_in_long_bins_may_be_cut_between_them():
    circuit, stimulus = case(model=MODELS[0], plastic=False, driven=False, n_trials=2)
    stimulus = with_currents(np.random.default_rng(0), circuit, stimulus, bins=5, graded_bins=50)
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING)
    check_equal(in_pieces(circuit, stimulus, [100, 300, 100]), whole)


@pytest.mark.parametrize("plastic", [False, True])
def test_a_state_can_be_continued_twice(plastic):
    circuit, stimulus = case(model=MODELS[0], plastic=plastic, driven=False, n_trials=2)
    state = simulate(circuit, stimulus, dt_ms=DT_MS).state
    first, second = (
        simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING, state=state) for _ in range(2)
    )
    assert first.counts.sum() > 0
    assert np.array_equal(first.voltage_mV, second.voltage_mV)
    assert np.array_equal(first.counts, second.counts)
    assert np.array_equal(first.weights.synapses, second.weights.synapses)
    # nor does what one of them went on to change it: the longer run is still that from the same state
    again = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING, state=first.state)
    third = simulate(circuit, stimulus, dt_ms=DT_MS, record=EVERYTHING, state=state)
    assert np.array_equal(third.voltage_mV, first.voltage_mV)
    assert not np.array_equal(again.voltage_mV, first.voltage_mV)


def test_times_are_counted_from_the_very_beginning():
    # 250 pF × 10 mV / 1000 pA without a leak: a spike every 2.5 ms, at once after each reset
    circuit = equal_neurons(tau_m_ms=[1e9], bias_pA=[1001.0], t_ref_ms=[0.0])
    state, spikes_ms, first_ms = None, [], []
    for _ in range(3):
        recording = simulate(
            circuit,
            Stimulus(1, 6.0),
            dt_ms=DT_MS,
            record=Record(spikes=True, first_spikes=True),
            state=state,
        )
        state = recording.state
        spikes_ms.append(recording.spikes.time_ms.tolist())
        first_ms.append(recording.first_spike_ms.tolist())
    assert spikes_ms == [
        pytest.approx(expected) for expected in ([2.5, 5.0], [7.5, 10.0], [12.5, 15.0, 17.5])
    ]
    assert first_ms == [[pytest.approx([expected])] for expected in (2.5, 7.5, 12.5)]


@pytest.mark.parametrize("n_steps", [1, 3, 25])
def test_spikes_under_way_and_refractory_neurons_outlast_a_piece(n_steps):
    # 0 fires at 1.2 and 4.2, and misses what comes at 2.1, as it is refractory until 3.2; 1 fires 5.1 after 0
    inputs = {"in": Afferents(1, [0], [0], [1e6], [0.1])}
    circuit = equal_neurons(2, source=[0], target=[1], weight_pA=[1e6], delay_ms=[5.0], inputs=inputs)
    stimulus = trains([1.0, 2.0, 4.0], duration_ms=10.0)
    state, found = None, []
    for first in range(0, 100, n_steps):
        n = min(n_steps, 100 - first)
        piece = part(stimulus, first_ms=first * DT_MS, duration_ms=n * DT_MS)
        recording = simulate(circuit, piece, dt_ms=DT_MS, record=Record(spikes=True), state=state)
        state = recording.state
        found += events(recording.spikes, 0, DT_MS)
    assert found == [(12, 0), (42, 0), (63, 1), (93, 1)]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"circuit": equal_neurons(2)}, "its circuit Circuit("),
        ({"circuit": equal_neurons(3, bias_pA=[1.0] * 3)}, "its circuit Circuit("),
        ({"circuit": equal_neurons(3, model="iaf_psc_delta")}, "its circuit Circuit("),
        ({"dtype": np.float64}, "its dtype float64; got float32"),
        ({"stimulus": Stimulus(17, 5.0)}, "its number of trials 17; got 1"),
        ({"stimulus": Stimulus(2, 5.0)}, "its number of trials 2; got 1"),
        ({"dt_ms": 0.05}, "its dt_ms 0.05; got 0.1"),
    ],
)
def test_a_state_of_another_kind_is_refused(other, message):
    request = {"circuit": equal_neurons(3), "stimulus": Stimulus(1, 5.0), "dt_ms": 0.1}
    state = simulate(**request).state
    with pytest.raises(InputError) as error:
        simulate(**request | other, state=state)
    assert str(error.value).startswith(
        "simulate: expected a state of this circuit, time step, dtype and number"
    )
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_state_of_a_run_cut_short_is_refused():
    circuit = equal_neurons(bias_pA=[1000.0])
    cut = simulate(circuit, Stimulus(1, 50.0), dt_ms=DT_MS, max_spikes=2)
    assert cut.truncated
    with pytest.raises(
        InputError, match=r"^simulate: expected the state of a whole run; got that of one cut short"
    ):
        simulate(circuit, Stimulus(1, 50.0), dt_ms=DT_MS, state=cut.state)


def test_a_state_of_an_equal_circuit_is_taken():
    one, same = equal_neurons(bias_pA=[300.0]), equal_neurons(bias_pA=[300.0])
    state = simulate(one, Stimulus(1, 50.0), dt_ms=DT_MS).state
    counts = [
        simulate(circuit, Stimulus(1, 50.0), dt_ms=DT_MS, state=state).counts.tolist()
        for circuit in (one, same)
    ]
    assert counts[0] == counts[1] != [[0]]


@pytest.mark.parametrize(("plastic", "n_trials"), [(False, 3), (True, 3), (False, 70)])
def test_trials_that_are_restarted_begin_anew_while_the_others_go_on(plastic, n_trials):
    circuit, stimulus = case(model="iaf_psc_exp", plastic=plastic, driven=False, n_trials=n_trials)
    half_ms = N_STEPS // 2 * DT_MS
    former, latter = (part(stimulus, first_ms=first, duration_ms=half_ms) for first in (0.0, half_ms))
    which = np.arange(n_trials) % 3 == 1
    state = simulate(circuit, former, dt_ms=DT_MS).state
    restarted = simulate(circuit, latter, dt_ms=DT_MS, record=EVERYTHING, state=state.restarted(which))
    going_on = simulate(circuit, latter, dt_ms=DT_MS, record=EVERYTHING, state=state)
    anew = simulate(circuit, latter, dt_ms=DT_MS, record=EVERYTHING)
    assert not np.array_equal(anew.voltage_mV[:, which], going_on.voltage_mV[:, which])
    for expected, trials in ((anew, which), (going_on, ~which)):
        assert np.array_equal(restarted.voltage_mV[:, trials], expected.voltage_mV[:, trials])
        assert np.array_equal(restarted.counts[trials], expected.counts[trials])
        assert np.array_equal(restarted.weights.synapses[trials], expected.weights.synapses[trials])
