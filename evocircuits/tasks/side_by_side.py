"""Circuits side by side as one, so that many bodies' different circuits are simulated in one call."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.shape import CONSTANTS
from evocircuits.simulator import Record, Recording, Spikes, State, Stimulus, simulate
from evocircuits.simulator.kernels import NEVER
from evocircuits.simulator.wiring import ROW_PADDING
from evocircuits.tasks.base import Play, Score, Task

MOST_NEURONS = 1024
"""In one block: the more circuits share a call, the less of its overhead each bears."""


class Done(NamedTuple):
    """What the bodies of n circuits met and did, T of each, those of the first circuit first: spikes int[n T, K] of the
    K output neurons, port after port; spikes of all neurons, and synaptic events, int[n T].
    """

    stimulus: Stimulus
    recording: Recording
    outputs: np.ndarray
    spikes: np.ndarray
    synaptic_events: np.ndarray

    @property
    def state(self) -> State:
        """In which they stopped."""
        return self.recording.state


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
        if len(circuits) == 1:
            return cls(circuits[0], np.zeros(1, int))
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
        self,
        stimuli: dict[str, Spikes],
        duration_ms: float,
        *,
        dt_ms: float,
        trials: int = 1,
        state: State | None = None,
        record: Record | None = None,
    ) -> Done:
        """Simulate all from `state`, or from rest, each circuit in so many `trials`; trial k of a port's spikes is for
        body k. What to `record` is of the joint circuit.
        """
        moved = {}
        for name, spikes in stimuli.items():
            which, trial = np.divmod(spikes.trial, trials)
            channel = which * (self.circuit.inputs[name].channels // self.n) + spikes.channel
            moved[name] = Spikes(spikes.time_ms, trial, channel)
        stimulus = Stimulus(trials, duration_ms, moved)
        recording = simulate(self.circuit, stimulus, dt_ms=dt_ms, record=record, state=state)
        counts = recording.counts
        events = np.add.reduceat(counts * self._fan_out, self.first, axis=1)
        for name, fan_out in self._channel_fan_out.items():
            sent = recording.input_counts[name] * fan_out
            events += sent.reshape(trials, self.n, -1).sum(axis=2)
        outputs = [
            counts[:, neurons].reshape(trials, self.n, -1) for neurons in self.circuit.outputs.values()
        ]
        by_body = np.concatenate(outputs, axis=2).swapaxes(0, 1).reshape(self.n * trials, -1)
        spikes = np.add.reduceat(counts, self.first, axis=1)
        return Done(stimulus, recording, by_body, spikes.T.ravel(), events.T.ravel())

    def without_idle(self, state: State, before: np.ndarray, active: np.ndarray) -> State:
        """`state`, from which on circuits without `active` bodies, bool[n T], never spike again: all their neurons are
        refractory for ever, which spares the work of spikes that nobody counts. Who had none `before` already is.
        """
        was, still = (which.reshape(self.n, -1).any(axis=1) for which in (before, active))
        if np.array_equal(was, still) or not still.any():
            return state
        batch = state.batch.copy()
        rows = batch.membrane.reshape(len(batch.membrane), -1, 4 * batch.lanes + ROW_PADDING)
        owner = np.repeat(np.arange(self.n), np.diff(self.first, append=self.circuit.n_neurons))
        rows[:, ~still[owner], 3 * batch.lanes : 4 * batch.lanes] = NEVER
        return replace(state, left=batch)

    @cached_property
    def _fan_out(self) -> np.ndarray:
        return np.bincount(self.circuit.source, minlength=self.circuit.n_neurons)

    @cached_property
    def _channel_fan_out(self) -> dict[str, np.ndarray]:
        inputs = self.circuit.inputs.items()
        return {name: np.bincount(a.channel, minlength=a.channels) for name, a in inputs}


def in_blocks(
    circuits: Sequence[Circuit],
    max_spikes: int | Sequence[int],
    play: Callable[[SideBySide, np.ndarray], list[Play]],
) -> list[Play]:
    """What `play` returns for each of the circuits, of which it is given a block at a time, and the most spikes of each
    of them.
    """
    limits, played = np.broadcast_to(max_spikes, len(circuits)), []
    for block in _blocks([c.n_neurons for c in circuits]):
        played += play(SideBySide.of(circuits[block]), limits[block])
    return played


def plays(
    task: Task,
    credit: np.ndarray,
    spikes: np.ndarray,
    synaptic_events: np.ndarray,
    simulated_ms: np.ndarray,
    limits: np.ndarray | int,
) -> list[Play]:
    """The play of each of n circuits with T bodies: `credit` float[n, T], which is graded as it is, `spikes` and
    `synaptic_events` int[n, T], `simulated_ms` float[n], and the most spikes allowed, a number or int[n].
    """
    truncated = spikes.sum(axis=1) > limits
    return [
        Play(
            Score(credit[k], float(credit[k].mean()), task.chance, task.ceiling),
            spikes[k],
            synaptic_events[k],
            float(simulated_ms[k]),
            bool(truncated[k]),
        )
        for k in range(len(credit))
    ]


def _blocks(sizes: list[int]) -> Iterator[slice]:
    """Successive ones of circuits of these sizes, none with more than `MOST_NEURONS` but those of a single circuit."""
    begin, total = 0, 0
    for at, size in enumerate(sizes):
        if total + size > MOST_NEURONS and at > begin:
            yield slice(begin, at)
            begin, total = at, 0
        total += size
    if sizes:
        yield slice(begin, len(sizes))


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
