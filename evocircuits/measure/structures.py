"""Structures of few neurons that have a name of their own, and where a circuit has them.

Each is a path of two synapses a → b → c through an inhibitory neuron b, or a closed path through excitatory ones. Input
channels count as excitatory sources, parallel synapses once, and among the former no neuron comes twice but for c = a.
"""

from collections.abc import Sequence

import numpy as np

from evocircuits.certificate import Structure
from evocircuits.circuit import Circuit
from evocircuits.measure.ablation import recurrent
from evocircuits.measure.census import adjacency
from evocircuits.measure.interventions import cut

Path = tuple[int, ...]


def structures(circuit: Circuit, names: Sequence[str]) -> list[Structure]:
    """The structures that `circuit` has, whose neurons are called `names`:

    feed-forward inhibition (E → I → any that E excites, too), feedback inhibition (E → I → the same E), lateral
    inhibition (E → I → E that the first does not excite), disinhibition (I → I → E), mutual inhibition (I ⇄ I), and
    recurrent excitation, whose count is that of synapses on closed paths of excitatory neurons.
    """
    names = [*names, *_channel_names(circuit)]
    found = _paths(circuit) | {"recurrent excitation": _excitatory_loops(circuit)}
    return [
        Structure(name, len(paths), " → ".join(names[node] for node in min(paths)))
        for name, paths in found.items()
        if paths
    ]


def _paths(circuit: Circuit) -> dict[str, list[Path]]:
    onto = adjacency(circuit).astype(bool)
    excitatory = np.ones(len(onto), dtype=bool)
    excitatory[: circuit.n_neurons] = circuit.excitatory
    kinds = "feed-forward", "feedback", "lateral", "mutual"
    found: dict[str, list[Path]] = {f"{kind} inhibition": [] for kind in kinds} | {"disinhibition": []}
    for b in np.flatnonzero(~excitatory).tolist():
        for a in np.flatnonzero(onto[:, b]).tolist():
            for c in np.flatnonzero(onto[b]).tolist():
                if (name := _name(onto, excitatory, a, b, c)) is not None:
                    found[name].append((a, b, c))
    return found


def _name(onto: np.ndarray, excitatory: np.ndarray, a: int, b: int, c: int) -> str | None:
    """What a → b → c is, where b is inhibitory."""
    if not excitatory[a]:
        mutual, disinhibition = c == a and a < b, c != a and excitatory[c]
        return "mutual inhibition" if mutual else "disinhibition" if disinhibition else None
    if c == a:
        return "feedback inhibition"
    if onto[a, c]:
        return "feed-forward inhibition"
    return "lateral inhibition" if excitatory[c] else None


def _excitatory_loops(circuit: Circuit) -> list[Path]:
    among = circuit.excitatory[circuit.source] & circuit.excitatory[circuit.target]
    core = cut(circuit, np.flatnonzero(~among))
    on_loop = recurrent(core)
    return sorted(set(zip(core.source[on_loop].tolist(), core.target[on_loop].tolist(), strict=True)))


def _channel_names(circuit: Circuit) -> list[str]:
    return [
        port if a.channels == 1 else f"{port}[{k}]"
        for port, a in circuit.inputs.items()
        for k in range(a.channels)
    ]
