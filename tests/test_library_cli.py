"""The verbs of the library: listings, tags, notes, lineage, and those that look after it."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from evocircuits.cli import main
from evocircuits.development import develop
from evocircuits.library import Library
from evocircuits.lineage import Birth
from evocircuits.measure import score_circuit
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task
from tests.library.motifs import motif, score
from tests.library.test_upgrading import ROWS_HASH, STORED


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)


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
def stored() -> list[Motif]:
    """Two motifs in the default library, the better first."""
    motifs = [motif(0.6, score(0.9)), motif(0.5, score(0.7))]
    Library().add(motifs)
    return motifs


def ids_of(out: str) -> list[str]:
    return [found["id"] for found in json.loads(out)["motifs"]]


class TestLs:
    @pytest.fixture
    def four(self) -> list[str]:
        """From good and dear to bad and cheap."""
        motifs = [motif(0.6, score(0.9 - k / 10, energy_pJ=40.0 - 10 * k), hidden=4 - k) for k in range(4)]
        Library().add(motifs)
        return [m.id for m in motifs]

    @pytest.mark.parametrize(
        ("options", "kept"),
        [
            ((), [0, 1, 2, 3]),
            (("--sort", "energy"), [3, 2, 1, 0]),
            (("--task", "order", "--front", "energy", "--front", "neurons"), [0, 1, 2, 3]),
            (("--min-score", 0.5), [0, 1]),
            (("--max-neurons", 5), [2, 3]),
            (("--min-neurons", 6), [0, 1]),
            (("--max-synapses", 1), []),
            (("--ei", "1:1.5"), [1, 2]),
            (("--ei", "1.5:"), [2, 3]),
            (("--ei", ":1"), [0, 1]),
            (("--text", "mut order-s1"), [0, 1, 2, 3]),
            (("--text", "nothing"), []),
            (("--tag", "kept"), [2]),
            (("--tag", "kept", "--tag", "other"), []),
            (("--structure", "mutual inhibition"), []),
            (("--group",), [0, 1, 2, 3]),
            (("--limit", 2, "--offset", 1), [1, 2]),
        ],
    )
    def test_words_choose_and_order(self, run, four, options, kept):
        Library().tag(four[2], "kept")
        assert ids_of(run("ls", "--json", *options)[1]) == [four[k] for k in kept]

    def test_shape_is_that_of_a_motif(self, run, four):
        assert ids_of(run("ls", "--json", "--shape", four[1][:9])[1]) == [four[1]]

    def test_tags_stand_behind_the_run_and_groups_have_a_number(self, run, four):
        run("tag", four[0][:8], "kept", "good")
        first = run("ls", "--group")[1].splitlines()
        assert first[0].split()[-2:] == ["alike", "run"]
        assert first[1].split()[-4:] == ["1", "order-s1-abc", "#good", "#kept"]

    def test_json_has_all_that_a_listing_knows(self, run, four):
        [found] = json.loads(run("ls", "--json", "--limit", 1)[1])["motifs"]
        assert found["shape"] == motif(0.6, hidden=4).circuit.shape
        assert (found["operator"], found["tags"], found["alike"]) == ("mutate", [], 1)

    @pytest.mark.parametrize(
        ("options", "culprit"),
        [
            (("--sort", "beauty"), "beauty"),
            (("--front", "energy"), "task"),
            (("--task", "order", "--front", "score"), "score"),
            (("--ei", "3"), "MIN:MAX"),
            (("--ei", "a:b"), "MIN:MAX"),
            (("--ei", "3:2"), "ei"),
            (("--shape", "zz"), "zz"),
        ],
    )
    def test_what_cannot_be_asked_is_one_line(self, run, four, options, culprit):
        status, out, err = run("ls", *options)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"error: [^\n]+\n", err)
        assert culprit in err


class TestAnnotations:
    def test_tags_come_and_go(self, run, stored):
        id = stored[0].id
        assert run("tag", "best:order", "kept", "good") == (0, f"{id[:8]}: good, kept\n", "")
        assert json.loads(run("tag", id[:8], "good", "--remove", "--json")[1]) == {
            "motif": id,
            "tags": ["kept"],
        }
        assert run("tag", id, "kept", "--remove")[1] == f"{id[:8]}: no tags\n"

    def test_show_prints_tags_and_notes(self, run, stored):
        run("tag", "best:order", "kept")
        assert run("note", "best:order", "two banks")[:2] == (0, f"{stored[0].id[:8]}: two banks\n")
        out = run("show", "best:order")[1]
        assert "  tags: kept\n" in out
        assert re.search(r"^  \d{4}-\d\d-\d\d: two banks$", out, re.MULTILINE)
        document = json.loads(run("show", "best:order", "--json")[1])
        assert document["tags"] == ["kept"]
        assert [note["text"] for note in document["notes"]] == ["two banks"]

    def test_notes_may_be_about_runs(self, run, stored):
        Library().start_run("order-s1-abc", {"epochs": 1}, 1, {})
        document = json.loads(run("note", "order-s1", "before", "--json")[1])
        assert (document["about"], document["notes"][0]["text"]) == ("order-s1-abc", "before")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("tag", "feed", "kept"),
            ("tag", "best:order", "two words"),
            ("note", "feed", "x"),
            ("note", "best:order", ""),
        ],
    )
    def test_what_cannot_be_written_is_one_line(self, run, stored, arguments):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert re.fullmatch(r"error: [^\n]+\n", err)


class TestLineage:
    @pytest.fixture
    def family(self, stored) -> str:
        """The best motif's mother came from a founder, and her other parent is a motif, too."""
        births = [
            Birth("00ff", ("f" * 64, stored[1].id), "crossover", "order-s1-abc", 1, 3),
            Birth("f" * 64, (), "found", "order-s1-abc", 1, 0),
        ]
        Library().add([], births=births)
        return stored[0].id

    def test_is_a_list_from_the_motif_up(self, run, family, stored):
        status, out, err = run("lineage", "best:order")
        assert (status, err) == (0, "")
        assert out.splitlines() == [
            f"* {family[:8]}  mutate  epoch 2, island 0  order 0.900",
            "  00ff  crossover  epoch 1, island 3",
            f"  * {stored[1].id[:8]}  mutate  epoch 2, island 0  order 0.700",
            "    00ff  crossover  epoch 1, island 3  further on elsewhere in this list",
            "  ffffffff  found  epoch 1, island 0",
            "",
            "births: 4, founders: 1; * is a motif of the library",
        ]

    def test_json_and_picture(self, run, family, stored):
        document = json.loads(run("lineage", family[:8], "--draw", "here.svg", "--json")[1])
        assert document["motif"] == family
        assert {birth["child"] for birth in document["births"]} == {family, "00ff", "f" * 64, stored[1].id}
        assert (document["founders"], document["unknown"]) == (["f" * 64], [])
        assert document["picture"] == "here.svg"
        assert Path("here.svg").read_text().startswith("<?xml")

    def test_that_is_not_known_says_so(self, run, stored):
        out = run("lineage", "best:order")[1].splitlines()
        assert out[1:] == [
            "  00ff  ?",
            "",
            "births: 1, founders: 0, of unknown birth (?): 1; * is a motif of the library",
        ]


