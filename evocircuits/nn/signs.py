"""Dale's law under gradient descent: a magnitude is a reference times an exponential, so no step can turn its sign.

    magnitude = reference · e^{log_scale}

`log_scale` is what an optimizer moves, and 0 gives the reference exactly. Steps are relative, as with the exponentiated
gradient (Kivinen & Warmuth, Inf. Comput. 132 (1997); for Dale networks, Cornford et al., bioRxiv 2024.10.25.620272).
"""

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError

FLOOR = 1e-6
"""A zero weight, which no exponential reaches, starts at this share of the largest: silent, but trainable."""

LIMIT = 16.0
"""|log_scale| acts up to here (a factor of 9 million), so that no step makes a magnitude infinite."""


class Magnitudes(nn.Module):
    """Trainable magnitudes ≥ 0: calling it gives float[copies, n], each row starting at `reference` (n values ≥ 0).

    The reference stays in float64 whatever the module's dtype, so that `.to(torch.float64)` loses nothing. A NaN in
    `log_scale` counts as no change, an infinite one as `LIMIT`. Raises `InputError` for negative or NaN references.
    """

    def __init__(self, reference, copies: int = 1, *, dtype: torch.dtype | None = None):
        super().__init__()
        reference = torch.tensor(reference, dtype=torch.float64).reshape(1, -1)
        if not bool(((reference >= 0) & reference.isfinite()).all()):
            raise InputError("magnitudes: expected finite numbers ≥ 0 (Dale's law)")
        largest = float(reference.max()) if reference.numel() else 0.0
        self._reference = reference.clamp_min(FLOOR * (largest or 1.0))
        self.log_scale = nn.Parameter(torch.zeros(copies, reference.shape[1], dtype=dtype))

    def forward(self) -> Tensor:
        """float[copies, n] ≥ 0, differentiable in `log_scale`."""
        scale = torch.exp(self.log_scale.nan_to_num(nan=0.0).clamp(-LIMIT, LIMIT))
        return self._reference.to(scale) * scale

    def extra_repr(self) -> str:
        """Their number."""
        return f"{self.log_scale.shape[1]}, copies={self.log_scale.shape[0]}"
