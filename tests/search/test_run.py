"""Runs: the same rows however they are run, broken off and taken up again."""

import json
import re
import signal
import subprocess
import sys
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sqlalchemy import select, text, true

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.library import LeaseLost, Library, schema
from evocircuits.measure import fitness
from evocircuits.search import executor, graph
from evocircuits.search.executor import ClusterLost, SerialExecutor
from evocircuits.search.graph import LOOK_AHEAD
from evocircuits.search.recipe import Recipe, parse_recipe
from evocircuits.search.run import Run, Stopped, _drive, evolve, resume
from evocircuits.search.state import Island, living
from evocircuits.tasks import get_task
from tests.library import motifs as made
from tests.search.small import SETTINGS, small, users_tasks
from tests.search.test_graph import Late

RECIPE = small()
TINY = {"generations": 1, "parents": 4, "offspring": 4, "elites": 2, "trials": 16, "validation_trials": 64}


@pytest.fixture
def library(tmp_path):
    return Library(f"sqlite:///{tmp_path}/library.db")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    library = Library(f"sqlite:///{tmp_path_factory.mktemp('run')}/library.db")
    return evolve(RECIPE, library=library, executor="serial"), rows_of(library)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that reached its target after some epochs but before the last, and the hash of its rows."""
    for seed in range(1, 40):
        library = Library(f"sqlite:///{tmp_path_factory.mktemp('run')}/library.db")
        recipe = small(seed=seed, target=0.8, epochs=6, **TINY)
        run = evolve(recipe, library=library, executor="serial")
        if 2 <= len(run.reports) <= 4:
            return run, rows_of(library)
    pytest.fail("no seed stops in the middle")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run that keeps archives, and its library."""
    library = Library(f"sqlite:///{tmp_path_factory.mktemp('run')}/library.db")
    recipe = small(strategies=["map_elites", "population", "novelty"])
    return serial(recipe, library), library


def rows_of(library: Library, run: str | None = None) -> tuple[str, list[tuple]]:
    """What a library holds of motifs, scores and births, or one run's."""
    births = select(schema.lineage).where(true() if run is None else schema.lineage.c.run == run)
    rows = library.database.read(lambda connection: sorted(map(tuple, connection.execute(births))))
    return library.rows_hash(run), rows


def serial(recipe: Recipe, library: Library, **options) -> Run:
    return evolve(recipe, library=library, executor="serial", **options)


def interrupted(recipe: Recipe, library: Library, steps: int) -> None:
    """Break a run off after so many of its steps."""
    seen = []

    def interrupt(progress):
        seen.append(progress)
        if len(seen) == steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serial(recipe, library, on_progress=interrupt)


def without_times(run: Run) -> Run:
    """Runs differ in nothing but how long they took."""
    reports = tuple(report | {"seconds": 0.0} for report in run.reports)
    return replace(run, reports=reports, seconds=0.0)


class TestWinners:
    def test_carry_held_out_scores_and_provenance(self, unbroken):
        run, _ = unbroken
        assert run.best is run.motifs[0]
        assert [m.scores[0].raw for m in run.motifs] == sorted(
            (m.scores[0].raw for m in run.motifs), reverse=True
        )
        for motif in run.motifs:
            assert motif.scores[0].trials == 500
            assert motif.scores[0].low <= motif.scores[0].raw <= motif.scores[0].high
            assert motif.provenance.recipe == RECIPE.model_dump(mode="json")
            assert motif.provenance.run == run.id
        assert [reference.raw for reference in run.references] == [1.0]

    def test_cost_what_was_evaluated(self, unbroken):
        """On each of three islands 6 parents + 8 offspring a generation, and 2 immigrants in each later epoch."""
        run, _ = unbroken
        assert run.evaluations == 3 * (6 * 14 + 2 * 2)
        seconds = [report["simulated_s"] for report in run.reports]
        assert sum(seconds) == pytest.approx(run.evaluations * 32 * 0.15)

    def test_come_of_operators_whose_credit_is_the_epochs_own(self, unbroken):
        run, _ = unbroken
        assert run.operators["found"]["uses"] == 3 * 14
        for name, counts in run.operators.items():
            for key, value in counts.items():
                told = [i["operators"].get(name, {}).get(key, 0) for r in run.reports for i in r["islands"]]
                assert value == sum(told)


