import json
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.measure import fitness
from evocircuits.search import run as run_module
from evocircuits.search.recipe import parse_recipe
from evocircuits.search.run import evolve, resume
from evocircuits.tasks import get_task

RECIPE = parse_recipe(
    {
        "task": "order",
        "islands": 3,
        "epochs": 3,
        "generations": 2,
        "parents": 6,
        "offspring": 8,
        "elites": 3,
        "validation_trials": 128,
        "held_out_trials": 500,
        "winners": 3,
    }
)


@pytest.fixture
def library(tmp_path):
    return Library(f"sqlite:///{tmp_path}/library.db")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    library = Library(f"sqlite:///{tmp_path_factory.mktemp('run')}/library.db")
    return evolve(RECIPE, library=library, executor="serial"), library.rows_hash()


def test_winners_carry_held_out_scores_and_provenance(unbroken):
    run, _ = unbroken
    assert run.best.scores[0].raw > 0.9
    assert [m.scores[0].raw for m in run.motifs] == sorted(
        (m.scores[0].raw for m in run.motifs), reverse=True
    )
    for motif in run.motifs:
        assert motif.scores[0].trials == 500
        assert motif.scores[0].low <= motif.scores[0].raw <= motif.scores[0].high
        assert motif.provenance.recipe == RECIPE.model_dump()
        assert motif.provenance.run == run.id
    assert run.reference.raw == 1.0
    # Three islands: 14 founders, then 6 parents + 8 offspring a generation, and 2 immigrants in each later epoch.
    assert run.evaluations == 3 * (6 * 14 + 2 * 2)


def test_ray_writes_the_same_rows_as_serial(unbroken, library, ray_executor):
    evolve(RECIPE, library=library, executor="ray")
    assert library.rows_hash() == unbroken[1]


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_interrupted_run_resumes_to_the_same_rows(unbroken, library, steps):
    seen = []

    def interrupt(progress):
        seen.append(progress)
        if len(seen) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evolve(RECIPE, library=library, executor="serial", on_progress=interrupt)
    assert library.motifs() == []
    run = resume(RECIPE.run_id[:12], library=library, executor="serial")
    assert library.rows_hash() == unbroken[1]
    assert [report["epoch"] for report in run.reports] == [1, 2, 3]


def test_killed_run_resumes_to_the_same_rows(unbroken, library, tmp_path):
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in RECIPE.model_dump().items())
    (tmp_path / "recipe.toml").write_text(settings)
    arguments = ["evolve", str(tmp_path / "recipe.toml"), "--executor", "serial", "--library", library.url]
    program = [sys.executable, "-c", "from evocircuits.cli import main; main()", *arguments]
    process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("epoch 1/3")
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert library.run(RECIPE.run_id).status == "running"
    resume(RECIPE.run_id, library=library, executor="serial")
    assert library.rows_hash() == unbroken[1]


def test_the_same_recipe_again_returns_the_stored_run(unbroken, library):
    first = evolve(RECIPE, library=library, executor="serial")
    again = evolve(
        RECIPE, library=library, executor="serial", on_progress=lambda p: pytest.fail("evolved again")
    )
    assert again == first


def test_a_failing_step_leaves_no_motif_and_one_clear_line(library, monkeypatch):
    def fail(*values):
        raise ValueError("boom")

    monkeypatch.setattr(run_module, "advance", fail)
    with pytest.raises(RuntimeError, match=f"run {RECIPE.run_id} failed: boom"):
        evolve(RECIPE, library=library, executor="serial")
    assert library.motifs() == []
    monkeypatch.undo()
    assert evolve(RECIPE, library=library, executor="serial").status == "finished"


def test_unfinished_run_of_other_versions_is_refused(library):
    library.start_run(RECIPE.run_id, RECIPE.model_dump(), RECIPE.seed, {"numpy": "1.0"})
    with pytest.raises(InputError, match="expected the versions it was started with"):
        evolve(RECIPE, library=library, executor="serial")


def test_a_wrong_seed_is_refused_and_leaves_no_run(library):
    with pytest.raises(InputError, match="seed: Input should be greater than or equal to 0; got -1"):
        evolve(RECIPE, seed=-1, library=library, executor="serial")
    assert library.runs() == []


def test_later_scores_do_not_change_a_stored_run(unbroken, library):
    run = evolve(RECIPE, library=library, executor="serial")
    later = replace(run.best.scores[0], raw=1.0, low=0.2, high=1.0, trials=1)
    library.add([run.motifs[-1].with_score(later)])
    assert evolve(RECIPE, library=library, executor="serial") == run


def test_no_trial_is_met_twice_by_training_validation_and_reported_scores(library, monkeypatch):
    """Fresh stimuli each generation, the same on all islands, and others for validation and for what is reported."""
    met: dict[str, list[tuple]] = {"training": [], "other": []}
    task = get_task("order")
    trials = type(task).trials

    def watched(self, rng, n):
        made = trials(self, rng, n)
        kind = "training" if n == RECIPE.trials else "other"
        met[kind].append(tuple(made.stimulus.spikes["a"].time_ms[:5].tolist()))
        return made

    fitness._trials.cache_clear()
    monkeypatch.setattr(type(task), "trials", watched)
    evolve(RECIPE.model_copy(update={"validation_trials": 200}), library=library, executor="serial")
    training = {times for times in met["training"]}
    assert len(training) == RECIPE.epochs * RECIPE.generations
    other = set(met["other"])
    assert len(other) == 2  # validation, and the held-out trials of all winners and the reference
    firsts = [times[0] for times in training | other]
    assert len(set(firsts)) == len(firsts)


def test_progress_counts_up_to_all_epochs(library):
    seen = []
    evolve(RECIPE, library=library, executor="serial", on_progress=seen.append)
    assert len(seen) == RECIPE.islands * RECIPE.epochs
    assert [p.epoch for p in seen] == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert seen[-1].seconds_left == 0
    assert all(a.evaluations < b.evaluations for a, b in pairwise(seen))
    assert all(0 <= p.best <= 1 and p.evaluations_per_s > 0 for p in seen)


def test_unknown_run_and_executor_are_one_clear_line(library):
    with pytest.raises(InputError, match="nothing"):
        resume("nothing", library=library)
    with pytest.raises(InputError, match="expected ray or serial; got 'slurm'"):
        evolve(RECIPE, library=library, executor="slurm")
