"""Verbs that write on motifs: `tag` and `note`."""

from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json


@app.command("tag")
def tag(
    id: MotifId,
    tags: Annotated[list[str], typer.Argument(metavar="TAG…", help="Words of your own.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take them away.")] = False,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Give tags to a motif, by which it is found again.

    \b
    Examples:
      evocircuits tag best:localise kept for-paper
      evocircuits ls --tag kept
      evocircuits tag 3fa9 kept --remove
    """
    from evocircuits import report
    from evocircuits.library import Library

    opened = Library(library)
    motif = opened.get(id)
    has = opened.tag(motif.id, *tags, remove=remove)
    if as_json:
        print_json({"motif": motif.id, "tags": list(has)})
    else:
        print(f"{motif.id[:8]}: {report.printable(', '.join(has)) or 'no tags'}")


@app.command("note")
def note(
    id: Annotated[
        str, typer.Argument(metavar="ID", help="A motif's or run's id, the beginning of one, or best:TASK.")
    ],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to write, in quotes.")],
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write a note about a motif or a run.

    `show` prints them, and `ls --text` finds motifs by them.

    \b
    Examples:
      evocircuits note best:localise "adds two banks of coincidence cells"
      evocircuits note localise-s1 "before delays were limited"
    """
    from evocircuits import report
    from evocircuits.library import Library

    opened = Library(library)
    subject, notes = opened.note(id, text)
    if as_json:
        print_json({"about": subject, "notes": [vars(note) for note in notes]})
    else:
        print(f"{subject if '-' in subject else subject[:8]}: {report.printable(notes[-1].text)}")
