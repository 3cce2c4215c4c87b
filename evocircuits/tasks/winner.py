"""Winner: only the output of the input with the highest rate may spike, whenever it is asked.

Winner-take-all by lateral inhibition through a shared inhibitory cell (Coultrip, Granger & Lynch, Neural Networks 5
(1992)), told from Poisson inputs (Oster, Douglas & Liu, Neural Comput. 21 (2009)).

The durations of 200 ms and 500 ms are two readings of one trial: a circuit cannot tell a trial of 200 ms from the
beginning of a longer one, so what it does there is what it would do if the trial ended. With both in one credit, no
threshold on counts suits: cells that do not inhibit each other have to be tuned to one duration.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Stimulus
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers

CHANNELS = 4
WINNER_Hz = 60.0
OTHERS_Hz = 40.0
DURATIONS_ms = (200.0, 500.0)
READOUT_ms = 50.0


class Winner(Task):
    """Of four Poisson inputs one has 60 Hz, three 40 Hz: its output alone spikes in the last 50 ms of 200 and 500 ms.

    The ideal observer names the highest count: .641 after 200 ms and .827 after 500 ms, .734 in the mean. The reference
    reaches .59 and .79, .69 in the mean. Silence scores .25, a relay of each input to its output less than .01, and the
    reference's slow cells without inhibition, tuned anew, .41 (.38 and .45, with 150 ms synapses of strength .106).
    """

    name = "winner"
    summary = "Let only the output of the one Poisson input at 60 Hz spike, not those of three at 40 Hz."
    source = "Coultrip, Granger & Lynch 1992; Oster, Douglas & Liu 2009; rates of this suite"
    inputs = (Port("rate", CHANNELS),)
    outputs = (Port("choice", CHANNELS),)
    dt_ms = 0.1
    chance = 0.25
    ceiling = 0.734
    claim = ("inhibition",)
    read_ms = tuple((end_ms - READOUT_ms, end_ms) for end_ms in DURATIONS_ms)
    record = Record(bin_ms=READOUT_ms)
    ranges = Ranges(
        tau_m_ms=(1.0, 100.0),
        t_ref_ms=(0.5, 50.0),
        tau_syn_ex_ms=(0.5, 500.0),
        tau_syn_in_ms=(0.5, 100.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 100.0,
            "tau_syn_in_ms": 10.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Answer: which input has the higher rate, for all of the 500 ms."""
        answer = balanced_answers(rng, n, CHANNELS)
        rate_Hz = np.where(np.arange(CHANNELS) == answer[:, None], WINNER_Hz, OTHERS_Hz)
        duration_ms = max(DURATIONS_ms)
        rates = poisson(rng, rate_Hz, duration_ms=duration_ms)
        return Trials(Stimulus(n, duration_ms, {"rate": rates}), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """Credit of the last 50 ms of either duration, averaged: 1 if the right output spiked alone, ¼ for silence.

        Graded: half of it, and half for the right output's share of the spikes.
        """
        outputs = recording.circuit.outputs["choice"]
        credit, share = np.zeros(trials.n), np.zeros(trials.n)
        for duration_ms in DURATIONS_ms:
            counts = recording.binned_counts[round(duration_ms / READOUT_ms) - 1][:, outputs]
            right, total = counts[np.arange(trials.n), trials.answer], counts.sum(axis=1)
            silent = total == 0
            credit += np.where(silent, self.chance, (total > 0) & (right == total)) / len(DURATIONS_ms)
            share += np.where(silent, self.chance, right / np.maximum(total, 1)) / len(DURATIONS_ms)
        return Score(credit, float((credit.mean() + share.mean()) / 2), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Slow synapses count each input; the first output to spike silences all four through an inhibitory cell.

        Inhibition wears off for all alike, so the output of the highest count is again the first to reach threshold and
        forestalls the others: one or two spikes in 50 ms, of whichever leads at that time.
        """
        (rate,), (port,) = self.inputs, self.outputs
        choice = PopulationGene(
            innovation("winner", "choice"),
            excitatory=True,
            size=CHANNELS,
            tau_m_ms=10.0,
            threshold_mV=15.0,
            t_ref_ms=20.0,
            tau_syn_ex_ms=500.0,
            tau_syn_in_ms=15.0,
            port=port.name,
        )
        pool = PopulationGene(
            innovation("winner", "pool"),
            excitatory=False,
            size=1,
            tau_m_ms=1.0,
            threshold_mV=15.0,
            t_ref_ms=2.0,
            tau_syn_ex_ms=0.5,
            tau_syn_in_ms=5.0,
        )
        own, every = Pattern("one_to_one"), Pattern("all_to_all")
        projections = (
            ProjectionGene(innovation("winner", "rate→choice"), rate.id, choice.id, own, 0.25, delay_ms=1.0),
            ProjectionGene(innovation("winner", "choice→pool"), choice.id, pool.id, every, 5.0, delay_ms=0.1),
            ProjectionGene(innovation("winner", "pool→choice"), pool.id, choice.id, every, 7.0, delay_ms=0.1),
        )
        return Genome(self.inputs, self.outputs, (choice, pool), projections)
