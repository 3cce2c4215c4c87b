"""Imprint: learn, within one life, a pattern of spikes that keeps coming back in noise.

After Masquelier, Guyonneau & Thorpe, PLoS ONE 3, e1377 (2008): an integrate-and-fire cell with spike-timing dependent
plasticity comes to fire at a pattern that recurs at random in noise of the same rate, without being told. A trial here
is a life of 30 s. It holds 240 slots of 50 ms at random times, in each of which every channel fires once, and Poisson
noise of the same rate, 20 Hz, in between. In half of the slots the spikes come at the times of one pattern, drawn
afresh for each life, up to a jitter of 1 ms; in the others, the decoys, at times drawn anew. What counts is the last
quarter of the slots: the share of presentations that the output answers less the share of decoys.

Two things are mended. The source's pattern is a copied piece of the noise, in which some channels fire twice or more
and others not at all, so that a reader of rates could learn it (by 5 standard deviations, from counts in 50 ms); here
every channel has its mean count. But a pattern so regular stands out from Poisson noise whether it recurs or not: a
leaky cell without plasticity reached .12. So false alarms are counted at the decoys, which have the distribution of
patterns. One slot by itself then tells nothing, and whatever learns nothing scores 0 on average.
"""

from dataclasses import dataclass, replace

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.plasticity import SpikeTiming
from evocircuits.simulator import Record, Recording, Spikes, Stimulus
from evocircuits.tasks.base import Example, Ranges, Score, Task, Trials, Window

CHANNELS = 50
PATTERN_ms = 50.0
JITTER_ms = 1.0
WINDOW_ms = PATTERN_ms + 10.0
"""A spike answers a slot that began less than so long ago; the next slot begins no sooner."""
LIFE_ms = 30_000.0
SLOTS = 240
SHOWN_ms = 1000.0
SCORED = SLOTS // 4


@dataclass(frozen=True, eq=False)
class Lives(Trials):
    """Lives: `answer` int[lives, slots] is 1 where the slot holds the pattern, `onset_ms` float[lives, slots]."""

    onset_ms: np.ndarray


