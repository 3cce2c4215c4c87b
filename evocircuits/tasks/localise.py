"""Localise: sound localisation by interaural time difference, at tens of microseconds.

A bank of coincidence cells behind delay lines of opposite direction (Jeffress, J. Comp. Physiol. Psychol. 41 (1948))
turns the time difference into a place. One cell per place votes for every click within its window and cannot pass .667
here; cells of several windows per place (±100, 200, 300 µs) weigh near misses and reach .78 of the ideal .855.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers

PLACES = 13
ITD_STEP_ms = 0.1
CLICKS = 16
CLICK_PERIOD_ms = 10.0
JITTER_ms = 0.1
NEARNESS = np.maximum(0, 1 - np.abs(np.subtract.outer(np.arange(PLACES), np.arange(PLACES))) / 4)
"""[answer, place]: 1 for the right place, a quarter less for each step away from it."""


class Localise(Task):
    """Two ears hear 16 clicks at 100 Hz with one of 13 time differences, −600…600 µs; 13 outputs, argmax of counts."""

    name = "localise"
    summary = (
        "Tell from which of 13 places 16 jittered clicks come, by their time difference between two ears."
    )
    source = "Jeffress 1948; jitter and places of this suite"
    inputs = (Port("left", 1), Port("right", 1))
    outputs = (Port("place", PLACES),)
    dt_ms = 0.02
    chance = 1 / PLACES
    ceiling = 0.855
    claim = ("delays",)
    count_only_ceiling = 1 / PLACES
    ranges = Ranges(
        tau_m_ms=(0.1, 10.0),
        t_ref_ms=(0.1, 5.0),
        tau_syn_ex_ms=(0.05, 2.0),
        tau_syn_in_ms=(0.1, 10.0),
        delay_ms=(0.02, 2.0),
        typical={
            "tau_m_ms": 0.3,
            "t_ref_ms": 1.0,
            "tau_syn_ex_ms": 0.2,
            "tau_syn_in_ms": 2.0,
            "delay_ms": 0.7,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Positive differences reach the left ear later. Clicks start at 1–2 ms (uniform); 158 ms in all."""
        answer = balanced_answers(rng, n, PLACES)
        click_ms = rng.uniform(1, 2, (n, 1)) + CLICK_PERIOD_ms * np.arange(CLICKS)
        half_itd_ms = (answer[:, None] - PLACES // 2) * ITD_STEP_ms / 2
        trial, channel = np.repeat(np.arange(n), CLICKS), np.zeros(n * CLICKS, int)
        spikes = {}
        for ear, sign in (("left", 1), ("right", -1)):
            time_ms = click_ms + sign * half_itd_ms + rng.normal(0, JITTER_ms, (n, CLICKS))
            spikes[ear] = Spikes(np.maximum(time_ms, 0).ravel(), trial, channel)
        return Trials(Stimulus(n, 158.0, spikes), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """Credit by argmax. Graded: .6 of it, and .4 for the share of counts near the right place."""
        counts, answer = recording.output_counts("place"), trials.answer
        leading = counts == counts.max(axis=1, keepdims=True)
        tied = leading.sum(axis=1)
        credit = leading[np.arange(len(answer)), answer] / tied
        near = (leading * NEARNESS[answer]).sum(axis=1) / tied
        return Score(credit, float(0.6 * credit.mean() + 0.4 * near.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Three banks of coincidence cells of different windows on one pair of delay lines, summed per place."""
        left, right = self.inputs
        place = PopulationGene(
            innovation("localise", "place"), True, PLACES, 0.3, 15.0, 0.1, 0.1, 2.0, port="place"
        )
        populations, projections = [place], []
        for bank, strength in enumerate((0.54, 0.59, 0.68)):
            cells = PopulationGene(
                innovation("localise", "bank", bank), True, PLACES, 0.3, 15.0, 1.0, 0.1, 2.0
            )
            populations.append(cells)
            for ear, sign in ((left, -1), (right, 1)):
                projections.append(
                    ProjectionGene(
                        innovation("localise", ear.name, bank),
                        ear.id,
                        cells.id,
                        Pattern("all_to_all"),
                        strength,
                        delay_ms=0.5,
                        delay_gradient_ms=sign * ITD_STEP_ms / 2,
                    )
                )
            projections.append(
                ProjectionGene(
                    innovation("localise", "sum", bank),
                    cells.id,
                    place.id,
                    Pattern("one_to_one"),
                    strength=3.0,
                    delay_ms=0.02 + 0.7 * bank,
                )
            )
        return Genome(self.inputs, self.outputs, tuple(populations), tuple(projections))
