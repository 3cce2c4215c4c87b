"""Plastic synapses followed by hand, and what no rule may do."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import MODELS, Afferents, Circuit
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming
from evocircuits.simulator import Record, Stimulus, simulate
from tests.simulator.circuits import (
    PEAK_pA,
    equal_neurons,
    events,
    random_circuit,
    random_rules,
    random_stimulus,
    trains,
)

DELAY = 3
HALVED_IN_4 = 4 / log(2)


def synapse(rule: Plasticity, weight_pA: float = 25.0) -> Circuit:
    """A neuron of `iaf_psc_delta` that keeps what it is given. Channel 0 reaches it through one plastic synapse with a
    delay of 3, channel 1 makes it fire 1 later.
    """
    a = Afferents(2, [0, 1], [0, 0], [weight_pA, 1e4], [DELAY, 1.0], [0, -1])
    constants = {"tau_m_ms": [1e18], "c_m_pF": [100.0], "t_ref_ms": [0.0]}
    return equal_neurons(**constants, inputs={"in": a}, model="iaf_psc_delta", plasticity=(rule,))


def steps_of_the_membrane(circuit: Circuit, sent: list[float]) -> np.ndarray:
    """mV that each spike of channel 0 added, DELAY after it was sent."""
    stimulus = trains(sent, [], duration_ms=100.0)
    recording = simulate(circuit, stimulus, dt_ms=1.0, record=Record(voltage=(0,)), dtype=np.float64)
    risen = np.diff(recording.voltage_mV[:, 0, 0], prepend=0)  # entry k is what step k + 1 did
    arrived = np.array(sent, int) + DELAY - 1
    assert np.array_equal(np.flatnonzero(risen), arrived)
    return risen[arrived]


def final_share(
    rule: SpikeTiming, pre: list[float], post: list[float], *, duration_ms: float = 100.0
) -> float:
    """w / W at the end, of a synapse that began at 25 pA, for given times of presynaptic and postsynaptic spikes."""
    stimulus = trains(pre, [time_ms - 1 for time_ms in post], duration_ms=duration_ms)
    record = Record(spikes=True, weights=True)
    recording = simulate(synapse(rule), stimulus, dt_ms=1.0, record=record, dtype=np.float64)
    assert recording.spikes.time_ms.tolist() == post
    return recording.weights.inputs["in"][0, 0] / rule.max_weight


def passed_mV(rule: SpikeTiming, pre: list[float], post: list[float]) -> np.ndarray:
    """What each step added to the membrane, but for those in which the neuron fired."""
    stimulus = trains(pre, [time_ms - 1 for time_ms in post], duration_ms=100.0)
    recording = simulate(synapse(rule), stimulus, dt_ms=1.0, record=Record(voltage=(0,)), dtype=np.float64)
    return np.diff(recording.voltage_mV[:, 0, 0], prepend=0)


def test_a_short_term_synapse_depresses_and_facilitates():
    rule = ShortTerm(0.5, 10 / log(2), 5 / log(2))  # recovery halves in 10 ms, facilitation in 5
    # 1: x = 1, u = 1/2.  2, after 10: x = 1 − (1/2)(1/2), u = 1/2 + (1/2)(1/2)(1/4).
    # 3, after 20 more: x = 1 + (3/4 − 27/64 − 1)/4, u = 1/2 + (9/16)(1/2)(1/16)
    passed = [1 / 2, 3 / 4 * 9 / 16, (1 - 43 / 256) * (1 / 2 + 9 / 512)]
    steps_mV = steps_of_the_membrane(synapse(rule), [5.0, 15.0, 35.0])
    np.testing.assert_allclose(steps_mV, 25 / 100 * np.array(passed), rtol=1e-12)


def test_without_facilitation_a_synapse_releases_the_same_share_each_time():
    rule = ShortTerm(0.5, 10 / log(2))
    passed = [1 / 2, 3 / 4 / 2, (1 - 5 / 8 / 4) / 2]  # after 3/8 of 3/4 are left: 1 + (3/8 − 1)/4
    steps_mV = steps_of_the_membrane(synapse(rule), [5.0, 15.0, 35.0])
    np.testing.assert_allclose(steps_mV, 25 / 100 * np.array(passed), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("tau_fac_ms", [0.0, 5.0])
def test_two_spikes_of_one_step_share_what_a_synapse_has(dtype, tau_fac_ms):
    # the second finds what the first left, 1/2 of it; facilitated it releases 1/2 + (1/2)(1/2) of that, else 1/2
    expected_mV = 25 / 100 * (1 / 2 + 1 / 2 * (3 / 4 if tau_fac_ms else 1 / 2))
    stimulus = trains([5.0, 5.0], [], duration_ms=10.0)
    circuit = synapse(ShortTerm(0.5, 10.0, tau_fac_ms))
    recording = simulate(circuit, stimulus, dt_ms=1.0, record=Record(voltage=(0,)), dtype=dtype)
    assert recording.voltage_mV[-1, 0, 0] == pytest.approx(expected_mV)


@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0, 2.0])
def test_a_presynaptic_before_a_postsynaptic_spike_potentiates(mu):
    rule = SpikeTiming(100.0, 0.1, alpha=0.0, mu_plus=mu, mu_minus=7.0, tau_plus_ms=HALVED_IN_4)
    # 5 + the delay of 3 after the presynaptic spike; a last one reads the weight
    assert final_share(rule, [10, 60], [15]) == pytest.approx(0.25 + 0.1 * 0.75**mu * 0.5**2, rel=1e-12)


@pytest.mark.parametrize("mu", [0.0, 0.5, 1.0, 2.0])
def test_a_postsynaptic_before_a_presynaptic_spike_depresses(mu):
    rule = SpikeTiming(100.0, 0.1, alpha=1.5, mu_plus=7.0, mu_minus=mu, tau_minus_ms=HALVED_IN_4)
    # the postsynaptic spike reaches the synapse at 10 + 3, 8 before the presynaptic one
    assert final_share(rule, [21], [10]) == pytest.approx(0.25 - 1.5 * 0.1 * 0.25**mu * 0.5**2, rel=1e-12)


def test_all_pairs_count():
    rule = SpikeTiming(100.0, 0.1, alpha=0.0, mu_plus=0.0, tau_plus_ms=HALVED_IN_4)
    # from 10 and from 14 to 15 + 3, and to 23 + 3
    pairs = 0.5**2 + 0.5**1 + 0.5**4 + 0.5**3
    assert final_share(rule, [10, 14, 60], [15, 23]) == pytest.approx(0.25 + 0.1 * pairs, rel=1e-12)
    rule = SpikeTiming(100.0, 0.1, mu_minus=0.0, tau_minus_ms=HALVED_IN_4)
    pairs = 0.5**1 + 0.5**2 + 0.5**3  # from 10 + 3, from 6 + 3 and from 2 + 3 to 17
    assert final_share(rule, [17], [2, 6, 10]) == pytest.approx(0.25 - 0.1 * pairs, rel=1e-12)


def test_of_two_spikes_that_meet_at_the_synapse_the_postsynaptic_one_acts_first():
    rule = SpikeTiming(
        100.0, 0.1, mu_plus=0.0, mu_minus=0.0, tau_plus_ms=HALVED_IN_4, tau_minus_ms=HALVED_IN_4
    )
    # the spike of 14 is back at 17, when a presynaptic spike comes. It is paired with that of 9, not with that of 17,
    # and it does not depress; that of 25 reads the weight, and is depressed by it after 8
    assert final_share(rule, [9, 17], [14]) == pytest.approx(0.25 + 0.1 * 0.5**2, rel=1e-12)
    expected = 0.25 + 0.1 * 0.5**2 - 0.1 * 0.5**2
    assert final_share(rule, [9, 17, 25], [14]) == pytest.approx(expected, rel=1e-12)
    assert final_share(rule, [17], [14]) == 0.25


def test_a_postsynaptic_spike_under_way_back_has_not_met_the_synapse():
    rule = SpikeTiming(
        100.0, 0.1, mu_plus=0.0, mu_minus=0.0, tau_plus_ms=HALVED_IN_4, tau_minus_ms=HALVED_IN_4
    )
    # back at 18, a step after the presynaptic spike of 17: a pair of 1 ms, read at 26, depressed after 8
    expected = 0.25 + 0.1 * 0.5 ** (1 / 4) - 0.1 * 0.5**2
    assert final_share(rule, [17], [15]) == 0.25
    assert final_share(rule, [17, 26], [15]) == pytest.approx(expected, rel=1e-12)


def test_a_weight_is_that_which_the_last_spike_to_arrive_met():
    rule = SpikeTiming(100.0, 0.1, mu_minus=0.0, tau_minus_ms=HALVED_IN_4)
    depressed = 0.25 - 0.1 * 0.5**2  # as above; the spike of 21 arrives in the step that ends at 24
    assert final_share(rule, [21], [10], duration_ms=23.0) == 0.25
    assert final_share(rule, [21], [10], duration_ms=24.0) == pytest.approx(depressed, rel=1e-12)


def test_a_spike_passes_the_weight_that_it_meets():
    rule = SpikeTiming(100.0, 0.1, mu_minus=0.0, tau_minus_ms=HALVED_IN_4)
    assert passed_mV(rule, [21], [10])[22:25] == pytest.approx([0, 0.225, 0])  # 22.5 pA × 1 ms / 100 pF


def test_weights_stop_at_their_bounds():
    up = SpikeTiming(100.0, 1.0, alpha=0.0, mu_plus=0.0)
    assert final_share(up, [10, 60], [15, 16]) == 1.0
    assert passed_mV(up, [10, 60], [15, 16])[62] == pytest.approx(1.0)  # 100 pA × 1 ms / 100 pF
    down = SpikeTiming(100.0, 1.0, mu_minus=0.0)
    assert final_share(down, [21, 22], [10, 11]) == 0.0
    assert passed_mV(down, [21, 22], [10, 11])[23:25].tolist() == [0, 0]


@given(
    seed=st.integers(0, 2**32 - 1),
    model=st.sampled_from(MODELS),
    dtype=st.sampled_from([np.float32, np.float64]),
    rule=st.builds(
        SpikeTiming,
        max_weight=st.floats(0.01, 5e3),
        learning_rate=st.floats(0, 3),
        alpha=st.floats(0, 5),
        mu_plus=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
        mu_minus=st.sampled_from([0.0, 0.3, 1.0, 2.5]),
        tau_plus_ms=st.floats(0.1, 1000),
        tau_minus_ms=st.floats(0.1, 1000),
    ),
)
@settings(max_examples=60, deadline=None)
def test_no_rule_leaves_dales_law(seed, model, dtype, rule):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, n=6, density=0.6, dt_ms=1.0, model=model, bias=1.3, plasticity=(rule,))
    start_pA = rng.choice([0.0, 0.5, 1.0], len(circuit.rule)) * rule.max_weight
    circuit = replace(circuit, weight_pA=np.where(circuit.rule < 0, circuit.weight_pA, start_pA))
    stimulus = random_stimulus(rng, n_trials=3, n_steps=200, dt_ms=1.0, repeated=0.1)
    weights = simulate(circuit, stimulus, dt_ms=1.0, record=Record(weights=True), dtype=dtype).weights
    of_inputs, afferents = weights.inputs["in"], circuit.inputs["in"]
    for weight_pA, synapses in ((weights.synapses, circuit), (of_inputs, afferents)):
        assert np.isfinite(weight_pA).all()
        assert (weight_pA >= 0).all()
        assert (weight_pA[:, synapses.rule >= 0] <= rule.max_weight).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_no_rule_changes_are_as_given(dtype):
    rng = np.random.default_rng(0)
    circuit = random_circuit(rng, bias=1.3, plasticity=random_rules(rng, max_weight=500.0))
    stimulus = random_stimulus(rng, n_trials=2, n_steps=500)
    weights = simulate(circuit, stimulus, dt_ms=0.1, record=Record(weights=True), dtype=dtype).weights
    for weight_pA, synapses in ((weights.synapses, circuit), (weights.inputs["in"], circuit.inputs["in"])):
        fixed = (synapses.rule < 0) | (synapses.rule > 2)  # static and short-term
        assert fixed.sum() > 5
        assert np.array_equal(weight_pA[:, fixed], np.tile(synapses.weight_pA[fixed], (2, 1)))
        assert (weight_pA[:, ~fixed] != synapses.weight_pA[~fixed]).any()


@pytest.mark.parametrize("model", MODELS)
def test_each_trial_has_weights_of_its_own(model):
    rng = np.random.default_rng(1)
    rules = random_rules(rng, max_weight=PEAK_pA[model])
    circuit = random_circuit(rng, bias=1.3, model=model, plasticity=rules)
    weights = simulate(
        circuit, random_stimulus(rng, n_trials=3, n_steps=2000), dt_ms=0.1, record=Record(weights=True)
    ).weights
    assert weights.synapses.shape == (3, len(circuit.source))
    assert not np.array_equal(weights.synapses[0], weights.synapses[1])
    assert not np.array_equal(weights.synapses[0], weights.synapses[2])


def spikes_of(circuit: Circuit, stimulus: Stimulus, dt_ms: float = 0.1) -> list[list[tuple[int, int]]]:
    recording = simulate(circuit, stimulus, dt_ms=dt_ms, record=Record(spikes=True), dtype=np.float64)
    assert recording.counts.sum() > 50
    return [events(recording.spikes, trial, dt_ms) for trial in range(stimulus.n_trials)]


@pytest.mark.parametrize("model", MODELS)
def test_the_static_circuit_is_one_that_does_not_learn(model):
    rng = np.random.default_rng(2)
    rules = random_rules(rng, max_weight=PEAK_pA[model])
    still = tuple(
        replace(rule, learning_rate=0.0)
        if isinstance(rule, SpikeTiming)
        else ShortTerm(rule.utilisation, 1e-9)  # recovers at once
        for rule in rules
    )
    circuit = random_circuit(rng, bias=0.9, model=model, plasticity=still)
    stimulus = random_stimulus(rng, n_trials=2, n_steps=1000)
    assert spikes_of(circuit, stimulus) == spikes_of(circuit.static(), stimulus)
    learning = replace(circuit, plasticity=rules)
    assert spikes_of(learning, stimulus) != spikes_of(circuit.static(), stimulus)


@pytest.mark.parametrize("time_scale", [0.3, 8.0, 50.0])
@pytest.mark.parametrize("model", MODELS)
def test_time_scale_leaves_spikes_and_shares_of_weights_in_place(model, time_scale):
    rng = np.random.default_rng(3)
    rules = random_rules(rng, max_weight=PEAK_pA[model])
    circuit = random_circuit(rng, bias=0.9, model=model, plasticity=rules)
    dense = rng.random((1000, 2, 4)) < 0.01
    shares = []
    for scale, scaled in ((1.0, circuit), (time_scale, circuit.scaled(time_scale))):
        dt_ms = 0.1 * scale
        stimulus = Stimulus.from_dense({"in": dense}, dt_ms=dt_ms)
        spikes = spikes_of(scaled, stimulus, dt_ms)
        weights = simulate(
            scaled, stimulus, dt_ms=dt_ms, record=Record(weights=True), dtype=np.float64
        ).weights
        shares.append((spikes, weights.synapses / scaled.plasticity[0].max_weight))
    assert shares[0][0] == shares[1][0]
    np.testing.assert_allclose(shares[0][1], shares[1][1], rtol=1e-9)


def test_the_trace_of_a_spike_long_ago_is_as_exact_as_that_of_a_recent_one():
    rule = SpikeTiming(100.0, 0.1, alpha=0.0, mu_plus=0.0, tau_plus_ms=1e4)
    stimulus = trains([10.0, 9000.0], [8000.0 - 1], duration_ms=9010.0)
    circuit = synapse(rule)
    recording = simulate(circuit, stimulus, dt_ms=1.0, record=Record(weights=True), dtype=np.float64)
    potentiated = 0.25 + 0.1 * exp(-(8000 + DELAY - 10) / 1e4)
    assert recording.weights.inputs["in"][0, 0] / 100 == pytest.approx(potentiated, rel=1e-12)
