"""A lineage as a tree on a page: the motif at the top, the line of its mothers below it, what each birth changed."""

from collections.abc import Mapping
from html import escape

from markupsafe import Markup

from evocircuits.browser.pages import motif_address, plain
from evocircuits.lineage import Lineage
from evocircuits.lineage_picture import places

STEP, LANE, LEFT, TOP = 30.0, 26.0, 14.0, 18.0
MOST = 250
"""Of more circuits those nearest to the motif are drawn."""
TEXT_WIDTH = 460.0


def family_tree(lineage: Lineage, relatives: Mapping[str, str]) -> Markup:
    """The tree as SVG, rows of text beside it; `relatives` are the motifs of the library in it, with their scores.

    Nobody stands beside another of the same birth: a row is one circuit, so that its text has room.
    """
    placed = places(lineage)
    ordered = sorted(placed, key=lambda id: (placed[id][1], placed[id][0], id))[:MOST]
    row = {id: k for k, id in enumerate(ordered)}
    lanes = 1 + max(placed[id][0] for id in ordered)
    text_x = LEFT + lanes * LANE + 6
    points = {id: (LEFT + placed[id][0] * LANE, TOP + row[id] * STEP) for id in ordered}
    lines = [_lines(points[id], [points[p] for p in lineage.parents(id) if p in points]) for id in ordered]
    nodes = [_node(lineage, id, points[id], text_x, relatives) for id in ordered]
    width, height = text_x + TEXT_WIDTH, TOP + len(ordered) * STEP
    return Markup(
        f'<svg class="tree" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" '
        f'role="group" aria-label="Lineage">{"".join(lines)}{"".join(nodes)}</svg>'
    )


def _lines(child: tuple[float, float], parents: list[tuple[float, float]]) -> str:
    drawn = []
    for place, (x, y) in enumerate(parents):
        from_x, from_y = child
        kind = "donor" if place else "mother"
        bend = f"C{from_x:.1f} {y - STEP / 2:.1f} {x:.1f} {from_y + STEP / 2:.1f} {x:.1f} {y:.1f}"
        drawn.append(f'<path class="{kind}" d="M{from_x:.1f} {from_y:.1f}{bend}"/>')
    return "".join(drawn)


def _node(
    lineage: Lineage, id: str, point: tuple[float, float], text_x: float, relatives: Mapping[str, str]
) -> str:
    birth = lineage.births.get(id)
    kind = "motif" if id in relatives else "unknown" if birth is None else "ancestor"
    if birth is not None and not birth.parents:
        kind += " founder"
    x, y = point
    dot = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{6 if id in relatives else 4.5}"/>'
    text = f'<text x="{text_x:.1f}" y="{y + 4:.1f}"><tspan class="id">{escape(id[:8])}</tspan> {_told(lineage, id)}'
    if relatives.get(id):
        text += f' <tspan class="score">{escape(relatives[id])}</tspan>'
    text += "</text>"
    if id in relatives and id != lineage.id:
        return f'<a href="{escape(motif_address(id))}">{dot}{text}</a>'
    return dot + text


def _told(lineage: Lineage, id: str) -> str:
    """How a circuit came about."""
    birth = lineage.births.get(id)
    if birth is None:
        return '<tspan class="quiet">of unknown birth</tspan>'
    said = escape(plain(birth.operator) or "bred") if birth.parents else "founder"
    when = "" if birth.epoch is None else f"epoch {birth.epoch}, island {birth.island}"
    return f'{said} <tspan class="quiet">{when}</tspan>'
