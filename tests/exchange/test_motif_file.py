import copy
import json

import pytest

from evocircuits.errors import InputError
from evocircuits.exchange import read_motif, write_motif
from evocircuits.exchange.motif_file import MAX_BYTES
from evocircuits.library import Library
from tests.library.motifs import motif, score


@pytest.fixture
def content(tmp_path) -> dict:
    write_motif(motif(0.6, score()), tmp_path / "good.json")
    return json.loads((tmp_path / "good.json").read_text())


def test_reading_gives_back_the_motif(tmp_path):
    written = motif(0.6, score(0.75), score(0.3, task="localise"))
    write_motif(written, tmp_path / "a.json")
    assert read_motif(tmp_path / "a.json") == written
    assert read_motif(tmp_path / "a.json").id == written.id
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_file_says_what_it_is(content):
    assert (content["format"], content["version"]) == ("evocircuits-motif", 1)
    assert content["id"] == motif(0.6).id


def test_unwritable_place(tmp_path):
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_motif(motif(), tmp_path / "no" / "folder" / "a.json")


def refused(tmp_path, text: str | bytes, match: str) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=match) as caught:
        read_motif(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 300


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "Expecting value"),
        ("not json", "Expecting value"),
        (b"\xff\xfe\x00", "evocircuits export"),
        ("[]", "no format"),
        ('{"format": "nir", "version": 1}', "no format"),
        ('{"format": "evocircuits-motif", "version": 2}', "expected version 1; got 2"),
        ('{"format": "evocircuits-motif", "version": true}', "expected version 1"),
        (
            '{"format": "evocircuits-motif", "format": "evocircuits-motif", "version": 1}',
            "a field came twice",
        ),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("[NaN]", "expected finite numbers; got NaN"),
        ("[-Infinity]", "expected finite numbers; got -Infinity"),
        ("[1e999]", "expected finite numbers; got 1e999"),
        ("[" + "9" * 10_000 + "]", "evocircuits export"),
        (" " * (MAX_BYTES + 1), "expected at most"),
    ],
)
def test_what_is_no_motif_file_is_refused(tmp_path, text, match):
    refused(tmp_path, text, match)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_motif(path)


def test_motif_whose_circuit_was_changed_is_refused(tmp_path, content):
    content["circuit"]["weight_pA"][0] *= 2
    refused(tmp_path, json.dumps(content), "expected id")


def test_negative_weight_is_refused(tmp_path, content):
    content["circuit"]["weight_pA"][0] *= -1
    refused(tmp_path, json.dumps(content), "Dale's law")


def test_long_and_many_lined_names_are_cut(tmp_path, content):
    content["circuit"]["x\n" * 1000] = 1
    refused(tmp_path, json.dumps(content), "circuit: expected the fields")


def places(value, path=()):
    """Every place in nested lists and dictionaries."""
    yield path
    items = (
        value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


STRANGE = (None, True, -1, 2**70, "\x1b[31m", {"a": {}})


def at(content: dict, place: tuple) -> tuple:
    """A copy of `content`, and in it the list or dictionary that holds `place`."""
    changed = copy.deepcopy(content)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    return changed, inner


def read_and_stored(path, content: dict) -> bool:
    """Whether a motif file of that content is accepted; what is accepted must survive the library."""
    path.write_text(json.dumps(content))
    try:
        accepted = read_motif(path)
        library = Library("sqlite://")
        library.add([accepted])
    except InputError:
        return False
    assert library.motifs() == [accepted]
    return True


def test_strange_values_anywhere_are_refused_or_harmless(tmp_path, content):
    accepted = 0
    for place in list(places(content))[1:]:
        for strange in STRANGE:
            changed, inner = at(content, place)
            inner[place[-1]] = strange
            accepted += read_and_stored(tmp_path / "strange.json", changed)
    assert accepted < 150


def test_missing_fields_are_refused_unless_they_have_a_default(tmp_path, content):
    accepted = set()
    for place in list(places(content))[1:]:
        changed, inner = at(content, place)
        if isinstance(inner, dict):
            del inner[place[-1]]
            if read_and_stored(tmp_path / "missing.json", changed):
                accepted.add(place[-1])
    of_provenance = {
        "run",
        "seed",
        "epoch",
        "island",
        "operator",
        "recipe",
        "versions",
        "task",
        "epochs",
        "evocircuits",
    }
    of_genes = {"bias_pA", "port", "frozen", "delay_gradient_ms", "value", "seed"}
    assert accepted <= of_provenance | of_genes
