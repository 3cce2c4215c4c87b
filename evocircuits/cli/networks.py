"""The verb that trains networks made of motifs: `train`."""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, Interrupted, LibraryUrl, MotifId, app, print_json
from evocircuits.errors import InputError

DATA = "digits, digit-rows, wdbc, or a file: csv:FILE, npz:FILE, h5:FILE (spikes)."
ARMS = "motif, random, rewired, shuffled, dense, recurrent, delayed, mlp, column, dann, gru; may be repeated."


@app.command("train")
def train(
    id: MotifId,
    data: Annotated[str, typer.Option(metavar="DATA", help=f"What to classify: {DATA}")] = "digits",
    arm: Annotated[
        list[str] | None, typer.Option(metavar="ARM", help=f"{ARMS} Default: motif, random, dense.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained per arm.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the data.")] = 30,
    copies: Annotated[int, typer.Option(min=1, metavar="N", help="Copies of the motif in a network.")] = 64,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Default: runs/train-<id>-<data>/.")] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained side by side.")] = 2,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Train networks built of a motif.

    Copies of the motif classify samples, beside controls of it and networks without it. Each network's figures go into
    the library as soon as it is trained; those that are there already are not trained again, so that the same command
    goes on with a training that was stopped. The folder --out receives result.json and learning_curve.png.

    \b
    Examples:
      evocircuits train best:localise --data digits
      evocircuits train 3fa9 --data csv:iris.csv --arm motif --arm gru --seeds 5 --epochs 20
    """
    from evocircuits import report
    from evocircuits.draw import draw_learning_curves
    from evocircuits.library import Library, Training
    from evocircuits.nn.assemble import ARMS
    from evocircuits.nn.data import load_data
    from evocircuits.nn.results import TrainingRun
    from evocircuits.nn.train import train_arms
    from evocircuits.progress import shown_training

    kept, arms = Library(library), tuple(dict.fromkeys(arm or ARMS))
    motif, samples = kept.get(id), load_data(data)
    folder = _folder(out or Path("runs") / f"train-{motif.id[:8]}-{samples.name}")
    made = {"motif": motif.id, "data": samples.name, "epochs": epochs, "copies": copies}
    made["version"] = version("evocircuits")
    alike = [t for t in kept.trainings(motif.id) if all(getattr(t, name) == made[name] for name in made)]
    done = {(t.arm, t.seed): TrainingRun.from_dict(t.result) for t in alike}
    missing = sum((name, seed) not in done for name in arms for seed in range(seeds))

    def keep(run: TrainingRun) -> None:
        kept.add_trainings([Training(arm=run.arm, seed=run.seed, result=asdict(run), **made)])

    with shown_training(epochs * missing) as on_progress:
        try:
            sizes = {"arms": arms, "seeds": seeds, "epochs": epochs, "copies": copies, "workers": workers}
            trained = train_arms(
                motif, samples, **sizes, done=done.values(), on_run=keep, on_progress=on_progress
            )
        except KeyboardInterrupt:
            raise Interrupted("interrupted; the same command goes on where it stopped") from None
    result = trained.to_dict()
    (folder / "result.json").write_text(
        json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    title = f"{samples.name}, {seeds} seed{'s' if seeds > 1 else ''}, motif {motif.id[:8]}"
    draw_learning_curves(result, folder / "learning_curve.png", title=title)
    if as_json:
        print_json(result | {"folder": str(folder)})
    else:
        report.print_training(result)
        print(f"\nwritten to {folder}: result.json, learning_curve.png")


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: expected a folder that can be created; {error.strerror}") from None
    return path
