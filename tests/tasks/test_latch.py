from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.measure.ablation import ablated
from evocircuits.tasks.base import Trials
from evocircuits.tasks.latch import Latch
from tests.tasks.observers import binned_counts, run, trivial

LATCH = Latch()
REFERENCE = develop(LATCH.reference(), dt_ms=LATCH.dt_ms)


def pulse_starts_ms(trials: Trials, trial: int) -> list[tuple[float, int]]:
    """When the pulses of one trial began and on which line: the spikes that others follow 3, 6 and 9 ms later."""
    spikes = trials.stimulus.spikes["line"]
    starts = []
    for line in (0, 1):
        times = np.sort(spikes.time_ms[(spikes.trial == trial) & (spikes.channel == line)])
        for start in times:
            if all(np.any(np.abs(times - start - later) < 1e-6) for later in (3, 6, 9)):
                starts.append((start, line))
    return sorted(starts)


def relay(*, strength: float, line: int | None = None, tau_m_ms: float = 10.0, tau_syn_ms: float = 2.0):
    """Each line, or one of them, onto its state, without anything that lasts but the cells' own constants."""
    state = PopulationGene(
        innovation("state"), True, 2, tau_m_ms, 15.0, 2.0, tau_syn_ms, 5.0, port=LATCH.outputs[0].name
    )
    wire = ProjectionGene(
        innovation("wire"), LATCH.inputs[0].id, state.id, Pattern("one_to_one"), strength, 1.0
    )
    circuit = develop(Genome(LATCH.inputs, LATCH.outputs, (state,), (wire,)), dt_ms=LATCH.dt_ms)
    if line is None:
        return circuit
    wires = circuit.inputs["line"]
    kept = wires.channel == line
    columns = ("channel", "target", "weight_pA", "delay_ms", "rule")
    alone = replace(wires, **{name: getattr(wires, name)[kept] for name in columns})
    return replace(circuit, inputs={"line": alone})


class Recorded:
    """A recording of these output spikes alone, in a circuit whose outputs are neurons 0 and 1."""

    def __init__(self, n_trials, time_ms, trial, channel):
        shape = {"bin_ms": 10.0, "duration_ms": 3000.0, "n_trials": n_trials, "n_neurons": 2}
        self.binned_counts = binned_counts(time_ms, trial, channel, **shape)
        self.circuit = REFERENCE


