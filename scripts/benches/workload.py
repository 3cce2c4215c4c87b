"""The reference workload W, and circuits of its kind in other sizes.

W: 20 neurons (16 E, 4 I), 102 synapses (72 between them, 30 from inputs), delays 0.1–1.5 ms, 10 Poisson channels at
50 Hz, 500 ms in steps of 0.1 ms, about 21 Hz mean rate.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.simulator import Recording, Spikes, Stimulus, encode, simulate

DT_MS, DURATION_MS = 0.1, 500.0
NEURONS = 20
CHANNELS, RATE_Hz = 10, 50.0
TRIALS = 128
LONGEST_DELAY_MS = 1.5
BIAS_pA = 185.0
BISECTIONS = 14


def workload() -> Circuit:
    """W's circuit; its weights were tuned for a mean rate of about 21 Hz."""
    return network(np.random.default_rng(7), neurons=NEURONS, recurrent=72, afferent=30, channels=CHANNELS)


def network(
    rng: np.random.Generator,
    *,
    neurons: int,
    recurrent: int,
    afferent: int,
    channels: int,
    bias_pA: float = BIAS_pA,
    weight_scale: float = 1.0,
    dt_ms: float = DT_MS,
) -> Circuit:
    """A fifth of the neurons inhibit, strongly enough to balance the others; `recurrent` and `afferent` count synapses,
    whose delays are 1 step … 1.5 ms. Pairs are connected once, unless there are more synapses than pairs.
    """
    pairs = rng.choice(neurons**2, recurrent, replace=recurrent > neurons**2)
    source, target = pairs // neurons, pairs % neurons
    excitatory = np.arange(neurons) < round(0.8 * neurons)
    longest = max(2, round(LONGEST_DELAY_MS / dt_ms))
    return Circuit(
        excitatory=excitatory,
        tau_m_ms=np.full(neurons, 10.0),
        c_m_pF=np.full(neurons, 250.0),
        threshold_mV=np.full(neurons, 15.0),
        reset_mV=np.zeros(neurons),
        t_ref_ms=np.full(neurons, 2.0),
        bias_pA=np.full(neurons, bias_pA),
        tau_syn_ex_ms=np.full(neurons, 2.0),
        tau_syn_in_ms=np.full(neurons, 5.0),
        source=source,
        target=target,
        weight_pA=np.where(excitatory[source], 200.0, 300.0) * weight_scale,
        delay_ms=rng.integers(1, longest + 1, recurrent) * dt_ms,
        inputs={
            "in": Afferents(
                channels,
                np.arange(afferent) % channels,
                rng.integers(neurons, size=afferent),
                np.full(afferent, 900.0) * weight_scale,
                rng.integers(1, longest + 1, afferent) * dt_ms,
            )
        },
    )


def poisson(
    rng: np.random.Generator,
    trials: int,
    *,
    channels: int = CHANNELS,
    rate_Hz: float = RATE_Hz,
    duration_ms: float = DURATION_MS,
    dt_ms: float = DT_MS,
) -> Stimulus:
    """Independent spikes at `rate_Hz` on every channel of every trial: on the grid, at most one a step and none in the
    first, so that every peer takes them.
    """
    spikes = encode.poisson(rng, np.full((trials, channels), rate_Hz), duration_ms=duration_ms)
    step = np.rint(spikes.time_ms / dt_ms).astype(int)
    columns = np.unique(np.stack([step, spikes.trial, spikes.channel]), axis=1)
    within = (columns[0] > 0) & (columns[0] < round(duration_ms / dt_ms))
    step, trial, channel = columns[:, within]
    return Stimulus(trials, duration_ms, {"in": Spikes(step * dt_ms, trial, channel)})


def with_delays(circuit: Circuit, rng: np.random.Generator, steps: tuple[int, int], dt_ms: float) -> Circuit:
    """The circuit with the delays of all synapses drawn anew, from the first to the last of `steps`."""

    def drawn(synapses) -> np.ndarray:
        return rng.integers(steps[0], steps[1] + 1, len(synapses.delay_ms)) * dt_ms

    inputs = {port: replace(a, delay_ms=drawn(a)) for port, a in circuit.inputs.items()}
    return replace(circuit, delay_ms=drawn(circuit), inputs=inputs)


def mean_rate_Hz(recording: Recording) -> float:
    """Spikes per neuron, trial and second."""
    return 1000 / recording.duration_ms * float(recording.counts.mean())


def tuned(
    make: Callable[[float], Circuit], stimulus: Stimulus, *, dt_ms: float, rate_Hz: float, between: tuple
) -> Circuit:
    """What `make` returns for the number between two ends at which the mean rate, growing with it, is `rate_Hz`."""
    low, high = between
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if mean_rate_Hz(simulate(make(middle), stimulus, dt_ms=dt_ms)) < rate_Hz:
            low = middle
        else:
            high = middle
    return make((low + high) / 2)
