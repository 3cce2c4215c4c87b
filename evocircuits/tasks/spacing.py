"""Spacing: two trains of equally many spikes, evenly spaced and in phase or clustered at opposite ends of the window.

A coincidence detector hears the even trains and an integrator the clusters: one neuron is either, by its time constant
(König, Engel & Singer, Trends Neurosci. 19 (1996)). The reference vetoes coincidences by inhibition, which
must come first; circuits of excitatory cells alone, whose delays need not differ, do as well. The window opens at a
random time, so that neither end of the trial is a good clock.
"""

import numpy as np

from evocircuits.genome import Genome, Port
from evocircuits.simulator import Recording
from evocircuits.tasks.base import Score, Task, Trials, balanced_answers
from evocircuits.tasks.trains import RANGES, cell, start, synapse, train, trials_of, vote

FEWEST, MOST = 4, 8
WINDOW_ms = 100.0
CLUSTER_ms = 20.0


class Spacing(Task):
    """4–8 spikes on each of two inputs, over 100 ms or within its first and last 20, begun at 0–150 ms; two outputs,
    argmax of counts.
    """

    name = "spacing"
    summary = (
        "Tell two trains that are evenly spaced and in phase from two clusters at opposite ends of 100 ms."
    )
    source = "König, Engel & Singer 1996; trains of this suite"
    inputs = (Port("a", 1), Port("b", 1))
    outputs = (Port("even", 1), Port("clustered", 1))
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0
    claim = ("delays",)
    count_only_ceiling = 0.5
    ranges = RANGES

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Even trains share a random phase; clustered spikes are uniform in their 20 ms, a's or b's first by chance.
        400 ms in all. Answers: the outputs in order.
        """
        start_ms = start(rng, n, WINDOW_ms)
        answer = balanced_answers(rng, n, 2)
        count = rng.integers(FEWEST, MOST + 1, (n, 1))
        spike = np.where(np.arange(MOST) < count, np.arange(MOST), np.nan)
        even_ms = (spike + rng.random((n, 1))) * WINDOW_ms / count
        a_last = rng.integers(2, size=(n, 1))
        spikes = {}
        for port, last in (("a", a_last), ("b", 1 - a_last)):
            within_ms = rng.uniform(0, CLUSTER_ms, (n, MOST))
            clustered_ms = np.where(np.isnan(spike), np.nan, last * (WINDOW_ms - CLUSTER_ms) + within_ms)
            spikes[port] = train(start_ms + np.where(answer[:, None] == 0, even_ms, clustered_ms))
        return trials_of(WINDOW_ms, answer, spikes)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The vote of the outputs."""
        return vote(self, trials, recording)

    def reference(self) -> Genome:
        """A coincidence cell against a burst cell, for which any two spikes in close succession are enough; those that
        coincide are vetoed by an inhibitory coincidence cell, which hears them first.
        """
        a, b = self.inputs
        fast = {"tau_m_ms": 1.0, "tau_syn_ex_ms": 0.5}
        even = cell("spacing", "even", port="even", **fast)
        clustered = cell("spacing", "clustered", port="clustered", tau_syn_in_ms=2.0)
        veto = cell("spacing", "veto", excitatory=False, **fast)
        projections = (
            *(synapse(source, target, 0.55, 0.5) for source in (a, b) for target in (even, veto)),
            *(synapse(source, clustered, 0.9, 3.0) for source in (a, b)),
            synapse(veto, clustered, 1.4, 0.5),
        )
        return Genome(self.inputs, self.outputs, (even, clustered, veto), projections)
