"""Where a circuit's channels and neurons sit in a picture: inputs left, outputs right, hidden layers between.

Like neurons stand together as a bank, index 0 on top. A hidden neuron's column is its distance from the inputs, at
most 3; groups within a column are ordered by the mean height of what they connect to (Sugiyama's sweeps).
"""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.genome import Genome
from evocircuits.plasticity import kind_of

BANK_GAP = 1.6
"""Space between two groups of a column, in rows."""
SWEEPS = 6
HIDDEN_COLUMNS = 3


@dataclass(frozen=True)
class Group:
    """Neighbours in a picture: an input port (`port` names it) or the neurons `first`…`first + size − 1`."""

    first: int
    size: int
    port: str | None
    output: bool


@dataclass(frozen=True, eq=False)
class Layout:
    """Positions in inches: `neurons` float[N, 2], `channels` port → float[C, 2]; `column` int[N], inputs being 0.

    `pitch` is the distance between two rows, `width` and `height` the extent.
    """

    neurons: np.ndarray
    channels: dict[str, np.ndarray]
    column: np.ndarray
    groups: list[Group]
    pitch: float
    width: float
    height: float

    def places(self, group: Group) -> np.ndarray:
        """float[size, 2]: where a group's members sit."""
        if group.port is not None:
            return self.channels[group.port]
        return self.neurons[group.first : group.first + group.size]


def lay_out(circuit: Circuit, genome: Genome | None = None) -> Layout:
    """Lay out a circuit. A genome tells which neurons form a population, else neurons of equal constants do."""
    groups = [Group(0, a.channels, name, False) for name, a in circuit.inputs.items()]
    groups += _banks(circuit, genome)
    links = _links(circuit, groups)
    columns = _columns(groups, links)
    ordered = [[i for i in range(len(groups)) if columns[i] == c] for c in range(max(columns, default=0) + 1)]
    rows = max((_rows([groups[i].size for i in column]) for column in ordered if column), default=0.0)
    pitch = float(np.interp(rows, [4, 12, 40, 80], [0.8, 0.42, 0.2, 0.14]))
    height = rows * pitch
    gap = max(2.0, 0.34 * height, 6.5 / len(ordered))
    centre = np.zeros(len(groups))
    for sweep in range(SWEEPS):
        for column in ordered if sweep % 2 == 0 else ordered[::-1]:
            _place(column, groups, centre)
            if sweep and not any(groups[i].port is not None or groups[i].output for i in column):
                column.sort(key=lambda i: -_pull(i, links, centre))
                _place(column, groups, centre)

    neurons, column_of = np.zeros((circuit.n_neurons, 2)), np.zeros(circuit.n_neurons, int)
    channels = {}
    for c, column in enumerate(ordered):
        singles = sum(groups[i].size == 1 for i in column)
        for k, i in enumerate(column):
            group = groups[i]
            # Single neurons of a column stand in a zigzag, or lines between them would run on top of each other.
            aside = 0.13 * gap * (-1) ** k if singles > 2 and 0 < c < len(ordered) - 1 else 0.0
            y = (centre[i] + (group.size - 1) / 2 - np.arange(group.size)) * pitch
            xy = np.stack([np.full(group.size, c * gap + aside), y], axis=1)
            if group.port is not None:
                channels[group.port] = xy
            else:
                neurons[group.first : group.first + group.size] = xy
                column_of[group.first : group.first + group.size] = c
    return Layout(neurons, channels, column_of, groups, pitch, (len(ordered) - 1) * gap, height)


def bank_names(circuit: Circuit, layout: Layout) -> list[tuple[Group, str]]:
    """Each group of neurons with its name, E1, E2, …, I1, … in the order of the circuit, as `evocircuits show` lists
    populations.
    """
    counts, named = {True: 0, False: 0}, []
    for group in sorted((g for g in layout.groups if g.port is None), key=lambda g: g.first):
        excitatory = bool(circuit.excitatory[group.first])
        counts[excitatory] += 1
        named.append((group, f"{'E' if excitatory else 'I'}{counts[excitatory]}"))
    return named


@dataclass(frozen=True, eq=False)
class Line:
    """A synapse in a picture: from `start` to `end` (inches), `bend` the offset of its control point / length.

    `strength` is the peak of its post-synaptic potential relative to the target's threshold, `rule` the kind of its
    plasticity (`plasticity.RULES`), None when it is static.
    """

    start: np.ndarray
    end: np.ndarray
    bend: float
    within_column: bool
    excitatory: bool
    strength: float
    delay_ms: float
    rule: str | None = None


