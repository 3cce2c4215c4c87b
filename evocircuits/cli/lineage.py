"""The verb that tells where a motif came from: `lineage`."""

from pathlib import Path
from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, LibraryUrl, MotifId, app, print_json


@app.command("lineage")
def lineage(
    id: MotifId,
    draw: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it, too: .svg, .png or .pdf.")
    ] = None,
    library: LibraryUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show from whom a motif was bred, up to the founders.

    A line for each ancestor: the operators it came from, its epoch and island, and its score where it is a motif. The
    mother stands below her child; another parent's line is set in, where it first comes.

    \b
    Examples:
      evocircuits lineage best:localise
      evocircuits lineage 3fa9 --draw lineage.svg
    """
    from evocircuits.library import Library

    opened = Library(library)
    found = opened.lineage(id)
    scores = _scores(opened, found)
    if draw is not None:
        from evocircuits.lineage_picture import draw_lineage

        draw_lineage(found, draw, motifs=set(scores))
    if as_json:
        picture = {} if draw is None else {"picture": str(draw)}
        births = [vars(birth) | {"parents": list(birth.parents)} for birth in found.births.values()]
        print_json(
            {"motif": found.id, "births": births, "founders": found.founders, "unknown": found.unknown}
            | picture
        )
        return
    _print(found, scores)
    if draw is not None:
        print(f"\npicture: {draw}")


def _scores(library, found) -> dict[str, str]:
    """Of each ancestor that is a motif its score in words, '' without one."""
    ids = [*found.births, *found.unknown]
    rows = [row for start in range(0, len(ids), 500) for row in library.rows(ids[start : start + 500])]
    return {row.id: f"{row.score.task} {row.score.raw:.3f}" if row.score else "" for row in rows}


def _print(found, scores: dict[str, str]) -> None:
    from evocircuits import report

    for id, depth, elsewhere in found.walk():
        birth = found.births.get(id)
        told = ["?" if birth is None else birth.operator or "–"]
        if birth is not None and birth.epoch is not None:
            told.append(f"epoch {birth.epoch}, island {birth.island}")
        told += [scores[id]] if scores.get(id) else []
        told += ["further on elsewhere in this list"] if elsewhere else []
        mark = "* " if id in scores else "  "
        print(report.printable("  " * depth + mark + "  ".join((id[:8], *told))))
    ends = [f"births: {len(found.births)}", f"founders: {len(found.founders)}"]
    ends += [f"of unknown birth (?): {len(found.unknown)}"] if found.unknown else []
    print(f"\n{', '.join(ends)}; * is a motif of the library")
