import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.measure import ABLATIONS, ablated
from evocircuits.measure.ablation import recurrent
from tests.simulator.circuits import equal_neurons, random_circuit, random_rules


def ring_with_exit():
    """0 → 1 → 2 → 0, 2 → 3, and 3, which inhibits itself and 4."""
    source, target = [0, 1, 2, 2, 3, 3], [1, 2, 0, 3, 3, 4]
    return equal_neurons(
        5,
        excitatory=[True, True, True, False, True],
        source=source,
        target=target,
        weight_pA=np.ones(6),
        delay_ms=np.arange(1.0, 7.0),
    )


def pairs(circuit) -> list[tuple[int, int]]:
    return list(zip(circuit.source.tolist(), circuit.target.tolist(), strict=True))


def test_without_inhibition_nothing_leaves_an_inhibitory_neuron():
    assert pairs(ablated(ring_with_exit(), "inhibition")) == [(0, 1), (1, 2), (2, 0), (2, 3)]


def test_without_recurrence_no_path_returns():
    assert pairs(ablated(ring_with_exit(), "recurrence")) == [(2, 3), (3, 4)]


def test_recurrent_are_synapses_on_a_path_that_returns():
    assert recurrent(ring_with_exit()).tolist() == [True, True, True, False, True, False]


@given(st.integers(0, 200))
def test_what_is_not_recurrent_has_an_order(seed):
    """Without those synapses no neuron reaches itself; and each of them alone closes a path."""
    circuit = random_circuit(np.random.default_rng(seed))
    there = recurrent(circuit)
    n = circuit.n_neurons

    def reach(kept: np.ndarray) -> np.ndarray:
        step = np.zeros((n, n))
        step[circuit.source[kept], circuit.target[kept]] = 1
        return sum(np.linalg.matrix_power(step, k) for k in range(1, n + 1)) > 0

    assert not reach(~there).diagonal().any()
    everything = reach(np.full(len(there), True)) | np.eye(n, dtype=bool)
    assert there.tolist() == everything[circuit.target, circuit.source].tolist()


def test_equal_delays_are_the_mean_of_all():
    circuit = random_circuit(np.random.default_rng(0))
    one = ablated(circuit, "delays")
    delays_ms = np.concatenate([one.delay_ms, one.inputs["in"].delay_ms])
    before_ms = np.concatenate([circuit.delay_ms, circuit.inputs["in"].delay_ms])
    np.testing.assert_allclose(delays_ms, before_ms.mean())
    assert pairs(one) == pairs(circuit)


def test_without_plasticity_all_synapses_are_static():
    rng = np.random.default_rng(0)
    circuit = ablated(random_circuit(rng, plasticity=random_rules(rng, max_weight=1e4)), "plasticity")
    assert not circuit.plasticity
    assert set(circuit.rule) == {-1}


@pytest.mark.parametrize("what", ABLATIONS)
def test_a_circuit_without_synapses_has_nothing_to_lose(what):
    assert ablated(equal_neurons(3), what).n_synapses == 0


def test_another_word_is_one_clear_line():
    with pytest.raises(
        InputError, match="expected one of inhibition, recurrence, delays, plasticity; got 'love'"
    ):
        ablated(equal_neurons(1), "love")
