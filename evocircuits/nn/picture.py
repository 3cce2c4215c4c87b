"""A picture of any assembled network, as SVG: one box a module, from top to bottom, with what it says of itself.

No library draws it, so that `nn` needs none: text and rectangles are enough. What a motif looks like inside,
`evocircuits.draw.draw_circuit` shows.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from torch import nn

from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.routing import Routed

ROW, WIDTH, INDENT, MARGIN = 46, 620, 18, 12
COLOURS = {MotifLayer: "#d7e8d4", CoupledColumns: "#d7e8d4", Routed: "#f4efe1"}
OTHER = "#e3e8f0"


def network_svg(net: nn.Module) -> str:
    """The text of an SVG picture of `net`: modules in order, nested ones indented, with their numbers of parameters."""
    rows = list(_rows("net", net, 0))
    height = 2 * MARGIN + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * MARGIN}" height="{height}" '
        'font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, row in enumerate(rows):
        parts += _box(MARGIN + i * ROW, *row)
    return "\n".join([*parts, "</svg>", ""])


def draw_network(net: nn.Module, path: str | Path) -> None:
    """Write `network_svg` to a file."""
    Path(path).write_text(network_svg(net), encoding="utf-8")


def _rows(name: str, module: nn.Module, depth: int) -> Iterator[tuple[str, nn.Module, int]]:
    yield name, module, depth
    if isinstance(module, MotifLayer | CoupledColumns):
        return  # its parts are its magnitudes
    for child_name, child in module.named_children():
        if list(child.children()) or _says(child) or list(child.parameters()):
            yield from _rows(child_name, child, depth + 1)
        elif not isinstance(child, nn.Identity):
            yield child_name, child, depth + 1


def _box(top: int, name: str, module: nn.Module, depth: int) -> list[str]:
    left, colour = MARGIN + depth * INDENT, COLOURS.get(type(module), OTHER)
    parameters = sum(p.numel() for p in module.parameters() if _is_set(p))
    title = f"{name}: {type(module).__name__}"
    count = f"{parameters:,} parameters" if parameters else ""
    right = MARGIN + WIDTH - 8
    return [
        f'<rect x="{left}" y="{top}" width="{WIDTH - depth * INDENT}" height="{ROW - 8}" rx="4" fill="{colour}" '
        'stroke="#777"/>',
        f'<text x="{left + 8}" y="{top + 16}" font-size="13" font-weight="bold">{escape(title)}</text>',
        f'<text x="{right}" y="{top + 16}" font-size="11" text-anchor="end">{escape(count)}</text>',
        f'<text x="{left + 8}" y="{top + 31}" font-size="10">{escape(_short(_says(module)))}</text>',
    ]


def _says(module: nn.Module) -> str:
    return " ".join(module.extra_repr().split())


def _short(text: str, longest: int = 105) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _is_set(parameter) -> bool:
    return not isinstance(parameter, nn.parameter.UninitializedParameter)
