"""Runs on an environment of Gymnasium: the same rows in one process and on Ray."""

from evocircuits.library import Library
from evocircuits.search.recipe import parse_recipe
from evocircuits.search.run import Run, evolve
from tests.search.test_run import without_times

RECIPE = parse_recipe(
    {
        "task": "gym:Acrobot-v1",
        "islands": 2,
        "epochs": 1,
        "generations": 1,
        "parents": 4,
        "offspring": 4,
        "elites": 2,
        "trials": 1,
        "validation_trials": 1,
        "held_out_trials": 2,
        "refine_evaluations": 0,
        "winners": 1,
        "strategies": ["population"],
    }
)


def evolved(folder, executor: str) -> tuple[Run, str]:
    library = Library(f"sqlite:///{folder}/{executor}.db")
    return without_times(evolve(RECIPE, library=library, executor=executor)), library.rows_hash()


def test_the_rows_are_the_same_on_ray(tmp_path, monkeypatch, ray_executor):
    monkeypatch.chdir(tmp_path)
    run, rows = evolved(tmp_path, "serial")
    assert run.id.startswith("gym-Acrobot-v1-s1-")
    assert run.evaluations == 2 * 8
    assert evolved(tmp_path, "ray") == (run, rows)
