"""In float64 the simulator emits the spikes of NEST 3.10's `iaf_psc_exp`, to the step."""

from types import ModuleType

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from tests.simulator import in_nest
from tests.simulator.circuits import events, random_circuit, random_stimulus

DURATION_MS = 250.0
CIRCUITS_PER_REGIME = 15
REGIMES = {  # mean post-synaptic potential and resting depolarisation as shares of threshold, input rate in Hz
    "silent": (0.02, 0.3, 20),
    "driven": (0.5, 0.3, 120),
    "biased": (0.1, 1.3, 40),
    "saturated": (2.0, 1.5, 200),
}


@pytest.fixture(scope="module")
def nest() -> ModuleType:
    return in_nest.imported()


def draw_cases(rng: np.random.Generator, regime: str, dt_ms: float) -> list[tuple[Circuit, Stimulus]]:
    strength, bias, rate_Hz = REGIMES[regime]
    cases = []
    for n in np.geomspace(2, 64, CIRCUITS_PER_REGIME).round().astype(int).tolist():
        circuit = random_circuit(
            rng,
            n=n,
            density=rng.uniform(0.05, 0.8),
            dt_ms=dt_ms,
            longest_delay_ms=25.0,
            strength=strength / np.sqrt(n / 8),
            bias=bias,
        )
        n_steps = round(DURATION_MS / dt_ms)
        stimulus = random_stimulus(rng, n_trials=1, n_steps=n_steps, dt_ms=dt_ms, rate_Hz=rate_Hz)
        cases.append((circuit, stimulus))
    return cases


@pytest.mark.parametrize("dt_ms", [0.05, 0.1, 0.25, 1.0])
def test_float64_equals_nest_spike_for_spike(nest, dt_ms):
    rng = np.random.default_rng(round(1000 * dt_ms))
    rates_Hz = {}
    for regime in REGIMES:
        cases = draw_cases(rng, regime, dt_ms)
        with in_nest.quiet():
            expected = in_nest.spikes(nest, cases, dt_ms=dt_ms, duration_ms=DURATION_MS)
        for (circuit, stimulus), spikes in zip(cases, expected, strict=True):
            recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=Record(spikes=True), dtype=np.float64)
            assert events(recording.spikes, 0, dt_ms) == spikes
        neurons = sum(circuit.n_neurons for circuit, _ in cases)
        rates_Hz[regime] = 1000 / DURATION_MS * sum(map(len, expected)) / neurons
    assert rates_Hz["silent"] < 1
    assert min(rates_Hz["driven"], rates_Hz["biased"]) > 20
    assert rates_Hz["saturated"] > 100


def test_the_cases_hold_autapses_and_parallel_synapses():
    circuits = [circuit for circuit, _ in draw_cases(np.random.default_rng(0), "driven", 0.1)]
    pairs = [list(zip(c.source.tolist(), c.target.tolist(), strict=True)) for c in circuits]
    assert sum(source == target for synapses in pairs for source, target in synapses) > 50
    assert sum(len(synapses) - len(set(synapses)) for synapses in pairs) > 200


def test_simultaneous_input_spikes_add_as_in_nest(nest):
    circuit = random_circuit(np.random.default_rng(3), n=4, density=0.6, strength=0.4)
    times_ms = np.repeat([5.0, 5.0, 5.1, 30.0], 5)
    stimulus = Stimulus(1, 60.0, {"in": Spikes(times_ms, np.zeros(20, int), np.arange(20) % 4)})
    with in_nest.quiet():
        expected = in_nest.spikes(nest, [(circuit, stimulus)], dt_ms=0.1, duration_ms=60.0)[0]
    recording = simulate(circuit, stimulus, dt_ms=0.1, record=Record(spikes=True), dtype=np.float64)
    assert len(expected) > 3
    assert events(recording.spikes, 0, 0.1) == expected
