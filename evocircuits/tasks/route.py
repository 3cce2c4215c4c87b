"""Route: pass on the stream that the cue names, spike time by spike time, and hold back the other.

Inhibition of the inhibition that cancels a stream opens its gate (Vogels & Abbott, Nat. Neurosci. 12 (2009), who gate
by an upset balance; Pi et al., Nature 503 (2013), for the cells). Each output is read by the spike distance of van
Rossum, Neural Computation 13 (2001): its template is the nearest of four.

The cue changes sides halfway through every trial, as a relay of one stream would else be right in half of the trials.
A trial is routed when in both halves the cued output speaks and the other is silent; it earns the share of templates
read aright, and any other trial what a guess would.

Inhibition is one way to do this, not the only one. Cells that fire when stream and cue coincide reach about .7, as the
cue is irregular; behind excitatory cells that make it regular they reach .987 (`coincidence_arm`), against .996 of the
reference, which spends 73 spikes a trial where they spend 185.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Record, Recording, Spikes, Stimulus
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.base import Ranges, Score, Task, Trials, balanced_answers

TEMPLATES_ms = np.array(
    [
        [5.0, 9.0, 40.0, 44.0, 75.0, 79.0],
        [15.0, 19.0, 50.0, 54.0, 85.0, 89.0],
        [1.0, 25.0, 29.0, 60.0, 64.0, 95.0],
        [10.0, 34.0, 38.0, 69.0, 73.0, 99.0],
    ]
)
K = len(TEMPLATES_ms)
HALF_ms = 130.0
LEAD_ms = 20.0
JITTER_ms = 1.0
NOISE_Hz = 10.0
CUE_Hz = 200.0
KERNEL_ms = 5.0


class Route(Task):
    """Two streams, each one of 4 templates in either half of a trial, and a cue that names a stream in each half."""

    name = "route"
    summary = (
        "Relay the spike times of the cued one of two streams, whichever it is now, and silence the other."
    )
    source = "Vogels & Abbott 2009; templates and cue of this suite"
    inputs = (Port("stream", 2), Port("cue", 2))
    outputs = (Port("out", 2),)
    dt_ms = 0.1
    chance = 1 / K
    ceiling = 1.0
    claim = ("inhibition",)
    record = Record(spikes=True)
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 1.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """Two halves of 130 ms, whose templates begin after 20 ms; jitter σ 1 ms, background 10 Hz a stream.

        The cue is a Poisson train of 200 Hz on the channel of the cued stream. Answer: which stream is cued first, and
        the template it carries in either half, as one number of 2 × 4 × 4.
        """
        answer = balanced_answers(rng, n, 2 * K * K)
        cued, asked = _questions(answer)
        template = rng.integers(K, size=(n, 2, 2))  # trial, half, stream
        trial, half = np.indices(cued.shape)
        template[trial, half, cued] = asked
        jitter_ms = rng.normal(0, JITTER_ms, (*template.shape, TEMPLATES_ms.shape[1]))
        onset_ms = LEAD_ms + HALF_ms * np.arange(2)[:, None, None]
        time_ms = TEMPLATES_ms[template] + onset_ms + jitter_ms
        of_trial, _, of_stream, _ = np.indices(time_ms.shape)
        noise = poisson(rng, np.full((n, 2), NOISE_Hz), duration_ms=2 * HALF_ms)
        stream = Spikes(
            np.append(time_ms, noise.time_ms),
            np.append(of_trial, noise.trial),
            np.append(of_stream, noise.channel),
        )
        cue_Hz = CUE_Hz * (cued.T[:, :, None] == np.arange(2))
        cue = poisson(rng, cue_Hz, duration_ms=2 * HALF_ms)
        return Trials(Stimulus(n, 2 * HALF_ms, {"stream": stream, "cue": cue}), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """Credit for the templates of routed trials, read after the first 20 ms of each half.

        Graded: half of it, and half for right templates, each times the cued output's share of the spikes.
        """
        cued, asked = _questions(trials.answer)
        counts, nearest = _read(recording, trials.n)
        trial, half = np.indices(cued.shape)
        spoken, leaked = counts[trial, half, cued], counts[trial, half, 1 - cued]
        right = nearest[trial, half, cued] == asked
        routed = np.all((spoken > 0) & (leaked == 0), axis=1)
        credit = np.where(routed, right.mean(axis=1), self.chance)
        share = spoken / np.maximum(spoken + leaked, 1)
        graded = (credit.mean() + (right * share).mean()) / 2
        return Score(credit, float(graded), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """Each stream cancels itself through an I cell that outruns it; the cue silences that cell through another."""
        stream, cue = self.inputs
        out = PopulationGene(innovation("route", "out"), True, 2, 10.0, 15.0, 2.0, 0.5, 2.0, port="out")
        gate = PopulationGene(innovation("route", "gate"), False, 2, 2.0, 15.0, 2.0, 1.0, 5.0)
        key = PopulationGene(innovation("route", "key"), False, 2, 10.0, 15.0, 2.0, 2.0, 5.0)
        return self._wired(
            (out, gate, key),
            ("stream→out", stream, out, 2.0, 1.5),
            ("stream→gate", stream, gate, 2.0, 0.2),
            ("gate→out", gate, out, 5.0, 0.2),
            ("cue→key", cue, key, 2.0, 0.2),
            ("key→gate", key, gate, 5.0, 0.2),
        )

    def coincidence_arm(self) -> Genome:
        """Without inhibition: cells that the cue keeps firing regularly, added to the stream at the output cells."""
        stream, cue = self.inputs
        out = PopulationGene(innovation("route", "out"), True, 2, 2.0, 15.0, 1.0, 0.5, 5.0, port="out")
        held = PopulationGene(innovation("route", "held"), True, 2, 10.0, 15.0, 1.0, 10.0, 5.0)
        return self._wired(
            (out, held),
            ("stream→out", stream, out, 0.32, 1.0),
            ("cue→held", cue, held, 5.0, 0.5),
            ("held→out", held, out, 0.37, 0.5),
        )

    def _wired(self, populations: tuple[PopulationGene, ...], *wires: tuple) -> Genome:
        projections = tuple(
            ProjectionGene(
                innovation("route", name), source.id, target.id, Pattern("one_to_one"), strength, delay_ms
            )
            for name, source, target, strength, delay_ms in wires
        )
        return Genome(self.inputs, self.outputs, populations, projections)


def _questions(answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int[trials, halves]: which stream is cued, and its template."""
    first, first_template, second_template = np.unravel_index(answer, (2, K, K))
    return np.stack([first, 1 - first], axis=1), np.stack([first_template, second_template], axis=1)


