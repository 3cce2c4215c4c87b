"""From spikes to scores: counts, over all or in windows, first spikes, and leaky integrators, each behind a signed
linear map.

The first input fixes a readout's width, as with `torch.nn.LazyLinear`.
"""

from math import exp

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError


class CountReadout(nn.Module):
    """A signed linear map of spike counts: float[T, B, F] → scores float[B, n_classes]."""

    def __init__(self, n_classes: int):
        super().__init__()
        self.linear = _linear("CountReadout", n_classes)

    def forward(self, spikes: Tensor) -> Tensor:
        """float[T, B, F] → float[B, n_classes]."""
        return self.linear(spikes.sum(0))


class WindowReadout(nn.Module):
    """A signed linear map of spike counts in each of the last windows: float[T, B, F] → scores float[B, n_classes].

    `windows` of `steps` each, one after another up to the end. Raises `InputError` for fewer than one of either, and
    for an input of fewer steps than they take.
    """

    def __init__(self, n_classes: int, *, windows: int, steps: int):
        super().__init__()
        if min(windows, steps) < 1:
            raise InputError(f"WindowReadout: expected windows and steps ≥ 1; got {windows} and {steps}")
        self.linear = _linear("WindowReadout", n_classes)
        self.windows, self.steps = windows, steps

    def forward(self, spikes: Tensor) -> Tensor:
        """float[T, B, F] → float[B, n_classes]."""
        needed = self.windows * self.steps
        if len(spikes) < needed:
            raise InputError(
                f"WindowReadout: expected an input of at least {needed} steps; got {len(spikes)}"
            )
        counts = spikes[-needed:].unflatten(0, (self.windows, self.steps)).sum(1)
        return self.linear(counts.transpose(0, 1).flatten(1))

    def extra_repr(self) -> str:
        """Windows and their length."""
        return f"windows={self.windows}, steps={self.steps}"


class FirstSpikeReadout(nn.Module):
    """A signed linear map of how early each feature first fired: float[T, B, F] → scores float[B, n_classes].

    Earliness runs from 1 (in the first step) to 0 (never). Its gradient reaches every step up to the first spike
    (`first_spike_steps`).
    """

    def __init__(self, n_classes: int):
        super().__init__()
        self.linear = _linear("FirstSpikeReadout", n_classes)

    def forward(self, spikes: Tensor) -> Tensor:
        """float[T, B, F] → float[B, n_classes]."""
        return self.linear(1 - first_spike_steps(spikes) / len(spikes))


class LeakyReadout(nn.Module):
    """Leaky integrators of weighted spikes: float[T, B, F] → scores float[B, n_classes].

    y ← e^{−1/τ} y + W s_t + b (1 − e^{−1/τ}), from 0, with τ = `tau_steps`; scores are the last y, or with `reduce` the
    "mean" or "max" over steps (Bellec et al., Nat. Commun. 11 (2020)).
    """

    def __init__(self, n_classes: int, *, tau_steps: float = 20.0, reduce: str = "last"):
        super().__init__()
        if not tau_steps > 0 or reduce not in ("last", "mean", "max"):
            raise InputError(
                f"LeakyReadout: expected tau_steps > 0 and to reduce by last, mean, max; got {tau_steps}, {reduce!r}"
            )
        self.linear = _linear("LeakyReadout", n_classes)
        self.tau_steps, self.reduce = tau_steps, reduce

    def forward(self, spikes: Tensor) -> Tensor:
        """float[T, B, F] → float[B, n_classes]."""
        if self.reduce == "max":
            return self.trace(spikes).amax(0)
        # Both are linear in the spikes: weigh them over time first, and map once.
        share = self._weights(len(spikes)).to(spikes)
        return self.linear((share[:, None, None] * spikes).sum(0)) - self._late_bias(len(spikes))

    def trace(self, spikes: Tensor) -> Tensor:
        """y at every step, float[T, B, n_classes]."""
        decay = exp(-1 / self.tau_steps)
        y, steps = 0.0, []
        for spike in spikes:
            mapped = self.linear(spike)
            y = decay * y + mapped - decay * self.linear.bias
            steps.append(y)
        return torch.stack(steps)

    def _weights(self, n_steps: int) -> Tensor:
        age = torch.arange(n_steps - 1, -1, -1, dtype=torch.float64)
        decay = exp(-1 / self.tau_steps)
        if self.reduce == "last":
            return decay**age
        return (1 - decay ** (age + 1)) / (1 - decay) / n_steps

    def _late_bias(self, n_steps: int) -> Tensor:
        # The bias has been let in for n steps, 1 − e^{−n/τ} of it, and the linear map adds it whole.
        age = torch.arange(1, n_steps + 1, dtype=torch.float64)
        decay = exp(-1 / self.tau_steps)
        missing = decay**n_steps if self.reduce == "last" else float((decay**age).mean())
        return missing * self.linear.bias

    def extra_repr(self) -> str:
        """Time constant and reduction."""
        return f"tau_steps={self.tau_steps:g}, reduce={self.reduce}"


def first_spike_steps(spikes: Tensor) -> Tensor:
    """The index of each feature's first spike in 0/1 float[T, B, F], or T where there is none: float[B, F].

    Σ_t Π_{u ≤ t} (1 − s_u): differentiable in every spike up to the first.
    """
    return torch.cumprod(1 - spikes, 0).sum(0)


def _linear(owner: str, n_classes: int) -> nn.LazyLinear:
    if n_classes < 1:
        raise InputError(f"{owner}: expected n_classes ≥ 1; got {n_classes}")
    return nn.LazyLinear(n_classes)
