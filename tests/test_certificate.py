import json
from dataclasses import replace

import pytest

from evocircuits.certificate import CensusRow, Certificate, Finding, Minimal, Structure, Verdict
from evocircuits.errors import InputError

INHIBITION = Finding(
    "knock-out", "inhibition", "inhibition knocked out", -0.42, -0.45, -0.39, 5e-6, 2e-4, 0.5, 1000
)
CONTROL = Finding("control", "random", "random circuits", -0.6, -0.7, -0.5, 0.0099, 0.0198, 0.3, 100, 99.5)
CERTIFICATE = Certificate(
    motif="ab" * 32,
    task="order",
    trials=1000,
    seed=3,
    score=0.92,
    low=0.9,
    high=0.94,
    findings=(INHIBITION, CONTROL),
    verdicts=(Verdict("necessary", f"inhibition is necessary ({INHIBITION.figures})", "inhibition"),),
    census=(
        CensusRow("E1→I1, I1→E2", "021C", 3, 1.5, 0.5, 3.0),
        CensusRow("I1→E1, I1→E2", "021D", 1, 1.0, 0.0, None),
    ),
    structures=(Structure("disinhibition", 2, "I1 → I2 → E1"),),
    minimal=Minimal({"inputs": []}, {"excitatory": [True]}, 1, 2, 0.9, 0.88, 0.92),
    notes=("a note",),
    version="0.1.0",
)


def changed(place: str, value) -> dict:
    """The certificate's plain form with the value at a place such as "findings.0.p" replaced."""
    data = json.loads(json.dumps(CERTIFICATE.to_dict()))
    *way, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    at = data
    for part in way:
        at = at[part]
    at[last] = value
    return data


def test_figures_are_effect_interval_and_corrected_p():
    assert INHIBITION.figures == "−0.42 [−0.45, −0.39], p < .001"
    assert CONTROL.figures == "−0.60 [−0.70, −0.50], p = .020"
    none = replace(INHIBITION, effect=-0.001, low=-0.004, high=0.03, p=1.0, p_holm=1.0)
    assert none.figures == "0.00 [0.00, +0.03], p = 1.000"


def test_it_comes_back_from_json_as_it_was():
    assert Certificate.from_dict(json.loads(json.dumps(CERTIFICATE.to_dict()))) == CERTIFICATE
    bare = replace(CERTIFICATE, minimal=None, findings=(), verdicts=())
    assert Certificate.from_dict(json.loads(json.dumps(bare.to_dict()))) == bare


def test_rows_are_found_by_key():
    assert CERTIFICATE.finding("random") is CONTROL
    assert CERTIFICATE.verdict("inhibition") == "necessary"
    assert CERTIFICATE.verdict("random") is None
    with pytest.raises(InputError, match="expected a finding among inhibition, random; got 'love'"):
        CERTIFICATE.finding("love")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("findings.0.p", "high", "findings\\[0\\].p: expected a finite number; got 'high'"),
        ("findings.0.p", float("nan"), "findings\\[0\\].p: expected a finite number; got nan"),
        ("findings.0.p", 2.0, "finding inhibition: expected 0 ≤ p ≤ p_holm ≤ 1; got 2.0, 0.0002"),
        ("findings.0.n", 1.5, "findings\\[0\\].n: expected a whole number; got 1.5"),
        ("findings.0.n", True, "findings\\[0\\].n: expected a whole number; got True"),
        ("findings.0.kind", "guess", "finding kind: expected one of knock-out, .*; got 'guess'"),
        ("findings.0.low", -0.1, "finding inhibition: expected low ≤ effect ≤ high; got -0.1, -0.42, -0.39"),
        ("findings.0.love", 1, "findings\\[0\\]: expected the fields kind, .*; got 'love' amiss"),
        ("findings.1.key", "inhibition", "expected findings of distinct keys; one came twice"),
        ("findings", 7, "findings: expected a list; got 7"),
        ("verdicts.0.finding", "love", "expected verdicts on its findings; got 'love'"),
        ("census.0.z", "z", "census\\[0\\].z: expected a finite number; got 'z'"),
        ("minimal.genome", [], "minimal.genome: expected a dictionary; got \\[\\]"),
        ("notes.0", 1, "notes\\[0\\]: expected a text; got 1"),
        ("motif", None, "certificate.motif: expected a text; got None"),
    ],
)
def test_what_is_malformed_is_one_clear_line(place, value, message):
    with pytest.raises(InputError, match=message):
        Certificate.from_dict(changed(place, value))


def test_missing_fields_and_other_things_are_refused():
    data = CERTIFICATE.to_dict()
    del data["seed"]
    with pytest.raises(InputError, match=r"certificate: expected the fields motif, .*; got 'seed' amiss"):
        Certificate.from_dict(data)
    with pytest.raises(InputError, match="certificate: expected the fields"):
        Certificate.from_dict([])
