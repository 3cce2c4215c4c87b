"""Dale's law under gradient descent: a magnitude is a reference times a factor ≥ 0 that a raw parameter stands for.

    magnitude = reference · factor(raw),   factor(start) = 1

`exp`       factor = e^raw: steps are relative, and none can reach zero or turn a sign;
`softplus`  factor = ln(1 + e^raw) / ln(1 + e^start): relative when small, additive when large;
`clamp`     factor = raw, projected onto raw ≥ 0 after each step (projected gradient);
`eg`        as `clamp`, but meant for `ExponentiatedGradient`, which needs no projection (optimizers.py);
`relu`      factor = max(raw, 0): the control that is known to be bad, as a weight at zero gets no gradient.
"""

from collections.abc import Callable
from math import e, exp, log
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from evocircuits.errors import InputError

FLOOR = 1e-6
"""A zero weight, which no exponential reaches, starts at this share of the largest: silent, but trainable."""

LIMIT = 16.0
"""A factor acts up to e^LIMIT (9 million), so that no step makes a magnitude infinite."""


class Sign(NamedTuple):
    """A way to keep magnitudes ≥ 0: `factor` of raw values, `raw` of factors, the raw value of factor 1."""

    factor: Callable[[Tensor], Tensor]
    raw: Callable[[Tensor], Tensor]
    start: float
    projected: bool = False


def _softplus_factor(raw: Tensor) -> Tensor:
    return softplus(raw.clamp(max=exp(LIMIT))) / softplus(raw.new_full((), _SOFTPLUS_START))


def _softplus_raw(factor: Tensor) -> Tensor:
    height = factor * softplus(factor.new_full((), _SOFTPLUS_START))
    return height + torch.log(-torch.expm1(-height))


def _same(values: Tensor) -> Tensor:
    return values


_SOFTPLUS_START = log(e - 1)
SIGNS = {
    "exp": Sign(lambda raw: torch.exp(raw.clamp(-LIMIT, LIMIT)), torch.log, 0.0),
    "softplus": Sign(_softplus_factor, _softplus_raw, _SOFTPLUS_START),
    "clamp": Sign(_same, _same, 1.0, projected=True),
    "eg": Sign(_same, _same, 1.0, projected=True),
    "relu": Sign(lambda raw: torch.relu(raw.clamp(max=exp(LIMIT))), _same, 1.0),
}


class Magnitudes(nn.Module):
    """Trainable magnitudes ≥ 0: calling it gives float[copies, n], each row starting at `reference` (n values ≥ 0).

    `sign` names one of `SIGNS`. The reference stays in float64 whatever the module's dtype, so that
    `.to(torch.float64)` loses nothing. A NaN in `raw` counts as no change, an infinite one as the limit. Raises
    `InputError` for negative or NaN references and unknown signs.
    """

    def __init__(self, reference, copies: int = 1, *, sign: str = "exp", dtype: torch.dtype | None = None):
        super().__init__()
        if sign not in SIGNS:
            raise InputError(f"magnitudes: expected a sign of {', '.join(SIGNS)}; got {sign!r}")
        reference = torch.tensor(reference, dtype=torch.float64).reshape(1, -1)
        if not bool(((reference >= 0) & reference.isfinite()).all()):
            raise InputError("magnitudes: expected finite numbers ≥ 0 (Dale's law)")
        largest = float(reference.max()) if reference.numel() else 0.0
        self.sign = sign
        self._reference = reference.clamp_min(FLOOR * (largest or 1.0))
        self.raw = nn.Parameter(torch.full((copies, reference.shape[1]), SIGNS[sign].start, dtype=dtype))

    def forward(self) -> Tensor:
        """float[copies, n] ≥ 0, differentiable in `raw`."""
        self.project_()
        kind = SIGNS[self.sign]
        factor = kind.factor(self.raw.nan_to_num(nan=kind.start, posinf=exp(LIMIT), neginf=-exp(LIMIT)))
        return self._reference.to(factor) * factor

    @torch.no_grad()
    def project_(self) -> None:
        """Bring `raw` back to where factors are ≥ 0, for the signs that need it; a forward pass does so, too."""
        if SIGNS[self.sign].projected:
            # Autograd saves no factor's value, so the change need not be known to it.
            self.raw.data.nan_to_num_(nan=SIGNS[self.sign].start).clamp_(0.0, exp(LIMIT))

    @torch.no_grad()
    def multiply_(self, factor: Tensor | float) -> None:
        """Multiply the magnitudes by `factor` > 0: a number, or values that spread to float[copies, n]."""
        kind = SIGNS[self.sign]
        self.raw.copy_(kind.raw(kind.factor(self.raw) * factor))

    def extra_repr(self) -> str:
        """Their number, and how they stay ≥ 0 unless by `exp`."""
        sign = "" if self.sign == "exp" else f", sign={self.sign}"
        return f"{self.raw.shape[1]}, copies={self.raw.shape[0]}{sign}"


def project(module: nn.Module) -> None:
    """Project every `Magnitudes` in `module`, as its next forward pass would."""
    for part in module.modules():
        if isinstance(part, Magnitudes):
            part.project_()


def project_after(optimizer: Optimizer, module: nn.Module) -> RemovableHandle:
    """From now on project `module` after each step of `optimizer`; the handle's `remove()` ends it."""
    return optimizer.register_step_post_hook(lambda *_: project(module))
