"""Stimuli: which spikes arrive on which input channel in which trial."""

from dataclasses import dataclass, field

import numpy as np

from evocircuits.errors import InputError


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spike events of one input port: `time_ms` float[E] ≥ 0, `trial` int[E], `channel` int[E], in any order."""

    time_ms: np.ndarray
    trial: np.ndarray
    channel: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "time_ms", np.ascontiguousarray(self.time_ms, float))
        for name in ("trial", "channel"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.int64))
        lengths = {len(self.time_ms), len(self.trial), len(self.channel)}
        if len(lengths) > 1:
            raise InputError(
                f"Spikes: expected time_ms, trial and channel of one length; got {sorted(lengths)}"
            )
        if len(self.time_ms) and not (np.isfinite(self.time_ms).all() and self.time_ms.min() >= 0):
            raise InputError("Spikes.time_ms: expected finite times ≥ 0")


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A batch of `n_trials` presentations lasting `duration_ms`; `spikes` maps an input port to its events."""

    n_trials: int
    duration_ms: float
    spikes: dict[str, Spikes] = field(default_factory=dict)

    def __post_init__(self):
        if self.n_trials < 1 or not self.duration_ms > 0:
            raise InputError(
                f"Stimulus: expected ≥ 1 trial and a duration > 0; got {self.n_trials}, {self.duration_ms}"
            )
        for name, spikes in self.spikes.items():
            if len(spikes.trial) and not (spikes.trial.min() >= 0 and spikes.trial.max() < self.n_trials):
                raise InputError(f"Stimulus: port {name!r}: expected trials 0…{self.n_trials - 1}")

    @classmethod
    def from_dense(cls, spikes: dict[str, np.ndarray], *, dt_ms: float) -> "Stimulus":
        """From 0/1 arrays of shape (steps, trials, channels), one a port; entry k is a spike at time k × dt."""
        shapes = {array.shape[:2] for array in spikes.values()}
        if len(shapes) != 1:
            raise InputError(
                f"Stimulus.from_dense: expected one (steps, trials) for all ports; got {sorted(shapes)}"
            )
        (n_steps, n_trials) = shapes.pop()
        events = {}
        for name, array in spikes.items():
            step, trial, channel = np.nonzero(array)
            events[name] = Spikes(step * dt_ms, trial, channel)
        return cls(n_trials, n_steps * dt_ms, events)
