"""A circuit as a picture: inputs left, outputs right, E neurons as triangles, I neurons as circles."""

import os
from dataclasses import dataclass
from functools import partial
from html import escape

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import ArrowStyle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from evocircuits.circuit import Circuit
from evocircuits.genome import Genome
from evocircuits.layout import Layout, Line, bank_names, lay_out, lines
from evocircuits.motif import Motif
from evocircuits.plots import (
    EXCITATORY,
    INHIBITORY,
    INK,
    QUIET,
    as_svg,
    draw_front,
    draw_history,
    draw_learning_curves,
    draw_map,
    draw_raster,
    new_axes,
    save,
)
from evocircuits.simulator import Recording

__all__ = [
    "circuit_size",
    "circuit_svg",
    "draw_circuit",
    "draw_front",
    "draw_history",
    "draw_learning_curves",
    "draw_map",
    "draw_raster",
    "motif_html",
    "recording_svg",
]

SHADES = {
    True: LinearSegmentedColormap.from_list("excitatory", ["#FBB777", EXCITATORY, "#6E2600"]),
    False: LinearSegmentedColormap.from_list("inhibitory", ["#86C5EE", INHIBITORY, "#00284D"]),
}
LABELLED_SYNAPSES = 24
"""Up to so many synapses, each delay is written at its line; beyond, a line's shade tells it."""
DASH = 13.0
"""Points of a dash: as long as the outline of the largest head, so that heads stay whole."""
RULE_NAMES = {"short_term": "short-term", "spike_timing": "spike-timing"}
MARGIN, LEGEND, HEAD = 0.9, 0.75, 0.55  # inches around the circuit, below it and above it


def draw_circuit(
    circuit: Circuit,
    path: str | os.PathLike | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    genome: Genome | None = None,
) -> Figure:
    """Draw a circuit; written to `path` (.svg, .png, .pdf) when given, drawn into `ax` when given.

    Arrows excite, bars inhibit. A line is as wide as its post-synaptic potential is high, relative to the
    target's threshold; its delay is written at the line or, where there are many, told by the line's shade.
    Synapses under a short-term rule are dashed, those under a spike-timing rule dash-dotted. `genome` tells which
    neurons form a population; without it neurons of equal constants do.
    """
    layout = lay_out(circuit, genome)
    width, height = _size(layout)
    if ax is None:
        ax = new_axes(width, height)
    middle = layout.width / 2
    ax.set_xlim(middle - width / 2, middle + width / 2)
    ax.set_ylim(-layout.height / 2 - LEGEND - 0.2, layout.height / 2 + HEAD + 0.2)
    ax.set_aspect("equal")
    ax.axis("off")
    synapses = sorted(lines(circuit, layout), key=lambda line: line.strength)
    coding = _Coding.of(synapses)
    _draw_banks(ax, circuit, layout)
    for synapse in synapses:
        _draw_line(ax, synapse, layout, coding)
    _draw_neurons(ax, circuit, layout)
    _draw_titles(ax, circuit, layout, title)
    _draw_legend(ax, synapses, layout, coding)
    return save(ax.figure, path)


def circuit_svg(circuit: Circuit) -> str:
    """The picture of a circuit as SVG, as a notebook shows it."""
    return as_svg(draw_circuit(circuit))


def motif_html(motif: Motif) -> str:
    """A motif as a notebook shows it: its circuit, above it its id and its scores."""
    scores = "".join(
        f"<li>{escape(s.task)}: {s.raw:.3f} [{s.low:.3f}, {s.high:.3f}], {s.normalised:.0%} of the way from chance to "
        f"ceiling, {s.energy_pJ:.3g} pJ per trial</li>"
        for s in motif.scores
    )
    picture = as_svg(draw_circuit(motif.circuit, genome=motif.genome))
    return f"<div><b>Motif {escape(motif.id[:12])}</b><ul>{scores}</ul>{picture}</div>"


