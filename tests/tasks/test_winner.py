from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure.ablation import ablated
from evocircuits.simulator import Record, Stimulus, simulate
from evocircuits.tasks import Trials
from evocircuits.tasks.winner import Winner
from tests.tasks.observers import binned_counts, run, trivial

WINNER = Winner()
REFERENCE = develop(WINNER.reference(), dt_ms=WINNER.dt_ms)


def standard_error(credit):
    return credit.std() / np.sqrt(len(credit))


def input_counts(trials, start_ms, end_ms):
    spikes = trials.stimulus.spikes["rate"]
    inside = (spikes.time_ms >= start_ms) & (spikes.time_ms < end_ms)
    counts = np.zeros((trials.n, 4), int)
    np.add.at(counts, (spikes.trial[inside], spikes.channel[inside]), 1)
    return counts


def scored(*events):
    """The score of one trial whose right output is 2, from (time_ms, neuron) of the reference's five neurons."""
    time_ms, neuron = np.array(events, float).reshape(-1, 2).T
    counts = binned_counts(
        time_ms, np.zeros(len(time_ms)), neuron, bin_ms=50.0, duration_ms=500.0, n_trials=1, n_neurons=5
    )
    trials = Trials(Stimulus(1, 500.0), np.array([2]))
    return WINNER.score(trials, SimpleNamespace(circuit=REFERENCE, binned_counts=counts))


@pytest.mark.parametrize(("start_ms", "end_ms"), [(0, 200), (200, 500)])
def test_one_input_has_60_Hz_and_the_others_40_Hz_from_beginning_to_end(start_ms, end_ms):
    trials = WINNER.trials(np.random.default_rng(0), 4000)
    assert np.all(np.bincount(trials.answer) == 1000)
    counts = input_counts(trials, start_ms, end_ms)
    chosen = np.arange(4) == trials.answer[:, None]
    for rate_Hz, among in ((60, chosen), (40, ~chosen)):
        expected = rate_Hz * (end_ms - start_ms) / 1000
        assert counts[among].mean() == pytest.approx(expected, rel=0.02)
        assert counts[among].var() == pytest.approx(expected, rel=0.1)


def test_the_same_generator_state_gives_the_same_trials():
    one, two, other = (WINNER.trials(np.random.default_rng(seed), 20) for seed in (1, 1, 2))
    times_ms = [trials.stimulus.spikes["rate"].time_ms for trials in (one, two, other)]
    assert np.array_equal(one.answer, two.answer)
    assert np.array_equal(times_ms[0], times_ms[1])
    assert not np.array_equal(times_ms[0], times_ms[2])


def test_bayesian_observer_reaches_the_ceiling():
    trials = WINNER.trials(np.random.default_rng(2), 40_000)
    ties = np.random.default_rng(3)
    credit = 0
    for duration_ms, expected in ((200, 0.641), (500, 0.827)):
        counts = input_counts(trials, 0, duration_ms)
        rate_Hz = np.where(np.eye(4, dtype=bool), 60, 40)  # hypotheses × channels
        log_posterior = counts @ np.log(rate_Hz).T - rate_Hz.sum(axis=1) * duration_ms / 1000
        decided = np.argmax(log_posterior + ties.uniform(0, 1e-6, counts.shape), axis=1)
        right = decided == trials.answer
        assert right.mean() == pytest.approx(expected, abs=3 * standard_error(right))
        credit = credit + right / 2
    assert credit.mean() == pytest.approx(WINNER.ceiling, abs=3 * standard_error(credit))


def test_hand_wired_reference_comes_near_the_ceiling():
    trials = WINNER.trials(np.random.default_rng(4), 10_000)
    assert 0.85 < run(WINNER, REFERENCE, trials).normalised < 1


