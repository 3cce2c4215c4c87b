"""Motifs as a gallery of drawn circuits, which its address chooses and sorts."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from evocircuits.browser.choice import PAGE, Choice, chips
from evocircuits.browser.context import Context, Here
from evocircuits.browser.drawing import thumbnail
from evocircuits.browser.pages import KEPT
from evocircuits.library import MotifRow, Query, overview
from evocircuits.library.choose import counted
from evocircuits.library.query import COSTS, SORTS

COUNTED = 1000
"""Of more motifs than these after a page it is only said that there are more."""
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'"
"""Of a picture that is looked at alone: it brings its style along."""

router = APIRouter()


@router.get("/motifs")
def gallery(request: Request, here: Here) -> Response:
    """One page of what the address chooses."""
    choice = Choice.read(request.query_params)
    rows = here.library.listing(**choice.words, limit=PAGE, offset=choice.offset)
    read = here.library.database.read
    return here.pages.page(
        "gallery.html",
        choice=choice,
        rows=rows,
        numbers=_numbers(here, choice, rows),
        chips=chips(choice),
        tasks=read(overview.tasks),
        tags=read(overview.tags),
        structures=read(overview.structures),
        bounds={name: (task.chance, task.ceiling) for name, task in here.tasks.items()},
        sorts=SORTS,
        costs=tuple(COSTS),
    )


@router.get("/motifs/{id}/thumbnail.svg")
def picture(id: str, here: Here) -> Response:
    """A motif's circuit as a small picture, which never changes: the id is that of the content."""
    motif = here.motif(id)
    headers = {"Cache-Control": KEPT, "Content-Security-Policy": PICTURE_POLICY}
    return Response(thumbnail(motif.circuit, motif.genome), media_type="image/svg+xml", headers=headers)


def _numbers(here: Context, choice: Choice, rows: list[MotifRow]) -> dict:
    """Which of how many a page shows: `first`, `last`, `total`, and whether there are `more` than the total."""
    first, last = choice.offset + 1, choice.offset + len(rows)
    total = last
    if len(rows) == PAGE:
        total = _counted(here, choice)
    return {
        "first": first,
        "last": last,
        "total": total,
        "more": total > last + COUNTED,
        "next": total > last,
    }


def _counted(here: Context, choice: Choice) -> int:
    """How many motifs a choice has, counted no further than it takes to say that there are many."""
    if not choice.narrowed:
        return here.library.database.read(overview.motifs)
    query = Query.of(**choice.words)
    if query.shape is not None:
        query = replace(query, shape=here.motif(query.shape).id)
    return here.library.database.read(counted, query, choice.offset + PAGE + COUNTED + 1)
