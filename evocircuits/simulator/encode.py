"""Codes by which values become spikes and currents: Poisson rates, white noise, latencies, bursts.

Poisson processes: Kingman, Poisson Processes (1993). White noise as in NEST's `noise_generator`. Latency: Thorpe &
Gautrais, Rank order coding (1998). Bursts: Lisman, Trends Neurosci. 20 (1997).

The random codes take one 128-bit key from the passed generator and give each trial a stream of its own under that key:
the counter-based generator Philox (Salmon et al., SC 2011) with the trial as the highest word of its counter. So a
trial's draws depend on the generator's state and the trial's index alone, and a batch of k trials is the beginning of
any larger one; a call moves the passed generator on by the same amount however many trials it makes.
"""

from collections.abc import Iterator

import numpy as np

from evocircuits.checks import (
    LARGEST,
    checked_count,
    checked_floats,
    checked_not_negative,
    checked_number,
    checked_positive,
    shown,
)
from evocircuits.errors import InputError
from evocircuits.simulator.stimulus import Spikes

MAX_SPIKES = 10**8
"""The most spikes that a call makes (24 bytes each); `poisson` bounds their expected number."""
MAX_CURRENTS = 10**9
"""The most numbers that `gaussian_current` draws (8 bytes each)."""


def poisson(rng: np.random.Generator, rate_Hz, *, duration_ms: float) -> Spikes:
    """Independent Poisson spike trains, exact in continuous time, over 0…`duration_ms`.

    `rate_Hz`: float[trials, channels] ≥ 0, or float[bins, trials, channels] for rates that change from bin to bin,
    each bin `duration_ms` / bins long. The count of a channel in a bin is Poisson with mean rate × length, and its
    spikes are uniform in the bin. They come in no order of time.

    A trial is drawn as one process (Kingman's colouring theorem read backwards): a Poisson number of spikes with the
    trial's expected total, each where a uniform number falls on the expected counts of bins and channels, end to end.

    Raises `InputError` for rates that are negative or not finite, other dimensions, no trials or channels, a duration
    that is not positive, and more than `MAX_SPIKES` expected spikes in all.
    """
    _check_generator("poisson", rng)
    rate = _filled("poisson", "rate_Hz", rate_Hz, {2: "trials, channels", 3: "bins, trials, channels"})
    duration_ms = checked_positive("poisson: duration_ms", duration_ms)
    n_bins, n_trials, n_channels = rate.shape if rate.ndim == 3 else (1, *rate.shape)
    bin_ms = duration_ms / n_bins
    with np.errstate(over="ignore"):
        expected = rate.reshape(n_bins, n_trials, n_channels).swapaxes(0, 1) * (bin_ms / 1000)
        _check_total("poisson: rate_Hz × duration_ms", expected.sum())
    edges = np.zeros((n_trials, 1 + n_bins * n_channels))
    np.cumsum(expected.reshape(n_trials, -1), axis=1, out=edges[:, 1:])
    positions, cells = [], []
    for stream, edge in zip(_streams(rng, n_trials), edges, strict=True):
        position = stream.random(stream.poisson(edge[-1])) * edge[-1]
        positions.append(position)
        cells.append(edge.searchsorted(position, side="right") - 1)  # never a cell that expects nothing
    trial = np.repeat(np.arange(n_trials), [len(p) for p in positions])
    position, cell = np.concatenate(positions), np.concatenate(cells)
    start, end = edges[trial, cell], edges[trial, cell + 1]
    spike_bin, channel = np.divmod(cell, n_channels)
    time_ms = (spike_bin + (position - start) / (end - start)) * bin_ms
    for array in (time_ms, trial, channel):
        array.setflags(write=False)  # so that Spikes need not copy them
    return Spikes(time_ms, trial, channel)


