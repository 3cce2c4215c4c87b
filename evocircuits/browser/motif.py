"""A motif's page: its circuit, what it does in trials, its scores, certificate, lineage and networks."""

import json
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import RedirectResponse

from evocircuits.browser import trained
from evocircuits.browser.changes import gene_names
from evocircuits.browser.context import Asked, Context, Here
from evocircuits.browser.downloads import lived
from evocircuits.browser.drawing import Picture, live_svg, node_names
from evocircuits.browser.family import family_tree
from evocircuits.browser.forest import forest
from evocircuits.browser.pages import motif_address
from evocircuits.browser.trials import fits
from evocircuits.genome import Genome
from evocircuits.library import overview
from evocircuits.report import main_score, pattern_words, rule_words
from evocircuits.shape import CONSTANTS
from evocircuits.tasks import Task

router = APIRouter()


@router.get("/motifs/{id}")
def page(id: str, motif: Asked, here: Here) -> Response:
    """Everything about a motif; under its whole id, so that the address can be shared."""
    if id != motif.id:
        return RedirectResponse(motif_address(motif.id), 302)
    library, picture = here.library, Picture.of(motif.circuit, motif.genome)
    lineage = library.lineage(motif.id)
    relatives = here.relatives(lineage)
    played = [task for task in here.tasks.values() if fits(motif.circuit, task)]
    own = main_score(motif)
    played.sort(key=lambda task: own is None or task.name != own.task)
    return here.pages.page(
        "motif.html",
        motif=motif,
        own=own,
        drawing=live_svg(picture, f"Circuit of motif {motif.id[:8]}"),
        picture=picture,
        tags=library.tags(motif.id),
        notes=library.notes(motif.id),
        played=played,
        bounds={task.name: (task.chance, task.ceiling) for task in here.tasks.values()},
        certificates=[(certificate, forest(certificate)) for certificate in library.certificates(motif.id)],
        lineage=lineage,
        tree=family_tree(lineage, relatives),
        finders=library.database.read(overview.finders, motif.id),
        trained=trained.groups(library.trainings(motif.id)),
        alike=len(library.listing(shape=motif.id, limit=100)) - 1,
        mother=next((id for id in lineage.mothers[1:2] if id in relatives), None),
        wiring=wiring(motif.genome),
        lived=lived(here, motif),
    )


@router.get("/motifs/{id}/circuit.json")
def circuit(motif: Asked) -> Response:
    """The nodes and synapses of a motif's drawing, in its order."""
    picture = Picture.of(motif.circuit, motif.genome)
    names, n = node_names(motif.circuit, picture.layout), motif.circuit.n_neurons
    constants = {name: getattr(motif.circuit, name).round(6).tolist() for name in CONSTANTS}
    document = {
        "names": names,
        "excitatory": motif.circuit.excitatory.tolist(),
        "ports": {port: a.channels for port, a in motif.circuit.inputs.items()},
        "outputs": {port: neurons.tolist() for port, neurons in motif.circuit.outputs.items()},
        "n_neurons": n,
        "constants": constants,
        "ends": picture.ends.tolist(),
        "delay_ms": [round(line.delay_ms, 5) for line in picture.synapses],
        "radius": picture.radius,
    }
    return _json(document)


@router.get("/motifs/{id}/trials.json")
def trials(motif: Asked, here: Here, task: str, seed: Annotated[int, Query(ge=0, le=2**31)] = 0) -> Response:
    """What a motif does in trials of a task."""
    return _json(here.replays.trials(motif, _task(here, task), seed).document())


@router.get("/motifs/{id}/voltage.json")
def voltage(
    motif: Asked,
    here: Here,
    task: str,
    window: int,
    neuron: int,
    seed: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """The membrane of one neuron in one window of these trials."""
    return _json(here.replays.voltage(motif, _task(here, task), seed, window, neuron))


def wiring(genome: Genome) -> dict[str, list[dict]]:
    """A genome's populations and projections, each with its name: E1, E2, … and from → to."""
    names = gene_names([genome])
    populations = [{"name": names[gene.id], "gene": gene} for gene in genome.populations]
    projections = [
        {
            "name": f"{names[gene.source]} → {names[gene.target]}",
            "gene": gene,
            "pattern": pattern_words(gene.pattern),
            "rule": rule_words(gene.plasticity),
        }
        for gene in genome.projections
    ]
    return {"populations": populations, "projections": projections}


def _task(here: Context, name: str) -> Task:
    if name not in here.tasks:
        raise HTTPException(
            404,
            f"task {name!r}: expected one that is known here (name your own: evocircuits browse --task FILE.py:Class)",
        )
    return here.tasks[name]


def _json(document: dict) -> Response:
    content = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Response(content, media_type="application/json")
