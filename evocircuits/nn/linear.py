"""Maps between layers: non-negative weights from excitatory units, and what every layer's input must look like."""

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.nn.signs import Magnitudes


class DaleLinear(nn.Module):
    """A linear map with weights ≥ 0, from excitatory units: float[T, B, in_features] → float[T, B, out_features].

    Its real-valued output is the amplitude that a `MotifLayer` multiplies with its afferent weights: 1 is one spike's
    worth. Weights start log-normal around `gain` (default 2 / in_features) with a spread of one e-fold, drawn from
    `generator`. Leading axes other than (T, B) will do as well.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        gain: float | None = None,
        sign: str = "exp",
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        gain = 2 / max(1, in_features) if gain is None else gain
        if in_features < 1 or out_features < 1 or not gain > 0:
            raise InputError(
                f"DaleLinear: expected sizes ≥ 1 and a gain > 0; got {in_features}, {out_features}, {gain}"
            )
        self.in_features, self.out_features = in_features, out_features
        self.weight = Magnitudes([gain] * in_features, out_features, sign=sign, dtype=dtype)
        spread = torch.empty_like(self.weight.raw).detach()
        self.weight.multiply_(torch.exp(spread.normal_(generator=generator)))

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, in_features] → float[T, B, out_features]."""
        check_features("DaleLinear", x, self.in_features, self.weight.raw.dtype)
        return weighted(x, self.weight())

    def extra_repr(self) -> str:
        """Widths."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


def weighted(x: Tensor, weight: Tensor) -> Tensor:
    """float[..., in] times float[out, in] as float[..., out]; in memory (out, ...), as the kernels want it."""
    columns = x.movedim(-1, 0).reshape(x.shape[-1], -1)
    return (weight @ columns).reshape(-1, *x.shape[:-1]).movedim(0, -1)


def check_input(owner: str, x: Tensor, features: int, dtype: torch.dtype | None = None) -> None:
    """Raises `InputError` unless `x` is (steps, trials, features), and of `dtype` if given."""
    if x.ndim != 3 or x.shape[2] != features:
        raise InputError(f"{owner}: expected input (steps, trials, {features}); got {tuple(x.shape)}")
    check_features(owner, x, features, dtype)


def check_features(owner: str, x: Tensor, features: int, dtype: torch.dtype | None = None) -> None:
    """Raises `InputError` unless the last axis of `x` is `features` long, and `x` of `dtype` if given."""
    if x.ndim < 1 or x.shape[-1] != features:
        raise InputError(f"{owner}: expected input (…, {features}); got {tuple(x.shape)}")
    if not x.is_floating_point() or x.dtype != (dtype or x.dtype):
        raise InputError(f"{owner}: expected input of {dtype or 'a floating-point type'}; got {x.dtype}")
