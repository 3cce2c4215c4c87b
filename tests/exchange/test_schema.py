"""The published schema of the motif file says what the reader takes."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.exchange import read_motif, write_motif
from evocircuits.motif import Motif, Provenance
from evocircuits.plasticity import ShortTerm, SpikeTiming
from tests.exchange.test_motif_file import STRANGE, at, places
from tests.library.motifs import genome, motif, score

SCHEMA = json.loads(files("evocircuits.exchange").joinpath("motif.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
REFERENCES = sorted((Path(__file__).parents[2] / "runs" / "reference").glob("*.motif.json"))


def plastic() -> Motif:
    plain = genome()
    first, second, third = plain.projections
    rules = ShortTerm(0.3, 400.0, 20.0), SpikeTiming(2 * second.strength)
    projections = [replace(first, plasticity=rules[0]), replace(second, plasticity=rules[1]), third]
    changed = plain.with_genes(projections=projections)
    return Motif(changed, develop(changed, dt_ms=0.1), 0.1, Provenance("by hand"), (score(),))


@pytest.fixture
def content(tmp_path) -> dict:
    write_motif(motif(0.6, score()), tmp_path / "good.json")
    return json.loads((tmp_path / "good.json").read_text())


def test_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.name.partition(".")[0])
def test_takes_the_reference_motifs(path):
    VALIDATOR.validate(json.loads(path.read_text()))


def test_takes_what_is_written(tmp_path, content):
    VALIDATOR.validate(content)
    for one in (plastic(), replace(plastic(), circuit=replace(plastic().circuit, model="iaf_psc_delta"))):
        write_motif(one, tmp_path / "one.json")
        VALIDATOR.validate(json.loads((tmp_path / "one.json").read_text()))


def test_says_what_every_field_of_a_motif_is(content):
    """Whatever the schema does not name, the reader refuses, too, and the other way round."""
    for place in [p for p in places(content) if isinstance(value_at(content, p), dict) and free_of(p)]:
        changed, inner = at(content, (*place, "unknown"))
        inner["unknown"] = 1
        assert not VALIDATOR.is_valid(changed), place


def value_at(content: dict, place: tuple):
    for key in place:
        content = content[key]
    return content


def free_of(place: tuple) -> bool:
    """Whether the names there are fixed: not in a recipe, versions, or among ports."""
    return place[:2] not in {("provenance", "recipe"), ("provenance", "versions")} and place not in {
        ("circuit", "inputs"),
        ("circuit", "outputs"),
    }


def test_takes_whatever_the_reader_takes(tmp_path, content):
    """But for True and False among numbers, which the reader takes for 1 and 0 in a circuit's columns."""
    taken = refused = 0
    for place in list(places(content))[1:]:
        for strange in (*STRANGE, 0.5, "x", []):
            changed, inner = at(content, place)
            inner[place[-1]] = strange
            valid = VALIDATOR.is_valid(changed)
            (tmp_path / "strange.json").write_text(json.dumps(changed))
            try:
                read_motif(tmp_path / "strange.json")
            except InputError:
                refused += not valid
                continue
            taken += 1
            assert valid or strange is True, (place, strange)
    assert taken > 20
    assert refused > 400
