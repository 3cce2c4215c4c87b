"""Runs: those under way as they go, those that ended with their history, and several side by side."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from evocircuits.browser import charts
from evocircuits.browser.changes import Row
from evocircuits.browser.context import Context, Here, found
from evocircuits.browser.pages import plain, run_address, setting, with_query
from evocircuits.library import MotifRow, RunRow, overview
from evocircuits.library.motifs import in_batches
from evocircuits.library.runs import UNDER_WAY, read, rows_of

PAGE = 30
"""Runs of a page."""
MOST = 8
"""Runs side by side."""
WINNERS = 12
FOUND = 500
"""Motifs of a run's chart."""

router = APIRouter()


@dataclass(frozen=True)
class Summary:
    """A run in a few numbers: `best` and `median` of its last epoch, and totals over all."""

    run: RunRow

    @property
    def epochs(self) -> int:
        """How many it is to have."""
        return max(self.run.recipe.get("epochs", 0), self.run.epoch)

    @property
    def task(self) -> str:
        """What it evolves for."""
        named = self.run.recipe.get("task", "")
        return named if isinstance(named, str) else " + ".join(named)

    @property
    def bests(self) -> list[float]:
        """The best score after each epoch."""
        return [report["best"] for report in self.run.reports if "best" in report]

    @property
    def last(self) -> dict:
        """What the last epoch reported, empty before there is one."""
        return self.run.reports[-1] if self.run.reports else {}

    @property
    def evaluations(self) -> int:
        """Genomes evaluated in all."""
        return sum(report.get("evaluations", 0) for report in self.run.reports)

    @property
    def seconds(self) -> float:
        """How long it took so far."""
        return sum(report.get("seconds", 0.0) for report in self.run.reports)

    @property
    def rate(self) -> float | None:
        """Evaluations per second."""
        return self.evaluations / self.seconds if self.seconds else None

    @property
    def seconds_left(self) -> float | None:
        """How much longer, if epochs go on as they did."""
        if not (self.run.epoch and self.run.under_way):
            return None
        return self.seconds / self.run.epoch * (self.epochs - self.run.epoch)

    @property
    def operators(self) -> list[tuple[str, dict[str, int]]]:
        """Of every operator how often it was used, better than the mother, and kept; those kept most often first."""
        totals: dict[str, dict[str, int]] = {}
        for island in (island for report in self.run.reports for island in report.get("islands", ())):
            for name, counts in island.get("operators", {}).items():
                row = totals.setdefault(name, {"uses": 0, "better": 0, "kept": 0})
                for key in row:
                    row[key] += counts.get(key, 0)
        return sorted(totals.items(), key=lambda item: -item[1]["kept"])


@router.get("/")
def first() -> Response:
    """Runs come first."""
    return RedirectResponse("/runs", 302)


@router.get("/pulse")
def pulse(here: Here) -> Response:
    """A word that changes when a run goes on or motifs come, by which pages know when to look again."""
    return Response(_pulse(here), media_type="text/plain")


