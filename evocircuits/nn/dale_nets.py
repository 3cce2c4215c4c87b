"""Networks of rate units under Dale's law, as in the literature: column E/I networks and DANNs.

Column E/I: each unit sends with one sign, so each column of a weight matrix has one (Song, Yang & Wang, PLoS Comput.
Biol. 12 (2016)). DANN: excitatory units alone send on, and each layer has inhibitory units of its own that subtract and
divide (Cornford et al., Learning to live with Dale's principle, ICLR 2021).
"""

from itertools import pairwise
from math import log, pi, sqrt

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.nn.linear import check_features
from evocircuits.nn.signs import Magnitudes


class ColumnLinear(nn.Module):
    """W x + b, W = |W| D, D = +1 for the first inputs, −1 for the last `inhibitory`: float[…, in] → float[…, out].

    Magnitudes start exponential, drawn from `generator`, such that a row's excitation and inhibition balance in the
    mean, and the squares of W have the mean 2 / in_features of He's initialisation for ReLU.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        inhibitory: int,
        sign: str = "clamp",
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if in_features < 1 or out_features < 1 or not 0 <= inhibitory < in_features:
            raise InputError(
                "ColumnLinear: expected sizes ≥ 1 and fewer inhibitory inputs than inputs; "
                f"got {in_features}, {out_features}, {inhibitory}"
            )
        self.in_features, self.out_features, self.inhibitory = in_features, out_features, inhibitory
        excitatory = in_features - inhibitory
        ratio = excitatory / max(1, inhibitory)
        # The mean square of an exponential of mean m is 2 m²; inhibitory means are excitatory ones × ratio.
        mean = sqrt(1 / (excitatory + inhibitory * ratio**2))
        means = [mean] * excitatory + [mean * ratio] * inhibitory
        self.weight = Magnitudes(means, out_features, sign=sign)
        spread = torch.empty_like(self.weight.raw).detach()
        self.weight.multiply_(spread.exponential_(generator=generator))
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.register_buffer("polarity", torch.tensor([1.0] * excitatory + [-1.0] * inhibitory))

    def forward(self, x: Tensor) -> Tensor:
        """float[…, in_features] ≥ 0 → float[…, out_features]."""
        check_features("ColumnLinear", x, self.in_features, self.bias.dtype)
        return x @ (self.weight() * self.polarity).T + self.bias

    def extra_repr(self) -> str:
        """Widths, and how many inputs inhibit."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, inhibitory={self.inhibitory}"
        )


class DannLinear(nn.Module):
    """A DANN layer before its nonlinearity: float[…, in_features] ≥ 0 → float[…, out_features].

        z = (g / γ) ⊙ (W_EE x − W_EI h) + β,   h = W_IE x,   γ = W_EI (e^α ⊙ h)

    with all W ≥ 0. At first W_EE is exponential with mean and deviation 1 / in_features, drawn from `generator`, each
    row of W_IE the mean of W_EE's rows and W_EI 1 / `inhibitory`: inhibition takes the mean of W_EE x away, and with
    e^α = √(π / in_features) γ is its standard deviation for the rectified normal inputs of a layer before, so that the
    layer starts as a layer norm.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        inhibitory: int = 1,
        sign: str = "clamp",
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if min(in_features, out_features, inhibitory) < 1:
            got = f"{in_features}, {out_features}, {inhibitory}"
            raise InputError(f"DannLinear: expected sizes ≥ 1; got {got}")
        self.in_features, self.out_features, self.inhibitory = in_features, out_features, inhibitory
        mean = 1 / in_features
        drawn = torch.empty(out_features, in_features).exponential_(generator=generator)
        self.w_ee = Magnitudes([mean] * in_features, out_features, sign=sign)
        self.w_ee.multiply_(drawn)
        self.w_ie = Magnitudes((mean * drawn.mean(0)).tolist(), inhibitory, sign=sign)
        self.w_ei = Magnitudes([1 / inhibitory] * inhibitory, out_features, sign=sign)
        self.alpha = nn.Parameter(torch.full((inhibitory,), log(pi / in_features) / 2))
        self.gain = nn.Parameter(torch.ones(out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: Tensor) -> Tensor:
        """float[…, in_features] ≥ 0 → float[…, out_features]."""
        check_features("DannLinear", x, self.in_features, self.bias.dtype)
        h, w_ei = x @ self.w_ie().T, self.w_ei()
        gamma = (self.alpha.exp() * h) @ w_ei.T
        least = torch.finfo(x.dtype).tiny ** 0.5  # an input of nothing but zeros divides 0 by it
        return self.gain / gamma.clamp_min(least) * (x @ self.w_ee().T - h @ w_ei.T) + self.bias

    def extra_repr(self) -> str:
        """Widths and inhibitory units."""
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, inhibitory={self.inhibitory}"
        )


INHIBITORY_SHARE = 5
"""One unit in so many inhibits, in the networks below, as in cortex."""


def column_net(widths: list[int], *, generator: torch.Generator | None = None) -> nn.Sequential:
    """`ColumnLinear`s with ReLU in between: inputs float[…, widths[0]] ≥ 0 excite, of hidden units a fifth inhibit."""
    pairs = _pairs("column_net", widths)
    maps = [
        ColumnLinear(n, m, inhibitory=n // INHIBITORY_SHARE if i else 0, generator=generator)
        for i, (n, m) in enumerate(pairs)
    ]
    return _rectified(maps)


def dann_net(widths: list[int], *, generator: torch.Generator | None = None) -> nn.Sequential:
    """`DannLinear`s with ReLU in between, each with one inhibitory unit for every ten of its outputs, at least one."""
    pairs = _pairs("dann_net", widths)
    return _rectified([DannLinear(n, m, inhibitory=max(1, m // 10), generator=generator) for n, m in pairs])


def _pairs(owner: str, widths: list[int]) -> list[tuple[int, int]]:
    if len(widths) < 2:
        raise InputError(f"{owner}: expected two widths or more; got {widths}")
    return list(pairwise(widths))


def _rectified(maps: list[nn.Module]) -> nn.Sequential:
    parts = [part for one in maps for part in (one, nn.ReLU())]
    return nn.Sequential(*parts[:-1])
