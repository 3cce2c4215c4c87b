"""`CoupledColumns`: copies of a motif that excite one another through sparse, trainable, delayed synapses.

Each column is a whole motif; only excitatory neurons reach other columns, so that inhibition stays local (Douglas &
Martin, Annu. Rev. Neurosci. 27 (2004)). All columns are run as one circuit, whose forward pass is the simulator's.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.dynamics import run
from evocircuits.nn.layers import SLOPE
from evocircuits.nn.linear import check_input
from evocircuits.nn.signs import Magnitudes
from evocircuits.nn.trained import Trained
from evocircuits.nn.wiring import Backend, Weights, Wiring, afferent_columns, rest, synaptic_events


class CoupledColumns(nn.Module):
    """`columns` copies of a motif on a ring, coupled: float[T, B, in_features] → spikes float[T, B, out_features].

    Widths, features, states, times and what is trained are as in `MotifLayer`. Each excitatory neuron of a column has a
    synapse with probability `density`, drawn from `rng`, onto each neuron of every other column at most `reach` places
    away (None: of all). `couplings` are their magnitudes in pA, at first such that a post-synaptic potential peaks at
    `strength` of the distance from reset to threshold; their delays are uniform in `delays_ms` (two times of the layer,
    at least `dt_ms`) and kept.

    Raises `InputError` as `MotifLayer` does, and for values outside these domains.
    """

    def __init__(
        self,
        motif: Motif,
        columns: int,
        *,
        rng: np.random.Generator,
        density: float = 0.1,
        reach: int | None = None,
        strength: float = 0.1,
        delays_ms: tuple[float, float] | None = None,
        gains: str = "per_copy",
        train: tuple[str, ...] = ("weights",),
        sign: str = "exp",
        dt_ms: float = 1.0,
        time_scale: float | None = None,
        slope: float = SLOPE,
        fused: bool = True,
        recompute: bool = False,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.time_scale = dt_ms / motif.dt_ms if time_scale is None else time_scale
        delays_ms = (dt_ms, dt_ms) if delays_ms is None else delays_ms
        _check(columns, density, strength, dt_ms, self.time_scale, delays_ms)
        self.motif, self.copies, self.dt_ms = motif, columns, dt_ms
        self.n_channels = sum(a.channels for a in motif.circuit.inputs.values())
        if not self.n_channels or not len(motif.circuit.output_neurons):
            raise InputError("CoupledColumns: expected a motif with input channels and output neurons")
        between = _between(motif.circuit, columns, density, reach, rng)
        delay_ms = np.rint(rng.uniform(*delays_ms, between.shape[1]) / dt_ms) * dt_ms
        self.circuit = _side_by_side(motif.circuit.scaled(self.time_scale), columns, between, delay_ms)
        self.wiring = Wiring.of(self.circuit, dt_ms=dt_ms, slope=slope)
        self.outputs = self.circuit.output_neurons.tolist()
        rows, place = np.unique(self.outputs, return_inverse=True)
        self.rows, self.place = tuple(rows.tolist()), place.tolist()
        self.fused, self.recompute = fused, recompute
        self.trained = Trained(motif, columns, gains=gains, train=train, sign=sign, dtype=dtype)
        weight_pA = strength * _per_strength_pA(motif.circuit)[between[1] % motif.circuit.n_neurons]
        self.couplings = Magnitudes(weight_pA, sign=sign, dtype=dtype)

    @property
    def in_features(self) -> int:
        """columns × the motif's input channels."""
        return self.copies * self.n_channels

    @property
    def out_features(self) -> int:
        """columns × the motif's output neurons."""
        return len(self.outputs)

    @property
    def n_neurons(self) -> int:
        """Of all columns."""
        return self.wiring.n_neurons

    @property
    def n_connections(self) -> int:
        """Synapses of all columns and between them, those of inputs included."""
        return len(self.wiring.afferents.target) + len(self.wiring.synapses.target)

    @property
    def n_pairs(self) -> int:
        """Synapses that a dense layer of the same widths would have."""
        return self.n_neurons * (self.n_neurons + self.in_features)

    def forward(self, x: Tensor, state: Tensor | None = None):
        """float[T, B, in_features] amplitudes → float[T, B, out_features] spikes; with a state, (spikes, state)."""
        spikes, after = self._run(x, self.rows, state)
        spikes = self._chosen(spikes, self.place)
        return spikes if state is None else (spikes, after)

    def spikes(self, x: Tensor) -> Tensor:
        """The spikes of every neuron, column after column, float[1, T, columns × neurons, B]."""
        return self._run(x, None, None)[0]

    def read_out(self, spikes: Tensor) -> Tensor:
        """The output neurons' part of what `spikes` gave, float[T, B, out_features]."""
        return self._chosen(spikes, self.outputs)

    def rest(self, trials: int) -> Tensor:
        """The state in which trials start."""
        return rest(self.wiring, 1, trials, self.couplings.raw.detach())

    def weights(self) -> Weights:
        """Of all columns and the synapses between them, as one copy of one circuit."""
        afferent, synapse, threshold = (None if w is None else w.reshape(1, -1) for w in self.trained())
        return Weights(afferent, torch.cat([synapse, self.couplings()], 1), threshold)

    def synaptic_events(self, x: Tensor, spikes: Tensor) -> float:
        """Synaptic operations of the layer: input events and spikes, each times its out-degree."""
        return synaptic_events(self.wiring, x, spikes)

    def to_motif(self, copy: int = 0) -> Motif:
        """The motif with one column's trained magnitudes; what comes from other columns is left out."""
        return self.trained.to_motif(copy)

    def extra_repr(self) -> str:
        """Motif, columns, widths, synapses between columns, times."""
        return (
            f"motif={self.motif.id[:8]}, columns={self.copies}, in_features={self.in_features}, "
            f"out_features={self.out_features}, couplings={self.couplings.raw.shape[1]}, dt_ms={self.dt_ms:g}, "
            f"time_scale={self.time_scale:g}"
        )

    @torch.compiler.disable
    def _run(self, x: Tensor, rows: tuple[int, ...] | None, state: Tensor | None):
        check_input("CoupledColumns", x, self.in_features, self.couplings.raw.dtype)
        drive = x.permute(2, 0, 1)[None].transpose(1, 2)
        return run(self.wiring, drive, self.weights(), Backend(self.fused, rows, self.recompute), state)

    def _chosen(self, spikes: Tensor, neurons: list[int]) -> Tensor:
        return spikes[0].transpose(1, 2).index_select(2, torch.tensor(neurons, device=spikes.device))


