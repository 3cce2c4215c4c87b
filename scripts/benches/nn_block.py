"""A motif layer as one would write it for speed in PyTorch: dense blocks of weights, one batched product a step.

The same model as `MotifLayer`: exact propagators, delays, refractoriness, surrogate derivative, detached reset. The
spikes of the last D steps lie side by side, so that one product with the weights of all delays gives what arrives.
"""

import torch
from torch import Tensor, nn

from evocircuits.motif import Motif
from evocircuits.nn import DaleLinear, MotifLayer
from evocircuits.simulator import models


def net_of(motif: Motif, copies: int, inputs: int) -> nn.Sequential:
    """The same map and magnitudes as `MotifLayer` starts with."""
    layer = MotifLayer(motif, copies)
    front = DaleLinear(inputs, layer.in_features, generator=torch.Generator().manual_seed(0))
    return nn.Sequential(front, Block(layer))


def spikes_shared(net: nn.Sequential, block: nn.Sequential, x: Tensor) -> float:
    """The share of the spikes of both that are the same."""
    with torch.no_grad():
        ours, theirs = net(x), block(x)
    return float((ours * theirs).sum() / torch.maximum(ours.sum(), theirs.sum()))


class Block(nn.Module):
    """float[T, B, in_features] → spikes float[T, B, out_features], of a layer's copies, as it starts."""

    def __init__(self, layer: MotifLayer):
        super().__init__()
        wiring, self.copies = layer.wiring, layer.copies
        self.n, self.n_channels, self.longest = wiring.n_neurons, wiring.n_channels, wiring.longest_delay
        table = torch.tensor(wiring.propagator, dtype=torch.float32)
        self.columns = [column[:, None] for column in table.unbind(1)]
        self.height, self.slope = (
            c[:, None] for c in torch.tensor(wiring.steepness, dtype=torch.float32).unbind(1)
        )
        self.outputs = layer.motif.circuit.output_neurons.copy()
        weights = layer.trained()
        synapses, afferents = wiring.synapses, wiring.afferents
        rows = synapses.target + self.n * wiring.inhibitory[synapses.source]
        # The spikes of d steps ago are the block longest − d of the history.
        at = rows * self.longest * self.n + (self.longest - synapses.delay) * self.n + synapses.source
        self.recurrent_at = torch.as_tensor(at)
        self.recurrent = nn.Parameter(weights.synapse[:, synapses.order].detach().log())
        late = afferents.delay - 1
        at = afferents.target * self.longest * self.n_channels
        self.afferent_at = torch.as_tensor(
            at + (self.longest - 1 - late) * self.n_channels + afferents.source
        )
        self.afferent = nn.Parameter(weights.afferent[:, afferents.order].detach().log())

    def forward(self, x: Tensor) -> Tensor:
        n_steps, trials, _ = x.shape
        k, n, longest = self.copies, self.n, self.longest
        drive = x.permute(2, 0, 1).unflatten(0, (k, self.n_channels)).transpose(1, 2)
        w_in = self._dense(self.afferent, self.afferent_at, n, longest * self.n_channels)
        w = self._dense(self.recurrent, self.recurrent_at, 2 * n, longest * n)
        drive = torch.cat([drive.new_zeros(k, longest - 1, self.n_channels, trials), drive], 1)
        v = i_ex = i_in = left = x.new_zeros(k, n, trials)
        history = [v] * longest
        c = self.columns
        for step in range(n_steps):
            held = left > 0
            moved = v * c[models.P22] + i_ex * c[models.P21_EX] + i_in * c[models.P21_IN] + c[models.DRIVE]
            moved = torch.where(held, v, moved)
            charge = torch.bmm(w, torch.cat(history[-longest:], 1))
            arriving = torch.bmm(w_in, drive[:, step : step + longest].flatten(1, 2))
            i_ex = i_ex * c[models.P11_EX] + charge[:, :n] + arriving
            i_in = i_in * c[models.P11_IN] - charge[:, n:]
            spikes = _Spike.apply(moved - c[models.THRESHOLD], self.height, self.slope)
            fired = spikes.detach() > 0
            v = torch.where(fired, c[models.RESET], moved)
            left = torch.where(fired, c[models.REFRACTORY_STEPS], (left - 1).clamp_min(0))
            history.append(spikes)
        spikes = torch.stack(history[longest:])[:, :, self.outputs]
        return spikes.permute(0, 3, 1, 2).flatten(2)

    def _dense(self, raw: Tensor, at: Tensor, rows: int, columns: int) -> Tensor:
        flat = raw.new_zeros(self.copies, rows * columns)
        return flat.index_add(1, at, raw.exp()).unflatten(1, (rows, columns))


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, above, height, slope):
        ctx.save_for_backward(above, height, slope)
        return (above >= 0).to(above.dtype)

    @staticmethod
    def backward(ctx, grad):
        above, height, slope = ctx.saved_tensors
        return grad * height / (1 + slope * above.abs()) ** 2, None, None