class TestLibrary:
    def test_verify_says_that_it_is_whole(self, run, stored):
        assert run("library", "verify") == (0, "sqlite:///runs/library.db is whole\n", "")
        assert json.loads(run("library", "verify", "--json")[1])["damage"] == []

    def test_verify_tells_what_is_damaged_with_status_1(self, run, stored):
        with sqlite3.connect("runs/library.db") as connection:
            connection.execute("UPDATE score SET raw = 0.99")
        status, out, _ = run("library", "verify")
        assert status == 1
        assert "score row" in out
        status, out, _ = run("library", "verify", "--json")
        assert (status, len(json.loads(out)["damage"]) >= 2) == (1, True)

    def test_upgrade_brings_an_old_library_up_to_date(self, run):
        Path("runs").mkdir()
        shutil.copy(STORED, "runs/library.db")
        status, out, err = run("ls")
        assert (status, out) == (2, "")
        assert "evocircuits library upgrade" in err
        status, out, _ = run("library", "upgrade")
        assert (status, out) == (
            0,
            "sqlite:///runs/library.db: version 1 → 2; as it was: runs/library.db.version-1\n",
        )
        assert Library().rows_hash() == ROWS_HASH
        again = json.loads(run("library", "upgrade", "--json")[1])
        assert (again["before"], again["after"], again["copy"]) == (2, 2, None)

    def test_prune_tells_what_went(self, run, stored):
        told = json.loads(run("library", "prune", "--keep", 1, "--dry-run", "--json")[1])
        assert told == {"motifs": 1, "runs": 0, "births": 1, "dry_run": True}
        assert len(Library().listing()) == 2
        assert run("library", "prune", "--keep", 1)[1].startswith("gone: 1 motifs, ")
        assert [row.id for row in Library().listing()] == [stored[0].id]

    def test_a_library_that_is_not_there_is_not_made(self, run):
        for verb in (("verify",), ("upgrade",), ("export", "a.jsonl")):
            status, out, err = run("library", *verb)
            assert (status, out) == (2, "")
            assert "no such file" in err
        assert not Path("runs").exists()

    def test_help_has_an_example_of_every_verb(self, run):
        for verb in ("verify", "upgrade", "prune", "export", "import"):
            assert f"  evocircuits library {verb}" in run("library", verb, "--help")[1]


