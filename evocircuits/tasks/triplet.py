"""Triplet: three spikes, evenly spaced or clustered early or late.

An early cluster shares its first spike with the regular train and a late one its last, so that only the middle spike
tells all three apart. Cells tuned to a delay after a marker are known from the bat's cortex, where the marker is the
call and the spike its echo (O'Neill & Suga, Science 203 (1979)); slow cells and inhibition do without such delays. The
marker comes at a random time, so that neither end of the trial is a good clock.
"""

from itertools import pairwise

import numpy as np

from evocircuits.genome import Genome, Port
from evocircuits.simulator import Recording
from evocircuits.tasks.base import Score, Task, Trials, balanced_answers
from evocircuits.tasks.trains import RANGES, cell, start, synapse, train, trials_of, vote

SPAN_ms = 100.0
TIMES_ms = np.array([[10.0, 50.0, 90.0], [10.0, 20.0, 30.0], [70.0, 80.0, 90.0]])
JITTER_ms = 2.0


class Triplet(Task):
    """Three spikes, each ±2 ms, in one of three patterns after a marker, itself at 0–150; three outputs, by counts."""

    name = "triplet"
    summary = "Tell whether three jittered spikes in 100 ms are evenly spaced, or clustered early or late."
    source = "O'Neill & Suga 1979; patterns and jitter of this suite"
    inputs = (Port("train", 1), Port("onset", 1))
    outputs = (Port("regular", 1), Port("early", 1), Port("late", 1))
    dt_ms = 0.1
    chance = 1 / 3
    ceiling = 1.0
    claim = ("delays",)
    count_only_ceiling = 1 / 3
    ranges = RANGES

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Regular 10, 50, 90 ms; early 10, 20, 30; late 70, 80, 90; uniform jitter; 400 ms in all. Answers: the
        outputs in order.
        """
        marker_ms = start(rng, n, SPAN_ms)
        answer = balanced_answers(rng, n, 3)
        time_ms = marker_ms + TIMES_ms[answer] + rng.uniform(-JITTER_ms, JITTER_ms, (n, 3))
        return trials_of(SPAN_ms, answer, {"train": train(time_ms), "onset": train(marker_ms)})

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The vote of the outputs."""
        return vote(self, trials, recording)

    def reference(self) -> Genome:
        """Detectors tuned to 50, 20 and 80 ms after the marker, whose copies come through relays 20 ms apart."""
        spikes, marker = self.inputs
        detectors = [
            cell("triplet", port.name, port=port.name, tau_m_ms=2.0, tau_syn_ex_ms=2.0)
            for port in self.outputs
        ]
        regular, early, late = detectors
        _, at_40_ms, at_60_ms = relays = [cell("triplet", "relay", k) for k in range(3)]
        projections = (
            *(synapse(spikes, detector, 0.7, 1.0) for detector in detectors),
            *(synapse(source, target, 2.0, 19.0) for source, target in pairwise([marker, *relays])),
            synapse(at_40_ms, regular, 0.7, 11.0),
            synapse(marker, early, 0.7, 21.0),
            synapse(at_60_ms, late, 0.7, 21.0),
        )
        return Genome(self.inputs, self.outputs, (*detectors, *relays), projections)
