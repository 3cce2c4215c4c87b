"""From a genome to finite numbers: development, simulation, score and cost on trials drawn from a seed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure.caution import Note, caution, digest
from evocircuits.measure.energy import energy_pJ
from evocircuits.measure.noise import with_noisy_weights
from evocircuits.measure.statistics import mean_interval, wilson_interval
from evocircuits.motif import Motif, MotifScore
from evocircuits.shape import CONSTANTS
from evocircuits.tasks import TASKS, Play, Task, Trials

PARTS = 8
NOISE = 2**31
"""Last word of the key of the stream that noise on weights is drawn from."""


@dataclass(frozen=True)
class Evaluation:
    """How a genome did: `graded` to train by, `raw` to report, and costs per trial. Always finite.

    `cases`: the mean credit on the trials of each right answer, or of each of `PARTS` parts of the batch where trials
    have none. `simulated_ms`: the time that passed in all trials together. `reason` says why an evaluation is invalid;
    it then scores below and costs above any valid one.
    """

    graded: float
    raw: float
    energy_pJ: float
    spikes: float
    neurons: int
    synapses: int
    cases: tuple[float, ...] = ()
    simulated_ms: float = 0.0
    reason: str | None = None

    @classmethod
    def invalid(cls, reason: str) -> "Evaluation":
        """The evaluation of what cannot be evaluated: never selected over anything valid."""
        return cls(
            graded=-1.0, raw=0.0, energy_pJ=1e12, spikes=1e12, neurons=10**6, synapses=10**6, reason=reason
        )

    @property
    def valid(self) -> bool:
        """Whether the genome could be evaluated."""
        return self.reason is None


def stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of a seed and a key; streams of different keys, or of keys and none, never meet."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def evaluate(
    genome: Genome, task: Task, seed: tuple[int, ...], n_trials: int, *, weight_noise: float = 0.0
) -> Evaluation:
    """Score `genome` on `n_trials` trials drawn from `stream(*seed)`; the same seed gives the same numbers.

    `weight_noise`: every weight is first multiplied by a log-normal factor of so large a standard deviation.
    """
    return evaluate_all([genome], task, seed, n_trials, weight_noise=weight_noise)[0]


def evaluate_all(
    genomes: Sequence[Genome],
    task: Task,
    seed: tuple[int, ...],
    n_trials: int,
    *,
    weight_noise: float = 0.0,
) -> list[Evaluation]:
    """`evaluate` each of the genomes: on a closed-loop task a pool at once takes much less time than one by one."""
    refused = caution().refused
    kept = [genome for genome in genomes if not refused or digest(genome) not in refused]
    if caution().note:
        found = [_noted(genome, task, seed, n_trials, weight_noise) for genome in kept]
    else:
        found = _evaluated(kept, task, seed, n_trials, weight_noise)
    if len(kept) == len(genomes):
        return found
    of_kept = iter(found)
    never = Evaluation.invalid("the genome was the end of its process")
    return [never if digest(genome) in refused else next(of_kept) for genome in genomes]


def _noted(
    genome: Genome, task: Task, seed: tuple[int, ...], n_trials: int, weight_noise: float
) -> Evaluation:
    caution().note(Note(genome.to_dict(), task.name, seed, n_trials, task.part))
    return _evaluated([genome], task, seed, n_trials, weight_noise)[0]


def _evaluated(
    genomes: Sequence[Genome], task: Task, seed: tuple[int, ...], n_trials: int, weight_noise: float
) -> list[Evaluation]:
    circuits = [develop(genome, dt_ms=task.dt_ms) for genome in genomes]
    if weight_noise:
        circuits = [with_noisy_weights(c, weight_noise, stream(*seed, NOISE)) for c in circuits]
    trials = _trials(task, seed, n_trials)
    limits = [task.max_spikes * circuit.n_neurons * n_trials for circuit in circuits]
    plays = task.play_all(circuits, trials, max_spikes=limits)
    return [_evaluation(c, task, trials, play) for c, play in zip(circuits, plays, strict=True)]


def score_circuit(circuit: Circuit, task: Task, *, seed: int, n_trials: int) -> MotifScore:
    """The reported score of a circuit on the trials of `stream(seed)`, with its 95 % interval and costs; on no more of
    them than the task has in stock.

    The search draws from keyed streams, so these trials are new to every evolved circuit, whatever its run's seed.
    Raises `InputError` when the circuit's ports are not the task's, when it lacks what the task gives, and for a single
    trial where one alone has no interval.
    """
    check_fits(circuit, task)
    n_trials = n_trials if task.stock is None else min(n_trials, task.stock)
    if n_trials < 2 and task.credit_range != (0.0, 1.0):
        raise InputError(f"task {task.name}: trials: expected at least 2, for an interval; got {n_trials}")
    play = task.report(circuit, task.of_part("held-out").trials(stream(seed), n_trials))
    raw, credit = play.score.raw, play.score.credit
    share = task.credit_range == (0.0, 1.0)
    low, high = wilson_interval(raw, n_trials) if share else mean_interval(credit, *task.credit_range)
    return MotifScore(
        task=task.name,
        raw=raw,
        low=low,
        high=high,
        normalised=play.score.normalised,
        trials=n_trials,
        seed=seed,
        spikes=float(play.spikes.mean()),
        synaptic_events=float(play.synaptic_events.mean()),
        energy_pJ=energy_pJ(play.synaptic_events),
        version=version("evocircuits"),
    )


def check_fits(circuit: Circuit, task: Task) -> None:
    """Raises `InputError` when the circuit's ports are not the task's, or it lacks what the task gives."""
    _check_ports(circuit, task)
    _check_given(circuit, task)


def rescored(motif: Motif, max_trials: int = 10_000) -> Motif:
    """The motif with its scores measured anew, each over as many trials as it claims, but at most `max_trials` and, on
    tasks whose trials are long, those that the task asks for.

    Scores on tasks that are not known here, or whose ports the circuit lacks, are left out.
    """

    def most(task: Task) -> int:
        return max_trials if task.held_out >= Task.held_out else task.held_out

    measurable = [
        s for s in motif.scores if s.task in TASKS and _ports(motif.circuit) == _ports(TASKS[s.task])
    ]
    scores = [
        score_circuit(motif.circuit, TASKS[s.task], seed=s.seed, n_trials=min(s.trials, most(TASKS[s.task])))
        for s in measurable
    ]
    return replace(motif, scores=tuple(scores))


def _evaluation(circuit: Circuit, task: Task, trials: Trials, play: Play) -> Evaluation:
    if play.truncated:
        return Evaluation.invalid(f"more than {task.max_spikes} spikes per neuron and trial")
    if np.shape(play.score.graded) != () or np.shape(play.score.credit) != (trials.n,):
        return Evaluation.invalid("the score is not one number, or its credit not one a trial")
    evaluation = Evaluation(
        graded=float(play.score.graded),
        raw=play.score.raw,
        energy_pJ=energy_pJ(play.synaptic_events),
        spikes=float(play.spikes.mean()),
        neurons=circuit.n_neurons,
        synapses=circuit.n_synapses,
        cases=_by_case(trials, play.score.credit),
        simulated_ms=play.simulated_ms,
    )
    if not np.all(np.isfinite([evaluation.graded, evaluation.raw, evaluation.energy_pJ])):
        return Evaluation.invalid("the score or cost is not a finite number")
    return evaluation


def _by_case(trials, credit: np.ndarray) -> tuple[float, ...]:
    answer = getattr(trials, "answer", None)
    if answer is None or answer.ndim > 1:
        answer = np.arange(trials.n) * min(PARTS, trials.n) // trials.n
    trials_of = np.bincount(answer)
    mean = np.bincount(answer, credit) / np.maximum(1, trials_of)
    return tuple(mean[trials_of > 0].tolist())


@lru_cache(maxsize=4)
def _trials(task: Task, seed: tuple[int, ...], n: int) -> Trials:
    return task.trials(stream(*seed), n)


def _ports(owner: Circuit | Task) -> dict[str, int]:
    if isinstance(owner, Circuit):
        inputs = {name: afferents.channels for name, afferents in owner.inputs.items()}
        return inputs | {name: len(neurons) for name, neurons in owner.outputs.items()}
    return {port.name: port.size for port in (*owner.inputs, *owner.outputs)}


def _check_ports(circuit: Circuit, task: Task) -> None:
    if _ports(circuit) != _ports(task):
        raise InputError(
            f"task {task.name}: expected a circuit with ports {_ports(task)}; got {_ports(circuit)}"
        )


def _check_given(circuit: Circuit, task: Task) -> None:
    """Refuse a circuit whose output neurons are not those that the task gives, with their synapses on each other."""
    populations, projections = task.given()
    if not populations:
        return
    core = develop(Genome(task.inputs, task.outputs, populations, projections), dt_ms=task.dt_ms)
    mine, theirs = core.output_neurons, circuit.output_neurons
    same = all(
        np.array_equal(getattr(core, name)[mine], getattr(circuit, name)[theirs]) for name in CONSTANTS
    )
    if not (same and _synapses(core, mine) <= _synapses(circuit, theirs)):
        raise InputError(
            f"task {task.name}: expected a circuit with the neurons and synapses that the task gives; got other ones"
        )


def _synapses(circuit: Circuit, neurons: np.ndarray) -> Counter:
    """How often there is each synapse onto one of `neurons` from another or from an input channel."""
    place = {int(neuron): k for k, neuron in enumerate(neurons)}
    between = zip(circuit.source, circuit.target, circuit.weight_pA, circuit.delay_ms, strict=True)
    found = Counter((place[s], place[t], w, d) for s, t, w, d in between if s in place and t in place)
    for port, a in circuit.inputs.items():
        onto = zip(a.channel, a.target, a.weight_pA, a.delay_ms, strict=True)
        found += Counter((port, c, place[t], w, d) for c, t, w, d in onto if t in place)
    return found
