"""What every task is: ports and gene ranges, trials from a passed generator, a readout of the circuit's own spikes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal, NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.genome import Genome, PopulationGene, Port, ProjectionGene
from evocircuits.plasticity import RULES
from evocircuits.simulator import UNLIMITED, Record, Recording, Spikes, Stimulus, simulate


@dataclass(frozen=True)
class Ranges:
    """Bounds (low, high) of the genes a task lets vary, times in ms; `typical` are the starting points.

    `plasticity` names the kinds of rules (`plasticity.RULES`) that projections may have: none, when left out. `bias` is
    in units of rheobase, the constant current that just reaches threshold: left out, populations have none. Raises
    `InputError` for a kind of rule that is unknown, and for biases that do not include none.
    """

    tau_m_ms: tuple[float, float]
    t_ref_ms: tuple[float, float]
    tau_syn_ex_ms: tuple[float, float]
    tau_syn_in_ms: tuple[float, float]
    delay_ms: tuple[float, float]
    typical: dict[str, float] = field(default_factory=dict)
    strength: tuple[float, float] = (0.01, 20.0)
    plasticity: tuple[str, ...] = ()
    bias: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self):
        low, high = self.bias
        if not -inf < low <= 0 <= high < inf:
            raise InputError(
                f"Ranges.bias: expected (low ≤ 0, high ≥ 0), from which founders start at 0; got {self.bias}"
            )
        if not isinstance(self.plasticity, tuple) or not set(self.plasticity) <= set(RULES):
            raise InputError(
                f"Ranges.plasticity: expected a tuple of kinds among {', '.join(RULES)}; got {self.plasticity!r}"
            )


@dataclass(frozen=True, eq=False)
class Trials:
    """A batch of presentations: the stimulus and the right answer of each, int[trials]."""

    stimulus: Stimulus
    answer: np.ndarray

    @property
    def n(self) -> int:
        """How many."""
        return self.stimulus.n_trials


@dataclass(frozen=True, eq=False)
class Score:
    """How well a circuit answered its trials.

    `credit`: float[trials], 1 for a right answer, whose mean is the raw score; `graded`: a finer number on about the
    same scale, for training only.
    """

    credit: np.ndarray
    graded: float
    chance: float
    ceiling: float

    @property
    def raw(self) -> float:
        """The mean credit."""
        return float(self.credit.mean())

    @property
    def normalised(self) -> float:
        """0 at chance, 1 at the ideal observer's ceiling."""
        return (self.raw - self.chance) / (self.ceiling - self.chance)


@dataclass(frozen=True, eq=False)
class Play:
    """A circuit's batch of trials: its score, and what each cost in `spikes` and `synaptic_events`, int[trials].

    `simulated_ms`: the time that passed in all trials together. `truncated`: the circuit passed the spike limit and the
    rest was left out, so that the score means nothing.
    """

    score: Score
    spikes: np.ndarray
    synaptic_events: np.ndarray
    simulated_ms: float
    truncated: bool = False


class Window(NamedTuple):
    """A part of a trial that is worth a look, and the times within it to be marked, as (start, end) in ms."""

    trial: int
    start_ms: float
    end_ms: float
    marked_ms: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, eq=False)
class Example:
    """What a circuit met and did in a few trials: `stimulus` port → spikes, its own `spikes`, and what to look at."""

    stimulus: dict[str, Spikes]
    spikes: Spikes
    windows: Sequence[Window]


