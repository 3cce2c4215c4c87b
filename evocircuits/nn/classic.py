"""The usual networks that motif networks are compared with: a multi-layer perceptron and a gated recurrent unit.

Weights start as PyTorch's do, uniform within ±1/√n of n inputs, or of n units of a recurrent layer, drawn from
`generator`.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError


def mlp(widths: list[int], *, generator: torch.Generator | None = None) -> nn.Sequential:
    """Linear maps with ReLU in between: float[…, widths[0]] → float[…, widths[-1]].

    Raises `InputError` for fewer than two widths and for widths below 1.
    """
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(f"mlp: expected two widths or more, each ≥ 1; got {widths}")
    parts: list[nn.Module] = []
    for n, m in pairwise(widths):
        parts += [_drawn(nn.Linear(n, m), n, generator), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


class GruReadout(nn.Module):
    """A gated recurrent unit and a linear map of its last state: float[T, B, in_features] → scores float[B, n_classes].

    torch.nn.GRU's equations, those of Cho et al. (EMNLP 2014) with the reset gate behind the recurrent map:

        r = σ(W_r x + U_r h),  z = σ(W_z x + U_z h),  n = tanh(W_n x + r ⊙ U_n h),  h ← (1 − z) ⊙ n + z ⊙ h
    """

    def __init__(
        self, in_features: int, hidden: int, n_classes: int, *, generator: torch.Generator | None = None
    ):
        super().__init__()
        if min(in_features, hidden, n_classes) < 1:
            raise InputError(f"GruReadout: expected sizes ≥ 1; got {in_features}, {hidden}, {n_classes}")
        self.gru = _drawn(nn.GRU(in_features, hidden), hidden, generator)
        self.linear = _drawn(nn.Linear(hidden, n_classes), hidden, generator)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, in_features] → float[B, n_classes]."""
        return self.linear(self.gru(x)[0][-1])


def _drawn(module: nn.Module, n: int, generator: torch.Generator | None) -> nn.Module:
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -(n**-0.5), n**-0.5, generator=generator)
    return module
