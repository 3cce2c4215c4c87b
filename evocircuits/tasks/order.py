"""Order: fire when A comes before B and stay silent when B comes first.

The elementary direction selectivity of Barlow & Levick, J. Physiol. 178 (1965): excitation from one side, and from the
other an inhibition that lasts long enough to veto excitation that comes later. The reference needs it; one E cell that
hears A 10 ms later than B, and fires when they coincide, does without.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers


class Order(Task):
    """One spike on each of two inputs, 5–15 ms apart; balanced accuracy of firing for A→B and silence for B→A."""

    name = "order"
    summary = "Fire when input A precedes input B by 5–15 ms, stay silent when B comes first."
    source = "Barlow & Levick 1965"
    inputs = (Port("a", 1), Port("b", 1))
    outputs = (Port("out", 1),)
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0
    claim = ("inhibition",)
    count_only_ceiling = 0.5
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 2.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Gap 5–15 ms about a middle at 10–110 ms, both uniform; 150 ms in all. Answer 1: A first.

        The middle wanders far more than the gap, so that the time of one spike alone tells little (.55 at best).
        """
        answer = balanced_answers(rng, n, 2)
        half_gap_ms = rng.uniform(5, 15, n) / 2 * np.where(answer == 1, 1, -1)
        middle_ms = rng.uniform(10, 110, n)
        a_ms, b_ms = middle_ms - half_gap_ms, middle_ms + half_gap_ms
        trial, channel = np.arange(n), np.zeros(n, int)
        spikes = {"a": Spikes(a_ms, trial, channel), "b": Spikes(b_ms, trial, channel)}
        return Trials(Stimulus(n, 150.0, spikes), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """One for firing after A→B and for silence after B→A, else zero."""
        fired = recording.output_counts("out")[:, 0] > 0
        credit = (fired == (trials.answer == 1)).astype(float)
        return Score(credit, float(credit.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """A relays, B vetoes through an inhibitory cell whose current outlasts the longest gap."""
        a, b = self.inputs
        constants = {"tau_m_ms": 10.0, "threshold_mV": 15.0, "t_ref_ms": 2.0, "tau_syn_ex_ms": 2.0}
        out = PopulationGene(innovation("order", "out"), True, 1, tau_syn_in_ms=20.0, port="out", **constants)
        veto = PopulationGene(innovation("order", "veto"), False, 1, tau_syn_in_ms=5.0, **constants)
        one = Pattern("one_to_one")
        projections = (
            ProjectionGene(innovation("order", "a→out"), a.id, out.id, one, strength=1.5, delay_ms=1.0),
            ProjectionGene(innovation("order", "b→veto"), b.id, veto.id, one, strength=1.5, delay_ms=0.5),
            ProjectionGene(innovation("order", "veto→out"), veto.id, out.id, one, strength=3.0, delay_ms=0.5),
        )
        return Genome(self.inputs, self.outputs, (out, veto), projections)
