"""Who receives whose emigrants."""

from itertools import product

import pytest

from evocircuits.search.topology import neighbours

EVERY = [*product(("ring", "torus", "full", "none"), (1, 2, 3, 4, 6, 7, 9, 12, 192))]


@pytest.mark.parametrize(("topology", "n"), EVERY)
def test_neighbours_are_other_islands_each_once_and_in_order(topology, n):
    for island in range(n):
        found = neighbours(topology, n, island)
        assert list(found) == sorted(set(found) - {island})
        assert set(found) <= set(range(n))


@pytest.mark.parametrize(
    ("topology", "n", "degree"),
    [("ring", 6, 1), ("torus", 9, 4), ("torus", 12, 4), ("torus", 4, 2), ("full", 5, 4), ("none", 5, 0)],
)
def test_all_islands_have_as_many_neighbours(topology, n, degree):
    assert {len(neighbours(topology, n, island)) for island in range(n)} == {degree}


@pytest.mark.parametrize("n", [4, 6, 7, 9, 12])
def test_on_a_torus_neighbourhood_is_mutual(n):
    for a, b in product(range(n), repeat=2):
        assert (a in neighbours("torus", n, b)) == (b in neighbours("torus", n, a))


def test_a_torus_of_twelve_has_three_rows_of_four():
    assert neighbours("torus", 12, 5) == (1, 4, 6, 9)
    assert neighbours("torus", 12, 0) == (1, 3, 4, 8)


@pytest.mark.parametrize(("topology", "n", "steps"), [("ring", 12, 11), ("torus", 12, 4), ("full", 12, 1)])
def test_what_one_island_finds_comes_to_all(topology, n, steps):
    reached, taken = {0}, 0
    while len(reached) < n:
        reached |= {i for i in range(n) if reached & set(neighbours(topology, n, i))}
        taken += 1
    assert taken <= steps
