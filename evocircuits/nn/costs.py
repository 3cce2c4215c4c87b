"""What a network costs, counted as NeuroBench does (Yik et al., Nat. Commun. 16 (2025)).

Footprint: bytes of what must be stored. Connection sparsity: the share of weights that are zero, where a layer with a
mask is measured against the dense one. Activation sparsity: the share of zeros among all activations of neurons.
Synaptic operations: of a non-zero activation with a non-zero weight; an accumulate (AC) where a connection's input is
−1, 0 and 1 alone, else a multiply-accumulate (MAC); dense ones count zeros as well.
"""

from copy import deepcopy
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.nn.baselines import PlainLayer, PlainLinear, RecurrentLayer
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.dale_nets import ColumnLinear, DannLinear
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.signs import Magnitudes

SPIKING = (MotifLayer, CoupledColumns, PlainLayer, RecurrentLayer)
LINEAR = (DaleLinear, PlainLinear, ColumnLinear, DannLinear, nn.Linear)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
GATED = (nn.GRU, nn.LSTM)
ACTIVATIONS = (nn.ReLU, nn.Sigmoid, nn.Tanh)
INDEX_BYTES, DELAY_BYTES = 4, 2
"""Of a synapse's target and of its delay, stored once for all copies of a motif."""


@dataclass(frozen=True)
class Footprint:
    """Bytes: of parameters and buffers, of `wiring` (targets, delays, constants of neurons), of one trial's `state`."""

    parameters: int
    wiring: int
    state: int

    @property
    def total(self) -> int:
        """All together."""
        return self.parameters + self.wiring + self.state


@dataclass(frozen=True)
class Counts:
    """Per inference (one trial), averaged over trials; `per_step` are the same divided by `steps`.

    `dense`, `effective_acs`, `effective_macs`: synaptic operations; `neuron_updates`: neurons × steps; `spikes`: of
    spiking neurons.
    """

    footprint: Footprint
    connection_sparsity: float
    activation_sparsity: float
    dense: float
    effective_acs: float
    effective_macs: float
    neuron_updates: float
    spikes: float
    steps: int

    def per_step(self) -> dict[str, float]:
        """Operations and neuron updates of one step of time."""
        names = ("dense", "effective_acs", "effective_macs", "neuron_updates", "spikes")
        return {name: getattr(self, name) / self.steps for name in names}


@torch.no_grad()
def count(net: nn.Module, x: Tensor) -> Counts:
    """What it costs `net` to process `x`, whose trials are its second axis if it has three, else its first.

    Knows the layers of this package, linear maps, convolutions, GRU and LSTM of one level, and activations that are
    modules. Raises `InputError` for a network in which there is none of them.
    """
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    handles = [
        part.register_forward_hook(lambda part, given, out: seen.append((part, given[0], out)))
        for part in net.modules()
        if isinstance(part, SPIKING + LINEAR + CONVOLUTIONS + GATED + ACTIVATIONS)
    ]
    try:
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    tallies = [_tally(part, given, out) for part, given, out in seen]
    if not tallies:
        raise InputError("count: expected a network with layers that can be counted; got none")
    trials = x.shape[1] if x.ndim == 3 else len(x)
    total = _sum(tallies)
    times = [
        given.shape[0] for part, given, _ in seen if isinstance(part, SPIKING + GATED) and given.ndim == 3
    ]
    stored, parts = (*net.parameters(), *net.buffers()), dict.fromkeys(part for part, _, _ in seen)
    return Counts(
        Footprint(
            sum(values.numel() * values.element_size() for values in stored),
            sum(map(_wiring_bytes, parts)),
            sum(map(_state_bytes, parts)),
        ),
        1 - total.connections / total.pairs if total.pairs else 0.0,
        1 - total.active / total.activations if total.activations else 0.0,
        total.dense / trials,
        total.acs / trials,
        total.macs / trials,
        total.updates / trials,
        total.spikes / trials,
        max(times, default=1),
    )


@dataclass(frozen=True)
class _Tally:
    connections: float = 0.0
    pairs: float = 0.0
    dense: float = 0.0
    acs: float = 0.0
    macs: float = 0.0
    active: float = 0.0
    activations: float = 0.0
    updates: float = 0.0
    spikes: float = 0.0


