"""What a search may pursue, by name. Scores are normalised: 0 at chance, 1 at the ideal observer's ceiling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from evocircuits.genome import Genome
from evocircuits.measure import Evaluation, evaluate
from evocircuits.tasks import Task

WEIGHT_NOISE = 0.1
"""Standard deviation of the logarithm of the factor on every weight, under which `robustness` is measured."""

INVALID = -10.0
"""The score of what cannot be evaluated: below any that can."""


@dataclass(frozen=True)
class Met:
    """A genome on a batch of trials of every task: what objectives are computed from."""

    genome: Genome
    tasks: tuple[Task, ...]
    evaluations: tuple[Evaluation, ...]
    key: tuple[int, ...]
    n_trials: int

    @property
    def valid(self) -> bool:
        """Whether the genome could be evaluated on all tasks."""
        return all(e.valid for e in self.evaluations)

    @property
    def normalised(self) -> tuple[float, ...]:
        """The reported kind of score on each task."""
        return tuple(_normalised(e.raw, t) for e, t in zip(self.evaluations, self.tasks, strict=True))

    @property
    def graded(self) -> tuple[float, ...]:
        """The finer kind of score on each task, to train by; `INVALID` where there is none."""
        pairs = zip(self.evaluations, self.tasks, strict=True)
        return tuple(_normalised(e.graded, t) if e.valid else INVALID for e, t in pairs)

    def worth(self, parsimony: float) -> float:
        """What selection goes by: the mean graded score; a synapse costs `parsimony` of what is above chance."""
        if not self.valid:
            return INVALID
        cost = parsimony * self.evaluations[0].synapses
        return mean(self.graded) - cost * max(0.0, mean(self.normalised))

    @property
    def cases(self) -> tuple[float, ...]:
        """For lexicase: the graded score of each task, or of a single task the credit of each right answer."""
        return self.graded if len(self.tasks) > 1 else self.evaluations[0].cases

    @cached_property
    def noisy(self) -> tuple[Evaluation, ...]:
        """The same trials with noise on all weights."""
        key, n = self.key, self.n_trials
        return tuple(evaluate(self.genome, t, key, n, weight_noise=WEIGHT_NOISE) for t in self.tasks)


@dataclass(frozen=True)
class Objective:
    """`of` a batch that was met; `sign` +1 to be maximised, −1 to be minimised."""

    sign: float
    of: Callable[[Met], float]


def _normalised(score: float, task: Task) -> float:
    return (score - task.chance) / (task.ceiling - task.chance)


def mean(values: Sequence[float]) -> float:
    """Of a few numbers: ten times faster than NumPy's."""
    return sum(values) / len(values)


def _robustness(met: Met) -> float:
    """The mean score with noise on all weights, on the same trials."""
    return mean(
        [_normalised(e.graded, t) if e.valid else INVALID for e, t in zip(met.noisy, met.tasks, strict=True)]
    )


OBJECTIVES: dict[str, Objective] = {
    "score": Objective(1.0, lambda met: mean(met.graded)),
    "worst": Objective(1.0, lambda met: min(met.graded)),
    "energy": Objective(-1.0, lambda met: mean([e.energy_pJ for e in met.evaluations])),
    "spikes": Objective(-1.0, lambda met: mean([e.spikes for e in met.evaluations])),
    "neurons": Objective(-1.0, lambda met: float(met.evaluations[0].neurons)),
    "synapses": Objective(-1.0, lambda met: float(met.evaluations[0].synapses)),
    "robustness": Objective(1.0, _robustness),
}
"""By name: `score` is the mean over tasks and `worst` the least of them; costs are per trial."""
