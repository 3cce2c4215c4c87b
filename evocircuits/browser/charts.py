"""Charts as Plotly's data and layout in plain values, colours by the names that the page's style gives them ("@ink").

The script charts.js puts in colours, fonts and margins, so that a chart looks like the page around it, light or dark.
Plotly reads some HTML in its texts, so names that are not ours are escaped.
"""

import json
from collections.abc import Sequence
from html import escape

from fastapi import Response

from evocircuits.browser.pages import motif_address, plain
from evocircuits.browser.trained import Group
from evocircuits.library import MotifRow
from evocircuits.measure.descriptors import DESCRIPTORS

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "x")
SERIES = (
    "@series-1",
    "@series-2",
    "@series-3",
    "@series-4",
    "@series-5",
    "@series-6",
    "@series-7",
    "@series-8",
)
MOST_TICKS = 8
Chart = dict


def answer(charts: dict[str, Chart | None]) -> Response:
    """Those charts that there is something in, by name."""
    drawn = {name: chart for name, chart in charts.items() if chart is not None}
    content = json.dumps(drawn, allow_nan=False, separators=(",", ":"))
    return Response(content, media_type="application/json")


def history(reports: Sequence[dict], marks: dict[str, float]) -> Chart | None:
    """Best and median score by epoch, those of every island faintly; `marks` are level lines by name."""
    if not reports:
        return None
    epochs = [report["epoch"] for report in reports]
    traces = [
        _line(epochs, [i.get("best") for i in of_island], f"island {k}", "@faint", 1, hover=False)
        for k, of_island in enumerate(_by_island(reports))
    ]
    traces.append(_line(epochs, [report["median"] for report in reports], "median", "@quiet", 1.6))
    traces.append(_line(epochs, [report["best"] for report in reports], "best", "@ink", 2.4))
    levels = [_level(value, name) for name, value in marks.items()]
    return _chart(
        traces,
        x="epoch",
        y="score, chance 0 to ceiling 1",
        shapes=[shape for shape, _ in levels],
        annotations=[note for _, note in levels],
    )


def objective(reports: Sequence[dict], name: str) -> Chart | None:
    """An objective's quantiles among all residents by epoch: extremes, quartiles and median, islands together."""
    epochs, rows = [], []
    for report in reports:
        of_islands = [i["objectives"][name] for i in report["islands"] if i.get("objectives", {}).get(name)]
        if of_islands:
            low, *middle, high = zip(*of_islands, strict=True)
            epochs.append(report["epoch"])
            rows.append((min(low), *(sum(values) / len(values) for values in middle), max(high)))
    if not rows:
        return None
    lowest, lower, median, upper, highest = map(list, zip(*rows, strict=True))
    traces = [
        *_band(epochs, lowest, highest, "lowest to highest", "@band"),
        *_band(epochs, lower, upper, "middle half", "@band-2"),
        _line(epochs, median, "median", "@ink", 2),
    ]
    unit = " (pJ)" if name == "energy" else ""
    return _chart(traces, x="epoch", y=plain(name) + unit)


def diversity(reports: Sequence[dict]) -> Chart | None:
    """How different the residents of each island are: the mean share of genes by which two differ."""
    return _of_islands(reports, "diversity", "genes that two differ in, share")


def quality(reports: Sequence[dict]) -> Chart | None:
    """The sum of the best scores of all cells of each island's archive."""
    return _of_islands(reports, "qd_score", "sum of the best scores of cells")


def speed(reports: Sequence[dict]) -> Chart | None:
    """Evaluations per second in each epoch."""
    if not reports:
        return None
    rates = [report["evaluations"] / max(report["seconds"], 1e-9) for report in reports]
    bars = {"type": "bar", "x": [report["epoch"] for report in reports], "y": rates, "name": "evaluations/s"}
    bars |= {"marker": {"color": "@band-2"}, "hovertemplate": "%{y:.0f} evaluations/s<extra></extra>"}
    return _chart([bars], x="epoch", y="evaluations per second", legend=False)


