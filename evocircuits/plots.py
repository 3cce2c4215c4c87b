"""Plots: a trial's spikes, learning curves with their spread over seeds, a run's history, an archive's map.

Orange is excitatory and blue inhibitory throughout (Okabe & Ito's pair, told apart with every kind of colour vision).
Figures are built without pyplot, so that drawing works in threads and needs no display.
"""

import io
import os
from collections.abc import Collection, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import Spikes

EXCITATORY, INHIBITORY, INK, QUIET = "#D55E00", "#0072B2", "#222222", "#777777"
ARM_COLOURS = ("#009E73", "#CC79A7", "#444444", "#E69F00", "#56B4E9")
SCORES = LinearSegmentedColormap.from_list("scores", ["#CBE5DA", "#6CC2A5", "#009E73", "#00402F"])
_T_975 = (
    12.706,
    4.303,
    3.182,
    2.776,
    2.571,
    2.447,
    2.365,
    2.306,
    2.262,
    2.228,
    2.201,
    2.179,
    2.160,
    2.145,
    2.131,
)
"""Student's t, 97.5 %, for 1 to 15 degrees of freedom; the last serves beyond, on the wide side."""
SUFFIXES = (".svg", ".png", ".pdf")


def t_975(n: int) -> float:
    """Student's t, 97.5 %, for the mean of `n` ≥ 2 values: by so many standard errors its 95 % interval reaches."""
    return _T_975[min(n, len(_T_975)) - 2]


