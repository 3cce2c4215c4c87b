"""The simulator against NEST on one thread: same circuit, same input statistics, same spikes.

The workload: 20 neurons (16 E, 4 I), 102 synapses (72 between them, 30 from inputs), delays 0.1–1.5 ms, 10 Poisson
channels at 50 Hz, 500 ms in steps of 0.1 ms, about 21 Hz mean rate. Of NEST only the phase that simulates is timed.
"""

import time
from statistics import median

import numpy as np
from report import Row, at_least

from evocircuits.circuit import Afferents, Circuit
from evocircuits.simulator import Record, Stimulus, simulate
from tests.simulator import in_nest
from tests.simulator.circuits import events, part

DT_MS = 0.1
DURATION_MS = 500.0
CHANNELS, RATE_Hz = 10, 50.0
NEST_COPIES, TRIALS = 64, 128
REPEATS = 7
COMPARED = 16


def workload() -> Circuit:
    """The reference circuit; its weights were tuned for a mean rate of about 21 Hz."""
    rng = np.random.default_rng(7)
    n_exc, n_inh, recurrent, afferent = 16, 4, 72, 30
    n = n_exc + n_inh
    pairs = rng.choice(n * n, recurrent, replace=False)
    source, target = pairs // n, pairs % n
    excitatory = np.arange(n) < n_exc
    return Circuit(
        excitatory=excitatory,
        tau_m_ms=np.full(n, 10.0),
        c_m_pF=np.full(n, 250.0),
        threshold_mV=np.full(n, 15.0),
        reset_mV=np.zeros(n),
        t_ref_ms=np.full(n, 2.0),
        bias_pA=np.full(n, 185.0),
        tau_syn_ex_ms=np.full(n, 2.0),
        tau_syn_in_ms=np.full(n, 5.0),
        source=source,
        target=target,
        weight_pA=np.where(excitatory[source], 200.0, 300.0),
        delay_ms=rng.integers(1, 16, recurrent) * DT_MS,
        inputs={
            "in": Afferents(
                CHANNELS,
                np.arange(afferent) % CHANNELS,
                rng.integers(n, size=afferent),
                np.full(afferent, 900.0),
                rng.integers(1, 16, afferent) * DT_MS,
            )
        },
    )


def poisson(rng: np.random.Generator, n_trials: int, duration_ms: float) -> Stimulus:
    """Independent spikes at `RATE_Hz` on every channel of every trial, none in the first step."""
    dense = rng.random((round(duration_ms / DT_MS), n_trials, CHANNELS)) < RATE_Hz * DT_MS / 1000
    dense[0] = False
    return Stimulus.from_dense({"in": dense}, dt_ms=DT_MS)


def measure() -> list[Row]:
    """Speeds as medians over interleaved repeats, their ratio, and whether both emit the same spikes."""
    nest = in_nest.imported()
    circuit, rng = workload(), np.random.default_rng(2)
    equal = equal_trials(nest, circuit, poisson(rng, COMPARED, DURATION_MS))
    stimulus = poisson(rng, TRIALS, DURATION_MS)
    recording = simulate(circuit, stimulus, dt_ms=DT_MS)
    ours_s, theirs_s = [], []
    with in_nest.quiet():
        in_nest.build(
            nest, copies(circuit, poisson(rng, NEST_COPIES, DURATION_MS * (REPEATS + 1))), dt_ms=DT_MS
        )
        nest.Prepare()
        nest.Run(DURATION_MS)
        for _ in range(REPEATS):
            ours_s.append(timed(lambda: simulate(circuit, stimulus, dt_ms=DT_MS)))
            theirs_s.append(timed(lambda: nest.Run(DURATION_MS)))
        nest.Cleanup()
    neuron_steps = circuit.n_neurons * round(DURATION_MS / DT_MS)
    ours, theirs = neuron_steps * TRIALS / median(ours_s), neuron_steps * NEST_COPIES / median(theirs_s)
    return [
        Row(
            "simulator: mean rate of the workload", 1000 / DURATION_MS * float(recording.counts.mean()), "Hz"
        ),
        Row(f"simulator: {TRIALS} trials, float32, one thread", ours, "neuron-steps/s"),
        Row(f"simulator: NEST, {NEST_COPIES} copies as one network, one thread", theirs, "neuron-steps/s"),
        at_least("simulator: ratio to NEST", ours / theirs, "×", 20),
        at_least("simulator: trials equal to NEST's, float64", 100 * equal / COMPARED, "%", 100),
    ]


def equal_trials(nest, circuit: Circuit, stimulus: Stimulus) -> int:
    """In how many trials the float64 simulation and NEST emit the same spikes."""
    exact = simulate(circuit, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
    with in_nest.quiet():
        expected = in_nest.spikes(nest, copies(circuit, stimulus), dt_ms=DT_MS, duration_ms=DURATION_MS)
    return sum(events(exact.spikes, trial, DT_MS) == spikes for trial, spikes in enumerate(expected))


def copies(circuit: Circuit, stimulus: Stimulus) -> list[tuple[Circuit, Stimulus]]:
    """The circuit once per trial, each with that trial."""
    whole = {"first_ms": 0.0, "duration_ms": stimulus.duration_ms}
    return [(circuit, part(stimulus, trials=[trial], **whole)) for trial in range(stimulus.n_trials)]


def timed(run) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
