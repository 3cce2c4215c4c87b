"""From images to spikes, and from spike counts to class scores."""

from torch import Tensor, nn

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
        if intensity.ndim != 2 or not bool(((intensity >= 0) & (intensity <= 1)).all()):
            raise InputError(
                f"LatencyEncoder: expected intensities 0…1 (trials, features); got {tuple(intensity.shape)}"
            )
        latency = ((1 - intensity) * (self.window - 1)).round().long()
        spikes = intensity.new_zeros(intensity.shape[1], self.steps, intensity.shape[0])
        spikes.scatter_(1, latency.T[:, None], (intensity > 0).to(intensity).T[:, None])
        return spikes.permute(1, 2, 0)

    def extra_repr(self) -> str:
        """Steps and window."""
        return f"steps={self.steps}, window={self.window}"


class CountReadout(nn.Module):
    """A signed linear map of spike counts: float[T, B, F] → scores float[B, n_classes]; the first input fixes F."""

    def __init__(self, n_classes: int):
        super().__init__()
        if n_classes < 1:
            raise InputError(f"CountReadout: expected n_classes ≥ 1; got {n_classes}")
        self.linear = nn.LazyLinear(n_classes)

    def forward(self, spikes: Tensor) -> Tensor:
        """float[T, B, F] → float[B, n_classes]."""
        return self.linear(spikes.sum(0))