def recording_svg(recording: Recording) -> str | None:
    """The first trial of a recording as a raster, as a notebook shows it; None where spikes were not recorded."""
    if recording.spikes is None:
        return None
    return as_svg(draw_raster(recording.spikes, recording.circuit, title="trial 0"))


def circuit_size(circuit: Circuit, genome: Genome | None = None) -> tuple[float, float]:
    """Width and height in inches at which `draw_circuit` draws a circuit."""
    return _size(lay_out(circuit, genome))


def _size(layout: Layout) -> tuple[float, float]:
    return max(6.4, layout.width + 2 * MARGIN), layout.height + LEGEND + HEAD + 0.4


@dataclass(frozen=True)
class _Coding:
    """How delays become shades: the range over all synapses, or None where they are written."""

    low_ms: float
    high_ms: float
    written: bool
    alpha: float

    @classmethod
    def of(cls, synapses: list[Line]) -> "_Coding":
        delays = [s.delay_ms for s in synapses] or [0.0]
        alpha = float(np.interp(len(synapses), [20, 100, 300], [0.95, 0.75, 0.5]))
        return cls(min(delays), max(delays), len(synapses) <= LABELLED_SYNAPSES, alpha)

    @property
    def constant(self) -> bool:
        return self.high_ms - self.low_ms < 1e-9

    def shade(self, synapse: Line):
        if self.written or self.constant:
            return SHADES[synapse.excitatory](0.5)
        return SHADES[synapse.excitatory]((synapse.delay_ms - self.low_ms) / (self.high_ms - self.low_ms))


def _line_width(strength: float, layout: Layout) -> float:
    crowding = float(np.interp(layout.pitch, [0.15, 0.42], [0.55, 1.0]))
    return (0.45 + 2.0 * min(strength, 2.0) ** 0.8) * crowding


def _marker_points(layout: Layout) -> float:
    return float(np.clip(layout.pitch * 72 * 0.62, 6.5, 17))


def _draw_line(ax: Axes, synapse: Line, layout: Layout, coding: _Coding) -> None:
    width, radius = _line_width(synapse.strength, layout), _marker_points(layout) / 2
    look = {"linewidth": width, "color": coding.shade(synapse), "alpha": coding.alpha, "zorder": 2}
    look |= {"linestyle": _line_style(synapse.rule, width)}
    look |= {"arrowstyle": _head(synapse.excitatory), "mutation_scale": _head_points(width, layout)}
    if np.array_equal(synapse.start, synapse.end):
        middle = _draw_loop(ax, synapse.start, radius / 72, look)
    else:
        near = 0.9 if synapse.within_column and layout.pitch < 0.3 else 1.25
        shrink = {"shrinkA": near * radius, "shrinkB": (near + 0.15) * radius}
        style = f"arc3,rad={synapse.bend:.4f}"
        ax.add_patch(FancyArrowPatch(synapse.start, synapse.end, connectionstyle=style, **shrink, **look))
        # The middle of a quadratic Bézier lies half-way to its control point.
        along = synapse.end - synapse.start
        middle = (synapse.start + synapse.end) / 2 + 0.5 * synapse.bend * np.array([along[1], -along[0]])
    if coding.written:
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"}
        colour = SHADES[synapse.excitatory](0.8)
        style = {"fontsize": 7, "color": colour, "ha": "center", "va": "center", "bbox": box, "zorder": 2.5}
        ax.text(*middle, f"{synapse.delay_ms:.3g}", **style)


def _dashes(rule: str, line_width: float) -> tuple[float, ...]:
    """Points of line and gap by turns: dashes for short-term rules, dashes and dots for spike-timing rules."""
    gap = line_width + 3.0  # the round ends of its neighbours take one width
    return (DASH, gap) if rule == "short_term" else (DASH, gap, 1.5, gap)


def _line_style(rule: str | None, line_width: float):
    if rule is None:
        return "solid"
    return 0, tuple(points / line_width for points in _dashes(rule, line_width))