def fronts(reports: Sequence[dict], objectives: Sequence[str]) -> Chart | None:
    """Pareto fronts of the residents over the epochs, in the first two objectives, early ones faint."""
    if len(objectives) < 2:
        return None
    first, second = objectives[:2]
    places = [list(objectives).index(name) for name in (first, second)]
    x, y, epochs = [], [], []
    for report in reports:
        for point in (point for island in report["islands"] for point in island.get("front", ())):
            y.append(point[places[0]])
            x.append(point[places[1]])
            epochs.append(report["epoch"])
    if not x:
        return None
    trace = {"type": "scatter", "mode": "markers", "x": x, "y": y, "name": "front", "customdata": epochs}
    trace["marker"] = {
        "color": epochs,
        "colorscale": "@epochs",
        "size": 7,
        "colorbar": {"title": {"text": "epoch"}},
    }
    trace["hovertemplate"] = (
        f"{plain(first)} %{{y:.3g}}, {plain(second)} %{{x:.3g}}, epoch %{{customdata}}<extra></extra>"
    )
    return _chart([trace], x=plain(second), y=plain(first), legend=False)


def found(rows: Sequence[MotifRow], front: Sequence[str]) -> Chart | None:
    """Motifs by score and energy, those of `front` (ids) joined: no other beats them in both."""
    scored = [row for row in rows if row.score is not None]
    if not scored:
        return None
    on_front = sorted((row for row in scored if row.id in set(front)), key=lambda row: row.score.energy_pJ)
    rest = [row for row in scored if row.id not in set(front)]
    traces = [
        _motifs(rest, "motifs", "markers", "@quiet", 6),
        _motifs(on_front, "front", "lines+markers", "@accent", 9),
    ]
    return _chart(traces, x="energy per trial (pJ)", y="score, chance 0 to ceiling 1", x_log=True)


def archive(rows: Sequence[dict], descriptors: Sequence[str]) -> Chart | None:
    """An archive over two descriptors: the best score of every cell, and the motif that holds it."""
    if len(descriptors) != 2 or not rows or not set(descriptors) <= set(DESCRIPTORS):
        return None
    across, up = (DESCRIPTORS[name] for name in descriptors)
    scores: list[list[float | None]] = [[None] * across.bins for _ in range(up.bins)]
    holders: list[list[str | None]] = [[None] * across.bins for _ in range(up.bins)]
    for row in rows:
        i, j = row["cell"]
        if scores[j][i] is None or row["score"] > scores[j][i]:
            scores[j][i], holders[j][i] = row["score"], motif_address(row["motif"])
    map_ = {
        "type": "heatmap",
        "x": across.edges.tolist(),
        "y": up.edges.tolist(),
        "z": scores,
        "customdata": holders,
    }
    map_ |= {"colorscale": "@scores", "xgap": 1.5, "ygap": 1.5, "hoverongaps": False}
    map_ |= {"colorbar": {"title": {"text": "score"}}, "hovertemplate": "score %{z:.3f}<extra></extra>"}
    return _chart([map_], x=across.label, y=up.label, x_log=across.log, y_log=up.log, legend=False)


def histories(runs: Sequence[tuple[str, Sequence[dict]]]) -> Chart | None:
    """The best score of several runs, by evaluations."""
    traces = []
    for (id, reports), colour in zip(runs, SERIES, strict=False):
        spent, total = [], 0
        for report in reports:
            total += report["evaluations"]
            spent.append(total)
        traces.append(_line(spent, [report["best"] for report in reports], id, colour, 2.2))
    return _chart(traces, x="evaluations", y="best score, chance 0 to ceiling 1") if traces else None


def learning(group: Group) -> Chart:
    """Validation accuracy by epoch: mean and 95 % interval over seeds."""
    traces = []
    for k, arm in enumerate(group.arms):
        colour, dash = SERIES[k % len(SERIES)], DASHES[k % len(DASHES)]
        epochs = list(range(1, len(arm.curve) + 1))
        means = [100 * point.mean for point in arm.curve]
        if arm.seeds > 1:
            bounds = ([100 * getattr(point, end) for point in arm.curve] for end in ("low", "high"))
            traces += _band(epochs, *bounds, arm.name, f"{colour}-band", legend=False)
        traces.append(_line(epochs, means, arm.name, colour, 2.2, dash=dash))
    return _chart(traces, x="epoch", y="validation accuracy (%)")


def costs(group: Group) -> Chart:
    """Test accuracy against energy, or against synaptic events where energies were not told."""
    by_energy = all(arm.energy_pJ is not None for arm in group.arms)
    traces = []
    for k, arm in enumerate(group.arms):
        colour, symbol = SERIES[k % len(SERIES)], SYMBOLS[k % len(SYMBOLS)]
        cost = arm.energy_pJ if by_energy else arm.synaptic_events
        point = {"type": "scatter", "mode": "markers", "x": [cost.mean], "y": [100 * arm.accuracy.mean]}
        point |= {"name": escape(arm.name), "marker": {"color": colour, "size": 11, "symbol": symbol}}
        point["hovertemplate"] = "%{y:.1f} %, %{x:.3g}"
        for axis, interval, scale in (("error_x", cost, 1), ("error_y", arm.accuracy, 100)):
            above, below = interval.high - interval.mean, interval.mean - interval.low
            reach = {
                "type": "data",
                "symmetric": False,
                "array": [scale * above],
                "arrayminus": [scale * below],
            }
            point[axis] = reach | {"color": colour, "thickness": 1.2, "width": 0}
        traces.append(point)
    what = "energy per sample (pJ, 45 nm)" if by_energy else "synaptic events per sample"
    return _chart(traces, x=what, y="test accuracy (%)", x_log=True)


