"""Small marks that stand in lines of text and in tables, as SVG: a score with its interval, a history as a line."""

from collections.abc import Sequence

from markupsafe import Markup

from evocircuits.motif import MotifScore

WIDTH, HEIGHT = 200.0, 14.0
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 24.0


def interval_bar(score: MotifScore, chance: float | None = None, ceiling: float | None = None) -> Markup:
    """Where a score lies between chance and ceiling, with its 95 % interval behind it.

    Without `chance` and `ceiling` they are taken from how the score itself was normalised, as far as that tells.
    """
    low, high, at = (_share(score, value, chance, ceiling) for value in (score.low, score.high, score.raw))
    middle = HEIGHT / 2
    return Markup(
        f'<svg class="bar" viewBox="-4 0 {WIDTH + 8:g} {HEIGHT:g}" aria-hidden="true" focusable="false">'
        f'<rect class="track" x="0" y="{middle - 1.5:g}" width="{WIDTH:g}" height="3" rx="1.5"/>'
        f'<rect class="way" x="0" y="{middle - 1.5:g}" width="{WIDTH * at:.1f}" height="3" rx="1.5"/>'
        f'<rect class="interval" x="{WIDTH * low:.1f}" y="{middle - 4:g}" '
        f'width="{max(1.0, WIDTH * (high - low)):.1f}" height="8" rx="2"/>'
        f'<circle class="at" cx="{WIDTH * at:.1f}" cy="{middle:g}" r="3.5"/></svg>'
    )


def _share(score: MotifScore, value: float, chance: float | None, ceiling: float | None) -> float:
    """`value` between chance, 0, and ceiling, 1."""
    known = chance is not None and ceiling is not None
    share = (value - chance) / (ceiling - chance) if known else score.normalised
    return min(1.0, max(0.0, share))


def spark_line(values: Sequence[float], low: float = 0.0, high: float = 1.0) -> Markup:
    """A history as a line without axes, its last value a dot; `low` and `high` are the least extent."""
    if not values:
        return Markup("")
    low, high = min(low, *values), max(high, *values)
    step = (SPARK_WIDTH - 6) / max(1, len(values) - 1)
    points = [
        (3 + k * step, 3 + (SPARK_HEIGHT - 6) * (high - value) / (high - low))
        for k, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return Markup(
        f'<svg class="spark" viewBox="0 0 {SPARK_WIDTH:g} {SPARK_HEIGHT:g}" aria-hidden="true" focusable="false">'
        f'<polyline points="{line}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/></svg>'
    )
