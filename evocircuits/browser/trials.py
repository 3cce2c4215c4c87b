"""What a motif does in a few trials of a task, as a page replays it: its spikes, and the voltage of one neuron.

Every trial is drawn from a seed that the search never draws from, so that a page shows the same ones again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.measure import stream
from evocircuits.motif import Motif
from evocircuits.simulator import Record, Spikes, Stimulus, simulate
from evocircuits.tasks import Example, Task, Window

T = TypeVar("T")

TRIALS = 8
FEW_TRIALS = 2
"""Of tasks whose trials are long."""
MOST_POINTS = 3000
"""Of a voltage; of more only the lowest and the highest in each stretch are kept."""
KEPT = 12


@dataclass(frozen=True, eq=False)
class Trials:
    """A circuit in trials of a task: what it met and did, the credit of each trial, and the right answers, if any."""

    task: Task
    circuit: Circuit
    example: Example
    stimulus: Stimulus
    credit: np.ndarray
    answer: np.ndarray | None

    @classmethod
    def of(cls, circuit: Circuit, task: Task, seed: int) -> "Trials":
        """Let a circuit play. Raises `InputError` where it does not fit the task."""
        if not fits(circuit, task):
            raise InputError(f"task {task.name}: expected a circuit with its ports")
        n = TRIALS if task.held_out >= Task.held_out else FEW_TRIALS
        trials = task.trials(stream(seed), n)
        example = task.example(circuit, trials)
        end_ms = max(window.end_ms for window in example.windows)
        stimulus = getattr(trials, "stimulus", None) or Stimulus(n, end_ms, spikes=example.stimulus)
        credit = task.play(circuit, trials).score.credit
        return cls(task, circuit, example, stimulus, credit, _answer(trials, task))

    def document(self) -> dict:
        """Everything but voltages, plain: each window with its spikes, times rounded to a tenth of the time step."""
        windows = [self._window(window) for window in self.example.windows]
        return {"task": self.task.name, "unit": self.task.unit, "dt_ms": self.task.dt_ms, "windows": windows}

    def voltage(self, window: Window, neuron: int) -> dict:
        """The membrane of a neuron in a window, beside its threshold: times in ms, voltages in mV.

        Raises `InputError` for a neuron that there is not.
        """
        if not 0 <= neuron < self.circuit.n_neurons:
            raise InputError(f"neuron: expected 0…{self.circuit.n_neurons - 1}; got {neuron}")
        dt_ms = self.task.dt_ms
        recording = simulate(self.circuit, self.stimulus, dt_ms=dt_ms, record=Record(voltage=(neuron,)))
        steps = slice(round(window.start_ms / dt_ms), round(window.end_ms / dt_ms))
        values = recording.voltage_mV[steps, window.trial, 0].astype(float)
        kept = _extremes(values)
        times = window.start_ms + dt_ms * (kept + 1)  # a step's voltage is that at its end
        return {
            "time_ms": times.round(4).tolist(),
            "voltage_mV": values[kept].round(3).tolist(),
            "threshold_mV": float(self.circuit.threshold_mV[neuron]),
            "reset_mV": float(self.circuit.reset_mV[neuron]),
        }

    def _window(self, window: Window) -> dict:
        told = {"trial": window.trial, "start_ms": window.start_ms, "end_ms": window.end_ms}
        told |= {"marked_ms": [list(span) for span in window.marked_ms]}
        told["credit"] = self.task.in_unit(float(self.credit[window.trial]))
        if self.answer is not None:
            told["answer"] = int(self.answer[window.trial])
        told["neurons"] = _within(self.example.spikes, window, self.task.dt_ms)
        ports = self.example.stimulus.items()
        return told | {"inputs": {name: _within(spikes, window, self.task.dt_ms) for name, spikes in ports}}


class Replays:
    """The trials that pages ask for, the last few kept. One is simulated at a time, so that a run keeps its cores."""

    def __init__(self):
        self._kept: OrderedDict[Hashable, Trials] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    def trials(self, motif: Motif, task: Task, seed: int) -> Trials:
        """A motif in the trials of a seed."""
        with self._one_at_a_time:
            return self._remembered(
                (motif.id, task.name, seed), partial(Trials.of, motif.circuit, task, seed)
            )

    def voltage(self, motif: Motif, task: Task, seed: int, window: int, neuron: int) -> dict:
        """`Trials.voltage` of the window of that number. Raises `InputError` where there is none."""
        trials = self.trials(motif, task, seed)
        if not 0 <= window < len(trials.example.windows):
            raise InputError(f"window: expected 0…{len(trials.example.windows) - 1}; got {window}")
        with self._one_at_a_time:
            return trials.voltage(trials.example.windows[window], neuron)

    def _remembered(self, key: Hashable, play: Callable[[], T]) -> T:
        if key not in self._kept:
            self._kept[key] = play()
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]


def _answer(trials, task: Task) -> np.ndarray | None:
    """The right answers, where each names an output, or says yes or no."""
    answer = getattr(trials, "answer", None)
    if answer is None or np.ndim(answer) != 1:
        return None
    return answer if answer.max() < max(2, sum(port.size for port in task.outputs)) else None


def fits(circuit: Circuit, task: Task) -> bool:
    """Whether a circuit has exactly the ports of a task."""
    has = {name: a.channels for name, a in circuit.inputs.items()}
    has |= {name: len(neurons) for name, neurons in circuit.outputs.items()}
    return has == {port.name: port.size for port in (*task.inputs, *task.outputs)}


def _within(spikes: Spikes, window: Window, dt_ms: float) -> list[list]:
    """Times and channels of a trial's spikes in a window, in order of time."""
    inside = (
        (spikes.trial == window.trial)
        & (spikes.time_ms >= window.start_ms)
        & (spikes.time_ms <= window.end_ms)
    )
    times, channels = spikes.time_ms[inside], spikes.channel[inside]
    order = np.argsort(times, kind="stable")
    digits = max(1, 1 - int(np.floor(np.log10(dt_ms))))
    return [times[order].round(digits).tolist(), channels[order].tolist()]


def _extremes(values: np.ndarray) -> np.ndarray:
    """int: places of at most `MOST_POINTS` values, the lowest and the highest of every stretch, in order."""
    if len(values) <= MOST_POINTS:
        return np.arange(len(values))
    stretches = np.array_split(np.arange(len(values)), MOST_POINTS // 2)
    places = [[s[values[s].argmin()], s[values[s].argmax()]] for s in stretches]
    return np.unique(np.concatenate(places))
