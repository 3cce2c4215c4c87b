"""The task that `evocircuits new task` writes: loaded, solved by its reference, and evolved."""

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.measure import score_circuit
from evocircuits.search.run import evolve
from evocircuits.tasks import get_task
from evocircuits.tasks.template import task_text, write_task
from tests.search.small import small

TINY = {
    "islands": 1,
    "epochs": 1,
    "generations": 1,
    "strategies": ["population"],
    "parents": 4,
    "offspring": 4,
}
TINY |= {"elites": 2, "trials": 8, "validation_trials": 16, "held_out_trials": 50, "winners": 1}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("mine", "mine.py:Mine"),
        ("echo-locate_2", "echo_locate_2.py:EchoLocate2"),
        ("score", "score.py:ScoreTask"),
        ("none", "none.py:NoneTask"),
    ],
)
def test_a_written_task_is_one(tmp_path, name, place):
    spec = write_task(name, tmp_path)
    assert spec == f"{tmp_path}/{place}"
    task = get_task(spec)
    assert task.name == name
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    assert score_circuit(circuit, task, seed=1, n_trials=100).raw > 0.95


def test_a_written_task_is_evolved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = small(**TINY, task=write_task("mine"))
    library = Library(f"sqlite:///{tmp_path}/library.db")
    run = evolve(recipe, library=library, executor="serial")
    assert len(run.reports) == 1
    (motif,) = library.motifs()
    assert motif.score_on("mine").trials == 50


def test_the_trials_are_drawn_from_the_generator_and_balanced(tmp_path):
    task = get_task(write_task("mine", tmp_path))
    trials = task.trials(np.random.default_rng(1), 40)
    assert np.bincount(trials.answer).tolist() == [20, 20]
    spikes = trials.stimulus.spikes["right"]
    counts = np.bincount(spikes.trial, minlength=40)
    assert np.array_equal(counts, np.where(trials.answer == 1, 6, 2))


def test_a_file_that_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "mine.py").write_text("# work of weeks\n")
    with pytest.raises(
        InputError, match=r"mine\.py: expected no such file yet; it is there, and was left as it is"
    ):
        write_task("mine", tmp_path)
    assert (tmp_path / "mine.py").read_text() == "# work of weeks\n"


@pytest.mark.parametrize("name", ["", "9lives", "a b", "../x", "a" * 33, "ünder", "x\n", None])
def test_names_that_cannot_be_one_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="new task: expected a name of at most 32 letters"):
        write_task(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_of_shipped_tasks_and_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(InputError, match="got 'order', which is taken"):
        write_task("order", tmp_path)
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_task("mine", tmp_path / "no")


def test_the_text_leaves_no_placeholder():
    assert "@" not in task_text("mine")
