import os
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing import get_context

import pytest
from sqlalchemy import event, text

from evocircuits.errors import InputError
from evocircuits.library import Library
from tests.library.motifs import motif, score


class TestMotifs:
    def test_what_was_added_comes_back_equal(self, url):
        stored = motif(0.6, score(0.75), score(0.3, task="localise"))
        Library(url).add([stored])
        again = Library(url).get(stored.id)
        assert again.to_dict() | {"scores": []} == stored.to_dict() | {"scores": []}
        assert set(again.scores) == set(stored.scores)

    def test_row_carries_sizes_shape_and_run(self, url):
        stored, library = motif(0.6, score()), Library(url)
        library.add([stored])
        columns = "n_excitatory, n_inhibitory, n_synapses, shape, task, run, dt_ms"
        [row] = rows(library, f"SELECT {columns} FROM motif")
        # 2 ears × 3 places, 3 × 2 to the inhibitory pair, and one of its two cells for each place
        assert row == (3, 2, 6 + 6 + 3, stored.circuit.shape, "order", "order-s1-abc", 0.1)

    @pytest.mark.parametrize(
        ("evolved_for", "own"),
        [
            ("order", "order"),
            (["fore", "aft"], "fore"),
            ("/home/someone/mine.py:Fore", "fore"),
            ("data:/home/someone/fore.npz", "fore"),
        ],
    )
    def test_own_task_is_the_first_that_it_was_evolved_for(self, url, evolved_for, own):
        plain, library = motif(0.6, score(0.7, task="fore"), score(0.2, task="aft")), Library(url)
        recipe = plain.provenance.recipe | {"task": evolved_for}
        library.add([replace(plain, provenance=replace(plain.provenance, recipe=recipe))])
        assert rows(library, "SELECT task FROM motif") == [(own,)]
        assert [m.id for m in library.motifs()] == [plain.id]

    def test_adding_again_merges_scores(self, url):
        library = Library(url)
        library.add([motif(0.6, score(0.75, seed=1))])
        library.add([motif(0.6, score(0.70, seed=2)), motif(0.6, score(0.80, seed=1))])
        (kept,) = library.motifs()
        assert {(s.seed, s.raw) for s in kept.scores} == {(1, 0.80), (2, 0.70)}

    def test_best_first(self, url):
        library = Library(url)
        worse, best, other = (
            motif(0.5, score(0.6)),
            motif(0.6, score(0.9)),
            motif(0.7, score(0.99, task="localise")),
        )
        library.add([worse, best, other])
        assert [m.id for m in library.motifs(task="order")] == [best.id, worse.id]
        assert library.motifs(task="order", limit=1) == [best]
        assert library.best("order") == best
        assert library.get("best:order") == best
        assert library.best("localise") == other
        assert [m.id for m in library.motifs()] == [best.id, worse.id, other.id]

    def test_score_over_most_trials_decides(self, url):
        library = Library(url)
        lucky, solid = motif(0.5, score(0.99, trials=10), score(0.6, trials=1000)), motif(0.6, score(0.7))
        library.add([lucky, solid])
        assert library.best("order") == solid

    def test_a_lucky_score_on_few_trials_does_not_lead(self, url):
        library = Library(url)
        solid = motif(0.6, score(0.98, trials=2000))
        library.add([motif(0.5, replace(score(1.0, trials=1), low=0.2, high=1.0)), solid])
        assert library.best("order") == solid

    @pytest.mark.parametrize("dear", [0.5, 0.6])
    def test_of_equal_scores_the_one_that_costs_less_leads(self, url, dear):
        library = Library(url)
        motifs = [motif(x, replace(score(0.8), energy_pJ=9.0 if x == dear else 3.0)) for x in (0.5, 0.6)]
        library.add(motifs)
        assert library.motifs()[-1] == motifs[dear == 0.6]

    def test_of_one_run(self, url):
        library, here = Library(url), motif(0.6, score(), run="order-s2-def")
        library.add([motif(0.5, score()), here, motif(0.7, score(), run=None)])
        assert library.motifs(run="order-s2") == [here]
        assert library.motifs(run="%") == []

    def test_id_may_be_shortened_while_unique(self, url):
        library = Library(url)
        several = [motif(0.3 + i / 100) for i in range(17)]
        library.add(several)
        by_digit = {}
        for m in several:
            by_digit.setdefault(m.id[0], []).append(m)
        shared = next(digit for digit, found in by_digit.items() if len(found) > 1)
        assert library.get(several[0].id[:12]) == several[0]
        with pytest.raises(InputError, match=r"several begin so.*evocircuits ls"):
            library.get(shared)
        with pytest.raises(InputError, match=r"none fits.*evocircuits ls"):
            library.get("zz")
        with pytest.raises(InputError, match="none fits"):
            library.get("%")

    def test_no_motif_for_a_task(self, url):
        with pytest.raises(InputError, match=r"no motif scored on 'order' .what is there: evocircuits ls"):
            Library(url).best("order")

    @pytest.mark.parametrize("wrong", [{"raw": float("nan")}, {"energy_pJ": float("inf")}, {"seed": 2**70}])
    def test_wrong_numbers_leave_nothing_behind(self, url, wrong):
        library = Library(url)
        library.add([motif(0.5, score())])
        before = library.rows_hash()
        with pytest.raises(InputError):
            library.add([motif(0.6, score()), motif(0.7, replace(score(), **wrong))])
        assert library.rows_hash() == before


