"""The dynamics of a layer, twice: a plain PyTorch loop over time, and the fused kernels behind one autograd function.

Exact integration of `iaf_psc_exp` on a grid, with the update order of the simulator (simulator/models.py):

    V ← P22 V + P21ex Iex + P21in Iin + P20 Ibias  (held while refractory),   I ← P11 I + charge arriving,
    s = Θ(V − θ),   V ← reset where s = 1.

A spike's derivative is SuperSpike's, ds/dV = ψ = u⁻¹ (1 + β |V − θ| / u)⁻² with u = θ − reset (Zenke & Ganguli, Neural
Comput. 30 (2018)); the reset is detached, as is usual (Zenke & Vogels, Neural Comput. 33 (2021)).

Both take and give (copies, steps, rows, trials), the kernels' own layout.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.nn import kernels
from evocircuits.simulator import models


@dataclass(frozen=True, eq=False)
class Connections:
    """Synapses sorted by source, source i's at start[i]:start[i + 1]; `order` takes them from the circuit's order.

    `order`, `source`, `target`, `delay`: int[S], delays in steps ≥ 1; `start`: int[sources + 1].
    """

    order: np.ndarray
    source: np.ndarray
    start: np.ndarray
    target: np.ndarray
    delay: np.ndarray

    @classmethod
    def of(cls, source, target, delay_ms, n_sources: int, dt_ms: float) -> "Connections":
        """From int[S] sources and targets and float[S] delays, of which none may be below `dt_ms`."""
        order = np.argsort(source, kind="stable")
        start = np.searchsorted(source[order], np.arange(n_sources + 1))
        delay = models.delay_steps("circuit", delay_ms, dt_ms)
        return cls(order, source[order], start, target[order], delay[order])


@dataclass(frozen=True, eq=False)
class Wiring:
    """A circuit's fixed part on a grid of time.

    `propagator`: float[N, 10] (simulator/models.py); `steepness`: float[N, 2], 1/u and β/u; `inhibitory`: int[N];
    `afferents` and `synapses`: the connections of its input channels (port after port) and of its neurons.
    """

    propagator: np.ndarray
    steepness: np.ndarray
    inhibitory: np.ndarray
    afferents: Connections
    synapses: Connections

    @classmethod
    def of(cls, circuit: Circuit, *, dt_ms: float, slope: float) -> "Wiring":
        """The wiring of `circuit` on a grid of `dt_ms`; `slope` is the surrogate's β.

        Raises `InputError` for a circuit of another model than `iaf_psc_exp` and for plastic synapses.
        """
        _check_trainable(circuit)
        channels = np.cumsum([0, *(a.channels for a in circuit.inputs.values())])
        first = zip(circuit.inputs.values(), channels, strict=False)
        columns = [(a.channel + offset, a.target, a.delay_ms) for a, offset in first]
        nothing = (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        afferents = [np.concatenate(parts) for parts in zip(nothing, *columns, strict=True)]
        height = 1.0 / (circuit.threshold_mV - circuit.reset_mV)
        return cls(
            models.propagators(circuit, dt_ms),
            np.stack([height, slope * height], axis=1),
            (~circuit.excitatory).astype(np.int64),
            Connections.of(*afferents, int(channels[-1]), dt_ms),
            Connections.of(circuit.source, circuit.target, circuit.delay_ms, circuit.n_neurons, dt_ms),
        )

    @property
    def n_neurons(self) -> int:
        """Neurons of one copy."""
        return len(self.inhibitory)

    @property
    def n_channels(self) -> int:
        """Input channels of one copy."""
        return len(self.afferents.start) - 1

    @property
    def longest_delay(self) -> int:
        """In steps."""
        return int(max(self.afferents.delay.max(initial=1), self.synapses.delay.max(initial=1)))


def _check_trainable(circuit: Circuit) -> None:
    if circuit.model != "iaf_psc_exp":
        raise InputError(
            f"Circuit.model: expected iaf_psc_exp in a layer; got {circuit.model}: take another motif"
        )
    if circuit.plasticity:
        raise InputError(
            f"Circuit.plasticity: expected static synapses in a layer; got {len(circuit.plasticity)} rules: "
            "take replace(motif, circuit=motif.circuit.static()) or another motif"
        )


def run(
    wiring: Wiring, drive: Tensor, afferent_weight: Tensor, synapse_weight: Tensor, *, fused: bool
) -> Tensor:
    """Every neuron's spikes, float[K, T, N, B]: by `run_fused` if wanted and possible, else by `run_plain`."""
    possible = drive.device.type == "cpu" and drive.dtype in (torch.float32, torch.float64)
    return (run_fused if fused and possible else run_plain)(wiring, drive, afferent_weight, synapse_weight)