def _read(recording: Recording, n: int) -> tuple[np.ndarray, np.ndarray]:
    """int[trials, halves, outputs]: spike counts and nearest templates.

    With kernel exp(−t/τ) the squared distance of spikes f and template g is (f, f) − 2 (f, g) + (g, g), where (f, g) is
    the sum of exp(−|t − u|/τ) over their pairs, but for a factor. All templates share (f, f).
    """
    spikes, outputs = recording.spikes, recording.circuit.outputs["out"]
    half = np.minimum(spikes.time_ms // HALF_ms, 1).astype(int)
    time_ms = spikes.time_ms - half * HALF_ms - LEAD_ms
    read = np.isin(spikes.channel, outputs) & (time_ms > 0)
    output = (spikes.channel == outputs[1]).astype(int)
    cell = np.ravel_multi_index((spikes.trial[read], half[read], output[read]), (n, 2, 2))
    overlap = np.stack(
        [
            np.bincount(cell, _kernel(time_ms[read][:, None] - template).sum(axis=1), minlength=4 * n)
            for template in TEMPLATES_ms
        ]
    )
    norm = _kernel(TEMPLATES_ms[:, :, None] - TEMPLATES_ms[:, None]).sum(axis=(1, 2))
    nearest = (norm[:, None] - 2 * overlap).argmin(axis=0)
    return np.bincount(cell, minlength=4 * n).reshape(n, 2, 2), nearest.reshape(n, 2, 2)


def _kernel(difference_ms: np.ndarray) -> np.ndarray:
    return np.exp(-np.abs(difference_ms) / KERNEL_ms)
