import json
from dataclasses import asdict

import pytest

from evocircuits.errors import InputError
from evocircuits.exchange import Entry, read_library, write_library
from evocircuits.exchange.library_file import LONGEST, Note
from evocircuits.lineage import Birth
from tests.library.motifs import motif, score

HEADER = {"format": "evocircuits-library", "version": 1}
ONE = motif(0.6, score(0.7))
BIRTH = Birth("aa", ("bb",), "copy", "order-s1", 1, 0)
RECORDS = [
    {
        "motif": ONE.to_dict(),
        "tags": ["kept"],
        "notes": [{"text": "a note", "written": "2026-01-02"}],
        "certificates": [{"anything": 1}],
        "trainings": [{"anything": 2}, {}],
    },
    {"run": {"id": "r", "reports": []}, "notes": []},
    {"birth": asdict(BIRTH)},
]


def test_reading_gives_back_what_was_written(tmp_path):
    assert write_library(iter(RECORDS), tmp_path / "all.jsonl") == 1
    entry = Entry(ONE, ("kept",), (Note("a note", "2026-01-02"),), 1, 2)
    assert list(read_library(tmp_path / "all.jsonl")) == [entry, BIRTH]
    assert [p.name for p in tmp_path.iterdir()] == ["all.jsonl"]


def test_every_line_is_json(tmp_path):
    write_library(RECORDS, tmp_path / "all.jsonl")
    lines = (tmp_path / "all.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(json.dumps([HEADER, *RECORDS]))


def test_an_interrupted_export_leaves_the_former_file(tmp_path):
    write_library(RECORDS, tmp_path / "all.jsonl")
    before = (tmp_path / "all.jsonl").read_bytes()

    def broken():
        yield RECORDS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_library(broken(), tmp_path / "all.jsonl")
    assert (tmp_path / "all.jsonl").read_bytes() == before


def lines(*records) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def with_motif(**changed) -> str:
    return lines(HEADER, RECORDS[0] | changed)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "line 1: expected a file written by `evocircuits library export`; Expecting value"),
        ("\n", "line 1"),
        ("SQLite format 3\0", "line 1"),
        (lines([]), "no format 'evocircuits-library'"),
        (lines({"format": "evocircuits-motif", "version": 1}), "no format"),
        (lines(HEADER | {"version": 2}), "expected version 1; got 2"),
        (lines(HEADER | {"version": True}), "expected version 1; got True"),
        (lines(HEADER, 7), "line 2: .*expected a motif, a run or a birth"),
        (lines(HEADER, {"weights": []}), "got .'weights'"),
        (lines(HEADER) + "{", "line 2"),
        (lines(HEADER) + "[" * 100_000, "nested too deeply"),
        (lines(HEADER) + '{"birth": {"child": NaN}}', "expected finite numbers"),
        (lines(HEADER, {"birth": {"parents": []}}), "birth.child: Field required"),
        (lines(HEADER, {"birth": asdict(BIRTH) | {"epoch": "1"}}), "birth.epoch: .*integer"),
        (
            lines(HEADER, {"birth": asdict(BIRTH) | {"wings": 2}}),
            "birth: expected the fields child, .*; got .wings",
        ),
        (with_motif(motif=None), "expected the fields of a motif"),
        (with_motif(motif=ONE.to_dict() | {"id": "0" * 64}), "expected id"),
        (with_motif(tags="kept"), "tags: .*array"),
        (with_motif(tags=[1]), "tags.0: .*string"),
        (with_motif(notes=[{"text": "x"}]), "notes.0.written: Field required"),
        (with_motif(certificates=3), "certificates: .*array"),
        (with_motif(trainings=["x"]), "trainings.0: .*"),
        (with_motif(code="import os"), "got 'code'"),
    ],
)
def test_what_is_no_library_file_is_refused_in_one_line(tmp_path, text, match):
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(InputError, match=match) as caught:
        list(read_library(tmp_path / "bad.jsonl"))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(tmp_path)) + 400


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path):
    (tmp_path / "long.jsonl").write_text(lines(HEADER) + " " * (LONGEST + 1))
    with pytest.raises(InputError, match="line 2: expected at most"):
        list(read_library(tmp_path / "long.jsonl"))


def test_missing_and_unwritable_files(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_library(tmp_path / "missing.jsonl"))
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_library([], tmp_path / "no" / "folder" / "all.jsonl")
