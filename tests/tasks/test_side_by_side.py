import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.search.space import Space
from evocircuits.search.variation import found, mutate
from evocircuits.simulator import Spikes, Stimulus, simulate
from evocircuits.tasks import get_task
from evocircuits.tasks.side_by_side import SideBySide
from tests.circuits import DEPRESSING, LEARNING
from tests.simulator.circuits import random_circuit

FORAGE = get_task("forage")


def evolved(n: int, seed: int) -> list[Circuit]:
    """The reference, and mutants of founders of all sizes."""
    rng, space, genomes = np.random.default_rng(seed), Space(FORAGE, 16, 200), [FORAGE.reference()]
    while len(genomes) < n:
        genome = found(rng, space)
        for _ in range(rng.integers(12)):
            genome, _ = mutate(genome, rng, space)
        genomes.append(genome)
    return [develop(genome, dt_ms=FORAGE.dt_ms) for genome in genomes]


def clicks(rng: np.random.Generator, n: int, duration_ms: float) -> Spikes:
    m = 60 * n
    return Spikes(rng.uniform(0, duration_ms, m), rng.integers(n, size=m), rng.integers(6, size=m))


def alone(spikes: Spikes, which: int) -> Spikes:
    own = spikes.trial == which
    return Spikes(spikes.time_ms[own], np.zeros(own.sum(), int), spikes.channel[own])


@pytest.mark.parametrize("seed", range(5))
def test_each_does_what_it_does_alone_and_goes_on_where_it_stopped(seed):
    circuits, rng = evolved(9, seed), np.random.default_rng(seed)
    together, state, states = SideBySide.of(circuits), None, [None] * len(circuits)
    for _ in range(4):
        stimuli = {port.name: clicks(rng, len(circuits), 20.0) for port in FORAGE.inputs}
        done = together.advance(stimuli, 20.0, dt_ms=FORAGE.dt_ms, state=state)
        state = done.state
        for k, circuit in enumerate(circuits):
            own = Stimulus(1, 20.0, {name: alone(spikes, k) for name, spikes in stimuli.items()})
            recording = simulate(circuit, own, dt_ms=FORAGE.dt_ms, state=states[k])
            states[k] = recording.state
            outputs = [recording.output_counts(port.name) for port in FORAGE.outputs]
            assert done.outputs[k].tolist() == np.hstack(outputs)[0].tolist()
            assert done.spikes[k] == recording.counts.sum()
            assert done.synaptic_events[k] == recording.synaptic_events[0]
    assert done.spikes[0] > 0


def test_rules_of_plasticity_stay_with_their_synapses():
    rng = np.random.default_rng(0)
    static, plastic, both = (random_circuit(rng, n=5, density=0.5) for _ in range(3))
    rules = (DEPRESSING, LEARNING)
    shares = [(), rules[:1], rules]
    circuits = []
    for circuit, kinds in zip((static, plastic, both), shares, strict=True):
        rule = rng.integers(-1, len(kinds), len(circuit.source)) if kinds else None
        circuits.append(
            Circuit(
                **{
                    name: value
                    for name, value in vars(circuit).items()
                    if name not in ("rule", "plasticity", "weight_pA")
                },
                weight_pA=np.minimum(circuit.weight_pA, 100.0),
                rule=rule,
                plasticity=kinds,
            )
        )
    joint = SideBySide.of(circuits).circuit
    own = [None if r < 0 else c.plasticity[r] for c in circuits for r in c.rule]
    assert [None if r < 0 else joint.plasticity[r] for r in joint.rule] == own
    assert set(own) == {None, DEPRESSING, LEARNING}


def test_one_alone_is_itself():
    circuit = develop(FORAGE.reference(), dt_ms=FORAGE.dt_ms)
    assert SideBySide.of([circuit]).circuit == circuit


def test_every_trial_of_each_is_what_that_circuit_does_in_it_alone():
    circuits, rng, n_trials = evolved(4, 11), np.random.default_rng(11), 3
    stimuli = {port.name: clicks(rng, len(circuits) * n_trials, 20.0) for port in FORAGE.inputs}
    done = SideBySide.of(circuits).advance(stimuli, 20.0, dt_ms=FORAGE.dt_ms, trials=n_trials)
    for k, circuit in enumerate(circuits):
        bodies = slice(k * n_trials, (k + 1) * n_trials)
        own = {}
        for name, spikes in stimuli.items():
            mine = spikes.trial // n_trials == k
            trial = spikes.trial[mine] % n_trials
            own[name] = Spikes(spikes.time_ms[mine], trial, spikes.channel[mine])
        recording = simulate(circuit, Stimulus(n_trials, 20.0, own), dt_ms=FORAGE.dt_ms)
        outputs = np.hstack([recording.output_counts(port.name) for port in FORAGE.outputs])
        assert done.outputs[bodies].tolist() == outputs.tolist()
        assert done.spikes[bodies].tolist() == recording.counts.sum(axis=1).tolist()
        assert done.synaptic_events[bodies].tolist() == recording.synaptic_events.tolist()
    assert len(set(done.spikes.tolist())) > 2
