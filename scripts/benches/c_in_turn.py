"""The ratio to the C kernel, each time in a process of its own: `python c_in_turn.py` writes the one that it finds.

Where the operating system places the arrays of either is settled when a process starts, and moves the ratio by a few
per cent.
"""

import subprocess
import sys

import c_kernel
import numpy as np
from timing import in_turn
from workload import DT_MS, TRIALS, poisson, workload

from evocircuits.simulator import simulate

PROCESSES, REPEATS = 5, 31


def ratios() -> np.ndarray:
    """float[processes]: how many times longer the kernel takes than `simulate`, in each process."""
    command = [sys.executable, __file__]
    found = [subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    return np.array([float(process.stdout) for process in found])


def ratio() -> float:
    """Of the medians of this process, in which the two take turns."""
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), TRIALS)
    kernel = c_kernel.prepare(circuit, stimulus, DT_MS)
    ours_s, theirs_s = in_turn(lambda: simulate(circuit, stimulus, dt_ms=DT_MS), kernel, repeats=REPEATS)
    return float(np.median(theirs_s) / np.median(ours_s))


if __name__ == "__main__":
    print(ratio())