def run_plain(wiring: Wiring, drive: Tensor, afferent_weight: Tensor, synapse_weight: Tensor) -> Tensor:
    """Every neuron's spikes, float[K, T, N, B], by autograd through a loop over time.

    `drive`: float[K, T, C, B] input amplitudes; `afferent_weight` float[K, A] and `synapse_weight` float[K, S] in pA,
    in the circuit's order.
    """
    copies, n_steps, _, trials = drive.shape
    n = wiring.n_neurons
    table = torch.as_tensor(wiring.propagator).to(drive)[:, :, None].unbind(1)
    height, slope = torch.as_tensor(wiring.steepness).to(drive)[:, :, None].unbind(1)
    external = _arrivals(wiring, drive, afferent_weight)
    synapses = wiring.synapses
    groups = _by_delay(synapses.delay)
    weight = synapse_weight[:, synapses.order, None]
    row = synapses.target + n * wiring.inhibitory[synapses.source]
    nothing = drive.new_zeros(copies, 2 * n, trials)
    v = i_ex = i_in = left = drive.new_zeros(copies, n, trials)
    spikes: list[Tensor] = []
    for step in range(n_steps):
        held = left > 0
        moved = v * table[models.P22] + i_ex * table[models.P21_EX] + i_in * table[models.P21_IN]
        moved = moved + table[models.DRIVE]
        moved = torch.where(held, v, moved)
        left = torch.where(held, left - 1, left)
        charge = nothing
        for delay, chosen in groups:
            if delay <= step:
                sent = weight[:, chosen] * spikes[step - delay][:, synapses.source[chosen]]
                charge = charge.index_add(1, torch.as_tensor(row[chosen], device=drive.device), sent)
        i_ex = i_ex * table[models.P11_EX] + (external[:, step] + charge[:, :n])
        i_in = i_in * table[models.P11_IN] - charge[:, n:]
        spikes.append(_Threshold.apply(moved, table[models.THRESHOLD], height, slope))
        fired = spikes[-1].detach() > 0
        v = torch.where(fired, table[models.RESET], moved)
        left = torch.where(fired, table[models.REFRACTORY_STEPS], left)
    return torch.stack(spikes, 1)


def run_fused(wiring: Wiring, drive: Tensor, afferent_weight: Tensor, synapse_weight: Tensor) -> Tensor:
    """The same by the compiled kernels, on the CPU; differentiable once."""
    afferent_weight = afferent_weight[:, wiring.afferents.order]
    synapse_weight = synapse_weight[:, wiring.synapses.order]
    return _Fused.apply(wiring, drive, afferent_weight, synapse_weight)


def _by_delay(delays: np.ndarray) -> list[tuple[int, np.ndarray]]:
    return [(int(d), np.flatnonzero(delays == d)) for d in np.unique(delays)]


def _arrivals(wiring: Wiring, drive: Tensor, weight: Tensor) -> Tensor:
    # A spike stamped k × dt with delay d raises the current at the end of update k + d − 1.
    copies, n_steps, _, trials = drive.shape
    afferents = wiring.afferents
    weight = weight[:, None, afferents.order, None]
    total = drive.new_zeros(copies, n_steps, wiring.n_neurons, trials)
    for delay, chosen in _by_delay(afferents.delay):
        sent = weight[:, :, chosen] * drive[:, :, afferents.source[chosen]]
        late = pad(sent, (0, 0, 0, 0, delay - 1, 0))[:, :n_steps]
        total = total.index_add(2, torch.as_tensor(afferents.target[chosen], device=drive.device), late)
    return total


class _Threshold(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v, threshold, height, slope):
        ctx.save_for_backward(v - threshold, height, slope)
        return (v >= threshold).to(v.dtype)

    @staticmethod
    def backward(ctx, grad):
        above, height, slope = ctx.saved_tensors
        return grad * height / (1 + slope * above.abs()) ** 2, None, None, None


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, wiring, drive, afferent_weight, synapse_weight):
        drive, afferent_weight = drive.contiguous(), afferent_weight.contiguous()
        synapse_weight = synapse_weight.contiguous()
        copies, n_steps, _, trials = drive.shape
        spikes = drive.new_empty(copies, n_steps, wiring.n_neurons, trials)
        pseudo = torch.empty_like(spikes)
        kernels.forward(
            _array(torch.as_tensor(wiring.propagator).to(drive)),
            _array(torch.as_tensor(wiring.steepness).to(drive)),
            *_kernel_wires(wiring, afferent_weight, synapse_weight),
            n_steps,
            trials,
            *(_array(t).reshape(-1) for t in (drive, spikes, pseudo)),
        )
        ctx.wiring = wiring
        ctx.save_for_backward(drive, afferent_weight, synapse_weight, pseudo)
        return spikes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_spikes):
        drive, afferent_weight, synapse_weight, pseudo = ctx.saved_tensors
        _, n_steps, _, trials = drive.shape
        grad_drive = torch.empty_like(drive)
        grad_afferent = drive.new_zeros(*afferent_weight.shape, trials)
        grad_synapse = torch.zeros_like(synapse_weight)
        kernels.adjoint(
            _array(torch.as_tensor(ctx.wiring.propagator).to(drive)),
            *_kernel_wires(ctx.wiring, afferent_weight, synapse_weight),
            n_steps,
            trials,
            *(_array(t).reshape(-1) for t in (drive, pseudo, grad_spikes.contiguous())),
            *(_array(t).reshape(-1) for t in (grad_drive, grad_afferent)),
            _array(grad_synapse),
        )
        return None, grad_drive, grad_afferent.sum(-1), grad_synapse


def _kernel_wires(wiring: Wiring, afferent_weight: Tensor, synapse_weight: Tensor) -> tuple:
    return (
        wiring.inhibitory,
        wiring.afferents.start,
        wiring.afferents.target,
        wiring.afferents.delay,
        _array(afferent_weight),
        wiring.synapses.start,
        wiring.synapses.target,
        wiring.synapses.delay,
        _array(synapse_weight),
        wiring.longest_delay + 1,
    )


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()