def test_pulses_come_equally_often_on_both_lines_after_holds_of_100_to_500_ms():
    trials = LATCH.trials(np.random.default_rng(0), 200)
    pairs = set()
    for trial in range(trials.n):
        starts, lines = map(np.array, zip(*pulse_starts_ms(trials, trial), strict=True))
        assert lines.sum() * 2 == len(lines)
        assert lines[-1] == trials.answer[trial]
        holds_ms = np.diff(np.append(starts, 3000.0))
        assert np.all((holds_ms >= 100) & (holds_ms <= 500))
        pairs.add(len(lines) // 2)
    assert pairs == {2, 3}
    assert trials.answer.sum() == 100


def test_spike_counts_of_the_two_lines_are_equal_in_every_trial():
    spikes = LATCH.trials(np.random.default_rng(1), 500).stimulus.spikes["line"]
    counts = np.zeros((500, 2), int)
    np.add.at(counts, (spikes.trial, spikes.channel), 1)
    assert np.array_equal(counts[:, 0], counts[:, 1])
    assert set(counts[:, 0]) == {2 * 4 + 6, 3 * 4 + 6}


def test_the_same_generator_state_gives_the_same_trials():
    one, two = (LATCH.trials(np.random.default_rng(2), 30) for _ in range(2))
    assert np.array_equal(one.stimulus.spikes["line"].time_ms, two.stimulus.spikes["line"].time_ms)
    assert np.array_equal(one.answer, two.answer)


def test_an_observer_that_finds_the_last_pulse_reaches_the_ceiling():
    trials = LATCH.trials(np.random.default_rng(3), 500)
    found = [[line for _, line in pulse_starts_ms(trials, trial)] for trial in range(trials.n)]
    assert np.mean([lines[-1] for lines in found] == trials.answer) == LATCH.ceiling
    first = np.array([lines[0] for lines in found])
    assert np.mean(first != trials.answer) == pytest.approx((2 / 3 + 3 / 5) / 2, abs=0.06)


def test_hand_wired_reference_holds_the_last_pulse():
    assert run(LATCH, REFERENCE, LATCH.trials(np.random.default_rng(4), 10_000)).normalised > 0.97


@pytest.mark.parametrize("what", LATCH.claim)
def test_reference_needs_what_the_task_claims(what):
    trials = LATCH.trials(np.random.default_rng(5), 2000)
    whole, without = (run(LATCH, c, trials).credit for c in (REFERENCE, ablated(REFERENCE, what)))
    error = np.sqrt((whole.var() + without.var()) / trials.n)
    assert whole.mean() - without.mean() > 3 * error
    assert without.mean() < 0.6


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_stay_at_chance(kind):
    trials = LATCH.trials(np.random.default_rng(6), 1000)
    assert run(LATCH, trivial(LATCH, kind), trials).raw == 0.5


@pytest.mark.parametrize("line", [0, 1, None])
def test_relays_of_one_line_or_of_each_to_its_state_stay_at_chance(line):
    trials = LATCH.trials(np.random.default_rng(7), 4000)
    assert run(LATCH, relay(strength=3.0, line=line), trials).raw == pytest.approx(0.5, abs=0.03)


def test_the_slowest_cells_without_a_loop_fall_far_short():
    slowest = relay(strength=20.0, tau_m_ms=20.0, tau_syn_ms=20.0)
    trials = LATCH.trials(np.random.default_rng(8), 2000)
    assert run(LATCH, slowest, trials).raw < 0.58


def test_only_the_last_50_ms_are_read_and_ties_and_silence_are_shared():
    trials = LATCH.trials(np.random.default_rng(9), 4)
    right, wrong = trials.answer, 1 - trials.answer
    early = Recorded(4, [2949.0] * 4, [0, 1, 2, 3], right)
    assert np.array_equal(LATCH.score(trials, early).credit, [0.5] * 4)
    late = Recorded(
        4,
        [2951.0, 2951.0, 2999.0, 2960.0, 2970.0],
        [0, 1, 2, 2, 2],
        [right[0], wrong[1], right[2], wrong[2], 0],
    )
    third = float(right[2] == 0)  # two spikes of line 0 against one
    assert np.array_equal(LATCH.score(trials, late).credit, [1, 0, third, 0.5])


def test_saturation_is_a_tie():
    trials = LATCH.trials(np.random.default_rng(10), 2)
    time_ms = np.repeat(np.arange(2000.0, 3000.0), 4)
    saturated = Recorded(2, time_ms, np.tile([0, 0, 1, 1], 1000), np.tile([0, 1, 0, 1], 1000))
    score = LATCH.score(trials, saturated)
    assert (score.raw, score.graded) == (0.5, 0.5)


def test_graded_signal_rewards_a_smaller_wrong_majority():
    trials = LATCH.trials(np.random.default_rng(11), 1)
    right, wrong = trials.answer[0], 1 - trials.answer[0]
    all_wrong = LATCH.score(trials, Recorded(1, [2960.0] * 3, [0] * 3, [wrong] * 3))
    most_wrong = LATCH.score(trials, Recorded(1, [2960.0] * 3, [0] * 3, [wrong, wrong, right]))
    assert all_wrong.raw == most_wrong.raw == 0
    assert all_wrong.graded < most_wrong.graded < 0.5


def test_what_is_asked_for_is_the_last_pulse_once_it_has_begun():
    trials = LATCH.trials(np.random.default_rng(12), 20)
    for trial in range(trials.n):
        asked = np.full(300, -1)
        for start_ms, line in pulse_starts_ms(trials, trial):
            asked[int(start_ms // 10) :] = line
            asked[int(start_ms // 10)] = -1
        assert np.array_equal(trials.state[trial], asked)


def test_graded_signal_rewards_whoever_holds_longer():
    trials = LATCH.trials(np.random.default_rng(12), 50)
    held = {after_ms: [] for after_ms in (60.0, 260.0)}
    for after_ms, spikes in held.items():
        for trial in range(trials.n):
            starts = pulse_starts_ms(trials, trial)
            ends_ms = [start for start, _ in starts[1:]] + [3000.0]
            for (start_ms, line), end_ms in zip(starts, ends_ms, strict=True):
                spikes += [
                    (t, trial, line) for t in np.arange(start_ms + 1, min(start_ms + after_ms, end_ms), 10)
                ]
    short, long = (LATCH.score(trials, Recorded(50, *zip(*spikes, strict=True))) for spikes in held.values())
    assert 0.53 < short.graded < long.graded - 0.1


def test_single_trials_can_be_scored():
    scores = [run(LATCH, REFERENCE, LATCH.trials(np.random.default_rng(seed), 1)) for seed in range(10)]
    assert np.mean([s.raw for s in scores]) > 0.8
    assert all(np.isfinite([s.raw, s.graded]).all() for s in scores)
