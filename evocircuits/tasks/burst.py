"""Burst: five spikes at the beginning of a window, or the same five at its end.

What tells them apart is the time since an onset marker, 80 ms more or less: longer than any one delay. The reference
keeps it in a chain of delays; slow cells and lasting inhibition do without. The marker comes at a random time, so that
neither end of the trial is a good clock. How networks may tell elapsed time: Buonomano & Merzenich, Science 267 (1995).
"""

from itertools import pairwise

import numpy as np

from evocircuits.genome import Genome, Port
from evocircuits.simulator import Recording
from evocircuits.tasks.base import Score, Task, Trials, balanced_answers
from evocircuits.tasks.trains import RANGES, cell, start, synapse, train, trials_of, vote

SPAN_ms = 100.0
SPIKES = 5
PERIOD_ms = 4.0
LATER_BY_ms = 80.0


class Burst(Task):
    """Five spikes 4 ms apart from 0–4 or 80–84 ms after a marker, itself at 0–150; two outputs, argmax of counts."""

    name = "burst"
    summary = "Tell whether a burst of five spikes comes at the beginning of a 100 ms window or at its end."
    source = "Buonomano & Merzenich 1995; burst and window of this suite"
    inputs = (Port("train", 1), Port("onset", 1))
    outputs = (Port("early", 1), Port("late", 1))
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0
    claim = ("delays",)
    count_only_ceiling = 0.5
    ranges = RANGES

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """The burst starts uniformly within its 4 ms; 400 ms in all. Answers: the outputs in order."""
        marker_ms = start(rng, n, SPAN_ms)
        answer = balanced_answers(rng, n, 2)
        first_ms = LATER_BY_ms * answer[:, None] + rng.uniform(0, 4, (n, 1))
        time_ms = marker_ms + first_ms + PERIOD_ms * np.arange(SPIKES)
        return trials_of(SPAN_ms, answer, {"train": train(time_ms), "onset": train(marker_ms)})

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The vote of the outputs."""
        return vote(self, trials, recording)

    def reference(self) -> Genome:
        """Each output needs the burst and a clock: the marker itself, or its copy, 80 ms late through three relays."""
        burst, marker = self.inputs
        early, late = (cell("burst", port.name, port=port.name, tau_m_ms=20.0) for port in self.outputs)
        relays = [cell("burst", "relay", k) for k in range(3)]
        projections = (
            synapse(burst, early, 0.2, 1.0),
            synapse(burst, late, 0.2, 1.0),
            synapse(marker, early, 0.8, 0.1),
            *(synapse(source, target, 2.0, 19.0) for source, target in pairwise([marker, *relays])),
            synapse(relays[-1], late, 0.8, 20.0),
        )
        return Genome(self.inputs, self.outputs, (early, late, *relays), projections)
