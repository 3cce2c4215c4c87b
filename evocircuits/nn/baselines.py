"""Spiking layers without a motif: independent neurons, and neurons that all connect, with or without delays."""

from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.errors import InputError
from evocircuits.nn.dynamics import run
from evocircuits.nn.layers import SLOPE
from evocircuits.nn.linear import check_features, check_input, weighted
from evocircuits.nn.wiring import Backend, Weights, Wiring


class PlainLinear(nn.Module):
    """A linear map with weights of either sign, without bias: float[T, B, in_features] → float[T, B, out_features].

    Weights start normal around 0 with standard deviation 1 / √in_features, drawn from `generator`.
    """

    def __init__(self, in_features: int, out_features: int, *, generator: torch.Generator | None = None):
        super().__init__()
        if in_features < 1 or out_features < 1:
            raise InputError(f"PlainLinear: expected sizes ≥ 1; got {in_features}, {out_features}")
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.normal_(self.weight, std=in_features**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, in_features] → float[T, B, out_features]."""
        check_features("PlainLinear", x, self.in_features, self.weight.dtype)
        return weighted(x, self.weight)

    def extra_repr(self) -> str:
        """Widths."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


class PlainLayer(nn.Module):
    """Independent LIF neurons with exponential currents: float[T, B, features] input → spikes of that shape.

    The dynamics are `MotifLayer`'s (exact integration, reset to rest); the input is signed and in units of the charge
    whose post-synaptic potential peaks at threshold, so weights belong in a linear map in front.
    """

    def __init__(
        self,
        features: int,
        *,
        tau_m_ms: float = 10.0,
        tau_syn_ms: float = 5.0,
        t_ref_ms: float = 1.0,
        dt_ms: float = 1.0,
        slope: float = SLOPE,
        fused: bool = True,
    ):
        super().__init__()
        if features < 1:
            raise InputError(f"PlainLayer: expected features ≥ 1; got {features}")
        self.features = self.n_neurons = features
        self.n_connections = self.n_pairs = 0  # its neurons have no synapses of their own
        self.fused = fused
        neuron = lif_circuit(1, tau_m_ms, tau_syn_ms, t_ref_ms, dt_ms)
        self.wiring = Wiring.of(neuron, dt_ms=dt_ms, slope=slope)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, features] → 0/1 float[T, B, features]."""
        return self.read_out(self.spikes(x))

    @torch.compiler.disable
    def spikes(self, x: Tensor) -> Tensor:
        """The same as float[features, T, 1, B], laid out as `MotifLayer.spikes`."""
        check_input("PlainLayer", x, self.features)
        drive = x.permute(2, 0, 1)[:, :, None]
        weights = Weights(x.new_ones(self.features, 1), x.new_zeros(self.features, 0))
        return run(self.wiring, drive, weights, Backend(self.fused))[0]

    def read_out(self, spikes: Tensor) -> Tensor:
        """Back to float[T, B, features]: every neuron is an output."""
        return spikes[:, :, 0].permute(1, 2, 0)

    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """None: its neurons have no synapses of their own."""
        return 0.0

    def extra_repr(self) -> str:
        """Width."""
        return f"features={self.features}"


class RecurrentLayer(nn.Module):
    """`PlainLayer`'s neurons, each of which sends to all, itself included, with weights of either sign.

    As the reservoirs and recurrent networks of the literature (Bellec et al., NeurIPS 2018), with weights
    `recurrent` float[source, target] that start normal with standard deviation `gain` / √features, drawn from
    `generator`. A spike arrives a step later, or, with `longest_delay` = D in steps, after a delay drawn uniformly from
    1…D for each synapse and kept (Hammouamri et al., ICLR 2024, learn them).
    """

    def __init__(
        self,
        features: int,
        *,
        longest_delay: int = 1,
        gain: float = 0.5,
        tau_m_ms: float = 10.0,
        tau_syn_ms: float = 5.0,
        t_ref_ms: float = 1.0,
        dt_ms: float = 1.0,
        slope: float = SLOPE,
        fused: bool = True,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        if features < 1 or longest_delay < 1:
            got = f"{features}, {longest_delay}"
            raise InputError(f"RecurrentLayer: expected features and longest_delay ≥ 1; got {got}")
        self.features = self.n_neurons = features
        self.n_connections = self.n_pairs = features * features
        self.longest_delay, self.fused = longest_delay, fused
        delay = torch.randint(1, longest_delay + 1, (features * features,), generator=generator)
        delay_ms = delay.numpy() * dt_ms
        circuit = lif_circuit(features, tau_m_ms, tau_syn_ms, t_ref_ms, dt_ms, delay_ms=delay_ms)
        self.wiring = Wiring.of(circuit, dt_ms=dt_ms, slope=slope)
        self.recurrent = nn.Parameter(torch.empty(features, features))
        nn.init.normal_(self.recurrent, std=gain / sqrt(features), generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, features] → 0/1 float[T, B, features]."""
        return self.read_out(self.spikes(x))

    @torch.compiler.disable
    def spikes(self, x: Tensor) -> Tensor:
        """The same as float[1, T, features, B], laid out as `MotifLayer.spikes`."""
        check_input("RecurrentLayer", x, self.features, self.recurrent.dtype)
        drive = x.permute(2, 0, 1)[None].transpose(1, 2)
        weights = Weights(x.new_ones(1, self.features), self.recurrent.reshape(1, -1))
        return run(self.wiring, drive, weights, Backend(self.fused))[0]

    def read_out(self, spikes: Tensor) -> Tensor:
        """Back to float[T, B, features]: every neuron is an output."""
        return spikes[0].transpose(1, 2)

    @torch.no_grad()
    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """Each spike reaches every neuron."""
        return float(spikes.sum()) * self.features

    def extra_repr(self) -> str:
        """Width and delays."""
        return f"features={self.features}, longest_delay={self.longest_delay}"


def lif_circuit(
    n: int, tau_m_ms: float, tau_syn_ms: float, t_ref_ms: float, dt_ms: float, *, delay_ms=None
) -> Circuit:
    """n equal neurons, a channel onto each that arrives in the same step, and for `delay_ms` float[n²] all synapses.

    A weight of 1 is the charge whose post-synaptic potential peaks at threshold. Synapses are sorted by source.
    """
    recurrent = delay_ms is not None
    one = np.arange(n)
    constants = {"tau_m_ms": tau_m_ms, "c_m_pF": 1.0, "reset_mV": 0.0, "t_ref_ms": t_ref_ms, "bias_pA": 0.0}
    constants |= {"tau_syn_ex_ms": tau_syn_ms, "tau_syn_in_ms": tau_syn_ms}
    constants["threshold_mV"] = peak_psp_mV_per_pA(tau_m_ms, tau_syn_ms, 1.0)
    return Circuit(
        excitatory=np.ones(n, bool),
        **{name: np.full(n, value) for name, value in constants.items()},
        source=np.repeat(one, n) if recurrent else [],
        target=np.tile(one, n) if recurrent else [],
        weight_pA=np.ones(n * n) if recurrent else [],
        delay_ms=delay_ms if recurrent else [],
        inputs={"in": Afferents(n, one, one, np.ones(n), np.full(n, float(dt_ms)))},
    )
