from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure import ablated
from evocircuits.simulator import Record, Spikes, simulate
from evocircuits.tasks import imprint
from evocircuits.tasks.imprint import Imprint
from tests.tasks.observers import run, trivial

IMPRINT = Imprint()
REFERENCE = develop(IMPRINT.reference(), dt_ms=IMPRINT.dt_ms)
SLOTS, SCORED = 240, 60


@pytest.fixture(scope="module")
def lives():
    return IMPRINT.trials(np.random.default_rng(1), 256)


@pytest.fixture(scope="module")
def few():
    return IMPRINT.trials(np.random.default_rng(2), 16)


@pytest.fixture(scope="module")
def learnt(lives):
    """The reference's recording of `lives`, with the weights that each of them leaves."""
    record = Record(spikes=True, weights=True)
    return simulate(REFERENCE, lives.stimulus, dt_ms=IMPRINT.dt_ms, record=record)


def fixed(strength: float):
    """The reference with other weights, and without plasticity."""
    genome = IMPRINT.reference()
    (projection,) = genome.projections
    genome = genome.with_genes(projections=[replace(projection, strength=strength, plasticity=None)])
    return develop(genome, dt_ms=IMPRINT.dt_ms)


def standard_error(credit: np.ndarray) -> float:
    return credit.std(ddof=1) / np.sqrt(len(credit))


def in_slots(trials) -> tuple[np.ndarray, ...]:
    """Place (life, slot, channel) and latency in ms of every input spike that falls into a slot."""
    spikes = trials.stimulus.spikes["in"]
    onset_ms = (trials.onset_ms + 30_000 * np.arange(trials.n)[:, None]).ravel()
    time_ms = spikes.time_ms + 30_000 * spikes.trial
    slot = np.searchsorted(onset_ms, time_ms, side="right") - 1
    latency_ms = time_ms - onset_ms[slot]
    inside = (latency_ms >= 0) & (latency_ms < 50)
    return (spikes.trial[inside], slot[inside] % SLOTS, spikes.channel[inside]), latency_ms[inside]


def latencies_ms(trials) -> np.ndarray:
    """float[lives, slots, channels]: when in each slot each channel fires."""
    place, latency_ms = in_slots(trials)
    table = np.full((trials.n, SLOTS, 50), np.nan)
    table[place] = latency_ms
    return table


