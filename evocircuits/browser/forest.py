"""A certificate as rows of a page: each finding's effect with its interval on one common axis."""

from dataclasses import dataclass

from markupsafe import Markup

from evocircuits.certificate import Certificate, Finding
from evocircuits.forest import SHORT, TITLES

WIDTH, HEIGHT = 260.0, 18.0


@dataclass(frozen=True)
class Row:
    """A finding as a row: what was changed, the mark of its effect, its figures and the word of its verdict."""

    what: str
    mark: Markup
    figures: str
    word: str | None


@dataclass(frozen=True)
class Forest:
    """Groups of rows by their kind, each with its title; `low` and `high` are the ends of the axis."""

    groups: list[tuple[str, list[Row]]]
    low: float
    high: float


def forest(certificate: Certificate) -> Forest:
    """All findings, those of a kind together and the largest losses first; strains in order of their levels."""
    findings = certificate.findings
    low = min([-0.1, *(f.low for f in findings)])
    high = max([0.1, *(f.high for f in findings)])
    groups = []
    for kind, title in TITLES.items():
        of_kind = [f for f in findings if f.kind == kind]
        if kind != "robustness":
            of_kind.sort(key=lambda f: f.effect)
        rows = [_row(f, certificate.verdict(f.key), low, high) for f in of_kind]
        if rows:
            groups.append((title, rows))
    return Forest(groups, low, high)


def _row(finding: Finding, word: str | None, low: float, high: float) -> Row:
    def x(value: float) -> float:
        return 4 + (WIDTH - 8) * (value - low) / (high - low)

    kind = f"effect {word.split()[0]}" if word else "effect"
    mark = Markup(
        f'<svg class="{kind}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" aria-hidden="true" focusable="false">'
        f'<path class="zero" d="M{x(0):.1f} 0V{HEIGHT:g}"/>'
        f'<path class="interval" d="M{x(finding.low):.1f} {HEIGHT / 2:g}H{x(finding.high):.1f}"/>'
        f'<circle class="at" cx="{x(finding.effect):.1f}" cy="{HEIGHT / 2:g}" r="3.6"/></svg>'
    )
    return Row(SHORT.get(finding.key, finding.what), mark, finding.figures, word)
