"""The verb that shows the library in a web browser: `browse`."""

import os
from contextlib import suppress
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, app, print_json
from evocircuits.errors import InputError

TOKEN = "EVOCIRCUITS_TOKEN"
PORT = 8765


@app.command("browse")
def browse(
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: any that is free.")] = PORT,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help=f"One that others can reach needs a token of yours in ${TOKEN}."
        ),
    ] = "127.0.0.1",
    task: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="FILE.py:Class or data:FILE.npz, to replay motifs on; may be repeated."
        ),
    ] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show the library in a web browser: runs as they go, motifs, networks.

    Open the link that is printed: it holds a token without which nobody is let in. Only tags and notes can be written.
    From another machine: ssh -L 8765:localhost:8765 THIS, and the link there. Ctrl-C ends it.

    \b
    Examples:
      evocircuits browse
      evocircuits browse --library sqlite:///other.db --port 8000
    """
    try:
        from evocircuits.browser import open_site
    except ImportError as error:
        raise InputError(
            f"browse needs {error.name}; install it with: pip install 'evocircuits[browser]'"
        ) from None
    from evocircuits.library import Library
    from evocircuits.tasks import get_task

    opened, tasks = Library(library), [get_task(name) for name in task or ()]
    site = open_site(opened, host=host, port=port, token=os.environ.get(TOKEN), tasks=tasks)
    if as_json:
        print_json({"library": opened.database.name, "link": site.access.link})
    else:
        print(f"{opened.database.name} at {site.access.link}\nCtrl-C ends it.", flush=True)
    with suppress(KeyboardInterrupt):  # which is how it ends
        site.serve()
