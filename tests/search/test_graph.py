"""Which island steps begin when."""

import threading
from concurrent.futures import Future

import pytest

from evocircuits.library import Library
from evocircuits.search import graph
from evocircuits.search.executor import SerialExecutor
from evocircuits.search.graph import LOOK_AHEAD, Graph
from evocircuits.search.topology import neighbours
from tests.search.small import small

TINY = {"generations": 1, "parents": 4, "offspring": 4, "elites": 2, "trials": 16, "validation_trials": 64}


class Late(SerialExecutor):
    """Finishes what island 0 does after everything else, and remembers which steps began and ended, in order."""

    in_flight = 100

    def __init__(self):
        self.events = []

    @property
    def steps(self) -> list[tuple[int, int]]:
        """(epoch, island) of all that began."""
        return [step for what, step in self.events if what == "began"]

    def submit(self, function, *values) -> Future:
        if function is not graph.advance:
            return super().submit(function, *values)
        *_, island, epoch, _ = values
        self.events.append(("began", (epoch, island)))
        result, future = function(*values), Future()

        def finish():
            self.events.append(("ended", (epoch, island)))
            future.set_result(result)

        if island:
            finish()
        else:
            threading.Timer(1.0, finish).start()
        return future


@pytest.fixture
def library(tmp_path):
    return Library(f"sqlite:///{tmp_path}/library.db")


def driven(recipe, library, pool) -> Graph:
    library.start_run(recipe.run_id, recipe.model_dump(mode="json"), recipe.seed, {})
    made = Graph(recipe, recipe.run_id, library, pool, lambda progress: None)
    made.run_to_end()
    return made


def test_no_island_runs_far_ahead_of_the_others(library):
    pool, recipe = Late(), small(**TINY | {"islands": 5, "epochs": 5})
    driven(recipe, library, pool)
    assert len(pool.steps) == len(set(pool.steps)) == 25
    ahead = 0
    for at, (what, (epoch, _)) in enumerate(pool.events):
        if what == "began":
            ended = [step for what, step in pool.events[:at] if what == "ended"]
            slowest = min(sum(island == i for _, island in ended) for i in range(5))
            ahead = max(ahead, epoch - slowest)
    assert 0 < ahead < LOOK_AHEAD


@pytest.mark.parametrize("topology", ["ring", "torus", "full", "none"])
def test_a_step_begins_once_its_inputs_are_there(topology, library):
    pool, recipe = Late(), small(**TINY | {"islands": 4, "epochs": 3, "topology": topology})
    driven(recipe, library, pool)
    assert sorted(pool.steps) == [(epoch, island) for epoch in range(3) for island in range(4)]
    for at, (what, (epoch, island)) in enumerate(pool.events):
        if what == "began" and epoch:
            ended = [step for what, step in pool.events[:at] if what == "ended"]
            assert {(epoch - 1, i) for i in (island, *neighbours(topology, 4, island))} <= set(ended)


def test_islands_without_neighbours_do_not_wait_for_each_other(library):
    pool, recipe = Late(), small(**TINY | {"islands": 3, "epochs": 3, "topology": "none"})
    driven(recipe, library, pool)
    first_end = pool.events.index(("ended", (0, 0)))  # island 0 takes a second, the others do not wait
    began = {step for what, step in pool.events[:first_end] if what == "began"}
    assert {(1, 1), (1, 2)} <= began


def test_what_is_kept_does_not_grow_with_the_epochs(library):
    recipe = small(**TINY | {"islands": 3, "epochs": 6})
    made = driven(recipe, library, SerialExecutor())
    assert set(made.done) <= {(epoch, island) for epoch in (5, 6) for island in range(3)}
    assert not made.running
    assert len(made.missing) <= 3
    assert len(made.ready) <= 3