def _between(
    circuit: Circuit, columns: int, density: float, reach: int | None, rng: np.random.Generator
) -> np.ndarray:
    """int[2, M]: sources and targets between columns, of all columns' neurons."""
    n = circuit.n_neurons
    column = np.arange(columns * n) // n
    apart = np.abs(column[:, None] - column)
    apart = np.minimum(apart, columns - apart)
    allowed = np.tile(circuit.excitatory, columns)[:, None] & (apart > 0)
    if reach is not None:
        allowed &= apart <= reach
    return np.stack(np.nonzero(allowed & (rng.random(allowed.shape) < density)))


def _side_by_side(circuit: Circuit, columns: int, between: np.ndarray, delay_ms: np.ndarray) -> Circuit:
    n = circuit.n_neurons
    channel, target, afferent_ms, n_channels = afferent_columns(circuit)
    onto = Afferents(
        columns * n_channels,
        _shifted(channel, n_channels, columns),
        _shifted(target, n, columns),
        np.ones(columns * len(channel)),  # what runs are the trained weights
        np.tile(afferent_ms, columns),
    )
    constants = ("tau_m_ms", "c_m_pF", "threshold_mV", "reset_mV", "t_ref_ms", "bias_pA")
    constants += ("tau_syn_ex_ms", "tau_syn_in_ms", "excitatory")
    return replace(
        circuit,
        **{name: np.tile(getattr(circuit, name), columns) for name in constants},
        source=np.append(_shifted(circuit.source, n, columns), between[0]),
        target=np.append(_shifted(circuit.target, n, columns), between[1]),
        weight_pA=np.ones(columns * len(circuit.source) + between.shape[1]),
        delay_ms=np.append(np.tile(circuit.delay_ms, columns), delay_ms),
        rule=None,
        inputs={"in": onto},
        outputs={"out": _shifted(circuit.output_neurons, n, columns)},
    )


def _shifted(indices: np.ndarray, size: int, columns: int) -> np.ndarray:
    return (indices + size * np.arange(columns)[:, None]).ravel()


def _per_strength_pA(circuit: Circuit) -> np.ndarray:
    """float[N]: the weight whose excitatory post-synaptic potential peaks at the distance from reset to threshold."""
    constants = zip(
        *(getattr(circuit, c).tolist() for c in ("tau_m_ms", "tau_syn_ex_ms", "c_m_pF")), strict=True
    )
    return (circuit.threshold_mV - circuit.reset_mV) / [peak_psp_mV_per_pA(*c) for c in constants]


def _check(columns: int, density: float, strength: float, dt_ms: float, time_scale: float, delays_ms) -> None:
    if columns < 1 or not 0 <= density <= 1 or not strength > 0 or not dt_ms > 0 or not time_scale > 0:
        got = f"{columns}, {density}, {strength}, {dt_ms}, {time_scale}"
        raise InputError(
            "CoupledColumns: expected columns ≥ 1, a density 0…1, and strength, dt_ms and time_scale > 0; "
            f"got {got}"
        )
    if not dt_ms <= delays_ms[0] <= delays_ms[1]:
        raise InputError(f"CoupledColumns: expected delays_ms with {dt_ms} ≤ low ≤ high; got {delays_ms}")