class Task(ABC):
    """A question put to a circuit in spikes. Final subclasses define the attributes and the three methods below.

    `chance` and `ceiling` bound the raw score by guessing and by an ideal observer of the inputs. A temporal task also
    says what a reader of the inputs' spike counts alone could reach, `count_only_ceiling`. `claim` names what the
    reference needs, though other circuits may do without: measure/ablation.py removes it. The raw score is a mean over
    trials of credit within `credit_range`; people read it as `unit`, of which full credit is `per_credit`. In a search
    an evaluation ends at `max_spikes` per neuron and trial, on average; `held_out` trials make a score worth reporting,
    and where `stock` is not None there are no more of them; `part` is what trials of this object are for. Pictures mark
    the times at which outputs are read, `read_ms`.

    A closed-loop task, where what the circuit does decides what it meets next, overrides `play` and `example`, draws in
    `trials` what its episodes start from (anything with a length `n`), and has no `score`. Where it can let many
    circuits play faster together than one after the other it overrides `play_all`, too.
    """

    name: str
    summary: str
    source: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    ranges: Ranges
    dt_ms: float
    chance: float
    ceiling: float
    claim: tuple[str, ...]
    count_only_ceiling: float | None = None
    credit_range: tuple[float, float] = (0.0, 1.0)
    unit: str = "share correct"
    per_credit: float = 1.0
    max_spikes: int = 200
    part: Literal["training", "validation", "held-out"] = "training"
    held_out: int = 1000
    stock: int | None = None
    read_ms: Sequence[tuple[float, float]] = ()
    record: Record = Record()

    @abstractmethod
    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """`n` trials drawn from `rng`, answers as evenly spread as `n` allows."""

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The score of what a circuit did in these trials."""
        raise NotImplementedError

    def reference(self) -> Genome | None:
        """A hand-wired solution, a point of the same search space; None where nobody has wired one."""
        return None

    def of_part(self, part: Literal["training", "validation", "held-out"]) -> "Task":
        """The task on trials for one purpose. Drawn trials are always new, so that only a task with a limited stock,
        whose parts must not mix, has more than one.
        """
        return self

    def given(self) -> tuple[tuple[PopulationGene, ...], tuple[ProjectionGene, ...]]:
        """Frozen populations and projections that every genome of this task contains."""
        return (), ()

    def play(self, circuit: Circuit, trials: Trials, *, max_spikes: int = UNLIMITED) -> Play:
        """Let `circuit` answer the trials; past `max_spikes` in all of them together the play is truncated."""
        recording = simulate(
            circuit, trials.stimulus, dt_ms=self.dt_ms, record=self.record, max_spikes=max_spikes
        )
        spikes = recording.counts.sum(axis=1)
        return Play(
            self.score(trials, recording),
            spikes,
            recording.synaptic_events,
            trials.n * trials.stimulus.duration_ms,
            recording.truncated,
        )

    def play_all(
        self, circuits: Sequence[Circuit], trials: Trials, *, max_spikes: int | Sequence[int] = UNLIMITED
    ) -> list[Play]:
        """The `play` of each circuit, exactly, whatever the others are; `max_spikes`: one limit, or one for each."""
        limits = np.broadcast_to(max_spikes, len(circuits)).tolist()
        return [self.play(c, trials, max_spikes=most) for c, most in zip(circuits, limits, strict=True)]

    def report(self, circuit: Circuit, trials: Trials) -> Play:
        """The play that is reported: where the search may meet a faster copy of the world, this is the real one."""
        return self.play(circuit, trials)

    def example(self, circuit: Circuit, trials: Trials) -> Example:
        """What `circuit` meets and does in the trials."""
        stimulus = trials.stimulus
        recording = simulate(circuit, stimulus, dt_ms=self.dt_ms, record=Record(spikes=True))
        windows = [Window(trial, 0.0, stimulus.duration_ms, self.read_ms) for trial in range(trials.n)]
        return Example(stimulus.spikes, recording.spikes, windows)

    def in_unit(self, credit: float) -> str:
        """A raw score as people read it."""
        return f"{credit:.3f}" if self.per_credit == 1 else f"{credit * self.per_credit:.1f}"

    @property
    def open_loop(self) -> bool:
        """Whether the stimulus is there before the circuit does anything."""
        return type(self).play is Task.play

    @property
    def temporal(self) -> bool:
        """Whether times tell what counts cannot."""
        return self.count_only_ceiling is not None


def balanced_answers(rng: np.random.Generator, n: int, n_classes: int) -> np.ndarray:
    """int[n]: each of `n_classes` as often as the others (± 1, which ones by chance), in random order."""
    return rng.permutation((np.arange(n) + rng.integers(n_classes)) % n_classes)


def argmax_credit(counts: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Credit for reading out the most active of K outputs: 1/m when the right one is among m tied; silence is a tie.

    `counts`: int[trials, K]; `answer`: int[trials]. Returns float[trials].
    """
    leading = counts == counts.max(axis=1, keepdims=True)
    return leading[np.arange(len(answer)), answer] / leading.sum(axis=1)


def closed_loop_example(steps: Sequence[tuple[Stimulus, Recording]]) -> Example:
    """What successive steps of a closed loop brought, each a stimulus and its recording, as one example."""
    step_ms, n = steps[0][0].duration_ms, steps[0][0].n_trials
    begins_ms = step_ms * np.arange(len(steps))
    stimulus = {
        port: joined([stimulus.spikes[port] for stimulus, _ in steps], begins_ms)
        for port in steps[0][0].spikes
    }
    windows = [Window(trial, 0.0, step_ms * len(steps)) for trial in range(n)]
    return Example(stimulus, joined([recording.spikes for _, recording in steps]), windows)


def joined(parts: Sequence[Spikes], begins_ms: np.ndarray | None = None) -> Spikes:
    """The spikes of successive pieces as one, the times of each counting from where it begins, float[pieces] in ms, or
    already from the first.
    """
    begins_ms = np.zeros(len(parts)) if begins_ms is None else begins_ms
    times_ms = [part.time_ms + begin_ms for part, begin_ms in zip(parts, begins_ms, strict=True)]
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("trial", "channel"))
    return Spikes(np.concatenate(times_ms), *columns)
