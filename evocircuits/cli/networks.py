"""The verb that trains networks made of motifs: `train`."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json
from evocircuits.errors import InputError


@app.command("train")
def train(
    id: MotifId,
    data: Annotated[Literal["digits"], typer.Option(help="What to classify.")] = "digits",
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained per arm.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over the data.")] = 10,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Default: runs/train-<id>/.")] = None,
    workers: Annotated[int, typer.Option(min=1, metavar="N", help="Networks trained side by side.")] = 2,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Train networks built of a motif.

    Copies of the motif classify images, beside two controls: the same neurons wired at random, and a dense layer.
    The folder --out receives result.json and learning_curve.png.

    \b
    Examples:
      evocircuits train best:localise --data digits
      evocircuits train 3fa9 --seeds 5 --epochs 20 --out runs/digits
    """
    from evocircuits import report
    from evocircuits.draw import draw_learning_curves
    from evocircuits.library import Library
    from evocircuits.nn.train import ARMS, train_digits
    from evocircuits.progress import shown_training

    motif = Library(library).get(id)
    folder = out or Path("runs") / f"train-{motif.id[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: expected a folder that can be created; {error.strerror}") from None
    with shown_training(len(ARMS) * seeds * epochs) as on_progress:
        trained = train_digits(motif, seeds=seeds, epochs=epochs, workers=workers, on_progress=on_progress)
    result = trained.to_dict()
    (folder / "result.json").write_text(
        json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8"
    )
    title = f"{data}, {seeds} seed{'s' if seeds > 1 else ''}, motif {motif.id[:8]}"
    draw_learning_curves(result, folder / "learning_curve.png", title=title)
    if as_json:
        print_json(result | {"folder": str(folder)})
    else:
        report.print_training(result)
        print(f"\nwritten to {folder}: result.json, learning_curve.png")