def test_what_is_read_at_200_ms_is_what_a_trial_of_200_ms_would_give():
    trials = WINNER.trials(np.random.default_rng(5), 100)
    whole, short = (
        simulate(REFERENCE, stimulus, dt_ms=WINNER.dt_ms, record=Record(spikes=True)).spikes
        for stimulus in (trials.stimulus, Stimulus(100, 200.0, dict(trials.stimulus.spikes)))
    )
    early = whole.time_ms <= 200 + 1e-9
    assert np.array_equal(whole.time_ms[early], short.time_ms)
    assert np.array_equal(whole.trial[early], short.trial)
    assert np.array_equal(whole.channel[early], short.channel)


@pytest.mark.parametrize("what", WINNER.claim)
def test_reference_needs_what_it_claims(what):
    trials = WINNER.trials(np.random.default_rng(6), 1000)
    loss = run(WINNER, REFERENCE, trials).credit - run(WINNER, ablated(REFERENCE, what), trials).credit
    assert loss.mean() > 3 * standard_error(loss)


def test_slow_cells_tuned_to_do_without_inhibition_fall_short_of_the_reference():
    trials = WINNER.trials(np.random.default_rng(7), 4000)
    genome = WINNER.reference()
    cells = replace(genome.populations[0], tau_syn_ex_ms=150.0, t_ref_ms=50.0)
    onto_cells = replace(genome.projections[0], strength=0.106)
    alone = develop(genome.with_genes(populations=[cells], projections=[onto_cells]), dt_ms=WINNER.dt_ms)
    score = run(WINNER, alone, trials)
    assert score.raw == pytest.approx(0.41, abs=0.03)
    gain = run(WINNER, REFERENCE, trials).credit - score.credit
    assert gain.mean() > 3 * standard_error(gain)


@pytest.mark.parametrize(("kind", "expected"), [("silent", 0.25), ("always", 0.0), ("relay", 0.0)])
def test_trivial_circuits_do_not_pass_chance(kind, expected):
    trials = WINNER.trials(np.random.default_rng(8), 400)
    assert run(WINNER, trivial(WINNER, kind), trials).raw == pytest.approx(expected, abs=0.001)


def test_a_relay_of_each_input_to_its_output_fails():
    trials = WINNER.trials(np.random.default_rng(9), 4000)
    genome = WINNER.reference()
    cells = replace(genome.populations[0], tau_syn_ex_ms=1.0, t_ref_ms=1.0)
    wire = replace(genome.projections[0], strength=3.0)
    relay = develop(genome.with_genes(populations=[cells], projections=[wire]), dt_ms=WINNER.dt_ms)
    assert run(WINNER, relay, trials).raw < 0.01


def test_either_duration_counts_half_and_only_its_last_50_ms():
    assert scored((150.1, 2), (200.0, 2), (450.1, 2), (500.0, 2)).raw == 1
    assert scored((150.1, 2)).raw == (1 + 0.25) / 2
    assert scored((500.0, 2)).raw == (1 + 0.25) / 2
    assert scored((150.0, 2), (200.1, 2), (450.0, 2)).raw == 0.25


def test_wrong_or_shared_activity_earns_nothing_and_hidden_cells_do_not_matter():
    assert scored((160, 0), (460, 1)).raw == 0
    assert scored((160, 2), (170, 3), (460, 2), (470, 2), (480, 3)).raw == 0
    assert scored((160, 2), (160, 4), (460, 2), (460, 4)).raw == 1


def test_graded_signal_tells_how_much_of_the_activity_is_right():
    shared, mostly_right = scored((160, 2), (160, 1)), scored((160, 2), (160, 1), (170, 2))
    assert shared.raw == mostly_right.raw
    assert shared.graded < mostly_right.graded < scored((160, 2)).graded


@pytest.mark.parametrize(("kind", "raw"), [("silent", 0.25), ("always", 0.0)])
def test_a_single_trial_of_silence_or_saturation_has_a_finite_score(kind, raw):
    score = run(WINNER, trivial(WINNER, kind), WINNER.trials(np.random.default_rng(10), 1))
    assert score.raw == raw
    assert np.isfinite(score.graded)
