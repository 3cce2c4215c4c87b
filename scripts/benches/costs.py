"""What long delays, plastic synapses, injected currents, recorded spikes and what was not met before cost the workload,
and what a second thread gains it.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import c_kernel
import numpy as np
from report import Row, at_least, at_most, figure, not_measured, tell
from timing import clock_seconds, in_turn
from workload import DT_MS, DURATION_MS, TRIALS, BIAS_pA, mean_rate_Hz, poisson, tuned, with_delays, workload

from evocircuits.circuit import Circuit
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.simulator import Record, Recording, Stimulus, encode, simulate

REPEATS = 25
FINE_MS = 0.02
DELAYS = {"0.02–1.5 ms": (1, 75), "0.02–25 ms": (1, 1250), "24.8–25 ms": (1240, 1250)}
LEARNING_RATE = 1e-3
MU = (1.0, 0.4)
"""The exponents of spike timing: multiplicative, and one between that and additive."""
SHORT_TERM = ShortTerm(utilisation=0.5, tau_rec_ms=100.0, tau_fac_ms=50.0)
RATE_Hz = 21.0
NOISE_pA, NOISE_MS = 50.0, 1.0
THREADS, THREAD_TRIALS = 2, 1024


def measure() -> list[Row]:
    """Ratios of times that were taken in turn, and the mean rates behind them."""
    return [*delays(), *additions(), *calls(), *threads()]


def delays() -> list[Row]:
    """The workload in steps of 20 µs, with short and with long delays."""
    tell("long delays")
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), TRIALS, dt_ms=FINE_MS)
    runs = {}
    for name, steps in DELAYS.items():
        delayed = with_delays(circuit, np.random.default_rng(6), steps, FINE_MS)
        runs[f"delays {name}"] = _run(delayed, stimulus, FINE_MS)
    return _compared(f"dt {FINE_MS:g} ms", runs, targets=dict.fromkeys(list(runs)[1:], 2.0))


def additions() -> list[Row]:
    """The workload with plastic synapses and with noise."""
    tell("plasticity and currents")
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), TRIALS)
    runs = {"static synapses": _run(circuit, stimulus)}
    for mu in MU:
        for inputs, where in ((False, "between neurons"), (True, "on all synapses")):
            plastic = spike_timing(circuit, inputs=inputs, mu=mu)
            runs[f"spike timing (μ = {mu:g}) {where}"] = _run(plastic, stimulus)
    runs["short-term on all synapses"] = _run(short_term(circuit, stimulus), stimulus)
    targets = dict.fromkeys(list(runs)[1:], 3.0)
    runs["Gaussian currents"] = _run(circuit, noisy(stimulus, circuit.n_neurons))
    return _compared(f"dt {DT_MS:g} ms", runs, targets)


def calls() -> list[Row]:
    """The workload with a stimulus or a circuit that no call has met, and with its spikes recorded."""
    tell("new circuits and stimuli, recorded spikes")
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), TRIALS)
    runs = {
        "with a new Stimulus at each call, over the same again": lambda: _simulated(circuit, anew(stimulus)),
        "with a new Circuit at each call, over the same again": lambda: _simulated(
            replace(circuit), stimulus
        ),
        "with Record(spikes=True), over counts only": lambda: _simulated(
            circuit, stimulus, record=Record(spikes=True)
        ),
    }
    same_s, *others_s = in_turn(_run(circuit, stimulus), *runs.values(), repeats=REPEATS)
    return [
        figure(f"simulator: dt {DT_MS:g} ms, time {name}", times_s / same_s, "×")
        for name, times_s in zip(runs, others_s, strict=True)
    ]


def anew(stimulus: Stimulus) -> Stimulus:
    """The same spikes as objects that are new, checked once more."""
    return replace(stimulus, spikes={port: replace(spikes) for port, spikes in stimulus.spikes.items()})


def spike_timing(circuit: Circuit, *, inputs: bool, mu: float) -> Circuit:
    """The circuit with rules of spike timing, one for each weight: its double is the bound, so that with as much
    depression as potentiation it stays about where it is.
    """
    weights_pA = np.unique(np.concatenate([circuit.weight_pA, circuit.inputs["in"].weight_pA]))
    rules = tuple(
        SpikeTiming(max_weight=2 * w, learning_rate=LEARNING_RATE, alpha=1.0, mu_plus=mu, mu_minus=mu)
        for w in weights_pA
    )
    rule = np.searchsorted(weights_pA, circuit.weight_pA)
    ports = circuit.inputs
    if inputs:
        ports = {p: replace(a, rule=np.searchsorted(weights_pA, a.weight_pA)) for p, a in ports.items()}
    return replace(circuit, plasticity=rules, rule=rule, inputs=ports)


def short_term(circuit: Circuit, stimulus: Stimulus) -> Circuit:
    """The circuit with facilitation and depression in all synapses; a spike after a long silence passes the weight that
    it was, and the bias makes up for what depression takes.
    """

    def changed(synapses) -> dict:
        weight_pA = synapses.weight_pA / SHORT_TERM.utilisation
        return {"weight_pA": weight_pA, "rule": np.zeros(len(weight_pA), int)}

    inputs = {port: replace(a, **changed(a)) for port, a in circuit.inputs.items()}
    plastic = replace(circuit, plasticity=(SHORT_TERM,), inputs=inputs, **changed(circuit))

    def make(bias_pA: float) -> Circuit:
        return replace(plastic, bias_pA=np.full(circuit.n_neurons, bias_pA))

    return tuned(make, stimulus, dt_ms=DT_MS, rate_Hz=RATE_Hz, between=(BIAS_pA / 2, 2 * BIAS_pA))


def noisy(stimulus: Stimulus, neurons: int) -> Stimulus:
    """The stimulus with a current into every neuron that is drawn anew every millisecond."""
    current_pA = encode.gaussian_current(
        np.random.default_rng(4),
        stimulus.n_trials,
        duration_ms=DURATION_MS,
        n_neurons=neurons,
        std_pA=NOISE_pA,
        interval_ms=NOISE_MS,
    )
    return replace(stimulus, current_pA=current_pA)


def threads() -> list[Row]:
    """Two threads with a batch each, against one thread with one batch; and the C kernel's, the most to expect here."""
    tell("two threads")
    name = f"simulator: throughput of {THREADS} threads over one, a batch of {THREAD_TRIALS:,} trials each"
    if (os.cpu_count() or 1) < THREADS:
        return [not_measured(name, "×", "threads: expected a second core; there is one")]
    circuit, stimulus = workload(), poisson(np.random.default_rng(2), THREAD_TRIALS)
    rows = [at_least(name, _gain([_run(circuit, stimulus)] * THREADS), "×", 1.9)]
    with suppress(RuntimeError):  # without a compiler there is a row that says so among the peers'
        kernels = [c_kernel.prepare(circuit, stimulus, DT_MS) for _ in range(THREADS)]
        rows.append(figure(f"{name}, C kernel", _gain(kernels), "×"))
    return rows


