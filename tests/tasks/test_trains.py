"""What holds of every task that is voted on, and the pieces that these tasks share."""

from itertools import pairwise, product

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.genome import Genome, Port
from evocircuits.measure.ablation import ablated
from evocircuits.simulator import Stimulus, simulate
from evocircuits.tasks.base import argmax_credit
from evocircuits.tasks.burst import Burst
from evocircuits.tasks.observers import count_only_accuracy, shuffle_times
from evocircuits.tasks.spacing import Spacing
from evocircuits.tasks.temporal_xor import TemporalXor
from evocircuits.tasks.trains import cell, start, synapse, train, vote
from evocircuits.tasks.triplet import Triplet
from tests.tasks.observers import run, trivial

VOTED = [Burst(), Spacing(), Triplet(), TemporalXor()]
each_task = pytest.mark.parametrize("task", VOTED, ids=lambda task: task.name)


class Played:
    """A recording of given counts, int[trials, outputs]."""

    def __init__(self, task, counts):
        self.counts = dict(zip((port.name for port in task.outputs), np.transpose(counts), strict=True))

    def output_counts(self, port):
        return self.counts[port][:, None]


def relays(task, heard):
    """A circuit in which each output port repeats the input port that it hears."""
    outputs = [cell("relay", port.name, port=port.name, t_ref_ms=1.0) for port in task.outputs]
    wires = [synapse(source, target, 3.0, 1.0) for source, target in zip(heard, outputs, strict=True)]
    return develop(Genome(task.inputs, task.outputs, tuple(outputs), tuple(wires)), dt_ms=task.dt_ms)


def late_copies(task, trials):
    """How many spikes of each input, held back by 0, 25, … 125 ms, come before the end: int[trials, copies]."""
    cells, wires, fast = [], [], {"tau_m_ms": 1.0, "tau_syn_ex_ms": 0.5}
    for source in task.inputs:
        copies = [cell(source.name, k, port=f"{source.name}{k}", **fast) for k in range(6)]
        cells += copies
        wires.append(synapse(source, copies[0], 3.0, 0.1))
        wires += [synapse(*pair, 3.0, 25.0) for pair in pairwise(copies)]
    genome = Genome(task.inputs, tuple(Port(cell.port, 1) for cell in cells), tuple(cells), tuple(wires))
    recording = simulate(develop(genome, dt_ms=task.dt_ms), trials.stimulus, dt_ms=task.dt_ms)
    return np.hstack([recording.output_counts(cell.port) for cell in cells])


def reference(task):
    return develop(task.reference(), dt_ms=task.dt_ms)


def standard_error(credit):
    return max(credit.std(), 1e-9) / np.sqrt(len(credit))


def test_a_train_has_a_spike_at_each_time_and_none_where_there_is_no_number():
    spikes = train(np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan]]))
    assert spikes.time_ms.tolist() == [1, 2, 3]
    assert spikes.trial.tolist() == [0, 0, 1]
    assert spikes.channel.tolist() == [0, 0, 0]


def test_patterns_start_anywhere_in_the_first_one_and_a_half_spans():
    start_ms = start(np.random.default_rng(0), 10_000, 100.0)
    assert start_ms.shape == (10_000, 1)
    assert 0 <= start_ms.min() < 0.1
    assert 149.9 < start_ms.max() <= 150
    assert start_ms.std() == pytest.approx(150 / np.sqrt(12), rel=0.02)


@each_task
def test_patterns_end_before_the_last_one_and_a_half_spans(task):
    stimulus = task.trials(np.random.default_rng(1), 10_000).stimulus
    last_ms = max(spikes.time_ms.max() for spikes in stimulus.spikes.values())
    assert 0.5 < last_ms / stimulus.duration_ms <= 1 - 1.5 / 4 + 1e-3


def test_a_strength_of_one_is_a_spike_that_just_reaches_the_threshold():
    port = Port("in", 1)
    for strength, fires in ((0.98, 0), (1.02, 1)):
        out = cell("out", port="out")
        genome = Genome((port,), (Port("out", 1),), (out,), (synapse(port, out, strength, 1.0),))
        stimulus = Stimulus(1, 50.0, {"in": train(np.zeros((1, 1)))})
        recording = simulate(develop(genome, dt_ms=0.1), stimulus, dt_ms=0.1)
        assert recording.counts.sum() == fires


