"""Recurrent layers of LIF neurons with synaptic currents in Norse and snnTorch, over whole sequences."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def norse_recurrent(inputs: int, neurons: int) -> nn.Module:
    """`LIFRecurrent` with its defaults: float[T, B, inputs] → spikes float[T, B, neurons]."""
    from norse.torch import LIFRecurrent

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = LIFRecurrent(inputs, neurons)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)[0]

    return Whole()


def snntorch_recurrent(inputs: int, neurons: int) -> nn.Module:
    """`RSynaptic` with a linear map in front and one between its neurons, in the loop over steps its users write."""
    import snntorch

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.map = nn.Linear(inputs, neurons)
            self.layer = snntorch.RSynaptic(alpha=0.8, beta=0.9, linear_features=neurons)

        def forward(self, x: Tensor) -> Tensor:
            spikes, current, membrane = self.layer.init_rsynaptic()
            steps = []
            for mapped in self.map(x):
                spikes, current, membrane = self.layer(mapped, spikes, current, membrane)
                steps.append(spikes)
            return torch.stack(steps)

    return Whole()


PEERS: dict[str, Callable[[int, int], nn.Module]] = {
    "Norse LIFRecurrent": norse_recurrent,
    "snnTorch RSynaptic": snntorch_recurrent,
}
