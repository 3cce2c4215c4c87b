"""From a genome to finite numbers: development, simulation, score and cost on trials drawn from a seed."""

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure.energy import energy_pJ
from evocircuits.measure.statistics import mean_interval, wilson_interval
from evocircuits.motif import Motif, MotifScore
from evocircuits.tasks import TASKS, Task, Trials


@dataclass(frozen=True)
class Evaluation:
    """How a genome did: `graded` to train by, `raw` to report, and costs per trial. Always finite.

    `reason` says why an evaluation is invalid; it then scores below and costs above any valid one.
    """

    graded: float
    raw: float
    energy_pJ: float
    spikes: float
    neurons: int
    synapses: int
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


def evaluate(genome: Genome, task: Task, seed: tuple[int, ...], n_trials: int) -> Evaluation:
    """Score `genome` on `n_trials` trials drawn from `stream(*seed)`; the same seed gives the same numbers."""
    circuit = develop(genome, dt_ms=task.dt_ms)
    trials = _trials(task, seed, n_trials)
    play = task.play(circuit, trials, max_spikes=task.max_spikes * circuit.n_neurons * n_trials)
    if play.truncated:
        return Evaluation.invalid(f"more than {task.max_spikes} spikes per neuron and trial")
    evaluation = Evaluation(
        graded=float(play.score.graded),
        raw=play.score.raw,
        energy_pJ=energy_pJ(play.synaptic_events),
        spikes=float(play.spikes.mean()),
        neurons=circuit.n_neurons,
        synapses=circuit.n_synapses,
    )
    if not np.all(np.isfinite([evaluation.graded, evaluation.raw, evaluation.energy_pJ])):
        return Evaluation.invalid("the score or cost is not a finite number")
    return evaluation


def score_circuit(circuit: Circuit, task: Task, *, seed: int, n_trials: int) -> MotifScore:
    """The reported score of a circuit on the trials of `stream(seed)`, with its 95 % interval and costs.

    The search draws from keyed streams, so these trials are new to every evolved circuit, whatever its run's seed.
    Raises `InputError` when the circuit's ports are not the task's.
    """
    _check_ports(circuit, task)
    play = task.report(circuit, task.trials(stream(seed), n_trials))
    raw, credit = play.score.raw, play.score.credit
    low, high = wilson_interval(raw, n_trials) if task.bounded else mean_interval(credit)
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


def rescored(motif: Motif, max_trials: int = 10_000) -> Motif:
    """The motif with its scores measured anew, each over as many trials as it claims but at most `max_trials`.

    Scores on tasks that are not known here, or whose ports the circuit lacks, are left out.
    """
    measurable = [
        s for s in motif.scores if s.task in TASKS and _ports(motif.circuit) == _ports(TASKS[s.task])
    ]
    scores = [
        score_circuit(motif.circuit, TASKS[s.task], seed=s.seed, n_trials=min(s.trials, max_trials))
        for s in measurable
    ]
    return replace(motif, scores=tuple(scores))


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
