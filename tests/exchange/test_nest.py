"""The script that `to_nest` writes emits the simulator's spikes when NEST runs it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Circuit
from evocircuits.errors import InputError
from evocircuits.exchange.nest import to_nest
from evocircuits.plasticity import SpikeTiming
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from tests.circuits import pair
from tests.library.motifs import motif
from tests.simulator import in_nest
from tests.simulator.circuits import equal_neurons, events, random_circuit, random_rules

DT_MS, STEPS = 0.1, 1500


def draw_stimulus(rng: np.random.Generator, circuit: Circuit, rate_Hz: float = 150) -> Stimulus:
    """Also in the first steps, which NEST alone would not allow, and two spikes of a channel in one step."""
    spikes = {}
    for port, a in circuit.inputs.items():
        step, channel = np.nonzero(rng.random((STEPS, a.channels)) < rate_Hz * DT_MS / 1000)
        step, channel = np.concatenate([[0, 0, 1], step]), np.concatenate([[0, 0, 0], channel])
        spikes[port] = Spikes(step * DT_MS, np.zeros(len(step)), channel)
    return Stimulus(1, STEPS * DT_MS, spikes)


def emitted(circuit: Circuit, stimulus: Stimulus) -> list[tuple[int, int]]:
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
    return events(recording.spikes, 0, DT_MS)


def arrays(stimulus: Stimulus) -> dict:
    return {port: [s.time_ms.tolist(), s.channel.tolist()] for port, s in stimulus.spikes.items()}


def in_script(circuit: Circuit, stimulus: Stimulus) -> list[tuple[int, int]]:
    """What the script's `simulate` returns, here in this process."""
    in_nest.imported()
    script = {"__name__": "circuit_in_nest"}
    with in_nest.quiet():
        exec(to_nest(circuit, dt_ms=DT_MS), script)
        time_ms, neuron = script["simulate"](arrays(stimulus), stimulus.duration_ms)
    return list(zip(np.rint(time_ms / DT_MS).astype(int).tolist(), neuron.tolist(), strict=True))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("bias", [0.3, 1.3])
def test_the_script_emits_the_spikes_of_the_simulator(model, bias):
    rng = np.random.default_rng(round(10 * bias))
    n_spikes = 0
    for n in (1, 4, 20):
        circuit = random_circuit(rng, n=n, bias=bias, model=model)
        stimulus = draw_stimulus(rng, circuit)
        expected = emitted(circuit, stimulus)
        assert in_script(circuit, stimulus) == expected
        n_spikes += len(expected)
    assert n_spikes > 50


@pytest.mark.parametrize("model", MODELS)
def test_plastic_synapses_learn_in_the_script_as_here(model):
    rng = np.random.default_rng(4)
    rules = random_rules(rng, max_weight=4000.0)
    circuit = random_circuit(rng, n=10, strength=0.5, bias=0.3, model=model, plasticity=rules)
    stimulus = draw_stimulus(rng, circuit)
    assert in_script(circuit, stimulus) == emitted(circuit, stimulus)


def test_the_script_stands_alone(tmp_path):
    kept = motif()
    stimulus = draw_stimulus(np.random.default_rng(2), kept.circuit, rate_Hz=300)
    (tmp_path / "motif.py").write_text(to_nest(kept), encoding="utf-8")
    asked = {"duration_ms": stimulus.duration_ms, "spikes": arrays(stimulus)}
    (tmp_path / "stimulus.json").write_text(json.dumps(asked))
    command = [sys.executable, "motif.py", "stimulus.json", "spikes.json"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = json.loads((tmp_path / "spikes.json").read_text())
    steps = [round(time_ms / DT_MS) for time_ms in found["time_ms"]]
    assert list(zip(steps, found["neuron"], strict=True)) == emitted(kept.circuit, stimulus)
    assert len(steps) > 10


def test_a_stimulus_may_leave_ports_out():
    circuit = pair(bias_pA=[500.0, 0.0])
    silent = Stimulus(1, STEPS * DT_MS)
    assert in_script(circuit, silent) == emitted(circuit, silent) != []


def test_what_nest_cannot_do_is_refused():
    rules = (SpikeTiming(1000.0, tau_minus_ms=10.0), SpikeTiming(1000.0, tau_minus_ms=20.0))
    with pytest.raises(InputError, match=r"one tau_minus_ms, as NEST has one a neuron; got 10\.0, 20\.0"):
        to_nest(pair(plasticity=rules), dt_ms=DT_MS)
    with pytest.raises(InputError, match="a circuit with neurons; got none"):
        to_nest(equal_neurons(0), dt_ms=DT_MS)
    with pytest.raises(InputError, match="to_nest: dt_ms: expected a finite number > 0; got None"):
        to_nest(pair())
    with pytest.raises(InputError, match="expected a motif or a circuit; got str"):
        to_nest("3fa9")
