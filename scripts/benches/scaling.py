"""How the simulator's speed depends on the size of circuit and batch, on rates and on the time step.

Circuits of the workload's kind, in which every source fires at the wanted rate: input channels by their Poisson
processes, neurons by a bias found by bisection. Three of ten synapses onto a neuron come from channels, of which there
are half as many as neurons; weights go down with the root of their number.
"""

from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import numpy as np
from report import Row, at_least, figure, show_table, tell
from rich.table import Table
from timing import seconds
from workload import DURATION_MS, mean_rate_Hz, network, poisson, tuned

from evocircuits.circuit import Circuit
from evocircuits.simulator import Stimulus, simulate

AFFERENT_SHARE = 0.3
BIASES_pA = (-4000.0, 1500.0)
TUNING_TRIALS = 64
MOST_NEURON_STEPS = 2e8
"""Longer simulations are shortened."""
ROUNDS, VISIT_s, FEWEST = 3, 0.05, 2
"""Every point is visited in every round, for so long and for so many calls at least."""


@dataclass(frozen=True)
class Point:
    """What is simulated; `synapses` end on each neuron, those from channels included."""

    neurons: int = 20
    synapses: int = 5
    trials: int = 128
    rate_Hz: float = 20.0
    dt_ms: float = 0.1

    @property
    def duration_ms(self) -> float:
        """Of the simulation: half a second, or as many times 10 ms as `MOST_NEURON_STEPS` allow."""
        longest = MOST_NEURON_STEPS * self.dt_ms / (self.neurons * self.trials)
        return min(DURATION_MS, 10.0 * round(longest / 10))

    @property
    def small(self) -> bool:
        """Whether it is of the kind that a search simulates by the million."""
        size = 5 <= self.neurons <= 100 and self.synapses <= 10 and self.trials >= 64
        return size and self.rate_Hz <= 20

    @property
    def counts(self) -> bool:
        """Whether the target is about it: small, at the usual time step."""
        return self.small and self.dt_ms == BASE.dt_ms

    def __str__(self) -> str:
        return (
            f"{self.neurons} neurons × {self.synapses} synapses, {self.trials} trials, {self.rate_Hz:g} Hz, "
            f"dt {self.dt_ms:g} ms"
        )


BASE = Point()
AXES = {
    "neurons": (5, 20, 100, 300, 1000),
    "synapses": (5, 10, 50, 300),
    "trials": (1, 16, 64, 128, 1024),
    "rate_Hz": (1.0, 5.0, 20.0, 100.0),
    "dt_ms": (0.02, 0.1, 0.5, 1.0),
}
CORNERS = {"neurons": (5, 100), "synapses": (5, 10), "rate_Hz": (5.0, 20.0), "trials": (64, 128)}
HEADS = (
    "neurons",
    "synapses",
    "trials",
    "Hz",
    "reached",
    "dt ms",
    "time ms",
    "neuron-steps/s",
    "events/s",
    "",
)


@dataclass(frozen=True)
class Measured:
    """A point's outcome: seconds of each call, rate and synaptic events of one."""

    seconds: np.ndarray
    rate_Hz: float
    events: int


def points() -> list[Point]:
    """One axis at a time from the base, then the corners; each point once."""
    along = [replace(BASE, **{name: value}) for name, values in AXES.items() for value in values]
    corners = [Point(**dict(zip(CORNERS, values, strict=True))) for values in product(*CORNERS.values())]
    return list(dict.fromkeys(along + corners))


def measure() -> list[Row]:
    """Three rows a point for the JSON, the same as a table of its own, and how far the small points lie apart: at one
    time step, and at all of them, where a longer step has more spikes and so more to do.
    """
    found = measured(points())
    show_table(_table(found))
    speed = {point: _neuron_steps(point) / np.median(m.seconds) for point, m in found.items()}

    def spread(chosen: list[Point]) -> float:
        speeds = [speed[point] for point in chosen]
        return min(speeds) / max(speeds)

    def name(dt: str) -> str:
        return (
            f"simulator: scaling, lowest speed over highest, dt {dt} ms, 5–100 neurons, ≤ 10 synapses each, ≤ 20 Hz, "
            "≥ 64 trials"
        )

    return [
        *_rows(found),
        at_least(name(f"{BASE.dt_ms:g}"), spread([p for p in found if p.counts]), "×", 0.5),
        figure(
            name(", ".join(f"{dt:g}" for dt in AXES["dt_ms"])), spread([p for p in found if p.small]), "×"
        ),
    ]


