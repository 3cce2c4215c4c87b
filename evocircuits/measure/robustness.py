"""How much a circuit withstands: weights, delays, time constants and neurons as analogue hardware or tissue has them,
weights of few bits, other input spikes, a finer time step. Weight noise is in measure/noise.py.
"""

from copy import copy
from dataclasses import replace

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.measure.interventions import bounds_pA, silenced
from evocircuits.measure.table import from_excitatory, table_of, with_table
from evocircuits.simulator import Spikes, Stimulus
from evocircuits.tasks import Task

WEIGHT_NOISE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
WEIGHT_BITS = (8, 7, 6, 5, 4, 3, 2)
DELAY_JITTER = (0.05, 0.1, 0.2, 0.5)
NEURONS_LOST = (0.05, 0.1, 0.2)
MISMATCH = (0.01, 0.02, 0.05, 0.1, 0.2)
SPIKES_CHANGED = (0.05, 0.1, 0.2, 0.5)
SPIKES_JITTERED = (2, 5, 10, 20)
FINER = 0.5
"""Levels, from mild to severe; spikes are jittered by so many steps of the task."""
_TIME_CONSTANTS = ("tau_m_ms", "tau_syn_ex_ms", "tau_syn_in_ms")


def quantised(circuit: Circuit, bits: int) -> Circuit:
    """`circuit` with weights of so many bits: each the nearest of 2^bits values from 0 to the largest weight that its
    target has from sources of the same sign, as every neuron has a gain of its own; within the bounds of its rule.
    """
    table = table_of(circuit)
    receptor = 2 * table.target + from_excitatory(circuit, table)
    most_pA = np.zeros(2 * circuit.n_neurons)
    np.maximum.at(most_pA, receptor, table.weight_pA)
    share = table.weight_pA / np.where(most_pA > 0, most_pA, 1)[receptor]
    weight_pA = np.rint(share * (2**bits - 1)) / (2**bits - 1) * most_pA[receptor]
    weight_pA = np.minimum(weight_pA, bounds_pA(circuit)[table.rule])
    return with_table(circuit, table._replace(weight_pA=weight_pA))


def with_delay_jitter(circuit: Circuit, spread: float, dt_ms: float, rng: np.random.Generator) -> Circuit:
    """`circuit` with normal noise on every delay, whose standard deviation is `spread` times the mean delay; none gets
    shorter than a step.
    """
    table = table_of(circuit)
    sigma_ms = spread * table.delay_ms.mean() if len(table.delay_ms) else 0.0
    delay_ms = table.delay_ms + rng.normal(0, sigma_ms, len(table.delay_ms))
    return with_table(circuit, table._replace(delay_ms=np.maximum(delay_ms, dt_ms)))


def with_neurons_lost(circuit: Circuit, share: float, rng: np.random.Generator) -> Circuit:
    """`circuit` in which that share of the neurons, at least one, never spikes; which ones is drawn."""
    lost = max(1, round(share * circuit.n_neurons))
    return silenced(circuit, rng.choice(circuit.n_neurons, lost, replace=False))


def with_mismatch(circuit: Circuit, spread: float, rng: np.random.Generator) -> Circuit:
    """`circuit` with each time constant of membranes and receptors times exp(`spread` × a standard normal number)."""
    n = circuit.n_neurons
    factors = np.exp(spread * rng.standard_normal((len(_TIME_CONSTANTS), n)))
    changed = {name: getattr(circuit, name) * f for name, f in zip(_TIME_CONSTANTS, factors, strict=True)}
    return replace(circuit, **changed)


def with_spikes_added(stimulus: Stimulus, share: float, rng: np.random.Generator) -> Stimulus:
    """`stimulus` with more spikes, one for each that is there with probability `share`, in any trial, on any channel of
    its port that has spikes, at any time.
    """

    def noisy(spikes: Spikes) -> Spikes:
        n = rng.binomial(len(spikes.time_ms), share)
        time_ms = rng.uniform(0, stimulus.duration_ms, n)
        trial, channel = rng.integers(stimulus.n_trials, size=n), np.unique(spikes.channel)
        more = time_ms, trial, channel[rng.integers(max(1, len(channel)), size=n)]
        return Spikes(*map(np.append, (spikes.time_ms, spikes.trial, spikes.channel), more))

    return _changed(stimulus, noisy)


def with_spikes_deleted(stimulus: Stimulus, share: float, rng: np.random.Generator) -> Stimulus:
    """`stimulus` from which each spike is missing with that probability."""

    def thinned(spikes: Spikes) -> Spikes:
        kept = rng.random(len(spikes.time_ms)) >= share
        return Spikes(spikes.time_ms[kept], spikes.trial[kept], spikes.channel[kept])

    return _changed(stimulus, thinned)


def with_spikes_jittered(stimulus: Stimulus, sigma_ms: float, rng: np.random.Generator) -> Stimulus:
    """`stimulus` with normal noise on the time of each spike; what would come before the beginning comes at it."""

    def moved(spikes: Spikes) -> Spikes:
        time_ms = spikes.time_ms + rng.normal(0, sigma_ms, len(spikes.time_ms))
        return Spikes(np.maximum(time_ms, 0), spikes.trial, spikes.channel)

    return _changed(stimulus, moved)


def finer(task: Task) -> Task:
    """The task simulated at half its time step."""
    twin = copy(task)
    twin.dt_ms = task.dt_ms * FINER
    return twin


def _changed(stimulus: Stimulus, change) -> Stimulus:
    return replace(stimulus, spikes={port: change(spikes) for port, spikes in stimulus.spikes.items()})
