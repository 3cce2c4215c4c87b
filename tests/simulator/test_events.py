"""Input spikes on the grid, by what a neuron that keeps every charge makes of them."""

import numpy as np
import pytest

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from tests.simulator.circuits import equal_neurons, trains

DT_MS = 0.1


def adder() -> Circuit:
    """A neuron that channel "a" 0 moves by 1 mV, "a" 1 by 2 mV and "b" 0 by 4 mV, all a step after the spike."""
    one, two = Afferents(2, [0, 1], [0, 0], [250.0, 500.0], [0.1, 0.1]), Afferents(1, [0], [0], [1e3], [0.1])
    return equal_neurons(
        tau_m_ms=[1e18], threshold_mV=[1e3], inputs={"a": one, "b": two}, model="iaf_psc_delta"
    )


def added_mV(stimulus: Stimulus) -> dict[tuple[int, int], float]:
    """(step, trial) → mV that the step ending there added."""
    recording = simulate(adder(), stimulus, dt_ms=DT_MS, record=Record(voltage=(0,)), dtype=np.float64)
    added = np.diff(recording.voltage_mV[:, :, 0], axis=0, prepend=0)
    return {(int(step) + 1, int(trial)): added[step, trial] for step, trial in np.argwhere(added)}


def test_spikes_of_all_ports_add_in_their_trial_whatever_their_order():
    a = Spikes([3.0, 1.0, 1.0, 3.0], [0, 1, 1, 0], [0, 1, 0, 1])
    stimulus = Stimulus(2, 5.0, {"b": Spikes([1.0, 2.0], [1, 0], [0, 0]), "a": a})
    assert added_mV(stimulus) == pytest.approx({(31, 0): 3, (11, 1): 7, (21, 0): 4})


def test_spikes_of_one_channel_in_one_step_add():
    a = Spikes([1.0, 1.0, 1.04, 2.0], [0, 0, 0, 1], [0, 0, 0, 1])
    stimulus = Stimulus(2, 5.0, {"a": a, "b": Spikes([1.0], [0], [0])})
    assert added_mV(stimulus) == pytest.approx({(11, 0): 3 + 4, (21, 1): 2})
    assert simulate(adder(), stimulus, dt_ms=DT_MS).input_counts["a"].tolist() == [[3, 0], [0, 1]]


def test_spikes_belong_to_the_nearest_step_and_those_from_the_end_on_are_left_out():
    stimulus = Stimulus(1, 5.0, {"a": Spikes([0.0, 1.049, 1.051, 4.89, 4.96, 5.0, 70.0], [0] * 7, [0] * 7)})
    assert added_mV(stimulus) == pytest.approx({(1, 0): 1, (11, 0): 1, (12, 0): 1, (50, 0): 1})
    assert simulate(adder(), stimulus, dt_ms=DT_MS).input_counts["a"].tolist() == [[4, 0]]


def test_a_spike_in_the_far_future_is_left_out():
    stimulus = Stimulus(1, 5.0, {"a": Spikes([1.0, 1e300, 1e18], [0] * 3, [0] * 3)})
    assert added_mV(stimulus) == pytest.approx({(11, 0): 1})


def test_without_spikes_nothing_arrives():
    assert added_mV(Stimulus(2, 5.0)) == {}
    assert added_mV(Stimulus(2, 5.0, {"a": Spikes([], [], [])})) == {}
    assert simulate(adder(), Stimulus(2, 5.0), dt_ms=DT_MS).input_counts["b"].tolist() == [[0], [0]]


def test_each_trial_of_many_has_its_own_spikes():
    n = 200
    step = np.random.default_rng(0).permutation(n) + 1
    stimulus = Stimulus(n, 50.0, {"a": Spikes(step * DT_MS, np.arange(n), np.arange(n) % 2)})
    expected = {(int(s) + 1, trial): 1 + trial % 2 for trial, s in enumerate(step)}
    assert added_mV(stimulus) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("port", "channels", "expected", "got"),
    [
        ("eye", [0], r"one of \['a', 'b'\]", "'eye'"),
        ("a", [2], ".*channels.*", "2…2"),
        ("a", [-1, 1], ".*channels.*", "-1…1"),
        ("b", [1], ".*channels.*", "1…1"),
    ],
)
def test_spikes_on_what_is_not_there_are_one_clear_line(port, channels, expected, got):
    stimulus = Stimulus(1, 5.0, {port: Spikes([0.5] * len(channels), [0] * len(channels), channels)})
    line = rf"^simulate: stimulus port '{port}': expected {expected}; got {got}$"
    with pytest.raises(InputError, match=line):
        simulate(adder(), stimulus, dt_ms=DT_MS)


def test_a_circuit_without_inputs_takes_none():
    with pytest.raises(InputError, match=r"^simulate: stimulus port 'in': expected one of \[\]; got 'in'$"):
        simulate(equal_neurons(), trains([1.0], duration_ms=5.0), dt_ms=DT_MS)
