"""Random circuits and stimuli for tests: heterogeneous constants, autapses, parallel synapses, mixed polarity."""

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.simulator import Spikes, Stimulus


def random_circuit(
    rng: np.random.Generator,
    *,
    n: int = 12,
    density: float = 0.3,
    channels: int = 4,
    dt_ms: float = 0.1,
    longest_delay_ms: float = 5.0,
    strength: float = 0.3,
    bias: float = 0.0,
) -> Circuit:
    """Synapses are drawn with replacement, so that autapses and parallel ones occur.

    `strength` is the mean post-synaptic potential and `bias` the mean resting depolarisation, as shares of threshold.
    """
    tau_m_ms = rng.uniform(3, 30, n)
    c_m_pF = rng.uniform(100, 400, n)
    threshold_mV = rng.uniform(5, 20, n)
    tau_syn_ex_ms = rng.uniform(0.5, 10, n)
    tau_syn_in_ms = np.where(rng.random(n) < 0.2, tau_m_ms, rng.uniform(0.5, 15, n))

    def synapses(n_sources: int) -> tuple[np.ndarray, ...]:
        count = max(2, round(density * n_sources * n))
        target = rng.integers(n, size=count)
        unit_pA = (threshold_mV * c_m_pF / tau_syn_ex_ms)[target]
        steps = rng.integers(1, max(2, round(longest_delay_ms / dt_ms)) + 1, count)
        return (
            rng.integers(n_sources, size=count),
            target,
            rng.gamma(2, strength / 2, count) * unit_pA,
            steps * dt_ms,
        )

    source, target, weight_pA, delay_ms = synapses(n)
    return Circuit(
        excitatory=rng.random(n) < 0.7,
        tau_m_ms=tau_m_ms,
        c_m_pF=c_m_pF,
        threshold_mV=threshold_mV,
        reset_mV=rng.uniform(-10, 4, n),
        t_ref_ms=rng.integers(0, round(4 / dt_ms), n) * dt_ms,
        bias_pA=bias * rng.normal(1, 0.3, n) * threshold_mV * c_m_pF / tau_m_ms,
        tau_syn_ex_ms=tau_syn_ex_ms,
        tau_syn_in_ms=tau_syn_in_ms,
        source=source,
        target=target,
        weight_pA=weight_pA,
        delay_ms=delay_ms,
        inputs={"in": Afferents(channels, *synapses(channels))} if channels else {},
        outputs={"out": rng.permutation(n)[: min(n, 3)]},
    )


def random_stimulus(
    rng: np.random.Generator,
    *,
    n_trials: int,
    n_steps: int,
    dt_ms: float = 0.1,
    channels: int = 4,
    rate_Hz: float = 100.0,
) -> Stimulus:
    """Independent Bernoulli spikes per step, trial and channel; none in step 0, which NEST does not allow."""
    dense = rng.random((n_steps, n_trials, channels)) < rate_Hz * dt_ms / 1000
    dense[0] = False
    return Stimulus.from_dense({"in": dense}, dt_ms=dt_ms)


def part(
    stimulus: Stimulus, *, first_ms: float, duration_ms: float, trials: list[int] | None = None
) -> Stimulus:
    """The stimulus between two times, counted from the first, for the given trials in that order."""
    trials = list(range(stimulus.n_trials)) if trials is None else trials
    half_ms = 1e-6
    pieces = {}
    for port, spikes in stimulus.spikes.items():
        time_ms = spikes.time_ms - first_ms
        within = (time_ms > -half_ms) & (time_ms < duration_ms - half_ms)
        rows = [(within & (spikes.trial == trial)) for trial in trials]
        pieces[port] = Spikes(
            np.concatenate([np.maximum(time_ms[row], 0) for row in rows]),
            np.concatenate([np.full(row.sum(), new) for new, row in enumerate(rows)]),
            np.concatenate([spikes.channel[row] for row in rows]),
        )
    return Stimulus(len(trials), duration_ms, pieces)


def events(spikes: Spikes, trial: int, dt_ms: float) -> list[tuple[int, int]]:
    """One trial's spikes as sorted (step, channel)."""
    chosen = spikes.trial == trial
    steps = np.rint(spikes.time_ms[chosen] / dt_ms).astype(int)
    return sorted(zip(steps.tolist(), spikes.channel[chosen].tolist(), strict=True))
