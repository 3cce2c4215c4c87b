"""What kind of circuit it is, in numbers: the axes along which an archive spreads circuits.

The census counts small signed subgraphs in the manner of Milo et al. (Science 298, 824–827, 2002): their feed-forward
loop, chain and mutual dyad, told apart by the polarities that Dale's law gives to the sources.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.measure.ablation import recurrent
from evocircuits.measure.fitness import Evaluation
from evocircuits.tasks import Task

INHIBITORY_MOTIFS = (
    "feed_forward_inhibition",
    "feedback_inhibition",
    "lateral_inhibition",
    "mutual_inhibition",
    "disinhibition",
)
EXCITATORY_MOTIFS = ("feed_forward_excitation", "mutual_excitation", "excitatory_chain")


@dataclass(frozen=True)
class Descriptor:
    """One axis: `measure(circuit, evaluation, task)` gives a finite number; `label` names it with its unit.

    The range from `low` to `high` is cut into `bins` of equal width, on a logarithmic scale where `log`; what lies
    outside counts to the nearest.
    """

    label: str
    measure: Callable[[Circuit, Evaluation, Task], float]
    low: float
    high: float
    bins: int
    log: bool = False

    def position(self, value: float) -> float:
        """Where `value` lies in the range: 0 at `low` and below, 1 at `high` and above."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def edges(self) -> np.ndarray:
        """float[bins + 1]: where the bins begin and end."""
        spaced = np.geomspace if self.log else np.linspace
        return spaced(self.low, self.high, self.bins + 1)


def describe(names: Sequence[str], circuit: Circuit, evaluation: Evaluation, task: Task) -> tuple[float, ...]:
    """The values of the descriptors of those names, finite. Raises `InputError` for a name that is unknown."""
    return tuple(float(d.measure(circuit, evaluation, task)) for d in named(names))


def named(names: Sequence[str]) -> tuple[Descriptor, ...]:
    """The descriptors of those names. Raises `InputError` for a name that is unknown or comes twice, and for none."""
    known = ", ".join(DESCRIPTORS)
    if unknown := [name for name in names if name not in DESCRIPTORS]:
        raise InputError(f"descriptors: expected names among {known}; got {unknown[0]!r}")
    if not names or len(set(names)) < len(names):
        raise InputError(f"descriptors: expected one or more distinct names among {known}; got {list(names)}")
    return tuple(DESCRIPTORS[name] for name in names)


def triad_census(circuit: Circuit) -> dict[str, int]:
    """How often each motif occurs among a circuit's neurons and input channels, the latter as excitatory sources.

    Every motif is a path of two synapses a → b → c through a neuron b, told apart by the polarities of a and b and by
    what closes it: a synapse a → c, or that c is a. From an excitatory source a through an excitatory b
    these are `feed_forward_excitation` (with a → c), `mutual_excitation` (c is a) and `excitatory_chain` (neither);
    through an inhibitory b `feed_forward_inhibition` (with a → c), `feedback_inhibition` (c is a) and
    `lateral_inhibition` (neither). Between inhibitory a and b it is `mutual_inhibition` (c is a) or `disinhibition`.
    Parallel synapses count once, autapses not at all, and mutual pairs once. Three neurons may hold several motifs,
    other than in the census of Milo et al. (2002), which sorts every three into one of 13 classes.
    """
    n = circuit.n_neurons
    onto = _adjacency(circuit)
    excitatory = np.ones(len(onto), dtype=bool)
    excitatory[:n] = circuit.excitatory
    counts = {}
    of_excitation = onto[excitatory]
    for middle, (forward, back, neither) in (
        (circuit.excitatory, ("feed_forward_excitation", "mutual_excitation", "excitatory_chain")),
        (~circuit.excitatory, ("feed_forward_inhibition", "feedback_inhibition", "lateral_inhibition")),
    ):
        paths = onto[:, :n][:, middle] @ onto[:n][middle]
        returning = paths.diagonal()
        counts[forward] = (paths[excitatory] * of_excitation).sum()
        counts[back] = returning[circuit.excitatory].sum()
        counts[neither] = paths[excitatory].sum() - counts[forward] - counts[back]
    inhibiting = returning[~circuit.excitatory].sum()
    counts["mutual_inhibition"] = inhibiting / 2
    counts["mutual_excitation"] /= 2
    counts["disinhibition"] = paths[~excitatory].sum() - inhibiting
    return {name: int(counts[name]) for name in (*EXCITATORY_MOTIFS, *INHIBITORY_MOTIFS)}


def _adjacency(circuit: Circuit) -> np.ndarray:
    """float[neurons + channels, neurons]: 1 where a synapse leads from one to another."""
    first = circuit.n_neurons
    onto = np.zeros((first + sum(a.channels for a in circuit.inputs.values()), first))
    onto[circuit.source, circuit.target] = 1
    np.fill_diagonal(onto, 0)
    for afferents in circuit.inputs.values():
        onto[first + afferents.channel, afferents.target] = 1
        first += afferents.channels
    return onto


def _inhibitory_motifs(circuit: Circuit, evaluation: Evaluation, task: Task) -> float:
    counts = triad_census(circuit)
    return _share(sum(counts[name] for name in INHIBITORY_MOTIFS), sum(counts.values()))


def _mean_delay(circuit: Circuit, evaluation: Evaluation, task: Task) -> float:
    """Where the mean delay lies between the task's shortest, 0, and longest, 1, on a logarithmic scale."""
    delays_ms = np.concatenate([circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())])
    low_ms, high_ms = max(task.ranges.delay_ms[0], task.dt_ms), task.ranges.delay_ms[1]
    if len(delays_ms) == 0 or high_ms <= low_ms:
        return 0.0
    return math.log(delays_ms.mean() / low_ms) / math.log(high_ms / low_ms)


def _recurrence(circuit: Circuit, evaluation: Evaluation, task: Task) -> float:
    return _share(int(recurrent(circuit).sum()), len(circuit.source))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


DESCRIPTORS = {
    "excitatory_share": Descriptor(
        "excitatory share of neurons",
        lambda circuit, evaluation, task: _share(int(circuit.excitatory.sum()), circuit.n_neurons),
        *(0.0, 1.0, 10),
    ),
    "neurons": Descriptor(
        "neurons", lambda circuit, evaluation, task: circuit.n_neurons, 2, 64, 10, log=True
    ),
    "synapses": Descriptor(
        "synapses", lambda circuit, evaluation, task: circuit.n_synapses, 4, 512, 14, log=True
    ),
    "mean_delay": Descriptor("mean delay (shortest 0, longest 1, logarithmic)", _mean_delay, 0.0, 1.0, 10),
    "spikes": Descriptor(
        "spikes per trial", lambda circuit, evaluation, task: evaluation.spikes, 1, 10_000, 12, log=True
    ),
    "recurrence": Descriptor("recurrent share of synapses between neurons", _recurrence, 0.0, 1.0, 10),
    "census": Descriptor("inhibitory share of motifs", _inhibitory_motifs, 0.0, 1.0, 10),
}
"""By name. Bins of neurons and synapses are half octaves from 2 and 4 on, so that each holds a whole number."""
