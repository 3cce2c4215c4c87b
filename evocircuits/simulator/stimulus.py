"""Stimuli: what reaches a circuit from outside: spikes and analogue values on input channels, injected currents."""

from dataclasses import dataclass, field

import numpy as np

from evocircuits.errors import InputError

LARGEST = float(np.finfo(float).max)


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spike events of one input port: `time_ms` float[E] ≥ 0, `trial` int[E], `channel` int[E], in any order."""

    time_ms: np.ndarray
    trial: np.ndarray
    channel: np.ndarray

    def __post_init__(self):
        times = checked_floats("Spikes.time_ms", self.time_ms, shapes={1: "spikes"}, low=0)
        object.__setattr__(self, "time_ms", times)
        for name in ("trial", "channel"):
            object.__setattr__(self, name, _indices(f"Spikes.{name}", getattr(self, name)))
        lengths = [len(self.time_ms), len(self.trial), len(self.channel)]
        if len(set(lengths)) > 1:
            raise InputError(f"Spikes: expected time_ms, trial and channel of one length; got {lengths}")


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A batch of `n_trials` presentations lasting `duration_ms`.

    `spikes`: input port → its events. `graded`: input port → float[bins, trials, channels] ≥ 0, analogue values: while
    a bin lasts (duration / bins), each synapse of a channel passes the current weight_pA × value to its target, at once
    (a delay belongs to spikes). A port may carry both. `current_pA`: float[bins, trials, neurons] of either sign, or
    None: current injected into the circuit's neurons directly (background noise, a current clamp). Each array has bins
    of its own, of equal length.
    """

    n_trials: int
    duration_ms: float
    spikes: dict[str, Spikes] = field(default_factory=dict)
    graded: dict[str, np.ndarray] = field(default_factory=dict)
    current_pA: np.ndarray | None = None

    def __post_init__(self):
        if self.n_trials < 1 or not 0 < self.duration_ms <= LARGEST:
            raise InputError(
                f"Stimulus: expected ≥ 1 trial and a duration > 0; got {self.n_trials}, {self.duration_ms}"
            )
        for port, spikes in self.spikes.items():
            if len(spikes.trial) and not 0 <= spikes.trial.min() <= spikes.trial.max() < self.n_trials:
                raise InputError(
                    f"Stimulus.spikes[{port!r}]: expected trials 0…{self.n_trials - 1}; "
                    f"got {spikes.trial.min()}…{spikes.trial.max()}"
                )
        graded = {}
        for port, values in self.graded.items():
            graded[port] = self._binned(f"graded[{port!r}]", values, "channels", low=0)
        object.__setattr__(self, "graded", graded)
        if self.current_pA is not None:
            current = self._binned("current_pA", self.current_pA, "neurons", low=-LARGEST)
            object.__setattr__(self, "current_pA", current)

    def _binned(self, name: str, values, columns: str, *, low: float) -> np.ndarray:
        array = checked_floats(f"Stimulus.{name}", values, shapes={3: f"bins, trials, {columns}"}, low=low)
        if len(array) < 1 or array.shape[1] != self.n_trials:
            raise InputError(
                f"Stimulus.{name}: expected float[bins ≥ 1, trials = {self.n_trials}, {columns}]; "
                f"got shape {array.shape}"
            )
        return array

    @classmethod
    def from_dense(cls, spikes: dict[str, np.ndarray], *, dt_ms: float) -> "Stimulus":
        """From 0/1 arrays of shape (steps, trials, channels), one a port; entry k is a spike at time k × dt."""
        for name, array in spikes.items():
            if array.ndim != 3:
                raise InputError(
                    f"Stimulus.from_dense: port {name!r}: expected [steps, trials, channels]; got shape {array.shape}"
                )
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


def checked_floats(
    name: str, values, *, shapes: dict[int, str], low: float = -LARGEST, high: float = LARGEST
) -> np.ndarray:
    """`values` as a C-contiguous float array with as many dimensions as a key of `shapes`, all in `low`…`high`.

    Raises `InputError` otherwise, which calls the array `name` and its axes by the texts in `shapes`.
    """
    wanted = " or ".join(f"float[{axes}]" for axes in shapes.values())
    try:
        array = np.ascontiguousarray(values, float)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected {wanted}; got {_short(values)}") from None
    if array.ndim not in shapes:
        raise InputError(f"{name}: expected {wanted}; got shape {array.shape}")
    if array.size and not (array.min() >= low and array.max() <= high):  # so put that NaN fails
        wrong = array[~((array >= low) & (array <= high))][0]
        above = f" ≥ {low:g}" if low > -LARGEST else ""
        kind = f"finite numbers{above}" if high == LARGEST else f"numbers {low:g}…{high:g}"
        raise InputError(f"{name}: expected {kind}; got {wrong}")
    return array


def _indices(name: str, values) -> np.ndarray:
    try:
        given = np.asarray(values)
        array = np.ascontiguousarray(given, np.int64)
        whole = given.dtype.kind in "iu" or np.array_equal(array.ravel(), given.ravel())
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:  # NumPy would cut 0.5 to the index 0
        raise InputError(f"{name}: expected whole numbers; got {_short(values)}")
    if array.ndim != 1:
        raise InputError(f"{name}: expected int[spikes]; got shape {array.shape}")
    return array


def _short(values) -> str:
    return " ".join(str(values).split())[:60]
