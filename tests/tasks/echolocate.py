"""A task as a user writes it: one file, named as echolocate.py:Echolocate."""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks import Ranges, Score, Task, Trials
from evocircuits.tasks.base import argmax_credit, balanced_answers

ECHO_ms = np.array([4.0, 8.0, 12.0])
JITTER_ms = 0.3


class Echolocate(Task):
    """Two ears hear a call and, 4, 8 or 12 ms later, its echo, each spike ±.3 ms: three outputs, by counts."""

    name = "echolocate"
    summary = "Tell from the delay of an echo, heard by two ears, at which of three distances an insect is."
    source = "after the range-tuned cells of O'Neill & Suga 1979"
    inputs = (Port("left", 1), Port("right", 1))
    outputs = (Port("near", 1), Port("middle", 1), Port("far", 1))
    dt_ms = 0.1
    chance = 1 / 3
    ceiling = 1.0
    claim = ("delays",)
    count_only_ceiling = 1 / 3
    ranges = Ranges(
        tau_m_ms=(0.5, 20.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.2, 10.0),
        tau_syn_in_ms=(0.5, 20.0),
        delay_ms=(0.1, 20.0),
        typical={
            "tau_m_ms": 2.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 0.5,
            "tau_syn_in_ms": 2.0,
            "delay_ms": 5.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """The call comes at 2–10 ms; 50 ms in all. Answers: the outputs in order."""
        answer = balanced_answers(rng, n, len(ECHO_ms))
        call_ms = rng.uniform(2, 10, n)
        heard_ms = np.stack([call_ms, call_ms + ECHO_ms[answer]], axis=1)
        trial, channel = np.repeat(np.arange(n), 2), np.zeros(2 * n, int)
        spikes = {}
        for ear in ("left", "right"):
            time_ms = heard_ms + rng.uniform(-JITTER_ms, JITTER_ms, heard_ms.shape)
            spikes[ear] = Spikes(time_ms.ravel(), trial, channel)
        return Trials(Stimulus(n, 50.0, spikes), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """Credit for the output that spikes most; graded by its share of the spikes too."""
        counts = np.hstack([recording.output_counts(port.name) for port in self.outputs])
        credit = argmax_credit(counts, trials.answer)
        share = (counts[np.arange(trials.n), trials.answer] + 1) / (counts + 1).sum(axis=1)
        return Score(credit, float(0.6 * credit.mean() + 0.4 * share.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Each output hears the call held back by its own delay, and fires when the echo meets it in both ears."""
        cells, wires = [], []
        for port, echo_ms in zip(self.outputs, ECHO_ms, strict=True):
            id = innovation("echolocate", port.name)
            output = PopulationGene(id, True, 1, 2.0, 15.0, 2.0, 0.5, 2.0, port=port.name)
            cells.append(output)
            for ear in self.inputs:
                for what, delay_ms in (("echo", 0.1), ("call", 0.1 + echo_ms)):
                    id = innovation("echolocate", ear.name, what, port.name)
                    wires.append(
                        ProjectionGene(id, ear.id, output.id, Pattern("one_to_one"), 0.4, delay_ms=delay_ms)
                    )
        return Genome(self.inputs, self.outputs, tuple(cells), tuple(wires))
