"""A stimulus as the kernel wants it: input spikes by time step, one mask of lanes for each step and channel."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.errors import InputError
from evocircuits.simulator.kernels import in_masks
from evocircuits.simulator.models import steps_of
from evocircuits.simulator.stimulus import Stimulus


class Events(NamedTuple):
    """Input spikes of all blocks: `start` int64[blocks, n_steps + 1] points into `channel` (all ports in one row) and
    `mask`, uint64[E]. A channel comes twice in a step where a trial holds two spikes of it.
    """

    start: np.ndarray
    channel: np.ndarray
    mask: np.ndarray


class Binned(NamedTuple):
    """A stimulus on the grid: its events, `counts` port → int[trials, channels], and `repeats`, the most
    spikes that one channel of one trial has within a step (at least 1).
    """

    events: Events
    counts: dict[str, np.ndarray]
    repeats: int


@lru_cache(maxsize=4)
def binned(stimulus: Stimulus, ports: tuple[tuple[str, int], ...], dt_ms: float, lanes: int) -> Binned:
    """The spikes of `stimulus` before its end, in blocks of `lanes` trials; `ports` are names and sizes in order.

    A generation of genomes evaluated on one stimulus reuses them. Raises `InputError` for ports and channels that are
    not there.
    """
    n_steps = int(steps_of(stimulus.duration_ms, dt_ms))
    sizes = dict(ports)
    offsets = dict(zip(sizes, np.cumsum([0, *sizes.values()]), strict=False))
    n_channels = max(1, sum(sizes.values()))
    steps, trials, channels = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for name, spikes in stimulus.spikes.items():
        check_port("stimulus", name, sizes)
        if len(spikes.channel) and not 0 <= spikes.channel.min() <= spikes.channel.max() < sizes[name]:
            raise InputError(
                f"simulate: stimulus port {name!r}: expected channels 0…{sizes[name] - 1}; got "
                f"{spikes.channel.min()}…{spikes.channel.max()}"
            )
        step = steps_of(spikes.time_ms, dt_ms)
        within = step < n_steps
        steps.append(step[within])
        trials.append(spikes.trial[within])
        channels.append(spikes.channel[within] + offsets[name])
    step, trial, channel = (np.concatenate(parts) for parts in (steps, trials, channels))
    counts = np.bincount(trial * n_channels + channel, minlength=stimulus.n_trials * n_channels)
    counts = counts.reshape(stimulus.n_trials, n_channels)
    counts.setflags(write=False)

    n_blocks = -(-stimulus.n_trials // lanes)
    start, channel, mask, repeats = in_masks(step, trial, channel, n_blocks, n_steps, n_channels, lanes)
    of_block = np.arange(n_blocks)[:, None] * n_steps + np.arange(n_steps + 1)
    events = Events(start[of_block], channel, mask)
    return Binned(events, {name: counts[:, o : o + sizes[name]] for name, o in offsets.items()}, repeats)


def check_port(what: str, name: str, sizes: dict[str, int]) -> None:
    """Raises `InputError` unless the circuit has that input port."""
    if name not in sizes:
        raise InputError(f"simulate: {what} port {name!r}: expected one of {sorted(sizes)}; got {name!r}")
