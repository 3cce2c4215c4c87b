"""Networks trained alike, to be compared: the arms of a comparison with their means over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from evocircuits.library import Training
from evocircuits.plots import t_975


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval by Student's t; with one seed the interval is the mean."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Interval":
        """Of the values of all seeds."""
        mean, n = float(np.mean(values)), len(values)
        half = float(t_975(n) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
        return cls(mean, mean - half, mean + half)

    @classmethod
    def of_shares(cls, values: Sequence[float]) -> "Interval":
        """The same of shares, cut off at none and all."""
        whole = cls.of(values)
        return cls(whole.mean, max(0.0, whole.low), min(1.0, whole.high))


@dataclass(frozen=True)
class Arm:
    """The networks of one arm, a seed each: test accuracy and what a sample costs, and their learning curves.

    `curve`: an interval of the validation accuracy for every epoch.
    """

    name: str
    seeds: int
    accuracy: Interval
    spikes: Interval
    synaptic_events: Interval
    energy_pJ: Interval | None
    parameters: int
    curve: tuple[Interval, ...]


@dataclass(frozen=True)
class Group:
    """A comparison: of which motif, on which data, for how many epochs, with how many copies."""

    motif: str
    data: str
    epochs: int
    copies: int
    arms: tuple[Arm, ...]

    @property
    def key(self) -> str:
        """What tells it from others on a page."""
        return f"{self.motif[:12]}-{self.data}-{self.epochs}-{self.copies}"


def groups(trainings: Iterable[Training]) -> list[Group]:
    """Trainings in comparisons, the arms of each the most accurate first."""

    def alike(t: Training) -> tuple:
        return t.motif, t.data, t.epochs, t.copies

    found = []
    for key, of_group in groupby(sorted(trainings, key=alike), key=alike):
        by_arm: dict[str, list[dict]] = {}
        for training in of_group:
            by_arm.setdefault(training.arm, []).append(training.result)
        arms = [_arm(name, results) for name, results in by_arm.items()]
        found.append(Group(*key, tuple(sorted(arms, key=lambda arm: -arm.accuracy.mean))))
    return found


def _arm(name: str, results: list[dict]) -> Arm:
    def of(metric: str) -> Interval:
        return Interval.of([result[metric] for result in results])

    energies = [np.mean(result["energy_pJ"]) for result in results if "energy_pJ" in result]
    epochs = min(len(result["validation_accuracy"]) for result in results)
    return Arm(
        name=name,
        seeds=len(results),
        accuracy=Interval.of_shares([result["test_accuracy"] for result in results]),
        spikes=of("spikes"),
        synaptic_events=of("synaptic_events"),
        energy_pJ=Interval.of(energies) if energies else None,
        parameters=results[0]["parameters"],
        curve=tuple(
            Interval.of_shares([r["validation_accuracy"][k] for r in results]) for k in range(epochs)
        ),
    )
