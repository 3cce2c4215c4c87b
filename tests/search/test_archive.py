import random
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from deap import base, tools
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.measure.descriptors import named
from evocircuits.search.archive import (
    NEIGHBOURS,
    cells,
    coverage,
    map_elites,
    novelty_search,
    qd_score,
)
from evocircuits.search.objectives import INVALID

NAMES = ("neurons", "spikes")


@dataclass(eq=False)
class One:
    """An individual, equal to itself only."""

    score: float
    descriptors: tuple[float, ...]


scores = st.one_of(st.sampled_from([INVALID, -0.2, 0.0, 0.5, 1.0]), st.floats(INVALID, 1.0))
pools = st.lists(st.builds(One, scores, st.tuples(st.integers(1, 80), st.floats(0, 2e4))), max_size=60)


def drawn(seed: int, n: int = 80) -> list[One]:
    """Individuals of which no two are alike."""
    rng = np.random.default_rng(seed)
    places = np.column_stack([2 * 32 ** rng.random(n), 10 ** rng.uniform(0, 4, n)])
    return [
        One(score, tuple(place)) for score, place in zip(rng.random(n).tolist(), places.tolist(), strict=True)
    ]


def test_cells_are_half_octaves_of_neurons_and_thirds_of_decades_of_spikes():
    # log2(5 / 2) × 2 = 2.6, log10(20) × 3 = 3.9
    pool = [One(0.5, (2, 1.0)), One(INVALID, (5, 20.0)), One(0.5, (64, 10_000.0)), One(0.5, (1000, 0.0))]
    assert cells(pool, NAMES) == [(0, 0), (2, 3), (9, 11), (9, 0)]


@pytest.mark.parametrize("name", ["neurons", "spikes", "census"])
def test_a_bin_begins_at_its_edge(name):
    (descriptor,) = named([name])
    on_edges = [One(0.5, (edge,)) for edge in descriptor.edges[:-1]]
    assert cells(on_edges, [name]) == [(k,) for k in range(descriptor.bins)]


@settings(deadline=None)
@given(pools)
def test_every_cell_keeps_its_best_the_first_of_equals(pool):
    best = {}
    for individual, cell in zip(pool, cells(pool, NAMES), strict=True):
        if individual.score > INVALID and (cell not in best or individual.score > best[cell].score):
            best[cell] = individual
    assert map_elites(pool, NAMES) == [best[cell] for cell in sorted(best)]


@settings(deadline=None)
@given(pools, pools)
def test_an_archive_may_be_fed_at_once_or_bit_by_bit(first, then):
    elites = map_elites(first, NAMES)
    assert map_elites(elites, NAMES) == elites
    assert map_elites(elites + then, NAMES) == map_elites(first + then, NAMES)


def test_coverage_and_score_of_an_archive():
    pool = [
        One(0.9, (2, 1.0)),
        One(0.4, (2, 1.0)),
        One(0.5, (64, 1.0)),
        One(-0.3, (8, 50.0)),
        One(INVALID, (4, 1.0)),
    ]
    assert coverage(pool, NAMES) == pytest.approx(3 / 120)
    assert qd_score(pool, NAMES) == pytest.approx(1.4)  # a circuit below chance takes nothing away


@pytest.mark.parametrize("pool", [[], [One(INVALID, (4, 1.0))]])
def test_archives_of_nothing_valid_are_empty(pool):
    assert map_elites(pool, NAMES) == novelty_search(pool, NAMES, 5) == []
    assert coverage(pool, NAMES) == qd_score(pool, NAMES) == 0


@settings(deadline=None)
@given(pools, st.integers(1, 40))
def test_novelty_search_keeps_as_many_as_there_is_room_for_and_the_best(pool, capacity):
    valid = [individual for individual in pool if individual.score > INVALID]
    kept = novelty_search(pool, NAMES, capacity)
    assert len(kept) == min(capacity, len(valid))
    assert kept == [individual for individual in valid if individual in kept]
    assert not valid or max(i.score for i in kept) == max(i.score for i in valid)
    assert novelty_search(kept, NAMES, capacity) == kept


class Both(base.Fitness):
    weights = (1.0, 1.0)


@dataclass(eq=False)
class Point:
    fitness: Both


def ranked(pool: list[One]) -> dict[One, tuple[float, int]]:
    """Novelty and local competition of each, from all distances."""
    axes = named(NAMES)
    places = np.array([[d.position(v) for d, v in zip(axes, i.descriptors, strict=True)] for i in pool])
    values = {}
    for individual, place in zip(pool, places, strict=True):
        distances = np.linalg.norm(places - place, axis=1)
        nearest = np.argsort(distances)[1 : NEIGHBOURS + 1]
        values[individual] = (
            distances[nearest].mean(),
            sum(pool[k].score < individual.score for k in nearest),
        )
    return values


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 79))
def test_besides_the_best_those_are_kept_that_deap_chooses_by_novelty_and_local_competition(seed, capacity):
    pool = drawn(seed)
    values, best = ranked(pool), max(pool, key=lambda i: i.score)
    points = {i: Point(Both(values[i])) for i in pool if i is not best}
    *whole, _ = tools.sortNondominated(list(points.values()), capacity - 1)
    assume(capacity - 1 - sum(map(len, whole)) != 1)  # of the two ends of a front either would do
    chosen = tools.selNSGA2(list(points.values()), capacity - 1)
    assert set(novelty_search(pool, NAMES, capacity)) == {best} | {i for i in points if points[i] in chosen}


def test_a_weak_circuit_far_from_all_others_is_kept():
    crowd = [One(0.5 + k / 100, (10 + k / 100, 100.0)) for k in range(30)]
    stranger = One(0.1, (60, 5000.0))
    assert novelty_search([*crowd, stranger], NAMES, 2) == [crowd[-1], stranger]


def test_competition_is_local():
    # Two kinds of circuit, 16 each, so that the nearest 15 of any are those of its kind: the best of each kind is kept.
    strong = [One(0.80 + k / 100, (4, 10.0)) for k in range(16)]
    weak = [One(0.10 + k / 100, (40, 1000.0)) for k in range(16)]
    assert novelty_search(strong + weak, NAMES, 2) == [strong[-1], weak[-1]]


def test_what_is_kept_owes_nothing_to_global_generators_and_leaves_them_as_they_were():
    kept = []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)
        before = random.getstate(), np.random.get_state()[1].tolist()
        pool = drawn(7)
        chosen = map_elites(pool, NAMES), novelty_search(pool, NAMES, 20)
        kept.append([[pool.index(i) for i in some] for some in chosen])
        assert (random.getstate(), np.random.get_state()[1].tolist()) == before
    assert kept[0] == kept[1]


@pytest.mark.parametrize("ask", [map_elites, cells, coverage, qd_score, lambda p, n: novelty_search(p, n, 1)])
def test_an_unknown_descriptor_is_one_clear_line(ask):
    with pytest.raises(InputError, match=r"expected names among .*; got 'love'"):
        ask([], ["neurons", "love"])


def test_pyribs_loads_when_first_used():
    code = "import sys, evocircuits.search.archive; print({'ribs', 'pandas', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
