"""What the tasks on single spike trains share: ranges of genes, trains as stimuli, the vote of the output ports, and
the words in which their references are wired.

Spikes that a circuit holds back past the end of a trial do not count, and its cells may run from the beginning: either
end is a clock. So a trial's pattern starts at random, and a quiet follows that is longer than the pattern: one time in
the trial tells a burst's answer in at most .77, and relays reach the end only after 1.5 spans of delay.
"""

import numpy as np

from evocircuits.genome import Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, argmax_credit

RANGES = Ranges(
    tau_m_ms=(1.0, 100.0),
    t_ref_ms=(0.5, 20.0),
    tau_syn_ex_ms=(0.5, 50.0),
    tau_syn_in_ms=(0.5, 100.0),
    delay_ms=(0.1, 25.0),
    typical={
        "tau_m_ms": 10.0,
        "t_ref_ms": 2.0,
        "tau_syn_ex_ms": 2.0,
        "tau_syn_in_ms": 5.0,
        "delay_ms": 5.0,
    },
)


LATEST_START = 1.5
LENGTH = 4.0
"""Of a trial, and the latest start of its pattern: both in spans of the pattern."""


def start(rng: np.random.Generator, n: int, span_ms: float) -> np.ndarray:
    """When the patterns of `n` trials start, float[trials, 1] in ms: anywhere in the first 1.5 spans."""
    return rng.uniform(0, LATEST_START * span_ms, (n, 1))


def trials_of(span_ms: float, answer: np.ndarray, spikes: dict[str, Spikes]) -> Trials:
    """Trials of 4 spans, of which at least the last 1.5 are quiet."""
    return Trials(Stimulus(len(answer), LENGTH * span_ms, spikes), answer)


def train(time_ms: np.ndarray) -> Spikes:
    """The spikes of a port of one channel at `time_ms`, float[trials, spikes]; NaN stands for no spike."""
    trial, spike = np.nonzero(~np.isnan(time_ms))
    return Spikes(time_ms[trial, spike], trial, np.zeros(len(trial), int))


def vote(task: Task, trials: Trials, recording: Recording) -> Score:
    """Credit for the output port with the most spikes; the answer is its index among the task's outputs.

    Graded: .6 of the credit and .4 of the right port's share of the spikes, where one more than fired is counted for
    each port: the share grows with the margin, and silence is at chance.
    """
    counts = np.hstack([recording.output_counts(port.name) for port in task.outputs])
    credit = argmax_credit(counts, trials.answer)
    share = (counts[np.arange(trials.n), trials.answer] + 1) / (counts + 1).sum(axis=1)
    return Score(credit, float(0.6 * credit.mean() + 0.4 * share.mean()), task.chance, task.ceiling)


def cell(
    *name: str | int,
    port: str | None = None,
    excitatory: bool = True,
    tau_m_ms: float = 10.0,
    t_ref_ms: float = 2.0,
    tau_syn_ex_ms: float = 2.0,
    tau_syn_in_ms: float = 5.0,
) -> PopulationGene:
    """A hand-wired neuron; its threshold is 15 mV."""
    constants = tau_m_ms, 15.0, t_ref_ms, tau_syn_ex_ms, tau_syn_in_ms
    return PopulationGene(innovation(*name), excitatory, 1, *constants, port=port)


def synapse(
    source: Port | PopulationGene, target: PopulationGene, strength: float, delay_ms: float
) -> ProjectionGene:
    """A hand-wired synapse, from a neuron or a port of one channel."""
    id = innovation("synapse", source.id, target.id)
    return ProjectionGene(id, source.id, target.id, Pattern("one_to_one"), strength, delay_ms)
