"""The workload in the simulator and in its peers, on one thread each: NEST, Brian2's C++ and a kernel in C.

A peer and the simulator run in turn, and each ratio is the median over these turns; the ratio to the C kernel is that
of several processes (c_in_turn.py). Of NEST only the phase that
simulates is timed, of Brian2 only the inner loop, of the C kernel what c_kernel.py says, and of the simulator the
whole of `simulate`, its tables and the stimulus on the grid being kept from the call before.
"""

from functools import partial
from types import ModuleType

import brian_peer
import c_in_turn
import c_kernel
import numpy as np
from report import Row, at_least, figure, not_measured, tell
from timing import clock_seconds, in_turn, seconds, steady_seconds
from workload import DT_MS, DURATION_MS, NEURONS, TRIALS, mean_rate_Hz, poisson, workload

from evocircuits.circuit import Circuit
from evocircuits.simulator import Record, Stimulus, simulate
from tests.simulator import in_nest
from tests.simulator.circuits import events, part

REPEATS = 31
NEST_COPIES, NEST_REPEATS, NEST_COMPARED = (16, 64, 256), 15, 16
DTYPES = ("float32", "float64")
NEST_TARGET = 64
"""The copies of the comparison; at some other number NEST may be faster."""
C_KERNEL = "C kernel with a dense ring (AVX-512)"
BRIAN_COPIES, BRIAN_REPEATS = (128, 512), 15
"""The copies of the comparison, and those at which Brian2 is fastest."""


def measure() -> list[Row]:
    """Speeds, their ratios, and whether the peers emit the same spikes."""
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), TRIALS)
    return [*_c_rows(circuit, stimulus), *_nest_rows(circuit, stimulus), *_brian_rows(circuit, stimulus)]


def _own_rows(circuit: Circuit, stimulus: Stimulus, ours_s: np.ndarray) -> list[Row]:
    recording = simulate(circuit, stimulus, dt_ms=DT_MS)
    (exact_s,) = in_turn(lambda: simulate(circuit, stimulus, dt_ms=DT_MS, dtype=np.float64), repeats=REPEATS)
    clock_s = in_turn(lambda: simulate(circuit, stimulus, dt_ms=DT_MS), repeats=REPEATS, timed=clock_seconds)
    name, events = f"simulator: {TRIALS} trials", int(recording.synaptic_events.sum())
    return [
        figure("simulator: mean rate of the workload", mean_rate_Hz(recording), "Hz"),
        figure(f"{name}, float32", _steps(TRIALS) / ours_s, "neuron-steps/s"),
        figure(
            f"{name}, float32, elapsed time, fastest of {REPEATS} calls",
            _steps(TRIALS) / clock_s.min(),
            "neuron-steps/s",
        ),
        figure(f"{name}, float32", events / ours_s, "synaptic events/s"),
        figure(f"{name}, float64", _steps(TRIALS) / exact_s, "neuron-steps/s"),
    ]


def _c_rows(circuit: Circuit, stimulus: Stimulus) -> list[Row]:
    tell("the workload and the C kernel")

    def ours():
        return simulate(circuit, stimulus, dt_ms=DT_MS)

    ratio = f"simulator: ratio to the {C_KERNEL}"
    try:
        kernel = c_kernel.prepare(circuit, stimulus, DT_MS)
    except RuntimeError as error:
        (ours_s,) = in_turn(ours, repeats=REPEATS)
        return [*_own_rows(circuit, stimulus, ours_s), not_measured(ratio, "×", str(error))]
    ours_s, theirs_s = in_turn(ours, kernel, repeats=REPEATS)
    return [
        *_own_rows(circuit, stimulus, ours_s),
        figure(
            f"simulator: {C_KERNEL}, {TRIALS} trials, float32", _steps(TRIALS) / theirs_s, "neuron-steps/s"
        ),
        at_least(f"{ratio}, median of {c_in_turn.PROCESSES} processes", c_in_turn.ratios(), "×", 1),
        _agreement("the C kernel", ours().counts, kernel()),
    ]


