"""A lineage as a picture: the circuit at the top, the line of its mothers below it, other parents' lines beside it."""

import os
from collections.abc import Collection, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evocircuits.lineage import Lineage
from evocircuits.plots import EXCITATORY, INHIBITORY, INK, QUIET, new_axes, save

STEP, LANE, MARGIN = 0.42, 1.9, 0.6
"""Inches from a circuit to its parents, between lines, and around."""
TALLEST = 40.0
"""Inches of a picture; longer lineages are drawn closer."""
NAMED = 120
"""Of more circuits only motifs and founders are named."""


def draw_lineage(
    lineage: Lineage, path: str | os.PathLike | None = None, *, motifs: Collection[str] = ()
) -> Figure:
    """Draw a lineage; written to `path` (.svg, .png, .pdf) when given.

    Orange are `motifs` (ids), blue founders, hollow those of whose birth nothing is known. A thick line leads to the
    mother, a thin one to another parent. Beside each stands its id and how it came about.
    """
    placed = places(lineage)
    deepest = max(depth for _, depth in placed.values())
    lanes = 1 + max(lane for lane, _ in placed.values())
    height = min(TALLEST, deepest * STEP + 2 * MARGIN)
    step = (height - 2 * MARGIN) / max(1, deepest)
    ax = new_axes(lanes * LANE + MARGIN, height)
    ax.set_xlim(-MARGIN, lanes * LANE)
    ax.set_ylim(MARGIN - height, MARGIN)
    ax.axis("off")
    points = {id: (lane * LANE, -depth * step) for id, (lane, depth) in placed.items()}
    for id, point in points.items():
        _draw_lines(ax, point, [points[parent] for parent in lineage.parents(id)])
    for id, point in points.items():
        _draw_circuit(ax, lineage, id, point, id in motifs, named=len(points) <= NAMED)
    return save(ax.figure, path)


def _draw_lines(ax: Axes, point: tuple[float, float], parents: Sequence[tuple[float, float]]) -> None:
    for place, parent in enumerate(parents):
        style = dict(color=QUIET, linewidth=0.8) if place else dict(color=INK, linewidth=1.6)
        ax.plot(*zip(point, parent, strict=True), zorder=1, **style)


def _draw_circuit(
    ax: Axes, lineage: Lineage, id: str, point: tuple[float, float], is_motif: bool, *, named: bool
) -> None:
    is_founder = id in lineage.births and not lineage.parents(id)
    colour = EXCITATORY if is_motif else INHIBITORY if is_founder else QUIET
    face = colour if id in lineage.births else "white"
    ax.plot(*point, "o", markersize=6, markeredgecolor=colour, markerfacecolor=face, zorder=2)
    if named or is_motif or is_founder:
        text = ax.text(point[0] + 0.1, point[1], _name(lineage, id), fontsize=6, color=INK, va="center")
        text.set_bbox(dict(facecolor="white", edgecolor="none", alpha=0.8, pad=0.5))


def _name(lineage: Lineage, id: str) -> str:
    birth = lineage.births.get(id)
    operator = "" if birth is None or birth.operator is None else birth.operator
    return f"{id[:8]} {operator[:24]}".rstrip().replace("$", "")


def places(lineage: Lineage) -> dict[str, tuple[int, int]]:
    """Of each circuit the lane of its line, and how many births it lies back."""
    depths, found = lineage.depths(), {}
    taken: list[list[tuple[int, int]]] = []
    for line in _lines(lineage):
        # from the child that the line's first one is a parent of, down to whom its last one has for a mother
        top, bottom = depths[line[0]] - 1, depths[line[-1]] + 1
        free = (
            lane
            for lane, spans in enumerate(taken)
            if lane and all(bottom <= low or high <= top for low, high in spans)
        )
        if (lane := next(free, None)) is None:
            lane = len(taken)
            taken.append([])
        taken[lane].append((top, bottom))
        found |= {id: (lane, depths[id]) for id in line}
    return found


def _lines(lineage: Lineage) -> list[list[str]]:
    """Lines of mothers, the circuit's own first; each ends where it meets an earlier one."""
    lines = [lineage.mothers]
    placed = set(lines[0])
    for id, _, _ in lineage.walk():
        line = []
        parent: str | None = id
        while parent is not None and parent not in placed:
            line.append(parent)
            placed.add(parent)
            parent = next(iter(lineage.parents(parent)), None)
        if line:
            lines.append(line)
    return lines
