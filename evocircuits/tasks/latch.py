"""Latch: hold the state that the last of several SET and RESET pulses asked for, for up to half a second.

Cells that excite themselves by slow currents stay active long after what started them (Wang, J. Neurosci. 19 (1999)),
and two such that inhibit each other have two states, between which brief inputs switch (Machens, Romo & Brody, Science
307 (2005)). Pulses come equally often on both lines, so that their counts say nothing. The distractors are lone spikes
on these same lines, also equally many: a third line of them would only have to be left unconnected.
"""

from dataclasses import dataclass

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, argmax_credit, balanced_answers

MIN_PAIRS, MAX_PAIRS = 2, 3
HOLD_ms = (100.0, 500.0)
PULSE_SPIKES = 4
PULSE_INTERVAL_ms = 3.0
DISTRACTORS = 6
DURATION_ms = 2 * MAX_PAIRS * HOLD_ms[1]
READ_ms = 50.0
BIN_ms = 10.0


@dataclass(frozen=True, eq=False)
class Holds(Trials):
    """Trials, and what they ask for all along: `state` int[trials, bins], −1 before the first pulse and where one
    begins.
    """

    state: np.ndarray


class Latch(Task):
    """Two or three SET pulses (line 1) and as many RESET (line 0) in random order; 2 outputs, argmax of the end."""

    name = "latch"
    summary = "Hold for 100–500 ms whether the last pulse was SET or RESET, in spite of lone spikes."
    source = "Wang 1999; Machens, Romo & Brody 2005; pulses and distractors of this suite"
    inputs = (Port("line", 2),)
    outputs = (Port("state", 2),)
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0
    claim = ("recurrence", "inhibition")
    max_spikes = 500
    record = Record(bin_ms=BIN_ms)
    read_ms = ((DURATION_ms - READ_ms, DURATION_ms),)
    ranges = Ranges(
        tau_m_ms=(1.0, 20.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 5.0,
            "tau_syn_ex_ms": 10.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Pulses of 4 spikes, 3 ms apart; holds uniform, the last until the end at 3 s. Answer 1: SET was last.

        Each line has 6 distractors besides, uniform over the trial. As counts are equal, the first pulse alone tells a
        little: its opposite is right in .63.
        """
        answer = balanced_answers(rng, n, 2)
        lines = _lines(rng, answer, rng.integers(MIN_PAIRS, MAX_PAIRS + 1, n))
        starts_ms = DURATION_ms - rng.uniform(*HOLD_ms, lines.shape).cumsum(axis=1)
        trial, place = np.nonzero(lines >= 0)
        line, start_ms = lines[trial, place], starts_ms[trial, place]
        pulse_ms = start_ms[:, None] + PULSE_INTERVAL_ms * np.arange(PULSE_SPIKES)
        lone_ms = rng.uniform(0, DURATION_ms, (n, 2, DISTRACTORS))
        lone_trial, lone_line, _ = np.indices(lone_ms.shape)
        spikes = Spikes(
            np.append(pulse_ms, lone_ms),
            np.append(trial.repeat(PULSE_SPIKES), lone_trial),
            np.append(line.repeat(PULSE_SPIKES), lone_line),
        )
        stimulus = Stimulus(n, DURATION_ms, {"line": spikes})
        return Holds(stimulus, answer, _states(n, trial, line, start_ms))

    def score(self, trials: Holds, recording: Recording) -> Score:
        """Credit by argmax of the last 50 ms. Graded: half of it, and half for the right output's share of spikes, in
        each 10 ms since the first pulse: whoever holds longer is ahead.
        """
        counts = recording.binned_counts[..., recording.circuit.outputs["state"]].swapaxes(0, 1)
        credit = argmax_credit(counts[:, -round(READ_ms / BIN_ms) :].sum(axis=1), trials.answer)
        right, total = np.where(trials.state == 1, counts[..., 1], counts[..., 0]), counts.sum(axis=2)
        share = np.where(total > 0, right / np.maximum(total, 1), self.chance)[trials.state >= 0]
        return Score(credit, float((credit.mean() + share.mean()) / 2), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """A cell per state that slow excitation of its own keeps active, and that an I cell makes inhibit the other.

        A lone spike stays below threshold; the four of a pulse add up and outweigh the inhibition from the active cell
        until their own cell's has ended it.
        """
        (line,) = self.inputs
        state = PopulationGene(
            innovation("latch", "state"), True, 2, 10.0, 15.0, 5.0, 20.0, 5.0, port="state"
        )
        veto = PopulationGene(innovation("latch", "veto"), False, 2, 10.0, 15.0, 2.0, 2.0, 5.0)
        own, other = Pattern("one_to_one"), Pattern("all_but_self")
        projections = (
            ProjectionGene(innovation("latch", "line→state"), line.id, state.id, own, 0.9, delay_ms=0.5),
            ProjectionGene(innovation("latch", "state→state"), state.id, state.id, own, 0.7, delay_ms=0.5),
            ProjectionGene(innovation("latch", "state→veto"), state.id, veto.id, own, 1.6, delay_ms=0.5),
            ProjectionGene(innovation("latch", "veto→state"), veto.id, state.id, other, 0.5, delay_ms=0.5),
        )
        return Genome(self.inputs, self.outputs, (state, veto), projections)


def _lines(rng: np.random.Generator, answer: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """int[trials, pulses from the last back]: the line of each pulse, −1 where there is none.

    The last is the answer's; the others, that many of each line in all, are in random order.
    """
    place = np.arange(2 * MAX_PAIRS)
    missing = place >= 2 * pairs[:, None]
    draw = np.where(missing, 2.0, rng.random(missing.shape))
    draw[:, 0] = -1.0
    rank = draw.argsort(axis=1).argsort(axis=1)
    line = np.where(rank < pairs[:, None], answer[:, None], 1 - answer[:, None])
    return np.where(missing, -1, line)


def _states(n: int, trial: np.ndarray, line: np.ndarray, start_ms: np.ndarray) -> np.ndarray:
    """int[trials, bins]: the line of the last pulse before each bin, −1 where there is none or one begins within."""
    at = (start_ms // BIN_ms).astype(int)
    last = np.full((n, round(DURATION_ms / BIN_ms)), -1)
    last[trial, at] = 2 * at + line
    last = np.maximum.accumulate(last, axis=1)
    state = np.where(last >= 0, last % 2, -1)
    state[trial, at] = -1
    return state