def _tally(part: nn.Module, x: Tensor, out) -> _Tally:
    if isinstance(part, CONVOLUTIONS):
        return _of_convolution(part, x)
    if isinstance(part, DannLinear):
        h = x @ part.w_ie().T  # which subtracts by W_EI and divides by it
        return _sum(
            [_of_matrix(x, part.w_ie()), _of_matrix(x, part.w_ee()), *2 * [_of_matrix(h, part.w_ei())]]
        )
    if isinstance(part, LINEAR):
        return _of_matrix(x, part.weight() if isinstance(part.weight, Magnitudes) else part.weight)
    if isinstance(part, GATED):
        return _of_gates(part, x, out[0])
    if isinstance(part, ACTIVATIONS):
        return _Tally(active=float(out.count_nonzero()), activations=out.numel())
    if isinstance(part, MotifLayer) and part.mode == "rate":
        return _of_rates(part, x)
    return _of_spikes(part, x)


def _of_spikes(part: nn.Module, x: Tensor) -> _Tally:
    spikes = part.spikes(x)
    afferent = part.synaptic_events(x, torch.zeros_like(spikes))
    recurrent = part.synaptic_events(torch.zeros_like(x), spikes)
    binary, fired = _is_binary(x), float(spikes.sum())
    return _Tally(
        connections=part.n_connections,
        pairs=part.n_pairs,
        dense=part.n_pairs * x.shape[0] * x.shape[1],
        acs=recurrent + (afferent if binary else 0.0),
        macs=0.0 if binary else afferent,
        active=fired,
        activations=spikes.numel(),
        updates=spikes.numel(),
        spikes=fired,
    )


def _of_matrix(x: Tensor, weight: Tensor) -> _Tally:
    """Of weights float[out, in] that meet x float[…, in]."""
    met = (x != 0).flatten(0, -2).sum(0).double()
    done = float(met @ (weight != 0).sum(0).to(met))
    return _Tally(
        connections=float(weight.count_nonzero()),
        pairs=weight.numel(),
        dense=x.numel() * weight.shape[0],
        **{"acs" if _is_binary(x) else "macs": done},
    )


def _of_convolution(part: nn.Module, x: Tensor) -> _Tally:
    twin = deepcopy(part)
    twin.bias, kept = None, (part.weight != 0).to(x)
    twin.weight = nn.Parameter(kept)
    done = float(twin((x != 0).to(x)).double().sum())
    twin.weight = nn.Parameter(torch.ones_like(kept))
    return _Tally(
        connections=float(kept.sum()),
        pairs=kept.numel(),
        dense=float(twin(torch.ones_like(x)).double().sum()),
        **{"acs" if _is_binary(x) else "macs": done},
    )


def _of_gates(part: nn.RNNBase, x: Tensor, states: Tensor) -> _Tally:
    """Of a recurrent layer of one level and direction, whose first state is zero."""
    if part.num_layers > 1 or part.bidirectional or part.batch_first:
        raise InputError(
            "count: expected recurrent layers of one level and direction, time first; got another"
        )
    before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
    own = _Tally(active=float(states.count_nonzero()), activations=states.numel(), updates=states.numel())
    return _sum([_of_matrix(x, part.weight_ih_l0), _of_matrix(before, part.weight_hh_l0), own])


def _sum(tallies: list[_Tally]) -> _Tally:
    return _Tally(*(sum(getattr(t, f.name) for t in tallies) for f in fields(_Tally)))


def _of_rates(layer: MotifLayer, x: Tensor) -> _Tally:
    rounds = (layer.rates.steps or 1) * x.numel() // x.shape[-1]  # a steady state counts as one pass
    out = layer.copies * layer.wiring.n_neurons
    return _Tally(
        connections=layer.n_connections,
        pairs=layer.n_pairs,
        dense=layer.n_pairs * rounds,
        macs=layer.n_connections * rounds,
        active=out * rounds,
        activations=out * rounds,
        updates=out * rounds,
    )


def _is_binary(x: Tensor) -> bool:
    return bool(((x == 0) | (x == 1) | (x == -1)).all())


def _wiring_bytes(part: nn.Module) -> int:
    if not isinstance(part, SPIKING):
        return 0
    wiring = part.wiring
    synapses = len(wiring.afferents.target) + len(wiring.synapses.target)
    return synapses * (INDEX_BYTES + DELAY_BYTES) + wiring.propagator.size * 4


def _state_bytes(part: nn.Module) -> int:
    if not isinstance(part, SPIKING) or getattr(part, "mode", "spikes") == "rate":
        return 0
    return part.n_neurons * part.wiring.state_rows * 4
