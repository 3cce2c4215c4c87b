from dataclasses import replace

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.measure.parts import parts_of
from evocircuits.measure.table import table_of
from evocircuits.tasks import TASKS
from tests.library.motifs import genome


def develops(chosen) -> Circuit:
    return develop(chosen, dt_ms=0.1)


def test_populations_are_named_by_polarity_in_order():
    """Of 3 E cells and 2 I cells: ear → E1 6 synapses, E1 → I1 6, I1 → E1 3 (a population of 2 onto 3, end to end)."""
    parts = parts_of(develops(genome()), genome())
    assert parts.told
    assert [(p.name, p.members.tolist()) for p in parts.populations] == [("E1", [0, 1, 2]), ("I1", [3, 4])]
    assert parts.names() == ["E1[0]", "E1[1]", "E1[2]", "I1[0]", "I1[1]"]
    assert [(j.name, len(j.members)) for j in parts.projections] == [
        ("ear → E1", 6),
        ("E1 → I1", 6),
        ("I1 → E1", 3),
    ]


@pytest.mark.parametrize("name", TASKS)
def test_projections_are_all_synapses_each_once_and_lead_where_their_genes_say(name):
    task = TASKS[name]
    chosen = task.reference()
    circuit = develop(chosen, dt_ms=task.dt_ms)
    parts, table = parts_of(circuit, chosen), table_of(circuit)
    members = np.concatenate([j.members for j in parts.projections])
    assert sorted(members.tolist()) == list(range(circuit.n_synapses))
    population_of = {p.id: part for p, part in zip(chosen.populations, parts.populations, strict=True)}
    ports = {port.id: list(circuit.inputs).index(port.name) for port in chosen.inputs}
    for gene, part in zip(chosen.projections, parts.projections, strict=True):
        rows = table.rows(part.members)
        assert set(rows.port) == {ports.get(gene.source, -1)}
        assert set(rows.target) <= set(population_of[gene.target].members)
        if gene.source in population_of:
            assert set(rows.source) <= set(population_of[gene.source].members)
        assert part.frozen == gene.frozen


def test_projections_between_the_same_populations_are_numbered():
    first, *others = genome().projections
    twice = genome().with_genes(projections=[first, replace(first, id=99), *others])
    names = [j.name for j in parts_of(develops(twice), twice).projections]
    assert names == ["ear → E1", "ear → E1 #2", "E1 → I1", "I1 → E1"]


def test_trained_weights_and_delays_do_not_matter():
    circuit = develops(genome())
    trained = replace(circuit, weight_pA=circuit.weight_pA * 3, delay_ms=circuit.delay_ms + 1)
    assert parts_of(trained, genome()).told


def test_ports_may_stand_in_another_order():
    task = TASKS["route"]
    chosen = task.reference()
    circuit = develop(chosen, dt_ms=task.dt_ms)
    assert list(circuit.inputs) == ["stream", "cue"]
    turned = replace(circuit, inputs=dict(reversed(circuit.inputs.items())))
    parts, table = parts_of(turned, chosen), table_of(turned)
    (cue,) = (j for j in parts.projections if j.name == "cue → I2")
    assert parts.told
    assert {list(turned.inputs)[port] for port in table.port[cue.members]} == {"cue"}
    assert set(table.target[cue.members]) == {4, 5}


@pytest.mark.parametrize("told", [genome(hidden=3), None])
def test_without_a_genome_of_that_wiring_each_neuron_stands_alone(told):
    parts = parts_of(develops(genome()), told)
    assert not parts.told
    assert [p.name for p in parts.populations] == parts.names() == ["E1", "E2", "E3", "I1", "I2"]
    assert parts.projections == ()
