import numpy as np
import pytest

from evocircuits.library.front import undominated


def by_definition(points: np.ndarray) -> list[int]:
    """Those that no other is at least as small as everywhere and smaller somewhere; of equals the first."""
    kept = []
    for k, one in enumerate(points):
        beaten = any(np.all(p <= one) and np.any(p < one) for p in points)
        if not beaten and not any(np.array_equal(points[j], one) for j in range(k)):
            kept.append(k)
    return kept


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
@pytest.mark.parametrize("levels", [3, 1000])
def test_undominated_points_are_those_of_the_definition(columns, levels):
    rng = np.random.default_rng(columns)
    for n in (0, 1, 2, 40):
        points = rng.integers(0, levels, (n, columns)).astype(float)
        assert undominated(points) == by_definition(points)


@pytest.mark.parametrize("costs", [("energy",), ("energy", "neurons", "synapses")])
def test_the_front_of_a_library_is_that_of_the_definition(library, costs):
    from tests.library.motifs import motif, score

    rng = np.random.default_rng(1)
    motifs = [
        motif(
            0.5 + k / 1000,
            score(raw=rng.integers(40, 90) / 100, energy_pJ=float(rng.integers(1, 30))),
            hidden=h,
        )
        for k in range(30)
        for h in (1, 3)
    ]
    library.add(motifs)
    rows = library.listing(task="order")
    cost = {
        "energy": lambda row: row.score.energy_pJ,
        "neurons": lambda row: row.excitatory + row.inhibitory,
        "synapses": lambda row: row.synapses,
    }
    points = np.array([[-row.score.low, *(cost[name](row) for name in costs)] for row in rows])
    expected = [points[k].tolist() for k in by_definition(points)]
    found = library.listing(task="order", front=costs)
    place = {row.id: k for k, row in enumerate(rows)}
    assert sorted(points[place[row.id]].tolist() for row in found) == sorted(expected)
