"""Layers under Dale's law: copies of a motif with trainable magnitudes, and the non-negative map that feeds them.

Time is the first axis. Index k of a layer's input is a spike at k × dt; index k of its output is a spike of update k,
which the simulator stamps (k + 1) × dt. So a stack of layers loses no step: what one layer emits in update k reaches
the next with a delay of d steps at the end of update k + d − 1, in the same update at the earliest.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif, Provenance
from evocircuits.nn.dynamics import Wiring, run
from evocircuits.nn.signs import Magnitudes

SLOPE = 10.0
"""β of the surrogate derivative, per distance from reset to threshold."""


class MotifLayer(nn.Module):
    """`copies` copies of a motif side by side, each with its own trainable magnitudes; topology, signs, delays stay.

    Called with float[T, B, in_features], it gives 0/1 spikes float[T, B, out_features]. Features are copy-major: input
    feature `copy × channels + channel` with the ports' channels in the order of `circuit.inputs`, output feature
    `copy × outputs + output` in that of `circuit.output_neurons`. An input of 1 is a spike, 0 none, and any other
    amplitude scales the afferent weight for that step.

    `time_scale` (default `dt_ms / motif.dt_ms`) multiplies every time constant and delay, which are then rounded to the
    grid of `dt_ms`; the forward pass equals `simulate(motif.circuit.scaled(time_scale), …, dt_ms=dt_ms)`: for 0/1 input
    the same spikes in float64. Trials start at rest. On the CPU compiled kernels run it (`fused`, differentiable once),
    elsewhere, or with `fused=False`, a plain PyTorch loop.

    Raises `InputError` for a motif without inputs or outputs, with plastic synapses, delays that are scaled to less
    than `dt_ms`, or of another model than `iaf_psc_exp`, and for input of another width.
    """

    def __init__(
        self,
        motif: Motif,
        copies: int = 1,
        *,
        dt_ms: float = 1.0,
        time_scale: float | None = None,
        slope: float = SLOPE,
        fused: bool = True,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.time_scale = dt_ms / motif.dt_ms if time_scale is None else time_scale
        if copies < 1 or not dt_ms > 0 or not self.time_scale > 0:
            got = f"{copies}, {dt_ms}, {self.time_scale}"
            raise InputError(f"MotifLayer: expected copies ≥ 1, dt_ms > 0 and time_scale > 0; got {got}")
        circuit = motif.circuit
        self.motif, self.copies, self.dt_ms, self.fused = motif, copies, dt_ms, fused
        self.wiring = Wiring.of(circuit.scaled(self.time_scale), dt_ms=dt_ms, slope=slope)
        self._outputs = torch.as_tensor(circuit.output_neurons)
        if not self.wiring.n_channels or not len(self._outputs):
            raise InputError("MotifLayer: expected a motif with input channels and output neurons")
        afferent_pA = np.concatenate([a.weight_pA for a in circuit.inputs.values()])
        self.afferent = Magnitudes(afferent_pA, copies, dtype=dtype)
        self.synapse = Magnitudes(circuit.weight_pA, copies, dtype=dtype)

    @property
    def in_features(self) -> int:
        """copies × the motif's input channels."""
        return self.copies * self.wiring.n_channels

    @property
    def out_features(self) -> int:
        """copies × the motif's output neurons."""
        return self.copies * len(self._outputs)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, in_features] amplitudes → float[T, B, out_features] spikes."""
        return self.read_out(self.spikes(x))

    def spikes(self, x: Tensor) -> Tensor:
        """The spikes of every neuron, float[copies, T, neurons, B], for input float[T, B, in_features]."""
        check_input("MotifLayer", x, self.in_features, self.afferent.log_scale.dtype)
        drive = x.permute(2, 0, 1).unflatten(0, (self.copies, self.wiring.n_channels)).transpose(1, 2)
        return run(self.wiring, drive, self.afferent(), self.synapse(), fused=self.fused)

    def read_out(self, spikes: Tensor) -> Tensor:
        """The output neurons' part of what `spikes` gave, float[T, B, out_features]."""
        chosen = spikes.index_select(2, self._outputs.to(spikes.device))
        return chosen.permute(1, 3, 0, 2).flatten(2)

    @torch.no_grad()
    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """Synaptic operations of the layer: input events and spikes, each times its out-degree."""
        afferents = torch.as_tensor(self.wiring.afferents.start).diff().repeat(self.copies)
        synapses = torch.as_tensor(self.wiring.synapses.start).diff()
        arrived, fired = (x != 0).sum((0, 1)).cpu(), spikes.sum((0, 1, 3)).cpu()
        return float((arrived * afferents).sum() + (fired * synapses).sum())

    def to_motif(self, copy: int = 0) -> Motif:
        """The motif with one copy's trained magnitudes, at its own time scale; its genome is kept as provenance."""
        if not 0 <= copy < self.copies:
            raise InputError(f"MotifLayer.to_motif: expected a copy 0…{self.copies - 1}; got {copy}")
        with torch.no_grad():
            afferent, synapse = (m()[copy].double().cpu().numpy() for m in (self.afferent, self.synapse))
        inputs, first = {}, 0
        for name, afferents in self.motif.circuit.inputs.items():
            last = first + len(afferents.weight_pA)
            inputs[name] = replace(afferents, weight_pA=afferent[first:last])
            first = last
        circuit: Circuit = replace(self.motif.circuit, weight_pA=synapse, inputs=inputs)
        provenance = Provenance(origin="trained", parents=(self.motif.id,))
        return Motif(self.motif.genome, circuit, self.motif.dt_ms, provenance)

    def get_extra_state(self) -> dict:
        """What magnitudes are relative to: the motif's id."""
        return {"motif": self.motif.id}

    def set_extra_state(self, state: dict) -> None:
        """Raises `InputError` where the state is that of a layer of another motif."""
        if state["motif"] != self.motif.id:
            raise InputError(
                f"MotifLayer: expected the state of motif {self.motif.id[:12]}…; got {state['motif'][:12]}…"
            )

    def extra_repr(self) -> str:
        """Motif, copies, widths, times."""
        return (
            f"motif={self.motif.id[:8]}, copies={self.copies}, in_features={self.in_features}, "
            f"out_features={self.out_features}, dt_ms={self.dt_ms:g}, time_scale={self.time_scale:g}"
        )


