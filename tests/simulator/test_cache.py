"""Compiled kernels are found again: by the next circuit in this process, and on disk by the next process."""

import os
import subprocess
import sys
from pathlib import Path

RUN = """
from evocircuits.simulator import Stimulus, simulate
from tests.simulator.circuits import random_circuit
import numpy as np
for n in (3, 7):
    simulate(random_circuit(np.random.default_rng(n), n=n), Stimulus(1, 5.0), dt_ms=0.1)
"""


def test_a_second_process_compiles_nothing(tmp_path):
    kernels = []
    for _ in range(2):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
        root = Path(__file__).parents[2]
        subprocess.run([sys.executable, "-c", RUN], cwd=root, env=environment, check=True)
        kernels.append(sorted(path.name for path in tmp_path.rglob("*.nbc")))
    assert len(kernels[0]) == 2  # the gathering of input spikes and the kernel
    assert kernels[1] == kernels[0]
