from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene, innovation
from evocircuits.measure.ablation import ablated
from evocircuits.search.variation import Space, found, mutate
from evocircuits.simulator import Stimulus, simulate
from evocircuits.simulator.encode import poisson
from evocircuits.tasks.runaway import Runaway
from tests.tasks.observers import binned_counts, run

RUNAWAY = Runaway()
REFERENCE = develop(RUNAWAY.reference(), dt_ms=RUNAWAY.dt_ms)
CORE = Genome(RUNAWAY.inputs, RUNAWAY.outputs, *RUNAWAY.given())
KICKS_ms = (250, 500, 750, 1000)


class Recorded:
    """A recording of these spikes alone, in a circuit whose E cells are neurons 0 to 15."""

    circuit = REFERENCE

    def __init__(self, n_trials: int, time_ms, trial, channel):
        shape = {"bin_ms": 50.0, "duration_ms": 1100.0, "n_trials": n_trials, "n_neurons": 20}
        self.binned_counts = binned_counts(time_ms, trial, channel, **shape)


def of_cell(cell: int, *trains_ms) -> Recorded:
    """A recording of one cell alone, which fires this often (in all cells' name): its times in each trial."""
    trial = np.repeat(np.arange(len(trains_ms)), [len(times) for times in trains_ms])
    return Recorded(len(trains_ms), np.concatenate(trains_ms), trial, np.full(len(trial), cell))


def regular_ms(before_Hz: float, after_Hz: float) -> np.ndarray:
    """Evenly spaced spikes of all 16 cells together, at another rate from each kick to 100 ms after it."""
    times = []
    for kick in KICKS_ms:
        for start, length, rate_Hz in ((kick - 150, 150, before_Hz), (kick, 100, after_Hz)):
            n = round(16 * rate_Hz * length / 1000)
            times.append(start + (np.arange(n) + 0.5) * length / max(n, 1))
    return np.concatenate(times)


def with_excitation(target_strength: float) -> Genome:
    """The core and four more cells, excitatory, in the place of the reference's inhibitory ones."""
    genome = RUNAWAY.reference()
    return genome.with_genes(
        populations=[replace(p, excitatory=True) for p in genome.populations],
        projections=[
            *genome.projections[:-1],
            replace(genome.projections[-1], strength=target_strength),
        ],
    )


