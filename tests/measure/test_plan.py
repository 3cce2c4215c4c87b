from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure.parts import parts_of
from evocircuits.measure.plan import DRAWS, changes, knock_outs, strains
from evocircuits.measure.table import table_of
from evocircuits.tasks import TASKS, get_task
from tests.circuits import plastic
from tests.measure.test_descriptors import E, I, driven, wired


def planned(task: str, plan=knock_outs) -> dict:
    genome = get_task(task).reference()
    circuit = develop(genome, dt_ms=get_task(task).dt_ms)
    return {item.key: item for item in plan(circuit, parts_of(circuit, genome))}


def strained(task: str, spiking: bool = True) -> list:
    circuit = develop(get_task(task).reference(), dt_ms=get_task(task).dt_ms)
    return list(strains(circuit, get_task(task), spiking))


def test_only_what_is_there_is_knocked_out():
    """Four E cells and their pool, which inhibits nothing but these."""
    assert list(planned("winner")) == [
        "inhibition",
        "recurrence",
        "excitation E → I",
        "population E1",
        "neuron I1",
        "projection rate → E1",
        "projection E1 → I1",
        "projection I1 → E1",
        *(f"neuron E1[{k}]" for k in range(4)),
    ]
    assert "inhibition" not in planned("localise")
    assert "plasticity" in planned("imprint")


def test_inhibition_of_both_kinds_is_told_apart():
    assert {"inhibition", "inhibition I → E", "inhibition I → I"} <= set(planned("route"))


def test_what_was_changed_is_said_with_sizes_and_places():
    items = planned("winner")
    assert items["population E1"].what == "population E1, output choice (4 neurons) knocked out"
    assert items["neuron E1[2]"].what == "neuron E1[2], output choice[2] knocked out"
    assert items["projection rate → E1"].what == "projection rate → E1 (4 synapses) knocked out"
    assert planned("order")["neuron E1"].what == "neuron E1, output out knocked out"


@pytest.mark.parametrize("name", ["order", "winner", "localise", "runaway", "imprint", "cartpole"])
def test_keys_are_distinct_and_circuits_can_be_made(name):
    task, genome = TASKS[name], TASKS[name].reference()
    circuit = develop(genome, dt_ms=task.dt_ms)
    parts = parts_of(circuit, genome)
    items = [*knock_outs(circuit, parts), *changes(circuit, parts), *strains(circuit, task, True)]
    assert len({item.key for item in items}) == len(items)
    for item in items:
        made = item.circuits(seed=0)
        assert len(made) == item.draws
        assert {tuple(c.outputs) for c in made} == {tuple(circuit.outputs)}
        assert (made[0] == circuit) <= (item.condition is not None or item.kind != "knock-out")


def test_each_knock_out_takes_its_own():
    items, circuit = planned("winner"), develop(get_task("winner").reference(), dt_ms=0.1)
    [pool] = items["neuron I1"].circuits(0)
    assert not np.isin([*pool.source, *pool.target], [4]).any()
    [cut] = items["projection rate → E1"].circuits(0)
    assert table_of(cut).port.tolist() == [-1] * 8
    assert circuit.n_synapses == 12


def test_equal_delays_and_weights_have_no_places_to_lose():
    """All of genes' projections have one weight; here delays are one, too."""
    circuit = driven(wired([E, I], (0, 1)), 1, (0, 0))
    assert [item.key for item in changes(circuit, parts_of(circuit, None))] == ["polarity E1"]


def test_weights_that_differ_are_shuffled_within_their_projection():
    genome = get_task("winner").reference()
    circuit = develop(genome, dt_ms=0.1)
    trained = replace(circuit, weight_pA=circuit.weight_pA * np.linspace(1, 2, 8))
    items = {item.key: item for item in changes(trained, parts_of(trained, genome))}
    assert {"places of weights projection E1 → I1", "places of weights projection I1 → E1"} <= set(items)
    assert "places of weights projection rate → E1" not in items
    drawn = items["places of weights projection E1 → I1"].circuits(0)
    assert len({c.id for c in drawn}) > DRAWS / 2
    assert all(sorted(c.weight_pA[:4]) == sorted(trained.weight_pA[:4]) for c in drawn)
    untold = [item.key for item in changes(trained, parts_of(trained, None))]
    assert "places of weights E neurons" in untold


def test_the_same_seed_makes_the_same_draws_and_rows_have_draws_of_their_own():
    items = {item.key: item for item in strained("winner")}
    mild, severe = items["weight noise of 1 %"], items["weight noise of 2 %"]
    assert [c.id for c in mild.circuits(3)] == [c.id for c in mild.circuits(3)]
    assert len({c.id for item in (mild, severe) for seed in (3, 4) for c in item.circuits(seed)}) == 4 * DRAWS


def test_levels_rise_within_their_series():
    items = strained("order")
    assert [i.key for i in items if i.series == "bits"] == [
        f"weights of {k} bits" for k in (8, 7, 6, 5, 4, 3, 2)
    ]
    amounts = [i.condition[1] for i in items if i.series == "spikes jittered"]
    assert amounts == sorted(amounts) == pytest.approx([0.2, 0.5, 1.0, 2.0])
    assert "5 % of input spikes added" in {i.key for i in items}


def test_a_closed_loop_meets_no_other_input():
    assert {item.condition for item in strained("cartpole")} == {None}
    conditions = {item.condition[0] for item in strained("order", spiking=False) if item.condition}
    assert conditions == {"time step"}


def test_plastic_circuits_may_lose_their_plasticity():
    keys = [item.key for item in knock_outs(plastic(), parts_of(plastic(), None))]
    assert keys[:3] == ["inhibition", "recurrence", "plasticity"]
