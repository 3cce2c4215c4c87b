"""What all verbs share: the application they register with, their common options, how they answer and stop."""

import json
from typing import Annotated

import typer

app = typer.Typer(
    epilog="Begin with: evocircuits evolve order",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

LibraryUrl = Annotated[
    str | None,
    typer.Option(
        "--library", metavar="URL", help="Default: $EVOCIRCUITS_LIBRARY or sqlite:///runs/library.db."
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document; messages go to standard error.")
]
MotifId = Annotated[
    str, typer.Argument(metavar="ID", help="A motif's id, the beginning of one, or best:TASK.")
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or the beginning of one.")]
Workers = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Worker processes; default: one a core.")
]
ExecutorName = Annotated[
    str,
    typer.Option(
        metavar="WHERE",
        help="ray (here), serial (in this process), or a Ray cluster: auto, HOST:PORT, ray://HOST:PORT. The result is "
        "the same.",
    ),
]


class Interrupted(Exception):
    """Stopped by the user with state saved; its text says how to go on."""


def print_json(document: dict) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, allow_nan=False))