class Imprint(Task):
    """Lives of 30 s with a fresh 50 ms pattern in half of 240 slots: hits less false alarms in the last quarter."""

    name = "imprint"
    summary = (
        "Learn within a life of 30 s to fire at the 50 ms pattern that recurs in it, by plasticity alone."
    )
    source = "Masquelier, Guyonneau & Thorpe 2008"
    inputs = (Port("in", CHANNELS),)
    outputs = (Port("out", 1),)
    dt_ms = 1.0
    chance = 0.0
    ceiling = 1.0
    claim = ("plasticity",)
    credit_range = (-1.0, 1.0)
    unit = "hits less false alarms"
    max_spikes = 6000
    held_out = 256
    record = Record(spikes=True)
    ranges = Ranges(
        tau_m_ms=(2.0, 50.0),
        t_ref_ms=(1.0, 50.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(1.0, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 10.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 2.0,
        },
        plasticity=("spike_timing",),
    )

    def trials(self, rng: np.random.Generator, n: int) -> Lives:
        """Each quarter of the 240 slots holds as many presentations as decoys, in random order. The gaps between slots
        are 10 ms and a random remainder (as between uniform points), 75 ms on average.
        """
        answer = rng.permuted(np.tile(np.arange(SCORED) % 2, (n, SLOTS // SCORED, 1)), axis=2)
        answer = answer.reshape(n, SLOTS)
        onset_ms = np.sort(rng.uniform(0, LIFE_ms - SLOTS * WINDOW_ms, (n, SLOTS)), axis=1)
        onset_ms += WINDOW_ms * np.arange(SLOTS)
        columns = zip(_slots(rng, onset_ms, answer == 1), _noise(rng, onset_ms), strict=True)
        spikes = [np.concatenate(parts) for parts in columns]
        for array in spikes:
            array.setflags(write=False)  # so that Spikes need not copy millions
        return Lives(Stimulus(n, LIFE_ms, {"in": Spikes(*spikes)}), answer, onset_ms)

    def score(self, trials: Lives, recording: Recording) -> Score:
        """Hits less false alarms. Graded: .7 of it, and .3 for how many more spikes answer the pattern."""
        counts = _spikes_by_slot(trials.onset_ms, recording)[:, -SCORED:]
        presented = trials.answer[:, -SCORED:] == 1
        pattern, decoy = counts[presented].reshape(trials.n, -1), counts[~presented].reshape(trials.n, -1)
        credit = (pattern > 0).mean(axis=1) - (decoy > 0).mean(axis=1)
        more, less = pattern.mean(axis=1), decoy.mean(axis=1)
        contrast = (more - less) / (1 + more + less)
        graded = 0.7 * credit.mean() + 0.3 * contrast.mean()
        return Score(credit, float(graded), self.chance, self.ceiling)

    def example(self, circuit: Circuit, trials: Lives) -> Example:
        """A second from the beginning of the last life and one from its end, the presentations marked."""
        life = trials.n - 1
        shown_ms = trials.onset_ms[life, trials.answer[life] == 1]
        windows = []
        for start_ms in (0.0, LIFE_ms - SHOWN_ms):
            within_ms = shown_ms[(shown_ms >= start_ms) & (shown_ms < start_ms + SHOWN_ms)]
            marked_ms = [(onset_ms, onset_ms + PATTERN_ms) for onset_ms in within_ms.tolist()]
            windows.append(Window(life, start_ms, start_ms + SHOWN_ms, marked_ms))
        return replace(super().example(circuit, trials), windows=windows)

    def reference(self) -> Genome:
        """One cell, all inputs plastic from equal weights close to their upper bound.

        At first it fires at anything. Each of its spikes strengthens the synapses used in the 6 ms before, and each
        input spike pays for the output spikes of the last 28 ms. At chance the second outweighs the first, so weights
        and firing rate fall, and only synapses used just before the cell's spikes again and again hold out: a third of
        them, those of about 15 ms of the pattern. Inhibition, fed forward or back, added nothing measurable.
        """
        (port,) = self.inputs
        out = PopulationGene(innovation("imprint", "out"), True, 1, 6.0, 15.0, 4.0, 1.5, 5.0, port="out")
        rule = SpikeTiming(
            max_weight=0.12,
            learning_rate=0.08,
            alpha=0.35,
            mu_plus=0.01,
            mu_minus=0.15,
            tau_plus_ms=6.0,
            tau_minus_ms=28.0,
        )
        learnt = ProjectionGene(
            innovation("imprint", "in→out"),
            port.id,
            out.id,
            Pattern("all_to_all"),
            strength=0.115,
            delay_ms=1.0,
            plasticity=rule,
        )
        return Genome(self.inputs, self.outputs, (out,), (learnt,))


def _slots(rng: np.random.Generator, onset_ms: np.ndarray, presented: np.ndarray) -> tuple[np.ndarray, ...]:
    """Time, life and channel of one spike of each channel in each slot."""
    shape = *onset_ms.shape, CHANNELS
    phase_ms = rng.uniform(0, PATTERN_ms, shape)
    pattern_ms = rng.uniform(0, PATTERN_ms, (shape[0], CHANNELS))
    life, _ = np.nonzero(presented)
    jitter_ms = rng.normal(0, JITTER_ms, (len(life), CHANNELS))
    phase_ms[presented] = (pattern_ms[life] + jitter_ms) % PATTERN_ms
    life, _, channel = np.indices(shape, sparse=True)
    time_ms = onset_ms[..., None] + phase_ms
    return tuple(np.broadcast_to(column, shape).ravel() for column in (time_ms, life, channel))


def _noise(rng: np.random.Generator, onset_ms: np.ndarray) -> tuple[np.ndarray, ...]:
    """Time, life and channel of the Poisson spikes before, between and after the slots."""
    edge = np.zeros((len(onset_ms), 1))
    start_ms = np.hstack([edge, onset_ms + PATTERN_ms])
    length_ms = np.hstack([onset_ms, edge + LIFE_ms]) - start_ms
    count = rng.poisson(length_ms * CHANNELS / PATTERN_ms)
    gap = np.repeat(np.arange(count.size), count.ravel())
    time_ms = start_ms.ravel()[gap] + length_ms.ravel()[gap] * rng.random(len(gap))
    life = np.repeat(np.arange(len(count)), count.sum(axis=1))
    return time_ms, life, rng.integers(CHANNELS, size=len(gap))


def _spikes_by_slot(onset_ms: np.ndarray, recording: Recording) -> np.ndarray:
    """int[lives, slots]: output spikes in the window of each slot."""
    n = len(onset_ms)
    spikes = recording.spikes
    mine = spikes.channel == recording.circuit.outputs["out"][0]
    time_ms = spikes.time_ms[mine] + LIFE_ms * spikes.trial[mine]  # all lives end to end
    window_ms = np.stack([onset_ms, onset_ms + WINDOW_ms], axis=2) + LIFE_ms * np.arange(n)[:, None, None]
    place = np.searchsorted(window_ms.ravel(), time_ms)  # odd within a window, even outside
    return np.bincount(place, minlength=window_ms.size + 1)[1::2].reshape(n, -1)
