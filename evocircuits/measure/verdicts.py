"""Verdicts: what findings amount to, in words, and only where an effect is both certain and large enough to matter."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np

from evocircuits.certificate import Finding, Verdict
from evocircuits.measure.plan import Item
from evocircuits.measure.statistics import holm

ALPHA = 0.05
SMALLEST = 0.02
"""The smallest effect worth a name: a fiftieth of the way from chance to ceiling, about what a thousand trials can just
tell from nothing. Less is no reason to keep anything."""
ENOUGH = 3 / SMALLEST
"""Trials: what happened in none of n happens in up to 3/n of all (Hanley & Lippman-Hand, JAMA 249 (1983)), of which no
interval of equal differences tells."""
WITHSTOOD = 0.1
"""What is withstood costs less than a tenth of that way."""
FAMILIES = (("knock-out", "change"), ("control",), ("robustness",))
"""Kinds of findings that are corrected together: what the circuit needs is one question, asked of all its parts."""


def corrected(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with their p corrected within their families."""
    p_holm = np.empty(len(findings))
    for family in FAMILIES:
        rows = [k for k, finding in enumerate(findings) if finding.kind in family]
        p_holm[rows] = holm(np.array([findings[k].p for k in rows]))
    return [replace(finding, p_holm=float(p)) for finding, p in zip(findings, p_holm, strict=True)]


def verdicts(findings: Sequence[Finding], items: Iterable[Item], low: float) -> list[Verdict]:
    """What can be said of the findings; `items` are the plan's, and `low` the lower end of the intact score's interval.

    A part is "necessary" where the circuit does worse without (p < `ALPHA` after correction) and all of the interval
    lies beyond `SMALLEST`, "harmful" where it does better by as much, and "useless" (what was changed: "irrelevant")
    where all of the interval, over at least `ENOUGH` trials, lies within ± `SMALLEST`. The circuit is "specific" where
    it beats nearly all controls, and these on average by more than `SMALLEST`, "ordinary" where they do as well. A
    series of strains is "withstood" up to the last level of which all of the interval lies above −`WITHSTOOD`, or "not
    withstood" where that of the mildest lies below it. What is left in the minimal form is "enough" where its score
    reaches `low`.
    """
    of_item = {item.key: item for item in items}
    levels: dict[str, list[tuple[Item, Finding]]] = {}
    said: list[Verdict | None] = []
    for finding in findings:
        item = of_item.get(finding.key)
        if finding.kind == "control":
            said.append(_of_controls(finding))
        elif item.series is not None:
            levels.setdefault(item.series, []).append((item, finding))
        elif item.whole:
            said.append(_of_rest(finding, item, low))
        else:
            said.append(_of_need(finding, item))
    said += [_of_series(series) for series in levels.values()]
    return [verdict for verdict in said if verdict is not None]


def word_of(finding: Finding) -> str | None:
    """necessary, harmful or useless; None where neither can be said."""
    certain = finding.p_holm < ALPHA
    if certain and finding.high < -SMALLEST:
        return "necessary"
    if certain and finding.low > SMALLEST:
        return "harmful"
    if finding.low >= -SMALLEST and finding.high <= SMALLEST and finding.n >= ENOUGH:
        return "useless"
    return None


def _of_need(finding: Finding, item: Item) -> Verdict | None:
    word = word_of(finding)
    if word == "useless" and item.kind == "change":
        word = "irrelevant"
    return word and _verdict(word, f"{item.subject} is {word}", finding)


def _of_controls(finding: Finding) -> Verdict | None:
    drawn = finding.percentile is not None
    if finding.p_holm < ALPHA and finding.high < -SMALLEST:
        share = f"{finding.percentile:.0f} % of " if drawn else ""
        return _verdict("specific", f"it beats {share}{finding.what}", finding)
    if finding.low >= -SMALLEST and (drawn or finding.n >= ENOUGH):
        return _verdict("ordinary", f"{finding.what} {'do' if drawn else 'does'} as well", finding)
    return None


def _of_rest(finding: Finding, item: Item, low: float) -> Verdict | None:
    return _verdict("enough", f"{item.subject} are enough", finding) if finding.score >= low else None


def _of_series(levels: list[tuple[Item, Finding]]) -> Verdict | None:
    """The severest level up to which all are withstood, else the mildest where that is not."""
    good = list(takewhile(lambda level: level[1].low > -WITHSTOOD, levels))
    if good:
        return _verdict("withstood", f"it withstands {good[-1][0].subject}", good[-1][1])
    item, mildest = levels[0]
    if mildest.p_holm < ALPHA and mildest.high < -WITHSTOOD:
        return _verdict("not withstood", f"it does not withstand {item.subject}", mildest)
    return None


def _verdict(word: str, text: str, finding: Finding) -> Verdict:
    return Verdict(word, f"{text} ({finding.figures})", finding.key)
