from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.measure import Evaluation, evaluate, rescored, score_circuit, stream
from evocircuits.measure.energy import ACCUMULATE_pJ
from evocircuits.measure.fitness import PARTS, evaluate_all
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task
from evocircuits.tasks.order import Order
from tests.tasks.test_labelled import relay

ORDER = get_task("order")


def test_the_same_seed_gives_the_same_evaluation_and_another_seed_other_trials():
    genome = get_task("localise").reference()
    one, two = (evaluate(genome, get_task("localise"), (1, 2), 32) for _ in range(2))
    assert one == two
    assert evaluate(genome, get_task("localise"), (1, 3), 32) != one


def test_reference_costs_what_its_spikes_cost():
    # a and b reach one synapse each; the output fires in half of the trials and reaches none; the veto cell in all.
    evaluation = evaluate(ORDER.reference(), ORDER, (1,), 128)
    assert evaluation.raw == 1.0
    assert evaluation.spikes == 1.5
    assert evaluation.energy_pJ == pytest.approx((1 + 1 + 1) * ACCUMULATE_pJ)
    assert (evaluation.neurons, evaluation.synapses) == (2, 3)


def test_time_that_passed_is_that_of_all_trials():
    assert evaluate(ORDER.reference(), ORDER, (1,), 128).simulated_ms == 128 * 150.0
    assert evaluate(ORDER.reference(), ORDER, (1,), 3).simulated_ms == 3 * 150.0


def test_time_of_episodes_that_end_early_is_less():
    task = get_task("cartpole")
    silent = replace(task.reference(), projections=())
    short, long = (evaluate(genome, task, (1,), 4) for genome in (silent, task.reference()))
    assert 0 < short.simulated_ms < long.simulated_ms


@pytest.mark.parametrize("name", ["order", "cartpole"])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_together_they_are_evaluated_as_one_by_one_whatever_their_order(name, noise):
    task = get_task(name)
    good = task.reference()
    silent = replace(good, projections=())
    hot = good.with_genes(populations=[replace(p, bias_pA=1e6, t_ref_ms=0.0) for p in good.populations])
    genomes = [good, silent, hot, good]
    together = evaluate_all(genomes, task, (1, 5), 4, weight_noise=noise)
    assert together == [evaluate(genome, task, (1, 5), 4, weight_noise=noise) for genome in genomes]
    assert evaluate_all(genomes[::-1], task, (1, 5), 4, weight_noise=noise) == together[::-1]
    assert together[0] == together[3] != together[1]
    ends_soon = name == "cartpole"  # so that no limit is passed
    assert [e.valid for e in together] == [True, True, ends_soon, True]


class TestCases:
    def test_are_the_mean_credits_of_each_right_answer(self):
        genome = ORDER.reference()
        deaf = genome.with_genes(projections=genome.projections[1:])  # a never reaches the output
        evaluation = evaluate(deaf, ORDER, (1,), 64)
        assert evaluation.cases == (1.0, 0.0)
        assert evaluation.raw == 0.5

    @pytest.mark.parametrize("name", ["localise", "winner", "triplet"])
    def test_weigh_alike_where_answers_do(self, name):
        task = get_task(name)
        classes = sum(port.size for port in task.outputs)
        evaluation = evaluate(task.reference(), task, (1,), 10 * classes)
        assert len(evaluation.cases) == classes
        assert np.mean(evaluation.cases) == pytest.approx(evaluation.raw)

    def test_without_right_answers_are_parts_of_the_batch(self):
        task = get_task("cartpole")
        genome = replace(task.reference(), projections=())
        for n in (3, PARTS, 2 * PARTS):
            evaluation = evaluate(genome, task, (1,), n)
            assert len(evaluation.cases) == min(n, PARTS)
            assert np.mean(evaluation.cases) == pytest.approx(evaluation.raw)

    def test_of_what_cannot_be_evaluated_there_are_none(self):
        assert Evaluation.invalid("why").cases == ()


def test_noise_on_weights_leaves_costs_of_size():
    noisy = evaluate(ORDER.reference(), ORDER, (1,), 32, weight_noise=0.5)
    assert (noisy.neurons, noisy.synapses, noisy.simulated_ms) == (2, 3, 32 * 150.0)


def test_runaway_activity_is_cut_short_and_invalid():
    genome = ORDER.reference()
    hot = [replace(p, bias_pA=1e6, t_ref_ms=0.0) for p in genome.populations]
    evaluation = evaluate(genome.with_genes(populations=hot), ORDER, (1,), 128)
    assert not evaluation.valid
    assert "spikes" in evaluation.reason


