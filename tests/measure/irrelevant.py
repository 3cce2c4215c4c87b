"""Circuits in which nothing matters, though everything changes what they answer: how often does a certificate say that
something does? `python -m tests.measure.irrelevant 200` counts.

They are asked to guess a coin (coin.py): whatever is done to them, each answer is right or wrong with equal chances.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evocircuits.certificate import Certificate
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import certify
from evocircuits.motif import Motif
from evocircuits.tasks import get_task
from tests.measure.planted import motif_of

COIN = f"{Path(__file__).with_name('coin.py')}:Coin"
HIDDEN = (True, True, True, True, False)


def guessing_motif(seed: int) -> Motif:
    """Two outputs that five hidden cells drive, who hear the marker and input a: one spike where these coincide, else
    two. When they coincide, and what else is wired, is drawn.
    """
    task = get_task(COIN)
    rng = np.random.default_rng(seed)
    a, _, marker = task.inputs
    cells = [(True, port.name) for port in task.outputs] + [(excitatory, None) for excitatory in HIDDEN]
    populations = tuple(
        PopulationGene(k, excitatory, 1, 2.0, 15.0, 2.0, 0.5, 2.0, port=port)
        for k, (excitatory, port) in enumerate(cells)
    )
    wires = []
    for k in range(2, len(cells)):
        from_marker_ms = 5.5 + rng.choice([0.0, 8.0]) + rng.uniform(-2, 2)
        wires += [
            (a.id, k, 1.5, 0.5),
            (marker.id, k, 1.5, from_marker_ms),
            (k, k % 2, 1.5, rng.uniform(1, 9)),
        ]
    for _ in range(4):
        source, target = rng.choice(len(cells), 2, replace=False)
        wires.append((int(source), int(target), rng.uniform(0.3, 1.5), rng.uniform(0.5, 9)))
    projections = tuple(
        ProjectionGene(100 + k, source, target, Pattern("one_to_one"), strength, delay_ms)
        for k, (source, target, strength, delay_ms) in enumerate(wires)
    )
    return motif_of(Genome(task.inputs, task.outputs, populations, projections), COIN, "planted")


def certificates(seeds: Iterable[int], trials: int) -> list[Certificate]:
    """Of one such circuit for each seed, on other trials each."""
    return [certify(guessing_motif(k), COIN, trials=trials, seed=k, sections=["needs"]) for k in seeds]


def false_positives(found: list[Certificate]) -> int:
    """In how many of the certificates something is said to matter."""
    return sum(any(v.word in ("necessary", "harmful") for v in c.verdicts) for c in found)


def certain(found: list[Certificate]) -> int:
    """In how many of them some p is below .05 after correction, be the effect as small as it may."""
    return sum(any(row.p_holm < 0.05 for row in c.findings) for c in found)


def lively(found: list[Certificate]) -> int:
    """The rows in which the change made a difference to some trial."""
    return sum(row.low < row.high for c in found for row in c.findings)


if __name__ == "__main__":
    found = certificates(range(int(sys.argv[1])), trials=1000)
    rows = sum(len(c.findings) for c in found)
    print(f"{false_positives(found)} of {len(found)} say that something matters, where nothing does;")
    print(
        f"{certain(found)} find an effect of some size; {lively(found) / rows:.0%} of {rows} rows could have."
    )