def measured(chosen: list[Point]) -> dict[Point, Measured]:
    """All points, visited in turn."""
    cases, recordings, times = {}, {}, {point: [] for point in chosen}
    for number, point in enumerate(chosen, start=1):
        tell(f"scaling: point {number} of {len(chosen)}: {point}")
        cases[point] = case(point)
        recordings[point] = simulate(*cases[point], dt_ms=point.dt_ms)
    for number in range(1, ROUNDS + 1):
        tell(f"scaling: round {number} of {ROUNDS}")
        for point, (circuit, stimulus) in cases.items():
            times[point] += _visit(circuit, stimulus, point.dt_ms)
    return {
        point: Measured(np.array(times[point]), mean_rate_Hz(r), int(r.synaptic_events.sum()))
        for point, r in recordings.items()
    }


def case(point: Point) -> tuple[Circuit, Stimulus]:
    """A circuit that fires at the point's rate, and its batch of trials."""
    stimulus = _stimulus(point, seed=2)
    return _circuit(replace(point, trials=TUNING_TRIALS), point.duration_ms), stimulus


@cache
def _circuit(point: Point, duration_ms: float) -> Circuit:
    n, synapses = point.neurons, point.neurons * point.synapses
    afferent = round(AFFERENT_SHARE * synapses)

    def make(bias_pA: float) -> Circuit:
        return network(
            np.random.default_rng(1),
            neurons=n,
            recurrent=synapses - afferent,
            afferent=afferent,
            channels=_channels(point),
            bias_pA=bias_pA,
            weight_scale=np.sqrt(BASE.synapses / point.synapses),
            dt_ms=point.dt_ms,
        )

    stimulus = _stimulus(point, seed=3, duration_ms=duration_ms)
    return tuned(make, stimulus, dt_ms=point.dt_ms, rate_Hz=point.rate_Hz, between=BIASES_pA)


def _channels(point: Point) -> int:
    return max(1, point.neurons // 2)


def _stimulus(point: Point, *, seed: int, duration_ms: float | None = None) -> Stimulus:
    return poisson(
        np.random.default_rng(seed),
        point.trials,
        channels=_channels(point),
        rate_Hz=point.rate_Hz,
        duration_ms=duration_ms or point.duration_ms,
        dt_ms=point.dt_ms,
    )


def _visit(circuit: Circuit, stimulus: Stimulus, dt_ms: float) -> list[float]:
    """Seconds of each call after the first, which finds neither tables nor input of this point ready."""

    def call():
        simulate(circuit, stimulus, dt_ms=dt_ms)

    call()
    times = []
    while len(times) < FEWEST or sum(times) < VISIT_s:
        times.append(seconds(call))
    return times


def _neuron_steps(point: Point) -> float:
    return point.neurons * point.trials * point.duration_ms / point.dt_ms


def _rows(found: dict[Point, Measured]) -> list[Row]:
    rows = []
    for point, m in found.items():
        name = f"simulator: scaling, {point}"
        rows += [
            figure(name, _neuron_steps(point) / m.seconds, "neuron-steps/s", detail=True),
            figure(name, m.events / m.seconds, "synaptic events/s", detail=True),
            figure(f"{name}, rate reached", m.rate_Hz, "Hz", detail=True),
        ]
    return rows


def _table(found: dict[Point, Measured]) -> Table:
    table = Table(*HEADS, title="Scaling (medians; • small, dt 0.1 ms: counts for the target; ◦ small)")
    for column in table.columns:
        column.justify = "right"
    for point, m in found.items():
        middle = np.median(m.seconds)
        table.add_row(
            *(str(value) for value in (point.neurons, point.synapses, point.trials)),
            *(
                f"{value:g}"
                for value in (point.rate_Hz, float(f"{m.rate_Hz:.3g}"), point.dt_ms, point.duration_ms)
            ),
            *(f"{value / middle:.2e}" for value in (_neuron_steps(point), m.events)),
            "•" if point.counts else "◦" if point.small else "",
        )
    return table