def _gain(calls: list[Callable]) -> np.ndarray:
    """float[repeats]: how many times more calls are done in a time when each has a thread than with one thread."""
    with ThreadPoolExecutor(len(calls)) as pool:

        def together(chosen: list[Callable]) -> None:
            for future in [pool.submit(call) for call in chosen]:
                future.result()

        one_s, all_s = in_turn(
            lambda: together(calls[:1]), lambda: together(calls), repeats=REPEATS, timed=clock_seconds
        )
    return len(calls) * one_s / all_s


def _run(circuit: Circuit, stimulus: Stimulus, dt_ms: float = DT_MS) -> Callable[[], Recording]:
    return lambda: _simulated(circuit, stimulus, dt_ms)


def _simulated(
    circuit: Circuit, stimulus: Stimulus, dt_ms: float = DT_MS, *, record: Record | None = None
) -> Recording:
    return simulate(circuit, stimulus, dt_ms=dt_ms, record=record)


def _compared(where: str, runs: dict[str, Callable[[], Recording]], targets: dict[str, float]) -> list[Row]:
    """Times in units of the first run's, each repeat by its own."""
    rates = [
        figure(f"simulator: {where}, {name}, mean rate", mean_rate_Hz(run()), "Hz")
        for name, run in runs.items()
    ]
    times = dict(zip(runs, in_turn(*runs.values(), repeats=REPEATS), strict=True))
    first, *others = runs
    rows = []
    for name in others:
        values = (f"simulator: {where}, time with {name} over {first}", times[name] / times[first], "×")
        rows.append(at_most(*values, targets[name]) if name in targets else figure(*values))
    return rates + rows
