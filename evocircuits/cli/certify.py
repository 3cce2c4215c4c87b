"""The verb that finds out what makes a motif work: `certify`."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from evocircuits.certificate import Certificate
    from evocircuits.library import Library
    from evocircuits.measure import Baseline
    from evocircuits.motif import Motif

FOLDER = Path("runs/certificates")
"""Where pieces of unfinished certificates are kept."""


@app.command("certify")
def certify_(
    id: MotifId,
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Default: what it was evolved for.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=30, metavar="N", help="Held-out trials; default: 1000, fewer if long.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Of the trials.")] = 0,
    minimal: Annotated[
        bool,
        typer.Option("--minimal", help="Keep its minimal form, which a certificate tells, as its child."),
    ] = False,
    draw: Annotated[Path | None, typer.Option(metavar="FILE", help="Where: .svg, .png or .pdf.")] = None,
    workers: Workers = None,
    executor: ExecutorName = "ray",
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Find out by experiment what makes a motif work.

    Every part is knocked out, delays and weights are shuffled, other circuits take its place (the best of a run
    of random search among them, where the library has one), and it is strained by noise. The certificate is
    kept in the library and drawn into runs/pictures/ unless --draw names a file. Interrupted, the same command
    goes on.

    \b
    Examples:
      evocircuits certify best:localise
      evocircuits certify 3fa9 --task order --minimal
    """
    from evocircuits import report
    from evocircuits.forest import draw_certificate
    from evocircuits.library import Library

    opened = Library(library)
    motif = opened.get(id)
    score = report.main_score(motif)
    asked = task or (score and score.task)
    if not asked:
        raise InputError(f"certify: motif {motif.id[:8]} has no score on any task; name one with --task")
    certificate = _stored(opened, motif, asked, trials, seed) if minimal else None
    if certificate is None:
        certificate = _measured(opened, motif, asked, trials, seed, executor, workers)
        opened.add_certificate(certificate)
    kept = _keep_minimal(opened, motif, certificate, asked) if minimal else None
    path = draw or Path("runs/pictures") / f"{motif.id[:8]}-{certificate.task}-certificate.svg"
    draw_certificate(certificate, path, title=f"{certificate.task}: what makes motif {motif.id[:8]} work")
    if as_json:
        document = {"certificate": certificate.to_dict(), "picture": str(path)}
        print_json(document | ({"minimal": kept.id} if kept else {}))
    else:
        report.print_certificate(certificate, kept)
        print(f"\npicture: {path}")


def _stored(
    library: "Library", motif: "Motif", task: str, trials: int | None, seed: int
) -> "Certificate | None":
    """A certificate that measuring anew would only repeat; a user's file may have changed."""
    from evocircuits import __version__
    from evocircuits.measure import usual_trials
    from evocircuits.tasks import TASKS

    if task not in TASKS:
        return None
    wanted = task, trials or usual_trials(TASKS[task]), seed, __version__
    there = library.certificates(motif.id)
    return next((c for c in there if (c.task, c.trials, c.seed, c.version) == wanted), None)


def _measured(
    library: "Library",
    motif: "Motif",
    task: str,
    trials: int | None,
    seed: int,
    executor: str,
    workers: int | None,
) -> "Certificate":
    from evocircuits.measure import certify
    from evocircuits.progress import shown_pieces
    from evocircuits.search.executor import open_executor
    from evocircuits.tasks.custom import contents

    baseline = _baseline(library, motif, task)
    journal = _journal(motif, task, trials, seed, baseline)
    with (
        _kept(journal) as (finished, keep),
        shown_pieces() as on_progress,
        open_executor(executor, workers, log=FOLDER / "workers.log", files=contents([task])) as pool,
    ):
        return certify(
            motif,
            task,
            trials=trials,
            seed=seed,
            pool=pool,
            finished=finished,
            on_finished=keep,
            on_progress=on_progress,
            baseline=baseline,
        )


def _baseline(library: "Library", motif: "Motif", task: str) -> "Baseline | None":
    """The best of a run of random search on the task: where there are several, of the one that took most nearly as many
    evaluations as the run that found the motif.
    """
    from evocircuits.measure import Baseline
    from evocircuits.tasks import absolute_spec, get_task

    runs = library.runs()
    spent = {run.id: sum(report.get("evaluations", 0) for report in run.reports) for run in runs}
    own = spent.get(motif.provenance.run, max(spent.values(), default=0))
    of_random = [
        run.id
        for run in runs
        if run.recipe.get("search") == "random"
        and run.status == "finished"
        and run.id != motif.provenance.run
        and absolute_spec(task) in _tasks(run.recipe)
    ]
    for run in sorted(of_random, key=lambda run: abs(spent[run] - own)):
        for best in library.motifs(run=run, task=get_task(task).name, limit=1):
            return Baseline(best.circuit, spent[run])
    return None


def _tasks(recipe: dict) -> list[str]:
    return [recipe["task"]] if isinstance(recipe["task"], str) else recipe["task"]


def _keep_minimal(
    library: "Library", motif: "Motif", certificate: "Certificate", task: str
) -> "Motif | None":
    """The minimal form, scored as its certificate is and added to the library; None where there is none."""
    from evocircuits.measure import minimal_motif, score_circuit
    from evocircuits.tasks import get_task

    small = minimal_motif(motif, certificate)
    if small is not None:
        score = score_circuit(
            small.circuit, get_task(task), seed=certificate.seed, n_trials=certificate.trials
        )
        small = small.with_score(score)
        library.add([small])
    return small


def _journal(motif: "Motif", task: str, trials: int | None, seed: int, baseline: "Baseline | None") -> Path:
    """The file of a certificate's pieces, of another name where anything is different that they depend on."""
    from evocircuits import __version__
    from evocircuits.tasks import file_digest, get_task

    other = baseline and baseline.circuit.id
    words = [motif.id, task, file_digest(task), trials, seed, other, __version__]
    digest = hashlib.sha256(json.dumps(words).encode()).hexdigest()
    return FOLDER / f"{motif.id[:8]}-{get_task(task).name}-{digest[:8]}.jsonl"


@contextmanager
def _kept(journal: Path) -> Iterator[tuple[dict, Callable]]:
    """What an earlier session found, and a function that keeps more of it until the block ends well."""
    journal.parent.mkdir(parents=True, exist_ok=True)

    def keep(key: str, value) -> None:
        with journal.open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps([key, value])}\n")  # not on the half line that a killed process left

    try:
        yield dict(_lines(journal)), keep
    except KeyboardInterrupt:
        raise Interrupted("interrupted; the same command goes on where it stopped") from None
    journal.unlink(missing_ok=True)


def _lines(journal: Path) -> Iterator[tuple[str, object]]:
    """The pieces in whole lines."""
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ():
        try:
            key, value = json.loads(line)
        except ValueError:
            continue
        yield key, value
