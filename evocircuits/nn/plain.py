"""The dynamics as a PyTorch loop over time, differentiated by autograd: the meaning of a layer, on any device."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.checkpoint import checkpoint

from evocircuits.nn.wiring import Backend, Weights, Wiring, rest
from evocircuits.simulator import models


def run_plain(
    wiring: Wiring,
    drive: Tensor,
    weights: Weights,
    backend: Backend | None = None,
    state: Tensor | None = None,
    *,
    smooth: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Spikes and state as `dynamics.run` has them.

    With `smooth` a neuron sends ψ's integral ½ + (V − θ) / (u + β |V − θ|) in place of a spike, while reset and
    refractoriness stay as they are: a function whose derivative is, almost everywhere, the surrogate.
    """
    backend = backend or Backend()
    given = rest(wiring, drive.shape[0], drive.shape[3], drive) if state is None else state
    if backend.recompute:
        spikes, after = _in_segments(wiring, drive, weights, given, smooth)
    else:
        spikes, after = _loop(wiring, drive, weights, given, smooth, state is not None)
    if backend.rows is not None:
        spikes = spikes.index_select(2, torch.tensor(backend.rows, device=drive.device))
    return spikes, None if state is None else after


def segment_steps(wiring: Wiring, n_steps: int) -> int:
    """Steps between stored states at which states and one segment's values take the least memory together."""
    return max(1, min(n_steps, round((n_steps * wiring.state_rows) ** 0.5)))


def _in_segments(wiring, drive, weights, state, smooth):
    parts = []
    for part in drive.split(segment_steps(wiring, drive.shape[1]), 1):
        spikes, state = checkpoint(_loop, wiring, part, weights, state, smooth, True, use_reentrant=False)
        parts.append(spikes)
    return torch.cat(parts, 1), state


def _loop(
    wiring: Wiring, drive: Tensor, weights: Weights, state: Tensor, smooth: bool, goes_on: bool
) -> tuple[Tensor, Tensor | None]:
    n_steps = drive.shape[1]
    table = torch.as_tensor(wiring.propagator).to(drive)[:, :, None].unbind(1)
    height, slope = torch.as_tensor(wiring.steepness).to(drive)[:, :, None].unbind(1)
    threshold = weights.thresholds(wiring)[:, :, None]
    v, i_ex, i_in, left = state[:, :4].unbind(1)
    charge_at = _Charge(wiring, drive, weights, state)
    for step in range(n_steps):
        held = left > 0
        moved = v * table[models.P22] + i_ex * table[models.P21_EX] + i_in * table[models.P21_IN]
        moved = torch.where(held, v.detach(), moved + table[models.DRIVE])  # held, it is at reset
        left = torch.where(held, left - 1, left)
        charge_ex, charge_in = charge_at(step)
        i_ex = i_ex * table[models.P11_EX] + charge_ex
        i_in = i_in * table[models.P11_IN] - charge_in
        fired = (moved >= threshold).detach()
        spikes = _Threshold.apply(moved - threshold, height, slope, smooth)
        charge_at.sent.append(torch.where(held, 0.0, spikes))
        v = torch.where(fired, table[models.RESET], moved)
        left = torch.where(fired, table[models.REFRACTORY_STEPS], left)
    whole = torch.stack(charge_at.sent, 1)
    if not goes_on:
        return whole, None
    pending = [charge_at(n_steps + j) for j in range(wiring.longest_delay)]
    after = [v, i_ex, i_in, left.expand_as(v), *(ex for ex, _ in pending), *(in_ for _, in_ in pending)]
    return whole, torch.stack(after, 1)


class _Charge:
    """What arrives in a step, excitatory and inhibitory, float[K, N, B]: of afferents, of spikes `sent`, of a state."""

    def __init__(self, wiring: Wiring, drive: Tensor, weights: Weights, state: Tensor):
        synapses, longest = wiring.synapses, wiring.longest_delay
        self.n = wiring.n_neurons
        self.longest = longest
        self.external = _arrivals(wiring, drive, weights.afferent)
        self.pending = state[:, 4 : 4 + longest], state[:, 4 + longest :]
        self.groups = [
            (
                delay,
                chosen,
                _index(drive, (synapses.target + self.n * wiring.inhibitory[synapses.source])[chosen]),
            )
            for delay, chosen in _by_delay(synapses.delay)
        ]
        self.source = synapses.source
        self.weight = weights.synapse[:, synapses.order, None]
        self.nothing = drive.new_zeros(drive.shape[0], 2 * self.n, drive.shape[3])
        self.sent: list[Tensor] = []

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        charge = self.nothing
        for delay, chosen, row in self.groups:
            if 0 <= step - delay < len(self.sent):
                passed = self.weight[:, chosen] * self.sent[step - delay][:, self.source[chosen]]
                charge = charge.index_add(1, row, passed)
        ex, in_ = self.external[:, step] + charge[:, : self.n], charge[:, self.n :]
        if step < self.longest:
            return ex + self.pending[0][:, step], in_ + self.pending[1][:, step]
        return ex, in_


def _by_delay(delays: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return [(int(d), np.flatnonzero(delays == d)) for d in np.unique(delays)]


def _index(like: Tensor, values: np.ndarray) -> Tensor:
    return torch.as_tensor(values, device=like.device)


def _arrivals(wiring: Wiring, drive: Tensor, weight: Tensor) -> Tensor:
    # A spike stamped k × dt with delay d raises the current at the end of update k + d − 1.
    copies, n_steps, _, trials = drive.shape
    afferents, longest = wiring.afferents, wiring.longest_delay
    weight = weight[:, None, afferents.order, None]
    total = drive.new_zeros(copies, n_steps + longest, wiring.n_neurons, trials)
    for delay, chosen in _by_delay(afferents.delay):
        sent = weight[:, :, chosen] * drive[:, :, afferents.source[chosen]]
        late = pad(sent, (0, 0, 0, 0, delay - 1, longest - delay + 1))
        total = total.index_add(2, _index(drive, afferents.target[chosen]), late)
    return total


class _Threshold(torch.autograd.Function):
    @staticmethod
    def forward(ctx, above, height, slope, smooth):
        ctx.save_for_backward(above, height, slope)
        return 0.5 + height * above / (1 + slope * above.abs()) if smooth else (above >= 0).to(above.dtype)

    @staticmethod
    def backward(ctx, grad):
        above, height, slope = ctx.saved_tensors
        return grad * height / (1 + slope * above.abs()) ** 2, None, None, None