@router.get("/runs")
def runs(request: Request, here: Here) -> Response:
    """All runs, those under way first, a page at a time; of an empty library what to do next."""
    heads = here.library.database.read(overview.runs)
    motifs = here.library.database.read(overview.motifs)
    if not heads and not motifs:
        return here.pages.page("empty.html", pulse=_pulse(here))
    heads.sort(key=lambda head: head[1] not in UNDER_WAY)
    page = _page(request, len(heads))
    chosen = [id for id, _, _ in heads[(page - 1) * PAGE : page * PAGE]]
    return here.pages.page(
        "runs.html",
        runs=[Summary(run) for run in _runs(here, chosen)],
        live=any(status in UNDER_WAY for _, status, _ in heads),
        pulse=_pulse(here),
        page=page,
        pages=-(-len(heads) // PAGE),
        page_address=lambda page: with_query("/runs", {"page": page}),
        total=len(heads),
        motifs=motifs,
    )


@router.get("/compare-runs")
def compare(request: Request, here: Here) -> Response:
    """Several runs side by side."""
    asked = _asked(request, here)
    names = sorted({name for run in asked for name in run.recipe})
    rows = [Row(plain(name), tuple(setting(run.recipe.get(name)) for run in asked)) for name in names]
    rows.sort(key=lambda row: not row.differs)
    return here.pages.page("compare_runs.html", runs=[Summary(run) for run in asked], settings=rows)


@router.get("/compare-runs/charts.json")
def compare_charts(request: Request, here: Here) -> Response:
    """The chart of several runs."""
    asked = [(run.id, run.reports) for run in _asked(request, here)]
    return charts.answer({"histories": charts.histories(asked)})


@router.get("/runs/{id:path}/charts.json")
def run_charts(id: str, here: Here) -> Response:
    """The charts of a run."""
    run = found(here.library.run, id)
    reports, recipe = run.reports, run.recipe
    objectives = recipe.get("objectives", ())
    drawn = {
        "history": charts.history(reports, _marks(run)),
        "fronts": charts.fronts(reports, objectives),
        "found": _found(here, run),
        "archive": charts.archive(_archive(run), recipe.get("descriptors", ())),
        "diversity": charts.diversity(reports),
        "quality": charts.quality(reports),
        "speed": charts.speed(reports),
    }
    drawn |= {f"objective-{name}": charts.objective(reports, name) for name in objectives}
    return charts.answer(drawn)


@router.get("/runs/{id:path}")
def page(id: str, here: Here) -> Response:
    """Everything about a run, under its whole id."""
    run = found(here.library.run, id)
    if id != run.id:
        return RedirectResponse(run_address(run.id), 302)
    winners = run.reports[-1].get("winners", [])[:WINNERS] if run.reports else []
    return here.pages.page(
        "run.html",
        run=Summary(run),
        winners=_best_first(here.library.rows(winners)),
        references=_references(run),
        objectives=run.recipe.get("objectives", ()),
        archive=_archive(run),
        notes=here.library.notes(run.id),
        pulse=_pulse(here),
        bounds={name: (task.chance, task.ceiling) for name, task in here.tasks.items()},
    )


def _pulse(here: Context) -> str:
    read = here.library.database.read
    state = read(overview.runs), read(overview.motifs)
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def _page(request: Request, total: int) -> int:
    text = request.query_params.get("page", "1")
    if not (text.isdecimal() and len(text) < 9):
        raise HTTPException(400, f"page: expected a number; got {text[:40]!r}")
    return min(max(1, int(text)), max(1, -(-total // PAGE)))


def _runs(here: Context, ids: list[str]) -> list[RunRow]:
    """Those runs, in that order."""
    rows = {}
    for batch in in_batches(ids):
        rows |= {run.id: run for run in read(*here.library.database.read(rows_of, batch))}
    return [rows[id] for id in ids if id in rows]


def _asked(request: Request, here: Context) -> list[RunRow]:
    asked = list(dict.fromkeys(filter(None, request.query_params.getlist("run"))))
    if not 2 <= len(asked) <= MOST:
        raise HTTPException(
            400, f"compare: expected 2 to {MOST} runs; got {len(asked)} (mark them on the page of runs)"
        )
    return [found(here.library.run, id) for id in asked]


def _best_first(rows: Iterable[MotifRow]) -> list[MotifRow]:
    """By the lower ends of their intervals on held-out trials, as everywhere; those without a score last."""
    return sorted(rows, key=lambda row: row.score.low if row.score else -inf, reverse=True)


def _references(run: RunRow) -> list[dict]:
    """Scores of the hand-wired references, as a finished run tells them."""
    return [score for score in (run.reports[-1].get("references", ()) if run.reports else ()) if score]


def _marks(run: RunRow) -> dict[str, float]:
    levels = [score["normalised"] for score in _references(run)]
    marks = {"hand-wired": min(levels)} if levels else {}
    return marks | ({"target": run.recipe["target"]} if run.recipe.get("target") else {})


def _archive(run: RunRow) -> list[dict]:
    return run.reports[-1].get("archive", []) if run.reports else []


def _found(here: Context, run: RunRow) -> charts.Chart | None:
    """The motifs that a run found, on its own task, and their front."""
    task = run.recipe.get("task")
    own = {"task": task} if isinstance(task, str) and task in here.tasks else {}
    rows = here.library.listing(run=run.id, limit=FOUND, **own)
    front = here.library.listing(run=run.id, front=("energy",), **own) if own else []
    return charts.found(rows, [row.id for row in front])
