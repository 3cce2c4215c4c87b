"""A circuit as SVG that pages style and bring to life, and as a small picture that stands alone.

Layout and conventions are those of `draw.draw_circuit`, which draws for paper: E neurons are triangles and I neurons
circles, arrows excite and bars inhibit, a line's width tells its strength and its shade, among many, its delay.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import chain

import numpy as np
from markupsafe import Markup

from evocircuits.circuit import Circuit
from evocircuits.genome import Genome
from evocircuits.layout import Layout, Line, bank_names, lay_out, lines

INCH = 100.0
"""Units of a picture."""
SHADES = 5
MOST_LINES = 3000
"""Of more synapses only the strongest are drawn."""
LABELLED_SYNAPSES = 24
CROWD = 60
"""Of more synapses lines are thinner."""
MARGIN = 36.0
HALO = 1.6
"""Radii of a neuron of what lights it: no more than half of the way to the next."""
LOOP = ((-0.4, -1.1), (-2.6, -4.0), (2.6, -4.0), (0.5, -1.3))
"""Of a synapse of a neuron onto itself the corners, in radii of the neuron."""

_STYLE = """
svg{{background:transparent}}
path{{fill:none;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}}
.bank{{fill:#8881;stroke:none}}.n{{stroke:{paper};stroke-width:.8}}.n.in{{fill:{ink}}}
.n.e{{fill:{e[2]}}}.n.i{{fill:{i[2]}}}
{lines}
"""
_LIGHT = {
    "paper": "#ffffff",
    "ink": "#33322f",
    "e": ("#f7b579", "#e58a3c", "#d55e00", "#a84800", "#7c3000"),
    "i": ("#8ac6ee", "#469dd1", "#0072b2", "#00568a", "#003a62"),
}
_DARK = {
    "paper": "#1c1e22",
    "ink": "#c9c6bf",
    "e": ("#7f4317", "#b3601f", "#ee8434", "#f7a263", "#fcbd8c"),
    "i": ("#2a5a7c", "#3580b0", "#55aade", "#82c3ee", "#a8d7f6"),
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A circuit laid out in units with y downwards: where its nodes are, and its synapses as curves.

    Nodes are the neurons, then the channels of every input port: `places` float[nodes, 2]. `ends` int[synapses, 2] are
    the nodes of each synapse, `curves` the path of each. `left_out`: synapses that are too many to be drawn.
    """

    circuit: Circuit
    layout: Layout
    places: np.ndarray
    synapses: Sequence[Line]
    ends: np.ndarray
    curves: Sequence[str]
    radius: float
    left_out: int

    @classmethod
    def of(cls, circuit: Circuit, genome: Genome | None = None, *, small: bool = False) -> "Picture":
        """Lay a circuit out. A genome tells which neurons form a population. Of a `small` picture nodes are larger."""
        drawn = _strongest(circuit)
        layout = lay_out(drawn, genome)
        places = np.concatenate([layout.neurons, *layout.channels.values()]).reshape(-1, 2)
        ends = _ends(drawn)
        synapses = lines(drawn, layout)
        radius = float(np.clip(layout.pitch * INCH * 0.31, 4.5, 12.0))
        if small:
            extent = max(layout.width, layout.height) * INCH
            radius = float(np.clip(extent / 32, radius, 0.45 * layout.pitch * INCH))
        curves = [_curve(line, radius) for line in synapses]
        left_out = circuit.n_synapses - drawn.n_synapses
        return cls(drawn, layout, places * (INCH, -INCH), synapses, ends, curves, radius, left_out)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of everything."""
        width, height = self.layout.width * INCH, self.layout.height * INCH
        around = MARGIN + self.radius
        return -around, -height / 2 - around, width + 2 * around, height + 2 * around

    @property
    def text(self) -> float:
        """The size of letters, which grows with the picture."""
        return max(14.0, max(self.layout.width, self.layout.height) * INCH / 42)

    @property
    def tells_delays(self) -> bool:
        """Whether synapses are so few that the delay of each stands at it."""
        return len(self.synapses) <= LABELLED_SYNAPSES

    @property
    def shades(self) -> np.ndarray:
        """int[synapses]: 0 of the shortest delay to `SHADES` − 1 of the longest; the middle one where all are alike."""
        delays = np.array([line.delay_ms for line in self.synapses])
        span = np.ptp(delays) if len(delays) else 0.0
        if span < 1e-9:
            return np.full(len(delays), SHADES // 2)
        return np.minimum((SHADES * (delays - delays.min()) / span).astype(int), SHADES - 1)


def thumbnail(circuit: Circuit, genome: Genome | None = None) -> str:
    """A small picture of a circuit as an SVG document, which follows the reader's choice of light or dark."""
    picture = Picture.of(circuit, genome, small=True)
    left, top, width, height = picture.box
    by_look: dict[str, list[str]] = defaultdict(list)
    for line, curve, shade in zip(picture.synapses, picture.curves, picture.shades, strict=True):
        by_look[_look(line, shade)].append(curve)
    # the widest last, so that what matters most lies on top
    drawn = [f'<path class="{look}" d="{" ".join(by_look[look])}"/>' for look in sorted(by_look, key=_width)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}">'
        f"<style>{_standalone_style(len(picture.synapses))}</style>{''.join(_banks(picture))}{''.join(drawn)}{''.join(_markers(picture))}"
        "</svg>"
    )


def live_svg(picture: Picture, title: str, *, marked: np.ndarray | None = None) -> Markup:
    """A circuit as an element of a page: every node and every synapse is one of its own, in the order of `picture`.

    `marked`: bool[synapses], those that are to stand out.
    """
    marked = np.zeros(len(picture.synapses), bool) if marked is None else marked
    _, top, _, height = picture.box
    before, after = _room(picture.circuit.inputs, picture), _room(picture.circuit.outputs, picture)
    width = picture.layout.width * INCH + before + after
    box = f"{-before:.0f} {top - picture.text:.0f} {width:.0f} {height + 2 * picture.text:.0f}"
    crowd = "crowd" if len(picture.synapses) > CROWD else ""
    return Markup(
        f'<svg class="circuit {crowd}" viewBox="{box}" role="group" aria-label="{escape(title)}" '
        f'font-size="{picture.text:.1f}">'
        f'<g class="banks">{"".join(_banks(picture))}</g>'
        f'<g class="synapses">{"".join(_single_lines(picture, marked))}</g><g class="pulses"></g>'
        f'<g class="nodes">{"".join(_single_nodes(picture))}</g>'
        f'<g class="labels" aria-hidden="true">{"".join(_labels(picture))}</g></svg>'
    )


def node_names(circuit: Circuit, layout: Layout) -> list[str]:
    """What each node is called: E2·3 the fourth of the second excitatory population, left·0 the first of a port."""
    names = [""] * circuit.n_neurons
    for group, name in bank_names(circuit, layout):
        for k in range(group.size):
            names[group.first + k] = name if group.size == 1 else f"{name}·{k}"
    for port, xy in layout.channels.items():
        names += [port] if len(xy) == 1 else [f"{port}·{k}" for k in range(len(xy))]
    return names


def _strongest(circuit: Circuit) -> Circuit:
    """The circuit with at most `MOST_LINES` synapses, those of the greatest weights."""
    if circuit.n_synapses <= MOST_LINES:
        return circuit
    weights = np.concatenate([circuit.weight_pA, *(a.weight_pA for a in circuit.inputs.values())])
    kept = np.zeros(len(weights), bool)
    kept[np.argsort(-weights, kind="stable")[:MOST_LINES]] = True
    inner, first, inputs = kept[: len(circuit.source)], len(circuit.source), {}
    for port, a in circuit.inputs.items():
        own = kept[first : first + len(a.target)]
        first += len(a.target)
        columns = ("channel", "target", "weight_pA", "delay_ms", "rule")
        inputs[port] = replace(a, **{name: getattr(a, name)[own] for name in columns})
    columns = ("source", "target", "weight_pA", "delay_ms", "rule")
    return replace(circuit, **{name: getattr(circuit, name)[inner] for name in columns}, inputs=inputs)


def _ends(circuit: Circuit) -> np.ndarray:
    """int[synapses, 2]: the nodes of each, in the order of `layout.lines`."""
    first, rows = circuit.n_neurons, []
    for a in circuit.inputs.values():
        rows.append(np.stack([first + a.channel, a.target], axis=1))
        first += a.channels
    rows.append(np.stack([circuit.source, circuit.target], axis=1))
    return np.concatenate(rows).astype(int)


def _curve(line: Line, radius: float) -> str:
    """A line as a path from the edge of one node to that of another, with its head: open where it excites, a bar where
    it inhibits.
    """
    start, end = (np.array([x, -y]) * INCH for x, y in (line.start, line.end))
    if np.array_equal(start, end):
        a, b, c, d = (start + radius * np.array(corner) for corner in LOOP)
        return f"M{_xy(a)}C{_xy(b)} {_xy(c)} {_xy(d)}{_head(line, d, d - c, radius)}"
    along = end - start
    control = (start + end) / 2 + line.bend * np.array([-along[1], along[0]])
    length = max(1.0, float(np.hypot(*along)))
    from_, control, to = _cut(start, control, end, 1.25 * radius / length, 1.4 * radius / length)
    return f"M{_xy(from_)}Q{_xy(control)} {_xy(to)}{_head(line, to, to - control, radius)}"


def _cut(a: np.ndarray, b: np.ndarray, c: np.ndarray, first: float, last: float) -> tuple[np.ndarray, ...]:
    """A quadratic Bézier curve without those parts at its ends (de Casteljau)."""
    first, last = min(first, 0.4), 1 - min(last, 0.4)

    def blossom(s: float, t: float) -> np.ndarray:
        return (1 - s) * ((1 - t) * a + t * b) + s * ((1 - t) * b + t * c)

    return blossom(first, first), blossom(first, last), blossom(last, last)


def _head(line: Line, tip: np.ndarray, direction: np.ndarray, radius: float) -> str:
    forward = direction / max(1e-9, float(np.hypot(*direction)))
    aside = np.array([-forward[1], forward[0]])
    size = 0.5 * radius
    if line.excitatory:
        left, right = tip - 1.3 * size * forward + size * aside, tip - 1.3 * size * forward - size * aside
        return f"M{_xy(left)}L{_xy(tip)}L{_xy(right)}"
    return f"M{_xy(tip + 1.1 * size * aside)}L{_xy(tip - 1.1 * size * aside)}"


def _xy(point: np.ndarray) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _width(look: str) -> int:
    return int(look[-1])


def _look(line: Line, shade: int) -> str:
    """Classes of a line: polarity, shade of its delay, kind of plasticity, and its width in five steps."""
    step = min(4, int(3 * min(line.strength, 1.5) ** 0.8))
    plastic = " plastic" if line.rule else ""
    return f"s {'e' if line.excitatory else 'i'} d{shade}{plastic} w{step}"


def _standalone_style(n_lines: int) -> str:
    """Lines are thinner where there are many."""
    scale = float(np.interp(n_lines, [20, 60, 150], [1.0, 0.8, 0.45]))
    return (
        _theme(_LIGHT)
        + ".plastic{stroke-dasharray:5 3}"
        + "".join(f".w{k}{{stroke-width:{scale * (0.5 + 0.3 * k):.2f}}}" for k in range(5))
        + f"@media (prefers-color-scheme:dark){{{_theme(_DARK)}}}"
    )


def _theme(colours: dict) -> str:
    drawn = "".join(f".s.{kind}.d{k}{{stroke:{colours[kind][k]}}}" for kind in "ei" for k in range(SHADES))
    return " ".join(_STYLE.format(lines=drawn, **colours).split())


def _banks(picture: Picture) -> Iterable[str]:
    around = min(20.0, 0.75 * picture.layout.pitch * INCH)
    for group in picture.layout.groups:
        if group.size > 1:
            xy = picture.layout.places(group) * (INCH, -INCH)
            (left, top), (right, bottom) = xy.min(axis=0) - around, xy.max(axis=0) + around
            yield (
                f'<rect class="bank" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{bottom - top:.1f}" rx="{around:.1f}"/>'
            )


def _markers(picture: Picture) -> Iterable[str]:
    """All nodes of a kind as one path."""
    n, radius = picture.circuit.n_neurons, picture.radius
    kinds = (
        ("e", picture.places[:n][picture.circuit.excitatory], _triangle),
        ("i", picture.places[:n][~picture.circuit.excitatory], _disc),
        ("in", picture.places[n:], _square),
    )
    for kind, places, shape in kinds:
        if len(places):
            yield f'<path class="n {kind}" d="{"".join(shape(at, radius) for at in places)}"/>'


def _triangle(at: np.ndarray, radius: float) -> str:
    x, y = at
    return f"M{x:.1f} {y - 1.1 * radius:.1f}l{radius:.1f} {1.8 * radius:.1f}h{-2 * radius:.1f}z"


def _disc(at: np.ndarray, radius: float) -> str:
    r = 0.9 * radius
    return f"M{at[0] - r:.1f} {at[1]:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0z"


def _square(at: np.ndarray, radius: float) -> str:
    r = 0.7 * radius
    return f"M{at[0] - r:.1f} {at[1] - r:.1f}h{2 * r:.1f}v{2 * r:.1f}h{-2 * r:.1f}z"


def _single_lines(picture: Picture, marked: np.ndarray) -> Iterable[str]:
    for line, curve, shade, stands_out in zip(
        picture.synapses, picture.curves, picture.shades, marked, strict=True
    ):
        yield f'<path class="{_look(line, shade)}{" own" if stands_out else ""}" d="{curve}"/>'


def _single_nodes(picture: Picture) -> Iterable[str]:
    n, names = picture.circuit.n_neurons, node_names(picture.circuit, picture.layout)
    for k, at in enumerate(picture.places):
        kind, shape, word = "in", _square, "input channel"
        if k < n and picture.circuit.excitatory[k]:
            kind, shape, word = "e", _triangle, "excitatory neuron"
        elif k < n:
            kind, shape, word = "i", _disc, "inhibitory neuron"
        yield (
            f'<g class="node {kind}" role="button" tabindex="-1" aria-label="{escape(names[k])}, {word}">'
            f'<circle class="halo" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{HALO * picture.radius:.1f}"/>'
            f'<path class="n {kind}" d="{shape(at, picture.radius)}"/></g>'
        )


def _labels(picture: Picture) -> Iterable[str]:
    """Names of ports and banks, the index of every member of a port, and delays where they are few."""
    return chain(_port_labels(picture), _bank_labels(picture), _delay_labels(picture))


def _room(ports: Iterable[str], picture: Picture) -> float:
    """How far a picture reaches beyond the nodes at its side, so that the names of these ports are in it."""
    letters = max((len(name) for name in ports), default=0)
    return 2 * picture.radius + picture.text * max(2.0, 0.68 * letters)


def _port_labels(picture: Picture) -> Iterable[str]:
    layout, circuit = picture.layout, picture.circuit
    ports = [(name, xy, -1) for name, xy in layout.channels.items()]
    ports += [(name, layout.neurons[neurons], 1) for name, neurons in circuit.outputs.items()]
    small = min(0.85 * picture.text, 0.9 * layout.pitch * INCH)
    for name, xy, side in ports:
        xy = xy * (INCH, -INCH)
        anchor, away = ("end" if side < 0 else "start"), side * (picture.radius + 6)
        if len(xy) == 1:
            yield _text(xy[0, 0] + away, xy[0, 1] + 4, name, anchor, "port")
            continue
        for k, (x, y) in enumerate(xy):
            yield _text(x + away, y + small / 3, str(k), anchor, "index", small)
        if len(xy):
            above = 4.0 * picture.radius if _has_loop(picture, xy) else min(20.0, 75 * layout.pitch)
            top = xy[:, 1].min() - above - 0.5 * picture.text
            yield _text(xy[0, 0], top, name, "middle", "port")


def _has_loop(picture: Picture, places: np.ndarray) -> bool:
    """Whether the topmost of these nodes has a synapse onto itself, which is drawn above it."""
    loops = picture.ends[picture.ends[:, 0] == picture.ends[:, 1], 0]
    top = places[places[:, 1].argmin()]
    return bool(np.any(np.all(np.isclose(picture.places[loops], top), axis=1)))


def _bank_labels(picture: Picture) -> Iterable[str]:
    for group, name in bank_names(picture.circuit, picture.layout):
        if group.size > 1 and not group.output:
            xy = picture.layout.places(group) * (INCH, -INCH)
            top = xy[:, 1].min() - min(20.0, 75 * picture.layout.pitch) - 0.4 * picture.text
            yield _text(xy[:, 0].mean(), top, f"{name}, {group.size} cells", "middle", "bank-name")


def _delay_labels(picture: Picture) -> Iterable[str]:
    if not picture.tells_delays:
        return
    for line in picture.synapses:
        start, end = (np.array([x, -y]) * INCH for x, y in (line.start, line.end))
        along = end - start
        control = (start + end) / 2 + line.bend * np.array([-along[1], along[0]])
        # nearer to the source, so that lines there and back have their labels apart
        at = 0.36 * start + 0.48 * control + 0.16 * end
        if np.array_equal(start, end):
            at = start - np.array([0.0, 3.4 * picture.radius])
        yield _text(at[0], at[1] + picture.text / 3.4, f"{line.delay_ms:.3g}", "middle", "delay")


def _text(x: float, y: float, text: str, anchor: str, kind: str, size: float | None = None) -> str:
    sized = "" if size is None else f' font-size="{size:.1f}"'
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{sized}>{escape(text)}</text>'
