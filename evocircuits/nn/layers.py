"""`MotifLayer`: copies of a motif as one layer, under Dale's law, with trainable magnitudes.

Time is the first axis. Index k of a layer's input is a spike at k × dt; index k of its output is a spike of update k,
which the simulator stamps (k + 1) × dt. So a stack of layers loses no step: what one layer emits in update k reaches
the next with a delay of d steps at the end of update k + d − 1, in the same update at the earliest.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.dynamics import run
from evocircuits.nn.linear import check_features, check_input
from evocircuits.nn.ports import joined, parted
from evocircuits.nn.rates import Rates, run_rates
from evocircuits.nn.trained import Trained
from evocircuits.nn.wiring import Backend, Wiring, rest, synaptic_events

SLOPE = 10.0
"""β of the surrogate derivative, per distance from reset to threshold."""
MODES = ("spikes", "rate")


class MotifLayer(nn.Module):
    """`copies` copies of a motif side by side, with trainable magnitudes; topology, signs and delays stay.

    Called with float[T, B, in_features], it gives 0/1 spikes float[T, B, out_features]; called with a state as well
    (`rest(B)` or an earlier call's), it goes on from there and gives spikes and state, through which gradients pass.
    Features are copy-major: input feature `copy × channels + channel` with the ports' channels in the order of
    `circuit.inputs`, output feature `copy × outputs + output` in that of `circuit.output_neurons`; input may also be a
    dictionary by port name (`in_ports`), and `by_port` parts an output so. An input of 1 is a spike, 0 none, and any
    other amplitude scales the afferent weight for that step.

    `train`: which of "weights" and "thresholds" (the distances from reset to threshold) may be trained; `gains`:
    "per_copy", or "shared" by all copies; `sign`: how they stay ≥ 0 (signs.py).

    `time_scale` (default `dt_ms / motif.dt_ms`) multiplies every time constant and delay, which are then rounded to the
    grid of `dt_ms`; the forward pass equals `simulate(motif.circuit.scaled(time_scale), …, dt_ms=dt_ms)`: for 0/1 input
    the same spikes in float64. On the CPU compiled kernels run it (`fused`, differentiable once), elsewhere, or with
    `fused=False`, a plain PyTorch loop. `recompute` keeps states at some steps only and runs what lies between again
    in the backward pass: memory grows with √T, once T is long compared with the delays.

    `mode="rate"` makes rate units of the same magnitudes, for float[..., in_features] without time (rates.py):
    `rates` says which activation, and how many steps or until the steady state.

    Raises `InputError` for a motif without inputs or outputs, with plastic synapses (`circuit.static()` has none),
    delays that are scaled to less than `dt_ms`, or of another model than `iaf_psc_exp`, and for input of another width.
    """

    def __init__(
        self,
        motif: Motif,
        copies: int = 1,
        *,
        mode: str = "spikes",
        gains: str = "per_copy",
        train: tuple[str, ...] = ("weights",),
        sign: str = "exp",
        dt_ms: float = 1.0,
        time_scale: float | None = None,
        rates: Rates | None = None,
        slope: float = SLOPE,
        fused: bool = True,
        recompute: bool = False,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.time_scale = dt_ms / motif.dt_ms if time_scale is None else time_scale
        if copies < 1 or not dt_ms > 0 or not self.time_scale > 0:
            got = f"{copies}, {dt_ms}, {self.time_scale}"
            raise InputError(f"MotifLayer: expected copies ≥ 1, dt_ms > 0 and time_scale > 0; got {got}")
        if mode not in MODES:
            raise InputError(f"MotifLayer: expected a mode of {', '.join(MODES)}; got {mode!r}")
        circuit = motif.circuit
        self.motif, self.copies, self.dt_ms, self.mode, self.fused = motif, copies, dt_ms, mode, fused
        self.recompute, self.rates = recompute, rates or Rates()
        self.wiring = Wiring.of(circuit.scaled(self.time_scale), dt_ms=dt_ms, slope=slope)
        self.in_ports = {port: a.channels for port, a in circuit.inputs.items()}
        self.out_ports = {port: len(neurons) for port, neurons in circuit.outputs.items()}
        if not self.wiring.n_channels or not len(circuit.output_neurons):
            raise InputError("MotifLayer: expected a motif with input channels and output neurons")
        rows, place = np.unique(circuit.output_neurons, return_inverse=True)
        self._rows, self._outputs = tuple(rows.tolist()), tuple(circuit.output_neurons.tolist())
        self._place = tuple(place.tolist())
        self.trained = Trained(motif, copies, gains=gains, train=train, sign=sign, dtype=dtype)

    @property
    def in_features(self) -> int:
        """copies × the motif's input channels."""
        return self.copies * self.wiring.n_channels

    @property
    def out_features(self) -> int:
        """copies × the motif's output neurons."""
        return self.copies * len(self._outputs)

    @property
    def n_neurons(self) -> int:
        """Of all copies."""
        return self.copies * self.wiring.n_neurons

    @property
    def n_connections(self) -> int:
        """Synapses of all copies, those of inputs included."""
        return self.copies * (len(self.wiring.afferents.target) + len(self.wiring.synapses.target))

    @property
    def n_pairs(self) -> int:
        """Synapses that a dense layer of the same widths would have."""
        return self.n_neurons * (self.n_neurons + self.in_features)

    def forward(self, x: Tensor | Mapping[str, Tensor], state: Tensor | None = None):
        """float[T, B, in_features] amplitudes → float[T, B, out_features] spikes; with a state, (spikes, state).

        In rate mode float[..., in_features] → float[..., out_features].
        """
        x = joined("MotifLayer", x, self.in_ports, self.copies) if isinstance(x, Mapping) else x
        if self.mode == "rate":
            return self._chosen(self._all_rates(x, state), self._outputs).flatten(-2)
        spikes, after = self._run(x, self._rows, state)
        spikes = self._chosen(spikes.permute(1, 3, 0, 2), self._place).flatten(2)
        return spikes if state is None else (spikes, after)

    def spikes(self, x: Tensor) -> Tensor:
        """The spikes of every neuron, float[copies, T, neurons, B], for input float[T, B, in_features]."""
        return self._run(x, None, None)[0]

    def read_out(self, spikes: Tensor) -> Tensor:
        """The output neurons' part of what `spikes` gave, float[T, B, out_features]."""
        return self._chosen(spikes.permute(1, 3, 0, 2), self._outputs).flatten(2)

    def rest(self, trials: int) -> Tensor:
        """The state in which trials start: float[copies, rows, neurons, trials], all zero (rows: wiring.py)."""
        return rest(self.wiring, self.copies, trials, self.trained.afferent.raw.detach())

    def by_port(self, outputs: Tensor) -> dict[str, Tensor]:
        """Each output port's part of float[..., out_features], by name."""
        return parted(outputs, self.out_ports, self.copies)

    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """Synaptic operations of the layer: input events and spikes, each times its out-degree."""
        return synaptic_events(self.wiring, x, spikes)

    def to_motif(self, copy: int = 0) -> Motif:
        """The motif with one copy's trained magnitudes, at its own time scale; its genome is kept as provenance."""
        return self.trained.to_motif(copy)

    def extra_repr(self) -> str:
        """Motif, copies, widths, times."""
        text = f"motif={self.motif.id[:8]}, copies={self.copies}, in_features={self.in_features}, "
        text += f"out_features={self.out_features}"
        if self.mode == "rate":
            return f"{text}, mode=rate, {self.rates}"
        return f"{text}, dt_ms={self.dt_ms:g}, time_scale={self.time_scale:g}"

    @torch.compiler.disable  # compiled already, or a loop that would be unrolled
    def _run(self, x: Tensor, rows: tuple[int, ...] | None, state: Tensor | None):
        check_input("MotifLayer", x, self.in_features, self.trained.afferent.raw.dtype)
        drive = x.permute(2, 0, 1).unflatten(0, (self.copies, self.wiring.n_channels)).transpose(1, 2)
        return run(self.wiring, drive, self.trained(), Backend(self.fused, rows, self.recompute), state)

    def _all_rates(self, x: Tensor, state: Tensor | None) -> Tensor:
        check_features("MotifLayer", x, self.in_features, self.trained.afferent.raw.dtype)
        if state is not None:
            raise InputError("MotifLayer: expected no state in rate mode; got one")
        rows = x.reshape(-1, self.copies, self.wiring.n_channels)
        rates = run_rates(self.wiring, self.motif.circuit, rows, self.trained(), self.rates)
        return rates.reshape(*x.shape[:-1], self.copies, self.wiring.n_neurons)

    def _chosen(self, values: Tensor, neurons: tuple[int, ...]) -> Tensor:
        if neurons == tuple(range(values.shape[-1])):
            return values  # a view: what the kernels wrote is what the next layer reads
        return values.index_select(-1, torch.tensor(neurons, device=values.device))