def new_axes(width: float, height: float) -> Axes:
    """Axes filling a new figure of that size in inches, tied to no window."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure.add_axes((0, 0, 1, 1))


def save(figure: Figure, path: str | os.PathLike | None) -> Figure:
    """Write a figure to `path`, if given, in the format of its suffix; its folder is created when missing.

    Raises `InputError` for another suffix than .svg, .png, .pdf and for a file that cannot be written.
    """
    if path is None:
        return figure
    path = Path(path)
    kind = check_suffix(path)
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context({"svg.hashsalt": "evocircuits"}):  # equal figures, equal bytes
            figure.savefig(path, dpi=160, metadata=undated)
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror}") from None
    return figure


def as_svg(figure: Figure) -> str:
    """A figure as an SVG element, as notebooks and pages take one."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "evocircuits"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def check_suffix(path: Path) -> str:
    """The suffix of a picture's file in lower case. Raises `InputError` for another than .svg, .png, .pdf."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise InputError(f"{path}: expected a picture's suffix, one of {', '.join(SUFFIXES)}; got {kind!r}")
    return kind


def draw_raster(
    spikes: Spikes,
    circuit: Circuit,
    path: str | os.PathLike | None = None,
    *,
    ax: Axes | None = None,
    stimulus: dict[str, Spikes] | None = None,
    trial: int = 0,
    start_ms: float = 0.0,
    duration_ms: float | None = None,
    title: str | None = None,
) -> Figure:
    """One trial's spikes: input channels on top (of `stimulus`, port → spikes), then hidden neurons, then outputs.

    From `start_ms` on, for `duration_ms` or to the end. Written to `path` when given, drawn into `ax` when given.
    """
    end_ms = np.inf if duration_ms is None else start_ms + duration_ms
    served = circuit.output_neurons
    hidden = np.setdiff1d(np.arange(circuit.n_neurons), served)
    rows = [(name, None, np.arange(circuit.inputs[name].channels), s) for name, s in (stimulus or {}).items()]
    rows += [("hidden", circuit.excitatory[hidden], hidden, spikes)] if len(hidden) else []
    rows += [
        (name, circuit.excitatory[members], members, spikes) for name, members in circuit.outputs.items()
    ]
    total = sum(len(members) + 1.2 for _, _, members, _ in rows)
    if ax is None:
        ax = _plot_axes(7.0, 1.3 + 4.2 * min(1.0, total / 40), title, right=0.25)
    top, size = 0.0, float(np.interp(total, [10, 60], [10, 4]))
    for name, excitatory, members, events in rows:
        of_trial = (events.trial == trial) & (events.time_ms >= start_ms) & (events.time_ms <= end_ms)
        times, channels = events.time_ms[of_trial], events.channel[of_trial]
        for row, member in enumerate(members.tolist()):
            colour = INK if excitatory is None else EXCITATORY if excitatory[row] else INHIBITORY
            at = times[channels == member]
            ax.plot(at, np.full(len(at), top + row), "|", color=colour, markersize=size, markeredgewidth=1.2)
        middle = top + (len(members) - 1) / 2
        style = {"ha": "right", "va": "center", "fontsize": 9, "parse_math": False}
        ax.text(-0.015, middle, name, transform=ax.get_yaxis_transform(), **style)
        ax.axhspan(top - 0.8, top + len(members) - 0.2, color="#F3F1EC", linewidth=0, zorder=0)
        top += len(members) + 1.2
    ax.set_ylim(top - 1.2, -0.9)
    ax.set_xlim(start_ms, None if duration_ms is None else end_ms)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("time (ms)")
    return save(ax.figure, path)


def draw_learning_curves(
    result: dict,
    path: str | os.PathLike | None = None,
    *,
    title: str | None = None,
) -> Figure:
    """Validation accuracy by epoch, one line per arm: the mean over seeds and its 95 % interval (Student's t).

    `result` is `TrainingResult.to_dict()`: of each of its `runs` the `arm` and `validation_accuracy` (in 0…1, a value
    an epoch) are drawn. Raises `InputError` where there are none or the curves of an arm differ in length.
    """
    curves: dict[str, list] = {}
    for run in result["runs"]:
        curves.setdefault(run["arm"], []).append(run["validation_accuracy"])
    ax = _plot_axes(6.8, 4.2, title)
    labels, epochs, lowest = [], np.zeros(0), 100.0
    looks = zip(cycle(ARM_COLOURS), chain(["-"], cycle(["--", ":", "-."])), strict=False)
    for (name, of_seeds), (colour, dashes) in zip(curves.items(), looks, strict=False):
        try:
            accuracy = 100 * np.array(of_seeds, float)
        except ValueError:
            accuracy = np.zeros(0)
        if accuracy.ndim != 2 or accuracy.size == 0:
            raise InputError(f"learning curves: {name}: expected a curve of equal length for every seed")
        n, epochs = len(accuracy), np.arange(1, accuracy.shape[1] + 1)
        mean = accuracy.mean(axis=0)
        if n > 1:
            half = t_975(n) * accuracy.std(axis=0, ddof=1) / np.sqrt(n)
            ax.fill_between(epochs, mean - half, mean + half, color=colour, alpha=0.16, linewidth=0)
        ax.plot(epochs, mean, dashes, color=colour, linewidth=2.0, marker="o", markersize=3.5)
        lowest = min(lowest, mean.min())
        labels.append((float(mean[-1]), f"{name} {mean[-1]:.1f} %", colour))
    if not labels:
        raise InputError("learning curves: expected at least one arm; got none")
    low, high = ax.get_ylim()
    ax.set_ylim(max(low, lowest - 10), min(101, high))  # the intervals of two seeds would dwarf the curves
    _label_ends(ax, labels)
    _count_from_one(ax, epochs)
    ax.set_ylabel("validation accuracy (%)\nmean and 95 % interval over seeds")
    return save(ax.figure, path)


def draw_history(
    reports: Sequence[dict],
    path: str | os.PathLike | None = None,
    *,
    marks: dict[str, float] | None = None,
    title: str | None = None,
) -> Figure:
    """Best and median score by epoch, of reports with `epoch`, `best` and `median`; `marks` are level lines by name."""
    if not reports:
        raise InputError("history: expected at least one epoch's report; got none")
    ax = _plot_axes(6.4, 3.8, title)
    epochs = [report["epoch"] for report in reports]
    labels = []
    for name, colour, width in (("best", INK, 2.2), ("median", QUIET, 1.4)):
        values = [report[name] for report in reports]
        ax.plot(epochs, values, color=colour, linewidth=width, marker="o", markersize=3.5)
        labels.append((values[-1], name, colour))
    for name, level in (marks or {}).items():
        ax.axhline(level, color="#999999", linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        labels.append((level, name, "#666666"))
    _label_ends(ax, labels)
    _count_from_one(ax, epochs)
    ax.set_ylabel("score")
    return save(ax.figure, path)


def draw_front(
    points: dict[str, tuple[float, float]],
    path: str | os.PathLike | None = None,
    *,
    front: Collection[str] = (),
    marked: str | None = None,
    title: str | None = None,
) -> Figure:
    """Score against energy: `points` are motifs by id as (energy in pJ, normalised score), `front` those of them that
    no other beats in both, joined by steps; a ring is around the one `marked`. Written to `path` when given.

    Raises `InputError` where there is no point, and where `front` or `marked` names another.
    """
    if not points:
        raise InputError("front: expected at least one motif; got none")
    if unknown := {*front, *([marked] if marked else [])} - points.keys():
        raise InputError(f"front: expected ids of its points; got {sorted(unknown)[0]}")
    ax = _plot_axes(6.4, 4.2, title, right=0.3)
    rest = [points[id] for id in points if id not in set(front)]
    best = sorted(points[id] for id in front)
    if rest:
        ax.plot(*zip(*rest, strict=True), "o", color=QUIET, markersize=4, alpha=0.45, linewidth=0)
    if best:
        look = {"color": ARM_COLOURS[0], "linewidth": 1.6, "markersize": 6.5, "marker": "o"}
        ax.plot(*zip(*best, strict=True), drawstyle="steps-post", **look)
    if marked:
        ring = {"markersize": 13, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.5}
        ax.plot(*points[marked], "o", **ring)
    if all(energy > 0 for energy, _ in points.values()):
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter("{x:g}")
        ax.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    ax.set_xlabel("energy per trial (pJ)")
    ax.set_ylabel("score, chance 0 to ceiling 1")
    return save(ax.figure, path)


class Scale(Protocol):
    """What a map needs to know of an axis: its name with unit, and float[bins + 1] where its bins begin and end."""

    label: str
    log: bool
    edges: np.ndarray


def draw_map(
    rows: Sequence[tuple[tuple[int, int], float]],
    axes: tuple[Scale, Scale],
    path: str | os.PathLike | None = None,
    *,
    title: str | None = None,
) -> Figure:
    """An archive of two descriptors: the best score of each cell as its colour, cells without one left blank.

    `rows` are (cell, score) of individuals, a cell being its places along both axes; `axes` the two descriptors, the
    first to be drawn across. A ring marks the best cell. Raises `InputError` where there is no row.
    """
    if not rows:
        raise InputError("map: expected at least one individual; got none")
    x, y = axes
    scores = np.full((len(y.edges) - 1, len(x.edges) - 1), np.nan)
    for (i, j), score in rows:
        scores[j, i] = np.fmax(scores[j, i], score)
    j, i = np.unravel_index(np.nanargmax(scores), scores.shape)
    best, lowest, filled = scores[j, i], np.nanmin(scores), np.isfinite(scores).sum()
    ax = _plot_axes(6.4, 4.6, title, right=1.2, top=0.62 if title else 0.4)
    ax.set_facecolor("#F8F7F4")
    _scale(ax.xaxis, x)
    _scale(ax.yaxis, y)
    colours = {"cmap": SCORES, "vmin": min(lowest, best - 0.1), "vmax": best}
    mesh = ax.pcolormesh(x.edges, y.edges, scores, edgecolors="white", linewidth=0.8, **colours)
    ring = {"markersize": 9, "markerfacecolor": "none", "markeredgecolor": "white", "markeredgewidth": 1.8}
    ax.plot(_middle(x, i), _middle(y, j), "o", **ring)
    summary = f"{filled} of {scores.size} cells, best {best:.3f} (ring)"
    ax.set_title(summary, fontsize=8.5, color=QUIET, loc="left", pad=6)
    _score_bar(ax, mesh)
    return save(ax.figure, path)


def _scale(axis: Axis, scale: Scale) -> None:
    if scale.log:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(2 if scale.edges[-1] < 1000 * scale.edges[0] else 10))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    axis.set_label_text(scale.label)


def _middle(scale: Scale, place: int) -> float:
    low, high = scale.edges[place : place + 2]
    return float(np.sqrt(low * high) if scale.log else (low + high) / 2)


def _score_bar(ax: Axes, mesh: QuadMesh) -> None:
    beside, width = ax.get_position(), 0.16 / ax.figure.get_figwidth()
    bar_ax = ax.figure.add_axes((beside.x1 + 2 * width, beside.y0, width, beside.height))
    bar = ax.figure.colorbar(mesh, cax=bar_ax)
    bar.set_label("score")
    bar.outline.set_visible(False)
    bar_ax.tick_params(labelsize=8.5, color=QUIET)


def _plot_axes(
    width: float, height: float, title: str | None, right: float = 1.35, top: float | None = None
) -> Axes:
    ax = new_axes(width, height)
    left, bottom, top = 0.75, 0.5, top or (0.45 if title else 0.15)
    ax.set_position((left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height))
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8.5, color=QUIET)
    if title:
        style = {"fontsize": 11, "fontweight": "bold", "color": INK, "va": "top", "parse_math": False}
        ax.figure.text(0.2 / width, 1 - 0.12 / height, title, **style)
    return ax


def _count_from_one(ax: Axes, epochs: Sequence[int]) -> None:
    ax.set_xlim(min(epochs) - 0.2, max(max(epochs), min(epochs) + 1))
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("epoch")


def _label_ends(ax: Axes, labels: list[tuple[float, str, str]]) -> None:
    """Write each (value, name, colour) at the right edge, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    line = 0.17 / (ax.get_position().height * ax.figure.get_figheight()) * (high - low)
    labels = sorted(labels)
    heights = [value for value, _, _ in labels]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + line)
    limit = high
    for i in reversed(range(len(heights))):
        heights[i] = limit = min(heights[i], limit)
        limit -= line
    for y, (_, name, colour) in zip(heights, labels, strict=True):
        style = {"color": colour, "va": "center", "fontsize": 9, "parse_math": False}
        ax.text(1.02, y, name, transform=ax.get_yaxis_transform(), **style)
