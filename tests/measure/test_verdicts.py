from dataclasses import replace

import pytest

from evocircuits.certificate import Finding
from evocircuits.measure.plan import Item
from evocircuits.measure.verdicts import corrected, verdicts, word_of


def finding(
    effect: float, low: float, high: float, p: float = 0.0001, kind: str = "knock-out", key: str = "x", **more
) -> Finding:
    return Finding(kind, key, f"{key} changed", effect, low, high, p, p, 0.9 + effect, 1000, **more)


def item(kind: str = "knock-out", key: str = "x", **more) -> Item:
    return Item(kind, key, key, f"{key} changed", lambda rng: None, **more)


def said(found: list[Finding], items: list[Item], low: float = 0.85) -> list[tuple[str, str]]:
    return [(v.word, v.text) for v in verdicts(found, items, low)]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (finding(-0.42, -0.45, -0.39), "necessary"),
        (finding(-0.42, -0.45, -0.39, p=0.06), None),  # not certain
        (finding(-0.03, -0.05, -0.01), None),  # perhaps too small to matter
        (finding(-0.01, -0.015, -0.005), "useless"),  # certain, and too small
        (finding(0.0, -0.02, 0.02, p=0.9), "useless"),
        (finding(0.0, -0.021, 0.02, p=0.9), None),  # not known well enough
        (
            replace(finding(0.0, 0.0, 0.0, p=1.0), n=149),
            None,
        ),  # what happens in a fiftieth may not have happened
        (finding(0.1, 0.03, 0.2), "harmful"),
        (finding(0.1, 0.01, 0.2), None),
    ],
)
def test_words_take_certainty_and_size(row, word):
    assert word_of(row) == word


def test_a_sentence_has_its_figures():
    rows = [finding(-0.42, -0.45, -0.39, key="inhibition")]
    assert said(rows, [item(key="inhibition")]) == [
        ("necessary", "inhibition is necessary (−0.42 [−0.45, −0.39], p < .001)")
    ]


def test_a_change_without_effect_is_irrelevant_and_what_is_unclear_is_not_mentioned():
    rows = [finding(0.0, 0.0, 0.0, 1.0, "change", "delays"), finding(-0.03, -0.07, 0.01, 0.2, key="E1")]
    assert [word for word, _ in said(rows, [item("change", "delays"), item(key="E1")])] == ["irrelevant"]


def test_correction_is_within_families():
    """Three questions of need (.01 × 3, .02 × 2, .03), two controls (.01 × 2, .02) and one strain (.04)."""
    kinds = {"knock-out": (0.01, 0.03), "change": (0.02,), "control": (0.01, 0.02), "robustness": (0.04,)}
    rows = [finding(-0.1, -0.2, 0.0, p, kind, f"{kind} {p}") for kind, ps in kinds.items() for p in ps]
    expected = [0.03, 0.04, 0.04, 0.02, 0.02, 0.04]
    assert [row.p_holm for row in corrected(rows)] == pytest.approx(expected)
    assert corrected([]) == []


def test_controls_are_beaten_or_do_as_well():
    beaten = finding(-0.6, -0.65, -0.55, 0.0198, "control", "random", percentile=100.0)
    equal = finding(0.0, -0.01, 0.01, 0.6, "control", "rewired", percentile=40.0)
    unclear = finding(-0.3, -0.35, -0.25, 0.2, "control", "other", percentile=80.0)
    assert said([beaten, equal, unclear], []) == [
        ("specific", "it beats 100 % of random changed (−0.60 [−0.65, −0.55], p = .020)"),
        ("ordinary", "rewired changed do as well (0.00 [−0.01, +0.01], p = .600)"),
    ]
    baseline = replace(beaten, percentile=None, key="random search", what="random search")
    assert said([baseline], [])[0][1].startswith("it beats random search (")


def strains(*lows: float) -> tuple[list[Finding], list[Item]]:
    keys = [f"noise of {k}" for k in range(len(lows))]
    rows = [
        finding(low + 0.01, low, low + 0.02, 0.5, "robustness", key)
        for key, low in zip(keys, lows, strict=True)
    ]
    return rows, [item("robustness", key, series="noise") for key in keys]


def test_a_series_is_withstood_up_to_the_level_before_the_first_that_is_not():
    [(word, text)] = said(*strains(-0.01, -0.09, -0.3, -0.05))
    assert word == "withstood"
    assert text.startswith("it withstands noise of 1 (")


def test_a_series_of_which_the_mildest_is_too_much_is_not_withstood():
    rows, items = strains(-0.2, -0.01)
    certain = replace(rows[0], p=0.001, p_holm=0.01)
    [(word, text)] = said([certain, rows[1]], items)
    assert (word, text.split(" (")[0]) == ("not withstood", "it does not withstand noise of 0")
    assert said(rows, items) == []
    assert said([replace(certain, high=-0.05), rows[1]], items) == []


@pytest.mark.parametrize(("low", "words"), [(0.85, ["enough"]), (0.95, [])])
def test_what_is_left_is_enough_where_its_score_is_within_the_interval(low, words):
    left = item(key="minimal form", whole=True)
    assert [word for word, _ in said([finding(-0.01, -0.02, 0.0, key="minimal form")], [left], low)] == words
