"""Circuits side by side as one, so that many bodies' different circuits are simulated in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.shape import CONSTANTS
from evocircuits.simulator import Spikes, State, Stimulus, simulate


class Done(NamedTuple):
    """What n circuits did, and the `state` in which they stopped: spikes int[n, K] of the K output neurons of each,
    port after port; spikes of all its neurons, and synaptic events, int[n].
    """

    state: State
    outputs: np.ndarray
    spikes: np.ndarray
    synaptic_events: np.ndarray


@dataclass(frozen=True, eq=False)
class SideBySide:
    """n circuits of one model and one set of ports as one `circuit`, in which nothing connects them.

    The neurons, and the channels and output neurons of every port, are those of the first circuit, then those of the
    second, and so on; `first` int[n] is each one's first neuron.
    """

    circuit: Circuit
    first: np.ndarray

    @classmethod
    def of(cls, circuits: Sequence[Circuit]) -> "SideBySide":
        """Those circuits, at least one."""
        first = _before([c.n_neurons for c in circuits])
        rules = _before([len(c.plasticity) for c in circuits])
        inputs = {}
        for name, port in circuits[0].inputs.items():
            parts, channels = [c.inputs[name] for c in circuits], port.channels * np.arange(len(circuits))
            inputs[name] = Afferents(
                port.channels * len(circuits),
                _joined(parts, "channel", channels),
                _joined(parts, "target", first),
                _joined(parts, "weight_pA"),
                _joined(parts, "delay_ms"),
                _rules(parts, rules),
            )
        circuit = Circuit(
            **{name: _joined(circuits, name) for name in ("excitatory", *CONSTANTS, "weight_pA", "delay_ms")},
            source=_joined(circuits, "source", first),
            target=_joined(circuits, "target", first),
            inputs=inputs,
            outputs={
                name: np.concatenate([c.outputs[name] + by for c, by in zip(circuits, first, strict=True)])
                for name in circuits[0].outputs
            },
            model=circuits[0].model,
            rule=_rules(circuits, rules),
            plasticity=tuple(rule for c in circuits for rule in c.plasticity),
        )
        return cls(circuit, first)

    @property
    def n(self) -> int:
        """How many."""
        return len(self.first)

    def advance(
        self, stimuli: dict[str, Spikes], duration_ms: float, *, dt_ms: float, state: State | None = None
    ) -> Done:
        """Simulate all from `state`, or from rest; trial k of a port's spikes is for circuit k."""
        moved = {}
        for name, spikes in stimuli.items():
            channel = spikes.trial * (self.circuit.inputs[name].channels // self.n) + spikes.channel
            moved[name] = Spikes(spikes.time_ms, np.zeros(len(channel), int), channel)
        recording = simulate(self.circuit, Stimulus(1, duration_ms, moved), dt_ms=dt_ms, state=state)
        counts = recording.counts[0]
        events = np.add.reduceat(counts * self._fan_out, self.first)
        for name, fan_out in self._channel_fan_out.items():
            events += (recording.input_counts[name][0] * fan_out).reshape(self.n, -1).sum(axis=1)
        outputs = [counts[neurons].reshape(self.n, -1) for neurons in self.circuit.outputs.values()]
        return Done(recording.state, np.hstack(outputs), np.add.reduceat(counts, self.first), events)

    @cached_property
    def _fan_out(self) -> np.ndarray:
        return np.bincount(self.circuit.source, minlength=self.circuit.n_neurons)

    @cached_property
    def _channel_fan_out(self) -> dict[str, np.ndarray]:
        inputs = self.circuit.inputs.items()
        return {name: np.bincount(a.channel, minlength=a.channels) for name, a in inputs}


def _before(sizes: list[int]) -> np.ndarray:
    return np.cumsum(sizes) - sizes


def _joined(parts: Sequence[Circuit | Afferents], name: str, shift: np.ndarray | None = None) -> np.ndarray:
    columns = [getattr(part, name) for part in parts]
    if shift is not None:
        columns = [column + by for column, by in zip(columns, shift, strict=True)]
    return np.concatenate(columns)


def _rules(parts: Sequence[Circuit | Afferents], before: np.ndarray) -> np.ndarray:
    shifted = [np.where(p.rule < 0, -1, p.rule + by) for p, by in zip(parts, before, strict=True)]
    return np.concatenate(shifted)