class DaleLinear(nn.Module):
    """A linear map with weights ≥ 0, from excitatory units: float[T, B, in_features] → float[T, B, out_features].

    Its real-valued output is the amplitude that a `MotifLayer` multiplies with its afferent weights: 1 is one spike's
    worth. Weights start log-normal around `gain` (default 2 / in_features) with a spread of one e-fold, drawn from
    `generator`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        gain: float | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        gain = 2 / max(1, in_features) if gain is None else gain
        if in_features < 1 or out_features < 1 or not gain > 0:
            raise InputError(
                f"DaleLinear: expected sizes ≥ 1 and a gain > 0; got {in_features}, {out_features}, {gain}"
            )
        self.in_features, self.out_features = in_features, out_features
        self.weight = Magnitudes([gain] * in_features, out_features, dtype=dtype)
        with torch.no_grad():
            self.weight.log_scale.normal_(generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        """float[T, B, in_features] → float[T, B, out_features]."""
        check_input("DaleLinear", x, self.in_features, self.weight.log_scale.dtype)
        return weighted(x, self.weight())

    def extra_repr(self) -> str:
        """Widths."""
        return f"in_features={self.in_features}, out_features={self.out_features}"


def weighted(x: Tensor, weight: Tensor) -> Tensor:
    """float[T, B, in] times float[out, in] as float[T, B, out]; in memory (out, T, B), as the kernels want it."""
    n_steps, trials, features = x.shape
    columns = x.permute(2, 0, 1).reshape(features, n_steps * trials)
    return (weight @ columns).reshape(-1, n_steps, trials).permute(1, 2, 0)


def check_input(owner: str, x: Tensor, features: int, dtype: torch.dtype | None = None) -> None:
    """Raises `InputError` unless `x` is (steps, trials, features), and of `dtype` if given."""
    if x.ndim != 3 or x.shape[2] != features:
        raise InputError(f"{owner}: expected input (steps, trials, {features}); got {tuple(x.shape)}")
    if not x.is_floating_point() or x.dtype != (dtype or x.dtype):
        raise InputError(f"{owner}: expected input of {dtype or 'a floating-point type'}; got {x.dtype}")
