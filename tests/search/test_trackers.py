"""Who follows a run: every epoch once, whatever becomes of the process."""

import json
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.search.run import Run, resume
from evocircuits.search.trackers import TensorBoard
from tests.search.small import small
from tests.search.test_run import interrupted, serial

TINY = {"islands": 2, "generations": 1, "parents": 4, "offspring": 4, "elites": 2, "trials": 8}
TINY |= {"validation_trials": 16, "held_out_trials": 50, "winners": 1}
RECIPE = small(**TINY)


@pytest.fixture
def library(tmp_path, monkeypatch) -> Library:
    monkeypatch.chdir(tmp_path)
    return Library(f"sqlite:///{tmp_path}/library.db")


def lines(run: Run) -> list[dict]:
    """What was written of each epoch; the library adds to the last one what came of the run."""
    return [json.loads(line) for line in Path(f"runs/logs/{run.id}.jsonl").read_text().splitlines()]


def curve(told: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(point.step, float(make_ndarray(point.tensor_proto))) for point in told.Tensors(name)]


def check(run: Run) -> None:
    assert [line["epoch"] for line in lines(run)] == [1, 2, 3]
    for line, report in zip(lines(run), run.reports, strict=True):
        assert line == {name: report[name] for name in line}
    told = EventAccumulator(f"followed/{run.id}").Reload()
    for name in ("best", "median", "evaluations", "seconds"):
        points = [(report["epoch"], pytest.approx(report[name], rel=1e-6)) for report in run.reports]
        assert curve(told, name) == points
    values = [value for _, value in curve(told, "diversity by island/1")]
    assert values == pytest.approx([report["islands"][1]["diversity"] for report in run.reports])


def test_a_run_is_written_as_lines_and_as_curves(library):
    check(serial(RECIPE, library, trackers=[TensorBoard("followed")]))


def test_a_run_that_was_broken_off_is_written_anew_from_what_the_library_holds(library):
    interrupted(RECIPE, library, 3)
    [file] = Path("runs/logs").glob("*.jsonl")
    file.write_text('{"epoch": 1, "best"')  # cut off where the process was killed
    check(resume(RECIPE.run_id, library=library, executor="serial", trackers=[TensorBoard("followed")]))


def test_without_tensorboard_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    with pytest.raises(InputError, match=r"pip install 'evocircuits\[tensorboard\]'$"):
        TensorBoard("followed")
