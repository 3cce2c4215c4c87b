"""The kernel equals its loop-only twin, whatever else is in the batch and wherever a run is cut."""

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.simulator import Record, simulate
from evocircuits.simulator.kernels import LANE_WIDTHS, advance_lanes
from tests.simulator import naive
from tests.simulator.circuits import events, part, random_circuit, random_stimulus

DT_MS = 0.1
seeds = st.integers(0, 2**32 - 1)


@given(
    seed=seeds,
    n=st.integers(1, 12),
    density=st.floats(0.05, 1.0),
    dt_ms=st.sampled_from([0.02, 0.1, 0.5]),
    longest_delay_steps=st.integers(1, 60),
    strength=st.sampled_from([0.05, 0.4, 2.0]),
    bias=st.sampled_from([0.0, 0.8, 1.5]),
)
@settings(max_examples=40, deadline=None)
def test_kernel_equals_its_naive_twin(seed, n, density, dt_ms, longest_delay_steps, strength, bias):
    rng = np.random.default_rng(seed)
    longest_delay_ms = longest_delay_steps * dt_ms
    circuit = random_circuit(
        rng,
        n=n,
        density=density,
        dt_ms=dt_ms,
        longest_delay_ms=longest_delay_ms,
        strength=strength,
        bias=bias,
    )
    stimulus = random_stimulus(rng, n_trials=2, n_steps=300, dt_ms=dt_ms, rate_Hz=50 / dt_ms)
    record = Record(spikes=True, voltage=tuple(range(n)))
    recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=record, dtype=np.float64)
    for trial in range(2):
        inputs = [(step, "in", channel) for step, channel in events(stimulus.spikes["in"], trial, dt_ms)]
        spikes, membranes_mV = naive.simulate_trial(circuit, inputs, n_steps=300, dt_ms=dt_ms)
        assert events(recording.spikes, trial, dt_ms) == spikes
        np.testing.assert_allclose(recording.voltage_mV[:, trial], membranes_mV, rtol=1e-9, atol=1e-9)
        assert recording.counts[trial].sum() == len(spikes)


@pytest.mark.parametrize("n_trials", [1, 15, 16, 17, 64, 65, 127, 128, 129, 300])
def test_every_batch_size_equals_the_naive_twin(n_trials):
    rng = np.random.default_rng(n_trials)
    circuit = random_circuit(rng, n=5, density=0.6, strength=0.5, bias=1.2)
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=400, rate_Hz=300)
    recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
    assert recording.counts.shape == (n_trials, 5)
    for trial in {0, n_trials // 2, n_trials - 1}:
        inputs = [(step, "in", channel) for step, channel in events(stimulus.spikes["in"], trial, DT_MS)]
        spikes, _ = naive.simulate_trial(circuit, inputs, n_steps=400, dt_ms=DT_MS)
        assert len(spikes) > 3
        assert events(recording.spikes, trial, DT_MS) == spikes


@given(seed=seeds, dtype=st.sampled_from([np.float32, np.float64]), n_alone=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_a_trial_gives_the_same_bits_in_any_batch(seed, dtype, n_alone):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, n=8, strength=0.5, bias=1.0)
    stimulus = random_stimulus(rng, n_trials=150, n_steps=300)
    chosen = rng.permutation(150)[:n_alone].tolist()
    record = Record(voltage=tuple(range(8)))
    together = simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=dtype)
    apart = part(stimulus, first_ms=0, duration_ms=stimulus.duration_ms, trials=chosen)
    alone = simulate(circuit, apart, dt_ms=DT_MS, record=record, dtype=dtype)
    assert np.array_equal(alone.counts, together.counts[chosen])
    assert np.array_equal(alone.voltage_mV, together.voltage_mV[:, chosen])