def _head(excitatory: bool) -> ArrowStyle:
    return ArrowStyle("-|>") if excitatory else ArrowStyle("-[", widthB=0.55, lengthB=0)


def _head_points(line_width: float, layout: Layout) -> float:
    return float(np.clip(3.2 * line_width, 4.5 if layout.pitch < 0.3 else 6.5, 10))


def _draw_loop(ax: Axes, at: np.ndarray, radius: float, look: dict) -> np.ndarray:
    """A synapse of a neuron onto itself, as a loop above it; returns the loop's top."""
    corners = at + radius * np.array([[-0.4, 1.1], [-2.6, 4.0], [2.6, 4.0], [0.5, 1.3]])
    loop = Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
    ax.add_patch(FancyArrowPatch(path=loop, **look))
    return at + np.array([0.0, 3.3 * radius])


def _draw_banks(ax: Axes, circuit: Circuit, layout: Layout) -> None:
    around = min(0.2, 0.75 * layout.pitch)
    names = {group.first: name for group, name in bank_names(circuit, layout)}
    for group in layout.groups:
        xy = layout.places(group)
        if group.size == 1:
            continue
        (left, bottom), (right, top) = xy.min(axis=0), xy.max(axis=0)
        ax.add_patch(
            FancyBboxPatch(
                (left, bottom),
                right - left,
                top - bottom,
                boxstyle=f"round,pad={around},rounding_size={around}",
                facecolor="#F3F1EC",
                edgecolor="none",
                zorder=0,
            )
        )
        if group.port is None and not group.output:
            name = f"{names[group.first]}, {group.size} cells"
            ax.text(
                (left + right) / 2,
                top + around + 0.04,
                name,
                fontsize=7.5,
                color=QUIET,
                ha="center",
                va="bottom",
                zorder=4,
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )


def _draw_neurons(ax: Axes, circuit: Circuit, layout: Layout) -> None:
    points = _marker_points(layout)
    outline = {"edgecolors": "white", "linewidths": 0.8, "zorder": 3}
    for excitatory, marker, colour, scale in ((True, "^", EXCITATORY, 1.1), (False, "o", INHIBITORY, 0.9)):
        chosen = circuit.excitatory == excitatory
        ax.scatter(*layout.neurons[chosen].T, s=(scale * points) ** 2, marker=marker, color=colour, **outline)
    for name, xy in layout.channels.items():
        ax.scatter(*xy.T, s=(0.75 * points) ** 2, marker="s", color=INK, **outline)
        _name(ax, xy, name, layout, side=-1)
    for name, neurons in circuit.outputs.items():
        _name(ax, layout.neurons[neurons], name, layout, side=1)


def _name(ax: Axes, xy: np.ndarray, name: str, layout: Layout, side: int) -> None:
    """A port's name outside the circuit, and the index of each of its members."""
    if len(xy) == 0:
        return
    away = side * (_marker_points(layout) / 72 + 0.06)
    align = {"ha": "right" if side < 0 else "left", "va": "center", "color": INK}
    small = float(np.interp(layout.pitch, [0.15, 0.4], [5.5, 8]))
    if len(xy) == 1:
        ax.text(xy[0, 0] + away, xy[0, 1], name, fontsize=9, parse_math=False, **align)
        return
    for i, (x, y) in enumerate(xy):
        ax.text(x + away, y, str(i), fontsize=small, **align)
    top = xy[:, 1].max() + min(0.2, 0.75 * layout.pitch) + 0.06
    ax.text(xy[0, 0], top, name, fontsize=9, color=INK, ha="center", va="bottom", parse_math=False)


