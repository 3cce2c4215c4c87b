"""Circuits in which nothing matters, though everything changes what they answer: how often does a certificate say that
something is necessary? `python -m tests.measure.irrelevant 200` counts.

On `temporal_xor` they hear one input and the marker. Whether the two inputs differ is independent of either alone, so
that whatever is done to such a circuit, half of its answers are right.
"""

import sys

import numpy as np

from evocircuits.certificate import Certificate
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import certify
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task

TASK = get_task("temporal_xor")
HIDDEN = (True, True, True, True, False)


def deaf_motif(seed: int) -> Motif:
    """Two outputs that five hidden cells drive, who hear the marker and input a: one spike where these coincide, else
    two. When they coincide, and what else is wired, is drawn.
    """
    rng = np.random.default_rng(seed)
    a, _, marker = TASK.inputs
    cells = [(True, port.name) for port in TASK.outputs] + [(excitatory, None) for excitatory in HIDDEN]
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
    genome = Genome(TASK.inputs, TASK.outputs, populations, projections)
    return Motif(genome, develop(genome, dt_ms=TASK.dt_ms), TASK.dt_ms, Provenance("planted"))


def certificates(repetitions: int, trials: int) -> list[Certificate]:
    """Of so many such circuits, on other trials each."""
    return [
        certify(deaf_motif(k), TASK.name, trials=trials, seed=k, sections=["needs"])
        for k in range(repetitions)
    ]


def false_positives(found: list[Certificate]) -> int:
    """In how many of the certificates something is said to be necessary."""
    return sum(any(v.word == "necessary" for v in certificate.verdicts) for certificate in found)


def lively(found: list[Certificate]) -> float:
    """The share of rows in which the change made a difference to some trial."""
    return float(np.mean([row.low < row.high for certificate in found for row in certificate.findings]))


if __name__ == "__main__":
    found = certificates(int(sys.argv[1]), trials=1000)
    print(f"{false_positives(found)} of {len(found)} say that something is necessary, where nothing is;")
    print(f"{lively(found):.0%} of {sum(len(c.findings) for c in found)} rows could have been")