def lines(circuit: Circuit, layout: Layout) -> list[Line]:
    """Every synapse as a line; several between the same two neurons run side by side."""
    kinds = [*map(kind_of, circuit.plasticity), None]  # rule −1 is the last one
    ends = []  # (source, target, start, source's column, excitatory, weight, delay, rule)
    for name, a in circuit.inputs.items():
        for channel, target, *rest in _rows_of(a.channel, a.target, a.weight_pA, a.delay_ms, a.rule):
            ends.append(((name, channel), target, layout.channels[name][channel], 0, True, *rest))
    columns = (circuit.source, circuit.target, circuit.weight_pA, circuit.delay_ms, circuit.rule)
    for source, target, *rest in _rows_of(*columns):
        start, column, e = layout.neurons[source], layout.column[source], bool(circuit.excitatory[source])
        ends.append((source, target, start, column, e, *rest))
    between = Counter(frozenset(row[:2]) for row in ends)
    seen: Counter = Counter()
    drawn = []
    for source, target, start, column, excitatory, weight, delay, rule in ends:
        pair = frozenset((source, target))
        side = seen[pair] - (between[pair] - 1) / 2
        seen[pair] += 1
        # A bend is to the left of its direction of travel: lines that run the other way mirror it.
        side = side if str(source) <= str(target) else -side
        end, columns = layout.neurons[target], int(layout.column[target] - column)
        bend = _bend(start, end, columns) + 0.17 * (abs(side) if columns == 0 else side)
        strength = _strength(circuit, target, weight, excitatory)
        drawn.append(Line(start, end, bend, columns == 0, excitatory, strength, delay, kinds[rule]))
    return drawn


def _rows_of(*columns: np.ndarray):
    return zip(*(column.tolist() for column in columns), strict=True)


def _strength(circuit: Circuit, target: int, weight_pA: float, excitatory: bool) -> float:
    tau_syn = circuit.tau_syn_ex_ms if excitatory else circuit.tau_syn_in_ms
    if circuit.model == "iaf_psc_delta":
        peak = 1.0 / circuit.c_m_pF[target]  # of the charge 1 pA × 1 ms
    else:
        peak = peak_psp_mV_per_pA(circuit.tau_m_ms[target], tau_syn[target], circuit.c_m_pF[target])
    return float(weight_pA * peak / abs(circuit.threshold_mV[target] or 1.0))


def _bend(start: np.ndarray, end: np.ndarray, columns: int) -> float:
    length = max(0.05, float(np.hypot(*(end - start))))
    if columns == 0:  # bows of at least 0.11 and at most 0.45 inches
        return float(np.clip(0.38, 0.22 / length, 0.9 / length))
    if columns < 0:
        return 0.22
    if columns > 1:  # around what stands between
        return -0.12 if start[1] + end[1] >= 0 else 0.12
    return 0.0


def _banks(circuit: Circuit, genome: Genome | None) -> list[Group]:
    served = np.full(circuit.n_neurons, "", object)
    for name, neurons in circuit.outputs.items():
        served[neurons] = name
    if genome is not None and sum(p.size for p in genome.populations) == circuit.n_neurons:
        kind = np.repeat(np.arange(len(genome.populations)), [p.size for p in genome.populations]).tolist()
    else:
        constants = (
            circuit.excitatory,
            circuit.tau_m_ms,
            circuit.threshold_mV,
            circuit.t_ref_ms,
            circuit.bias_pA,
        )
        kind = list(zip(*(c.tolist() for c in constants), strict=True))
    banks = []
    for (_, name), members in groupby(range(circuit.n_neurons), key=lambda n: (kind[n], served[n])):
        members = list(members)
        banks.append(Group(members[0], len(members), None, name != ""))
    return banks


def _links(circuit: Circuit, groups: list[Group]) -> np.ndarray:
    """float[G, G]: synapses from group to group."""
    group_of = np.zeros(circuit.n_neurons, int)
    links = np.zeros((len(groups), len(groups)))
    for i, group in enumerate(groups):
        if group.port is None:
            group_of[group.first : group.first + group.size] = i
    for i, group in enumerate(groups):
        if group.port is not None:
            np.add.at(links[i], group_of[circuit.inputs[group.port].target], 1)
    np.add.at(links, (group_of[circuit.source], group_of[circuit.target]), 1)
    return links


def _columns(groups: list[Group], links: np.ndarray) -> list[int]:
    distance = np.where([g.port is not None for g in groups], 0, len(groups) + 1)
    for _ in groups:
        through = np.where(links > 0, distance[:, None] + 1, len(groups) + 1).min(axis=0)
        distance = np.minimum(distance, through)
    distance = np.where(distance > 0, np.minimum(distance, HIDDEN_COLUMNS), 0)
    hidden = sorted(
        {d for d, g in zip(distance.tolist(), groups, strict=True) if g.port is None and not g.output}
    )
    rank = {d: r + 1 for r, d in enumerate(hidden)}
    last = len(hidden) + 1
    return [
        0 if g.port is not None else last if g.output else rank[d]
        for g, d in zip(groups, distance.tolist(), strict=True)
    ]


def _rows(sizes: list[int]) -> float:
    gaps = sum(BANK_GAP if a > 1 or b > 1 else 0.5 for a, b in pairwise(sizes))
    return sum(sizes) + gaps


def _place(column: list[int], groups: list[Group], centre: np.ndarray) -> None:
    sizes = [groups[i].size for i in column]
    top = _rows(sizes) / 2
    for k, i in enumerate(column):
        centre[i] = top - _rows(sizes[: k + 1]) + sizes[k] / 2


def _pull(i: int, links: np.ndarray, centre: np.ndarray) -> float:
    weight = links[i] + links[:, i]
    weight[i] = 0
    return float(weight @ centre / weight.sum()) if weight.sum() else 0.0