def _draw_titles(ax: Axes, circuit: Circuit, layout: Layout, title: str | None) -> None:
    e = int(circuit.excitatory.sum())
    sizes = f"{e} E + {circuit.n_neurons - e} I neurons, {circuit.n_synapses} synapses"
    left, top = ax.get_xlim()[0] + 0.2, ax.get_ylim()[1]
    if title:
        ax.text(
            left, top - 0.12, title, fontsize=11, fontweight="bold", color=INK, va="top", parse_math=False
        )
    ax.text(left, top - (0.36 if title else 0.12), sizes, fontsize=8.5, color=QUIET, va="top")


def _draw_legend(ax: Axes, synapses: list[Line], layout: Layout, coding: _Coding) -> None:
    """One flowing row below the circuit, in the inches of its axes."""
    left, right = ax.get_xlim()[0] + 0.25, ax.get_xlim()[1] - 0.2
    x, y = left, ax.get_ylim()[0] + LEGEND - 0.3
    kinds, used = {s.excitatory for s in synapses}, {s.rule for s in synapses}
    items = [(0.12, "input", _channel_key)] if layout.channels else []
    items += [(0.5, "excitatory", partial(_synapse_key, True))]
    items += [(0.5, "inhibitory", partial(_synapse_key, False))] if False in kinds else []
    items += [(0.4, "¼, ½, 1 × threshold", partial(_width_key, layout))]
    items += [(0.5, RULE_NAMES[rule], partial(_rule_key, rule)) for rule in RULE_NAMES if rule in used]
    if coding.constant or coding.written:
        items += [(0.0, f"delay {coding.low_ms:.3g} ms" if coding.constant else "numbers: delay in ms", None)]
    else:
        items += [
            (
                0.55,
                f"delay {coding.low_ms:.3g} to {coding.high_ms:.3g} ms",
                partial(_shade_key, sorted(kinds)),
            )
        ]
    for width, label, draw_key in items:
        if x > left and x + width + 0.06 * len(label) > right:
            x, y = left, y - 0.24
        if draw_key is not None:
            draw_key(ax, x, y)
        ax.text(x + (width and width + 0.08), y, label, fontsize=7.5, color=INK, va="center")
        x += width + 0.3 + 0.058 * len(label)


def _channel_key(ax: Axes, x: float, y: float) -> None:
    ax.scatter([x + 0.06], [y], s=28, marker="s", color=INK)


def _synapse_key(excitatory: bool, ax: Axes, x: float, y: float) -> None:
    colour = EXCITATORY if excitatory else INHIBITORY
    ax.scatter([x + 0.07], [y], s=50, marker="^" if excitatory else "o", color=colour)
    line = FancyArrowPatch((x + 0.17, y), (x + 0.5, y), arrowstyle=_head(excitatory), mutation_scale=8)
    line.set(color=colour, linewidth=1.5, zorder=2)
    ax.add_patch(line)


def _width_key(layout: Layout, ax: Axes, x: float, y: float) -> None:
    for strength, above in ((0.25, 0.07), (0.5, 0.0), (1.0, -0.08)):
        ax.plot(
            [x, x + 0.4],
            [y + above] * 2,
            color=QUIET,
            linewidth=_line_width(strength, layout),
            solid_capstyle="butt",
        )


def _rule_key(rule: str, ax: Axes, x: float, y: float) -> None:
    length = (sum(_dashes(rule, 1.5)) + DASH) / 72  # ends with a whole dash
    look = {"linewidth": 1.5, "linestyle": _line_style(rule, 1.5), "dash_capstyle": "round"}
    ax.plot([x, x + length], [y, y], color=INK, **look)


def _shade_key(kinds: list[bool], ax: Axes, x: float, y: float) -> None:
    high = 0.12 / len(kinds)
    for k, excitatory in enumerate(kinds):
        extent = (x, x + 0.55, y - 0.06 + k * high, y - 0.06 + (k + 1) * high)
        limits = ax.get_xlim(), ax.get_ylim()
        ax.imshow(
            np.linspace(0, 1, 64)[None], cmap=SHADES[excitatory], extent=extent, aspect="equal", zorder=2
        )
        ax.set(xlim=limits[0], ylim=limits[1])
