from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.measure.interventions import (
    bounds_pA,
    cut,
    flipped,
    silenced,
    with_shuffled_delays,
    with_shuffled_weights,
)
from evocircuits.measure.table import from_excitatory, table_of
from evocircuits.simulator import simulate
from tests.circuits import circuits, pair, plastic
from tests.simulator.circuits import random_circuit, random_rules, random_stimulus

DT_ms = 0.1


def busy(seed: int, bias: float = 0.0):
    return random_circuit(np.random.default_rng(seed), strength=0.8, bias=bias)


def counts(circuit, seed: int = 0) -> np.ndarray:
    stimulus = random_stimulus(np.random.default_rng(seed), n_trials=4, n_steps=1000, rate_Hz=200.0)
    return simulate(circuit, stimulus, dt_ms=DT_ms).counts.sum(axis=0)


@given(circuits, st.integers(0, 99))
def test_silenced_neurons_send_and_get_nothing(circuit, seed):
    rng = np.random.default_rng(seed)
    gone = rng.choice(circuit.n_neurons, rng.integers(1, circuit.n_neurons + 1), replace=False)
    before, after = table_of(circuit), table_of(silenced(circuit, gone))
    assert not np.isin(after.target, gone).any()
    assert not np.isin(after.source[after.port < 0], gone).any()
    kept = ~np.isin(before.target, gone) & ((before.port >= 0) | ~np.isin(before.source, gone))
    assert after.weight_pA.tolist() == before.weight_pA[kept].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_silenced_neurons_never_spike_whatever_their_bias(seed):
    """A bias of twice what holds a neuron at threshold makes all of them spike where nothing inhibits them."""
    circuit = replace(busy(seed, bias=2.0), excitatory=np.ones(12, dtype=bool))
    assert (counts(circuit) > 0).all()
    after = counts(silenced(circuit, np.array([2, 5])))
    assert after[[2, 5]].tolist() == [0, 0]
    assert np.delete(after, [2, 5]).all()


def test_outputs_keep_their_places():
    circuit = busy(0)
    assert (
        silenced(circuit, circuit.outputs["out"]).outputs["out"].tolist() == circuit.outputs["out"].tolist()
    )


def test_cut_takes_rows_of_the_table_by_mask_or_index():
    """Of 0 → 1, 1 ⊣ 0, channel 0 → 0, channel 1 → 0 the first and the last go."""
    for rows in (np.array([0, 3]), np.array([True, False, False, True])):
        left = table_of(cut(pair(), rows))
        assert (left.port.tolist(), left.source.tolist()) == ([-1, 0], [1, 0])


class TestFlipped:
    @given(circuits, st.integers(0, 99))
    def test_twice_is_as_before_but_for_rounding(self, circuit, seed):
        neurons = np.flatnonzero(np.random.default_rng(seed).random(circuit.n_neurons) < 0.5)
        back = flipped(flipped(circuit, neurons), neurons)
        assert np.array_equal(back.excitatory, circuit.excitatory)
        np.testing.assert_allclose(back.weight_pA, circuit.weight_pA)

    @given(circuits, st.integers(0, 99))
    def test_all_that_a_neuron_sends_has_its_new_sign(self, circuit, seed):
        neuron = seed % circuit.n_neurons
        before, after = circuit, flipped(circuit, np.array([neuron]))
        changed = from_excitatory(before, table_of(before)) != from_excitatory(after, table_of(after))
        table = table_of(before)
        assert changed.tolist() == ((table.port < 0) & (table.source == neuron)).tolist()

    def test_potentials_keep_their_peaks(self):
        """pair(): 0 → 1 of 100 pA, where τm is 20 ms and the currents last 2 ms and 5 ms."""
        after = flipped(pair(), np.array([0]))
        peak = 100.0 * peak_psp_mV_per_pA(20.0, 2.0)
        assert after.weight_pA[0] * peak_psp_mV_per_pA(20.0, 5.0) == pytest.approx(peak)
        assert after.weight_pA[0] < 100.0
        assert after.inputs["in"].weight_pA.tolist() == [50.0, 60.0]

    def test_charges_of_the_delta_model_stay(self):
        assert flipped(pair(model="iaf_psc_delta"), np.array([0])).weight_pA.tolist() == [100.0, 0.0]

    def test_weights_stay_within_the_bounds_of_their_rules(self):
        rng = np.random.default_rng(0)
        circuit = random_circuit(rng, plasticity=random_rules(rng, max_weight=300.0))
        table = table_of(flipped(circuit, np.arange(12)))
        assert np.all(table.weight_pA <= bounds_pA(circuit)[table.rule])


@given(circuits, st.integers(0, 99))
def test_shuffled_delays_are_the_same_ones(circuit, seed):
    after = table_of(with_shuffled_delays(circuit, np.random.default_rng(seed)))
    before = table_of(circuit)
    assert sorted(after.delay_ms) == sorted(before.delay_ms)
    assert after.weight_pA.tolist() == before.weight_pA.tolist()


def test_delays_of_inputs_take_part_in_the_shuffle():
    circuit = busy(0)
    own = set(circuit.inputs["in"].delay_ms)
    assert set(with_shuffled_delays(circuit, np.random.default_rng(0)).inputs["in"].delay_ms) - own


@given(circuits, st.integers(0, 99))
def test_shuffled_weights_change_among_the_chosen_only(circuit, seed):
    rng = np.random.default_rng(seed)
    chosen = np.flatnonzero(rng.random(circuit.n_synapses) < 0.5)
    before, after = table_of(circuit), table_of(with_shuffled_weights(circuit, chosen, rng))
    others = np.setdiff1d(np.arange(circuit.n_synapses), chosen)
    assert sorted(after.weight_pA[chosen]) == sorted(before.weight_pA[chosen])
    assert after.weight_pA[others].tolist() == before.weight_pA[others].tolist()
    assert after.delay_ms.tolist() == before.delay_ms.tolist()


def test_a_shuffled_weight_takes_its_rule_along():
    """plastic(): 0 → 1 of 100 pA under rule 0, 1 ⊣ 0 of 0 pA under none."""
    circuit = replace(plastic(), weight_pA=[100.0, 7.0])
    pairs = {
        tuple(zip(c.weight_pA.tolist(), c.rule.tolist(), strict=True))
        for c in (
            with_shuffled_weights(circuit, np.array([0, 1]), np.random.default_rng(k)) for k in range(9)
        )
    }
    assert pairs == {((100.0, 0), (7.0, -1)), ((7.0, -1), (100.0, 0))}


def test_bounds_are_those_of_spike_timing():
    assert bounds_pA(plastic()).tolist() == [np.inf, 120.0, np.inf]
    assert bounds_pA(pair()).tolist() == [np.inf]
