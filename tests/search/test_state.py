"""An island as bytes."""

from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.development import develop
from evocircuits.search.hall import Candidate
from evocircuits.search.island import advance
from evocircuits.search.recipe import load_recipe
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island, best_of, living
from tests.search.small import founder, individual, small

RECIPE = small()
LIMIT_bytes = 100_000
numbers = st.floats(allow_nan=False, allow_infinity=False)
descents = st.none() | st.fixed_dictionaries({"sigma": numbers, "learnt": st.text("0Az~", max_size=4)})


@st.composite
def islands(draw) -> Island:
    """Islands of a few, with any numbers."""
    texts = st.text("0123456789abcdef", min_size=4, max_size=4)
    residents = [
        Individual(
            founder(draw(st.integers(0, 5))),
            draw(st.sampled_from(["found", "crossover+strength"])),
            parents=tuple(draw(st.lists(texts, max_size=2))),
            generations=draw(st.integers(0, 50)),
            score=draw(numbers),
            normalised=draw(numbers),
            objectives={"score": draw(numbers), "energy": draw(numbers)},
            cases=tuple(draw(st.lists(numbers, max_size=3))),
            descriptors=tuple(draw(st.lists(numbers, max_size=2))),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    hall = [
        Candidate(founder(draw(st.integers(0, 5))), draw(numbers), draw(numbers), 3, 1, "split", ("00ff",))
        for _ in range(draw(st.integers(0, 2)))
    ]
    counts = dict(stagnant=draw(st.integers(0, 9)), quarantine=draw(st.integers(0, 2)))
    world = draw(st.none() | st.binary(min_size=1))
    return Island(
        residents, hall, **counts, restarts=draw(st.integers(0, 9)), descent=draw(descents), world=world
    )


def plain(island: Island) -> dict:
    """All that an island holds."""
    kept = {f.name: getattr(island, f.name) for f in fields(island)}
    return kept | {"individuals": [vars(i) for i in island.individuals]}


@given(islands())
@settings(max_examples=50, deadline=None)
def test_what_was_packed_comes_back_and_packs_to_the_same_bytes(island):
    blob = island.packed(RECIPE)
    again = Island.unpacked(blob)
    assert plain(again) == plain(island)
    assert again.packed(RECIPE) == blob


def test_ancestors_come_back_as_their_circuits_ids():
    bred_from = individual(0.1, 2), individual(0.2, 3)
    child = Individual(founder(1), "crossover", ancestors=bred_from, mother_score=0.5)
    [again] = Island.unpacked(Island([child]).packed(RECIPE)).individuals
    assert again.parents == tuple(develop(founder(k), dt_ms=0.1).id for k in (2, 3))
    assert (again.ancestors, again.mother_score) == ((), 0.0)


def test_living_are_residents_and_the_hall_of_all_islands():
    famous = Candidate(founder(3), 0.9, 1.0, 0, 0, "found", ())
    islands = [Island([individual(0.1, 1)], [famous]), Island([individual(0.2, 1), individual(0.3, 2)])]
    assert living(islands, RECIPE) == {develop(founder(k), dt_ms=0.1).id for k in (1, 2, 3)}


def test_any_change_shows():
    blobs = {
        Island([individual(score, seed)], stagnant=stagnant, restarts=restarts).packed(RECIPE)
        for score in (0.1, 0.2)
        for seed in (1, 2)
        for stagnant in (0, 1)
        for restarts in (0, 1)
    }
    assert len(blobs) == 16


def test_best_is_the_best_that_was_validated():
    hall = [Candidate(founder(k), v, 1.0, 0, 0, "found", ()) for k, v in enumerate((0.2, 0.7, -0.3))]
    assert Island(hall=hall).best == 0.7
    assert Island().best == 0.0


def test_emigrants_are_the_best_by_score_and_bring_nothing_else():
    hall = [Candidate(founder(9), 0.9, 1.0, 0, 0, "found", ())]
    four = [individual(s, seed) for seed, s in enumerate((0.1, 0.5, 0.3, 0.4))]
    home = Island(four, hall, stagnant=3, world=b"a world")
    sent = Island.unpacked(best_of(home.packed(RECIPE), 2, RECIPE))
    assert [i.score for i in sent.individuals] == [0.5, 0.4]
    assert (sent.hall, sent.stagnant, sent.world) == ([], 0, None)
    assert Island.unpacked(best_of(home.packed(RECIPE), 0, RECIPE)).individuals == []


@pytest.mark.parametrize("strategy", ["map_elites", "direct"])
def test_real_epochs_stay_small(strategy):
    """An archive of localise circuits, were every cell taken, too; and neurons that have genes of their own."""
    recipe = load_recipe("localise", strategies=[strategy], trials=16, validation_trials=64, epochs=9)
    recipe = recipe.model_copy(update={"generations": 3})
    state = None
    for epoch in range(3):
        step = advance(state, [], recipe.model_dump(), 0, epoch)
        state = step.state
    n, n_cells = len(Island.unpacked(state).individuals), 10 * 12
    assert len(state) < LIMIT_bytes
    assert len(step.emigrants) < len(state)
    if strategy == "map_elites":
        assert n >= 20
        assert len(state) * n_cells / n < LIMIT_bytes