class TestRuns:
    def test_life_of_a_run(self, url):
        library = Library(url)
        library.start_run("order-s1-abc", {"task": "order"}, 1, {"evocircuits": "0.1.0"})
        assert library.island_states("order-s1-abc") == (0, {})
        library.commit_epoch("order-s1-abc", 1, {0: b"old", 1: b"old"}, {"best": 0.5})
        library.commit_epoch("order-s1-abc", 2, {0: b"zero", 1: b"one"}, {"best": 0.6})
        assert library.island_states("order-s1-abc") == (2, {0: b"zero", 1: b"one"})
        library.finish_run("order-s1-abc", [motif(0.6, score())])
        row = Library(url).run("order")
        assert (row.recipe, row.seed, row.versions) == ({"task": "order"}, 1, {"evocircuits": "0.1.0"})
        assert (row.status, row.epoch, row.reports) == ("finished", 2, [{"best": 0.5}, {"best": 0.6}])
        assert len(library.motifs(run="order-s1-abc")) == 1
        assert library.runs() == [row]

    def test_starting_again_takes_the_stored_run(self, url):
        library = Library(url)
        library.start_run("r", {"task": "order"}, 1, {})
        library.commit_epoch("r", 1, {0: b"state"}, {})
        library.set_status("r", "failed")
        assert library.run("r").status == "failed"
        assert library.start_run("r", {"task": "order"}, 1, {}).epoch == 1
        assert library.run("r").status == "running"
        library.finish_run("r", [])
        assert library.start_run("r", {"task": "order"}, 1, {}).status == "finished"
        with pytest.raises(InputError, match="recipe and seed it was started with"):
            library.start_run("r", {"task": "localise"}, 1, {})

    def test_result_is_added_to_the_last_report(self, url):
        library = Library(url)
        library.start_run("r", {}, 1, {})
        for epoch in (1, 2):
            library.commit_epoch("r", epoch, {0: b"state"}, {"epoch": epoch, "best": 0.5})
        result = {"winners": [motif().id], "references": [None, {"raw": 1.0}], "archive": [{"cell": [0, 1]}]}
        library.finish_run("r", [motif(0.6, score())], result)
        first, last = Library(url).run("r").reports
        assert first == {"epoch": 1, "best": 0.5}
        assert last == {"epoch": 2, "best": 0.5} | result

    def test_result_of_one_run_is_not_that_of_another(self, url):
        library = Library(url)
        for run in ("one", "two"):
            library.start_run(run, {}, 1, {})
            library.commit_epoch(run, 1, {0: b"state"}, {"epoch": 1})
        library.finish_run("one", [], {"winners": ["aa"]})
        assert library.run("one").reports == [{"epoch": 1, "winners": ["aa"]}]
        assert library.run("two").reports == [{"epoch": 1}]

    @pytest.mark.parametrize(
        "statement", ["UPDATE run", "INSERT INTO motif", "DELETE FROM report", "INSERT INTO report"]
    )
    def test_finish_that_fails_anywhere_changes_nothing(self, url, statement):
        library = Library(url)
        library.start_run("r", {}, 1, {})
        library.commit_epoch("r", 1, {0: b"state"}, {"epoch": 1})
        before = library.run("r")
        fail_at(library, statement)
        with pytest.raises(OSError, match="disk full"):
            library.finish_run("r", [motif(0.6, score())], {"winners": []})
        assert Library(url).run("r") == before
        assert Library(url).motifs() == []

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
    def test_result_that_is_no_plain_value_finishes_nothing(self, url, value):
        library = Library(url)
        library.start_run("r", {}, 1, {})
        library.commit_epoch("r", 1, {0: b"state"}, {"epoch": 1})
        with pytest.raises((ValueError, TypeError)):
            library.finish_run("r", [motif(0.6, score())], {"archive": [value]})
        assert library.run("r").status == "running"
        assert library.motifs() == []

    def test_motif_found_by_two_runs_belongs_to_both(self, url):
        library = Library(url)
        for run, seed in (("order-s1", 1), ("order-s2", 2)):
            library.start_run(run, {"task": "order"}, seed, {})
            library.finish_run(run, [motif(0.6, score(seed=seed), run=run)])
        for run in ("order-s1", "order-s2"):
            (found,) = library.motifs(run=run)
            assert (found.id, found.provenance.run) == (motif(0.6).id, "order-s1")
            assert library.rows_hash(run) == library.rows_hash()

    def test_unknown_run(self, url):
        library = Library(url)
        for call in (
            lambda: library.run("nope"),
            lambda: library.commit_epoch("nope", 1, {0: b""}, {}),
            lambda: library.finish_run("nope", [motif()]),
            lambda: library.island_states("nope"),
        ):
            with pytest.raises(InputError, match="nope"):
                call()
        assert library.motifs() == []

    @pytest.mark.parametrize(
        "statement", ["DELETE FROM island_state", "INSERT INTO report", "INSERT INTO island_state"]
    )
    def test_commit_that_fails_anywhere_changes_nothing(self, url, statement):
        library = Library(url)
        library.start_run("r", {}, 1, {})
        library.commit_epoch("r", 1, {0: b"old"}, {"epoch": 1})
        before = library.run("r"), library.island_states("r")
        fail_at(library, statement)
        with pytest.raises(OSError, match="disk full"):
            library.commit_epoch("r", 2, {0: b"new"}, {"epoch": 2})
        assert (library.run("r"), library.island_states("r")) == before

    def test_finish_that_fails_stores_no_motif(self, url):
        library = Library(url)
        library.start_run("r", {}, 1, {})
        with pytest.raises(InputError):
            library.finish_run("r", [motif(0.5, score()), motif(0.6, score(float("nan")))])
        assert (library.motifs(), library.run("r").status) == ([], "running")


