"""Where a simulation stands: membranes, spikes under way, memories and weights of plastic synapses."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator.kernels import LAST, LAST_POST, MEMORY, NEVER, PASSED, WEIGHT
from evocircuits.simulator.wiring import ROW_PADDING, Wiring, wire

LONGEST_QUEUE = 2**29
"""How many entries a queue may have room for; it takes memory only as far as it fills."""
PACKED_AT_ONCE = 2**20
"""Bytes from which on a queue is not kept as it is for a state that nobody may ask for."""


class Queue(NamedTuple):
    """Spikes under way as the kernel holds them: `entries` uint64[blocks, D × capacity × 2], units and masks in turn,
    filled from the start of each slot to its `end`, uint64[blocks, D].
    """

    entries: np.ndarray
    end: np.ndarray


@dataclass(frozen=True, eq=False)
class Batch:
    """Blocks of trials between two runs. Steps are counted from the present.

    `membrane` float[blocks, N × (4 × lanes + padding)]; the spikes under way: `waiting` int64[blocks, D], how many
    units wait in each slot, and all `entries` uint64[waiting, 2], units and masks; `memory` float[blocks, P × lanes ×
    MEMORY] of plastic synapses.
    """

    lanes: int
    membrane: np.ndarray
    waiting: np.ndarray
    entries: np.ndarray
    memory: np.ndarray

    @classmethod
    def at_rest(cls, wiring: Wiring, weight_pA: np.ndarray, lanes: int, n_trials: int) -> "Batch":
        """Before the first step. Lanes beyond the last trial stay refractory for ever."""
        n_blocks, dtype = -(-n_trials // lanes), wiring.propagator.dtype
        membrane = aligned(n_blocks, len(wiring.propagator) * (4 * lanes + ROW_PADDING), dtype)
        unused = slice(4 * lanes - -n_trials % lanes, 4 * lanes)
        membrane.reshape(n_blocks, -1, 4 * lanes + ROW_PADDING)[-1, :, unused] = NEVER
        memory = aligned(n_blocks, len(weight_pA) * lanes * MEMORY, dtype)
        if len(weight_pA):
            of_synapse = memory.reshape(n_blocks, len(weight_pA), lanes, MEMORY)
            of_synapse[..., [LAST, LAST_POST]] = -NEVER
            of_synapse[..., [WEIGHT, PASSED]] = weight_pA[:, None, None]
        waiting = np.zeros((n_blocks, wiring.n_slots), np.int64)
        return cls(lanes, membrane, waiting, np.zeros((0, 2), np.uint64), memory)

    def copy(self) -> "Batch":
        """A batch that the kernel may change, while this one stays."""
        copies = []
        for array in (self.membrane, self.memory):
            copies.append(aligned(*array.shape, array.dtype))
            copies[-1][:] = array
        return replace(self, membrane=copies[0], memory=copies[1])

    def replaced(self, lanes: np.ndarray, other: "Batch") -> "Batch":
        """With those `lanes`, bool[blocks, lanes], of another batch under which no spikes are under way."""
        mine, n_blocks = self.copy(), len(self.membrane)
        columns = {
            "membrane": np.pad(np.tile(lanes, 4), ((0, 0), (0, ROW_PADDING))),
            "memory": np.repeat(lanes, MEMORY, axis=1),
        }
        for name, column in columns.items():
            own, given = (
                getattr(batch, name).reshape(n_blocks, -1, column.shape[1]) for batch in (mine, other)
            )
            np.copyto(own, given, where=column[:, None])
        bits = (lanes * 2 ** np.arange(self.lanes, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        entries, slot = self.entries.copy(), np.repeat(np.arange(self.waiting.size), self.waiting.ravel())
        entries[:, 1] &= ~bits[slot // self.waiting.shape[1]]
        left = entries[:, 1] != 0
        waiting = np.bincount(slot[left], minlength=self.waiting.size).reshape(self.waiting.shape)
        return replace(mine, waiting=waiting, entries=entries[left])

    def queue(self, capacity: int) -> Queue:
        """The spikes under way, in a queue with room for `capacity` units in each slot.

        Raises `InputError` when there might be too many of them for the memory.
        """
        n_blocks, n_slots = self.waiting.shape
        if n_blocks * n_slots * capacity > LONGEST_QUEUE:
            raise InputError(
                f"simulate: expected at most {LONGEST_QUEUE} blocks of trials × delay steps × synapses; got "
                f"{n_blocks} × {n_slots} × {capacity}: take fewer trials at once, a longer dt_ms, shorter delays, or "
                "fewer spikes of one channel in the same step"
            )
        entries = np.empty((n_blocks * n_slots * capacity, 2), np.uint64)
        within = np.arange(n_slots) * capacity
        if len(self.entries):
            begin = within + np.arange(n_blocks)[:, None] * n_slots * capacity
            entries[_places(begin.ravel(), self.waiting.ravel())] = self.entries
        return Queue(entries.reshape(n_blocks, -1), (2 * (within + self.waiting)).astype(np.uint64))


@dataclass(frozen=True, eq=False)
class Left:
    """What the kernel left of a batch and its queue after `n_steps`; nobody else may hold these arrays."""

    batch: Batch
    queue: Queue
    n_steps: int
    slots_per_step: int

    def packed(self) -> Batch:
        """The batch with that moment as its present."""
        batch, (n_blocks, n_slots) = self.batch.copy(), self.queue.end.shape
        slots = (np.arange(n_slots) + self.n_steps * self.slots_per_step) % n_slots
        entries = self.queue.entries.reshape(-1, 2)
        within = slots * (len(entries) // n_blocks // n_slots)
        waiting = self.queue.end[:, slots].astype(np.int64) // 2 - within
        begin = within + np.arange(n_blocks)[:, None] * (len(entries) // n_blocks)
        row, lanes = 4 * batch.lanes + ROW_PADDING, batch.lanes
        batch.membrane.reshape(n_blocks, -1, row)[:, :, 3 * lanes : 4 * lanes] -= self.n_steps
        batch.memory.reshape(n_blocks, -1, MEMORY)[:, :, [LAST, LAST_POST]] -= self.n_steps
        kept = entries[_places(begin.ravel(), waiting.ravel())]
        return replace(batch, waiting=waiting, entries=kept)


@dataclass(frozen=True, eq=False)
class State:
    """Where a simulation stopped, to be passed back to `simulate` for the same circuit, time step and batch size.

    `step`: steps since the beginning; `repeats`: the most spikes of one channel within a step so far.
    """

    circuit: Circuit
    dt_ms: float
    n_trials: int
    dtype: np.dtype
    step: int
    repeats: int
    truncated: bool
    left: Left | Batch

    @cached_property
    def batch(self) -> Batch:
        """Packed when first asked for, since most simulations end where they stop; large queues are packed at once."""
        return self.left if isinstance(self.left, Batch) else self.left.packed()

    def restarted(self, which: np.ndarray) -> "State":
        """The state in which the trials of `which`, bool[trials], are at rest again, as before their first step, while
        the others go on and the count of steps does, too.
        """
        batch = self.batch
        wiring, plastic = wire(self.circuit, self.dt_ms, self.dtype, batch.lanes)
        rest = Batch.at_rest(wiring, plastic.weight_pA, batch.lanes, self.n_trials)
        lanes = np.zeros((len(batch.membrane), batch.lanes), bool)
        lanes.ravel()[: self.n_trials] = which
        return replace(self, left=batch.replaced(lanes, rest))

    def check(self, circuit: Circuit, dt_ms: float, n_trials: int, dtype: np.dtype) -> None:
        """Raises `InputError` unless the state is whole and of this circuit, time step, number type and batch size."""
        mine = (self.circuit, self.dt_ms, self.n_trials, self.dtype)
        asked = (circuit, dt_ms, n_trials, dtype)
        names = ("circuit", "dt_ms", "number of trials", "dtype")
        for what, got, expected in zip(names, mine, asked, strict=True):
            if got is not expected and got != expected:
                raise InputError(
                    f"simulate: expected a state of this circuit, time step, dtype and number of trials: its {what} "
                    f"{expected}; got {got}"
                )
        if self.truncated:
            raise InputError(
                "simulate: expected the state of a whole run; got that of one cut short by max_spikes"
            )


def aligned(n_blocks: int, size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros of shape [n_blocks, size] from the start of a cache line on: vectors across two lines cost a third of the
    speed.
    """
    if not size:
        return np.zeros((n_blocks, 0), dtype)
    line = 64
    raw = np.zeros(n_blocks * size * dtype.itemsize + line, np.uint8)
    start = -raw.__array_interface__["data"][0] % line
    return raw[start : start + n_blocks * size * dtype.itemsize].view(dtype).reshape(n_blocks, size)


def _places(begin: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The numbers begin[0] … begin[0] + length[0] − 1, begin[1] … in a row."""
    before = np.cumsum(length) - length
    return np.repeat(begin - before, length) + np.arange(int(length.sum()))
