"""Random circuits and stimuli for tests: heterogeneous constants, autapses, parallel synapses, mixed polarity."""

from dataclasses import replace

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming
from evocircuits.simulator import Spikes, Stimulus

PEAK_pA = {"iaf_psc_exp": 600.0, "iaf_psc_delta": 3000.0}
"""About the weight whose post-synaptic potential reaches threshold, in the circuits below."""


def equal_neurons(n: int = 1, **changes) -> Circuit:
    """Excitatory neurons without synapses, to be followed by hand. Threshold is 10 mV, and the synaptic currents are so
    short that 1e6 pA, which lift 250 pF by 1e6 × 0.01 / 250 = 40 mV, make a neuron fire a step after they arrive.
    """
    each = {"excitatory": True, "tau_m_ms": 10.0, "c_m_pF": 250.0, "threshold_mV": 10.0, "reset_mV": 0.0}
    each |= {"t_ref_ms": 2.0, "bias_pA": 0.0, "tau_syn_ex_ms": 0.01, "tau_syn_in_ms": 0.01}
    arrays = {name: np.full(n, value) for name, value in each.items()}
    arrays |= {name: np.zeros(0) for name in ("source", "target", "weight_pA", "delay_ms")}
    return Circuit(**arrays | changes)


def random_circuit(
    rng: np.random.Generator,
    *,
    n: int = 12,
    density: float = 0.3,
    channels: int = 4,
    dt_ms: float = 0.1,
    longest_delay_ms: float = 5.0,
    strength: float = 0.3,
    input_strength: float | None = None,
    bias: float = 0.0,
    model: str = "iaf_psc_exp",
    plasticity: tuple[Plasticity, ...] = (),
) -> Circuit:
    """Synapses are drawn with replacement, so that autapses and parallel ones occur.

    `strength` is the mean post-synaptic potential, `input_strength` that of input synapses where it differs, and `bias`
    the mean resting depolarisation, as shares of threshold.
    Each synapse is static or follows one of the rules in `plasticity`, with equal chances.
    """
    tau_m_ms = rng.uniform(3, 30, n)
    c_m_pF = rng.uniform(100, 400, n)
    threshold_mV = rng.uniform(5, 20, n)
    tau_syn_ex_ms = rng.uniform(0.5, 10, n)
    tau_syn_in_ms = np.where(rng.random(n) < 0.2, tau_m_ms, rng.uniform(0.5, 15, n))

    def synapses(n_sources: int, strength: float) -> tuple[np.ndarray, ...]:
        count = max(2, round(density * n_sources * n))
        target = rng.integers(n, size=count)
        per_ms = 1.0 if model == "iaf_psc_delta" else 1 / tau_syn_ex_ms
        unit_pA = (threshold_mV * c_m_pF * per_ms)[target]
        steps = rng.integers(1, max(2, round(longest_delay_ms / dt_ms)) + 1, count)
        source, weight_pA = rng.integers(n_sources, size=count), rng.gamma(2, strength / 2, count) * unit_pA
        if not plasticity:
            return source, target, weight_pA, steps * dt_ms, None
        rule = rng.integers(-1, len(plasticity), count)
        most = np.array([getattr(known, "max_weight", np.inf) for known in plasticity] + [np.inf])
        return source, target, np.minimum(weight_pA, most[rule]), steps * dt_ms, rule

    source, target, weight_pA, delay_ms, rule = synapses(n, strength)
    from_inputs = strength if input_strength is None else input_strength
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
        inputs={"in": Afferents(channels, *synapses(channels, from_inputs))} if channels else {},
        outputs={"out": rng.permutation(n)[: min(n, 3)]},
        model=model,
        rule=rule,
        plasticity=plasticity,
    )


def random_rules(rng: np.random.Generator, *, max_weight: float) -> tuple[Plasticity, ...]:
    """Additive, multiplicative and intermediate spike timing, with one τ₋, which NEST has per neuron; short-term rules
    with and without facilitation.
    """
    shared = {"max_weight": max_weight, "tau_minus_ms": rng.uniform(10, 40)}
    mu = [(0.0, 0.0), (1.0, 1.0), (rng.uniform(0.02, 0.9), rng.uniform(0.02, 0.9))]
    timing = [
        SpikeTiming(
            **shared,
            learning_rate=rng.uniform(0.005, 0.1),
            alpha=rng.uniform(0.5, 1.5),
            mu_plus=plus,
            mu_minus=minus,
            tau_plus_ms=rng.uniform(10, 40),
        )
        for plus, minus in mu
    ]
    facilitating = ShortTerm(rng.uniform(0.1, 0.9), rng.uniform(20, 400), rng.uniform(20, 400))
    return (*timing, facilitating, ShortTerm(rng.uniform(0.1, 0.9), rng.uniform(20, 400)))


