"""What a benchmark hands back, and how it is shown and written."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

PACKAGES = ("evocircuits", "numpy", "numba", "deap", "ray", "torch", "nest-simulator")


@dataclass(frozen=True)
class Row:
    """One measured figure; `target` says in words what it must reach, `ok` whether it does (None: no target)."""

    name: str
    value: float
    unit: str
    target: str | None = None
    ok: bool | None = None


def at_least(name: str, value: float, unit: str, target: float) -> Row:
    """A row whose value must reach `target`."""
    return Row(name, value, unit, f"≥ {target:g}", bool(value >= target))


def at_most(name: str, value: float, unit: str, target: float) -> Row:
    """A row whose value must not pass `target`."""
    return Row(name, value, unit, f"≤ {target:g}", bool(value <= target))


def show(rows: Sequence[Row]) -> None:
    """The rows as a table on standard output."""
    table = Table("figure", "value", "unit", "target", "")
    table.columns[1].justify = "right"
    for row in rows:
        verdict = {True: "ok", False: "[bold]missed[/bold]", None: ""}[row.ok]
        table.add_row(row.name, f"{row.value:.4g}", row.unit, row.target or "", verdict)
    Console(width=110).print(table)


def write(rows: Sequence[Row], path: Path) -> None:
    """The rows, and on what they were measured, as JSON."""
    document = {
        "machine": machine(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "rows": [asdict(row) for row in rows],
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
