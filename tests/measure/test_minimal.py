from dataclasses import replace

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure.minimal import minimal_form
from evocircuits.measure.parts import parts_of
from evocircuits.measure.table import senders, table_of
from evocircuits.tasks import get_task
from tests.measure.test_descriptors import E, I, driven, wired

IDLE = 99.0
"""Weight of synapses that are of no use."""


def chain() -> Circuit:
    """Channel → 0 → 1 → 2 at the output, of weight 1; 3 and 4 beside it, and idle synapses to and from them."""
    links = [(0, 1), (1, 2), (0, 3), (3, 2), (4, 2), (2, 4)]
    circuit = driven(wired([E, E, E, E, I], *links), 1, (0, 0))
    return replace(circuit, weight_pA=[1.0, 1.0, IDLE, IDLE, IDLE, IDLE], outputs={"out": [2]})


def whole_chain(circuits: list[Circuit]) -> list[float]:
    """1 where the three synapses of weight 1 are there, else 0."""
    return [float(np.count_nonzero(table_of(circuit).weight_pA == 1) == 3) for circuit in circuits]


def reduced(circuit: Circuit, scores=whole_chain, low: float = 0.5, genome=None) -> Circuit:
    return minimal_form(circuit, parts_of(circuit, genome), scores, low)


def ends(circuit: Circuit) -> list[tuple[int, int]]:
    table = table_of(circuit)
    return sorted(zip(senders(circuit, table).tolist(), table.target.tolist(), strict=True))


def test_what_is_of_no_use_goes_and_the_rest_is_renumbered():
    small = reduced(chain())
    assert ends(small) == [(0, 1), (1, 2), (3, 0)]
    assert (small.n_neurons, small.outputs["out"].tolist()) == (3, [2])


def test_nothing_goes_that_costs():
    assert reduced(chain(), lambda circuits: [float(c == chain()) for c in circuits]) == chain()


def test_each_loss_is_measured_on_what_is_left():
    """Either of 3 and 4 may go, but not both."""

    def scores(circuits: list[Circuit]) -> list[float]:
        idle = [np.count_nonzero(table_of(c).weight_pA == IDLE) for c in circuits]
        return [float(n >= 2 and whole) for n, whole in zip(idle, whole_chain(circuits), strict=True)]

    small = reduced(chain(), scores)
    assert np.count_nonzero(table_of(small).weight_pA == IDLE) == 2
    assert small.n_neurons == 4


def test_outputs_stay_whatever_they_are_worth():
    small = reduced(chain(), lambda circuits: [1.0] * len(circuits))
    assert (small.n_neurons, small.n_synapses) == (1, 0)
    assert small.outputs["out"].tolist() == [0]


def test_cells_that_nothing_reaches_or_that_reach_nothing_go_untried():
    tried = []

    def scores(circuits: list[Circuit]) -> list[float]:
        tried.extend(circuits)
        return [0.0] * len(circuits)

    links = [(0, 1), (2, 1), (1, 3), (3, 3)]  # nothing reaches 2, and 3 reaches no output
    circuit = replace(driven(wired([E] * 4, *links), 1, (0, 0)), outputs={"out": [1]})
    small = reduced(circuit, scores)
    assert ends(small) == [(0, 1), (2, 0)]
    assert all(c.n_neurons <= 2 for c in tried)


def test_a_cell_that_fires_by_itself_need_not_be_reached():
    links = [(0, 1), (2, 1)]
    circuit = replace(driven(wired([E] * 3, *links), 1, (0, 0)), outputs={"out": [1]})
    biased = replace(circuit, bias_pA=[0.0, 0.0, 500.0])
    assert reduced(biased, lambda circuits: [0.0] * len(circuits)) == biased
    assert reduced(circuit, lambda circuits: [0.0] * len(circuits)).n_neurons == 2


def test_whole_populations_and_projections_go_at_once():
    """Of `winner`'s reference everything goes at once where nothing counts: a projection, then what is cut off."""
    task = get_task("winner")
    circuit, calls = develop(task.reference(), dt_ms=task.dt_ms), []

    def scores(circuits: list[Circuit]) -> list[float]:
        calls.append(len(circuits))
        return [1.0] * len(circuits)

    small = reduced(circuit, scores, genome=task.reference())
    assert (small.n_neurons, small.n_synapses) == (4, 0)
    assert calls == [3, 2, 1]  # three projections each alone; the first and the first two together; the third
    assert small.outputs["choice"].tolist() == [0, 1, 2, 3]


def test_what_the_task_gives_stays():
    task = get_task("runaway")
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    small = reduced(circuit, lambda circuits: [1.0] * len(circuits), genome=task.reference())
    populations, projections = task.given()
    core = develop(
        replace(task.reference(), populations=populations, projections=projections), dt_ms=task.dt_ms
    )
    assert small == core


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_keep_their_numbers(channels):
    circuit = replace(driven(wired([E, E], (0, 1)), channels, (channels - 1, 0)), outputs={"out": [1]})
    small = reduced(circuit, lambda circuits: [float(c.n_synapses == 2) for c in circuits])
    assert small.inputs["in"].channels == channels
    assert small.inputs["in"].channel.tolist() == [channels - 1]
