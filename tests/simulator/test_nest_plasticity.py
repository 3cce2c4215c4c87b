"""In float64 plastic synapses are those of NEST 3.10, `stdp_synapse` and `tsodyks2_synapse`: spikes to the step,
membranes and weights to rounding.

NEST works a weight out when a presynaptic spike leaves its neuron, the simulator when it arrives, so the weights at the
end are those of NEST where no spike is under way any more: after a quiet tail.
"""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Afferents, Circuit
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.simulator import Record, Recording, Stimulus, simulate
from tests.simulator import in_nest
from tests.simulator.circuits import (
    PEAK_pA,
    equal_neurons,
    events,
    random_circuit,
    random_rules,
    random_stimulus,
    trains,
    with_currents,
)

DURATION_MS, INPUTS_END_MS = 240.0, 150.0
LONGEST_DELAY_MS = 8.0
CIRCUITS_PER_REGIME = 25


@pytest.fixture(scope="module")
def nest() -> ModuleType:
    return in_nest.imported()


def draw_cases(
    rng: np.random.Generator, regime: str, dt_ms: float, model: str
) -> list[tuple[Circuit, Stimulus]]:
    """Weakly coupled circuits mostly fall silent by themselves after the last input spikes; strongly coupled ones,
    driven by noise too, are silenced by a current that holds them far below threshold.
    """
    strength, densest = (0.12, 0.4) if regime == "weak" else (0.8, 0.6)
    n_steps, until_step, bins = round(DURATION_MS / dt_ms), round(INPUTS_END_MS / dt_ms), 40
    cases = []
    for n in np.geomspace(2, 32, CIRCUITS_PER_REGIME).round().astype(int).tolist():
        circuit = random_circuit(
            rng,
            n=n,
            density=rng.uniform(0.05, densest),
            channels=6,
            dt_ms=dt_ms,
            longest_delay_ms=LONGEST_DELAY_MS,
            strength=strength / np.sqrt(max(n, 8) / 8),
            input_strength=0.5,
            model=model,
            plasticity=random_rules(rng, max_weight=0.8 * PEAK_pA[model]),
        )
        stimulus = random_stimulus(
            rng,
            n_trials=1,
            n_steps=n_steps,
            dt_ms=dt_ms,
            channels=6,
            rate_Hz=250,
            until_step=until_step,
            repeated=0.02,
        )
        if regime == "strong":
            stimulus = with_currents(rng, circuit, stimulus, bins=bins, still=1)
            current_pA = stimulus.current_pA.copy()
            current_pA[round(bins * INPUTS_END_MS / DURATION_MS) :] = -4e4
            stimulus = replace(stimulus, current_pA=current_pA)
        cases.append((circuit, stimulus))
    return cases


def check_cases(
    nest: ModuleType, cases: list[tuple[Circuit, Stimulus]], dt_ms: float
) -> list[tuple[Circuit, Recording]]:
    """Simulates the cases in both, compares them, and returns the recordings of those with a quiet tail."""
    duration_ms = cases[0][1].duration_ms
    with in_nest.quiet():
        expected = in_nest.run(nest, cases, dt_ms=dt_ms, duration_ms=duration_ms, voltage=True)
    settled = []
    for (circuit, stimulus), found in zip(cases, expected, strict=True):
        recording = record_all(circuit, stimulus, dt_ms)
        assert events(recording.spikes, 0, dt_ms) == found.spikes
        apart_mV = recording.voltage_mV[:-1, 0] - found.voltage_mV
        assert np.abs(apart_mV / circuit.threshold_mV).max() < 1e-10
        if any(step * dt_ms > duration_ms - 2 * LONGEST_DELAY_MS for step, _ in found.spikes):
            continue
        for port, synapses, weight_pA in all_weights(circuit, recording):
            apart_pA = weight_pA[synapses.rule >= 0] - found.weight_pA[port]
            assert np.abs(apart_pA).max(initial=0) < 1e-10 * bound_pA(circuit)
        settled.append((circuit, recording))
    return settled


