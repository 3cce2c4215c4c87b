"""The `evocircuits` command: one function a verb. What is slow to import is imported inside the verb that needs it.

Exit status: 0 done, 1 the work failed, 2 the request was wrong, 130 interrupted with state saved.
"""

import sys
from typing import Annotated

import typer

from evocircuits.cli import (  # noqa: F401, each registers its verbs
    annotations,
    browse,
    certify,
    doctor,
    draw,
    evolution,
    exchange,
    library,
    lineage,
    listing,
    motifs,
    networks,
    new,
    runs,
    tasks,
)
from evocircuits.cli.options import Interrupted, app, print_json
from evocircuits.errors import InputError


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"evocircuits {version('evocircuits')}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Evolve small circuits of excitatory and inhibitory spiking neurons, and build trained networks of them."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status; whatever goes wrong is one line on standard error."""
    arguments = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        sys.exit(app(arguments, prog_name="evocircuits", standalone_mode=False) or 0)
    except InputError as error:
        message, status = f"error: {error}", 2
    except Interrupted as interruption:
        message, status = str(interruption), 130
    except (typer.Abort, KeyboardInterrupt):
        message, status = "interrupted; nothing was kept", 130
    except (OSError, RuntimeError, MemoryError) as error:
        message, status = f"error: {error or type(error).__name__}", 1
    except Exception as error:
        if not hasattr(error, "format_message"):  # a fault of ours: let the traceback tell
            raise
        verb = f"{arguments[0]} " if arguments[0] in {c.name for c in app.registered_commands} else ""
        message, status = f"error: {error.format_message()} (see: evocircuits {verb}--help)", 2
    line = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    print(line, file=sys.stderr)
    if "--json" in arguments:
        print_json({"error": line.removeprefix("error: ")})
    sys.exit(status)