def test_trials_go_through_20_conditions_of_drive_and_kick():
    trials = RUNAWAY.trials(np.random.default_rng(0), 200)
    assert np.array_equal(np.bincount(trials.answer, minlength=20), np.full(20, 10))
    drive, kick = (trials.stimulus.spikes[port] for port in ("drive", "kick"))
    for condition in range(20):
        members = np.flatnonzero(trials.answer == condition)
        rate_Hz = np.isin(drive.trial, members).sum() / (10 * 16 * 1.1)
        assert rate_Hz == pytest.approx(10 * (condition // 2 + 1), rel=0.12)
        for trial in members:
            quarters = kick.channel[kick.trial == trial]
            assert len(set(quarters)) == (1, 4)[condition % 2]
            assert sorted(kick.time_ms[kick.trial == trial]) == sorted(KICKS_ms * len(set(quarters)))


def test_the_same_generator_state_gives_the_same_trials():
    one, two = (RUNAWAY.trials(np.random.default_rng(1), 20) for _ in range(2))
    for port in ("drive", "kick"):
        assert np.array_equal(one.stimulus.spikes[port].time_ms, two.stimulus.spikes[port].time_ms)
    assert np.array_equal(one.answer, two.answer)


def test_the_core_sustains_itself_long_after_its_drive_has_ended():
    drive = poisson(np.random.default_rng(2), np.full((50, 16), 50.0), duration_ms=100.0)
    stimulus = Stimulus(50, 1100.0, {"drive": drive})
    core = develop(CORE, dt_ms=RUNAWAY.dt_ms)
    recording = simulate(core, stimulus, dt_ms=RUNAWAY.dt_ms, record=RUNAWAY.record)
    late = recording.binned_counts[-2:].sum(axis=(0, 2))
    assert np.all(late / (16 * 0.1) > 40)


@pytest.mark.parametrize("strength", [None, 0.01, 0.27, 2.0])
def test_without_inhibition_no_condition_is_held(strength):
    genome = CORE if strength is None else with_excitation(strength)
    trials = RUNAWAY.trials(np.random.default_rng(3), 400)
    assert run(RUNAWAY, develop(genome, dt_ms=RUNAWAY.dt_ms), trials).raw == 0


def test_search_starts_from_the_core_and_keeps_it():
    space, rng = Space(RUNAWAY, max_neurons=40, max_synapses=400), np.random.default_rng(4)
    genome = found(rng, space)
    assert genome == CORE
    inhibited = 0
    for _ in range(100):
        genome, _ = mutate(genome, rng, space)
        assert set(CORE.populations) <= set(genome.populations)
        assert set(CORE.projections) <= set(genome.projections)
        inhibited += any(not p.excitatory for p in genome.populations)
    assert inhibited > 10


def test_reference_adds_four_inhibitory_cells_to_the_core():
    genome = RUNAWAY.reference()
    added = set(genome.populations) - set(CORE.populations)
    assert [(p.size, p.excitatory) for p in added] == [(4, False)]
    assert set(CORE.projections) <= set(genome.projections)


def test_hand_wired_reference_holds_nearly_all_conditions():
    trials = RUNAWAY.trials(np.random.default_rng(5), 2000)
    score = run(RUNAWAY, REFERENCE, trials)
    assert score.normalised > 0.92
    held = [score.credit[trials.answer == condition].mean() for condition in range(20)]
    assert np.all(np.array(held[2:]) > 0.85)


@pytest.mark.parametrize("what", RUNAWAY.claim)
def test_reference_needs_what_the_task_claims(what):
    trials = RUNAWAY.trials(np.random.default_rng(6), 1000)
    whole, without = (run(RUNAWAY, c, trials).credit for c in (REFERENCE, ablated(REFERENCE, what)))
    assert whole.mean() > 0.9
    assert without.mean() == RUNAWAY.chance


@pytest.mark.parametrize("excitatory", [True, False])
@pytest.mark.parametrize(("bias_pA", "low_Hz", "high_Hz"), [(0.0, 0, 0), (380.0, 5, 40), (2000.0, 100, 400)])
def test_a_cell_that_is_silent_or_always_fires_holds_nothing(excitatory, bias_pA, low_Hz, high_Hz):
    cell = PopulationGene(innovation("cell"), excitatory, 1, 10.0, 15.0, 2.0, 3.0, 5.0, bias_pA)
    onto_e = ProjectionGene(
        innovation("cell→e"), cell.id, CORE.populations[0].id, Pattern("all_to_all"), 0.27, 0.5
    )
    genome = CORE.with_genes(populations=[*CORE.populations, cell], projections=[*CORE.projections, onto_e])
    circuit, trials = develop(genome, dt_ms=RUNAWAY.dt_ms), RUNAWAY.trials(np.random.default_rng(7), 200)
    counts = simulate(circuit, trials.stimulus, dt_ms=RUNAWAY.dt_ms).counts
    others = np.setdiff1d(np.arange(circuit.n_neurons), circuit.outputs["e"])
    assert low_Hz <= counts[:, others].mean() / 1.1 <= high_Hz
    assert run(RUNAWAY, circuit, trials).raw == 0


@pytest.mark.parametrize("port", ["drive", "kick"])
def test_relays_of_one_stream_onto_the_core_hold_nothing(port):
    source = next(p for p in RUNAWAY.inputs if p.name == port)
    (e,) = CORE.populations
    more = ProjectionGene(innovation("more", port), source.id, e.id, Pattern("one_to_one"), 3.0, 1.0)
    genome = CORE.with_genes(projections=[*CORE.projections, more])
    trials = RUNAWAY.trials(np.random.default_rng(8), 200)
    assert run(RUNAWAY, develop(genome, dt_ms=RUNAWAY.dt_ms), trials).raw == 0


def test_steady_rates_reach_the_ceiling_and_irregular_ones_nearly():
    trials = RUNAWAY.trials(np.random.default_rng(9), 20)
    steady = of_cell(0, *[regular_ms(20.0, 20.0)] * 20)
    assert RUNAWAY.score(trials, steady).raw == RUNAWAY.ceiling
    trials = RUNAWAY.trials(np.random.default_rng(9), 2000)
    spikes = poisson(np.random.default_rng(10), np.full((2000, 16), 20.0), duration_ms=1100.0)
    irregular = Recorded(2000, spikes.time_ms, spikes.trial, spikes.channel)
    assert RUNAWAY.score(trials, irregular).raw == pytest.approx(RUNAWAY.ceiling, abs=0.02)


@pytest.mark.parametrize(
    ("before_Hz", "after_Hz", "held"),
    [
        (1.7, 1.7, 0),
        (2.5, 2.5, 1),
        (39, 39, 1),
        (42, 42, 0),
        (20, 29, 1),
        (20, 31, 0),
        (30, 21, 1),
        (30, 19, 0),
    ],
)
def test_bounds_of_rate_and_change(before_Hz, after_Hz, held):
    trials = RUNAWAY.trials(np.random.default_rng(11), 1)
    assert RUNAWAY.score(trials, of_cell(0, regular_ms(before_Hz, after_Hz))).raw == held


def test_spikes_of_other_cells_are_not_read():
    trials = RUNAWAY.trials(np.random.default_rng(12), 1)
    assert RUNAWAY.score(trials, of_cell(16, regular_ms(20.0, 20.0))).raw == 0


def test_silence_and_saturation_are_scored_without_a_nan():
    trials = RUNAWAY.trials(np.random.default_rng(13), 2)
    silent, saturated = of_cell(0, [], []), of_cell(0, *[np.arange(0, 1100, 0.01)] * 2)
    assert (RUNAWAY.score(trials, silent).raw, RUNAWAY.score(trials, silent).graded) == (0, 0)
    assert RUNAWAY.score(trials, saturated).raw == 0
    assert 0 < RUNAWAY.score(trials, saturated).graded < 0.01


def test_graded_signal_falls_the_further_the_rate_runs_away():
    trials = RUNAWAY.trials(np.random.default_rng(14), 1)
    graded = [
        RUNAWAY.score(trials, of_cell(0, regular_ms(rate, rate))).graded for rate in (30.0, 80.0, 160.0)
    ]
    assert graded == pytest.approx([1, 1 / 2, 1 / 4], rel=0.02)
    swings = [
        RUNAWAY.score(trials, of_cell(0, regular_ms(20.0, after))).graded for after in (40.0, 80.0, 0.0)
    ]
    assert swings == pytest.approx([3 / 4, 3 / 8, 0], rel=0.05)


def test_single_trials_can_be_scored():
    scores = [run(RUNAWAY, REFERENCE, RUNAWAY.trials(np.random.default_rng(seed), 1)) for seed in range(10)]
    assert np.mean([s.raw for s in scores]) >= 0.7
    assert all(np.isfinite([s.raw, s.graded]).all() for s in scores)
