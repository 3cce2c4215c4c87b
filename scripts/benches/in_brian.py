"""A circuit's copies as one network in Brian2's C++ standalone mode, timed: `python in_brian.py CASE.npz RESULT.json`.

Run by the interpreter of an environment that holds Brian2, so it imports nothing of evocircuits; `brian_peer.py` writes
the case. After each run it writes a line to standard output and goes on when it is given one. On the grid of the case
the spikes are those of evocircuits: its update order (membrane and currents, threshold, arriving spikes, reset) is
Brian's, but for two conventions that `_held_ms` and `_afferents` translate.

The settings are the fastest of those tried. In neuron-steps/s of 64 copies of the benchmark's workload on one core,
all with the same counts: as set here 6.2e8; without alignment 6.0e8, in float64 too 5.3e8; without alignment and
unrolling 5.8e8; with one Synapses a polarity and refractoriness as a time besides 5.5e8, and from there -O2 3.5e8,
OpenMP with one thread 2.2e8 and with two 1.5e8. Link-time optimisation, 512-bit vectors, -ffinite-math-only,
quantities without units, neuron-major order and no spike monitor gained nothing. More copies do: Brian reads its
processor clock once a step, a third of the time at 64 copies; with 256 it reaches 8.4e8.
"""

import json
import subprocess
import sys
import tempfile
import time

import brian2
import numpy as np
from brian2 import Mohm, ms, mV, pA

EQUATIONS = """
dv/dt = (-v + R * (I_ex + I_in + I_bias)) / tau_m : volt (unless refractory)
dI_ex/dt = -I_ex / tau_ex : amp
dI_in/dt = -I_in / tau_in : amp
"""
# Beside Brian's own, -O3 -ffast-math -fno-finite-math-only -march=native; alignment steadies the threshold loop.
COMPILER_FLAGS = ["-funroll-loops", "-falign-loops=64", "-falign-functions=64"]


def main(case_path: str, result_path: str) -> None:
    case = dict(np.load(case_path))
    with tempfile.TemporaryDirectory() as directory:
        result = measured(case, directory)
    with open(result_path, "w") as file:
        json.dump(result, file)


def measured(case: dict, directory: str) -> dict:
    """Builds the program once and runs it `repeats` times, each a fresh process."""
    start = time.perf_counter()
    _prepare(directory, float(case["dt_ms"]))
    neurons = _neurons(case)
    monitor = brian2.SpikeMonitor(neurons, record=False)  # it counts, and nothing is kept of single spikes
    network = brian2.Network(neurons, monitor, *_recurrent(case, neurons), *_afferents(case, neurons))
    network.run(float(case["duration_ms"]) * ms)
    brian2.device.build(directory=directory, compile=False, run=False)
    if subprocess.run(["make", "-j2"], cwd=directory, stdout=sys.stderr).returncode:
        sys.exit("make: Brian2's C++ program was not built")
    build_s = time.perf_counter() - start
    loop_s = []
    for _ in range(int(case["repeats"])):
        brian2.device.run(with_output=False)
        loop_s.append(brian2.device._last_run_time)  # of the C++ loop alone; Brian counts processor time
        print("ran", flush=True)
        sys.stdin.readline()
    return {
        "brian2": brian2.__version__,
        "float_type": np.dtype(brian2.prefs.core.default_float_dtype).name,
        "compiler_flags": brian2.prefs.codegen.cpp.extra_compile_args_gcc,
        "build_s": build_s,
        "loop_s": loop_s,
        "counts": np.asarray(monitor.count).reshape(int(case["trials"]), -1).tolist(),
    }


def _prepare(directory: str, dt_ms: float) -> None:
    brian2.BrianLogger.log_level_error()
    brian2.prefs.core.default_float_dtype = np.float32
    brian2.prefs.devices.cpp_standalone.openmp_threads = 0
    brian2.prefs.codegen.cpp.extra_compile_args_gcc += COMPILER_FLAGS
    brian2.set_device("cpp_standalone", directory=directory, build_on_run=False)
    brian2.defaultclock.dt = dt_ms * ms


