"""Networks trained of motifs: the arms side by side, how they learned, accuracy against what it costs."""

from fastapi import APIRouter, HTTPException, Response

from evocircuits.browser import charts
from evocircuits.browser.context import Context, Here
from evocircuits.browser.trained import Group, groups
from evocircuits.library import overview

router = APIRouter()


@router.get("/networks")
def networks(here: Here) -> Response:
    """Every comparison."""
    found = _groups(here)
    rows = {row.id: row for row in here.library.rows({group.motif for group in found})}
    return here.pages.page("networks.html", groups=found, rows=rows)


@router.get("/networks/{key:path}/charts.json")
def group_charts(key: str, here: Here) -> Response:
    """The charts of a comparison."""
    for group in _groups(here):
        if group.key == key:
            return charts.answer({"learning": charts.learning(group), "costs": charts.costs(group)})
    raise HTTPException(404, f"networks {key!r}: expected a comparison of this library")


def _groups(here: Context) -> list[Group]:
    motifs = dict.fromkeys(motif for motif, *_ in here.library.database.read(overview.trained))
    return groups(training for motif in motifs for training in here.library.trainings(motif))
