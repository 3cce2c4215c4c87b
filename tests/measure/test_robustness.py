from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.development import develop
from evocircuits.measure.interventions import NEVER_mV, bounds_pA
from evocircuits.measure.robustness import (
    finer,
    quantised,
    with_delay_jitter,
    with_mismatch,
    with_neurons_lost,
    with_spikes_added,
    with_spikes_deleted,
    with_spikes_jittered,
)
from evocircuits.measure.table import from_excitatory, table_of
from evocircuits.simulator import Spikes, Stimulus
from evocircuits.tasks import get_task
from tests.circuits import circuits
from tests.simulator.circuits import equal_neurons, random_circuit, random_rules

TIMES = ("tau_m_ms", "tau_syn_ex_ms", "tau_syn_in_ms")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def many_spikes(n_trials: int = 50) -> Stimulus:
    """20 spikes a trial on channels 0 and 2 of `in`, at 10, 11, 12, … ms."""
    trial, spike = np.divmod(np.arange(20 * n_trials), 20)
    return Stimulus(n_trials, 100.0, {"in": Spikes(10.0 + spike, trial, 2 * (spike % 2))})


class TestBits:
    def test_two_bits_are_quarters_of_what_the_target_gets_most(self):
        """Onto 0 from E: 1, .5 (1.5 of 3 steps) and .26 (.78); from I: .1 and .04 (1.2); onto 1: .2."""
        circuit = equal_neurons(
            4,
            excitatory=[True, True, True, False],
            source=[0, 1, 2, 3, 3, 0],
            target=[0, 0, 0, 0, 0, 1],
            weight_pA=[1.0, 0.5, 0.26, 0.1, 0.04, 0.2],
            delay_ms=np.ones(6),
        )
        third = 1 / 3
        expected = [1.0, 2 * third, third, 0.1, 0.1 * third, 0.2]
        np.testing.assert_allclose(quantised(circuit, 2).weight_pA, expected)

    @given(circuits, st.integers(1, 12))
    def test_no_weight_moves_by_more_than_half_a_step(self, circuit, bits):
        before, after = table_of(circuit), table_of(quantised(circuit, bits))
        receptor = list(zip(before.target.tolist(), from_excitatory(circuit, before).tolist(), strict=True))
        most_pA = {
            r: max(w for q, w in zip(receptor, before.weight_pA, strict=True) if q == r) for r in receptor
        }
        half_pA = np.array([most_pA[r] for r in receptor]) / (2**bits - 1) / 2
        assert np.all(np.abs(after.weight_pA - before.weight_pA) <= half_pA * (1 + 1e-9))

    def test_weights_stay_within_the_bounds_of_their_rules(self):
        r = rng()
        circuit = random_circuit(r, plasticity=random_rules(r, max_weight=300.0))
        table = table_of(quantised(circuit, 2))
        assert np.all(table.weight_pA <= bounds_pA(circuit)[table.rule])

    def test_without_weights_nothing_changes(self):
        circuit = random_circuit(rng())
        silent = replace(circuit, weight_pA=0 * circuit.weight_pA, inputs={})
        assert quantised(silent, 4) == silent


class TestDelayJitter:
    def test_its_spread_is_a_share_of_the_mean_delay(self):
        circuit = random_circuit(rng(), n=40, density=0.9)
        moved_ms = with_delay_jitter(circuit, 0.05, 0.1, rng()).delay_ms - circuit.delay_ms
        long = circuit.delay_ms > 1
        mean_ms = table_of(circuit).delay_ms.mean()
        assert moved_ms[long].std() == pytest.approx(0.05 * mean_ms, rel=0.1)

    @given(circuits, st.integers(0, 99))
    def test_none_gets_shorter_than_a_step(self, circuit, seed):
        assert np.all(table_of(with_delay_jitter(circuit, 2.0, 0.1, rng(seed))).delay_ms >= 0.1)


@pytest.mark.parametrize(("share", "lost"), [(0.05, 1), (0.1, 1), (0.2, 2), (0.5, 6)])
def test_a_share_of_the_neurons_is_lost_and_at_least_one(share, lost):
    circuit = random_circuit(rng(), n=12)
    gone = with_neurons_lost(circuit, share, rng()).threshold_mV == NEVER_mV
    assert gone.sum() == lost


def test_mismatch_is_log_normal_and_of_time_constants_only():
    circuit = random_circuit(rng(), n=400)
    after = with_mismatch(circuit, 0.1, rng(1))
    factors = np.log(np.concatenate([getattr(after, name) / getattr(circuit, name) for name in TIMES]))
    assert factors.mean() == pytest.approx(0, abs=0.01)
    assert factors.std() == pytest.approx(0.1, rel=0.06)
    assert replace(after, **{name: getattr(circuit, name) for name in TIMES}) == circuit


class TestInput:
    def test_spikes_are_added_anywhere_in_a_trial_on_channels_in_use(self):
        stimulus = many_spikes()
        after = with_spikes_added(stimulus, 0.5, rng()).spikes["in"]
        more = len(after.time_ms) - 1000
        assert more == pytest.approx(500, abs=50)
        assert after.time_ms[:1000].tolist() == stimulus.spikes["in"].time_ms.tolist()
        assert set(after.channel) == {0, 2}
        assert after.time_ms[1000:].min() < 5
        assert after.time_ms[1000:].max() > 95
        assert set(after.trial[1000:]) == set(range(50))

    def test_spikes_are_deleted_at_random(self):
        after = with_spikes_deleted(many_spikes(), 0.2, rng()).spikes["in"]
        assert len(after.time_ms) == pytest.approx(800, abs=40)
        assert set(after.trial) == set(range(50))

    def test_spikes_are_jittered_but_not_before_the_beginning(self):
        before = many_spikes().spikes["in"]
        after = with_spikes_jittered(many_spikes(), 2.0, rng()).spikes["in"]
        assert (after.time_ms - before.time_ms).std() == pytest.approx(2.0, rel=0.1)
        assert with_spikes_jittered(many_spikes(), 1e3, rng()).spikes["in"].time_ms.min() == 0
        assert after.trial.tolist() == before.trial.tolist()

    @pytest.mark.parametrize("change", [with_spikes_added, with_spikes_deleted, with_spikes_jittered])
    def test_a_port_without_spikes_has_none_after(self, change):
        none = Stimulus(3, 10.0, {"in": Spikes(np.zeros(0), np.zeros(0, int), np.zeros(0, int))})
        assert len(change(none, 0.5, rng()).spikes["in"].time_ms) == 0


def test_a_finer_task_leaves_the_task_as_it_is():
    task = get_task("order")
    half = finer(task)
    assert (half.dt_ms, task.dt_ms, half.name) == (0.05, 0.1, "order")


def test_the_reference_of_order_does_not_depend_on_the_time_step():
    task = finer(get_task("order"))
    circuit = develop(task.reference(), dt_ms=0.1)
    assert task.play(circuit, task.trials(rng(), 100)).score.raw == 1.0