def _nest_rows(circuit: Circuit, stimulus: Stimulus) -> list[Row]:
    nest = in_nest.imported()
    equal = _equal_trials(nest, circuit, poisson(np.random.default_rng(3), NEST_COMPARED))
    theirs, ratios = {}, {}
    for copies in NEST_COPIES:
        tell(f"NEST, {copies} copies")
        theirs_s, *ours_s = _nest_in_turn(nest, circuit, stimulus, copies)
        theirs[copies] = _steps(copies) / theirs_s
        for dtype, dtype_s in zip(DTYPES, ours_s, strict=True):
            ratios[copies, dtype] = _steps(TRIALS) / dtype_s / theirs[copies]
    best = max(NEST_COPIES, key=lambda copies: np.median(theirs[copies]))

    def ratio(copies: int, dtype: str, note: str = "") -> tuple:
        return f"simulator: ratio to NEST at {copies} copies{note}, {dtype}", ratios[copies, dtype], "×"

    fastest = f", the fastest of {', '.join(map(str, NEST_COPIES))}"
    return [
        *(
            figure(f"simulator: NEST, {copies} copies as one network", speed, "neuron-steps/s")
            for copies, speed in theirs.items()
        ),
        at_least(*ratio(NEST_TARGET, "float32"), 40),
        figure(*ratio(NEST_TARGET, "float64")),
        figure(*ratio(best, "float32", fastest)),
        figure(*ratio(best, "float64", fastest)),
        at_least("simulator: trials equal to NEST's, float64", 100 * equal / NEST_COMPARED, "%", 100),
    ]


def _nest_in_turn(nest: ModuleType, circuit: Circuit, stimulus: Stimulus, copies: int) -> np.ndarray:
    """float[3, repeats]: seconds of NEST for so many copies, and of ours for `stimulus` in each of `DTYPES`."""
    long = poisson(np.random.default_rng(4), copies, duration_ms=DURATION_MS * (NEST_REPEATS + 1))
    times = []
    with in_nest.quiet():
        in_nest.build(nest, _copies(circuit, long), dt_ms=DT_MS)
        nest.Prepare()
        nest.Run(DURATION_MS)
        for _ in range(NEST_REPEATS):
            theirs_s = seconds(lambda: nest.Run(DURATION_MS))
            ours_s = [
                steady_seconds(partial(simulate, circuit, stimulus, dt_ms=DT_MS, dtype=dtype))
                for dtype in DTYPES
            ]
            times.append([theirs_s, *ours_s])
        nest.Cleanup()
    return np.array(times).T


def _brian_rows(circuit: Circuit, stimulus: Stimulus) -> list[Row]:
    rows = []
    for copies in BRIAN_COPIES:
        tell(f"Brian2, {copies} copies")
        trials = stimulus if copies == TRIALS else poisson(np.random.default_rng(2), copies)
        ratio = f"simulator: ratio to Brian2's inner loop at {copies} copies"
        try:
            ours_s, theirs_s, counts = _brian_in_turn(circuit, stimulus, trials)
        except RuntimeError as error:
            rows.append(not_measured(ratio, "×", str(error)))
            continue
        theirs = _steps(copies) / theirs_s
        ratios = _steps(TRIALS) / ours_s / theirs
        rows += [
            figure(f"simulator: Brian2 in C++, {copies} copies as one network", theirs, "neuron-steps/s"),
            at_least(ratio, ratios, "×", 5) if copies == TRIALS else figure(ratio, ratios, "×"),
            _agreement(f"{copies} copies in Brian2", simulate(circuit, trials, dt_ms=DT_MS).counts, counts),
        ]
    return rows


def _brian_in_turn(circuit: Circuit, stimulus: Stimulus, theirs: Stimulus) -> tuple[np.ndarray, ...]:
    """Seconds of ours for `stimulus`, of Brian2's for `theirs`, and Brian2's spike counts."""
    ours_s = []

    def ours():
        ours_s.append(steady_seconds(lambda: simulate(circuit, stimulus, dt_ms=DT_MS)))

    found = brian_peer.run(circuit, theirs, dt_ms=DT_MS, repeats=BRIAN_REPEATS, between=ours)
    return np.array(ours_s), np.array(found["loop_s"]), found["counts"]


def _agreement(peer: str, ours: np.ndarray, theirs: np.ndarray) -> Row:
    """How many neurons spike as often as in the peer, whose float32 may be rounded in another order."""
    name = f"simulator: spike counts equal to those of {peer}, float32"
    return at_least(name, 100 * np.mean(ours == theirs), "%", 98)


def _equal_trials(nest: ModuleType, circuit: Circuit, stimulus: Stimulus) -> int:
    """In how many trials the float64 simulation and NEST emit the same spikes."""
    exact = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
    with in_nest.quiet():
        expected = in_nest.spikes(nest, _copies(circuit, stimulus), dt_ms=DT_MS, duration_ms=DURATION_MS)
    return sum(events(exact.spikes, trial, DT_MS) == spikes for trial, spikes in enumerate(expected))


def _copies(circuit: Circuit, stimulus: Stimulus) -> list[tuple[Circuit, Stimulus]]:
    """The circuit once per trial, each with that trial."""
    whole = {"first_ms": 0.0, "duration_ms": stimulus.duration_ms}
    return [(circuit, part(stimulus, trials=[trial], **whole)) for trial in range(stimulus.n_trials)]


def _steps(copies: int) -> int:
    return copies * NEURONS * round(DURATION_MS / DT_MS)
