"""Circuits of the textbooks as motifs, each in one line: to compare evolved ones with, and to start without a library.

Strengths are peaks of post-synaptic potentials as shares of the threshold, times are those of cortex, in ms. All
excitatory cells have τ_m = 20 ms, all inhibitory ones 10 ms; synapses decay with 3 (excitatory) and 6 ms (inhibitory).
"""

from itertools import pairwise

from evocircuits.checks import checked_count, checked_not_negative
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene
from evocircuits.motif import Motif, Provenance

DT_ms = 1.0
CELLS, VETO, CHAIN = 1, 2, 100
"""Ids of the populations; those of a chain's links count from the third."""
ALL, ONE = Pattern("all_to_all"), Pattern("one_to_one")


def feedforward_inhibition(n: int = 4) -> Motif:
    """n relays, each reached by its input, and a step later by inhibition that all inputs drive.

    Only what arrives together passes (Pouille & Scanziani, Science 293 (2001)).
    """
    source, out = _port("in", n), Port("out", checked_count("feedforward_inhibition: n", n))
    projections = (
        _projection(11, source.id, CELLS, ONE, 2.0, 1.0),
        _projection(12, source.id, VETO, ALL, 1.2, 1.0),
        _projection(13, VETO, CELLS, ALL, 1.5, 1.0),
    )
    return _motif(
        "feedforward_inhibition", (source,), out, (_cells(CELLS, n, out), _interneurons(1)), projections
    )


def winner_take_all(n: int = 4) -> Motif:
    """n self-exciting cells that all drive one inhibitory cell, which inhibits all.

    The strongest input silences the others (Maass, Neural Comput. 12 (2000)).
    """
    source, out = _port("in", n), Port("out", checked_count("winner_take_all: n", n))
    projections = (
        _projection(11, source.id, CELLS, ONE, 0.6, 1.0),
        _projection(12, CELLS, CELLS, ONE, 0.4, 1.0),
        _projection(13, CELLS, VETO, ALL, 1.2, 1.0),
        _projection(14, VETO, CELLS, ALL, 1.0, 1.0),
    )
    return _motif("winner_take_all", (source,), out, (_cells(CELLS, n, out), _interneurons(1)), projections)


def ring(n: int = 16, reach: int = 2) -> Motif:
    """n cells in a row that excite their neighbours up to `reach` away, and inhibit all through one cell.

    Activity stays around its input and silences the rest (Amari, Biol. Cybern. 27 (1977)).
    """
    n = checked_count("ring: n", n, least=3)
    source, out = _port("in", n), Port("out", n)
    projections = (
        _projection(11, source.id, CELLS, ONE, 0.6, 1.0),
        _projection(12, CELLS, CELLS, Pattern("neighbours", float(reach)), 0.2, 1.0),
        _projection(13, CELLS, VETO, ALL, 0.8, 1.0),
        _projection(14, VETO, CELLS, ALL, 0.5, 1.0),
    )
    return _motif("ring", (source,), out, (_cells(CELLS, n, out), _interneurons(1)), projections)


def synfire_chain(links: int = 4, width: int = 4) -> Motif:
    """`links` groups of `width` cells, each group reaching all of the next (Abeles, Corticonics (1991))."""
    links, width = checked_count("synfire_chain: links", links), checked_count("synfire_chain: width", width)
    source, out = _port("in", width), Port("out", width)
    groups = [CELLS, *range(CHAIN, CHAIN + links - 1)]
    cells = tuple(_cells(group, width, out if group == groups[-1] else None) for group in groups)
    projections = [_projection(11, source.id, CELLS, ONE, 1.5, 1.0)]
    for i, (one, other) in enumerate(pairwise(groups)):
        projections.append(_projection(12 + i, one, other, ALL, 1.5 / width, 2.0))
    return _motif("synfire_chain", (source,), out, cells, tuple(projections))