def apart_ms(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The mean distance of latencies, on a circle of 50 ms: 12.5 ms by chance."""
    return np.mean(np.abs((a - b + 25) % 50 - 25), axis=-1)


def answered(trials, recording, slots: np.ndarray, after_ms: float):
    """A recording whose only output spikes come `after_ms` after the onsets of `slots`, bool[lives, slots]."""
    life, _ = np.nonzero(slots)
    spikes = Spikes(trials.onset_ms[slots] + after_ms, life, np.zeros(len(life), int))
    return IMPRINT.score(trials, replace(recording, spikes=spikes))


def test_slots_are_balanced_disjoint_and_at_random_times(lives):
    assert lives.answer.shape == lives.onset_ms.shape == (256, SLOTS)
    assert np.all(lives.answer.reshape(256, 4, SCORED).sum(axis=2) == SCORED / 2)
    assert lives.onset_ms.min() >= 0
    assert lives.onset_ms.max() <= 30_000 - 60
    gap_ms = np.diff(lives.onset_ms, axis=1) - 50
    assert gap_ms.min() >= 10 - 1e-6
    assert gap_ms.mean() == pytest.approx(75, rel=0.02)
    assert gap_ms.std() == pytest.approx(65, rel=0.05)  # as between uniform points: the mean beyond the 10 ms


def test_every_channel_fires_once_in_a_slot_and_at_20_Hz_between(few):
    place, _ = in_slots(few)
    counts = np.zeros((few.n, SLOTS, 50), int)
    np.add.at(counts, place, 1)
    assert np.all(counts == 1)
    spikes = few.stimulus.spikes["in"]
    between = np.bincount(spikes.channel, minlength=50) - few.n * SLOTS
    seconds = few.n * (30 - SLOTS * 0.05)
    assert between.mean() / seconds == pytest.approx(20, rel=0.01)
    assert between.var(ddof=1) == pytest.approx(between.mean(), rel=0.7)


def test_patterns_recur_within_a_life_and_decoys_do_not(few):
    latency_ms = latencies_ms(few)
    for life in range(few.n):
        pattern, decoys = latency_ms[life, few.answer[life] == 1], latency_ms[life, few.answer[life] == 0]
        assert np.all(apart_ms(pattern[1:], pattern[0]) < 2)  # two jitters of 1 ms: 1.1 ms
        assert np.all(apart_ms(decoys, pattern[0]) > 5)
        assert np.all(apart_ms(decoys[1:], decoys[0]) > 5)
    first = latency_ms[np.arange(few.n), few.answer.argmax(axis=1)]
    assert np.all(apart_ms(first[1:], first[0]) > 5)  # another life, another pattern


def test_the_same_generator_state_gives_the_same_lives():
    a, b = (IMPRINT.trials(np.random.default_rng(3), 2) for _ in range(2))
    assert np.array_equal(a.answer, b.answer)
    assert np.array_equal(a.stimulus.spikes["in"].time_ms, b.stimulus.spikes["in"].time_ms)


def test_an_observer_that_clusters_slots_reaches_the_ceiling(few):
    credit = []
    for latency_ms, answer in zip(latencies_ms(few), few.answer, strict=True):
        past, last = latency_ms[:-SCORED], latency_ms[-SCORED:]
        likeness = np.array([np.sum(apart_ms(past, one) < 5) for one in past])
        template = past[likeness.argmax()]
        credit.append(np.mean((apart_ms(last, template) < 5) == (answer[-SCORED:] == 1)) * 2 - 1)
    assert np.mean(credit) == pytest.approx(IMPRINT.ceiling, abs=0.001)


def test_hand_wired_reference_learns_every_life_anew(lives, learnt):
    score = IMPRINT.score(lives, learnt)
    assert score.normalised > 0.9
    assert np.quantile(score.credit, 0.25) > 0.9
    assert 0 < score.graded < 1


def test_without_plasticity_it_scores_nothing(lives, learnt):
    without = run(IMPRINT, ablated(REFERENCE, "plasticity"), lives).credit
    gain = IMPRINT.score(lives, learnt).credit - without
    assert abs(without.mean()) <= 3 * standard_error(without)
    assert gain.mean() > 3 * standard_error(gain)


@pytest.mark.parametrize("strength", [0.06, 0.07, 0.08])
def test_fixed_circuits_that_fire_now_and_then_score_nothing(lives, strength):
    score = run(IMPRINT, fixed(strength), lives)
    assert score.credit.std() > 0.05
    assert abs(score.raw) < 3 * standard_error(score.credit)


def test_what_one_life_learnt_is_no_use_in_another(lives, learnt):
    ending = learnt.weights.inputs["in"][0]
    kept = ablated(REFERENCE, "plasticity")
    kept = replace(kept, inputs={"in": replace(kept.inputs["in"], weight_pA=ending)})
    credit = run(IMPRINT, kept, lives).credit
    assert credit[0] > 0.9
    assert abs(credit[1:].mean()) < 3 * standard_error(credit[1:])


def test_the_reference_learns_nothing_from_counts(monkeypatch):
    monkeypatch.setattr(
        imprint, "JITTER_ms", 1000.0
    )  # times drawn anew in every slot, once per channel as before
    trials = IMPRINT.trials(np.random.default_rng(4), 64)
    score = run(IMPRINT, REFERENCE, trials)
    assert abs(score.raw) < 3 * standard_error(score.credit)


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_score_nothing(few, kind):
    score = run(IMPRINT, trivial(IMPRINT, kind), few)
    assert score.raw == 0
    assert np.isfinite(score.graded)


def test_the_readout_counts_answered_slots_of_the_last_quarter(few):
    recording = simulate(trivial(IMPRINT, "silent"), few.stimulus, dt_ms=1.0, record=IMPRINT.record)
    pattern = few.answer == 1
    assert np.all(answered(few, recording, pattern, after_ms=1).credit == 1)
    assert np.all(answered(few, recording, pattern, after_ms=59).credit == 1)
    assert np.all(answered(few, recording, ~pattern, after_ms=30).credit == -1)
    assert np.all(answered(few, recording, pattern | ~pattern, after_ms=30).credit == 0)
    half = pattern & (np.cumsum(pattern, axis=1) % 2 == 0)
    assert np.all(answered(few, recording, half, after_ms=30).credit == 0.5)
    early = np.arange(SLOTS) < SLOTS - SCORED
    assert np.all(answered(few, recording, pattern & early, after_ms=30).credit == 0)
    gap_ms = np.diff(few.onset_ms, axis=1, append=30_000)
    assert np.all(answered(few, recording, pattern & (gap_ms > 62), after_ms=61).credit == 0)


@pytest.mark.parametrize("kind", ["silent", "always"])
def test_a_single_life_can_be_scored(kind):
    trials = IMPRINT.trials(np.random.default_rng(5), 1)
    assert run(IMPRINT, trivial(IMPRINT, kind), trials).raw == 0
    assert run(IMPRINT, REFERENCE, trials).raw > 0.5
