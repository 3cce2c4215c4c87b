"""The verb that finds out what makes a motif work: `certify`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import (
    AsJson,
    ExecutorName,
    Interrupted,
    LibraryUrl,
    MotifId,
    Workers,
    app,
    print_json,
)
from evocircuits.errors import InputError

FOLDER = Path("runs/certificates")
"""Where pieces of unfinished certificates are kept."""


@app.command("certify")
def certify_(
    id: MotifId,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Default: what it was evolved for.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Held-out trials; default: 1000, fewer if long.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Of the trials.")] = 0,
    minimal: Annotated[
        bool, typer.Option("--minimal", help="Keep its minimal form as a motif of its own.")
    ] = False,
    draw: Annotated[Path | None, typer.Option(metavar="FILE", help="Where: .svg, .png or .pdf.")] = None,
    workers: Workers = None,
    executor: ExecutorName = "ray",
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Find out by experiment what makes a motif work.

    Every part is knocked out, delays and weights are shuffled, other circuits take its place, and it is strained
    by noise, each on the same held-out trials. The certificate is kept in the library and drawn into
    runs/pictures/ unless --draw names a file. Interrupted, the same command goes on.

    \b
    Examples:
      evocircuits certify best:localise
      evocircuits certify 3fa9 --task order --minimal
    """
    from evocircuits import report
    from evocircuits.forest import draw_certificate
    from evocircuits.library import Library
    from evocircuits.measure import certify, minimal_motif

    opened = Library(library)
    motif = opened.get(id)
    score = report.main_score(motif)
    asked = task or (score and score.task)
    if not asked:
        raise InputError(f"certify: motif {motif.id[:8]} has no score on any task; name one with --task")
    journal = FOLDER / f"{motif.id[:16]}-{asked.replace('/', '_')}-{trials or 'all'}-{seed}.jsonl"
    with _kept(journal) as (finished, keep), _told() as on_progress, _pool(executor, workers) as pool:
        certificate = certify(
            motif,
            asked,
            trials=trials,
            seed=seed,
            pool=pool,
            finished=finished,
            on_finished=keep,
            on_progress=on_progress,
        )
    opened.add_certificate(certificate)
    kept = minimal_motif(motif, certificate) if minimal else None
    if kept is not None:
        opened.add([kept])
    path = (
        draw or Path("runs/pictures") / f"{motif.id[:8]}-{certificate.task.replace('/', '_')}-certificate.svg"
    )
    draw_certificate(certificate, path, title=f"{certificate.task}: what makes motif {motif.id[:8]} work")
    if as_json:
        document = {"certificate": certificate.to_dict(), "picture": str(path)}
        print_json(document | ({"minimal": kept.id} if kept else {}))
    else:
        report.print_certificate(certificate, kept)
        print(f"\npicture: {path}")


@contextmanager
def _kept(journal: Path) -> Iterator[tuple[dict, callable]]:
    """What an earlier session found, and a function that keeps more of it until the block ends well."""
    from evocircuits import __version__

    journal.parent.mkdir(parents=True, exist_ok=True)
    finished = dict(_lines(journal, __version__))
    with journal.open("w", encoding="utf-8") as file:

        def keep(key: str, value) -> None:
            print(json.dumps([__version__, key, value]), file=file, flush=True)

        for key, value in finished.items():
            keep(key, value)
        try:
            yield finished, keep
        except KeyboardInterrupt:
            raise Interrupted("interrupted; the same command goes on where it stopped") from None
    journal.unlink()


def _lines(journal: Path, version: str) -> Iterator[tuple[str, object]]:
    """Whole lines of this version."""
    if not journal.exists():
        return
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            written_by, key, value = json.loads(line)
        except ValueError:  # cut off where the process was killed
            continue
        if written_by == version:
            yield key, value


@contextmanager
def _pool(executor: str, workers: int | None) -> Iterator:
    from evocircuits.search.executor import open_executor

    with open_executor(executor, workers, log=FOLDER / "workers.log") as pool:
        yield pool


@contextmanager
def _told() -> Iterator:
    from evocircuits.progress import shown_pieces

    with shown_pieces() as on_progress:
        yield on_progress