class Odd(Order):
    """Scores as a user's mistakes would make them, each time another one."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def score(self, trials, recording):
        right = super().score(trials, recording)
        number = self.rng.choice([np.nan, np.inf, -np.inf])
        credit = right.credit.astype(float)
        credit[self.rng.integers(len(credit))] = number
        shapes = [credit[:-1], credit[None], np.zeros((0,)), 0.5, None, [[0.5] * len(credit)]]
        return self.rng.choice(
            [
                replace(right, credit=credit),
                replace(right, graded=number),
                replace(right, graded=credit),
                replace(right, credit=shapes[self.rng.integers(len(shapes))]),
            ]
        )


def test_a_score_that_is_no_number_or_of_another_shape_is_invalid():
    task, genome = Odd(), ORDER.reference()
    for _ in range(1000):
        found = evaluate(genome, task, (1,), 2)
        assert not found.valid
        assert np.isfinite([found.graded, found.raw, found.energy_pJ, found.spikes]).all()
        assert found.graded < 0


def test_an_invalid_evaluation_is_finite_and_worse_than_any_valid_one():
    invalid = Evaluation.invalid("why")
    assert np.isfinite([invalid.graded, invalid.energy_pJ]).all()
    assert invalid.graded < 0


def test_reported_score_carries_its_interval_and_costs():
    circuit = develop(ORDER.reference(), dt_ms=ORDER.dt_ms)
    score = score_circuit(circuit, ORDER, seed=7, n_trials=1000)
    assert (score.raw, score.normalised, score.trials, score.seed) == (1.0, 1.0, 1000, 7)
    assert score.low == pytest.approx(1 - 0.00383, abs=1e-4)
    assert score.synaptic_events == 3.0


def test_reported_trials_are_none_of_those_a_keyed_stream_gives():
    times = [
        ORDER.trials(rng, 128).stimulus.spikes["a"].time_ms[0]
        for rng in (stream(1), stream(1, 0), stream(1, 0, 0), stream(1, 1), stream(2))
    ]
    assert len(set(times)) == 5


def test_evaluation_asks_the_task_it_is_given():
    class Reversed(type(ORDER)):
        def trials(self, rng, n):
            trials = super().trials(rng, n)
            return replace(trials, answer=1 - trials.answer)

    assert evaluate(ORDER.reference(), Reversed(), (1,), 128).raw == 0.0


def test_circuit_with_other_ports_is_one_clear_line():
    circuit = develop(get_task("localise").reference(), dt_ms=0.1)
    with pytest.raises(
        InputError, match=r"task order: expected a circuit with ports \{'a': 1, 'b': 1, 'out': 1\}; got "
    ):
        score_circuit(circuit, ORDER, seed=1, n_trials=10)


def test_claimed_scores_are_measured_anew():
    genome = ORDER.reference()
    circuit = develop(genome, dt_ms=ORDER.dt_ms)
    honest = score_circuit(circuit, ORDER, seed=3, n_trials=200)
    claims = (replace(honest, raw=0.5, low=0.1), replace(honest, task="telepathy"))
    motif = Motif(genome, circuit, ORDER.dt_ms, Provenance("stranger"), claims)
    assert rescored(motif).scores == (honest,)


def test_a_circuit_must_contain_what_the_task_gives():
    task = get_task("runaway")
    genome = task.reference()
    assert score_circuit(develop(genome, dt_ms=task.dt_ms), task, seed=0, n_trials=20).raw > 0.5
    (core,) = task.given()[0]
    calmer = [replace(p, tau_m_ms=10.0) if p.id == core.id else p for p in genome.populations]
    uncoupled = [j for j in genome.projections if (j.source, j.target) != (core.id, core.id)]
    for other in (genome.with_genes(populations=calmer), genome.with_genes(projections=uncoupled)):
        with pytest.raises(
            InputError, match="task runaway: expected a circuit with the neurons and synapses"
        ):
            score_circuit(develop(other, dt_ms=task.dt_ms), task, seed=0, n_trials=20)


def test_intervals_of_lives_stay_within_what_credit_can_be():
    task = get_task("imprint")
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    score = score_circuit(circuit, task, seed=0, n_trials=2)
    assert -1 <= score.low <= score.raw <= score.high <= 1
    with pytest.raises(InputError, match="task imprint: trials: expected at least 2, for an interval; got 1"):
        score_circuit(circuit, task, seed=0, n_trials=1)


class TestSamples:
    @pytest.fixture
    def task(self, tmp_path):
        """Twenty samples; only those held out, four of them, have spikes, each on the channel of its class."""
        number = np.arange(20)
        held_out = number >= 16
        spikes = {"time_ms": np.full(4, 5.0), "channel": number[held_out] % 2, "sample": number[held_out]}
        parts = np.repeat([0, 1, 2], [8, 8, 4])
        np.savez(tmp_path / "clicks.npz", **spikes, label=number % 2, split=parts)
        return get_task(f"data:{tmp_path}/clicks.npz")

    def test_reported_scores_are_of_those_held_out_and_of_no_more(self, task):
        genome = relay(task)
        circuit = develop(genome, dt_ms=task.dt_ms)
        score = score_circuit(circuit, task, seed=1, n_trials=1000)
        assert (score.trials, score.raw) == (4, 1.0)
        assert evaluate(genome, task, (1,), 8).raw == 0.5

    def test_fewer_than_there_are_may_be_asked_for(self, task):
        assert score_circuit(develop(relay(task), dt_ms=task.dt_ms), task, seed=1, n_trials=2).trials == 2
