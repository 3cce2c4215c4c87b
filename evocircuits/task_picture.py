"""A task as a picture: a circuit, what it does in a few trials, and how far that is from chance to ceiling."""

import os
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evocircuits.circuit import Circuit
from evocircuits.draw import circuit_size, draw_circuit, draw_raster
from evocircuits.genome import Genome
from evocircuits.measure import stream
from evocircuits.motif import MotifScore
from evocircuits.plots import INK, QUIET, new_axes, save
from evocircuits.tasks import Example, Task, Window

EXAMPLES = 2
"""Windows shown, and at most so many trials."""
MARK = "#F4DFA4"
RASTER_WIDTH, RASTER_HEIGHT, TALLEST_RASTER, ROW = 6.2, 1.2, 4.0, 0.09
HEAD, FOOT, GAP = 0.75, 0.85, 0.75  # inches above and below the circuit, and between the rasters


def draw_task(
    task: Task,
    circuit: Circuit,
    path: str | os.PathLike | None = None,
    *,
    score: MotifScore,
    genome: Genome | None = None,
    seed: int = 0,
) -> Figure:
    """Draw `circuit` beside the rasters of its first trials of `seed`, above its `score` on the task; written to `path`
    (.svg, .png, .pdf) when given. `genome` tells which neurons form a population.
    """
    trials = task.trials(stream(seed), EXAMPLES)
    example, credit = task.example(circuit, trials), task.play(circuit, trials).score.credit
    width, height = circuit_size(circuit, genome)
    rows = circuit.n_neurons + sum(a.channels for a in circuit.inputs.values())
    raster_height = min(TALLEST_RASTER, RASTER_HEIGHT + ROW * rows)
    body = max(height, EXAMPLES * (raster_height + GAP))
    total_width, total_height = width + RASTER_WIDTH + 1.0, HEAD + body + FOOT
    page = new_axes(total_width, total_height)
    page.axis("off")

    def part(left: float, top: float, wide: float, high: float) -> Axes:
        box = (left / total_width, 1 - (top + high) / total_height, wide / total_width, high / total_height)
        return page.figure.add_axes(box)

    style = {"color": INK, "va": "top", "parse_math": False}
    page.figure.text(
        0.2 / total_width, 1 - 0.15 / total_height, task.name, fontsize=14, weight="bold", **style
    )
    told = "\n".join(wrap(task.summary, int(10 * total_width)))
    page.figure.text(0.2 / total_width, 1 - 0.45 / total_height, told, fontsize=9.5, **style)
    draw_circuit(circuit, ax=part(0, HEAD + (body - height) / 2, width, height), genome=genome)
    for number, window in enumerate(example.windows[:EXAMPLES]):
        top = HEAD + number * (raster_height + GAP) + 0.25
        ax = part(width + 0.8, top, RASTER_WIDTH, raster_height)
        _draw_window(ax, example, window, circuit)
        told = f"trial {window.trial + 1}: {task.unit} {task.in_unit(credit[window.trial])}"
        ax.set_title(told, fontsize=8.5, color=QUIET, loc="left", pad=3)
    _draw_score(part(1.0, total_height - FOOT + 0.3, total_width - 2.0, 0.2), task, score)
    return save(page.figure, path)


def _draw_window(ax: Axes, example: Example, window: Window, circuit: Circuit) -> None:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8.5, color=QUIET)
    draw_raster(
        example.spikes,
        circuit,
        ax=ax,
        stimulus=example.stimulus,
        trial=window.trial,
        start_ms=window.start_ms,
        duration_ms=window.end_ms - window.start_ms,
    )
    for start_ms, end_ms in window.marked_ms:
        ax.axvspan(start_ms, end_ms, color=MARK, linewidth=0, zorder=0.5)


def _draw_score(ax: Axes, task: Task, score: MotifScore) -> None:
    """The way from chance to ceiling, with the score on it and the interval behind."""
    ends = (task.chance, task.ceiling)
    ax.axis("off")
    ax.set_ylim(-1, 1)
    room = 0.02 * (ends[1] - ends[0])
    ax.set_xlim(min(ends[0], score.low) - room, max(ends[1], score.high) + room)
    ax.plot(ends, (0, 0), color="#DDDAD2", linewidth=7, solid_capstyle="butt", zorder=0)
    ax.plot((score.low, score.high), (0, 0), color=QUIET, linewidth=7, solid_capstyle="butt", alpha=0.5)
    ax.plot([score.raw], [0], "o", color=INK, markersize=8)
    for value, name in ((ends[0], "chance"), (ends[1], "ceiling")):
        ax.annotate(f"{name} {task.in_unit(value)}", (value, 0), (0, -14), **_label("center", QUIET))
    share = min(1.0, max(0.0, (score.raw - ax.get_xlim()[0]) / (ax.get_xlim()[1] - ax.get_xlim()[0])))
    side = "left" if share < 0.3 else "right" if share > 0.7 else "center"
    found = f"{task.unit} {task.in_unit(score.raw)}: {score.normalised:.0%} of the way, {score.trials} trials"
    ax.annotate(found, (score.raw, 0), (0, 10), **_label(side, INK))


def _label(side: str, colour: str) -> dict:
    look = {"ha": side, "va": "center", "fontsize": 8.5, "color": colour}
    return look | {"textcoords": "offset points", "annotation_clip": False}
