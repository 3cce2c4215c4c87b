"""Scoring, reading and trivial circuits, by which tasks are checked."""

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.simulator import simulate
from evocircuits.tasks import Task, Trials


def run(task: Task, circuit: Circuit, trials: Trials):
    recording = simulate(circuit, trials.stimulus, dt_ms=task.dt_ms, record=task.record)
    return task.score(trials, recording)


def spike_times_ms(trials: Trials, port: str, n: int) -> np.ndarray:
    """(trials, n) spike times of a port that carries n spikes in each trial."""
    spikes = trials.stimulus.spikes[port]
    order = np.lexsort((spikes.time_ms, spikes.trial))
    return spikes.time_ms[order].reshape(-1, n)


def trivial(task: Task, kind: str) -> Circuit:
    """`silent`, `always` firing from a bias current, or a `relay` in which each input spike fires every output."""
    populations, projections = [], []
    for port in task.outputs:
        bias_pA = 2000.0 if kind == "always" else 0.0
        population = PopulationGene(
            innovation(port.name), True, port.size, 10.0, 15.0, 1.0, 1.0, 1.0, bias_pA, port.name
        )
        populations.append(population)
        for source in task.inputs if kind == "relay" else ():
            id = innovation("relay", source.name, port.name)
            projections.append(
                ProjectionGene(
                    id, source.id, population.id, Pattern("all_to_all"), strength=3.0, delay_ms=1.0
                )
            )
    genome = Genome(task.inputs, task.outputs, tuple(populations), tuple(projections))
    return develop(genome, dt_ms=task.dt_ms)
