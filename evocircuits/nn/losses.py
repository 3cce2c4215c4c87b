"""Losses that PyTorch has none of: of spike times, spike trains and firing rates."""

from math import exp

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from evocircuits.errors import InputError
from evocircuits.nn.readout import first_spike_steps


def first_spike_loss(spikes: Tensor, classes: Tensor, *, tau_steps: float = 5.0) -> Tensor:
    """Cross-entropy of which of F = classes output neurons fires first: spikes float[T, B, F], int[B] → a number.

    −log softmax(−t / τ) of the correct neuron, t its first spike (T if silent), τ = `tau_steps` (Göltz et al., Nat.
    Mach. Intell. 3 (2021), without their regulariser).
    """
    _check_positive("first_spike_loss: tau_steps", tau_steps)
    return cross_entropy(-first_spike_steps(spikes) / tau_steps, classes)


def van_rossum_distance(spikes: Tensor, target: Tensor, *, tau_steps: float = 10.0) -> Tensor:
    """The mean over trials and features of D² = (1/τ) Σ_t (f_t − g_t)², for spikes and target float[T, B, F].

    f and g are the trains filtered by e^{−t/τ} (van Rossum, Neural Comput. 13 (2001)): a train against none counts ½ a
    spike, as two spikes far apart count 1, for τ ≫ 1 step and trains that have decayed by the end.
    """
    _check_positive("van_rossum_distance: tau_steps", tau_steps)
    if spikes.shape != target.shape:
        raise InputError(
            f"van_rossum_distance: expected trains of one shape; got {tuple(spikes.shape)}, {tuple(target.shape)}"
        )
    decay, trace, total = exp(-1 / tau_steps), 0.0, 0.0
    for difference in spikes - target:
        trace = decay * trace + difference
        total = total + trace.square()
    return total.mean() / tau_steps


def rate_penalty(spikes: Tensor, *, low: float = 0.0, high: float = 1.0) -> Tensor:
    """How far neurons' rates, in spikes a step over steps and trials, are outside low…high: mean of squares.

    `spikes`: float[T, B, F]. The upper bound saves energy, the lower keeps neurons from falling silent (Zenke & Vogels,
    Neural Comput. 33 (2021)).
    """
    if not 0 <= low <= high:
        raise InputError(f"rate_penalty: expected 0 ≤ low ≤ high; got {low}, {high}")
    rate = spikes.mean((0, 1))
    return (torch.relu(rate - high).square() + torch.relu(low - rate).square()).mean()


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise InputError(f"{name}: expected a value > 0; got {value}")
