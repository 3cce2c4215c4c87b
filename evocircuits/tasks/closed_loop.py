"""Closed loops in steps of an interval: bodies are told something, circuits spike, and what the outputs spiked decides
on what the bodies do next. All bodies of all circuits step side by side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from evocircuits.simulator import UNLIMITED, Record, Spikes
from evocircuits.tasks.base import Play, Task
from evocircuits.tasks.side_by_side import Done, SideBySide, plays


class World(Protocol):
    """A batch of bodies. `observation`: what each is told, one row a body."""

    observation: np.ndarray

    def step(self, action: np.ndarray, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Let those that are still `playing`, bool[bodies], act, each by its row of `action`.

        Returns the rewards, float[bodies], and which episodes are over, bool[bodies].
        """


class Interval(NamedTuple):
    """What an interval brought: what was told and `done`, and to those `playing`, bool[bodies], their rewards,
    float[bodies].
    """

    done: Done
    playing: np.ndarray
    reward: np.ndarray


@dataclass(frozen=True)
class Loop:
    """How circuits and a world meet, every `interval_ms`.

    `encode`: the input spikes by port of what was observed by those playing; `decide`: the next action of each body by
    the spike counts of its outputs, int[bodies, K], and its last action.
    """

    interval_ms: float
    dt_ms: float
    encode: Callable[[np.ndarray, np.ndarray], dict[str, Spikes]]
    decide: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def intervals(
        self,
        together: SideBySide,
        world: World,
        action: np.ndarray,
        limits: np.ndarray | int = UNLIMITED,
        record: Record | None = None,
    ) -> Iterator[Interval]:
        """Intervals until all episodes are over; `action` holds what counts as the last action of each body before any.

        A circuit whose spikes pass its limit gets no reward any more, that interval's included, and its episodes are
        over.
        """
        trials = len(action) // together.n
        playing, state, spent = np.ones(len(action), bool), None, np.zeros(together.n, int)
        while playing.any():
            told = self.encode(world.observation, playing)
            done = together.advance(
                told, self.interval_ms, dt_ms=self.dt_ms, trials=trials, state=state, record=record
            )
            spent += (done.spikes * playing).reshape(-1, trials).sum(axis=1)
            going_on = playing & np.repeat(spent <= limits, trials)
            action = self.decide(done.outputs, action)
            reward, over = world.step(action, going_on)
            yield Interval(done, playing, reward)
            before, playing = playing, going_on & ~over
            state = together.without_idle(done.state, before, playing)

    def tally(
        self, together: SideBySide, world: World, action: np.ndarray, limits: np.ndarray | int = UNLIMITED
    ) -> "Tally":
        """What whole episodes came to."""
        shape = together.n, len(action) // together.n
        tally = Tally(np.zeros(shape), np.zeros(shape, int), np.zeros(shape, int), np.zeros(together.n))
        for interval in self.intervals(together, world, action, limits):
            playing = interval.playing.reshape(shape)
            tally.returns[:] += interval.reward.reshape(shape)
            tally.spikes[:] += playing * interval.done.spikes.reshape(shape)
            tally.synaptic_events[:] += playing * interval.done.synaptic_events.reshape(shape)
            tally.simulated_ms[:] += playing.any(axis=1) * shape[1] * self.interval_ms
        return tally


class Tally(NamedTuple):
    """Of n circuits with T episodes each: `returns` float[n, T], `spikes` and `synaptic_events` int[n, T], and
    `simulated_ms` float[n].
    """

    returns: np.ndarray
    spikes: np.ndarray
    synaptic_events: np.ndarray
    simulated_ms: np.ndarray

    def plays(self, task: Task, limits: np.ndarray | int) -> list[Play]:
        """The play of each circuit; a return of the task's `per_credit` is a credit of 1."""
        return plays(task, self.returns / task.per_credit, *self[1:], limits)
