"""What a circuit costs that was never simulated before, and a new process: neither compiles anything."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
from report import Row, at_most, tell
from timing import clock_seconds, seconds
from workload import DT_MS, network, poisson

from evocircuits.simulator import Stimulus, simulate

HERE = Path(__file__).parent
TOPOLOGIES, TRIALS, BATCH_MS = 20, 64, 100.0
PROCESSES = 5
PROCESS = """
import sys
import evocircuits
sys.path.insert(0, {folder!r})
import numpy as np
from workload import DT_MS, TRIALS, poisson, workload
from evocircuits.simulator import simulate
simulate(workload(), poisson(np.random.default_rng(2), TRIALS), dt_ms=DT_MS)
"""


def measure() -> list[Row]:
    """Times to a first result, in this process and from the start of another."""
    tell("fresh circuits and processes")
    name = f"simulator: first result of a new topology, {TRIALS} trials × {BATCH_MS:g} ms"
    times_ms = 1000 * topologies_s()
    return [
        at_most(f"{name}, median of {TOPOLOGIES}", times_ms, "ms", 20),
        at_most(f"{name}, worst of {TOPOLOGIES}", times_ms.max(), "ms", 20),
        at_most("simulator: a process from start to end, the workload once", processes_s(), "s", 1.5),
    ]


def topologies_s() -> np.ndarray:
    """float[topologies]: seconds to make a circuit and to simulate it, after a first one that is not counted."""
    rng = np.random.default_rng(5)
    sizes = rng.permutation(np.linspace(5, 100, TOPOLOGIES + 1).round().astype(int))
    times = []
    for number, neurons in enumerate(sizes.tolist()):
        channels = 2 + number
        stimulus = poisson(rng, TRIALS, channels=channels, duration_ms=BATCH_MS)
        recurrent, afferent = (neurons * rng.uniform((2, 1), (7, 3))).round().astype(int).tolist()
        shape = {"neurons": neurons, "recurrent": recurrent, "afferent": afferent, "channels": channels}
        times.append(seconds(partial(_built_and_simulated, rng, shape, stimulus)))
    return np.array(times[1:])


def _built_and_simulated(rng: np.random.Generator, shape: dict, stimulus: Stimulus) -> None:
    simulate(network(rng, **shape), stimulus, dt_ms=DT_MS)


def processes_s() -> np.ndarray:
    """float[processes]: seconds of each, after a first one that may write the compiler's cache."""
    command = [sys.executable, "-c", PROCESS.format(folder=str(HERE))]
    times = [clock_seconds(lambda: subprocess.run(command, check=True)) for _ in range(PROCESSES + 1)]
    return np.array(times[1:])
