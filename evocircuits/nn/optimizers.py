"""Exponentiated gradient: steps that multiply, so that a parameter keeps its sign and one at zero stays there.

    w ← w ⊙ exp(−η ∂L/∂w ⊙ sign(w))

Kivinen & Warmuth, Inf. Comput. 132 (1997), without normalisation; for networks of either sign and under Dale's law,
Cornford et al., bioRxiv 2024.10.25.620272.
"""

import torch
from torch.optim import Optimizer

from evocircuits.errors import InputError

LARGEST_EXPONENT = 8.0
"""A step multiplies by at most e^8, whatever the gradient."""


class ExponentiatedGradient(Optimizer):
    """Multiplicative steps for `params`, tensors or groups as torch's optimizers take them.

    `lr` > 0 is η; `momentum` in [0, 1) sums past gradients as `torch.optim.SGD` does. A NaN gradient makes no step.
    Raises `InputError` for values outside their domains.
    """

    def __init__(self, params, lr: float = 0.1, *, momentum: float = 0.0):
        if not lr > 0 or not 0 <= momentum < 1:
            raise InputError(
                f"ExponentiatedGradient: expected lr > 0 and momentum in [0, 1); got {lr}, {momentum}"
            )
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        """One step; `closure`, if given, computes the loss anew and is called first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    slope = self._with_momentum(parameter, group["momentum"])
                    exponent = (-group["lr"] * slope * parameter.sign()).nan_to_num(nan=0.0)
                    parameter.mul_(exponent.clamp_(-LARGEST_EXPONENT, LARGEST_EXPONENT).exp_())
        return loss

    def _with_momentum(self, parameter, momentum: float):
        if not momentum:
            return parameter.grad
        state = self.state[parameter]
        known = state.get("momentum_buffer")
        state["momentum_buffer"] = (
            parameter.grad.clone() if known is None else known * momentum + parameter.grad
        )
        return state["momentum_buffer"]
