"""The circuits of inhibition as they are inserted."""

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.development import develop
from evocircuits.search.operators import OPERATORS
from evocircuits.search.variation import found
from evocircuits.simulator import Spikes, Stimulus, simulate
from evocircuits.tasks import TASKS
from tests.search.spaces import LOCALISE, STATIC, grown, seeds

MOTIFS = ("feedforward", "feedback", "cross", "disinhibition")
BURST, COLOUR = (STATIC[list(TASKS).index(name)] for name in ("burst", "colour"))


def inserted(name: str, genome, seed: int, space=LOCALISE):
    """The genome with the motif, its new populations and new projections as (source, target)."""
    child = OPERATORS[name][1](genome, np.random.default_rng(seed), space)
    cells = [p for p in child.populations if p not in genome.populations]
    wires = [(j.source, j.target) for j in child.projections if j not in genome.projections]
    return child, cells, wires


def founder(space=LOCALISE):
    return found(np.random.default_rng(0), space)


@pytest.mark.parametrize("name", MOTIFS)
@given(seed=seeds)
@settings(max_examples=30, deadline=None)
def test_what_comes_is_inhibitory_driven_by_excitation_and_nothing_else_changes(name, seed):
    space = STATIC[seed % len(STATIC)]
    genome = grown(space, seed, generations=6)
    child, cells, wires = inserted(name, genome, seed, space)
    assert child.populations[: len(genome.populations)] == genome.populations
    assert child.projections[: len(genome.projections)] == genome.projections
    assert not any(cell.excitatory for cell in cells)
    inhibitory = {p.id for p in child.populations if not p.excitatory}
    for cell in cells:
        assert [source in inhibitory for source, target in wires if target == cell.id and source != cell.id][
            :1
        ] == [False]
        assert any(source == cell.id for source, _ in wires)


def test_feedforward_inhibition_comes_from_what_excites_its_target():
    genome = founder()
    (output,) = genome.populations
    drivers = set()
    for seed in range(30):
        _, (cell,), wires = inserted("feedforward", genome, seed)
        (driver,) = (source for source, target in wires if target == cell.id)
        drivers.add(driver)
        assert (cell.id, output.id) in wires
    assert drivers == {port.id for port in genome.inputs}


def test_feedback_inhibition_comes_from_its_target():
    genome = founder()
    (output,) = genome.populations
    _, (cell,), wires = inserted("feedback", genome, 0)
    assert wires == [(output.id, cell.id), (cell.id, output.id)]


@pytest.mark.parametrize("name", ["feedforward", "feedback"])
def test_inhibition_comes_to_one_output_or_to_all_alike(name):
    genome = founder(COLOUR)
    outputs = {p.id for p in genome.populations}
    numbers = set()
    for seed in range(20):
        _, (cell,), wires = inserted(name, genome, seed, COLOUR)
        targets = {target for source, target in wires if source == cell.id}
        drivers = {source for source, target in wires if target == cell.id}
        assert targets <= outputs
        assert drivers == targets if name == "feedback" else len(drivers) == 1
        numbers.add(len(targets))
    assert numbers == {1, len(outputs)}


def test_members_of_one_population_inhibit_all_others_and_not_themselves():
    genome = founder()
    child, (cell,), _ = inserted("cross", genome, 0)
    circuit = develop(child, dt_ms=0.02)
    n = cell.size
    veto = np.zeros((2 * n, 2 * n), int)
    np.add.at(veto, (circuit.source, circuit.target), 1)
    disynaptic = (veto[:n, n:] @ veto[n:, :n]) > 0
    assert np.array_equal(disynaptic, ~np.eye(n, dtype=bool))


def test_two_populations_inhibit_each_other():
    genome = founder(BURST)
    early, late = genome.populations
    _, cells, wires = inserted("cross", genome, 0, BURST)
    ways = {
        (driver, target)
        for c in cells
        for driver, at in wires
        if at == c.id
        for by, target in wires
        if by == c.id
    }
    assert ways == {(early.id, late.id), (late.id, early.id)}


def test_disinhibition_silences_inhibition_and_brings_it_where_there_is_none():
    genome = founder()
    child, (inner, outer), wires = inserted("disinhibition", genome, 0)
    assert (outer.id, inner.id) in wires
    assert (inner.id, genome.populations[0].id) in wires
    _, (another,), wires = inserted("disinhibition", child, 1)
    assert {target for source, target in wires if source == another.id} <= {inner.id, outer.id}


@pytest.mark.parametrize("seed", range(8))
def test_a_single_spike_of_the_driver_fires_the_inhibitory_cell(seed):
    genome = founder(BURST)
    child, (cell,), wires = inserted("feedforward", genome, seed, BURST)
    (driver,) = (source for source, target in wires if target == cell.id)
    port = next(port.name for port in genome.inputs if port.id == driver)
    others = {p.name: Spikes([], [], []) for p in genome.inputs}
    stimulus = Stimulus(1, 60.0, others | {port: Spikes([1.0], [0], [0])})
    counts = simulate(develop(child, dt_ms=0.1), stimulus, dt_ms=0.1).counts
    assert counts[0, -1] >= 1
