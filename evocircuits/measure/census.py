"""The three-node census: how often each class of three connected neurons occurs, told apart by wiring and polarity.

Without polarities these are the triads of Holland & Leinhardt (Am. J. Sociol. 76 (1970)), of which networks have some
more often than rewired ones do (Milo et al., Science 298 (2002)); with neurons of two polarities there are 104 classes.
Input channels count as excitatory neurons. Parallel synapses count once, and those that end where they begin not at
all.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np

from evocircuits.certificate import CensusRow
from evocircuits.circuit import Circuit
from evocircuits.measure.kernels import count_triads
from evocircuits.measure.table import senders, table_of

MOST_NODES = 400
"""Neurons and channels: ten million groups of three, in each of the rewired circuits too."""
_EDGES = ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1))
"""The bits of a code from the lowest on (kernels.count_triads); three more say which nodes are inhibitory."""


def census(circuit: Circuit, rewirings: Sequence[Circuit]) -> list[CensusRow]:
    """The classes of three connected nodes that occur in `circuit` or in any of its `rewirings`, at least two."""
    names, triads = class_names()
    own = counts_by_class(circuit)
    drawn = np.array([counts_by_class(other) for other in rewirings])
    rows = []
    for k in np.flatnonzero(_connected() & ((own > 0) | drawn.any(axis=0))).tolist():
        mean, sd = float(drawn[:, k].mean()), float(drawn[:, k].std(ddof=1))
        z = (int(own[k]) - mean) / sd if sd > 0 else None
        rows.append(CensusRow(names[k], triads[k], int(own[k]), mean, sd, z))
    return rows


def counts_by_class(circuit: Circuit) -> np.ndarray:
    """int[104]: how many groups of three nodes are of each class, in the order of `class_names`."""
    onto = adjacency(circuit)
    inhibitory = np.zeros(len(onto), int)
    inhibitory[: circuit.n_neurons] = ~circuit.excitatory
    return np.bincount(_class_of(), count_triads(onto, inhibitory)).astype(int)


def adjacency(circuit: Circuit) -> np.ndarray:
    """int[N + C, N + C]: 1 where a synapse leads from one node to another; neurons, then channels of all ports."""
    n = circuit.n_neurons + sum(a.channels for a in circuit.inputs.values())
    table = table_of(circuit)
    onto = np.zeros((n, n), int)
    onto[senders(circuit, table), table.target] = 1
    np.fill_diagonal(onto, 0)
    return onto


@lru_cache
def class_names() -> tuple[list[str], list[str]]:
    """Of each class: its synapses in words, and the name of its triad without polarities."""
    return [_words(code) for code in _canonical()], [_triad(code) for code in _canonical()]


@lru_cache
def _canonical() -> list[int]:
    """The codes that stand for classes, in order: of all orders of the three nodes the one with the lowest code."""
    return sorted({_lowest(code) for code in range(512)})


@lru_cache
def _class_of() -> np.ndarray:
    """int[512]: the class of each code."""
    place = {code: k for k, code in enumerate(_canonical())}
    return np.array([place[_lowest(code)] for code in range(512)])


@lru_cache
def _connected() -> np.ndarray:
    """bool[104]: whether all three nodes of a class hang together."""
    pairs = [{frozenset(edge) for edge in _edges(code)} for code in _canonical()]
    return np.array([len(found) >= 2 for found in pairs])


def _edges(code: int) -> list[tuple[int, int]]:
    return [edge for bit, edge in enumerate(_EDGES) if code >> bit & 1]


def _inhibitory(code: int) -> list[bool]:
    return [bool(code >> 6 + node & 1) for node in range(3)]


def _lowest(code: int) -> int:
    return min(_renumbered(code, order) for order in permutations(range(3)))


def _renumbered(code: int, order: tuple[int, ...]) -> int:
    edges = sum(1 << _EDGES.index((order[a], order[b])) for a, b in _edges(code))
    return edges + sum(1 << 6 + order[node] for node in range(3) if _inhibitory(code)[node])


def _words(code: int) -> str:
    """The synapses, as E1→I1, I1→E2; a node without any by itself."""
    names, count = [], {False: 0, True: 0}
    for inhibitory in _inhibitory(code):
        count[inhibitory] += 1
        names.append(f"{'I' if inhibitory else 'E'}{count[inhibitory]}")
    edges = _edges(code)
    alone = [names[node] for node in range(3) if all(node not in edge for edge in edges)]
    return ", ".join([*(f"{names[a]}→{names[b]}" for a, b in edges), *alone])


def _triad(code: int) -> str:
    """Numbers of mutual, asymmetric and null pairs, and where these do not tell: down, up, cyclic or transitive."""
    edges = set(_edges(code))
    both = [sum((a, b) in edges for a, b in ((i, j), (j, i))) for i, j in combinations(range(3), 2)]
    name = f"{both.count(2)}{both.count(1)}{both.count(0)}"
    single = [(a, b) for a, b in edges if (b, a) not in edges]
    sends = [sum(a == node for a, _ in single) for node in range(3)]
    gets = [sum(b == node for _, b in single) for node in range(3)]
    if name in ("021", "120"):
        return name + ("D" if 2 in sends else "U" if 2 in gets else "C")
    if name == "111":
        [(a, _)] = single
        mutual = any({(a, node), (node, a)} <= edges for node in range(3))
        return name + ("U" if mutual else "D")
    return name + (("C" if max(sends) == 1 else "T") if name == "030" else "")
