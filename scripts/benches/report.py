"""What a benchmark hands back, and how it is shown and written."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

PACKAGES = ("evocircuits", "numpy", "numba", "deap", "ray", "torch", "nest-simulator")
WIDTH = 110


@dataclass(frozen=True)
class Row:
    """One measured figure; `target` says in words what it must reach, `ok` whether it does (None: no target).

    `value` is None for what could not be measured; where it is a median, `quartiles` are those of the same repeats.
    A `detail` is only written, for it is shown elsewhere.
    """

    name: str
    value: float | None
    unit: str
    target: str | None = None
    ok: bool | None = None
    quartiles: tuple[float, float] | None = None
    detail: bool = False


def figure(name: str, value, unit: str, *, detail: bool = False) -> Row:
    """A row without a target. `value`, here and below: a number, or an array of repeats whose median is meant."""
    middle, quartiles = _summary(value)
    return Row(name, middle, unit, quartiles=quartiles, detail=detail)


def at_least(name: str, value, unit: str, target: float) -> Row:
    """A row whose value must reach `target`."""
    middle, quartiles = _summary(value)
    return Row(name, middle, unit, f"≥ {target:g}", bool(middle >= target), quartiles)


def at_most(name: str, value, unit: str, target: float) -> Row:
    """A row whose value must not pass `target`."""
    middle, quartiles = _summary(value)
    return Row(name, middle, unit, f"≤ {target:g}", bool(middle <= target), quartiles)


def not_measured(name: str, unit: str, reason: str) -> Row:
    """A row for what could not be run here; the reason goes to standard error."""
    tell(reason)
    return Row(f"{name}: not measured", None, unit, "measured", False)


def tell(text: str) -> None:
    """A line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def show(rows: Sequence[Row], notes: Sequence[str] = ()) -> None:
    """The rows as a table on standard output, the notes below it."""
    table = Table("figure", "value", "±", "unit", "target", "")
    table.columns[1].justify = table.columns[2].justify = "right"
    for row in rows:
        if not row.detail:
            verdict = {True: "ok", False: "[bold]missed[/bold]", None: ""}[row.ok]
            value = "–" if row.value is None else f"{row.value:.4g}"
            table.add_row(row.name, value, _spread(row), row.unit, row.target or "", verdict)
    below = list(notes)
    if any(row.quartiles for row in rows):
        below.insert(0, "±: half the distance between the quartiles of the repeats")
    table.caption = "\n".join(below)
    show_table(table)


def show_table(table: Table) -> None:
    """A table on standard output."""
    Console(width=WIDTH).print(table)


def write(rows: Sequence[Row], path: Path, notes: Sequence[str] = ()) -> None:
    """The rows, and on what they were measured, as JSON."""
    document = {
        "machine": machine(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "notes": list(notes),
        "rows": [_plain(row) for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def machine() -> str:
    """The processor and how many of its threads there are to use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} threads, {platform.system()}"


def _summary(value) -> tuple[float, tuple[float, float] | None]:
    if np.ndim(value) == 0:
        return float(value), None
    low, middle, high = map(float, np.quantile(value, (0.25, 0.5, 0.75)))
    return middle, (low, high)


def _spread(row: Row) -> str:
    if not row.quartiles or not row.value:
        return ""
    low, high = row.quartiles
    return f"{50 * (high - low) / row.value:.1f} %"


def _plain(row: Row) -> dict:
    return {name: value for name, value in asdict(row).items() if name != "detail"}
