"""Noise on weights: signs, zeros, bounds and all else stay."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Circuit
from evocircuits.measure import evaluate
from evocircuits.measure.noise import with_noisy_weights
from evocircuits.plasticity import SpikeTiming
from evocircuits.tasks import get_task
from tests.simulator.circuits import random_circuit, random_rules

ORDER = get_task("order")


def plastic(seed: int) -> Circuit:
    rng = np.random.default_rng(seed)
    return random_circuit(rng, plasticity=random_rules(rng, max_weight=1e4))


def weights(circuit: Circuit) -> np.ndarray:
    return np.concatenate([circuit.weight_pA, *(a.weight_pA for a in circuit.inputs.values())])


def rules(circuit: Circuit) -> np.ndarray:
    return np.concatenate([circuit.rule, *(a.rule for a in circuit.inputs.values())])


def noisy(circuit: Circuit, spread: float = 0.1, seed: int = 0) -> Circuit:
    return with_noisy_weights(circuit, spread, np.random.default_rng(seed))


def bounds_pA(circuit: Circuit) -> np.ndarray:
    bounds = [r.max_weight if isinstance(r, SpikeTiming) else np.inf for r in circuit.plasticity]
    return np.array([bounds[rule] if rule >= 0 else np.inf for rule in rules(circuit)])


@given(st.integers(0, 99), st.floats(0, 3))
def test_weights_stay_magnitudes_within_their_bounds(seed, spread):
    circuit = plastic(seed)
    after = weights(noisy(circuit, spread, seed))
    assert np.all(np.isfinite(after))
    assert np.all(after >= 0)
    assert np.all(after <= bounds_pA(circuit))


@given(st.integers(0, 99))
def test_nothing_but_weights_changes(seed):
    circuit = plastic(seed)
    after = noisy(circuit, 0.5)
    one, two = circuit.to_dict(), replace(after, **like(circuit)).to_dict()
    assert one == two
    assert (after.excitatory == circuit.excitatory).all()


def like(circuit: Circuit) -> dict:
    """The weights of a circuit, to be put in place of others."""
    return {"weight_pA": circuit.weight_pA, "inputs": circuit.inputs}


def test_only_weights_of_inputs_change():
    circuit = plastic(0)
    for port, before in circuit.inputs.items():
        after = noisy(circuit).inputs[port]
        for field in fields(before):
            same = np.array_equal(getattr(before, field.name), getattr(after, field.name))
            assert same == (field.name != "weight_pA")


def test_factors_are_log_normal_of_the_spread_on_all_synapses():
    circuit = random_circuit(np.random.default_rng(0))
    factors = np.array([np.log(weights(noisy(circuit, 0.2, seed)) / weights(circuit)) for seed in range(300)])
    assert np.abs(factors.mean(axis=0)).max() < 0.08
    assert factors.std(axis=0) == pytest.approx(np.full(factors.shape[1], 0.2), abs=0.05)
    assert np.abs(np.corrcoef(factors.T) - np.eye(factors.shape[1])).max() < 0.4


def test_zeros_stay():
    circuit = random_circuit(np.random.default_rng(0))
    silent = replace(circuit, weight_pA=np.zeros_like(circuit.weight_pA))
    assert not noisy(silent).weight_pA.any()


def test_no_spread_changes_nothing_and_equal_generators_the_same():
    circuit = random_circuit(np.random.default_rng(0))
    assert np.array_equal(weights(noisy(circuit, 0.0)), weights(circuit))
    assert np.array_equal(weights(noisy(circuit, 0.1, 3)), weights(noisy(circuit, 0.1, 3)))
    assert not np.array_equal(weights(noisy(circuit, 0.1, 3)), weights(noisy(circuit, 0.1, 4)))


class TestEvaluation:
    def barely(self):
        """Synapses that just suffice."""
        genome = ORDER.reference()
        return genome.with_genes(projections=[replace(j, strength=1.02) for j in genome.projections])

    def test_meets_the_same_trials_with_other_weights(self):
        plain = [evaluate(self.barely(), ORDER, (k,), 64).raw for k in range(10)]
        with_noise = [evaluate(self.barely(), ORDER, (k,), 64, weight_noise=0.1) for k in range(10)]
        assert np.mean([e.raw for e in with_noise]) < np.mean(plain) - 0.05
        assert with_noise[3] == evaluate(self.barely(), ORDER, (3,), 64, weight_noise=0.1)

    def test_is_spared_by_strong_synapses(self):
        assert evaluate(ORDER.reference(), ORDER, (1,), 64, weight_noise=0.1).raw == 1.0