def _of_islands(reports: Sequence[dict], name: str, label: str) -> Chart | None:
    """A number of every island, and their mean."""
    epochs = [report["epoch"] for report in reports]
    islands = [[i.get(name) for i in of_island] for of_island in _by_island(reports)]
    islands = [values for values in islands if any(value is not None for value in values)]
    if not islands:
        return None
    traces = [_line(epochs, values, "island", "@faint", 1, hover=False) for values in islands]
    told = [[v for v in values if v is not None] for values in zip(*islands, strict=True)]
    means = [sum(values) / len(values) if values else None for values in told]
    traces.append(_line(epochs, means, "mean", "@ink", 2))
    return _chart(traces, x="epoch", y=label, legend=False)


def _by_island(reports: Sequence[dict]) -> list[list[dict]]:
    """Of each island its reports, epoch after epoch; an empty one where it told nothing."""
    islands = [{i["island"]: i for i in report["islands"]} for report in reports]
    return [[of_epoch.get(k, {}) for of_epoch in islands] for k in sorted(set().union(*islands))]


def _line(
    x: list, y: list, name: str, colour: str, width: float, *, hover: bool = True, dash: str = "solid"
) -> dict:
    """A line, its points marked where they are few; one without `hover` stays in the background."""
    mode = "lines+markers" if len(x) <= 40 and hover else "lines"
    line = {"type": "scatter", "mode": mode, "x": x, "y": y, "name": escape(name), "showlegend": hover}
    line |= {"line": {"color": colour, "width": width, "dash": dash}, "marker": {"size": 5}}
    return line | ({} if hover else {"hoverinfo": "skip"})


def _band(x: list, low: list, high: list, name: str, colour: str, *, legend: bool = True) -> list[dict]:
    shared = {"type": "scatter", "mode": "lines", "x": x, "line": {"width": 0}, "hoverinfo": "skip"}
    below = shared | {"y": low, "showlegend": False}
    return [
        below,
        shared
        | {"y": high, "name": escape(name), "fill": "tonexty", "fillcolor": colour, "showlegend": legend},
    ]


def _level(value: float, name: str) -> tuple[dict, dict]:
    """A dashed line across at a value, and its name at the left."""
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value}
    line["line"] = {"color": "@quiet", "width": 1, "dash": "dash"}
    note = {"xref": "paper", "x": 0, "y": value, "text": name, "showarrow": False, "xanchor": "left"}
    return line, note | {"yanchor": "bottom", "font": {"color": "@quiet", "size": 11}}


def _motifs(rows: Sequence[MotifRow], name: str, mode: str, colour: str, size: int) -> dict:
    trace = {"type": "scatter", "mode": mode, "name": name}
    trace |= {"x": [row.score.energy_pJ for row in rows], "y": [row.score.normalised for row in rows]}
    trace |= {
        "marker": {"color": colour, "size": size},
        "line": {"color": colour, "width": 1.5, "shape": "hv"},
    }
    trace |= {"text": [row.id[:8] for row in rows], "customdata": [motif_address(row.id) for row in rows]}
    return trace | {"hovertemplate": "%{text}: %{y:.3f}, %{x:.3g} pJ<extra></extra>"}


def _chart(
    traces: list[dict],
    *,
    x: str,
    y: str,
    x_log: bool = False,
    y_log: bool = False,
    legend: bool = True,
    **layout,
) -> Chart:
    axes = {"xaxis": _axis(x, x_log), "yaxis": _axis(y, y_log)}
    if x == "epoch":
        axes["xaxis"]["nticks"] = min(
            MOST_TICKS, max(len(trace["x"]) for trace in traces)
        )  # none between epochs
    return {"data": traces, "layout": {**axes, "showlegend": legend, **layout}}


def _axis(label: str, log: bool) -> dict:
    return {"title": {"text": escape(label)}} | ({"type": "log"} if log else {})
