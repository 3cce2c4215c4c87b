from collections import Counter
from itertools import combinations, permutations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Circuit
from evocircuits.measure.census import adjacency, census, class_names, counts_by_class
from evocircuits.measure.controls import rewired
from tests.circuits import circuits
from tests.measure.test_descriptors import E, I, driven, wired
from tests.simulator.circuits import random_circuit

Triple = tuple[tuple[bool, ...], frozenset]
"""Whether nodes are inhibitory, and their edges."""


def brute_force(circuit: Circuit) -> Counter:
    """How often each kind of three nodes occurs, told apart by trying all orders."""
    onto = adjacency(circuit)
    inhibitory = np.zeros(len(onto), dtype=bool)
    inhibitory[: circuit.n_neurons] = ~circuit.excitatory
    return Counter(
        sorted_out(
            tuple(bool(inhibitory[node]) for node in nodes),
            {(a, b) for a, b in permutations(range(3), 2) if onto[nodes[a], nodes[b]]},
        )
        for nodes in combinations(range(len(onto)), 3)
    )


def sorted_out(inhibitory: tuple[bool, ...], edges: set[tuple[int, int]]) -> tuple:
    """The same for all orders of the nodes."""
    return min(
        (
            tuple(inhibitory[order.index(k)] for k in range(3)),
            tuple(sorted((order[a], order[b]) for a, b in edges)),
        )
        for order in permutations(range(3))
    )


def read(name: str) -> tuple:
    """The kind of three nodes that a class's name describes."""
    nodes = sorted({node for part in name.split(", ") for node in part.split("→")})
    edges = {tuple(map(nodes.index, part.split("→"))) for part in name.split(", ") if "→" in part}
    return sorted_out(tuple(node.startswith("I") for node in nodes), edges)


def test_there_are_104_classes_of_16_triads_no_two_alike():
    names, triads = class_names()
    assert len(names) == len({read(name) for name in names}) == 104
    assert len(set(triads)) == 16


@given(circuits)
def test_typed_counts_agree_with_brute_force(circuit):
    names, _ = class_names()
    counted = {read(name): n for name, n in zip(names, counts_by_class(circuit).tolist(), strict=True) if n}
    assert counted == brute_force(circuit)


@given(st.integers(0, 999), st.integers(3, 14), st.floats(0.05, 0.9))
def test_untyped_counts_agree_with_networkx(seed, n, density):
    circuit = random_circuit(np.random.default_rng(seed), n=n, density=density, channels=2)
    _, triads = class_names()
    counted: Counter = Counter()
    for triad, count in zip(triads, counts_by_class(circuit).tolist(), strict=True):
        counted[triad] += count
    graph = networkx.from_numpy_array(adjacency(circuit), create_using=networkx.DiGraph)
    assert dict(counted) == networkx.triadic_census(graph)


def test_feed_forward_inhibition_by_hand():
    """A channel onto E and I, I onto E: one group of three, and there is no other."""
    circuit = driven(wired([E, I], (1, 0)), 1, (0, 0), (0, 1))
    [row] = census(circuit, [circuit, circuit])
    assert (row.triad, row.count, row.mean, row.sd, row.z) == ("030T", 1, 1.0, 0.0, None)
    assert set(row.name.split(", ")) == {"E1→I1", "I1→E2", "E1→E2"}


def test_parallel_synapses_count_once_and_loops_not_at_all():
    circuit = wired([E, E, I], (0, 1), (0, 1), (1, 1), (1, 2))
    [row] = census(circuit, [circuit, circuit])
    assert (read(row.name), row.triad, row.count) == (read("E1→E2, E2→I1"), "021C", 1)


def test_z_is_the_distance_from_the_rewired_in_their_spread():
    """Counts of 0, 0, 1 and 1 in rewired ones: mean ½, s.d. 1/√3; the circuit's 2 are 1.5 √3 away."""
    chain = [(0, 1), (1, 2)]
    two = wired([E] * 6, *chain, (3, 4), (4, 5))
    one = wired([E] * 6, *chain, (3, 4), (3, 4))
    none = wired([E] * 6, (0, 1), (2, 3), (4, 5))
    rows = {row.triad: row for row in census(two, [none, none, one, one])}
    assert (rows["021C"].count, rows["021C"].mean) == (2, 0.5)
    assert rows["021C"].sd == pytest.approx(1 / np.sqrt(3))
    assert rows["021C"].z == pytest.approx(1.5 * np.sqrt(3))


def test_classes_that_only_rewired_ones_have_are_listed():
    two, chain = wired([E] * 4, (0, 1), (2, 3)), wired([E] * 4, (0, 1), (1, 2))
    [row] = census(two, [chain, two])
    assert (row.count, row.mean) == (0, 0.5)


def test_planted_feed_forward_loops_stand_out():
    """Ten of them, from E onto E and I, and from I onto E; between them, and not within, synapses drawn at random."""
    rng = np.random.default_rng(0)
    synapses = [(3 * k + a, 3 * k + b) for k in range(10) for a, b in ((0, 1), (0, 2), (2, 1))]
    synapses += [(a, b) for a, b in rng.integers(30, size=(20, 2)).tolist() if a // 3 != b // 3]
    circuit = wired([E, E, I] * 10, *synapses)
    rows = census(circuit, [rewired(circuit, np.random.default_rng(k)) for k in range(100)])
    loop = next(row for row in rows if set(row.name.split(", ")) == {"E1→I1", "I1→E2", "E1→E2"})
    assert loop.count >= 10
    assert loop.count > 5 * loop.mean
    assert loop.z > 5
