"""Motifs with one thing taken away: who connects to whom, which synapse is how late, or both but for the degrees.

The library of measures has such circuits for its certificates; here they are motifs, for layers, of their own.
"""

from dataclasses import replace

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.motif import Motif, Provenance

SWAPS = 20
"""Attempts at a swap for each synapse in `rewired_motif`."""


def _motif(motif: Motif, circuit: Circuit, origin: str) -> Motif:
    return Motif(motif.genome, circuit, motif.dt_ms, Provenance(origin=origin, parents=(motif.id,)))


def random_motif(motif: Motif, rng: np.random.Generator) -> Motif:
    """The same neurons, wired at random.

    Neurons with their constants and polarities, ports, and the number of synapses from E neurons, from I neurons and
    from each input port stay; sources and targets are drawn uniformly (distinct pairs where there are enough; no
    neuron onto itself unless the motif has such), and the motif's own weights and delays are permuted over them, those
    of E, I and afferent synapses each among themselves. A draw that only renumbers the motif's neurons is drawn again,
    in the end with repeated pairs; a motif too small to be wired otherwise comes back as it is.
    """
    for repeats in [False] * 10 + [True] * 10:
        circuit = _drawn(motif.circuit, rng, repeats)
        if circuit.shape != motif.circuit.shape:
            break
    return _motif(motif, circuit, "random topology")


def rewired_motif(motif: Motif, rng: np.random.Generator) -> Motif:
    """The same numbers of synapses into and out of every neuron and channel: targets swapped between like sources.

    `SWAPS` attempts per synapse exchange the targets of two from E neurons, from I neurons or from one port, each of
    which keeps its weight and delay; none makes a pair twice, or a neuron onto itself where the motif has no such
    (Maslov & Sneppen, Science 296 (2002)).
    """
    circuit = motif.circuit
    loops = bool((circuit.source == circuit.target).any())
    target = circuit.target.copy()
    for excitatory in (True, False):
        rows = np.flatnonzero(circuit.excitatory[circuit.source] == excitatory)
        target[rows] = _swapped(circuit.source[rows], target[rows], loops, rng)
    inputs = {
        name: replace(a, target=_swapped(a.channel, a.target, True, rng))
        for name, a in circuit.inputs.items()
    }
    return _motif(motif, replace(circuit, target=target, inputs=inputs), "rewired")


def delay_shuffled_motif(motif: Motif, rng: np.random.Generator) -> Motif:
    """The same connections and weights; delays permuted among the synapses of E neurons, of I neurons, of a port."""
    circuit = motif.circuit
    delay_ms = circuit.delay_ms.copy()
    for excitatory in (True, False):
        rows = np.flatnonzero(circuit.excitatory[circuit.source] == excitatory)
        delay_ms[rows] = rng.permutation(delay_ms[rows])
    inputs = {name: replace(a, delay_ms=rng.permutation(a.delay_ms)) for name, a in circuit.inputs.items()}
    return _motif(motif, replace(circuit, delay_ms=delay_ms, inputs=inputs), "delays shuffled")


def _swapped(source: np.ndarray, target: np.ndarray, loops: bool, rng: np.random.Generator) -> np.ndarray:
    target = target.copy()
    present = dict.fromkeys(zip(source.tolist(), target.tolist(), strict=True))
    for i, j in rng.integers(len(target), size=(SWAPS * len(target), 2)) if len(target) else ():
        new = (int(source[i]), int(target[j])), (int(source[j]), int(target[i]))
        itself = not loops and any(a == b for a, b in new)
        if itself or new[0] in present or new[1] in present or new[0] == new[1]:
            continue
        for row in (i, j):
            present.pop((int(source[row]), int(target[row])), None)
        present.update(dict.fromkeys(new))
        target[i], target[j] = target[j], target[i]
    return target


def _drawn(circuit: Circuit, rng: np.random.Generator, repeats: bool) -> Circuit:
    n = circuit.n_neurons
    source, target = circuit.source.copy(), circuit.target.copy()
    weight_pA, delay_ms = circuit.weight_pA.copy(), circuit.delay_ms.copy()
    to_self = bool((source == target).any())
    for excitatory in (True, False):
        chosen = np.flatnonzero(circuit.excitatory[source] == excitatory)
        sources = np.flatnonzero(circuit.excitatory == excitatory)
        source[chosen], target[chosen] = _pairs(sources, n, len(chosen), to_self, repeats, rng)
        weight_pA[chosen] = rng.permutation(weight_pA[chosen])
        delay_ms[chosen] = rng.permutation(delay_ms[chosen])
    inputs = {}
    for name, a in circuit.inputs.items():
        channel, onto = _pairs(np.arange(a.channels), n, len(a.target), True, repeats, rng)
        inputs[name] = Afferents(
            a.channels, channel, onto, rng.permutation(a.weight_pA), rng.permutation(a.delay_ms)
        )
    return replace(
        circuit, source=source, target=target, weight_pA=weight_pA, delay_ms=delay_ms, inputs=inputs
    )


def _pairs(
    sources: np.ndarray, n_targets: int, count: int, to_self: bool, repeats: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if count == 0:
        return np.zeros(0, int), np.zeros(0, int)
    source, target = (a.ravel() for a in np.meshgrid(sources, np.arange(n_targets), indexing="ij"))
    allowed = np.flatnonzero((source != target) | to_self)
    drawn = rng.choice(allowed, count, replace=repeats or count > len(allowed))
    return source[drawn], target[drawn]