def _neurons(case: dict) -> brian2.NeuronGroup:
    """All copies, copy after copy. A constant that all neurons share is a number in the program.

    Brian then computes the propagators once a step; for a time constant that differs between neurons it computes ten
    exponentials a neuron and step, and is 18 times slower.
    """
    for name in ("tau_syn_ex_ms", "tau_syn_in_ms"):
        if np.any(np.isclose(case[name], case["tau_m_ms"], rtol=1e-3)):
            sys.exit(
                f"{name}: expected values unlike tau_m_ms: Brian's exact solution divides by the difference"
            )
    constants = {
        "tau_m": (case["tau_m_ms"], ms, "second"),
        "R": (1000 * case["tau_m_ms"] / case["c_m_pF"], Mohm, "ohm"),
        "I_bias": (case["bias_pA"], pA, "amp"),
        "tau_ex": (case["tau_syn_ex_ms"], ms, "second"),
        "tau_in": (case["tau_syn_in_ms"], ms, "second"),
        "theta": (case["threshold_mV"], mV, "volt"),
        "v_reset": (case["reset_mV"], mV, "volt"),
        "held": (_held_ms(case), ms, "second"),
    }
    shared = {name: values[0] * unit for name, (values, unit, _) in constants.items() if np.ptp(values) == 0}
    own = {name: constant for name, constant in constants.items() if name not in shared}
    trials = int(case["trials"])
    group = brian2.NeuronGroup(
        trials * len(case["tau_m_ms"]),
        EQUATIONS + "\n".join(f"{name} : {dimension} (constant)" for name, (_, _, dimension) in own.items()),
        method="exact",
        threshold="v >= theta",
        reset="v = v_reset",
        refractory="t - lastspike < held",
        namespace=shared,
    )
    for name, (values, unit, _) in own.items():
        setattr(group, name, np.tile(values, trials) * unit)
    return group


def _held_ms(case: dict) -> np.ndarray:
    # A spike of step k holds the membrane in steps k + 1 … k + t_ref; half a step keeps clear of rounding. Brian's
    # refractory time would be one step longer than t_ref, for Brian counts the step of the spike as its first.
    dt_ms = float(case["dt_ms"])
    return (np.rint(case["t_ref_ms"] / dt_ms) + 0.5) * dt_ms


def _recurrent(case: dict, neurons: brian2.NeuronGroup) -> list:
    """Excitatory and inhibitory synapses in one object: two spike queues cost more than adding a zero."""
    if not len(case["source"]):
        return []
    sign = np.where(case["excitatory"], 1, -1)[case["source"]]
    synapses = brian2.Synapses(
        neurons, neurons, "w_ex : amp\nw_in : amp", on_pre="I_ex_post += w_ex\nI_in_post += w_in"
    )
    trials, n = int(case["trials"]), len(case["tau_m_ms"])
    synapses.connect(i=_copied(case["source"], n, trials), j=_copied(case["target"], n, trials))
    synapses.w_ex = np.tile(case["weight_pA"] * (sign > 0), trials) * pA
    synapses.w_in = np.tile(-case["weight_pA"] * (sign < 0), trials) * pA
    synapses.delay = np.tile(_steps(case["delay_ms"], case), trials) * float(case["dt_ms"]) * ms
    return [synapses]


def _afferents(case: dict, neurons: brian2.NeuronGroup) -> list:
    """The input channels of all copies and their synapses."""
    if not len(case["afferent_target"]):
        return []
    dt_ms, trials, channels = float(case["dt_ms"]), int(case["trials"]), int(case["channels"])
    step = np.rint(case["spike_time_ms"] / dt_ms).astype(int)
    index = case["spike_trial"] * channels + case["spike_channel"]
    order = np.lexsort((index, step))
    generator = brian2.SpikeGeneratorGroup(
        trials * channels, index[order], step[order] * dt_ms * ms, sorted=True
    )
    synapses = brian2.Synapses(generator, neurons, "w : amp", on_pre="I_ex_post += w")
    synapses.connect(
        i=_copied(case["afferent_channel"], channels, trials),
        j=_copied(case["afferent_target"], len(case["tau_m_ms"]), trials),
    )
    synapses.w = np.tile(case["afferent_weight_pA"], trials) * pA
    # A spike stamped k × dt raises the current at (k + delay) × dt; Brian's, sent in the step from k × dt on, would
    # with the same delay raise it at the end of that step.
    synapses.delay = np.tile(_steps(case["afferent_delay_ms"], case) - 1, trials) * dt_ms * ms
    return [generator, synapses]


def _steps(delay_ms: np.ndarray, case: dict) -> np.ndarray:
    return np.maximum(1, np.rint(delay_ms / float(case["dt_ms"])))


def _copied(index: np.ndarray, size: int, trials: int) -> np.ndarray:
    return (index + size * np.arange(trials)[:, None]).ravel()


if __name__ == "__main__":
    main(*sys.argv[1:])
