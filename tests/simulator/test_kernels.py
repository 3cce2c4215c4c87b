"""The kernel equals its loop-only twin, compiled or not, and a trial whatever else is in the batch."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import MODELS, Circuit
from evocircuits.simulator import Record, Recording, Stimulus, simulate
from evocircuits.simulator.wiring import wire
from tests.simulator import naive, uncompiled
from tests.simulator.circuits import (
    PEAK_pA,
    equal_neurons,
    events,
    part,
    random_circuit,
    random_rules,
    random_stimulus,
    with_currents,
)

DT_MS = 0.1
seeds = st.integers(0, 2**32 - 1)


def record_all(circuit: Circuit) -> Record:
    return Record(spikes=True, voltage=tuple(range(circuit.n_neurons)), weights=True)


def check_equal_to_naive(recording: Recording, stimulus: Stimulus, trial: int, dt_ms: float) -> int:
    """Compares one trial; returns how many spikes it has."""
    circuit = recording.circuit
    found = naive.simulate_trial(circuit, stimulus, trial, dt_ms=dt_ms)
    assert events(recording.spikes, trial, dt_ms) == found.spikes
    assert recording.counts[trial].sum() == len(found.spikes)
    scale_mV = np.maximum(circuit.threshold_mV, np.abs(found.voltage_mV).max(axis=0))
    apart = (recording.voltage_mV[:, trial] - np.array(found.voltage_mV)) / scale_mV
    assert np.abs(apart).max() < 1e-9
    for port, weights in ((None, recording.weights.synapses), *recording.weights.inputs.items()):
        np.testing.assert_allclose(weights[trial], found.weight_pA[port], rtol=1e-9, atol=1e-9)
    return len(found.spikes)


@given(
    seed=seeds,
    model=st.sampled_from(MODELS),
    plastic=st.booleans(),
    currents=st.sampled_from([None, (1, 0), (10, 4), (300, 0), (3, 100)]),
    n=st.integers(1, 12),
    density=st.floats(0.05, 1.0),
    dt_ms=st.sampled_from([0.02, 0.1, 0.5, 2.0]),
    longest_delay_steps=st.integers(1, 60),
    strength=st.sampled_from([0.1, 0.4, 2.0]),
    bias=st.sampled_from([0.0, 0.8, 1.5]),
    repeated=st.sampled_from([0.0, 0.3]),
)
@settings(max_examples=80, deadline=None)
def test_kernel_equals_its_naive_twin(
    seed, model, plastic, currents, n, density, dt_ms, longest_delay_steps, strength, bias, repeated
):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(
        rng,
        n=n,
        density=density,
        dt_ms=dt_ms,
        longest_delay_ms=longest_delay_steps * dt_ms,
        strength=strength,
        bias=bias,
        model=model,
        plasticity=random_rules(rng, max_weight=2 * strength * PEAK_pA[model]) if plastic else (),
    )
    stimulus = random_stimulus(
        rng, n_trials=2, n_steps=300, dt_ms=dt_ms, rate_Hz=60 / dt_ms, repeated=repeated
    )
    if currents is not None:
        bins, graded_bins = currents
        stimulus = with_currents(rng, circuit, stimulus, bins=bins, graded_bins=graded_bins)
    recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=record_all(circuit), dtype=np.float64)
    for trial in range(2):
        check_equal_to_naive(recording, stimulus, trial, dt_ms)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n_trials", [1, 15, 16, 17, 63, 64, 65, 128, 129, 300])
def test_every_batch_size_equals_the_naive_twin(model, n_trials):
    rng = np.random.default_rng(n_trials)
    rules = random_rules(rng, max_weight=PEAK_pA[model])
    circuit = random_circuit(rng, n=5, density=0.6, strength=0.5, bias=1.2, model=model, plasticity=rules)
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=400, rate_Hz=300, repeated=0.05)
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=record_all(circuit), dtype=np.float64)
    assert recording.counts.shape == (n_trials, 5)
    for trial in {0, n_trials // 2, n_trials - 1}:
        assert check_equal_to_naive(recording, stimulus, trial, DT_MS) > 3


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("n_trials", [3, 70])
def test_synapses_that_wait_in_bundles_equal_the_naive_twin(model, n_trials):
    rng = np.random.default_rng(5)
    shape = {"n": 8, "density": 2.0, "longest_delay_ms": 2 * DT_MS, "strength": 0.1, "bias": 0.9}
    circuit = random_circuit(rng, **shape, model=model)
    assert wire(circuit, DT_MS, np.dtype(float), 16)[0].bundled
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=400, rate_Hz=300, repeated=0.05)
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=record_all(circuit), dtype=np.float64)
    for trial in {0, n_trials - 1}:
        assert check_equal_to_naive(recording, stimulus, trial, DT_MS) > 20


@given(
    seed=seeds,
    model=st.sampled_from(MODELS),
    plastic=st.booleans(),
    driven=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
    n_alone=st.sampled_from([1, 2, 15, 16, 17, 40, 63, 64, 65, 100]),
    n_together=st.sampled_from([100, 128, 150]),
)
@settings(max_examples=30, deadline=None)
def test_a_trial_gives_the_same_bits_in_any_batch(seed, model, plastic, driven, dtype, n_alone, n_together):
    rng = np.random.default_rng(seed)
    rules = random_rules(rng, max_weight=PEAK_pA[model]) if plastic else ()
    circuit = random_circuit(rng, n=8, channels=11, strength=0.5, bias=1.0, model=model, plasticity=rules)
    stimulus = random_stimulus(rng, n_trials=n_together, n_steps=200, channels=11, repeated=0.05)
    if driven:
        stimulus = with_currents(rng, circuit, stimulus, bins=200, graded_bins=50)
    chosen = rng.permutation(n_together)[:n_alone].tolist()
    record = Record(spikes=True, first_spikes=True, voltage=tuple(range(8)), weights=True)
    together = simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=dtype)
    apart = part(stimulus, first_ms=0, duration_ms=stimulus.duration_ms, trials=chosen)
    alone = simulate(circuit, apart, dt_ms=DT_MS, record=record, dtype=dtype)
    assert np.array_equal(alone.counts, together.counts[chosen])
    assert np.array_equal(alone.first_spike_ms, together.first_spike_ms[chosen])
    assert np.array_equal(alone.voltage_mV, together.voltage_mV[:, chosen])
    assert np.array_equal(alone.weights.synapses, together.weights.synapses[chosen])
    assert np.array_equal(alone.weights.inputs["in"], together.weights.inputs["in"][chosen])
    for position, trial in enumerate(chosen[:3]):
        assert events(alone.spikes, position, DT_MS) == events(together.spikes, trial, DT_MS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_run_that_records_nothing_gives_the_same_counts(dtype):
    rng = np.random.default_rng(4)
    circuit = random_circuit(rng, bias=1.2)
    stimulus = random_stimulus(rng, n_trials=70, n_steps=500)
    recorded = simulate(circuit, stimulus, dt_ms=DT_MS, record=record_all(circuit), dtype=dtype)
    bare = simulate(circuit, stimulus, dt_ms=DT_MS, dtype=dtype)
    assert bare.counts.sum() > 700
    assert np.array_equal(bare.counts, recorded.counts)


@pytest.mark.parametrize("n_trials", [2, 130])
def test_the_spike_limit_stops_the_step_that_passes_it(n_trials):
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, n=6, bias=1.5)
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=1000)
    record = Record(spikes=True)
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=record)
    total = int(whole.counts.sum())
    assert not whole.truncated
    assert not simulate(circuit, stimulus, dt_ms=DT_MS, max_spikes=total).truncated
    assert simulate(circuit, stimulus, dt_ms=DT_MS, max_spikes=total - 1).truncated
    limit = total // 2
    cut = simulate(circuit, stimulus, dt_ms=DT_MS, record=record, max_spikes=limit)
    assert cut.truncated
    assert limit < cut.counts.sum() <= limit + 6 * n_trials
    assert len(cut.spikes.time_ms) == cut.counts.sum()
    for trial in (0, n_trials // 2):  # what was simulated is the beginning of the whole
        kept = events(cut.spikes, trial, DT_MS)
        assert kept == events(whole.spikes, trial, DT_MS)[: len(kept)]


def test_lanes_without_a_trial_do_not_count_towards_the_spike_limit():
    circuit = equal_neurons(bias_pA=[1000.0])
    total = simulate(circuit, Stimulus(1, 50.0), dt_ms=DT_MS).counts.sum()
    assert total > 5
    assert not simulate(circuit, Stimulus(1, 50.0), dt_ms=DT_MS, max_spikes=int(total)).truncated


def run_uncompiled(*arguments: str) -> None:
    """`python -m …` in a process of its own, with the compiler off."""
    finished = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory) -> dict[str, np.ndarray]:
    """What the kernel gives as plain Python."""
    file = tmp_path_factory.mktemp("uncompiled") / "results.npz"
    run_uncompiled("tests.simulator.uncompiled", str(file))
    with np.load(file) as results:
        return dict(results)


def test_uncompiled_the_kernel_stays_within_its_arrays_and_gives_the_same(interpreted):
    # compiled, a product and a sum may be rounded once instead of twice
    compiled = uncompiled.results()
    assert set(compiled) == set(interpreted)
    for name, value in compiled.items():
        exact = name.endswith("counts") or "float64, spikes" in name or "float64, first" in name
        tolerance = 0 if exact else 1e-12 if "float64" in name else 1e-5
        scale = np.abs(value[np.isfinite(value)]).max(initial=1e-9) if "voltage" in name else 1.0
        np.testing.assert_allclose(
            interpreted[name], value, rtol=tolerance, atol=tolerance * scale, err_msg=name
        )


@pytest.mark.parametrize("name", uncompiled.cases())
def test_uncompiled_the_kernel_equals_its_naive_twin(interpreted, name):
    circuit, stimulus = uncompiled.cases()[name]
    time_ms, trial, neuron = interpreted[f"{name}, float64, spikes"]
    for of_trial in range(3):
        found = naive.simulate_trial(circuit, stimulus, of_trial, dt_ms=uncompiled.DT_MS)
        step = np.rint(time_ms / uncompiled.DT_MS).astype(int)[trial == of_trial]
        assert sorted(zip(step, neuron[trial == of_trial], strict=True)) == found.spikes
        assert len(found.spikes) > 3
        weights = found.weight_pA[None] + found.weight_pA["in"]
        np.testing.assert_allclose(interpreted[f"{name}, float64, weights"][of_trial], weights, rtol=1e-9)


def test_uncompiled_what_was_calculated_by_hand_holds():
    names = ("currents", "events", "plastic_synapses", "simulate", "wiring")
    files = [str(Path(__file__).with_name(f"test_{name}.py")) for name in names]
    not_by_hand = ("any_batch", "dales_law", "does_not_learn", "more_spikes", "of_its_own", "time_scale")
    chosen = " and ".join(f"not {word}" for word in not_by_hand)
    run_uncompiled("pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *files)