def gaussian_current(
    rng: np.random.Generator,
    n_trials: int,
    *,
    duration_ms: float,
    n_neurons: int,
    mean_pA: float = 0.0,
    std_pA: float,
    interval_ms: float = 1.0,
) -> np.ndarray:
    """float[bins, trials, neurons]: currents in pA, drawn anew from a normal distribution every `interval_ms`.

    White noise made piecewise constant, as by NEST's `noise_generator`: bins, trials and neurons are independent, and
    there are `duration_ms` / `interval_ms` bins. A membrane smooths bins shorter than its time constant, so its noise
    grows with `interval_ms` as well as with `std_pA`.

    Raises `InputError` for counts below 1, times that are not positive, a mean or deviation that is not finite, a
    negative deviation, an interval that does not divide the duration, and more than `MAX_CURRENTS` numbers in all.
    """
    _check_generator("gaussian_current", rng)
    n_trials = checked_count("gaussian_current: n_trials", n_trials, most=MAX_CURRENTS)
    n_neurons = checked_count("gaussian_current: n_neurons", n_neurons, most=MAX_CURRENTS)
    duration_ms = checked_positive("gaussian_current: duration_ms", duration_ms)
    interval_ms = checked_positive("gaussian_current: interval_ms", interval_ms)
    mean_pA = checked_number("gaussian_current: mean_pA", mean_pA)
    std_pA = checked_not_negative("gaussian_current: std_pA", std_pA)
    if (total := duration_ms / interval_ms * n_trials * n_neurons) > MAX_CURRENTS:
        raise InputError(
            f"gaussian_current: duration_ms / interval_ms × n_trials × n_neurons: expected at most {MAX_CURRENTS:.0e} "
            f"numbers in all; got {total:.3g}"
        )
    n_bins = round(duration_ms / interval_ms)
    if n_bins < 1 or abs(n_bins * interval_ms - duration_ms) > 1e-9 * duration_ms:
        raise InputError(
            f"gaussian_current: interval_ms: expected a divisor of the duration {duration_ms} ms; got {interval_ms}"
        )
    current = np.empty((n_bins, n_trials, n_neurons))
    for trial, stream in enumerate(_streams(rng, n_trials)):
        current[:, trial] = stream.standard_normal((n_bins, n_neurons))
    current *= std_pA
    current += mean_pA
    return current


def latency(values, *, window_ms: float) -> Spikes:
    """At most one spike a channel, the stronger the earlier: at (1 − value) × `window_ms`.

    `values`: float[trials, channels] in 0…1. Value 1 fires at time 0. Value 0 gives no spike, though the formula would
    put one at the window's end: absence is information, and a spike that says "nothing here" would cost as much as any
    other. A stimulus no longer than the window cuts off the weakest values.

    Source: Thorpe & Gautrais (1998), whose rank order this keeps, with the latency linear in the value.

    Raises `InputError` for values outside 0…1, other dimensions, no trials or channels, a window that is not positive.
    """
    array = _filled("latency", "values", values, {2: "trials, channels"}, high=1)
    window_ms = checked_positive("latency: window_ms", window_ms)
    trial, channel = np.nonzero(array)
    return Spikes((1 - array[trial, channel]) * window_ms, trial, channel)


def burst(values, *, max_spikes: int, interval_ms: float, start_ms: float = 0.0) -> Spikes:
    """A burst a channel, the stronger the longer: round(value × `max_spikes`) spikes, `interval_ms` apart.

    `values`: float[trials, channels] in 0…1. The first spike of every burst is at `start_ms`. Halves are rounded to the
    even number, as Python's `round` does.

    Source: Lisman (1997), the burst as the unit of information; Izhikevich et al., Trends Neurosci. 26 (2003), on
    what the interval selects.

    Raises `InputError` for values outside 0…1, other dimensions, no trials or channels, `max_spikes` below 1, an
    interval that is not positive, a negative start, and more than `MAX_SPIKES` spikes in all.
    """
    array = _filled("burst", "values", values, {2: "trials, channels"}, high=1)
    max_spikes = checked_count("burst: max_spikes", max_spikes, most=MAX_SPIKES)
    interval_ms = checked_positive("burst: interval_ms", interval_ms)
    start_ms = checked_not_negative("burst: start_ms", start_ms)
    length = np.rint(array * max_spikes).astype(np.int64).ravel()
    _check_total("burst: values × max_spikes", length.sum())
    burst_of = np.repeat(np.arange(len(length)), length)
    index = np.arange(len(burst_of)) - (np.cumsum(length) - length)[burst_of]
    trial, channel = np.divmod(burst_of, array.shape[1])
    return Spikes(start_ms + index * interval_ms, trial, channel)


def _streams(rng: np.random.Generator, n_trials: int) -> Iterator[np.random.Generator]:
    # One generator moved from trial to trial: making a thousand would cost more than drawing from them.
    philox = np.random.Philox(key=rng.integers(2**64, size=2, dtype=np.uint64))
    stream, state = np.random.Generator(philox), philox.state
    for trial in range(n_trials):
        state["state"]["counter"][3] = trial
        philox.state = state
        yield stream


def _filled(code: str, name: str, values, shapes: dict[int, str], high: float = LARGEST) -> np.ndarray:
    array = checked_floats(f"{code}: {name}", values, shapes=shapes, low=0, high=high)
    if not array.size:
        raise InputError(f"{code}: {name}: expected ≥ 1 along every axis; got shape {array.shape}")
    return array


def _check_generator(code: str, rng) -> None:
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"{code}: rng: expected a numpy.random.Generator; got {shown(rng)}")


def _check_total(name: str, total: float) -> None:
    if total > MAX_SPIKES:
        raise InputError(f"{name}: expected at most {MAX_SPIKES:.0e} spikes in all; got {total:.3g}")