def test_votes_share_ties_and_reward_margins():
    task = Triplet()
    trials = task.trials(np.random.default_rng(0), 3)
    right = np.eye(3, dtype=int)[trials.answer]
    silent, saturated = (
        vote(task, trials, Played(task, 0 * right)),
        vote(task, trials, Played(task, 0 * right + 10**6)),
    )
    assert silent.raw == saturated.raw == silent.graded == saturated.graded == pytest.approx(1 / 3)
    assert vote(task, trials, Played(task, 1 - right)).raw == 0
    assert vote(task, trials, Played(task, right + np.roll(right, 1, axis=1))).raw == 0.5
    graded = [vote(task, trials, Played(task, k * right + 1)).graded for k in range(4)]
    assert np.all(np.diff(graded) > 0)
    assert vote(task, trials, Played(task, 10**6 * right)).graded == pytest.approx(1, abs=1e-5)


@each_task
def test_single_trials_can_be_scored(task):
    for seed in range(5):
        trials = task.trials(np.random.default_rng(seed), 1)
        scores = [run(task, trivial(task, kind), trials) for kind in ("silent", "always", "relay")]
        assert [score.raw for score in scores] == pytest.approx([task.chance] * 3)
        assert all(np.isfinite(score.graded) for score in scores)


@each_task
def test_the_same_generator_state_gives_the_same_trials(task):
    one, two, other = (task.trials(np.random.default_rng(seed), 20) for seed in (1, 1, 2))
    port = task.inputs[0].name
    assert np.array_equal(one.answer, two.answer)
    assert np.array_equal(one.stimulus.spikes[port].time_ms, two.stimulus.spikes[port].time_ms)
    assert not np.array_equal(one.stimulus.spikes[port].time_ms, other.stimulus.spikes[port].time_ms)


@each_task
def test_answers_are_balanced_and_each_is_the_index_of_an_output(task):
    trials = task.trials(np.random.default_rng(0), 600)
    assert np.bincount(trials.answer).tolist() == [600 // len(task.outputs)] * len(task.outputs)
    assert task.chance == 1 / len(task.outputs)


@each_task
def test_reference_is_a_point_of_the_search_space(task):
    genome, ranges = task.reference(), task.ranges
    for population in genome.populations:
        for constant in ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms"):
            low, high = getattr(ranges, constant)
            assert low <= getattr(population, constant) <= high
    for projection in genome.projections:
        assert ranges.delay_ms[0] <= projection.delay_ms <= ranges.delay_ms[1]
        assert ranges.strength[0] <= projection.strength <= ranges.strength[1]


@each_task
def test_trivial_circuits_stay_at_chance(task):
    trials = task.trials(np.random.default_rng(2), 1200)
    for kind in ("silent", "always", "relay"):
        assert run(task, trivial(task, kind), trials).raw == pytest.approx(task.chance)


@each_task
def test_relays_of_single_streams_stay_at_chance(task):
    trials = task.trials(np.random.default_rng(2), 1200)
    for heard in product(task.inputs, repeat=len(task.outputs)):
        score = run(task, relays(task, heard), trials)
        assert score.raw == pytest.approx(task.chance, abs=3 * standard_error(score.credit))


@pytest.mark.parametrize("task", [Burst(), Spacing(), Triplet()], ids=lambda task: task.name)
def test_relays_that_hold_spikes_back_to_the_end_of_the_trial_stay_near_chance(task):
    trials, rng = task.trials(np.random.default_rng(2), 3000), np.random.default_rng(3)
    counts = late_copies(task, trials)
    heard = (rng.random((2000, counts.shape[1], len(task.outputs))) < 0.25).astype(int)
    best = max(argmax_credit(counts @ wires, trials.answer).mean() for wires in heard)
    assert best < task.chance + 0.05


@each_task
def test_counts_carry_nothing(task):
    n = 12_000
    accuracy = count_only_accuracy(task, np.random.default_rng(4), n)
    error = np.sqrt(task.chance * (1 - task.chance) / n)
    assert accuracy == pytest.approx(task.count_only_ceiling, abs=3 * error)
    assert task.count_only_ceiling == task.chance


@each_task
def test_reference_falls_to_chance_when_times_are_shuffled_across_trials(task):
    trials = shuffle_times(task.trials(np.random.default_rng(5), 12_000), np.random.default_rng(6))
    score = run(task, reference(task), trials)
    assert score.raw == pytest.approx(task.chance, abs=3 * standard_error(score.credit))


@each_task
def test_reference_needs_what_it_claims(task):
    trials = task.trials(np.random.default_rng(7), 1200)
    whole = run(task, reference(task), trials).credit
    assert task.claim
    for what in task.claim:
        lost = whole - run(task, ablated(reference(task), what), trials).credit
        assert lost.mean() > 3 * standard_error(lost)
