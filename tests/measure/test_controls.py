from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from evocircuits.measure.controls import random_like, rewired
from evocircuits.measure.table import from_excitatory, senders, table_of, with_table
from evocircuits.shape import CONSTANTS
from tests.circuits import circuits
from tests.simulator.circuits import equal_neurons, random_circuit, random_rules

BOTH = pytest.mark.parametrize("draw", [random_like, rewired])


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def ends(circuit: Circuit) -> list[tuple[int, int]]:
    table = table_of(circuit)
    return list(zip(senders(circuit, table).tolist(), table.target.tolist(), strict=True))


def by_class(circuit: Circuit, *columns: str) -> dict[tuple, Counter]:
    """How often each value of some columns of the table occurs in each class (port, sign of source, sign of target)."""
    table = table_of(circuit)
    sign, onto = from_excitatory(circuit, table), circuit.excitatory[table.target]
    kinds = zip(table.port.tolist(), sign.tolist(), onto.tolist(), strict=True)
    values = zip(*(getattr(table, name).tolist() for name in columns), strict=True)
    found: dict[tuple, Counter] = {}
    for kind, value in zip(kinds, values, strict=True):
        found.setdefault(kind, Counter())[value] += 1
    return found


def degrees(circuit: Circuit) -> tuple:
    """Of each sender how many synapses, of each neuron how many from E neurons, I neurons and each port."""
    table = table_of(circuit)
    kind = np.where(table.port < 0, from_excitatory(circuit, table) - 2, table.port).tolist()
    return Counter(senders(circuit, table).tolist()), Counter(zip(kind, table.target.tolist(), strict=True))


@BOTH
@given(circuits, st.integers(0, 99))
def test_neurons_and_ports_stay(draw, circuit, seed):
    after = draw(circuit, rng(seed))
    for name in ("excitatory", *CONSTANTS):
        assert np.array_equal(getattr(after, name), getattr(circuit, name))
    assert after.inputs["in"].channels == circuit.inputs["in"].channels
    assert after.outputs["out"].tolist() == circuit.outputs["out"].tolist()


@given(circuits, st.integers(0, 99))
def test_random_ones_have_the_same_weights_and_delays_in_every_class(circuit, seed):
    after = random_like(circuit, rng(seed))
    assert by_class(after, "weight_pA", "rule") == by_class(circuit, "weight_pA", "rule")
    assert by_class(after, "delay_ms") == by_class(circuit, "delay_ms")


@given(circuits, st.integers(0, 99))
def test_rewired_ones_keep_every_degree_and_every_sign(circuit, seed):
    after = rewired(circuit, rng(seed))
    assert degrees(after) == degrees(circuit)
    before, after = table_of(circuit), table_of(after)
    for name in ("port", "source", "weight_pA", "delay_ms", "rule"):
        assert np.array_equal(getattr(before, name), getattr(after, name))


@given(circuits, st.integers(0, 99))
def test_rewired_ones_double_no_synapse_and_close_none_on_itself(circuit, seed):
    """Unless there were such: of those not more come."""
    after = rewired(circuit, rng(seed))
    assert len(set(ends(after))) >= len(set(ends(circuit)))
    if not any(a == b for a, b in ends(circuit)):
        assert not any(a == b for a, b in ends(after))


def sparse(seed: int) -> Circuit:
    """Without parallel synapses or any that end where they begin."""
    circuit = random_circuit(rng(seed), n=10, density=0.3, channels=5)
    table, pairs = table_of(circuit), ends(circuit)
    kept = [k for k, (a, b) in enumerate(pairs) if a != b and (a, b) not in pairs[:k]]
    return with_table(circuit, table.rows(np.array(kept)))


@BOTH
def test_a_simple_graph_stays_simple(draw):
    for seed in range(20):
        found = ends(draw(sparse(seed), rng(seed)))
        assert len(set(found)) == len(found)
        assert not any(a == b for a, b in found)


@BOTH
def test_other_generators_draw_other_circuits_and_equal_ones_the_same(draw):
    circuit = sparse(0)
    drawn = [draw(circuit, rng(k)) for k in (0, 0, 1, 2)]
    assert drawn[0] == drawn[1]
    assert len({c.id for c in (circuit, *drawn)}) == 4


@BOTH
def test_what_is_fixed_stays(draw):
    for seed in range(10):
        circuit = sparse(seed)
        fixed = rng(seed).random(circuit.n_synapses) < 0.4
        before, after = table_of(circuit), table_of(draw(circuit, rng(seed), fixed))
        assert all(np.array_equal(a[fixed], b[fixed]) for a, b in zip(before, after, strict=True))
        assert not all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    every = np.ones(circuit.n_synapses, dtype=bool)
    assert draw(circuit, rng(0), every) == circuit


def test_all_wirings_of_two_edges_come_equally_often():
    """0 → 2 and 1 → 3 can only become 0 → 3 and 1 → 2."""
    circuit = equal_neurons(4, source=[0, 1], target=[2, 3], weight_pA=[1.0, 2.0], delay_ms=[1.0, 1.0])
    found = Counter(tuple(sorted(ends(rewired(circuit, rng(k))))) for k in range(400))
    assert set(found) == {((0, 2), (1, 3)), ((0, 3), (1, 2))}
    assert found[(0, 2), (1, 3)] == pytest.approx(200, abs=50)


def test_random_synapses_fall_on_all_pairs_equally_often():
    """One synapse among four excitatory neurons: twelve pairs."""
    circuit = equal_neurons(4, source=[0], target=[1], weight_pA=[1.0], delay_ms=[1.0])
    found = Counter(ends(random_like(circuit, rng(k)))[0] for k in range(1200))
    assert len(found) == 12
    assert min(found.values()) > 60


def test_loops_come_where_there_are_some():
    """As with cells that excite themselves: of two synapses among two neurons four pairs may have any two."""
    circuit = equal_neurons(2, source=[0, 1], target=[0, 1], weight_pA=[1.0, 1.0], delay_ms=[1.0, 1.0])
    for draw in (random_like, rewired):
        found = {tuple(sorted(ends(draw(circuit, rng(k))))) for k in range(60)}
        assert ((0, 0), (1, 1)) in found
        assert ((0, 1), (1, 0)) in found


def test_a_class_with_more_synapses_than_pairs_has_all_pairs_and_some_twice():
    """Five synapses from one channel onto two neurons: twice each, and one again."""
    port = Afferents(1, [0] * 5, [0, 0, 0, 1, 1], [1.0, 2, 3, 4, 5], [1.0] * 5)
    circuit = equal_neurons(2, inputs={"in": port})
    targets = Counter(random_like(circuit, rng(0)).inputs["in"].target.tolist())
    assert sorted(targets.values()) == [2, 3]


def test_rules_stay_with_their_weights():
    for seed in range(10):
        r = rng(seed)
        circuit = random_circuit(r, plasticity=random_rules(r, max_weight=300.0))
        after = random_like(circuit, r)
        assert by_class(after, "weight_pA", "rule") == by_class(circuit, "weight_pA", "rule")
        assert after.plasticity == circuit.plasticity
        assert table_of(rewired(circuit, r)).rule.tolist() == table_of(circuit).rule.tolist()


@BOTH
def test_a_circuit_without_synapses_is_its_own_control(draw):
    assert draw(equal_neurons(3), rng(0)) == equal_neurons(3)
