"""A certificate as a forest plot: each finding's effect with its interval, beside what was changed."""

import os
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evocircuits.certificate import Certificate, Finding
from evocircuits.plots import INK, QUIET, new_axes, save

TITLES = {
    "knock-out": "knocked out",
    "change": "changed",
    "control": "other circuits in its place",
    "robustness": "strained",
}
SHORT = {
    "random": "random ones of the same parts",
    "rewired": "rewired, all degrees kept",
    "minimal form": "all but the minimal form",
}
"""What some findings are called here, by their keys."""
COLOURS = {
    "necessary": "#A6192E",
    "specific": "#A6192E",
    "harmful": "#0072B2",
    "useless": "#009E73",
    "irrelevant": "#009E73",
}
"""By the word of a finding's verdict; other findings are grey."""
ROW, WIDTH, LEFT, RIGHT, HEAD, FOOT = 0.21, 10.6, 3.6, 2.9, 0.55, 0.5  # inches
LONGEST = 54
"""Letters of a label."""


def draw_certificate(
    certificate: Certificate, path: str | os.PathLike | None = None, *, title: str | None = None
) -> Figure:
    """Draw all findings, those of a kind together and the largest losses first; strains in order of their levels.

    Written to `path` (.svg, .png, .pdf) when given.
    """
    groups = _groups(certificate.findings)
    n_rows = sum(len(rows) + 1.5 for _, rows in groups)
    height = HEAD + FOOT + ROW * max(n_rows, 1)
    canvas = new_axes(WIDTH, height)
    canvas.axis("off")
    box = (LEFT / WIDTH, FOOT / height, (WIDTH - LEFT - RIGHT) / WIDTH, 1 - (HEAD + FOOT) / height)
    ax = canvas.figure.add_axes(box)
    _set_up(ax, certificate, n_rows)
    at = 0.0
    for kind, rows in groups:
        _label(ax, at, TITLES[kind], weight="bold")
        for finding in rows:
            at += 1
            _draw_row(ax, at, finding, certificate.verdict(finding.key))
        at += 1.5
    task = f"{certificate.task}: {certificate.score:.3f} of the way from chance to ceiling"
    canvas.text(
        0.1 / WIDTH,
        1 - 0.2 / height,
        title or task,
        fontsize=11,
        va="top",
        color=INK,
        transform=canvas.transAxes,
    )
    return save(canvas.figure, path)


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    groups = []
    for kind in TITLES:
        rows = [finding for finding in findings if finding.kind == kind]
        if kind != "robustness":
            rows.sort(key=lambda finding: finding.effect)
        groups += [(kind, rows)] if rows else []
    return groups


def _set_up(ax: Axes, certificate: Certificate, n_rows: float) -> None:
    lows, highs = ([getattr(f, name) for f in certificate.findings] or [0.0] for name in ("low", "high"))
    low, high = min(-0.1, *lows), max(0.1, *highs)
    ax.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    ax.set_ylim(n_rows - 1, -0.8)
    ax.axvline(0, color=QUIET, linewidth=0.8, zorder=0)
    ax.set_yticks([])
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=8, colors=INK)
    ax.set_xlabel("change of the normalised score, 95 % interval", fontsize=8.5, color=INK)


def _draw_row(ax: Axes, at: float, finding: Finding, word: str | None) -> None:
    colour = COLOURS.get(word, QUIET)
    ax.plot([finding.low, finding.high], [at, at], color=colour, linewidth=1.6, solid_capstyle="butt")
    ax.plot([finding.effect], [at], "o", color=colour, markersize=4.2)
    what = SHORT.get(finding.key, finding.what)
    _label(ax, at, what if len(what) <= LONGEST else what[: LONGEST - 1] + "…")
    style = {"fontsize": 7.5, "va": "center", "color": colour, "transform": ax.get_yaxis_transform()}
    ax.text(1.03, at, f"{finding.figures}  {word or ''}", **style)


def _label(ax: Axes, at: float, text: str, **style) -> None:
    where = {
        "fontsize": 8,
        "va": "center",
        "ha": "right",
        "color": INK,
        "transform": ax.get_yaxis_transform(),
    }
    ax.text(-0.02, at, text, **where, **style)
