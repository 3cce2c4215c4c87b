"""What training came to: progress while it lasts, a record of each network, and means over seeds."""

from dataclasses import asdict, dataclass, fields

import numpy as np

METRICS = ("test_accuracy", "spikes", "synaptic_events", "parameters", "seconds")


@dataclass(frozen=True)
class Progress:
    """One epoch of one training run has ended."""

    arm: str
    seed: int
    epoch: int
    epochs: int
    train_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class TrainingRun:
    """One arm with one seed: learning curves (a value an epoch), test accuracy, and what one test sample costs.

    `spikes` are of the layer's neurons, `synaptic_events` effective accumulates and multiply-accumulates (costs.py),
    `energy_pJ` their range at 45 nm (hardware.py).
    """

    arm: str
    seed: int
    train_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    test_accuracy: float
    spikes: float
    synaptic_events: float
    energy_pJ: tuple[float, float]
    parameters: int
    seconds: float

    @classmethod
    def from_dict(cls, document: dict) -> "TrainingRun":
        """From what `dataclasses.asdict` made of one, and JSON of that."""
        values = {field.name: document[field.name] for field in fields(cls)}
        return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval by Student's t; with one seed the interval is the mean."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class TrainingResult:
    """Every run of `train_arms`, arm after arm, seed after seed; `notes` say what limits the comparison."""

    motif: str
    data: str
    epochs: int
    copies: int
    runs: tuple[TrainingRun, ...]
    notes: tuple[str, ...] = ()

    def summary(self, metric: str = "test_accuracy") -> dict[str, Interval]:
        """By arm, the interval of one of `METRICS`."""
        arms = dict.fromkeys(run.arm for run in self.runs)
        return {arm: _interval([getattr(run, metric) for run in self.runs if run.arm == arm]) for arm in arms}

    def to_dict(self) -> dict:
        """Runs and summaries as plain dictionaries, ready for JSON."""
        summary = {metric: {arm: asdict(i) for arm, i in self.summary(metric).items()} for metric in METRICS}
        return asdict(self) | {"runs": [asdict(run) for run in self.runs], "summary": summary}


def _interval(values: list[float]) -> Interval:
    from scipy.stats import t  # scikit-learn brings it

    mean, n = float(np.mean(values)), len(values)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return Interval(mean, mean - half, mean + half)
