"""Contrast: tell a direction at every contrast while the total output stays nearly the same.

Cells of visual cortex keep their tuning and saturate as contrast grows, as if each were divided by the pooled activity
of all (Heeger, Visual Neuroscience 9, 1992; Carandini & Heeger, Nature Reviews Neuroscience 13, 2012). Rates alone
matter: the ideal observer reads nothing but spike counts.

A trial shows each contrast once. It counts only where the total output at ×8 is at most 1.5 times that at ×1, and that
of no window below a third of it. Four things made this precise:
- What an output fires in every window tells no direction, and such a pedestal would hide any gain (a relay on top of
  steady firing is enough), so the total is what each output fires above its own least active window. Above the least
  active output is not enough: steady firing of outputs 1–7 alone scored .69.
- A pedestal that starts only after the first window, or ends before the last, would be no output's least: .60 for a
  relay. The window without it is far below the others, hence the third, and less than .1 is left. Outputs that
  pause by the clock, each in another window, would still pass: .63 for a relay.
- Every window has a direction of its own and contrasts come in random order: nothing is gained by remembering the last
  window or by counting windows.
- Slow excitatory synapses turn each input spike into a long burst, whose overlap saturates: with 20 ms of them, and
  output taken above the least active, a two-layer chain without inhibition reached .34 of the way to the ceiling. 5 ms
  are allowed here, and the best chain of 500 that a hill climb tried scored .03, less than guessing.
"""

from dataclasses import dataclass

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Stimulus
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.base import Ranges, Score, Task, Trials, argmax_credit, balanced_answers

DIRECTIONS = 8
CONTRASTS = (1, 2, 4, 8)
KAPPA = 2.0
PEAK_Hz = 25.0
BASELINE_Hz = 10.0
WINDOW_ms = 200.0
SILENCE_ms = 100.0
LARGEST_GAIN = 1.5
LEAST_SHARE = 1 / 3


@dataclass(frozen=True, eq=False)
class Windows(Trials):
    """Trials of four windows each: `answer` int[trials, 4], the direction, and `contrast` int[trials, 4] of each."""

    contrast: np.ndarray


class Contrast(Task):
    """8 directions at 4 contrasts, 200 ms each; argmax of counts, void where total output grows by more than half.

    The credit of a trial is the share of its windows that are right, or 0 if its output at ×8 exceeds 1.5 times that at
    ×1 or any window's falls below a third of that, so a circuit that guesses without spending more at high contrast
    has .125 and a relay 0.
    """

    name = "contrast"
    summary = (
        "Tell which of 8 directions is shown at contrasts ×1 to ×8 while total output grows by at most half."
    )
    source = "Heeger 1992; tuning, contrasts and limit of this suite"
    inputs = (Port("tuned", DIRECTIONS),)
    outputs = (Port("direction", DIRECTIONS),)
    dt_ms = 0.1
    chance = 1 / DIRECTIONS
    ceiling = 0.901
    claim = ("inhibition",)
    record = Record(bin_ms=WINDOW_ms + SILENCE_ms)
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 5.0),
        tau_syn_ex_ms=(0.5, 5.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Windows:
        """Channel i fires at 10 Hz + contrast × 25 Hz × exp(κ (cos(θ − θᵢ) − 1)), κ = 2, as a Poisson process.

        200 ms of this and 100 ms of silence, four times: 1.2 s in all.
        """
        answer = balanced_answers(rng, n * len(CONTRASTS), DIRECTIONS).reshape(n, -1)
        contrast = rng.permuted(np.tile(CONTRASTS, (n, 1)), axis=1)
        angle = 2 * np.pi / DIRECTIONS * (np.arange(DIRECTIONS) - answer[..., None])
        tuning = np.exp(KAPPA * (np.cos(angle) - 1))
        rate_Hz = (BASELINE_Hz + PEAK_Hz * contrast[..., None] * tuning).swapaxes(0, 1)
        shown = np.arange(WINDOW_ms + SILENCE_ms, step=SILENCE_ms) < WINDOW_ms
        bins_Hz = (rate_Hz[:, None] * shown[:, None, None]).reshape(-1, n, DIRECTIONS)
        duration_ms = len(CONTRASTS) * (WINDOW_ms + SILENCE_ms)
        spikes = {"tuned": poisson(rng, bins_Hz, duration_ms=duration_ms)}
        return Windows(Stimulus(n, duration_ms, spikes), answer, contrast)

    def score(self, trials: Windows, recording: Recording) -> Score:
        """Share of right windows where the gain is within its limit. Graded: less the further beyond."""
        outputs = recording.circuit.outputs["direction"]
        counts = recording.binned_counts[..., outputs].swapaxes(0, 1)  # trials, windows, directions
        credit = argmax_credit(counts.reshape(-1, DIRECTIONS), trials.answer.ravel())
        right = credit.reshape(trials.answer.shape).mean(axis=1)
        total = (counts - counts.min(axis=1, keepdims=True)).sum(axis=2)
        lowest, highest = (total[trials.contrast == c] for c in (CONTRASTS[0], CONTRASTS[-1]))
        least = total.min(axis=1)
        within = (lowest > 0) & (highest <= LARGEST_GAIN * lowest) & (least >= LEAST_SHARE * lowest)
        kept = np.minimum(1, LARGEST_GAIN * lowest / np.maximum(1, highest))
        kept *= np.minimum(1, least / np.maximum(1, LEAST_SHARE * lowest))
        return Score(right * within, float((right * kept).mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Eight relays, and one inhibitory cell that pools all channels and acts on all outputs alike.

        The pool needs many spikes at once, so its rate grows faster than contrast: almost silent at ×1, where the
        outputs simply relay, and 13 spikes a window at ×8. Each takes every output far below threshold, and only the
        best driven recovers before the next.
        """
        (tuned,) = self.inputs
        cells = PopulationGene(
            innovation("contrast", "direction"),
            True,
            DIRECTIONS,
            50.0,
            15.0,
            2.0,
            2.85,
            3.4,
            port="direction",
        )
        pool = PopulationGene(innovation("contrast", "pool"), False, 1, 15.5, 15.0, 3.0, 3.1, 5.0)
        every = Pattern("all_to_all")
        projections = (
            ProjectionGene(
                innovation("contrast", "tuned→direction"),
                tuned.id,
                cells.id,
                Pattern("one_to_one"),
                strength=3.5,
                delay_ms=2.0,
            ),
            ProjectionGene(
                innovation("contrast", "tuned→pool"), tuned.id, pool.id, every, strength=0.146, delay_ms=0.1
            ),
            ProjectionGene(
                innovation("contrast", "pool→direction"), pool.id, cells.id, every, strength=7.7, delay_ms=1.0
            ),
        )
        return Genome(self.inputs, self.outputs, (cells, pool), projections)
