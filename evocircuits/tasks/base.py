"""What every task is: ports and gene ranges, trials from a passed generator, a readout of the circuit's own spikes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np

from evocircuits.errors import InputError
from evocircuits.genome import Genome, Port
from evocircuits.plasticity import RULES
from evocircuits.simulator import Record, Recording, Stimulus


@dataclass(frozen=True)
class Ranges:
    """Bounds (low, high) of the genes a task lets vary, times in ms; `typical` are the starting points.

    `plasticity` names the kinds of rules (`plasticity.RULES`) that projections may have: none, when left out. Raises
    `InputError` for a kind that is unknown.
    """

    tau_m_ms: tuple[float, float]
    t_ref_ms: tuple[float, float]
    tau_syn_ex_ms: tuple[float, float]
    tau_syn_in_ms: tuple[float, float]
    delay_ms: tuple[float, float]
    typical: dict[str, float] = field(default_factory=dict)
    strength: tuple[float, float] = (0.01, 20.0)
    plasticity: tuple[str, ...] = ()

    def __post_init__(self):
        if not isinstance(self.plasticity, tuple) or not set(self.plasticity) <= set(RULES):
            raise InputError(
                f"Ranges.plasticity: expected a tuple of kinds among {', '.join(RULES)}; got {self.plasticity!r}"
            )


@dataclass(frozen=True, eq=False)
class Trials:
    """A batch of presentations: the stimulus and the right answer of each, int[trials]."""

    stimulus: Stimulus
    answer: np.ndarray


@dataclass(frozen=True, eq=False)
class Score:
    """How well a recording answers its trials.

    `credit`: float[trials] in 0…1, whose mean is the raw score; `graded`: a finer number for training only.
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


class Task(ABC):
    """A question put to a circuit in spikes. Final subclasses define the attributes and three methods below.

    `chance` and `ceiling` bound the raw score by guessing and by an ideal observer of the inputs; `count_only_ceiling`
    is what a reader of the inputs' spike counts could reach.
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
    count_only_ceiling: float
    record: Record = Record()

    @abstractmethod
    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """`n` trials drawn from `rng`, answers as evenly spread as `n` allows."""

    @abstractmethod
    def score(self, trials: Trials, recording: Recording) -> Score:
        """The score of what a circuit did in these trials."""

    @abstractmethod
    def reference(self) -> Genome:
        """A hand-wired solution, a point of the same search space."""


def balanced_answers(rng: np.random.Generator, n: int, n_classes: int) -> np.ndarray:
    """int[n]: each of `n_classes` as often as the others (± 1, which ones by chance), in random order."""
    return rng.permutation((np.arange(n) + rng.integers(n_classes)) % n_classes)


def argmax_credit(counts: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Credit for reading out the most active of K outputs: 1/m when the right one is among m tied; silence is a tie.

    `counts`: int[trials, K]; `answer`: int[trials]. Returns float[trials].
    """
    leading = counts == counts.max(axis=1, keepdims=True)
    return leading[np.arange(len(answer)), answer] / leading.sum(axis=1)