class TestIdentity:
    def test_ray_writes_the_same_rows_as_serial(self, unbroken, library, ray_executor):
        run = evolve(RECIPE, library=library, executor="ray")
        assert rows_of(library) == unbroken[1]
        assert without_times(run) == without_times(unbroken[0])

    @pytest.mark.parametrize("steps", [1, 4, 7, 9])
    def test_interrupted_run_resumes_to_the_same_rows(self, unbroken, library, steps):
        interrupted(RECIPE, library, steps)
        assert library.motifs() == []
        run = resume(RECIPE.run_id[:12], library=library, executor="serial")
        assert rows_of(library) == unbroken[1]
        assert [report["epoch"] for report in run.reports] == [1, 2, 3]
        assert without_times(run) == without_times(unbroken[0])

    def test_killed_run_resumes_to_the_same_rows(self, unbroken, library, tmp_path):
        settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in SETTINGS.items())
        (tmp_path / "recipe.toml").write_text(settings)
        arguments = [
            "evolve",
            str(tmp_path / "recipe.toml"),
            "--executor",
            "serial",
            "--library",
            library.url,
        ]
        program = [sys.executable, "-c", "from evocircuits.cli import main; main()", *arguments]
        process = subprocess.Popen(program, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        assert process.stderr.readline().startswith("epoch 1/3")
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert library.run(RECIPE.run_id).status == "running"
        resume(RECIPE.run_id, library=library, executor="serial")
        assert rows_of(library) == unbroken[1]

    def test_the_same_recipe_again_returns_the_stored_run(self, unbroken, library):
        first = serial(RECIPE, library)
        again = serial(RECIPE, library, on_progress=lambda p: pytest.fail("evolved again"))
        assert again == first

    def test_later_scores_do_not_change_a_stored_run(self, unbroken, library):
        run = serial(RECIPE, library)
        later = replace(run.best.scores[0], raw=1.0, low=0.2, high=1.0, trials=1)
        library.add(
            [run.motifs[-1].with_score(later), run.motifs[0].with_score(replace(later, task="burst"))]
        )
        assert serial(RECIPE, library) == run


class TestLineage:
    def test_leads_from_every_motif_to_founders(self, kept):
        run, library = kept
        for motif in library.motifs(run=run.id):
            lineage = library.lineage(motif.id)
            assert lineage.unknown == []
            assert lineage.founders
            assert {lineage.births[id].operator for id in lineage.founders} == {"found"}
            assert {birth.run for birth in lineage.births.values()} == {run.id}

    def test_goes_through_epochs_in_order_and_through_islands_between_them(self, unbroken):
        _, (_, rows) = unbroken
        born = {child: (epoch, island) for child, *_, epoch, island, _ in rows}
        moved = 0
        for child, _, _, parent, *_ in rows:
            if parent is not None:
                (before, there), (epoch, here) = born[parent], born[child]
                assert before < epoch or (before, there) == (epoch, here)
                moved += there != here
        assert moved

    def test_is_kept_of_motifs_and_who_may_have_children_alone(self, kept):
        run, library = kept
        _, states = library.island_states(run.id)
        ends = living(map(Island.unpacked, states.values()), run.recipe)
        ends |= {motif.id for motif in library.motifs(run=run.id)}
        _, rows = rows_of(library)
        parents: dict[str, set] = {}
        for child, _, _, parent, *_ in rows:
            parents.setdefault(child, set()).add(parent)
        reached: set = set()
        while ends:
            reached |= ends
            ends = set().union(*(parents[id] for id in ends)) - reached - {None}
        assert reached == parents.keys()

    def test_is_tidied_every_so_many_epochs(self, tmp_path, monkeypatch):
        told = []
        for tidy in (3, 2):
            library = Library(f"sqlite:///{tmp_path}/{tidy}.db")
            monkeypatch.setattr(graph, "TIDY", tidy)
            interrupted(RECIPE, library, steps=6)
            told.append(len(rows_of(library)[1]))
        assert 0 < told[1] < told[0]


class TestDrivers:
    """A library has many readers and drivers, a run one driver at a time."""

    def test_of_two_runs_share_a_library(self, unbroken, library, tmp_path):
        other, alone = small(seed=2, **TINY), Library(f"sqlite:///{tmp_path}/alone.db")
        serial(other, alone)

        def drive_the_other(progress):
            if library.find_run(other.run_id) is None:
                serial(other, Library(library.url))

        run = serial(RECIPE, library, on_progress=drive_the_other)
        assert rows_of(library, run.id) == unbroken[1]
        assert rows_of(library, other.run_id) == rows_of(alone)

    def test_of_the_same_run_are_refused_in_one_line_but_for_the_first(self, unbroken, library):
        seconds = {
            "evolve": lambda other: serial(RECIPE, other),
            "resume": lambda other: resume(RECIPE.run_id, library=other, executor="serial"),
            "extend": lambda other: resume(RECIPE.run_id, epochs=1, library=other, executor="serial"),
        }
        refused = []

        def start_again(progress):
            for second in seconds.values():
                with pytest.raises(InputError) as told:
                    second(Library(library.url))
                refused.append(str(told.value))

        run = serial(RECIPE, library, on_progress=start_again)
        for told in refused:
            assert re.fullmatch(
                rf"run {run.id}: expected a run that nobody drives; process \d+ on .+ does, .+", told
            )
        assert len(refused) == 3 * 9
        assert rows_of(library) == unbroken[1]

    def test_that_were_taken_for_dead_store_nothing_more(self, unbroken, library):
        taken, leases, expire = Library(library.url), [], text("UPDATE lease SET expires = 1")
        with ExitStack() as another:

            def take_over(progress):
                if progress.epoch == 1 and not leases:
                    library.database.write(lambda connection: connection.execute(expire))
                    leases.append(another.enter_context(taken.lease(RECIPE.run_id)))

            with pytest.raises(LeaseLost, match=rf"run {RECIPE.run_id}: process \d+ on .+ has taken it over"):
                serial(RECIPE, library, on_progress=take_over)
            assert taken.run(RECIPE.run_id).epoch == 1
        resume(RECIPE.run_id, library=taken, executor="serial")
        assert rows_of(library) == unbroken[1]


class TestStopAtTheTarget:
    def test_comes_with_the_first_epoch_that_reaches_it(self, stopped):
        run, _ = stopped
        bests = [report["best"] for report in run.reports]
        assert len(bests) < run.recipe.epochs
        assert all(best < 0.8 for best in bests[:-1])
        assert bests[-1] >= 0.8
        assert run.status == "finished"

    def test_is_where_it_is_on_ray(self, stopped, library, ray_executor):
        run = evolve(stopped[0].recipe, library=library, executor="ray")
        assert rows_of(library) == stopped[1]
        assert without_times(run) == without_times(stopped[0])

    def test_is_where_it_is_for_a_run_broken_off_anywhere(self, stopped, tmp_path):
        n_steps = 3 * len(stopped[0].reports)
        for steps in {1, 3, n_steps // 2, n_steps - 1, n_steps}:
            library = Library(f"sqlite:///{tmp_path}/{steps}.db")
            interrupted(stopped[0].recipe, library, steps)
            run = resume(stopped[0].id, library=library, executor="serial")
            assert rows_of(library) == stopped[1]
            assert without_times(run) == without_times(stopped[0])

    def test_leaves_no_trace_of_steps_beyond_it(self, stopped, library):
        recipe, pool = stopped[0].recipe, Late()
        _drive(recipe, library, pool, lambda progress: None)
        committed = len(stopped[0].reports)
        beyond = [epoch for epoch, _ in pool.steps if epoch >= committed]
        assert beyond
        assert max(beyond) < committed + LOOK_AHEAD
        assert len(set(pool.steps)) == len(pool.steps)
        assert rows_of(library) == stopped[1]
        assert library.island_states(recipe.run_id)[0] == committed
        assert without_times(serial(recipe, library)) == without_times(stopped[0])

    def test_does_not_come_without_a_target(self, stopped, library):
        recipe = stopped[0].recipe.model_copy(update={"target": None})
        assert len(serial(recipe, library).reports) == recipe.epochs


class TestStopWhenAsked:
    @pytest.fixture
    def asked(self, library) -> str:
        """The id of a run that was asked to stop during its first epoch."""

        def ask(progress):
            if not progress.epoch:
                library.request_stop(RECIPE.run_id)

        with pytest.raises(Stopped, match=f"run {RECIPE.run_id}: stopped as asked, after epoch 1 of 3"):
            serial(RECIPE, library, on_progress=ask)
        return RECIPE.run_id

    def test_comes_after_the_epoch_that_is_committed_next(self, asked, library):
        row = library.run(asked)
        assert (row.status, row.epoch) == ("stopped", 1)
        assert library.motifs() == []

    def test_leaves_a_run_that_goes_on_to_the_same_rows(self, asked, unbroken, library):
        run = resume(asked, library=library, executor="serial")
        assert rows_of(library) == unbroken[1]
        assert without_times(run) == without_times(unbroken[0])

    def test_is_only_for_a_run_that_is_running(self, asked, library):
        with pytest.raises(InputError, match="expected a run that is running; it is stopped"):
            library.request_stop(asked)

    def test_does_not_come_where_the_next_epoch_is_the_last(self, library, unbroken):
        def ask(progress):
            if progress.epoch == 2 and library.run(RECIPE.run_id).status == "running":
                library.request_stop(RECIPE.run_id)

        assert serial(RECIPE, library, on_progress=ask).status == "finished"
        assert rows_of(library) == unbroken[1]

    def test_is_forgotten_where_nobody_was_there_to_stop(self, library, unbroken):
        interrupted(RECIPE, library, 4)
        library.request_stop(RECIPE.run_id)
        resume(RECIPE.run_id, library=library, executor="serial")
        assert rows_of(library) == unbroken[1]


class TestExtension:
    def test_adds_epochs_to_a_finished_run(self, unbroken, library):
        first = serial(RECIPE, library)
        longer = resume(first.id, epochs=2, library=library, executor="serial")
        assert (longer.id, longer.status, longer.recipe.epochs) == (first.id, "finished", 5)
        assert [report["epoch"] for report in longer.reports] == [1, 2, 3, 4, 5]
        assert longer.reports[-1]["best"] >= first.reports[-1]["best"]
        assert {m.id for m in first.motifs} <= {m.id for m in library.motifs(run=first.id)}

    def test_is_what_the_recipe_gives_from_then_on(self, library):
        first = serial(RECIPE, library)
        longer = resume(first.id, epochs=1, library=library, executor="serial")
        again = serial(RECIPE, library, on_progress=lambda p: pytest.fail("evolved again"))
        assert again == longer

    def test_gives_the_same_rows_wherever_it_was_broken_off(self, library, tmp_path):
        for each in (library, other := Library(f"sqlite:///{tmp_path}/other.db")):
            serial(RECIPE, each)
        whole = resume(RECIPE.run_id, epochs=2, library=library, executor="serial")

        def interrupt(progress):
            if progress.epoch == 4:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            resume(RECIPE.run_id, epochs=2, library=other, executor="serial", on_progress=interrupt)
        broken = resume(RECIPE.run_id, library=other, executor="serial")
        assert without_times(broken) == without_times(whole)
        assert rows_of(other) == rows_of(library)

    def test_is_refused_where_the_target_is_reached(self, stopped, tmp_path):
        library = Library(f"sqlite:///{tmp_path}/library.db")
        serial(stopped[0].recipe, library)
        with pytest.raises(InputError, match=r"it has reached its target of 0\.8"):
            resume(stopped[0].id, epochs=1, library=library, executor="serial")

    def test_of_no_epochs_is_refused(self, library):
        serial(RECIPE, library)
        with pytest.raises(InputError, match="epochs: expected at least 1 more; got -1"):
            resume(RECIPE.run_id, epochs=-1, library=library, executor="serial")


@pytest.mark.parametrize("topology", ["torus", "full", "none"])
def test_rows_of_other_topologies_are_the_same_on_resume(topology, library, tmp_path):
    recipe = small(**TINY | {"topology": topology, "islands": 4})
    other = Library(f"sqlite:///{tmp_path}/other.db")
    run = serial(recipe, library)
    interrupted(recipe, other, 5)
    assert without_times(resume(run.id, library=other, executor="serial")) == without_times(run)
    assert rows_of(other) == rows_of(library)
    taken = {"torus": 2, "full": 3, "none": 0}[topology] * recipe.migrants
    assert [report["evaluations"] for report in run.reports] == [32, *2 * [4 * (8 + taken)]]


class TestGeneralists:
    @pytest.fixture
    def run(self, library, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Fore", "Late"), **TINY, objectives=["score", "worst"])
        return serial(recipe, library)

    def test_are_scored_on_both_tasks(self, run):
        for motif in run.motifs:
            assert [score.task for score in motif.scores] == ["fore", "late"]
            assert all(score.trials == 500 for score in motif.scores)
        worst = [min(score.normalised for score in motif.scores) for motif in run.motifs]
        assert worst == sorted(worst, reverse=True)
        assert run.references[0] is None
        assert run.references[1].task == "late"

    def test_go_by_the_worst_of_their_scores(self, library, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Fore", "Late"))
        known = {"trials": 500, "seed": 1}
        uneven = made.motif(
            0.6, made.score(0.95, task="fore", **known), made.score(0.55, task="late", **known)
        )
        even = made.motif(0.5, made.score(0.7, task="fore", **known), made.score(0.65, task="late", **known))
        library.start_run(recipe.run_id, recipe.model_dump(mode="json"), 1, {})
        library.commit_epoch(recipe.run_id, 1, {}, {"seconds": 1.0})
        result = {"winners": [uneven.id, even.id], "references": [None, None]}
        library.finish_run(recipe.run_id, [uneven, even], result)
        assert [m.id for m in serial(recipe, library).motifs] == [even.id, uneven.id]

    def test_are_found_under_both_tasks(self, run, library):
        for name in ("fore", "late"):
            assert {m.id for m in library.motifs(task=name)} == {m.id for m in run.motifs}

    def test_go_on_where_they_stopped(self, run, library, tmp_path):
        other = Library(f"sqlite:///{tmp_path}/other.db")
        interrupted(run.recipe, other, 4)
        assert without_times(resume(run.id, library=other, executor="serial")) == without_times(run)
        assert rows_of(other) == rows_of(library)


class TestArchives:
    def test_become_motifs_with_held_out_scores(self, kept):
        run, library = kept
        assert len(run.archive) > 1
        for row in run.archive:
            motif = library.get(row["motif"])
            assert row["score"] == motif.score_on("order").normalised
            assert motif.score_on("order").trials == 500
            assert motif.provenance.run == run.id
        ids = {row["motif"] for row in run.archive} | {m.id for m in run.motifs}
        assert {m.id for m in library.motifs(run=run.id)} == ids

    def test_have_a_row_with_cell_and_descriptors_for_each(self, kept):
        run, library = kept
        assert run.archive == tuple(run.reports[-1]["archive"])
        assert len({tuple(row["cell"]) for row in run.archive}) == len(run.archive)
        for row in run.archive:
            assert list(row["descriptors"]) == list(run.recipe.descriptors)
            assert row["descriptors"]["neurons"] == library.get(row["motif"]).circuit.n_neurons

    def test_are_the_same_when_resumed(self, kept, tmp_path):
        run, library = kept
        other = Library(f"sqlite:///{tmp_path}/other.db")
        interrupted(run.recipe, other, 5)
        assert without_times(resume(run.id, library=other, executor="serial")) == without_times(run)
        assert rows_of(other) == rows_of(library)


class TestOtherRecipes:
    @pytest.mark.parametrize(
        "changes",
        [
            {"search": "random"},
            {"search": "hill_climbing"},
            {"mating": "lexicase", "refine_evaluations": 4, "patience": 1, "epochs": 4},
            {"refine_evaluations": 4, "refinement": "baldwinian", "objectives": ["score", "robustness"]},
        ],
        ids=["random", "hill climbing", "lexicase and restarts", "learning"],
    )
    def test_give_winners_and_the_same_rows_when_resumed(self, library, tmp_path, changes):
        recipe, other = small(**TINY | changes), Library(f"sqlite:///{tmp_path}/other.db")
        run = serial(recipe, library)
        assert run.motifs
        assert len(run.reports) == recipe.epochs
        interrupted(recipe, other, 4)
        assert without_times(resume(run.id, library=other, executor="serial")) == without_times(run)
        assert rows_of(other) == rows_of(library)

    def test_of_artificial_life_give_motifs_with_scores_and_the_same_rows_when_resumed(
        self, library, tmp_path
    ):
        life = {"task": "forage", "search": "artificial_life", "epochs": 2, "islands": 2, "winners": 1}
        recipe = small(**TINY | life | {"validation_trials": 2, "held_out_trials": 4})
        other = Library(f"sqlite:///{tmp_path}/other.db")
        run = serial(recipe, library)
        assert {m.scores[0].task for m in run.motifs} <= {"forage"}
        assert run.archive == ()
        interrupted(recipe, other, 2)
        assert without_times(resume(run.id, library=other, executor="serial")) == without_times(run)
        assert rows_of(other) == rows_of(library)

    def test_of_a_task_at_which_everybody_is_wrong_finish_without_winners(self, library, tmp_path):
        [task] = users_tasks(tmp_path, "Hopeless")
        run = serial(small(task=task, **TINY), library)
        assert (run.status, run.motifs) == ("finished", ())
        assert library.motifs() == []

    def test_of_few_labelled_samples_are_scored_on_those_held_out(self, library, tmp_path):
        number = np.arange(60)
        spikes = {"time_ms": 5.0 + number % 3, "channel": number % 2, "sample": number, "label": number % 2}
        np.savez(tmp_path / "clicks.npz", **spikes)
        recipe = small(task=f"data:{tmp_path}/clicks.npz", target=0.95, **TINY)
        run = serial(recipe, library)
        assert run.references == (None,)
        assert {m.scores[0].trials for m in run.motifs} == {12}
        assert {m.scores[0].task for m in run.motifs} == {"clicks"}
        assert serial(recipe, library) == run


class TestFiles:
    def test_that_changed_end_a_run_with_one_clear_line(self, library, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Late"), **TINY)
        run_id = recipe.run_id
        interrupted(recipe, library, 4)
        text = (tmp_path / "mine.py").read_text()
        (tmp_path / "mine.py").write_text(text + "\n# new\n")
        with pytest.raises(InputError, match=r"mine\.py:Late: expected the file that the run began with"):
            resume(run_id, library=library, executor="serial")
        assert library.run(run_id).epoch == 1
        (tmp_path / "mine.py").write_text(text)
        assert resume(run_id, library=library, executor="serial").status == "finished"

    def test_that_moved_do_not_keep_a_run_from_going_on(self, library, tmp_path):
        there = tmp_path / "there"
        there.mkdir()
        recipe = small(task=users_tasks(tmp_path, "Late"), **TINY)
        run_id = recipe.run_id
        interrupted(recipe, library, 4)
        (tmp_path / "mine.py").unlink()
        moved = small(task=users_tasks(there, "Late"), **TINY)
        run = serial(moved, library)
        assert (run.id, run.status) == (run_id, "finished")
        assert [report["epoch"] for report in run.reports] == [1, 2, 3]


class TestTrials:
    def test_none_is_met_twice_by_training_validation_and_reported_scores(self, library, monkeypatch):
        """Fresh ones each generation, the same on all islands; others for both looks at the best and for reports."""
        met: dict[int, list[tuple]] = {}
        task = get_task("order")
        trials = type(task).trials

        def watched(self, rng, n):
            made = trials(self, rng, n)
            met.setdefault(n, []).append(tuple(made.stimulus.spikes["a"].time_ms[:5].tolist()))
            return made

        fitness._trials.cache_clear()
        monkeypatch.setattr(type(task), "trials", watched)
        run = serial(RECIPE.model_copy(update={"target": 0.3, "validation_trials": 100}), library)
        held_out, training, *looks = (set(met.pop(n)) for n in (500, RECIPE.trials, 100, 400))
        assert not met
        assert len(training) == len(run.reports) * RECIPE.generations
        assert len(held_out) == 1
        assert [len(look) for look in looks] == [1, 1]
        firsts = [times[0] for times in training.union(held_out, *looks)]
        assert len(set(firsts)) == len(firsts)


DEADLY = '''
import os
from dataclasses import replace

import numpy as np

from evocircuits.tasks.order import Order


class Deadly(Order):
    """One circuit in 24 ends the process that plays it."""

    name = "deadly"

    def play(self, circuit, trials, *, max_spikes=2**31):
        if int(circuit.id[:4], 16) % 24 == 0:
            self.end()
            return replace(super().play(circuit, trials, max_spikes=max_spikes), truncated=True)
        return super().play(circuit, trials, max_spikes=max_spikes)

    def end(self):
        os._exit(3)


class Harmless(Deadly):
    """Those that would end it are invalid."""

    def end(self):
        pass
'''


SHY = '''
from dataclasses import replace

from evocircuits.tasks.order import Order


class Shy(Order):
    """Tells no score of circuits of three neurons and more."""

    name = "shy"

    def score(self, trials, recording):
        right = super().score(trials, recording)
        return right if recording.circuit.n_neurons < 3 else replace(right, graded=float("nan"))
'''


class Lost(SerialExecutor):
    """Is gone after so many submissions."""

    def __init__(self, after: int):
        self.left = after

    def submit(self, function, *values) -> Future:
        self.left -= 1
        return super().submit(function, *values) if self.left >= 0 else Future()

    def check(self):
        if self.left < 0:
            raise ClusterLost("the head of the cluster is gone")


@pytest.mark.parametrize(
    ("submissions", "epochs"), [(5, 1), (9, 3), (10, 3)], ids=["epoch", "harvest", "score"]
)
def test_a_lost_cluster_ends_a_run_with_its_epochs_saved(submissions, epochs, unbroken, library, monkeypatch):
    monkeypatch.setattr(graph, "CHECK_s", 0.1)
    monkeypatch.setattr(executor, "CHECK_s", 0.1)
    expected = rf"the head of the cluster is gone; epochs are saved, continue with: evocircuits resume {RECIPE.run_id}"
    with pytest.raises(ClusterLost, match=expected):
        _drive(RECIPE, library, Lost(submissions), lambda progress: None)
    assert library.run(RECIPE.run_id).epoch == epochs
    assert library.motifs() == []
    resume(RECIPE.run_id, library=library, executor="serial")
    assert rows_of(library) == unbroken[1]


class TestDeadlyGenomes:
    @pytest.fixture
    def runs(self, tmp_path, ray_executor):
        """A run of `Deadly` on Ray, and of `Harmless`, in which the same circuits are invalid, here."""
        (tmp_path / "deadly.py").write_text(DEADLY, encoding="utf-8")
        libraries = [Library(f"sqlite:///{tmp_path}/{name}.db") for name in ("deadly", "harmless")]
        recipes = [
            small(task=f"{tmp_path}/deadly.py:{name}", **TINY, patience=9) for name in ("Deadly", "Harmless")
        ]
        return [
            evolve(recipe, library=library, executor=executor)
            for library, recipe, executor in zip(libraries, recipes, ("ray", "serial"), strict=True)
        ]

    def test_are_quarantined_and_the_run_is_as_if_they_were_invalid(self, runs):
        run, harmless = runs
        quarantined = [row for report in run.reports for row in report.get("quarantined", [])]
        assert quarantined
        for row in quarantined:
            circuit = develop(Genome.from_dict(row["genome"]), dt_ms=0.1)
            assert int(circuit.id[:4], 16) % 24 == 0
        assert [m.circuit.id for m in run.motifs] == [m.circuit.id for m in harmless.motifs]
        assert [m.scores for m in run.motifs] == [m.scores for m in harmless.motifs]
        assert [r["best"] for r in run.reports] == [r["best"] for r in harmless.reports]
        assert json.loads(json.dumps(quarantined)) == quarantined
        assert "quarantined" not in harmless.reports[-1]


class TestTrouble:
    def test_a_failing_step_leaves_no_motif_and_one_clear_line(self, library, monkeypatch):
        def fail(*values):
            raise ValueError("boom")

        monkeypatch.setattr(graph, "advance", fail)
        with pytest.raises(RuntimeError, match=f"run {RECIPE.run_id} failed: boom"):
            serial(RECIPE, library)
        assert library.motifs() == []
        monkeypatch.undo()
        assert serial(RECIPE, library).status == "finished"

    def test_scores_that_are_no_numbers_are_never_selected_nor_stored(self, library, tmp_path):
        file = tmp_path / "mine.py"
        file.write_text(SHY, encoding="utf-8")
        run = serial(small(task=f"{file}:Shy"), library)
        assert max(motif.circuit.n_neurons for motif in run.motifs) == 2
        medians = [report["median"] for report in run.reports]
        assert np.isfinite(medians).all()

    def test_unfinished_run_of_other_versions_is_refused(self, library):
        library.start_run(RECIPE.run_id, RECIPE.model_dump(mode="json"), RECIPE.seed, {"numpy": "1.0"})
        with pytest.raises(InputError, match="expected the versions it was started with"):
            serial(RECIPE, library)

    def test_a_wrong_seed_is_refused_and_leaves_no_run(self, library):
        with pytest.raises(InputError, match="seed: Input should be greater than or equal to 0; got -1"):
            serial(RECIPE, library, seed=-1)
        assert library.runs() == []

    def test_unknown_run_and_executor_are_one_clear_line(self, library):
        with pytest.raises(InputError, match="nothing"):
            resume("nothing", library=library)
        with pytest.raises(InputError, match=r"expected ray, serial, or a cluster's address .*; got 'slurm'"):
            evolve(RECIPE, library=library, executor="slurm")


def test_progress_counts_up_to_all_epochs(library):
    seen = []
    serial(RECIPE, library, on_progress=seen.append)
    assert len(seen) == RECIPE.islands * RECIPE.epochs
    assert [p.epoch for p in seen] == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert seen[-1].seconds_left == 0
    assert all(a.evaluations < b.evaluations for a, b in pairwise(seen))
    assert all(0 <= p.best <= 1 and p.evaluations_per_s > 0 for p in seen)


def test_a_recipe_is_given_by_name_file_or_value(library, tmp_path):
    settings = SETTINGS | TINY | {"epochs": 1}
    (tmp_path / "mine.toml").write_text("\n".join(f"{k} = {json.dumps(v)}" for k, v in settings.items()))
    one = evolve(tmp_path / "mine.toml", seed=9, library=library.url, executor="serial")
    assert one.recipe == parse_recipe(settings | {"seed": 9})
    assert serial(parse_recipe(settings), library, seed=9) == one
