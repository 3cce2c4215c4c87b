"""Controls: a plain layer of as many neurons without a motif, and a motif whose topology is drawn at random."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.errors import InputError
from evocircuits.motif import Motif, Provenance
from evocircuits.nn.dynamics import Wiring, run
from evocircuits.nn.layers import SLOPE, check_input, weighted


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
        check_input("PlainLinear", x, self.in_features, self.weight.dtype)
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
        self.features, self.fused = features, fused
        neuron = Circuit(
            excitatory=[True],
            tau_m_ms=[tau_m_ms],
            c_m_pF=[1.0],
            threshold_mV=[peak_psp_mV_per_pA(tau_m_ms, tau_syn_ms, 1.0)],
            reset_mV=[0.0],
            t_ref_ms=[t_ref_ms],
            bias_pA=[0.0],
            tau_syn_ex_ms=[tau_syn_ms],
            tau_syn_in_ms=[tau_syn_ms],
            source=[],
            target=[],
            weight_pA=[],
            delay_ms=[],
            inputs={"in": Afferents(1, [0], [0], [1.0], [dt_ms])},
        )
        self.wiring = Wiring.of(neuron, dt_ms=dt_ms, slope=slope)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, features] → 0/1 float[T, B, features]."""
        return self.read_out(self.spikes(x))

    def spikes(self, x: Tensor) -> Tensor:
        """The same as float[features, T, 1, B], laid out as `MotifLayer.spikes`."""
        check_input("PlainLayer", x, self.features)
        drive = x.permute(2, 0, 1)[:, :, None]
        weights = x.new_ones(self.features, 1), x.new_zeros(self.features, 0)
        return run(self.wiring, drive, *weights, fused=self.fused)

    def read_out(self, spikes: Tensor) -> Tensor:
        """Back to float[T, B, features]: every neuron is an output."""
        return spikes[:, :, 0].permute(1, 2, 0)

    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """None: its neurons have no synapses of their own."""
        return 0.0

    def extra_repr(self) -> str:
        """Width."""
        return f"features={self.features}"


def random_motif(motif: Motif, rng: np.random.Generator) -> Motif:
    """The same neurons, wired at random.

    Neurons with their constants and polarities, ports, and the number of synapses from E neurons, from I neurons and
    from each input port stay; sources and targets are drawn uniformly (distinct pairs where there are enough; no
    neuron onto itself unless the motif has such), and the motif's own weights and delays are permuted over them, those
    of E, I and afferent synapses each among themselves. A draw that only renumbers the motif's neurons is drawn again,
    in the end with repeated pairs; a motif too small to be wired otherwise comes back as it is.
    """
    for repeats in [False] * 10 + [True] * 10:
        circuit = _rewired(motif.circuit, rng, repeats)
        if circuit.shape != motif.circuit.shape:
            break
    return Motif(
        motif.genome, circuit, motif.dt_ms, Provenance(origin="random topology", parents=(motif.id,))
    )


def _rewired(circuit: Circuit, rng: np.random.Generator, repeats: bool) -> Circuit:
    n = circuit.n_neurons
    source, target = circuit.source.copy(), circuit.target.copy()
    weight_pA, delay_ms = circuit.weight_pA.copy(), circuit.delay_ms.copy()
    to_self = bool((source == target).any())
    for excitatory in (True, False):
        chosen = np.flatnonzero(circuit.excitatory[source] == excitatory)
        sources = np.flatnonzero(circuit.excitatory == excitatory)
        source[chosen], target[chosen] = _pairs(sources, n, len(chosen), to_self, repeats, rng)
        weight_pA[chosen] = rng.permutation(weight_pA[chosen])
        delay_ms[chosen] = rng.permutation(delay_ms[chosen])
    inputs = {}
    for name, a in circuit.inputs.items():
        channel, onto = _pairs(np.arange(a.channels), n, len(a.target), True, repeats, rng)
        inputs[name] = Afferents(
            a.channels, channel, onto, rng.permutation(a.weight_pA), rng.permutation(a.delay_ms)
        )
    return replace(
        circuit, source=source, target=target, weight_pA=weight_pA, delay_ms=delay_ms, inputs=inputs
    )


def _pairs(
    sources: np.ndarray, n_targets: int, count: int, to_self: bool, repeats: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if count == 0:
        return np.zeros(0, int), np.zeros(0, int)
    source, target = (a.ravel() for a in np.meshgrid(sources, np.arange(n_targets), indexing="ij"))
    allowed = np.flatnonzero((source != target) | to_self)
    drawn = rng.choice(allowed, count, replace=repeats or count > len(allowed))
    return source[drawn], target[drawn]
