"""Temporal XOR: two inputs spike once each, early or late; is one of them early and the other late?

After Bohte, Kok & La Poutré, Neurocomputing 48 (2002), who code the bits as early and late spikes and add a reference
spike. Mended here: b's times follow a's by 12 ms. At equal times an exclusive or is nothing but a missing coincidence,
for which one leaky cell without any delays would do; as it is, that cell finds one of the four cases. Slow
cells do in place of the reference's delays. The marker comes at a random time, so that neither end of the trial is a
good clock.
"""

import numpy as np

from evocircuits.genome import Genome, Port
from evocircuits.simulator import Recording
from evocircuits.tasks.base import Score, Task, Trials, balanced_answers
from evocircuits.tasks.trains import RANGES, cell, start, synapse, train, trials_of, vote

SPAN_ms = 40.0
EARLY_ms = {"a": 5.0, "b": 17.0}
LATER_BY_ms = 8.0
JITTER_ms = 1.0


class TemporalXor(Task):
    """Two inputs, each early or 8 ms later, ±1 ms, after a marker, itself at 0–60; two outputs, argmax of counts."""

    name = "temporal_xor"
    summary = "Two inputs spike once each, early or late: tell whether both do the same."
    source = "Bohte, Kok & La Poutré 2002, b's times moved against a's"
    inputs = (Port("a", 1), Port("b", 1), Port("onset", 1))
    outputs = (Port("same", 1), Port("different", 1))
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0
    claim = ("delays",)
    count_only_ceiling = 0.5
    ranges = RANGES

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """a at 5 or 13 ms, b at 17 or 25 ms, uniform jitter; 160 ms in all. Answers: the outputs in order."""
        marker_ms = start(rng, n, SPAN_ms)
        answer = balanced_answers(rng, n, 2)
        a_late = rng.integers(2, size=n)
        spikes = {"onset": train(marker_ms)}
        for port, late in (("a", a_late), ("b", a_late ^ answer)):
            time_ms = EARLY_ms[port] + LATER_BY_ms * late + rng.uniform(-JITTER_ms, JITTER_ms, n)
            spikes[port] = train(marker_ms + time_ms[:, None])
        return trials_of(SPAN_ms, answer, spikes)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The vote of the outputs."""
        return vote(self, trials, recording)

    def reference(self) -> Genome:
        """Two coincidence cells in whose delays a leads b by 20 ms and by 4 ms; either fires `different` twice, which
        outvotes the one spike that the marker gives `same`.
        """
        a, b, marker = self.inputs
        same, different = (cell("temporal_xor", port.name, port=port.name) for port in self.outputs)
        early_late, late_early = cells = [
            cell("temporal_xor", name, tau_m_ms=2.0) for name in ("early, late", "late, early")
        ]
        projections = (
            synapse(a, early_late, 0.7, 20.5),
            synapse(a, late_early, 0.7, 4.5),
            *(synapse(b, coincidence, 0.7, 0.5) for coincidence in cells),
            *(synapse(coincidence, different, 4.0, 1.0) for coincidence in cells),
            synapse(marker, same, 2.0, 1.0),
        )
        return Genome(self.inputs, self.outputs, (same, different, *cells), projections)