def fail_at(library: Library, beginning: str) -> None:
    engine = library.database.engine

    @event.listens_for(engine, "before_cursor_execute")
    def _fail(_connection, cursor, statement, *_):
        if statement.replace('"', "").startswith(beginning):
            raise engine.dialect.dbapi.OperationalError("disk full")


def rows(library: Library, statement: str) -> list[tuple]:
    return library.database.read(lambda connection: list(map(tuple, connection.execute(text(statement)))))


def test_several_processes_lose_no_row(url):
    n = 200 if Library(url).database.is_sqlite else 50
    context = get_context("spawn")
    workers = [context.Process(target=add_some, args=(url, k, n)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    assert len(Library(url).listing()) == 4 * n


def add_some(url: str, k: int, n: int) -> None:
    library = Library(url)
    for i in range(n):
        library.add([motif(0.1 + k / 10 + i / 10_000, score())])


def test_process_killed_within_a_commit_leaves_the_old_state(url):
    library = Library(url)
    library.start_run("r", {}, 1, {})
    library.commit_epoch("r", 1, {0: b"old"}, {})
    program = f"""
import os, signal
from sqlalchemy import event, text
from evocircuits.library import Library
library = Library({url!r})
@event.listens_for(library.database.engine, "before_cursor_execute")
def kill(_c, _cursor, statement, *_):
    if statement.startswith("INSERT INTO island_state"):
        os.kill(os.getpid(), signal.SIGKILL)
library.commit_epoch("r", 2, {{0: b"new"}}, {{}})
"""
    finished = subprocess.run([sys.executable, "-c", program], cwd=os.getcwd())
    assert finished.returncode == -signal.SIGKILL
    assert Library(url).island_states("r") == (1, {0: b"old"})


def test_importing_evocircuits_loads_no_sqlalchemy():
    program = "import sys, evocircuits, evocircuits.motif; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
