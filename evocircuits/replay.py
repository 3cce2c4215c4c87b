"""A life of `forage` as one HTML file: where it went, what it ate and spent, what its neurons did, with a time slider.

The file needs nothing else: no network, no library. It follows the reader's choice of light or dark. A script moves
what is on the page from frame to frame; without it the page still shows the whole path, energy and raster.
"""

import json
import os
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from evocircuits.errors import InputError
from evocircuits.plots import EXCITATORY, INHIBITORY
from evocircuits.tasks.forage_sound import HEAD_m
from evocircuits.tasks.forage_world import Life, REACH_m

DRAWN_LARGER = 2.0
"""By how much a body is drawn larger than it is."""
WIDTH, LEFT, RIGHT = 640, 92, 12
"""Of the plots over time, and their margins, in pixels of their own."""
ENERGY_HEIGHT, AXIS_HEIGHT, TALLEST_RASTER, TALLEST_ROW = 180, 22, 320, 26
SMALLEST_LABELLED_ROW = 10
SOURCE_m, THRUST_m = 0.09, 0.3
"""Radius of a source, and how long the jet of a motor at full activation is drawn."""
MARGIN_m = 0.5
"""Around all that is seen in a life."""


def write_replay(life: Life, path: str | os.PathLike, *, title: str = "A life") -> None:
    """Write `life` to `path`, to be watched in any browser; its folder is created when missing.

    Raises `InputError` for another suffix than .html and for a file that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise InputError(f"{path}: expected a page's suffix, .html; got {path.suffix!r}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(replay_html(life, title=title), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror}") from None


def replay_html(life: Life, *, title: str = "A life") -> str:
    """The page as text; `title` may hold any characters."""
    return PAGE.substitute(
        title=escape(title),
        told=_told(life),
        excitatory=EXCITATORY,
        inhibitory=INHIBITORY,
        world=_world(life),
        energy=_energy(life),
        raster=_raster(life),
        larger=f"{DRAWN_LARGER:g}",
        last=life.n_frames - 1,
        life=_frames(life),
    )


def _told(life: Life) -> str:
    net = (life.energy[-1] - life.energy[0]) / life.meal
    end = "starved" if life.energy[-1] == 0 else "alive at the end"
    seconds = (life.n_frames - 1) * life.step_ms / 1000
    plural = "" if life.meals[-1] == 1 else "s"
    return (
        f"{seconds:g} s, {life.meals[-1]} meal{plural}, net {net:+.2f} meals, "
        f"{len(life.spike_ms)} spikes of {len(life.names)} neurons, {end}"
    )


def _frames(life: Life) -> str:
    """What changes from frame to frame, as JSON: numbers only, so that it may stand within a script element."""
    frames = {
        "step_ms": life.step_ms,
        "thrust": THRUST_m,
        "plot": [LEFT, WIDTH - LEFT - RIGHT],
        "position": _page(life.position_m).round(3).tolist(),
        "heading": (-np.degrees(life.heading)).round(1).tolist(),
        "activation": life.activation.round(2).tolist(),
        "sources": _page(life.source_m).round(3).tolist(),
        "energy": (life.energy / life.meal).round(4).tolist(),
        "meals": life.meals.tolist(),
        "heard": life.heard.tolist(),
    }
    return json.dumps(frames, separators=(",", ":"))


def _page(xy_m: np.ndarray) -> np.ndarray:
    """Metres with y upwards as units of the page, with y downwards."""
    return xy_m * [1.0, -1.0]


def _points(xy: np.ndarray, digits: int) -> str:
    return " ".join(f"{x:.{digits}f},{y:.{digits}f}" for x, y in xy)


def _world(life: Life) -> str:
    """The plane from above, in metres, at the beginning; with the whole path."""
    path, sources = _page(life.position_m), _page(life.source_m)
    all_places = np.vstack([path, sources.reshape(-1, 2)])
    low, high = all_places.min(axis=0), all_places.max(axis=0)
    side = float(np.max(high - low)) + 2 * MARGIN_m
    left, top = (low + high - side) / 2
    eaten = np.flatnonzero(np.diff(life.meals)) + 1
    crosses = "".join(
        f'<circle class="eaten" data-frame="{k}" cx="{path[k, 0]:.3f}" cy="{path[k, 1]:.3f}" r="0.05"/>'
        for k in eaten
    )
    sounds = "".join(
        f'<g class="source" transform="translate({x:.3f} {y:.3f})">'
        f'<circle class="sound" r="{3 * SOURCE_m}"/><circle class="sound" r="{2 * SOURCE_m}"/>'
        f'<circle class="food" r="{SOURCE_m}"/></g>'
        for x, y in sources[0]
    )
    corner_x, corner_y = left + side / 40, top + side * 39 / 40
    return (
        f'<svg id="world" role="img" aria-label="The world from above" '
        f'viewBox="{left:.3f} {top:.3f} {side:.3f} {side:.3f}">'
        f'<polyline class="path" points="{_points(path, 3)}"/><polyline id="trail" points=""/>'
        f"{crosses}{sounds}{_body(life)}"
        f'<path class="scale" d="M{corner_x:.3f} {corner_y:.3f}h1"/>'
        f'<text x="{corner_x:.3f}" y="{corner_y - side / 100:.3f}" font-size="{side / 40:.3f}">1 m</text></svg>'
    )


def _body(life: Life) -> str:
    (x, y), degrees = _page(life.position_m[0]), -np.degrees(life.heading[0])
    size = DRAWN_LARGER * HEAD_m
    ears = "".join(
        f'<circle class="ear" cx="0" cy="{side * size:.3f}" r="{size * 0.38:.3f}"/>' for side in (-1, 1)
    )
    motors = "".join(
        f'<rect class="motor" x="0" y="{side * size * 0.55 - size * 0.2:.3f}" width="0" '
        f'height="{size * 0.4:.3f}"/>'
        for side in (-1, 1)
    )
    return (
        f'<circle id="reach" r="{REACH_m}" cx="{x:.3f}" cy="{y:.3f}"/>'
        f'<g id="body" transform="translate({x:.3f} {y:.3f}) rotate({degrees:.1f})">'
        f'<g transform="translate({-size:.3f} 0) scale(-1 1)">{motors}</g>{ears}'
        f'<path class="head" d="M{size * 1.5:.3f} 0L{size * 0.8:.3f} {size * 0.6:.3f}'
        f'A{size:.3f} {size:.3f} 0 1 1 {size * 0.8:.3f} {-size * 0.6:.3f}Z"/></g>'
    )


def _across(life: Life, frames: np.ndarray) -> np.ndarray:
    """Where times, counted in frames, lie across a plot."""
    return LEFT + (WIDTH - LEFT - RIGHT) * frames / max(1, life.n_frames - 1)


def _energy(life: Life) -> str:
    meals = life.energy / life.meal
    most = max(1.0, float(np.ceil(meals.max())))
    top, bottom = 10.0, ENERGY_HEIGHT - 10.0

    def level(value):
        return bottom - (bottom - top) * value / most

    line = np.stack([_across(life, np.arange(life.n_frames)), level(meals)], axis=1)
    labels = "".join(
        f'<text x="{LEFT - 8}" y="{level(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
        f'<path class="grid" d="M{LEFT} {level(value):.1f}H{WIDTH - RIGHT}"/>'
        for value in (0.0, most)
    )
    name = f'<text x="0" y="{ENERGY_HEIGHT / 2 + 4:.0f}">meals left</text>'
    curve = f'<polyline class="energy" points="{_points(line, 1)}"/>'
    return _plot("Energy over time", ENERGY_HEIGHT, labels + name + curve)


def _raster(life: Life) -> str:
    n = len(life.names)
    row = min(TALLEST_ROW, TALLEST_RASTER / max(1, n))
    x = _across(life, life.spike_ms / life.step_ms)
    marks = []
    for excitatory, kind in ((True, "excitatory"), (False, "inhibitory")):
        chosen = life.excitatory[life.neuron] == excitatory
        at = np.stack([x[chosen], life.neuron[chosen] * row + 0.1 * row], axis=1)
        ticks = "".join(f"M{left:.1f} {top:.1f}v{0.8 * row:.1f}" for left, top in at)
        marks.append(f'<path class="{kind} spikes" d="{ticks}"/>')
    labels = "".join(
        f'<text class="{"excitatory" if life.excitatory[i] else "inhibitory"}" x="0" '
        f'y="{(i + 0.5) * row + 4:.1f}">{escape(name)}</text>'
        for i, name in enumerate(life.names)
        if row >= SMALLEST_LABELLED_ROW
    )
    height = n * row
    return _plot("Spikes over time", height + AXIS_HEIGHT, labels + "".join(marks) + _seconds(life, height))


def _seconds(life: Life, below: float) -> str:
    seconds = (life.n_frames - 1) * life.step_ms / 1000
    every = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, np.inf) if seconds / s <= 10)
    at = np.arange(0, seconds + 1e-9, every)
    ticks = "".join(
        f'<text x="{x:.1f}" y="{below + 16:.1f}" text-anchor="middle">{second:g}</text>'
        for x, second in zip(_across(life, at * 1000 / life.step_ms), at, strict=True)
    )
    return f'<text x="0" y="{below + 16:.1f}">seconds</text>{ticks}'


def _plot(label: str, height: float, content: str) -> str:
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {height:.1f}">{content}'
        f'<path class="now" d="M{LEFT} 0V{height:.1f}"/></svg>'
    )


PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; --ink: #222; --quiet: #666; --paper: #fff; --panel: #f5f3ee; --line: #d8d5cd;
  --excitatory: ${excitatory}; --inhibitory: ${inhibitory}; --food: #009E73; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceae5; --quiet: #a3a19b; --paper: #17181b; --panel: #202226; --line: #44464c; } }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.4 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0; }
p { color: var(--quiet); margin: .2rem 0 .8rem; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1rem; }
svg { display: block; width: 100%; font-size: 13px; }
svg text { fill: var(--quiet); }
svg path, svg circle, svg polyline { vector-effect: non-scaling-stroke; }
#world { background: var(--panel); border-radius: .5rem; max-height: 78vh; }
.path, #trail, .energy { fill: none; stroke: var(--quiet); stroke-width: 1; stroke-opacity: .35; }
#trail, .energy { stroke: var(--ink); stroke-width: 1.5; stroke-opacity: .8; }
.food, .eaten { fill: var(--food); }
.sound { fill: none; stroke: var(--food); stroke-width: 1; stroke-opacity: .5; }
.eaten { fill-opacity: .2; }
.eaten.past { fill-opacity: 1; }
#reach { fill: none; stroke: var(--quiet); stroke-dasharray: 2 3; }
.head { fill: var(--ink); }
.ear { fill: var(--paper); stroke: var(--ink); stroke-width: 1.2; }
.ear.hears { fill: var(--food); }
.motor { fill: var(--excitatory); }
.scale, .grid { stroke: var(--quiet); stroke-width: 1; fill: none; }
.grid { stroke: var(--line); }
.spikes { fill: none; stroke-width: .8; }
.spikes.excitatory { stroke: var(--excitatory); }
.spikes.inhibitory { stroke: var(--inhibitory); }
.now { stroke: var(--ink); stroke-width: 1; }
.key { font-size: 13px; }
.key span { white-space: nowrap; margin-right: .8em; }
.key i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .3em; }
#controls { display: flex; flex-wrap: wrap; gap: .8rem; align-items: center; margin-top: .8rem; }
#time { flex: 1 1 14rem; accent-color: var(--ink); }
#told { font-variant-numeric: tabular-nums; min-width: 16em; }
button, select { font: inherit; padding: .3em .8em; }
#play { min-width: 6em; }
</style>
</head>
<body>
<h1>${title}</h1>
<p>${told}</p>
<main>
<div>${world}</div>
<div>
${energy}
${raster}
<p class="key"><span><i style="background: var(--excitatory)"></i>excitatory neurons, motors</span>
<span><i style="background: var(--inhibitory)"></i>inhibitory neurons</span>
<span><i style="background: var(--food)"></i>sources, meals, ears that hear</span>
The body is drawn ${larger} times its size, the ring about it is its reach.</p>
</div>
</main>
<div id="controls">
<button id="play" type="button">Play</button>
<input id="time" type="range" min="0" max="${last}" value="0" aria-label="Time">
<output id="told" for="time"></output>
<select id="speed" aria-label="Speed"><option value="0.25">× ¼</option><option value="1" selected>× 1</option>
<option value="4">× 4</option></select>
</div>
<script type="application/json" id="life">${life}</script>
<script>
"use strict";
const life = JSON.parse(document.getElementById("life").textContent);
const byId = id => document.getElementById(id);
const all = kind => [...document.querySelectorAll(kind)];
const [time, play, body, reach, trail] = ["time", "play", "body", "reach", "trail"].map(byId);
const [sources, ears, motors, eaten, lines] = [".source", ".ear", ".motor", ".eaten", ".now"].map(all);
const points = life.position.map(xy => xy.join());
const last = life.position.length - 1;
let frame = 0, playing = false, before = 0;

function show() {
  const k = Math.floor(frame), [x, y] = life.position[k];
  body.setAttribute("transform", "translate(" + x + " " + y + ") rotate(" + life.heading[k] + ")");
  reach.setAttribute("cx", x);
  reach.setAttribute("cy", y);
  trail.setAttribute("points", points.slice(0, k + 1).join(" "));
  sources.forEach((s, i) => s.setAttribute("transform", "translate(" + life.sources[k][i].join(" ") + ")"));
  ears.forEach((ear, i) => ear.classList.toggle("hears", life.heard[k][i] > 0));
  motors.forEach((motor, i) => motor.setAttribute("width", life.thrust * life.activation[k][i]));
  eaten.forEach(mark => mark.classList.toggle("past", mark.dataset.frame <= k));
  const at = life.plot[0] + life.plot[1] * k / Math.max(1, last);
  lines.forEach(line => line.setAttribute("transform", "translate(" + (at - life.plot[0]) + " 0)"));
  time.value = k;
  byId("told").textContent = (k * life.step_ms / 1000).toFixed(2) + " s, eaten " + life.meals[k] + ", left "
    + life.energy[k].toFixed(2) + " meals";
}

function tick(now) {
  if (!playing) return;
  frame = Math.min(last, frame + (now - before) / life.step_ms * byId("speed").value);
  before = now;
  show();
  if (frame < last) requestAnimationFrame(tick); else turn(false);
}

function turn(on) {
  playing = on;
  play.textContent = on ? "Pause" : "Play";
  if (!on) return;
  if (frame >= last) frame = 0;
  before = performance.now();
  requestAnimationFrame(tick);
}

play.addEventListener("click", () => turn(!playing));
time.addEventListener("input", () => { frame = Number(time.value); show(); });
show();
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) turn(true);
</script>
</body>
</html>
""")
