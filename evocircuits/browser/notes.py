"""What can be edited: tags of motifs, notes on motifs and runs. Everything else is read only.

A form comes back to the page it was sent from. What may not be written is told there, as any error is.
"""

from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from evocircuits.browser.context import Here, found
from evocircuits.browser.pages import motif_address, run_address

LONGEST = 20_000
"""Bytes of a form."""

router = APIRouter()


async def _form(request: Request) -> dict[str, str]:
    """The fields of a posted form, the first of each name."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise HTTPException(400, f"form: expected at most {LONGEST} bytes (write less)")
    try:
        fields = parse_qs(body.decode("utf-8"), strict_parsing=bool(body), max_num_fields=20, errors="strict")
    except ValueError:  # UnicodeDecodeError among them
        raise HTTPException(400, "form: expected fields as a page sends them") from None
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(_form)]


@router.post("/motifs/{id}/tags")
def tag(id: str, form: Form, here: Here) -> Response:
    """Give tags to a motif, as words apart, or take one from it."""
    motif = here.motif(id).id
    here.library.tag(motif, *form.get("add", "").replace(",", " ").split())
    if gone := form.get("remove"):
        here.library.tag(motif, gone, remove=True)
    return RedirectResponse(f"{motif_address(motif)}#tags", 303)


@router.post("/motifs/{id}/notes")
def note_on_motif(id: str, form: Form, here: Here) -> Response:
    """Write a note about a motif."""
    motif = here.motif(id).id
    here.library.note(motif, form.get("text", ""))
    return RedirectResponse(f"{motif_address(motif)}#notes", 303)


@router.post("/runs/{id:path}/notes")
def note_on_run(id: str, form: Form, here: Here) -> Response:
    """Write a note about a run."""
    run = found(here.library.run, id).id
    here.library.note(run, form.get("text", ""))
    return RedirectResponse(f"{run_address(run)}#notes", 303)
