"""Which neurons and synapses of a circuit are of which gene, with names for people: E1, I2, left → E1."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import count_wires, develop
from evocircuits.genome import Genome


@dataclass(frozen=True, eq=False)
class Part:
    """A population's neurons, int[K], or a projection's synapses, int[K] rows of the circuit's table (table.py).

    `frozen`: given by the task.
    """

    name: str
    members: np.ndarray
    frozen: bool = False


@dataclass(frozen=True, eq=False)
class Parts:
    """The populations of a circuit and the projections that wire them.

    `told`: by its genome; else every neuron is a population, and which synapses belong together is unknown.
    """

    populations: tuple[Part, ...]
    projections: tuple[Part, ...]
    told: bool

    def names(self) -> list[str]:
        """Of the neurons, in their order: E1, or with others in the population E1[0], E1[1], …"""
        named = {}
        for p in self.populations:
            for k, neuron in enumerate(p.members.tolist()):
                named[neuron] = p.name if len(p.members) == 1 else f"{p.name}[{k}]"
        return [named[neuron] for neuron in range(len(named))]


def parts_of(circuit: Circuit, genome: Genome | None) -> Parts:
    """The parts of a circuit that was developed from `genome`, whatever its weights, delays and constants are now.

    Where the neurons' polarities or the wiring are others than the genome's, or there is none, it does not tell.
    """
    if genome is None or not _same_wiring(circuit, develop(genome, dt_ms=1.0)):
        names = _population_names(circuit.excitatory.tolist())
        return Parts(tuple(Part(name, np.array([k])) for k, name in enumerate(names)), (), told=False)
    names = _population_names([p.excitatory for p in genome.populations])
    ends = np.cumsum([p.size for p in genome.populations]).tolist()
    populations = tuple(
        Part(name, np.arange(end - p.size, end), p.frozen)
        for name, end, p in zip(names, ends, genome.populations, strict=True)
    )
    return Parts(populations, _projections(circuit, genome, names), told=True)


def _same_wiring(one: Circuit, other: Circuit) -> bool:
    if set(one.inputs) != set(other.inputs) or set(one.outputs) != set(other.outputs):
        return False
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("excitatory", "source", "target")]
    pairs += [(one.outputs[port], other.outputs[port]) for port in one.outputs]
    for port, a in one.inputs.items():
        pairs += [(a.channel, other.inputs[port].channel), (a.target, other.inputs[port].target)]
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)


def _population_names(polarities: list[bool]) -> list[str]:
    counts: Counter = Counter()
    names = []
    for excitatory in polarities:
        kind = "E" if excitatory else "I"
        counts[kind] += 1
        names.append(f"{kind}{counts[kind]}")
    return names


def _projections(circuit: Circuit, genome: Genome, names: list[str]) -> tuple[Part, ...]:
    """In the genome's order; development puts each one's synapses together, ports after neurons."""
    name_of = {gene.id: name for gene, name in zip(genome.populations, names, strict=True)}
    name_of |= {port.id: port.name for port in genome.inputs}
    sizes, begin, at = genome.sizes, {}, len(circuit.source)
    ids = {port.name: port.id for port in genome.inputs}
    for name, a in circuit.inputs.items():  # which may stand in another order than the genome's ports
        begin[ids[name]] = at
        at += len(a.target)
    between, seen, parts = 0, Counter(), []
    for j in genome.projections:
        n = count_wires(j.pattern, sizes[j.source], sizes[j.target])
        first = begin.get(j.source, between)
        if j.source in begin:
            begin[j.source] += n
        else:
            between += n
        name = f"{name_of[j.source]} → {name_of[j.target]}"
        seen[name] += 1
        again = f" #{seen[name]}" if seen[name] > 1 else ""
        parts.append(Part(name + again, np.arange(first, first + n), j.frozen))
    return tuple(parts)