class TestTransfer:
    @pytest.fixture
    def reference(self) -> Motif:
        """A motif whose score can be measured."""
        task = get_task("order")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        measured = score_circuit(circuit, task, seed=3, n_trials=50)
        return Motif(task.reference(), circuit, task.dt_ms, Provenance("hand-wired"), (measured,))

    def test_a_whole_library_goes_into_another(self, run, reference, tmp_path):
        library, other = Library(), f"sqlite:///{tmp_path}/other.db"
        library.add(
            [reference, motif(0.6, score())], births=[Birth("00ff", (), "found", "order-s1-abc", 1, 0)]
        )
        library.tag(reference.id, "kept")
        library.note(reference.id, "textbook")
        assert run("library", "export", "all.jsonl") == (0, "2 motifs written to all.jsonl\n", "")
        status, out, _ = run("library", "import", "all.jsonl", "--library", other)
        assert (status, out) == (0, "2 motifs from all.jsonl; 0 more were there already\n")
        taken = Library(other)
        assert taken.get(reference.id) == reference
        assert taken.get(motif(0.6).id).scores == ()  # nobody here knows how to measure it
        assert taken.tags(reference.id) == ("kept",)
        assert [note.text for note in taken.notes(reference.id)] == ["textbook"]
        assert taken.lineage(motif(0.6).id).founders == ["00ff"]
        again = json.loads(run("library", "import", "all.jsonl", "--library", other, "--json")[1])
        assert again == {"file": "all.jsonl", "added": 0, "known": 2}

    def test_claimed_scores_are_measured_anew_or_left_out(self, run, reference, tmp_path):
        from dataclasses import replace

        honest = reference.scores[0]
        Library().add([replace(reference, scores=(replace(honest, raw=0.5, low=0.1),))])
        run("library", "export", "all.jsonl")
        for trials, scores in ((100, (honest,)), (0, ())):
            other = f"sqlite:///{tmp_path}/{trials}.db"
            run("library", "import", "all.jsonl", "--trials", trials, "--library", other)
            assert Library(other).get(reference.id).scores == scores

    def test_a_malformed_file_adds_nothing(self, run, stored, tmp_path):
        run("library", "export", "all.jsonl")
        with Path("all.jsonl").open("a") as file:
            file.write("{}\n")
        other = f"sqlite:///{tmp_path}/other.db"
        status, out, err = run("library", "import", "all.jsonl", "--library", other)
        assert (status, out) == (2, "")
        assert "all.jsonl, line" in err
        assert not (tmp_path / "other.db").exists()

    def test_of_a_damaged_library_what_is_whole_is_saved(self, run, stored):
        with sqlite3.connect("runs/library.db") as connection:
            connection.execute("UPDATE motif SET dt_ms = 7 WHERE id = ?", (stored[0].id,))
        status, out, _ = run("library", "export", "all.jsonl")
        assert status == 0
        assert out.startswith("1 motifs written to all.jsonl\ndamaged and left out:\n  motif row")
        document = json.loads(run("library", "export", "all.jsonl", "--json")[1])
        assert (document["motifs"], len(document["lost"])) == (1, 1)
