"""Motifs side by side, with what differs between them marked."""

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response

from evocircuits.browser.changes import genes, numbers, own_synapses
from evocircuits.browser.context import Here
from evocircuits.browser.drawing import Picture, live_svg
from evocircuits.report import main_score

FEWEST, MOST = 2, 4

router = APIRouter()


@router.get("/compare")
def compare(request: Request, here: Here) -> Response:
    """Two to four motifs, by their ids in the address; with fewer, a page that says how to choose them."""
    asked = list(dict.fromkeys(id.strip() for id in request.query_params.getlist("id") if id.strip()))
    if len(asked) > MOST:
        raise HTTPException(400, f"compare: expected {FEWEST} to {MOST} motifs; got {len(asked)}")
    motifs = list({motif.id: motif for motif in map(here.motif, asked)}.values())
    if len(motifs) < FEWEST:
        return here.pages.page("choose.html", motifs=motifs)
    pictures = [Picture.of(motif.circuit, motif.genome) for motif in motifs]
    marked = own_synapses(motifs, pictures)
    drawings = [
        live_svg(picture, f"Circuit of motif {motif.id[:8]}", marked=own)
        for motif, picture, own in zip(motifs, pictures, marked, strict=True)
    ]
    populations, projections = genes(motifs)
    return here.pages.page(
        "compare.html",
        motifs=list(
            zip(motifs, map(main_score, motifs), drawings, map(np.count_nonzero, marked), strict=True)
        ),
        tables=[
            ("In numbers", numbers(motifs)),
            ("Populations", populations),
            ("Projections", projections),
        ],
    )
