"""A circuit as a layer's backends want it: its fixed part on a grid of time, its weights, and how it is to be run."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
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
        channel, target, delay_ms, n_channels = afferent_columns(circuit)
        height = 1.0 / (circuit.threshold_mV - circuit.reset_mV)
        return cls(
            models.propagators(circuit, dt_ms),
            np.stack([height, slope * height], axis=1),
            (~circuit.excitatory).astype(np.int64),
            Connections.of(channel, target, delay_ms, n_channels, dt_ms),
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

    @property
    def state_rows(self) -> int:
        """Rows of a state: membrane, two currents, refractory steps left, two charges for each step of delay."""
        return 4 + 2 * self.longest_delay


def afferent_columns(circuit: Circuit) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Channel (port after port), target and delay in ms of each afferent synapse, and how many channels there are."""
    channels = np.cumsum([0, *(a.channels for a in circuit.inputs.values())])
    first = zip(circuit.inputs.values(), channels, strict=False)
    columns = [(a.channel + offset, a.target, a.delay_ms) for a, offset in first]
    nothing = (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    return *(np.concatenate(parts) for parts in zip(nothing, *columns, strict=True)), int(channels[-1])


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


class Weights(NamedTuple):
    """What may be trained: `afferent` float[K, A] and `synapse` float[K, S] in pA, in the circuit's order;
    `threshold` float[K, N] in mV, or None for the circuit's own."""

    afferent: Tensor
    synapse: Tensor
    threshold: Tensor | None = None

    def thresholds(self, wiring: Wiring) -> Tensor:
        """float[K, N] in mV, whether trained or not."""
        if self.threshold is not None:
            return self.threshold
        column = torch.as_tensor(wiring.propagator[:, models.THRESHOLD]).to(self.synapse)
        return column.expand(self.synapse.shape[0], -1)


@dataclass(frozen=True)
class Backend:
    """How to run: compiled kernels if wanted (`fused`, on the CPU) or a plain loop; `rows`: the neurons whose spikes
    are wanted (int[R], None for all); `recompute`: keep states at some steps for the backward pass, not what lies
    between, so that memory grows with √T."""

    fused: bool = True
    rows: tuple[int, ...] | None = None
    recompute: bool = False


@torch.no_grad()
def synaptic_events(wiring: Wiring, x: Tensor, spikes: Tensor) -> float:
    """Events of the input float[T, B, K × channels] and spikes float[K, T, N, B], each times its out-degree."""
    afferents, synapses = (torch.as_tensor(c.start).diff() for c in (wiring.afferents, wiring.synapses))
    arrived, fired = (x != 0).sum((0, 1)).cpu(), spikes.sum((0, 1, 3)).cpu()
    return float((arrived * afferents.repeat(len(spikes))).sum() + (fired * synapses).sum())


def rest(wiring: Wiring, copies: int, trials: int, like: Tensor) -> Tensor:
    """The state in which every trial starts, float[K, state rows, N, B]: all zero."""
    return like.new_zeros(copies, wiring.state_rows, wiring.n_neurons, trials)
