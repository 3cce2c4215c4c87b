"""How many spikes of two runs coincide, and how many do in float32 and float64 by regime of activity."""

from collections.abc import Iterable

import numpy as np

from evocircuits.circuit import MODELS, Circuit
from evocircuits.simulator import Record, Recording, Stimulus, simulate
from tests.simulator.circuits import random_circuit, random_stimulus

DT_MS, N_STEPS, N_TRIALS = 0.1, 2500, 16
SETTLED = ("feed-forward", "weakly coupled", "sparse")
"""Regimes in which one spike that falls a step later does not go on to move others: no chaos."""
REGIMES = {  # strength, input strength and bias as shares of threshold, density, input rate in Hz
    "feed-forward": (0.0, 0.5, 0.3, 0.3, 120),
    "weakly coupled": (0.01, 0.5, 0.3, 0.3, 120),
    "sparse": (0.02, 0.15, 0.3, 0.3, 20),  # a spike a neuron every second or so
    "driven": (0.4, 0.4, 0.3, 0.5, 120),
    "biased": (0.1, 0.1, 1.3, 0.5, 40),
    "saturated": (1.5, 1.5, 1.5, 0.5, 200),
}
SPARSE_TIMES = 30
"""So many times as many sparse circuits as others: a share of few spikes says little."""


def coincidence(pairs: list[tuple[Recording, Recording]], *, within_steps: int = 0) -> float:
    """The share of spikes with a partner in the other recording of their pair: same trial, same neuron, and the same
    step, or one at most `within_steps` away. A spike has one partner at most.

    Of the two shares, those of the ones' and of the others' spikes, all pairs of recordings taken together, this is the
    harmonic mean: 2 × partners / all spikes. Raises `ValueError` where there are none.
    """
    matched = spikes = 0
    for one, other in pairs:
        a, b = _trains(one), _trains(other)
        matched += sum(_partners(train, b[key], within_steps) for key, train in a.items() if key in b)
        spikes += sum(map(len, a.values())) + sum(map(len, b.values()))
    if not spikes:
        raise ValueError("coincidence: expected spikes; all recordings are silent")
    return 2 * matched / spikes


def by_regime(
    seed: int = 0,
    *,
    regimes: Iterable[str] = tuple(REGIMES),
    circuits: int = 40,
    model: str = MODELS[0],
    within_steps: int = 0,
) -> dict[str, float]:
    """Of each regime the coincidence of float64 and float32 over so many random circuits, sparse ones
    `SPARSE_TIMES` as many.
    """
    rng = np.random.default_rng(seed)
    shares = {}
    for regime in regimes:
        number = circuits * (SPARSE_TIMES if regime == "sparse" else 1)
        drawn = [draw_case(rng, regime, model) for _ in range(number)]
        shares[regime] = coincidence([in_both(*case) for case in drawn], within_steps=within_steps)
    return shares


def draw_case(rng: np.random.Generator, regime: str, model: str) -> tuple[Circuit, Stimulus]:
    """One circuit of the regime and a batch of trials."""
    strength, input_strength, bias, density, rate_Hz = REGIMES[regime]
    circuit = random_circuit(
        rng,
        n=20,
        density=density,
        channels=10,
        strength=strength,
        input_strength=input_strength,
        bias=bias,
        model=model,
    )
    stimulus = random_stimulus(rng, n_trials=N_TRIALS, n_steps=N_STEPS, channels=10, rate_Hz=rate_Hz)
    return circuit, stimulus


def in_both(circuit: Circuit, stimulus: Stimulus) -> tuple[Recording, Recording]:
    """Its recordings in float64 and in float32."""
    record = Record(spikes=True)
    double, single = (
        simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=d) for d in (np.float64, np.float32)
    )
    return double, single


def _trains(recording: Recording) -> dict[tuple[int, int], list[int]]:
    """Trial and neuron → the steps of its spikes, in order."""
    spikes, trains = recording.spikes, {}
    steps = np.rint(spikes.time_ms / recording.dt_ms).astype(int)
    for step, trial, neuron in zip(
        steps.tolist(), spikes.trial.tolist(), spikes.channel.tolist(), strict=True
    ):
        trains.setdefault((trial, neuron), []).append(step)
    return trains


def _partners(one: list[int], other: list[int], within_steps: int) -> int:
    """The most pairs that two ordered trains can form: each spike takes the earliest partner that is left."""
    i = j = pairs = 0
    while i < len(one) and j < len(other):
        apart = one[i] - other[j]
        if abs(apart) <= within_steps:
            i, j, pairs = i + 1, j + 1, pairs + 1
        elif apart < 0:
            i += 1
        else:
            j += 1
    return pairs
