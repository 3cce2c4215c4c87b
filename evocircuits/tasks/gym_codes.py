"""Population codes of Gymnasium's spaces: observations as input spikes, spikes of outputs as actions.

A number is told by `FIELDS` channels whose preferred values are spread over its range: a Gaussian of the distance
between the two decides when each spikes, the nearest first (Bohte, Kok & La Poutré, Neurocomputing 48 (2002)). It is
read as the mean preferred value of as many output neurons, each weighing as it spikes: a population vector
(Georgopoulos, Schwartz & Kettner, Science 233 (1986)), which Tang et al. (CoRL 2020) use for spiking policies.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.genome import Port
from evocircuits.simulator import Spikes
from evocircuits.simulator.encode import latency

INTERVAL_ms = 20.0
"""From one observation to the next."""
WINDOW_ms = 16.0
"""After which no channel spikes any more, so that the circuit can answer."""
FIELDS = 5
PREFERRED = np.linspace(0, 1, FIELDS)
WIDTH = PREFERRED[1]
"""Standard deviation of a field, as far as the next preferred value."""
LEAST = 0.1
"""A channel stays silent where its field says less."""
MOST_NUMBERS = 64
MOST_CHOICES = 1024


class Encoder(Protocol):
    """Of one observation space: the input `ports` of a circuit."""

    ports: tuple[Port, ...]

    def spikes(self, observation: np.ndarray, body: np.ndarray) -> dict[str, Spikes]:
        """By port, the spikes of so many observations, one a row; row k is for the trial `body[k]`."""


class Decoder(Protocol):
    """Of one action space: the output `ports` of a circuit, of K neurons in all."""

    ports: tuple[Port, ...]

    def first(self, n: int) -> np.ndarray:
        """What counts as the last actions of n bodies before any."""

    def actions(self, counts: np.ndarray, last: np.ndarray) -> np.ndarray:
        """The actions of n bodies by their spike counts, int[n, K]; where these do not tell, what they did last."""

    def drawn(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """As many actions by chance."""


def encoder_of(space) -> Encoder:
    """The encoder of a `gymnasium.Space`. Raises `InputError` unless it is a Box of up to 64 numbers or Discrete."""
    if _is(space, "Box") and 0 < np.prod(space.shape) <= MOST_NUMBERS:
        return Fields(space.low.ravel().astype(float), space.high.ravel().astype(float))
    if _is(space, "Discrete") and space.n <= MOST_CHOICES:
        return OneOf(int(space.n), int(space.start))
    raise InputError(
        f"observation space: expected a Box of at most {MOST_NUMBERS} numbers, or Discrete of at most {MOST_CHOICES}; "
        f"got {shown(space)}"
    )


def decoder_of(space) -> Decoder:
    """The decoder of a `gymnasium.Space`.

    Raises `InputError` for one that is neither Discrete nor a Box of up to 64 real numbers with bounds.
    """
    if _is(space, "Discrete") and space.n <= MOST_CHOICES:
        return Choice(int(space.n), int(space.start))
    real = _is(space, "Box") and np.issubdtype(space.dtype, np.floating)
    if real and 0 < np.prod(space.shape) <= MOST_NUMBERS and space.is_bounded():
        return Vector(space.low, space.high)
    raise InputError(
        f"action space: expected Discrete of at most {MOST_CHOICES}, or a Box of at most {MOST_NUMBERS} real numbers "
        f"with bounds; got {shown(space)}"
    )


def _numbered(name: str, n: int) -> tuple[Port, ...]:
    """A port for each of n numbers; the order of their names is that of the numbers (`action_00` … `action_10`)."""
    return tuple(Port(f"{name}_{k:0{len(str(n - 1))}}", FIELDS) for k in range(n))


def _is(space, kind: str) -> bool:
    """Without an import of Gymnasium, whose spaces these are."""
    return any(
        c.__module__.startswith("gymnasium.spaces") and c.__name__ == kind for c in type(space).__mro__
    )


@dataclass(frozen=True, eq=False)
class Fields:
    """Numbers within `low`…`high`, float[D]: a port of `FIELDS` channels for each.

    A range without an end is bent into one with an end: a number that far above a lower bound, or away from 0 where
    there is none, is at x / (1 + x).
    """

    low: np.ndarray
    high: np.ndarray

    @cached_property
    def ports(self) -> tuple[Port, ...]:
        """`observation_0`, `observation_1`, …"""
        return _numbered("observation", len(self.low))

    def spikes(self, observation: np.ndarray, body: np.ndarray) -> dict[str, Spikes]:
        """As `Encoder`: each channel once at most, from 0 (at its preferred value) to 14.4 ms."""
        place = self._places(np.asarray(observation, float).reshape(len(body), -1))
        field = np.exp(-(((place[..., None] - PREFERRED) / WIDTH) ** 2) / 2)
        field[field < LEAST] = 0
        of_port = {port.name: latency(field[:, k], window_ms=WINDOW_ms) for k, port in enumerate(self.ports)}
        return {name: Spikes(s.time_ms, body[s.trial], s.channel) for name, s in of_port.items()}

    def _places(self, value: np.ndarray) -> np.ndarray:
        """Where each number is between the ends of its range, 0…1."""
        value = np.nan_to_num(value)
        below, above = np.isfinite(self.low), np.isfinite(self.high)
        low, high = np.where(below, self.low, 0), np.where(above, self.high, 0)
        over, under = np.maximum(value - low, 0), np.maximum(high - value, 0)
        both = (value - low) / np.where(below & above, np.maximum(high - low, np.finfo(float).tiny), 1)
        neither = (1 + value / (1 + np.abs(value))) / 2
        place = np.where(below & above, both, np.where(below, over / (1 + over), 1 - under / (1 + under)))
        return np.clip(np.where(below | above, place, neither), 0, 1)


@dataclass(frozen=True)
class OneOf:
    """One of n, counted from `start`: a channel for each, and the one that is the case spikes at once."""

    n: int
    start: int = 0

    @property
    def ports(self) -> tuple[Port, ...]:
        """`observation`."""
        return (Port("observation", self.n),)

    def spikes(self, observation: np.ndarray, body: np.ndarray) -> dict[str, Spikes]:
        """As `Encoder`."""
        channel = np.asarray(observation).astype(int) - self.start
        return {"observation": Spikes(np.zeros(len(body)), body, channel)}


@dataclass(frozen=True)
class Choice:
    """One of n, counted from `start`: the one whose neuron spikes most. In a tie the last action, where it is among
    those tied, else the first of them; before any the first of all.
    """

    n: int
    start: int = 0

    @property
    def ports(self) -> tuple[Port, ...]:
        """`action`."""
        return (Port("action", self.n),)

    def first(self, n: int) -> np.ndarray:
        """As `Decoder`."""
        return np.full(n, self.start)

    def actions(self, counts: np.ndarray, last: np.ndarray) -> np.ndarray:
        """As `Decoder`, int[n]."""
        held = counts[np.arange(len(last)), last - self.start] == counts.max(axis=1)
        return np.where(held, last, counts.argmax(axis=1) + self.start)

    def drawn(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """As `Decoder`, all alike likely."""
        return rng.integers(self.n, size=n) + self.start


@dataclass(frozen=True, eq=False)
class Vector:
    """Numbers within `low`…`high`, arrays of the action's shape and type: a port of `FIELDS` neurons for each, whose
    mean preferred value counts. A number of which no neuron spikes stays as it was, before any in the middle.
    """

    low: np.ndarray
    high: np.ndarray

    @property
    def ports(self) -> tuple[Port, ...]:
        """`action_0`, `action_1`, …"""
        return _numbered("action", self.low.size)

    def first(self, n: int) -> np.ndarray:
        """As `Decoder`."""
        return self._at(np.full((n, *self.low.shape), 0.5))

    def actions(self, counts: np.ndarray, last: np.ndarray) -> np.ndarray:
        """As `Decoder`, float[n, …] of the action's type."""
        of_number = counts.reshape(len(counts), -1, FIELDS)
        total = of_number.sum(axis=2)
        place = of_number @ PREFERRED / np.maximum(total, 1)
        return np.where((total > 0).reshape(last.shape), self._at(place.reshape(last.shape)), last)

    def drawn(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """As `Decoder`, uniform."""
        return self._at(rng.random((n, *self.low.shape)))

    def _at(self, place: np.ndarray) -> np.ndarray:
        """The numbers at so far a way from low to high."""
        low, high = self.low.astype(float), self.high.astype(float)
        return np.clip((low + place * (high - low)).astype(self.low.dtype), self.low, self.high)
