import numpy as np
import pytest
from hypothesis import given

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure.census import adjacency
from evocircuits.measure.descriptors import triad_census
from evocircuits.measure.parts import parts_of
from evocircuits.measure.structures import structures
from evocircuits.tasks import TASKS
from tests.circuits import circuits
from tests.measure.test_descriptors import E, I, driven, wired


def found(circuit: Circuit) -> dict[str, tuple[int, str]]:
    names = [str(k) for k in range(circuit.n_neurons)]
    return {row.name: (row.count, row.example) for row in structures(circuit, names)}


@pytest.mark.parametrize(
    ("circuit", "expected"),
    [
        (wired([E, I, E], (0, 1), (1, 2), (0, 2)), {"feed-forward inhibition": (1, "0 → 1 → 2")}),
        (driven(wired([E, I], (1, 0)), 2, (1, 0), (1, 1)), {"feed-forward inhibition": (1, "in[1] → 1 → 0")}),
        (wired([E, I], (0, 1), (1, 0)), {"feedback inhibition": (1, "0 → 1 → 0")}),
        (wired([E, I, E], (0, 1), (1, 2)), {"lateral inhibition": (1, "0 → 1 → 2")}),
        (wired([I, I, E], (0, 1), (1, 2)), {"disinhibition": (1, "0 → 1 → 2")}),
        (wired([I, I], (0, 1), (1, 0)), {"mutual inhibition": (1, "0 → 1 → 0")}),
        (wired([E, E, E], (0, 1), (1, 2), (2, 0)), {"recurrent excitation": (3, "0 → 1")}),
        (wired([E], (0, 0)), {"recurrent excitation": (1, "0 → 0")}),
        (wired([E, I], (0, 1), (0, 1), (1, 0)), {"feedback inhibition": (1, "0 → 1 → 0")}),
        (wired([E, E, E, I], (0, 1), (1, 2), (2, 3), (3, 3)), {}),
        (wired([I, I, I], (0, 1), (1, 2)), {}),
    ],
)
def test_each_by_hand(circuit, expected):
    assert found(circuit) == expected


def test_an_excitatory_loop_through_an_inhibitory_cell_is_none():
    assert "recurrent excitation" not in found(wired([E, I, E], (0, 1), (1, 2), (2, 0)))


@given(circuits)
def test_counts_agree_with_those_of_the_descriptors(circuit):
    counted, rows = triad_census(circuit), found(circuit)
    for name in ("feed_forward_inhibition", "feedback_inhibition", "mutual_inhibition"):
        assert rows.get(name.replace("feed_f", "feed-f").replace("_", " "), (0,))[0] == counted[name]


@given(circuits)
def test_disinhibition_is_every_path_from_i_through_i_to_e(circuit):
    onto, n = adjacency(circuit), circuit.n_neurons
    inhibitory = np.flatnonzero(~circuit.excitatory)
    paths = [(a, b, c) for a in inhibitory for b in inhibitory for c in np.flatnonzero(circuit.excitatory)]
    expected = sum(int(onto[a, b] and onto[b, c]) for a, b, c in paths)
    assert found(circuit).get("disinhibition", (0,))[0] == expected
    assert n == len(circuit.excitatory)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("winner", "lateral inhibition"),
        ("route", "disinhibition"),
        ("latch", "recurrent excitation"),
        ("synchrony", "feed-forward inhibition"),
        ("runaway", "feedback inhibition"),
        ("forage", "mutual inhibition"),
    ],
)
def test_references_have_what_their_textbooks_say(task, name):
    genome = TASKS[task].reference()
    circuit = develop(genome, dt_ms=TASKS[task].dt_ms)
    assert name in {row.name for row in structures(circuit, parts_of(circuit, genome).names())}
