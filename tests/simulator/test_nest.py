"""In float64 the simulator emits the spikes of NEST 3.10's `iaf_psc_exp` and `iaf_psc_delta`, to the step."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Circuit
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from tests.simulator import in_nest
from tests.simulator.circuits import events, random_circuit, random_stimulus, with_currents

DURATION_MS = 200.0
CIRCUITS_PER_REGIME = 20
LONGEST_DELAY_MS = 25.0
REGIMES = {  # mean post-synaptic potential and resting depolarisation as shares of threshold, input rate in Hz
    "silent": (0.02, 0.3, 20),
    "driven": (0.5, 0.3, 120),
    "biased": (0.1, 1.3, 40),
    "saturated": (2.0, 1.5, 200),
}


@pytest.fixture(scope="module")
def nest() -> ModuleType:
    return in_nest.imported()


def draw_cases(
    rng: np.random.Generator, regime: str, dt_ms: float, model: str = MODELS[0]
) -> list[tuple[Circuit, Stimulus]]:
    strength, bias, rate_Hz = REGIMES[regime]
    cases = []
    for n in np.geomspace(2, 64, CIRCUITS_PER_REGIME).round().astype(int).tolist():
        circuit = random_circuit(
            rng,
            n=n,
            density=rng.uniform(0.05, 0.8),
            dt_ms=dt_ms,
            longest_delay_ms=LONGEST_DELAY_MS,
            strength=strength / np.sqrt(n / 8),
            bias=bias,
            model=model,
        )
        n_steps = round(DURATION_MS / dt_ms)
        stimulus = random_stimulus(rng, n_trials=1, n_steps=n_steps, dt_ms=dt_ms, rate_Hz=rate_Hz)
        cases.append((circuit, stimulus))
    return cases


def check_cases(
    nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], dt_ms: float, *, voltage: bool
) -> float:
    """Simulates the cases in both; returns the mean rate in Hz."""
    duration_ms = cases[0][1].duration_ms
    with in_nest.quiet():
        expected = in_nest.run(nest, cases, dt_ms=dt_ms, duration_ms=duration_ms, voltage=voltage)
    for (circuit, stimulus), found in zip(cases, expected, strict=True):
        record = Record(spikes=True, voltage=tuple(range(circuit.n_neurons)) if voltage else ())
        recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=record, dtype=np.float64)
        assert events(recording.spikes, 0, dt_ms) == found.spikes
        if voltage:
            apart_mV = recording.voltage_mV[:-1, 0] - found.voltage_mV
            assert np.abs(apart_mV / circuit.threshold_mV).max() < 1e-10
    neurons = sum(circuit.n_neurons for circuit, _ in cases)
    return 1000 / duration_ms * sum(len(found.spikes) for found in expected) / neurons


@pytest.mark.parametrize("dt_ms", [0.02, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("model", MODELS)
def test_float64_equals_nest_spike_for_spike(nest, model, dt_ms):
    rng = np.random.default_rng(round(1000 * dt_ms))
    rates_Hz = {
        regime: check_cases(nest, draw_cases(rng, regime, dt_ms, model), dt_ms, voltage=dt_ms >= 0.5)
        for regime in REGIMES
    }
    assert rates_Hz["silent"] < 1
    assert min(rates_Hz["driven"], rates_Hz["biased"]) > 20
    assert rates_Hz["saturated"] > 100


def test_the_cases_hold_autapses_parallel_synapses_and_all_delays():
    circuits = [circuit for circuit, _ in draw_cases(np.random.default_rng(0), "driven", 0.1)]
    pairs = [list(zip(c.source.tolist(), c.target.tolist(), strict=True)) for c in circuits]
    assert sum(source == target for synapses in pairs for source, target in synapses) > 50
    assert sum(len(synapses) - len(set(synapses)) for synapses in pairs) > 200
    delays_ms = np.concatenate([c.delay_ms for c in circuits])
    assert delays_ms.min() == pytest.approx(0.1)
    assert delays_ms.max() == pytest.approx(LONGEST_DELAY_MS)


@pytest.mark.parametrize("model", MODELS)
def test_simultaneous_input_spikes_add_as_in_nest(nest, model):
    circuit = random_circuit(np.random.default_rng(3), n=4, density=0.6, strength=0.4, model=model)
    times_ms = np.repeat([5.0, 5.0, 5.1, 30.0], 5)
    stimulus = Stimulus(1, 60.0, {"in": Spikes(times_ms, np.zeros(20, int), np.arange(20) % 4)})
    assert check_cases(nest, [(circuit, stimulus)], 0.1, voltage=True) > 10


@pytest.mark.parametrize("bins", [4, 500])  # steps of 125 steps, and noise drawn anew in every step
@pytest.mark.parametrize("dt_ms", [0.1, 1.0])
@pytest.mark.parametrize("model", MODELS)
def test_injected_currents_are_those_of_nest(nest, model, dt_ms, bins):
    rng = np.random.default_rng([bins, round(10 * dt_ms)])
    cases = []
    for _ in range(10):
        circuit = random_circuit(rng, n=8, dt_ms=dt_ms, bias=0.4, model=model)
        stimulus = random_stimulus(rng, n_trials=1, n_steps=500, dt_ms=dt_ms)
        spread = 1.5 if bins == 4 else 3.0
        cases.append((circuit, with_currents(rng, circuit, stimulus, bins=bins, spread=spread, still=2)))
    with_a_current_Hz = check_cases(nest, cases, dt_ms, voltage=True)
    without = [(circuit, replace(stimulus, current_pA=None)) for circuit, stimulus in cases]
    assert with_a_current_Hz > 10 + check_cases(nest, without, dt_ms, voltage=False)


@pytest.mark.parametrize("model", MODELS)
def test_a_graded_value_is_its_weight_as_a_current_of_nest(nest, model):
    rng = np.random.default_rng(5)
    cases = []
    for _ in range(10):
        circuit = random_circuit(rng, n=8, channels=5, bias=0.4, model=model)
        a = circuit.inputs["in"]
        value = 2 * (circuit.threshold_mV * circuit.c_m_pF / circuit.tau_m_ms).mean() / a.weight_pA.mean()
        graded = value * rng.random((100, 1, 5))
        graded[0] = 0
        cases.append((circuit, Stimulus(1, 50.0, graded={"in": graded})))
    assert check_cases(nest, cases, 0.1, voltage=True) > 10