def random_stimulus(
    rng: np.random.Generator,
    *,
    n_trials: int,
    n_steps: int,
    dt_ms: float = 0.1,
    channels: int = 4,
    rate_Hz: float = 100.0,
    until_step: int | None = None,
    repeated: float = 0.0,
) -> Stimulus:
    """Independent Bernoulli spikes per step, trial and channel, a share `repeated` of them twice.

    None in the first two steps, which NEST does not allow, and none from `until_step` on.
    """
    dense = rng.random((n_steps, n_trials, channels)) < rate_Hz * dt_ms / 1000
    dense[:2] = False
    dense[n_steps if until_step is None else until_step :] = False
    if until_step is None and not repeated:
        return Stimulus.from_dense({"in": dense}, dt_ms=dt_ms)
    chosen = np.argwhere(dense)
    chosen = np.concatenate([chosen, chosen[rng.random(len(chosen)) < repeated]])
    step, trial, channel = rng.permutation(chosen).T
    return Stimulus(n_trials, n_steps * dt_ms, {"in": Spikes(step * dt_ms, trial, channel)})


def trains(
    *times_ms: list[float], duration_ms: float, trial: int = 0, n_trials: int = 1, port: str = "in"
) -> Stimulus:
    """Spikes of one port in one trial: a list of times for each channel."""
    channel = np.repeat(np.arange(len(times_ms)), [len(train) for train in times_ms])
    spikes = Spikes(np.concatenate(times_ms), np.full(len(channel), trial), channel)
    return Stimulus(n_trials, duration_ms, {port: spikes})


def with_currents(
    rng: np.random.Generator,
    circuit: Circuit,
    stimulus: Stimulus,
    *,
    bins: int,
    graded_bins: int = 0,
    spread: float = 1.0,
    still: int = 0,
) -> Stimulus:
    """The stimulus and Gaussian currents, a draw a bin, neuron and trial, whose spread is a share of the current that
    would just hold each neuron at threshold; on request also graded values. The first `still` bins stay 0.
    """
    rheobase_pA = circuit.threshold_mV * circuit.c_m_pF / circuit.tau_m_ms
    current_pA = spread * rheobase_pA * rng.normal(0.2, 1, (bins, stimulus.n_trials, circuit.n_neurons))
    current_pA[:still] = 0
    graded = {}
    if graded_bins:
        a = circuit.inputs["in"]
        most_pA = max(1e-9, a.weight_pA.max(initial=0))
        share = spread * rheobase_pA.mean() / most_pA
        graded["in"] = share * rng.random((graded_bins, stimulus.n_trials, a.channels))
    return replace(stimulus, current_pA=current_pA, graded=graded)


def part(
    stimulus: Stimulus, *, first_ms: float, duration_ms: float, trials: list[int] | None = None
) -> Stimulus:
    """The stimulus between two times, counted from the first, for the given trials in that order. Bins must lie
    within or without.
    """
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

    def bins(values: np.ndarray) -> np.ndarray:
        edges = np.array([first_ms, first_ms + duration_ms]) * len(values) / stimulus.duration_ms
        first, last = np.rint(edges).astype(int)
        assert np.allclose([first, last], edges)
        return values[first:last, trials]

    graded = {port: bins(values) for port, values in stimulus.graded.items()}
    current_pA = None if stimulus.current_pA is None else bins(stimulus.current_pA)
    return Stimulus(len(trials), duration_ms, pieces, graded, current_pA)


def events(spikes: Spikes, trial: int, dt_ms: float) -> list[tuple[int, int]]:
    """One trial's spikes as sorted (step, channel)."""
    chosen = spikes.trial == trial
    steps = np.rint(spikes.time_ms[chosen] / dt_ms).astype(int)
    return sorted(zip(steps.tolist(), spikes.channel[chosen].tolist(), strict=True))
