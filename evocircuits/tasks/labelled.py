"""Labelled spike trains from a file in, classes out: any data set of spikes as a task, named data:FILE.npz.

The file is one that `numpy.savez` writes (tasks/samples.py reads it). It holds, of E spikes in all samples together,

    time_ms   float[E]        when, from the sample's beginning
    channel   int[E]          on which input channel, from 0
    sample    int[E]          in which sample, from 0
    label     int[samples]    the class of each sample, 0…K−1

and may hold

    duration_ms   how long a sample lasts; left out: until 250 steps, the longest delay, after the last spike
    dt_ms         the simulation's step, .1 when left out; the ranges of time constants and delays scale with it
    n_channels    left out: the highest channel + 1
    split         int[samples]: 0 training, 1 validation, 2 held out; left out: 60, 20 and 20 % of each class

The search sees training and validation samples alone; reported scores come from those held out, each met at most once.
"""

import re
from collections.abc import Container
from copy import copy

import numpy as np

from evocircuits.errors import InputError
from evocircuits.genome import Port
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers
from evocircuits.tasks.checked import check_name
from evocircuits.tasks.custom import file_of, read_bytes
from evocircuits.tasks.samples import Part, Samples, USUAL_DT_ms, read_samples
from evocircuits.tasks.trains import RANGES, vote

LEAST_MAX_SPIKES, SPIKES_PER_STEP = 200, 0.02


class LabelledSpikes(Task):
    """A sample's spikes come in on their channels; argmax of the counts of the output neurons, one a class.

    Classes come equally often, so that chance is 1/K. No ideal observer of the data is known: the ceiling is 1.
    """

    source = "the user's own data"
    chance: float
    ceiling = 1.0
    claim = ()

    def __init__(self, name: str, samples: Samples, part: Part = "training"):
        n_classes = samples.n_classes
        self.name, self.samples = name, samples
        self.summary = (
            f"Tell which of {n_classes} classes a sample of {name} has from {samples.n_channels} trains."
        )
        self.inputs = (Port("input", samples.n_channels),)
        self.outputs = (Port("class", n_classes),)
        self.dt_ms = samples.dt_ms
        self.chance = 1 / n_classes
        self.ranges = _scaled(RANGES, samples.dt_ms / USUAL_DT_ms)
        self.max_spikes = max(LEAST_MAX_SPIKES, int(SPIKES_PER_STEP * samples.duration_ms / samples.dt_ms))
        held_out = min(len(samples.of_class(label, "held-out")) for label in range(n_classes))
        self.held_out = self.stock = held_out * n_classes
        self._of_part: dict[Part, LabelledSpikes] = {}
        self._restrict(part)

    def of_part(self, part: Part) -> "LabelledSpikes":
        """The same task on the samples of one part; always the same object for the same part."""
        if part not in self._of_part:
            copy(self)._restrict(part)
        return self._of_part[part]

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """`n` samples of this part, evenly spread over the classes; none comes again before all of its class came.

        Raises `InputError` where held-out samples would have to come again.
        """
        if self.part == "held-out" and n > self.stock:
            raise InputError(
                f"task {self.name}: trials: expected at most {self.stock}, the samples held out, each of its "
                f"{len(self._members)} classes alike; got {n}"
            )
        answer = balanced_answers(rng, n, len(self._members))
        chosen = np.zeros(n, int)
        for label, members in enumerate(self._members):
            places = np.flatnonzero(answer == label)
            rounds = [rng.permutation(members) for _ in range(-(-len(places) // len(members)))]
            chosen[places] = np.concatenate([*rounds, members[:0]])[: len(places)]
        spike, trial = self.samples.spikes_of(chosen)
        spikes = Spikes(self.samples.time_ms[spike], trial, self.samples.channel[spike])
        return Trials(Stimulus(n, self.samples.duration_ms, {"input": spikes}), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """The vote of the output neurons."""
        return vote(self, trials, recording)

    def counts_alone(self) -> float:
        """The share of held-out samples that their spike counts alone tell, all classes alike: those whose counts,
        under the square root that makes variances equal, are nearest to the mean of their class in training.
        """
        mean = [np.sqrt(self._counts(label, "training")).mean(axis=0) for label in range(len(self._members))]
        right = []
        for label in range(len(mean)):
            distance = np.sqrt(self._counts(label, "held-out"))[:, None] - np.array(mean)
            right.append(np.mean(np.argmin((distance**2).sum(axis=2), axis=1) == label))
        return float(np.mean(right))

    def _counts(self, label: int, part: Part) -> np.ndarray:
        return self.samples.counts(self.samples.of_class(label, part))

    def _restrict(self, part: Part) -> None:
        self.part = part
        self._members = [self.samples.of_class(label, part) for label in range(self.samples.n_classes)]
        self._of_part[part] = self


def load_labelled(spec: str, taken: Container[str] = ()) -> LabelledSpikes:
    """The task that data:FILE.npz names, on its training samples; its name is the file's.

    Raises `InputError` where the file is not as described above, and where its name is among those `taken`.
    """
    path = file_of(spec)
    name = re.sub(r"\W+", "_", path.stem).strip("_")
    check_name(f"{path}, of which the task has its name", name, taken)
    return LabelledSpikes(name, read_samples(path, read_bytes(path)))


def _scaled(ranges: Ranges, factor: float) -> Ranges:
    """The ranges with all times multiplied."""
    times = {name: getattr(ranges, name) for name in ranges.typical}
    return Ranges(
        **{name: (low * factor, high * factor) for name, (low, high) in times.items()},
        typical={name: value * factor for name, value in ranges.typical.items()},
    )