@pytest.mark.parametrize("steps_per_piece", [1, 71, 100])
@pytest.mark.parametrize("n_trials", [3, 130])
def test_a_run_cut_in_pieces_gives_the_same_bits(steps_per_piece, n_trials):
    rng = np.random.default_rng(n_trials)
    circuit = random_circuit(rng, n=8, strength=0.5, bias=1.0, longest_delay_ms=4.0)
    stimulus = random_stimulus(rng, n_trials=n_trials, n_steps=500)
    record = Record(spikes=True, voltage=(0, 3))
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=record)
    state, voltages, spikes, counts = None, [], [], 0
    for first in range(0, 500, steps_per_piece):
        duration_ms = min(steps_per_piece, 500 - first) * DT_MS
        piece = part(stimulus, first_ms=first * DT_MS, duration_ms=duration_ms)
        recording = simulate(circuit, piece, dt_ms=DT_MS, record=record, state=state)
        state = recording.state
        voltages.append(recording.voltage_mV)
        counts = counts + recording.counts
        spikes.append(recording.spikes)
    assert np.array_equal(np.concatenate(voltages), whole.voltage_mV)
    assert np.array_equal(counts, whole.counts)
    for trial in (0, n_trials - 1):
        joined = [event for piece in spikes for event in events(piece, trial, DT_MS)]
        assert joined == events(whole.spikes, trial, DT_MS)
    assert whole.counts.sum() > 10 * n_trials


def test_a_state_can_be_continued_twice():
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, bias=1.2)
    stimulus = random_stimulus(rng, n_trials=2, n_steps=200)
    state = simulate(circuit, stimulus, dt_ms=DT_MS).state
    first, second = (simulate(circuit, stimulus, dt_ms=DT_MS, state=state) for _ in range(2))
    assert first.counts.sum() > 0
    assert np.array_equal(first.counts, second.counts)


def test_the_spike_limit_stops_the_step_that_passes_it():
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, n=6, bias=1.5)
    stimulus = random_stimulus(rng, n_trials=2, n_steps=1000)
    whole = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True))
    total = whole.counts.sum()
    assert not whole.truncated
    assert not simulate(circuit, stimulus, dt_ms=DT_MS, max_spikes=int(total)).truncated
    limit = int(total) // 2
    cut = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True, voltage=(0,)), max_spikes=limit)
    assert cut.truncated
    assert limit < cut.counts.sum() <= limit + 12
    last_ms = cut.spikes.time_ms.max()
    assert np.array_equal(cut.spikes.time_ms, whole.spikes.time_ms[whole.spikes.time_ms <= last_ms])
    assert np.isfinite(cut.voltage_mV).all()


def test_lanes_without_a_trial_do_not_count_towards_the_spike_limit():
    circuit = random_circuit(np.random.default_rng(0), n=6, bias=1.5)
    total = simulate(
        circuit, random_stimulus(np.random.default_rng(1), n_trials=1, n_steps=500), dt_ms=DT_MS
    ).counts.sum()
    stimulus = random_stimulus(np.random.default_rng(1), n_trials=1, n_steps=500)
    assert total > 10
    assert not simulate(circuit, stimulus, dt_ms=DT_MS, max_spikes=int(total)).truncated


def test_float32_and_float64_agree_but_for_rounding():
    rng = np.random.default_rng(5)
    circuit = random_circuit(rng, n=10, strength=0.4)
    stimulus = random_stimulus(rng, n_trials=LANE_WIDTHS[-1], n_steps=1000)
    single, double = (
        simulate(circuit, stimulus, dt_ms=DT_MS, dtype=dtype).counts for dtype in (np.float32, np.float64)
    )
    assert double.sum() > 1000
    assert np.abs(single - double).sum() < 0.01 * double.sum()


def test_uncompiled_the_kernel_gives_the_same_bits_and_stays_within_its_arrays(monkeypatch):
    rng = np.random.default_rng(2)
    circuit = random_circuit(rng, n=4, density=0.6, strength=1.0, bias=1.3, longest_delay_ms=1.0)
    stimulus = random_stimulus(rng, n_trials=5, n_steps=120, rate_Hz=500)
    record = Record(spikes=True, voltage=(0, 1, 2, 3))
    compiled = simulate(circuit, stimulus, dt_ms=DT_MS, record=record)
    module = importlib.import_module("evocircuits.simulator.simulate")
    monkeypatch.setattr(module, "advance_lanes", lambda lanes: advance_lanes(lanes).py_func)
    interpreted = simulate(circuit, stimulus, dt_ms=DT_MS, record=record)
    assert compiled.counts.sum() > 20
    assert np.array_equal(interpreted.counts, compiled.counts)
    assert np.array_equal(interpreted.voltage_mV, compiled.voltage_mV)
    assert np.array_equal(interpreted.spikes.time_ms, compiled.spikes.time_ms)
