import numpy as np
import pytest

from evocircuits.browser import trials
from evocircuits.browser.trials import FEW_TRIALS, MOST_POINTS, TRIALS, Replays, Trials, fits
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.measure import stream
from evocircuits.simulator import Record, simulate
from evocircuits.tasks import TASKS, get_task
from tests.browser.shelves import reference


def played(name: str, seed: int = 0) -> Trials:
    task = get_task(name)
    return Trials.of(develop(task.reference(), dt_ms=task.dt_ms), task, seed)


def test_trials_are_those_of_the_seed_with_credit_and_answer():
    task, shown = get_task("order"), played("order", seed=3)
    drawn = task.trials(stream(3), TRIALS)
    document = shown.document()
    assert len(document["windows"]) == TRIALS
    assert [w["answer"] for w in document["windows"]] == drawn.answer.tolist()
    assert {w["credit"] for w in document["windows"]} == {"1.000"}
    spikes = drawn.stimulus.spikes["a"]
    for trial, window in enumerate(document["windows"]):
        times, channels = window["inputs"]["a"]
        assert times == pytest.approx(np.sort(spikes.time_ms[spikes.trial == trial]), abs=0.01)
        assert set(channels) <= {0}


def test_spikes_are_those_of_the_simulator():
    shown = played("burst")
    recording = simulate(
        shown.circuit, shown.stimulus, dt_ms=shown.task.dt_ms, record=Record(spikes=True)
    ).spikes
    for window in shown.document()["windows"]:
        own = recording.trial == window["trial"]
        assert window["neurons"][0] == pytest.approx(recording.time_ms[own])
        assert window["neurons"][1] == recording.channel[own].tolist()


def test_a_closed_loop_is_simulated_again_spike_for_spike():
    """So that the voltage of any neuron belongs to the spikes that are shown."""
    shown = played("cartpole")
    assert len({w["trial"] for w in shown.document()["windows"]}) == FEW_TRIALS
    again = simulate(shown.circuit, shown.stimulus, dt_ms=shown.task.dt_ms, record=Record(spikes=True)).spikes
    own = shown.example.spikes
    assert np.array_equal(np.sort(again.time_ms), np.sort(own.time_ms))
    assert len(own.time_ms) > 10


def test_a_voltage_reaches_threshold_just_before_each_spike():
    shown = played("burst")
    window = shown.example.windows[0]
    for neuron in range(shown.circuit.n_neurons):
        found = shown.voltage(window, neuron)
        times = np.array(found["time_ms"])
        voltages = np.array(found["voltage_mV"])
        assert voltages.max() < found["threshold_mV"] + 1e-3
        spikes = shown.example.spikes
        for t in spikes.time_ms[(spikes.trial == window.trial) & (spikes.channel == neuron)]:
            assert voltages[np.isclose(times, t)] == pytest.approx(found["reset_mV"])
    with pytest.raises(InputError, match=r"neuron: expected 0…\d+; got 99"):
        shown.voltage(window, 99)


def test_of_a_long_voltage_highs_and_lows_are_kept(monkeypatch):
    monkeypatch.setattr(trials, "MOST_POINTS", 20)
    values = np.sin(np.arange(1000) / 3)
    values[503] = 9
    kept = trials._extremes(values)
    assert len(kept) <= 20
    assert 503 in kept
    assert values[kept].min() == pytest.approx(values.min(), abs=0.02)
    assert MOST_POINTS > 20


def test_a_circuit_without_the_tasks_ports_is_refused():
    circuit = played("order").circuit
    assert [name for name, task in TASKS.items() if fits(circuit, task)] == ["order"]
    with pytest.raises(InputError, match="task burst: expected a circuit with its ports"):
        Trials.of(circuit, get_task("burst"), 0)


def test_what_was_simulated_is_kept_and_the_oldest_forgotten(monkeypatch):
    monkeypatch.setattr(trials, "KEPT", 2)
    replays, motif, task = Replays(), reference("order", 1.0), get_task("order")
    first = replays.trials(motif, task, 0)
    assert replays.trials(motif, task, 0) is first
    replays.trials(motif, task, 1)
    replays.trials(motif, task, 2)
    assert replays.trials(motif, task, 0) is not first
    with pytest.raises(InputError, match=r"window: expected 0…7; got 8"):
        replays.voltage(motif, task, 0, 8, 0)