def record_all(circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> Recording:
    record = Record(spikes=True, voltage=tuple(range(circuit.n_neurons)), weights=True)
    return simulate(circuit, stimulus, dt_ms=dt_ms, record=record, dtype=np.float64)


def all_weights(circuit: Circuit, recording: Recording) -> Iterator[tuple[str | None, Any, np.ndarray]]:
    """Port (None: between neurons), synapses, and the weights at the end in the first trial."""
    yield None, circuit, recording.weights.synapses[0]
    for port, afferents in circuit.inputs.items():
        yield port, afferents, recording.weights.inputs[port][0]


def bound_pA(circuit: Circuit) -> float:
    return next((rule.max_weight for rule in circuit.plasticity if isinstance(rule, SpikeTiming)), 1.0)


@pytest.mark.parametrize("dt_ms", [0.05, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("regime", ["weak", "strong"])
@pytest.mark.parametrize("model", MODELS)
def test_spikes_membranes_and_weights_are_those_of_nest(nest, model, regime, dt_ms):
    cases = draw_cases(np.random.default_rng(round(1000 * dt_ms)), regime, dt_ms, model)
    settled = check_cases(nest, cases, dt_ms)
    assert len(settled) >= 0.8 * len(cases)
    changed = bounded = 0
    for circuit, recording in settled:
        for _, synapses, weight_pA in all_weights(circuit, recording):
            changed += np.sum(weight_pA != synapses.weight_pA)
            bounded += np.sum((weight_pA != synapses.weight_pA) & np.isin(weight_pA, [0, bound_pA(circuit)]))
    assert changed > 200
    assert bounded > 5


def arrivals(
    circuit: Circuit, recording: Recording, dt_ms: float
) -> Iterator[tuple[int, set[int], set[int]]]:
    """Of each plastic synapse between neurons: its index, the steps when its presynaptic spikes meet it, and when its
    postsynaptic ones do, as NEST has it.
    """
    step = np.rint(recording.spikes.time_ms / dt_ms).astype(int)
    fired = [set(step[recording.spikes.channel == n].tolist()) for n in range(circuit.n_neurons)]
    for synapse in np.flatnonzero(circuit.rule >= 0):
        delay = round(circuit.delay_ms[synapse] / dt_ms)
        back = {post + delay for post in fired[circuit.target[synapse]]}
        yield synapse, fired[circuit.source[synapse]], back


def test_the_cases_hold_ties_autapses_and_inhibitory_synapses_under_every_rule():
    ties, autapses, inhibitory = np.zeros(5, int), np.zeros(5, int), np.zeros(5, int)
    for circuit, stimulus in draw_cases(np.random.default_rng(1000), "strong", 1.0, MODELS[0]):
        for synapse, pre, post in arrivals(circuit, record_all(circuit, stimulus, 1.0), 1.0):
            rule, source = circuit.rule[synapse], circuit.source[synapse]
            ties[rule] += len(pre & post)
            autapses[rule] += len(pre) > 3 and source == circuit.target[synapse]
            inhibitory[rule] += len(pre) > 3 and not circuit.excitatory[source]
    assert ties[:3].min() > 100  # spike-timing rules come first
    assert autapses.min() > 3
    assert inhibitory.min() > 20


def relay(known: SpikeTiming | ShortTerm, /, **changes) -> Circuit:
    """One neuron that fires a step after a spike of channel 0 has come; a weak plastic synapse from channel 1."""
    a = Afferents(2, [0, 1], [0, 0], [1e6, 40.0], [0.1, 1.5], [-1, 0])
    return equal_neurons(t_ref_ms=[0.5], inputs={"in": a}, plasticity=(known,), **changes)


@pytest.mark.parametrize("mu", [0.0, 0.4, 1.0])
def test_spikes_that_meet_at_the_synapse_potentiate_but_do_not_depress_as_in_nest(nest, mu):
    rule = SpikeTiming(100.0, learning_rate=0.2, alpha=0.7, mu_plus=mu, mu_minus=mu)
    # the neuron fires 0.2 after a spike of channel 0; such a spike reaches the synapse 1.5 later
    driving = [10.0, 30.0, 50.0]
    apart = [driving[0] + 0.2 + 1.5, driving[1] + 0.2 + 1.5 - 0.1, driving[2] + 0.2 + 1.5]
    for met in (apart, [apart[0] - 4.0, *apart], [apart[0], apart[0], apart[1], apart[1]]):
        ((_, recording),) = check_cases(nest, [(relay(rule), trains(driving, met, duration_ms=100.0))], 0.1)
        assert recording.spikes.time_ms == pytest.approx([10.2, 30.2, 50.2])
        assert recording.weights.inputs["in"][0, 1] != 40.0


@pytest.mark.parametrize("excitatory", [True, False])
def test_a_plastic_autapse_is_that_of_nest(nest, excitatory):
    rule = SpikeTiming(100.0, learning_rate=0.2, mu_plus=0.0, mu_minus=0.3)
    autapse = {"source": [0], "target": [0], "weight_pA": [40.0], "delay_ms": [2.0], "rule": [0]}
    circuit = relay(rule, excitatory=[excitatory], **autapse)
    # a spike meets the one before it at once, and 2 later itself: 12.2 and 14.2 make a tie
    ((_, recording),) = check_cases(
        nest, [(circuit, trains([10.0, 12.0, 14.0, 21.0], [], duration_ms=100.0))], 0.1
    )
    assert recording.counts.tolist() == [[4]]
    assert recording.weights.synapses[0, 0] != 40.0


@pytest.mark.parametrize("tau_fac_ms", [0.0, 30.0])
def test_two_spikes_of_one_step_meet_a_short_term_synapse_one_after_the_other_as_in_nest(nest, tau_fac_ms):
    rule = ShortTerm(0.4, 50.0, tau_fac_ms)
    ((_, recording),) = check_cases(
        nest, [(relay(rule), trains([], [5.0, 5.0, 5.0, 20.0, 20.0], duration_ms=100.0))], 0.1
    )
    assert recording.voltage_mV.max() > 0
