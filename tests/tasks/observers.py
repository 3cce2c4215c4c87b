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


def binned_counts(time_ms, trial, channel, *, bin_ms, duration_ms, n_trials, n_neurons) -> np.ndarray:
    """int[bins, trials, N]: what a recording in bins would hold of these spikes."""
    counts = np.zeros((round(duration_ms / bin_ms), n_trials, n_neurons), int)
    at = np.ceil(np.asarray(time_ms, float) / bin_ms - 1e-9).astype(int) - 1  # times are the ends of steps
    np.add.at(counts, (np.maximum(at, 0), np.asarray(trial, int), np.asarray(channel, int)), 1)
    return counts


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


def check_together_as_alone(task, circuits, trials) -> None:
    """Four circuits of a closed loop play the same whoever else does; the second is over its limit of spikes by one."""
    alone = [task.play(circuit, trials) for circuit in circuits]
    limits = [int(play.spikes.sum()) for play in alone]
    limits[1] -= 1
    assert len({play.score.raw for play in alone}) > 2
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0], [1, 3]):
        plays = task.play_all([circuits[k] for k in order], trials, max_spikes=[limits[k] for k in order])
        assert [play.truncated for play in plays] == [k == 1 for k in order]
        for k, play in zip(order, plays, strict=True):
            if k != 1:
                assert np.array_equal(play.score.credit, alone[k].score.credit)
                assert np.array_equal(play.spikes, alone[k].spikes)
                assert np.array_equal(play.synaptic_events, alone[k].synaptic_events)
                assert play.simulated_ms == alone[k].simulated_ms
