"""Brian2 as a peer: it needs an older NumPy than evocircuits, so it lives in an environment of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.simulator import Stimulus

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-brian2"
REQUIREMENTS = ("brian2==2.9.*", "numpy<2.3", "setuptools>=77")
NEURON_ARRAYS = ("tau_m_ms", "c_m_pF", "threshold_mV", "reset_mV", "t_ref_ms", "bias_pA", "excitatory")
SYNAPSE_ARRAYS = ("tau_syn_ex_ms", "tau_syn_in_ms", "source", "target", "weight_pA", "delay_ms")
LAST_LINES = 15


def run(
    circuit: Circuit, stimulus: Stimulus, *, dt_ms: float, repeats: int, between: Callable[[], object]
) -> dict:
    """Simulates one copy of the circuit a trial, all as one network in C++ on one thread, `repeats` times over.

    `between` is called after each of them, so that what Brian2 is compared to can be measured in turn with it.

    The result: `loop_s` list of seconds, each of one run's inner loop; `build_s`; `counts` int[trials, N];
    `brian2`, `float_type`, `compiler_flags`. Raises `RuntimeError` when Brian2 cannot be installed, built or run.
    """
    if circuit.model != "iaf_psc_exp" or circuit.plasticity:
        raise RuntimeError("Brian2's twin has exponential currents and static synapses only")
    python = _installed()
    print(f"Building {stimulus.n_trials} copies in Brian2 (up to a minute)", file=sys.stderr)
    with tempfile.TemporaryDirectory() as directory:
        case, result = Path(directory, "case.npz"), Path(directory, "result.json")
        np.savez(case, **_case(circuit, stimulus), dt_ms=dt_ms, repeats=repeats)
        script = Path(__file__).with_name("in_brian.py")
        _call("Brian2 did not simulate the circuit", [python, script, case, result], directory, between)
        measured = json.loads(result.read_text())
    return measured | {"counts": np.array(measured["counts"])}


def _installed() -> Path:
    """The interpreter of Brian2's environment, which is made where the stamp in it does not fit."""
    python, stamp = VENV / "bin" / "python", VENV / "evocircuits-installed"
    wanted = "\n".join((str(VENV), sys.version, *REQUIREMENTS))
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Installing {REQUIREMENTS[0]} into {VENV} (up to a minute, once)", file=sys.stderr)
    problem = f"Brian2 was not installed into {VENV}"
    _call(problem, [sys.executable, "-m", "venv", "--clear", VENV], ROOT)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _call(problem, [*pip, *REQUIREMENTS], ROOT)
    stamp.write_text(wanted)
    return python


def _call(problem: str, command: list, directory, between: Callable[[], object] | None = None) -> None:
    """Runs a command; with `between`, calls that for every line it writes to standard output, and answers with one."""
    # What would lead the other interpreter to this one's packages is left out.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    with tempfile.TemporaryFile("w+") as log:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE if between else log, "stderr": log}
        with subprocess.Popen(command, cwd=directory, env=env, text=True, **pipes) as process:
            for _ in process.stdout or ():
                between()
                process.stdin.write("\n")
                process.stdin.flush()
        if process.returncode:
            log.seek(0)
            lines = log.read().rstrip().splitlines()[-LAST_LINES:]
            raise RuntimeError(f"{problem}; the last lines of its output:\n" + "\n".join(lines))


def _case(circuit: Circuit, stimulus: Stimulus) -> dict:
    """The circuit and its input as flat arrays; the channels of all ports are numbered through."""
    afferents, spikes, channels = [], [], 0
    for port, a in circuit.inputs.items():
        afferents.append((a.channel + channels, a.target, a.weight_pA, a.delay_ms))
        if port in stimulus.spikes:
            s = stimulus.spikes[port]
            spikes.append((s.time_ms, s.trial, s.channel + channels))
        channels += a.channels
    names = ("afferent_channel", "afferent_target", "afferent_weight_pA", "afferent_delay_ms")
    return (
        {name: getattr(circuit, name) for name in NEURON_ARRAYS + SYNAPSE_ARRAYS}
        | _joined(names, afferents)
        | _joined(("spike_time_ms", "spike_trial", "spike_channel"), spikes)
        | {"channels": channels, "trials": stimulus.n_trials, "duration_ms": stimulus.duration_ms}
    )


def _joined(names: tuple[str, ...], parts: list[tuple]) -> dict:
    if not parts:
        return {name: np.zeros(0, int) for name in names}
    return dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
