"""Stimuli: what reaches a circuit from outside: spikes and analogue values on input channels, injected currents.

They cannot be changed once they are made, as the simulator keeps what it derives from them: arrays are copied unless
they are read-only already, and so are dictionaries.
"""

from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from evocircuits.checks import (
    LARGEST,
    checked_by_port,
    checked_count,
    checked_floats,
    checked_indices,
    checked_positive,
    read_only,
    shown,
)
from evocircuits.errors import InputError


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spike events of one input port: `time_ms` float[E] ≥ 0, `trial` int[E], `channel` int[E], in any order.

    Times are continuous here; a simulation rounds each to the nearest step of its grid, and passes on two spikes of one
    channel that fall into one step as two. The arrays are read-only.

    Raises `InputError` for arrays of other kinds or unequal lengths and for times that are negative or not finite.

    Two trials, in the first of which channel 0 spikes twice and in the second channel 1 once:

    >>> import evocircuits as ec
    >>> spikes = ec.Spikes(time_ms=[5.0, 8.5, 6.0], trial=[0, 0, 1], channel=[0, 0, 1])
    >>> spikes.time_ms[spikes.trial == 0]
    array([5. , 8.5])
    """

    time_ms: np.ndarray
    trial: np.ndarray
    channel: np.ndarray

    def __post_init__(self):
        times = checked_floats("Spikes.time_ms", self.time_ms, shapes={1: "spikes"}, low=0)
        object.__setattr__(self, "time_ms", read_only(times, self.time_ms))
        for name in ("trial", "channel"):
            given = getattr(self, name)
            indices = checked_indices(f"Spikes.{name}", given, axis="spikes")
            object.__setattr__(self, name, read_only(indices, given))
        lengths = [len(self.time_ms), len(self.trial), len(self.channel)]
        if len(set(lengths)) > 1:
            raise InputError(f"Spikes: expected time_ms, trial and channel of one length; got {lengths}")

    def __reduce__(self):  # a plain pickle's arrays would come back writable
        return Spikes, (self.time_ms, self.trial, self.channel)


@dataclass(frozen=True, eq=False)
class Stimulus:
    """A batch of `n_trials` presentations lasting `duration_ms`.

    `spikes`: input port → its events. A simulation rounds their times, and the duration, to the nearest step of its
    grid, and leaves out those at or after the end.

    `graded`: input port → float[bins, trials, channels] ≥ 0, analogue values: while a bin lasts (duration / bins), each
    synapse of a channel passes the current weight_pA × value to its target, at once (a delay belongs to spikes). The
    weight is the circuit's own: a plastic synapse passes graded values with its initial weight and learns nothing from
    them. A port may carry both.

    `current_pA`: float[bins, trials, neurons] of either sign, or None: current injected into the circuit's neurons
    directly (background noise, a current clamp). Each array has bins of its own, of equal length.

    Neither arrays nor dictionaries can be changed; `dataclasses.replace` makes another stimulus.

    Raises `InputError` for counts and durations that are none, trials out of range and arrays of another shape or with
    values that are negative (where they may not be) or not finite.

    >>> import evocircuits as ec
    >>> clicks = ec.Spikes(time_ms=[5.0, 6.0], trial=[0, 1], channel=[0, 0])
    >>> ec.Stimulus(2, 50.0, {"left": clicks}).spikes["left"].trial
    array([0, 1])
    """

    n_trials: int
    duration_ms: float
    spikes: dict[str, Spikes] = field(default_factory=dict)
    graded: dict[str, np.ndarray] = field(default_factory=dict)
    current_pA: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "n_trials", checked_count("Stimulus.n_trials", self.n_trials))
        object.__setattr__(self, "duration_ms", checked_positive("Stimulus.duration_ms", self.duration_ms))
        all_spikes = checked_by_port("Stimulus.spikes", self.spikes)
        for port, spikes in all_spikes.items():
            self._check_spikes(f"Stimulus.spikes[{port!r}]", spikes)
        object.__setattr__(self, "spikes", MappingProxyType(all_spikes))
        graded = checked_by_port("Stimulus.graded", self.graded)
        for port, values in graded.items():
            graded[port] = self._binned(f"graded[{port!r}]", values, "channels", low=0)
        object.__setattr__(self, "graded", MappingProxyType(graded))
        if self.current_pA is not None:
            current = self._binned("current_pA", self.current_pA, "neurons", low=-LARGEST)
            object.__setattr__(self, "current_pA", current)

    def _check_spikes(self, name: str, spikes: Spikes) -> None:
        if not isinstance(spikes, Spikes):
            raise InputError(f"{name}: expected Spikes; got {shown(spikes)}")
        if len(spikes.trial) and not 0 <= spikes.trial.min() <= spikes.trial.max() < self.n_trials:
            raise InputError(
                f"{name}: expected trials 0…{self.n_trials - 1}; got {spikes.trial.min()}…{spikes.trial.max()}"
            )

    def _binned(self, name: str, values, columns: str, *, low: float) -> np.ndarray:
        array = checked_floats(f"Stimulus.{name}", values, shapes={3: f"bins, trials, {columns}"}, low=low)
        if len(array) < 1 or array.shape[1] != self.n_trials:
            raise InputError(
                f"Stimulus.{name}: expected float[bins ≥ 1, trials = {self.n_trials}, {columns}]; "
                f"got shape {array.shape}"
            )
        return read_only(array, values)

    def __reduce__(self):  # as with Spikes; nor can a mapping proxy be pickled
        return Stimulus, (
            self.n_trials,
            self.duration_ms,
            dict(self.spikes),
            dict(self.graded),
            self.current_pA,
        )

    @classmethod
    def from_dense(cls, spikes: dict[str, np.ndarray], *, dt_ms: float) -> "Stimulus":
        """From 0/1 arrays of shape (steps, trials, channels), one a port; a 1 in step k is a spike at time k × dt.

        Raises `InputError` for other shapes and entries, ports of unequal steps or trials, and a step that is not > 0.
        """
        arrays = checked_by_port("Stimulus.from_dense: spikes", spikes)
        dt_ms = checked_positive("Stimulus.from_dense: dt_ms", dt_ms)
        for port, values in arrays.items():
            arrays[port] = _dense(f"Stimulus.from_dense: port {port!r}", values)
        if not arrays:
            raise InputError("Stimulus.from_dense: spikes: expected ≥ 1 port; got none")
        shapes = {array.shape[:2] for array in arrays.values()}
        if len(shapes) != 1:
            raise InputError(
                f"Stimulus.from_dense: expected one (steps, trials) for all ports; got {sorted(shapes)}"
            )
        (n_steps, n_trials) = shapes.pop()
        duration_ms = checked_positive("Stimulus.from_dense: steps × dt_ms", n_steps * dt_ms)
        events = {}
        for port, array in arrays.items():
            step, trial, channel = np.nonzero(array)
            events[port] = Spikes(step * dt_ms, trial, channel)
        return cls(n_trials, duration_ms, events)


def _dense(name: str, values) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:  # rows of unequal length
        raise InputError(f"{name}: expected [steps, trials, channels]; got {shown(values)}") from None
    if array.ndim != 3:
        raise InputError(f"{name}: expected [steps, trials, channels]; got shape {array.shape}")
    if 0 in array.shape[:2]:
        raise InputError(f"{name}: expected ≥ 1 step and ≥ 1 trial; got shape {array.shape}")
    if array.dtype != bool and (wrong := array[~((array == 0) | (array == 1))]).size:
        raise InputError(f"{name}: expected entries 0 and 1; got {shown(wrong[0])}")
    return array
