"""Synchrony: fire when ten spikes come close together, stay silent when they are spread twice as widely.

Coincidence detection as a code (Abeles, Local Cortical Circuits (1982)), here the discrimination of two spreads about
an unknown centre. Feed-forward inhibition cuts the time in which a cell may sum, as it does in hippocampal pyramidal
cells (Pouille & Scanziani, Science 293 (2001)): only spikes that come before the delayed veto count.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers

CHANNELS = 10
SPREAD_ms = (4.0, 2.0)


class Synchrony(Task):
    """Ten inputs spike once each, normally distributed about a random centre; fire for a deviation of 2 ms, not 4 ms.

    As the centre is unknown, the times tell only their sum of squares about their mean, which is σ² χ² with 9 degrees
    of freedom. The best decision compares it with 9 ln 4 / (1/4 − 1/16) = 66.5 ms² and is right in .923 of the trials.
    A leaky cell without inhibition reaches .86 at best (τ = 7–10 ms), a veto 8.4 ms after the first spike .91.
    """

    name = "synchrony"
    summary = "Fire when ten inputs spike with a spread of 2 ms, stay silent when the spread is 4 ms."
    source = "Abeles 1982; Pouille & Scanziani 2001; spreads of this suite"
    inputs = (Port("volley", CHANNELS),)
    outputs = (Port("out", 1),)
    dt_ms = 0.1
    chance = 0.5
    ceiling = 0.923
    claim = ("inhibition", "delays")
    count_only_ceiling = 0.5
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 50.0),
        tau_syn_ex_ms=(0.2, 20.0),
        tau_syn_in_ms=(0.2, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 1.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 2.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Centres uniform at 30–90 ms, 7.5 deviations and more from either end. Answer 1: spread of 2 ms."""
        answer = balanced_answers(rng, n, 2)
        spread_ms = np.take(SPREAD_ms, answer)[:, None]
        time_ms = rng.uniform(30, 90, (n, 1)) + spread_ms * rng.normal(size=(n, CHANNELS))
        trial, channel = np.divmod(np.arange(n * CHANNELS), CHANNELS)
        return Trials(Stimulus(n, 120.0, {"volley": Spikes(time_ms.ravel(), trial, channel)}), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """One for firing at a spread of 2 ms and for silence at 4 ms, else zero."""
        fired = recording.output_counts("out")[:, 0] > 0
        credit = (fired == (trials.answer == 1)).astype(float)
        return Score(credit, float(credit.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """A slow cell that needs all ten spikes or nearly so, and a veto 8.4 ms after the first of them.

        The inhibitory cell fires at the first spike of a volley and is then refractory; the delay of its synapse is the
        time left for summing.
        """
        (volley,) = self.inputs
        constants = {"threshold_mV": 15.0, "t_ref_ms": 50.0, "tau_syn_ex_ms": 0.2, "tau_syn_in_ms": 20.0}
        out = PopulationGene(innovation("synchrony", "out"), True, 1, 40.0, port="out", **constants)
        veto = PopulationGene(innovation("synchrony", "veto"), False, 1, 5.0, **constants)
        every = Pattern("all_to_all")
        projections = (
            ProjectionGene(
                innovation("synchrony", "volley→out"), volley.id, out.id, every, strength=0.116, delay_ms=0.5
            ),
            ProjectionGene(
                innovation("synchrony", "volley→veto"), volley.id, veto.id, every, strength=2.0, delay_ms=0.5
            ),
            ProjectionGene(
                innovation("synchrony", "veto→out"), veto.id, out.id, every, strength=2.0, delay_ms=8.4
            ),
        )
        return Genome(self.inputs, self.outputs, (out, veto), projections)
