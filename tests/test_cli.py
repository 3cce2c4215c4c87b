import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evocircuits.cli import main, networks
from evocircuits.development import develop
from evocircuits.exchange import write_motif
from evocircuits.genome import Genome
from evocircuits.library import Library
from evocircuits.measure import score_circuit
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import TASKS, get_task
from tests.library.motifs import motif, score
from tests.search.small import users_tasks

TINY = """
task = {task}
islands = 2
epochs = {epochs}
migrants = {migrants}
generations = 1
parents = 4
offspring = 4
elites = 2
trials = 16
validation_trials = 32
held_out_trials = 100
winners = 2
"""


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys):
    """Run a command in this process: (status, standard output, standard error)."""

    def call(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


@pytest.fixture
def stored():
    """Two motifs in the default library, the better first."""
    motifs = [motif(0.6, score(0.9)), motif(0.5, score(0.7))]
    Library().add(motifs)
    return motifs


def tiny(epochs: int = 2, task: str | list[str] = "order", migrants: int = 2, more: str = "") -> Path:
    settings = TINY.format(epochs=epochs, task=json.dumps(task), migrants=migrants)
    Path("tiny.toml").write_text(settings + more)
    return Path("tiny.toml")


class TestLs:
    def test_best_first_in_plain_lines(self, run, stored):
        status, out, err = run("ls")
        header, best, second = out.splitlines()
        assert (status, err) == (0, "")
        assert header.split() == ["id", "task", "score", "±", "norm.", "E+I", "syn.", "energy", "run"]
        assert best.split() == [
            stored[0].id[:8],
            "order",
            "0.900",
            "0.030",
            "0.80",
            "3+2",
            "15",
            "27.0",
            "pJ",
            "order-s1-abc",
        ]
        assert second.split()[0] == stored[1].id[:8]
        assert "\x1b" not in out
        assert max(map(len, out.splitlines())) <= 80

    def test_json(self, run, stored):
        status, out, _ = run("ls", "--json", "--limit", 1)
        (found,) = json.loads(out)["motifs"]
        assert status == 0
        assert (found["id"], found["excitatory"], found["inhibitory"]) == (stored[0].id, 3, 2)
        assert (found["synapses"], found["score"]["raw"]) == (15, 0.9)

    def test_filters(self, run, stored):
        assert json.loads(run("ls", "--task", "localise", "--json")[1]) == {"motifs": []}
        assert len(json.loads(run("ls", "--run", "order-s1", "--json")[1])["motifs"]) == 2
        assert "evocircuits evolve" in run("ls", "--run", "order-s2")[1]

    def test_library_is_an_option_or_a_variable(self, run, stored, monkeypatch, tmp_path):
        assert (
            json.loads(run("ls", "--json", "--library", f"sqlite:///{tmp_path}/other.db")[1])["motifs"] == []
        )
        monkeypatch.setenv("EVOCIRCUITS_LIBRARY", f"sqlite:///{tmp_path}/other.db")
        assert json.loads(run("ls", "--json")[1])["motifs"] == []

    def test_names_cannot_drive_the_terminal(self, run):
        Library().add([motif(0.6, score(), run="\x1b]0;title\x07\nrun[bold red]")])
        out = run("ls")[1]
        assert "\x1b" not in out
        assert len(out.splitlines()) == 2
        assert "run[bold red]" in out


class TestShow:
    def test_draws_into_runs_pictures(self, run, stored):
        status, out, _ = run("show", stored[0].id[:6])
        picture = Path(f"runs/pictures/{stored[0].id[:8]}.svg")
        assert status == 0
        assert stored[0].id in out
        assert str(picture) in out
        assert picture.read_text().startswith("<?xml")

    def test_tables_of_genes(self, run, stored):
        out = run("show", stored[0].id)[1]
        rows = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
        assert ["E1", "3", "10", "2", "2", "4", "0", "place"] in rows
        assert ["I1", "2", "5", "1", "2", "4", "0", "–"] in rows
        assert ["ear → E1", "all to all", "0.6", "1", "+0.3"] in rows
        assert ["I1 → E1", "one to one", "0.8", "0.5", "–"] in rows
        assert "order: 0.900 ±0.030" in out

    def test_draw_to_a_file(self, run, stored):
        run("show", stored[0].id, "--draw", "here.png")
        assert Path("here.png").read_bytes().startswith(b"\x89PNG")
        assert not Path("runs/pictures").exists()

    def test_json_holds_the_whole_motif(self, run, stored):
        document = json.loads(run("show", stored[0].id, "--json")[1])
        assert document["motif"] == json.loads(json.dumps(stored[0].to_dict()))
        assert Path(document["picture"]).exists()


class TestExchange:
    def test_export_then_import_gives_the_same_id(self, run, stored, tmp_path):
        assert run("export", stored[0].id[:8], "m.json")[0] == 0
        other = f"sqlite:///{tmp_path}/other.db"
        assert run("import", "m.json", "--library", other)[0] == 0
        assert Library(other).get(stored[0].id) == replace(
            stored[0], scores=()
        )  # its ports are no known task's

    def test_claimed_scores_are_not_believed(self, run, tmp_path):
        task = get_task("order")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        honest = score_circuit(circuit, task, seed=3, n_trials=100)
        claim = replace(honest, raw=0.5, low=0.1)
        write_motif(Motif(task.reference(), circuit, task.dt_ms, Provenance("stranger"), (claim,)), "m.json")
        assert run("import", "m.json")[0] == 0
        assert Library().get(circuit.id).scores == (honest,)

    def test_json(self, run, stored):
        assert json.loads(run("export", stored[0].id, "m.json", "--json")[1]) == {
            "id": stored[0].id,
            "file": "m.json",
        }
        assert json.loads(run("import", "m.json", "--json")[1]) == {"imported": [stored[0].id]}

    def test_one_malformed_file_imports_nothing(self, run, stored, tmp_path):
        run("export", stored[0].id, "good.json")
        Path("bad.json").write_text("{}")
        other = f"sqlite:///{tmp_path}/other.db"
        status, _, err = run("import", "good.json", "bad.json", "--library", other)
        assert status == 2
        assert "bad.json" in err
        assert Library(other).motifs() == []


WRONG = {
    "unknown motif": (["show", "feed"], "'feed'"),
    "unknown motif to export": (["export", "feed", "m.json"], "'feed'"),
    "ambiguous motif": (["show", ""], "several"),
    "unknown run": (["resume", "nope"], "'nope'"),
    "missing file": (["import", "missing.json"], "missing.json"),
    "malformed file": (["import", "malformed.json"], "malformed.json"),
    "missing recipe": (["evolve", "missing.toml"], "missing.toml"),
    "unknown recipe key": (["evolve", "unknown-key.toml", "--executor", "serial"], "populatoin"),
    "malformed recipe": (["evolve", "malformed.toml"], "TOML"),
    "unknown baseline": (["evolve", "tiny.toml", "--baseline", "luck"], "luck"),
    "unknown task": (["tasks", "chess"], "chess"),
    "unknown task to score on": (["score", "{id}", "--task", "chess"], "chess"),
    "no task to score on": (["score", "{id}"], "--task"),
    "task with other ports": (
        ["score", "reference:order", "--task", "localise"],
        "expected a circuit with ports",
    ),
    "reference of no task": (["score", "reference:chess", "--task", "order"], "chess"),
    "no trial": (["score", "{id}", "--task", "order", "--trials", "0"], "--trials"),
    "a single life": (["score", "reference:imprint", "--task", "imprint", "--trials", "1"], "at least 2"),
    "missing motif file": (["score", "missing.json", "--task", "order"], "missing.json"),
    "life of a task without lives": (["tasks", "order", "--draw", "life.html"], ".svg"),
    "picture of no task": (["tasks", "--draw", "a.png"], "--draw"),
    "picture of unknown kind": (["show", "{id}", "--draw", "a.docx"], ".svg"),
    "export into a missing folder": (["export", "{id}", "no/folder/m.json"], "no/folder"),
    "no URL": (["ls", "--library", "library.db"], "sqlite:///"),
    "file that is no library": (["ls", "--library", "sqlite:///malformed.json"], "malformed.json"),
    "no worker": (["evolve", "tiny.toml", "--workers", "0"], "workers"),
    "unknown verb": (["evovle"], "evovle"),
    "unknown option": (["ls", "--colour"], "--colour"),
    "missing argument": (["show"], "ID"),
    "no number": (["ls", "--limit", "few"], "--limit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_request_is_one_line_and_status_2(run, stored, case):
    Path("malformed.json").write_text('{"format": "evocircuits-motif"' * 30)
    Path("malformed.toml").write_text("task order")
    Path("unknown-key.toml").write_text('task = "order"\npopulatoin = 3\n')
    tiny()
    before = Library().rows_hash()
    arguments, culprit = WRONG[case]
    status, out, err = run(*(stored[0].id if a == "{id}" else a for a in arguments))
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert culprit in err
    assert Library().rows_hash() == before


def test_wrong_request_with_json_prints_one_document(run):
    status, out, err = run("show", "feed", "--json")
    assert status == 2
    assert json.loads(out)["error"] in err


def test_storage_that_fails_is_status_1(run, stored, monkeypatch):
    monkeypatch.setattr(
        Library, "add", lambda *_: (_ for _ in ()).throw(OSError("library x: disk full; nothing was stored"))
    )
    run("export", stored[0].id, "m.json")
    assert run("import", "m.json") == (1, "", "error: library x: disk full; nothing was stored\n")


class TestEvolve:
    def test_winners_beside_reference_chance_and_ceiling(self, run):
        status, out, err = run("evolve", tiny(), "--executor", "serial")
        assert status == 0
        names = [line.split()[0] for line in out.splitlines() if line]
        best, second = Library().motifs(task="order")
        assert names[:7] == ["run", "order", best.id[:8], second.id[:8], "hand-wired", "ceiling", "chance"]
        assert "epoch 1/2" in err
        assert "\x1b" not in out + err

    def test_json(self, run):
        status, out, _ = run("evolve", tiny(), "--executor", "serial", "--json", "--seed", 3)
        document = json.loads(out)
        assert (status, document["seed"], document["epochs"], document["chance"]["order"]) == (0, 3, 2, 0.5)
        assert [w["id"] for w in document["winners"]] == [m.id for m in Library().motifs()]
        assert document["references"]["order"]["trials"] == 100
        assert document["search"] == "evolution"
        assert document["evaluations"] > 0
        assert document["simulated_s"] == pytest.approx(document["evaluations"] * 16 * 0.15)
        assert document["operators"]["found"]["uses"] == 2 * 8

    def test_again_shows_the_stored_run(self, run):
        first = run("evolve", tiny(), "--executor", "serial", "--json")[1]
        assert run("evolve", "tiny.toml", "--executor", "serial", "--json")[1] == first
        (listed,) = json.loads(run("ls", "--runs", "--json")[1])["runs"]
        assert (listed["id"], listed["status"], listed["epoch"]) == (json.loads(first)["run"], "finished", 2)
        assert listed["id"] in run("ls", "--runs")[1]

    def test_leads_from_its_motifs_to_their_founders(self, run):
        run("evolve", tiny(), "--executor", "serial")
        document = json.loads(run("lineage", "best:order", "--json")[1])
        births = {birth["child"]: birth for birth in document["births"]}
        assert document["motif"] in births
        assert document["unknown"] == []
        assert {births[id]["operator"] for id in document["founders"]} == {"found"}
        out = run("lineage", "best:order", "--draw", "lineage.svg")[1].splitlines()
        assert out[0].startswith(f"* {document['motif'][:8]}  ")
        assert out[-1] == "picture: lineage.svg"
        assert f"births: {len(births)}, founders: {len(document['founders'])}; * is a motif" in out[-3]
        assert Path("lineage.svg").read_text().startswith("<?xml")

    def test_interrupted_then_resumed_gives_the_rows_of_an_unbroken_run(self, run, monkeypatch, tmp_path):
        unbroken = f"sqlite:///{tmp_path}/unbroken.db"
        run("evolve", tiny(), "--executor", "serial", "--library", unbroken)
        with monkeypatch.context() as patch:
            patch.setattr("evocircuits.progress.shown_progress", interrupting_after_an_epoch)
            status, out, err = run("evolve", "tiny.toml", "--executor", "serial")
        assert (status, out) == (130, "")
        told = re.fullmatch(r"interrupted; continue with: evocircuits resume (\S+)\n", err)
        assert Library().run(told[1]).epoch == 1
        assert run("resume", told[1][:9], "--executor", "serial")[0] == 0
        assert Library().rows_hash() == Library(unbroken).rows_hash()

    def test_failed_run_leaves_the_library_as_it_was(self, run, stored, monkeypatch):
        def fail(*_):
            raise ZeroDivisionError("float division by zero")

        before = Library().rows_hash()
        monkeypatch.setattr("evocircuits.search.graph.advance", fail)
        status, out, err = run("evolve", tiny(), "--executor", "serial")
        assert (status, out) == (1, "")
        assert re.fullmatch(r"error: run order-s1-\w+ failed: float division by zero\n", err)
        assert Library().rows_hash() == before

    @pytest.mark.parametrize("baseline", ["random", "hill_climbing"])
    def test_a_baseline_spends_as_much_on_the_same_task(self, run, baseline):
        recipe = tiny(migrants=0, more='\nstrategies = ["population"]\n')
        plain = json.loads(run("evolve", recipe, "--executor", "serial", "--json")[1])
        arguments = ("evolve", "tiny.toml", "--baseline", baseline, "--executor", "serial", "--json")
        status, out, _ = run(*arguments)
        document = json.loads(out)
        assert (status, document["search"]) == (0, baseline)
        assert document["run"] != plain["run"]
        not_spent = document["evaluations"] - plain["evaluations"]  # too few for a further step of CMA-ES
        assert 0 <= not_spent < 0.1 * plain["evaluations"]
        assert set(document["operators"]) & {"random", "crossover"} == ({"random"} & {baseline})
        assert {listed["id"] for listed in json.loads(run("ls", "--runs", "--json")[1])["runs"]} == {
            document["run"],
            plain["run"],
        }
        assert run("evolve", "tiny.toml", "--baseline", baseline, "--executor", "serial")[0] == 0

    def test_a_picture_of_its_history(self, run):
        document = json.loads(run("evolve", tiny(), "--executor", "serial", "--json")[1])
        [picture] = map(Path, document["pictures"])
        assert picture == Path(f"runs/pictures/{document['run']}.svg")
        text = picture.read_text()
        assert text.startswith("<?xml")
        assert "hand-wired" in text
        assert "target" not in text
        assert str(picture) in run("evolve", "tiny.toml", "--executor", "serial")[1]

    def test_a_picture_of_its_archive(self, run):
        more = 'strategies = ["map_elites"]\ntarget = 0.99'
        document = json.loads(run("evolve", tiny(more=more), "--executor", "serial", "--json")[1])
        history, archive = map(Path, document["pictures"])
        assert "target" in history.read_text()
        assert archive == Path(f"runs/pictures/{document['run']}-map.svg")
        assert "spikes per trial" in archive.read_text()
        assert {row["motif"] for row in document["archive"]} <= {m.id for m in Library().motifs()}
        out = run("evolve", "tiny.toml", "--executor", "serial")[1]
        assert f"{len(document['archive'])} elites of its archives are motifs too." in out

    def test_an_archive_over_one_descriptor_has_no_map(self, run):
        more = 'strategies = ["novelty"]\ndescriptors = ["neurons"]'
        document = json.loads(run("evolve", tiny(more=more), "--executor", "serial", "--json")[1])
        assert document["archive"]
        assert len(document["pictures"]) == 1

    def test_a_users_task_from_a_file_beside_the_recipe(self, run, tmp_path):
        users_tasks(tmp_path)
        status, out, _ = run("evolve", tiny(task="mine.py:Fore"), "--executor", "serial")
        names = [line.split()[0] for line in out.splitlines() if line]
        best, second = Library().motifs(task="fore")
        assert status == 0
        assert names[:6] == ["run", "fore", best.id[:8], second.id[:8], "ceiling", "chance"]
        assert run("score", best.id, "--task", "mine.py:Fore", "--trials", 20)[0] == 0
        assert "fore: " in run("show", best.id)[1]

    def test_a_generalist_has_a_table_for_each_task(self, run, tmp_path):
        users_tasks(tmp_path)
        tiny(task=["mine.py:Fore", "mine.py:Late"])
        status, out, _ = run("evolve", "tiny.toml", "--executor", "serial")
        document = json.loads(run("evolve", "tiny.toml", "--executor", "serial", "--json")[1])
        assert status == 0
        tables = [
            line.split() for line in out.splitlines() if line.startswith(("fore", "late", "hand-wired"))
        ]
        assert [row[0] for row in tables] == ["fore", "late", "hand-wired"]
        ids = [line.split()[0] for line in out.splitlines() if line]
        winners = {w["id"] for w in document["winners"]}
        assert all(ids.count(id[:8]) == 2 for id in winners)
        assert document["references"]["fore"] is None
        assert document["references"]["late"]["raw"] == 1.0
        assert [w["score"]["task"] for w in document["winners"]] == ["fore", "late"] * len(winners)

    def test_nothing_found_is_said_so(self, run, tmp_path):
        users_tasks(tmp_path)
        status, out, _ = run("evolve", tiny(task="mine.py:Hopeless"), "--executor", "serial")
        assert status == 0
        assert "No circuit did better than chance" in out
        document = json.loads(run("evolve", "tiny.toml", "--executor", "serial", "--json")[1])
        assert document["winners"] == []

    def test_a_file_that_changed_since_is_one_line(self, run, tmp_path, monkeypatch):
        users_tasks(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("evocircuits.progress.shown_progress", interrupting_after_an_epoch)
            err = run("evolve", tiny(task="mine.py:Fore"), "--executor", "serial")[2]
        id = err.split()[-1]
        Path("mine.py").write_text(Path("mine.py").read_text() + "\n# new\n")
        status, out, err = run("resume", id, "--executor", "serial")
        assert (status, out) == (2, "")
        assert re.fullmatch(
            r"error: [^\n]*mine\.py:Fore: expected the file that the run began with[^\n]*\n", err
        )

    @pytest.mark.parametrize(
        ("how", "executor"),
        [(signal.SIGINT, "serial"), (signal.SIGTERM, "serial"), (signal.SIGTERM, "ray")],
    )
    def test_ctrl_c_and_a_polite_kill_end_it_in_one_line(self, how, executor):
        process = command(
            "evolve", tiny(epochs=500), "--executor", executor, stderr=subprocess.PIPE, text=True
        )
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                break
        process.send_signal(how)
        last = [line for line in process.stderr.read().splitlines() if not line.startswith("epoch ")]
        assert process.wait(20) == 130
        assert len(last) == 1
        assert last[0].startswith("interrupted; continue with: evocircuits resume order-s1-")
        (row,) = Library().runs()
        assert row.status == "running"
        assert row.epoch >= 2


class TestRuns:
    @pytest.fixture
    def driven(self):
        """A run that another process drives, after its first epochs."""
        arguments = ("evolve", tiny(epochs=5000), "--executor", "serial")
        process = command(*arguments, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith("epoch 2/"):
                break
        yield process
        process.kill()
        process.communicate()

    def test_stop_ends_a_run_of_another_terminal_after_an_epoch(self, run, driven):
        status, out, _ = run("stop", "order")
        told = re.fullmatch(r"run (\S+) stops after epoch (\d+); continue with: evocircuits resume \1\n", out)
        assert status == 0
        *_, last = driven.stderr.read().splitlines()
        assert driven.wait(20) == 130
        stopped = re.fullmatch(
            r"run (\S+): stopped as asked, after epoch (\d+) of 5000; continue with: evocircuits resume \1",
            last,
        )
        assert stopped[1] == told[1]
        row = Library().run(stopped[1])
        assert (row.status, row.epoch) == ("stopped", int(stopped[2]))
        assert row.epoch >= int(told[2])
        assert run("stop", "order")[0] == 2

    def test_of_another_terminal_cannot_be_driven_from_here(self, run, driven):
        for again in (("resume", "order"), ("evolve", "tiny.toml"), ("extend", "order", "--epochs", 1)):
            status, out, err = run(*again, "--executor", "serial")
            assert (status, out) == (2, "")
            assert re.fullmatch(rf"error: run order-s1-\w+: [^\n]*process {driven.pid} on [^\n]+\n", err)

    def test_status_tells_how_far_it_is(self, run, driven):
        status, out, _ = run("status", "order")
        assert status == 0
        assert re.match(r"run order-s1-\w+ unfinished: epoch \d+ of 5000, \d+ evaluations in ", out)
        assert [line.split()[:2] for line in out.splitlines()[-2:]] == [["0", "population"], ["1", "memetic"]]
        document = json.loads(run("status", "order", "--json")[1])
        assert document["status"] == "running"
        assert 2 <= document["epoch"] < document["epochs"] == 5000
        assert document["last"]["epoch"] == document["epoch"]

    def test_watch_follows_it_to_its_end(self, run, driven):
        watching = command(
            "status", "order", "--watch", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for line in watching.stderr:
            if line.startswith("epoch "):
                break
        run("stop", "order")
        out, _ = watching.communicate(timeout=30)
        assert re.match(r"run order-s1-\w+ stopped: epoch \d+ of 5000", out)

    def test_a_run_without_an_epoch_has_a_status(self, run):
        Library().start_run("order-s1-abc", {"epochs": 7}, 1, {})
        assert run("status", "order")[1] == "run order-s1-abc unfinished: epoch 0 of 7\n"
        assert json.loads(run("status", "order", "--json")[1])["last"] is None

    def test_extend_adds_epochs(self, run):
        first = json.loads(run("evolve", tiny(), "--executor", "serial", "--json")[1])
        arguments = ("extend", "order", "--epochs", 2, "--executor", "serial", "--json")
        status, out, _ = run(*arguments)
        longer = json.loads(out)
        assert (status, longer["run"], longer["epochs"]) == (0, first["run"], 4)
        assert longer["evaluations"] > first["evaluations"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ("status", "nothing"),
            ("stop", "nothing"),
            ("extend", "nothing", "--epochs", 1),
            ("extend", "order"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, run, arguments):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"error: [^\n]+\n", err)

    def test_watch_and_json_exclude_each_other(self, run, stored):
        Library().start_run("order-s1-abc", {"epochs": 7}, 1, {})
        assert run("status", "order", "--watch", "--json")[0] == 2


@contextmanager
def interrupting_after_an_epoch():
    def interrupt(progress):
        if progress.epoch == 1:
            raise KeyboardInterrupt

    yield interrupt


def command(*arguments, **options) -> subprocess.Popen:
    program = "from evocircuits.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], **options)


class TestTrain:
    def test_table_result_and_curves(self, run, stored):
        pytest.importorskip("torch")
        options = ("--seeds", 1, "--epochs", 1, "--copies", 4, "--arm", "motif", "--arm", "mlp")
        status, out, err = run("train", stored[0].id[:8], *options, "--json")
        document = json.loads(out)
        assert status == 0
        assert [r["arm"] for r in document["runs"]] == ["motif", "mlp"]
        assert "motif, seed 0, epoch 1/1: validation accuracy" in err
        folder = Path(f"runs/train-{stored[0].id[:8]}-digits")
        assert document["folder"] == str(folder)
        assert json.loads((folder / "result.json").read_text())["motif"] == stored[0].id
        assert (folder / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
        assert [row.result for row in Library().trainings(stored[0].id)] == document["runs"][::-1]

    def test_networks_in_the_library_are_not_trained_again(self, run, stored, monkeypatch):
        training = pytest.importorskip("evocircuits.nn.train")
        made, most = [], 3

        def trained(motif, data, arm, seed, *, epochs, copies, on_progress):
            if len(made) == most:
                raise KeyboardInterrupt
            made.append((arm, seed, copies))
            return training.TrainingRun(arm, seed, (1.0,), (0.5,), 0.5, 20, 300, (1.0, 2.0), 7, 1.0)

        monkeypatch.setattr(training, "train_one", trained)
        options = ("train", stored[0].id, "--epochs", 1, "--seeds", 2, "--workers", 1)
        status, _, err = run(*options)
        assert (status, err) == (130, "interrupted; the same command goes on where it stopped\n")
        most = 99
        assert run(*options)[0] == 0
        assert run(*options, "--copies", 5)[0] == 0
        every = [(arm, seed) for arm in ("motif", "random", "dense") for seed in (0, 1)]
        assert made == [(*key, 64) for key in every] + [(*key, 5) for key in every]

    def test_help_names_every_arm_and_kind_of_data(self):
        assemble, data = (pytest.importorskip(f"evocircuits.nn.{name}") for name in ("assemble", "data"))
        assert networks.ARMS.partition(";")[0].split(", ") == list(assemble.EVERY_ARM)
        assert all(
            name in networks.DATA for name in (*data.NAMED, *(f"{kind}:FILE" for kind in data.READERS))
        )

    def test_arms_side_by_side(self, run, stored, monkeypatch):
        training = pytest.importorskip("evocircuits.nn.train")
        runs = [("motif", 0, 0.9), ("motif", 1, 0.8), ("dense", 0, 0.6), ("dense", 1, 0.6)]
        done = [
            training.TrainingRun(arm, seed, (1.0,), (a,), a, 20, 300, (1, 2), 7, 1.0) for arm, seed, a in runs
        ]
        result = training.TrainingResult(stored[0].id, "digits", 1, 32, tuple(done))
        monkeypatch.setattr(training, "train_arms", lambda *_, **__: result)
        status, out, _ = run("train", stored[0].id, "--out", "here")
        rows = [line.split() for line in out.splitlines()]
        assert status == 0
        # t(1) = 12.706 times the standard error of 5 %
        assert rows[1] == ["motif", "85.0%", "63.5%", "20", "300", "7"]
        assert rows[2] == ["dense", "60.0%", "0.0%", "20", "300", "7"]
        assert sorted(p.name for p in Path("here").iterdir()) == ["learning_curve.png", "result.json"]

    def test_folder_that_cannot_be(self, run, stored):
        Path("taken").touch()
        status, _, err = run("train", stored[0].id, "--out", "taken/here")
        assert status == 2
        assert re.fullmatch(r"error: taken/here: [^\n]+\n", err)

    def test_without_torch(self, stored):
        program = (
            "import sys; sys.modules['torch'] = None; from evocircuits.cli import main; main(sys.argv[1:])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "train", stored[0].id], capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"error: [^\n]*pip install 'evocircuits\[nn\]'\n", done.stderr)


class TestTasks:
    def test_every_task_with_its_bounds(self, run):
        status, out, _ = run("tasks")
        assert status == 0
        assert "chance 0.500, ceiling 1.000, spike counts alone 0.500" in out
        assert "left (1), right (1) → place (13)" in out
        assert max(map(len, out.splitlines())) <= 80
        assert len(json.loads(run("tasks", "--json")[1])["tasks"]) == len(TASKS)

    def test_one_in_full_with_its_reference_and_a_picture(self, run):
        status, out, _ = run("tasks", "order")
        assert status == 0
        assert "Barlow & Levick" in out
        assert "b → I1" in out
        assert "order: share correct 1.000 (95 % interval 0.996…1.000)" in out
        assert Path("runs/pictures/order.svg").read_text().startswith("<?xml")

    def test_one_as_json_drawn_where_asked(self, run):
        (task,) = json.loads(run("tasks", "localise", "--json", "--draw", "one.png")[1])["tasks"]
        ports = ({"left": 1, "right": 1}, {"place": 13})
        assert (task["name"], task["inputs"], task["outputs"]) == ("localise", *ports)
        assert task["score"]["trials"] == 1000
        assert Genome.from_dict(task["reference"]) == get_task("localise").reference()
        assert Path(task["picture"]) == Path("one.png")
        assert Path("one.png").stat().st_size > 10_000

    def test_a_life_to_watch(self, run):
        status, out, _ = run("tasks", "forage", "--draw", "life.html")
        assert status == 0
        assert "net meals a life" in out
        assert Path("life.html").read_text().startswith("<!DOCTYPE html>")


class TestScore:
    def test_a_motif_of_the_library_keeps_its_score(self, run):
        genome = get_task("order").reference()
        circuit = develop(genome, dt_ms=0.1)
        Library().add([Motif(genome, circuit, 0.1, Provenance("hand-wired"))])
        arguments = ("score", circuit.id[:6], "--task", "order", "--trials", 50, "--seed", 4)
        status, out, err = run(*arguments)
        assert (status, err) == (0, "")
        assert out.startswith("order: share correct 1.000 (95 % interval 0.929…1.000)\n")
        assert "50 trials of seed 4" in out
        (kept,) = Library().get(circuit.id).scores
        assert kept == score_circuit(circuit, get_task("order"), seed=4, n_trials=50)
        assert json.loads(run(*arguments, "--json")[1]) == {"motif": circuit.id, "score": vars(kept)}

    def test_a_file_and_a_reference_need_no_library(self, run):
        genome = get_task("order").reference()
        circuit = develop(genome, dt_ms=0.1)
        write_motif(Motif(genome, circuit, 0.1, Provenance("hand-wired")), Path("m.json"))
        asked = ("--task", "order", "--trials", 20)
        assert run("score", "m.json", *asked) == run("score", "reference:order", *asked)
        assert not Path("runs").exists()


def test_help_has_an_example_of_every_verb(run):
    status, out, _ = run()
    verbs = re.findall(r"^  (\w+)  ", out.split("Commands:")[1], re.MULTILINE)
    assert status == 0
    of_runs = {"evolve", "resume", "extend", "status", "stop", "doctor"}
    of_library = {
        "ls",
        "show",
        "export",
        "import",
        "tag",
        "note",
        "lineage",
        "certify",
        "library",
        "draw",
        "browse",
    }
    assert of_runs | of_library | {"score", "tasks", "train", "new"} == set(verbs)
    for verb in verbs:
        assert f"  evocircuits {verb}" in run(verb, "--help")[1]


def test_help_is_quick_and_loads_nothing_heavy():
    program = (
        "import sys\nfrom evocircuits.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(sorted({'ray', 'torch', 'sqlalchemy', 'matplotlib', 'numba'} & set(sys.modules)))"
    )
    start = time.process_time(), os.times().children_user
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    assert os.times().children_user - start[1] < 0.5
