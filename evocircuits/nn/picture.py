"""A picture of any assembled network, as SVG: a box a module, from input to output, with what it says of itself.

Boxes of what is inside a module stand below its own, indented; arrows lead from one module of a sequence to the next.
No library draws it, so that `nn` needs none. What a motif looks like inside, `evocircuits.draw.draw_circuit` shows.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

from torch import nn

from evocircuits.nn.assemble import Classifier
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.routing import Routed
from evocircuits.nn.signs import Magnitudes
from evocircuits.nn.trained import Trained

BOX, GAP, WIDTH, INDENT, MARGIN = 38, 14, 640, 18, 12
LONGEST = 110
"""Characters of what a module says of itself."""
COLOURS = {MotifLayer: "#d7e8d4", CoupledColumns: "#d7e8d4", Routed: "#f4efe1"}
OTHER = "#e3e8f0"
WITHIN = (Magnitudes, Trained, nn.Identity)
"""Parts of a module that have no box of their own."""


class _Row(NamedTuple):
    name: str
    module: nn.Module
    depth: int
    after: bool  # whether what leaves the row of this depth above comes in


def network_svg(net: nn.Module) -> str:
    """The text of an SVG picture of `net`: modules in order, nested ones indented, with their numbers of parameters."""
    rows = list(_rows(_Row("net", net, 0, False)))
    height = 2 * MARGIN + (BOX + GAP) * len(rows) - GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * MARGIN}" height="{height}" '
        'font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    bottom_at: dict[int, int] = {}
    for place, row in enumerate(rows):
        top = MARGIN + place * (BOX + GAP)
        if row.after:
            parts.append(_arrow(row.depth, bottom_at[row.depth], top))
        parts += _box(top, row)
        bottom_at[row.depth] = top + BOX
    return "\n".join([*parts, "</svg>", ""])


def draw_network(net: nn.Module, path: str | Path) -> None:
    """Write `network_svg` to a file."""
    Path(path).write_text(network_svg(net), encoding="utf-8")


def _rows(row: _Row) -> Iterator[_Row]:
    yield row
    module = row.module
    children = module.layers.items() if isinstance(module, Routed) else module.named_children()
    shown = [(name, child) for name, child in children if not isinstance(child, WITHIN)]
    in_turn = isinstance(module, nn.Sequential | Classifier)
    for place, (name, child) in enumerate(shown):
        yield from _rows(_Row(name, child, row.depth + 1, in_turn and place > 0))


def _box(top: int, row: _Row) -> list[str]:
    left, colour = MARGIN + row.depth * INDENT, COLOURS.get(type(row.module), OTHER)
    set_ = (p for p in row.module.parameters() if not isinstance(p, nn.parameter.UninitializedParameter))
    parameters = sum(p.numel() for p in set_)
    title = f"{row.name}: {type(row.module).__name__}"
    says = " ".join(row.module.extra_repr().split())
    says = says if len(says) <= LONGEST else says[: LONGEST - 1] + "…"
    return [
        f'<rect x="{left}" y="{top}" width="{WIDTH - row.depth * INDENT}" height="{BOX}" rx="4" fill="{colour}" '
        'stroke="#777"/>',
        f'<text x="{left + 8}" y="{top + 16}" font-size="13" font-weight="bold">{escape(title)}</text>',
        f'<text x="{MARGIN + WIDTH - 8}" y="{top + 16}" font-size="11" text-anchor="end">'
        f"{f'{parameters:,} parameters' if parameters else ''}</text>",
        f'<text x="{left + 8}" y="{top + 31}" font-size="10">{escape(says)}</text>',
    ]


def _arrow(depth: int, start: int, end: int) -> str:
    x = MARGIN + depth * INDENT + 4  # left of what stands below the upper box, indented
    return f'<path d="M{x} {start} V{end} m-4 -6 l4 6 l4 -6" fill="none" stroke="#444" stroke-width="1.5"/>'
