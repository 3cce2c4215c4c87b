"""What can be taken along of a motif: files for other programs, pictures for paper, a life to watch."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from evocircuits.browser.context import Asked, Context, Here
from evocircuits.browser.trials import fits
from evocircuits.draw import draw_circuit
from evocircuits.exchange import write_motif, write_nir
from evocircuits.forest import draw_certificate
from evocircuits.lineage_picture import draw_lineage
from evocircuits.measure import stream
from evocircuits.motif import Motif
from evocircuits.replay import write_replay
from evocircuits.report import main_score
from evocircuits.tasks import Task

router = APIRouter()


@router.get("/motifs/{id}/download/{name}")
def download(name: str, motif: Asked, here: Here) -> Response:
    """A motif as a file for other programs, or as a picture for paper."""
    writers: dict[str, Callable[[Path], object]] = {
        "motif.json": lambda path: write_motif(motif, path),
        "nir": lambda path: write_nir(motif, path),
        "svg": lambda path: draw_circuit(motif.circuit, path, genome=motif.genome, title=_title(motif)),
        "pdf": lambda path: draw_circuit(motif.circuit, path, genome=motif.genome, title=_title(motif)),
        "lineage.svg": lambda path: _draw_lineage(here, motif, path),
    }
    if (task := lived(here, motif)) is not None:
        writers["life.html"] = lambda path: _write_life(task, motif, path)
    writers |= {
        f"certificate-{k}.svg": lambda path, certificate=certificate: draw_certificate(certificate, path)
        for k, certificate in enumerate(here.library.certificates(motif.id))
    }
    if name not in writers:
        raise HTTPException(404, f"{name}: expected one of {', '.join(writers)}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{motif.id[:8]}.{name}"
        writers[name](path)
        content = path.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{path.name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def lived(here: Context, motif: Motif) -> Task | None:
    """The task in which a motif lives a life that can be watched, if there is one."""
    return next((t for t in here.tasks.values() if hasattr(t, "life") and fits(motif.circuit, t)), None)


def _write_life(task: Task, motif: Motif, path: Path) -> None:
    life = task.life(motif.circuit, task.trials(stream(0), 1))
    write_replay(life, path, title=f"{task.name}, motif {motif.id[:8]}")


def _draw_lineage(here: Context, motif: Motif, path: Path) -> None:
    lineage = here.library.lineage(motif.id)
    draw_lineage(lineage, path, motifs=here.relatives(lineage))


def _title(motif: Motif) -> str:
    score = main_score(motif)
    return f"{score.task}: {score.raw:.3f}, motif {motif.id[:8]}" if score else motif.id[:8]