def balanced(n: int = 16, p: float = 0.3, seed: int = 0) -> Motif:
    """n excitatory and n / 4 inhibitory cells wired at random with probability p, inhibition four times as strong.

    (Brunel, J. Comput. Neurosci. 8 (2000).) `seed` draws the wiring.
    """
    n = checked_count("balanced: n", n, least=4)
    source, out = _port("in", n), Port("out", n)
    pairs = ((CELLS, CELLS, 0.15), (CELLS, VETO, 0.15), (VETO, CELLS, 0.6), (VETO, VETO, 0.6))
    between = tuple(
        _projection(12 + i, a, b, Pattern("sparse", p, seed + i), strength, 1.0)
        for i, (a, b, strength) in enumerate(pairs)
    )
    projections = (_projection(11, source.id, CELLS, ONE, 0.8, 1.0), *between)
    return _motif("balanced", (source,), out, (_cells(CELLS, n, out), _interneurons(n // 4)), projections)


def push_pull(n: int = 4) -> Motif:
    """n cells, each with an interneuron of its own: port "push" excites the cells, port "pull" the interneurons.

    With the two fed by maps of their own, cells have inputs of either effective sign (Troyer, Krukowski, Priebe &
    Miller, J. Neurosci. 18 (1998)).
    """
    n = checked_count("push_pull: n", n)
    push, pull, out = Port("push", n), Port("pull", n), Port("out", n)
    projections = (
        _projection(11, push.id, CELLS, ONE, 0.6, 1.0),
        _projection(12, pull.id, VETO, ONE, 1.2, 1.0),
        _projection(13, VETO, CELLS, ONE, 0.8, 1.0),
    )
    return _motif("push_pull", (push, pull), out, (_cells(CELLS, n, out), _interneurons(n)), projections)


def delay_line(channels: int = 2, taps: int = 8, spacing_ms: float = 32.0) -> Motif:
    """A cell, and an interneuron that inhibits it, which hear each channel `taps` times, `spacing_ms` apart.

    What came one after another arrives together (Tank & Hopfield, Proc. Natl. Acad. Sci. USA 84 (1987)); between taps,
    the cells' own memory fades. Port "push" leads to the cell, port "pull" to the interneuron.
    """
    channels, taps = checked_count("delay_line: channels", channels), checked_count("delay_line: taps", taps)
    push, pull, out = Port("push", channels), Port("pull", channels), Port("out", 1)
    delays_ms = [
        DT_ms + tap * checked_not_negative("delay_line: spacing_ms", spacing_ms) for tap in range(taps)
    ]
    onto = [(push, CELLS, 0.6), (pull, VETO, 1.2)]
    projections = [
        _projection(CHAIN + taps * side + tap, source.id, target, ALL, strength / channels, delay_ms)
        for side, (source, target, strength) in enumerate(onto)
        for tap, delay_ms in enumerate(delays_ms)
    ]
    projections.append(_projection(11, VETO, CELLS, ALL, 0.8, 1.0))
    return _motif(
        "delay_line", (push, pull), out, (_cells(CELLS, 1, out), _interneurons(1)), tuple(projections)
    )


TEXTBOOK = {
    one.__name__: one
    for one in (feedforward_inhibition, winner_take_all, ring, synfire_chain, balanced, push_pull, delay_line)
}
"""The constructors by name."""


def _port(name: str, n: int) -> Port:
    return Port(name, checked_count(f"textbook: port {name}", n))


def _cells(id: int, n: int, port: Port | None) -> PopulationGene:
    return PopulationGene(id, True, n, 20.0, 15.0, 2.0, 3.0, 6.0, port=port.name if port else None)


def _interneurons(n: int) -> PopulationGene:
    return PopulationGene(VETO, False, n, 10.0, 15.0, 1.0, 3.0, 6.0)


def _projection(
    id: int, source: int, target: int, pattern: Pattern, strength: float, delay_ms: float
) -> ProjectionGene:
    return ProjectionGene(id, source, target, pattern, strength, delay_ms)


def _motif(name: str, inputs: tuple[Port, ...], out: Port, cells: tuple, projections: tuple) -> Motif:
    genome = Genome(inputs, (out,), cells, projections)
    return Motif(genome, develop(genome, dt_ms=DT_ms), DT_ms, Provenance(origin=f"textbook: {name}"))
