"""Templates, the files that pages load, and numbers as people read them."""

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from evocircuits.browser.marks import interval_bar, spark_line
from evocircuits.report import energy

HERE = Path(__file__).parent
PLOTLY = "plotly.min.js"
KEPT = "private, max-age=31536000, immutable"
"""How long what never changes at its address may be kept."""


@dataclass(frozen=True)
class Assets:
    """The files that pages load, by name; an address holds a digest of the content, so that it may be kept for ever."""

    files: dict[str, Path]

    @classmethod
    def found(cls) -> "Assets":
        """Our own, and Plotly's script in its installed package."""
        own = {path.name: path for path in sorted((HERE / "static").iterdir())}
        package = Path(importlib.util.find_spec("plotly").origin).parent
        return cls(own | {PLOTLY: package / "package_data" / PLOTLY})

    @cached_property
    def digests(self) -> dict[str, str]:
        """By name, what changes with a file's content."""
        return {name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for name, path in self.files.items()}

    @cached_property
    def digest(self) -> str:
        """What changes with any of them, and with how circuits are drawn."""
        drawing = (HERE / "drawing.py").read_bytes() + (HERE.parent / "layout.py").read_bytes()
        return hashlib.sha256(json.dumps(self.digests).encode() + drawing).hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a page finds the file of that name."""
        return f"/static/{name}?v={self.digests[name]}"


class Pages:
    """Pages made of templates. `library` is what the library is called, `assets` what pages load."""

    def __init__(self, library: str, assets: Assets):
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "energy": energy,
            "figure": figure,
            "half": lambda score: (score.high - score.low) / 2,
            "plain": plain,
            "setting": setting,
            "share": lambda value: f"{value:.0%}".replace("-", "−"),
            "signed": lambda value: f"{value:+.3f}".replace("-", "−"),
            "time": duration,
        }
        self._environment.globals |= {
            "asset": assets.address,
            "interval_bar": interval_bar,
            "library": library,
            "motif_address": motif_address,
            "run_address": run_address,
            "spark_line": spark_line,
            "thumbnail_address": lambda id: f"{motif_address(id)}/thumbnail.svg?v={assets.digest}",
            "with_query": with_query,
        }

    def page(self, template: str, *, status: int = 200, **values) -> HTMLResponse:
        """The page of a template with these values."""
        return HTMLResponse(self._environment.get_template(template).render(values), status)


def motif_address(id: str) -> str:
    """Where a motif's page is."""
    return f"/motifs/{quote(id, safe='')}"


def run_address(id: str) -> str:
    """Where a run's page is."""
    return f"/runs/{quote(id, safe='')}"


def with_query(path: str, values: dict) -> str:
    """An address with a query of those values that are something, lists as several of a name."""
    told = said(values)
    return f"{path}?{urlencode(told, doseq=True)}" if told else path


def said(values: dict) -> dict:
    """Those of the values that say something: 0 does."""
    return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}


def figure(value: float | None) -> str:
    """A number in three digits, thousands apart."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", "\u202f").replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


def plain(name: str | None) -> str:
    """A name of ours as words."""
    return "" if name is None else name.replace("_", " ").replace("+", " + ")


def setting(value: object) -> str:
    """A recipe's value; – for what says nothing."""
    if value in (None, {}, []):
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
