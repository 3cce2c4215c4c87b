"""Circuits without what a claim says they need: inhibition, recurrence, delays that differ, plasticity."""

from dataclasses import replace

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError


def ablated(circuit: Circuit, what: str) -> Circuit:
    """`circuit` without "inhibition" (the synapses of inhibitory neurons), without "recurrence" (those on a path that
    returns to its source), with one delay, the mean, in place of all "delays", or without "plasticity".

    Raises `InputError` for anything else.
    """
    if what not in ABLATIONS:
        raise InputError(f"ablation: expected one of {', '.join(ABLATIONS)}; got {what!r}")
    return ABLATIONS[what](circuit)


def _without_inhibition(circuit: Circuit) -> Circuit:
    return _without(circuit, ~circuit.excitatory[circuit.source])


def recurrent(circuit: Circuit) -> np.ndarray:
    """bool[S]: which synapses between neurons lie on a path that returns to their source."""
    reaches = np.eye(circuit.n_neurons, dtype=bool)
    reaches[circuit.source, circuit.target] = True
    while True:  # paths twice as long each time
        further = reaches @ reaches
        if np.array_equal(further, reaches):
            break
        reaches = further
    return reaches[circuit.target, circuit.source]


def _without_recurrence(circuit: Circuit) -> Circuit:
    return _without(circuit, recurrent(circuit))


def _without(circuit: Circuit, gone: np.ndarray) -> Circuit:
    columns = ("source", "target", "weight_pA", "delay_ms", "rule")
    return replace(circuit, **{name: getattr(circuit, name)[~gone] for name in columns})


def _with_equal_delays(circuit: Circuit) -> Circuit:
    delays_ms = [circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())]
    mean_ms = float(np.concatenate(delays_ms).mean()) if circuit.n_synapses else 1.0

    def equal(synapses: Circuit | Afferents):
        return np.full(len(synapses.delay_ms), mean_ms)

    inputs = {port: replace(a, delay_ms=equal(a)) for port, a in circuit.inputs.items()}
    return replace(circuit, delay_ms=equal(circuit), inputs=inputs)


ABLATIONS = {
    "inhibition": _without_inhibition,
    "recurrence": _without_recurrence,
    "delays": _with_equal_delays,
    "plasticity": Circuit.static,
}
