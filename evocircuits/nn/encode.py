"""From values to spikes, in steps: latency, rate, burst and delta codes, of whole samples or row after row.

The simulator's codes (simulator/encode.py) make spike times for a stimulus; these make the dense spikes of a layer's
input, float[steps, B, features], in memory (features, steps, B) as the kernels want them.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from evocircuits.errors import InputError


class LatencyEncoder(nn.Module):
    """One spike a feature, the brighter the earlier: intensities float[B, F] in 0…1 → spikes float[steps, B, F].

    Intensity 1 fires at index 0, the least above 0 at `window − 1`, and 0 never. The `steps − window` that remain let
    the network finish. (Thorpe's rank-order idea in its linear form; Göltz et al., Nat. Mach. Intell. 3 (2021).)
    """

    def __init__(self, *, steps: int, window: int):
        super().__init__()
        if not 1 <= window <= steps:
            raise InputError(f"LatencyEncoder: expected 1 ≤ window ≤ steps; got {window}, {steps}")
        self.steps, self.window = steps, window

    def forward(self, intensity: Tensor) -> Tensor:
        """float[B, F] in 0…1 → 0/1 float[steps, B, F]. Raises `InputError` for other shapes and values."""
        _check_intensity("LatencyEncoder", intensity)
        latency = ((1 - intensity) * (self.window - 1)).round().long()
        spikes = intensity.new_zeros(intensity.shape[1], self.steps, intensity.shape[0])
        spikes.scatter_(1, latency.T[:, None], (intensity > 0).to(intensity).T[:, None])
        return spikes.permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Steps and window."""
        return f"steps={self.steps}, window={self.window}"


class RateEncoder(nn.Module):
    """In every step a spike with probability intensity × `most`: float[B, F] in 0…1 → spikes float[steps, B, F].

    A Bernoulli process, the Poisson train of a grid; drawn from `generator`, or from torch's own without one.
    """

    def __init__(self, *, steps: int, most: float = 0.5, generator: torch.Generator | None = None):
        super().__init__()
        if steps < 1 or not 0 < most <= 1:
            raise InputError(f"RateEncoder: expected steps ≥ 1 and 0 < most ≤ 1; got {steps}, {most}")
        self.steps, self.most, self.generator = steps, most, generator

    def forward(self, intensity: Tensor) -> Tensor:
        """float[B, F] in 0…1 → 0/1 float[steps, B, F]. Raises `InputError` for other shapes and values."""
        _check_intensity("RateEncoder", intensity)
        shape = intensity.shape[1], self.steps, intensity.shape[0]
        drawn = torch.rand(shape, generator=self.generator, dtype=intensity.dtype, device=intensity.device)
        return (drawn < self.most * intensity.T[:, None]).to(intensity).permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Steps and the largest probability."""
        return f"steps={self.steps}, most={self.most:g}"


class BurstEncoder(nn.Module):
    """A burst a feature from index 0, the brighter the longer: float[B, F] in 0…1 → spikes float[steps, B, F].

    round(intensity × `max_spikes`) spikes, `interval` steps apart (Lisman, Trends Neurosci. 20 (1997)).
    """

    def __init__(self, *, steps: int, max_spikes: int, interval: int = 1):
        super().__init__()
        if max_spikes < 1 or interval < 1 or steps < (max_spikes - 1) * interval + 1:
            raise InputError(
                "BurstEncoder: expected max_spikes and interval ≥ 1, and steps for the longest burst; "
                f"got {max_spikes}, {interval}, {steps}"
            )
        self.steps, self.max_spikes, self.interval = steps, max_spikes, interval

    def forward(self, intensity: Tensor) -> Tensor:
        """float[B, F] in 0…1 → 0/1 float[steps, B, F]. Raises `InputError` for other shapes and values."""
        _check_intensity("BurstEncoder", intensity)
        length = (intensity * self.max_spikes).round().T[:, None]
        spikes = intensity.new_zeros(intensity.shape[1], self.steps, intensity.shape[0])
        rank = torch.arange(self.max_spikes, device=intensity.device)[:, None]
        spikes[:, : self.max_spikes * self.interval : self.interval] = (rank < length).to(intensity)
        return spikes.permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Steps, spikes and interval."""
        return f"steps={self.steps}, max_spikes={self.max_spikes}, interval={self.interval}"


class DeltaEncoder(nn.Module):
    """Spikes where a signal has changed by `threshold`: float[T, B, F] → spikes float[T, B, 2 F], up before down.

    A feature's up (down) channel fires when the signal is at least `threshold` above (below) the level that its spikes
    have told so far, which each spike moves by `threshold`, from the signal's first value on; at most one in a step
    (send-on-delta; the pixels of Lichtsteiner et al., IEEE J. Solid-State Circuits 43 (2008)).
    """

    def __init__(self, *, threshold: float):
        super().__init__()
        if not threshold > 0:
            raise InputError(f"DeltaEncoder: expected a threshold > 0; got {threshold}")
        self.threshold = threshold

    @torch.no_grad()
    def forward(self, signal: Tensor) -> Tensor:
        """float[T, B, F] → 0/1 float[T, B, 2 F]. Raises `InputError` for other shapes."""
        if signal.ndim != 3 or not len(signal):
            raise InputError(
                f"DeltaEncoder: expected a signal (steps, trials, features); got {tuple(signal.shape)}"
            )
        told = signal[0]
        steps = []
        for now in signal:
            change = (now - told) / self.threshold
            up, down = (change >= 1).to(signal), (change <= -1).to(signal)
            told = told + self.threshold * (up - down)
            steps.append(torch.cat([up, down], 1).T)
        return torch.stack(steps, 1).permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Threshold."""
        return f"threshold={self.threshold:g}"


class RowEncoder(nn.Module):
    """Parts of a sample one after another, each by `encoder`: float[B, rows × F] → spikes float[T, B, F].

    T is `rows` × the steps of `encoder`, such as a `LatencyEncoder`, and `rest` more, for the network to finish.
    """

    def __init__(self, encoder: nn.Module, *, rows: int, rest: int = 0):
        super().__init__()
        if rows < 1 or rest < 0:
            raise InputError(f"RowEncoder: expected rows ≥ 1 and rest ≥ 0; got {rows}, {rest}")
        self.encoder, self.rows, self.rest = encoder, rows, rest

    def forward(self, intensity: Tensor) -> Tensor:
        """float[B, rows × F] in 0…1 → 0/1 float[T, B, F]. Raises `InputError` for other shapes and values."""
        _check_intensity("RowEncoder", intensity)
        if intensity.shape[1] % self.rows:
            raise InputError(
                f"RowEncoder: expected {self.rows} equal rows; got {intensity.shape[1]} features"
            )
        trials, features = len(intensity), intensity.shape[1] // self.rows
        spikes = self.encoder(
            intensity.reshape(trials * self.rows, features)
        )  # steps, trials × rows, features
        spikes = spikes.permute(2, 0, 1).unflatten(2, (trials, self.rows)).permute(0, 3, 1, 2).flatten(1, 2)
        return pad(spikes, (0, 0, 0, self.rest)).permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Rows and the steps after them."""
        return f"rows={self.rows}, rest={self.rest}"


def receptive_fields(share: Tensor, fields: int) -> Tensor:
    """How near values float[n, F] in 0…1 are to `fields` ≥ 2 values side by side: float[n, F × fields] in 0…1.

    1 at a field's own value, 0 at two places from it: for a code in which the nearer field fires the earlier (Bohte,
    Kok & La Poutré, Neurocomputing 48 (2002)).
    """
    apart = (share[:, :, None] * (fields - 1) - torch.arange(fields).to(share)).abs()
    return (1 - apart / 2).clamp_min(0).flatten(1)


def _check_intensity(owner: str, intensity: Tensor) -> None:
    if intensity.ndim != 2 or not bool(((intensity >= 0) & (intensity <= 1)).all()):
        raise InputError(
            f"{owner}: expected intensities 0…1 (trials, features); got {tuple(intensity.shape)}"
        )
