"""What every task owes, for each that is registered."""

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.measure import ABLATIONS, evaluate
from evocircuits.plasticity import kind_of
from evocircuits.search.recipe import load_recipe
from evocircuits.search.variation import Space, found
from evocircuits.tasks import TASKS, get_task
from evocircuits.tasks.base import Score, argmax_credit, balanced_answers
from tests.tasks.observers import trivial


def test_argmax_credit_shares_ties_equally():
    counts = np.array([[3, 1, 0], [2, 2, 0], [0, 0, 0], [1, 5, 5]])
    assert argmax_credit(counts, np.array([0, 1, 2, 0])) == pytest.approx([1, 1 / 2, 1 / 3, 0])


def test_answers_are_balanced_for_any_number_of_trials():
    for n in (1, 7, 100):
        counts = np.bincount(balanced_answers(np.random.default_rng(0), n, 3), minlength=3)
        assert counts.sum() == n
        assert counts.max() - counts.min() <= 1


def test_normalised_score_is_zero_at_chance_and_one_at_ceiling():
    assert Score(np.array([0.25]), 0.0, 0.25, 0.75).normalised == 0
    assert Score(np.array([0.75]), 0.0, 0.25, 0.75).normalised == 1


def arrays(value) -> list[np.ndarray]:
    """All arrays that a batch of trials holds."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict | list | tuple):
        return [
            array for part in (value.values() if isinstance(value, dict) else value) for array in arrays(part)
        ]
    return arrays(vars(value)) if hasattr(value, "__dict__") else []


@pytest.mark.parametrize("name", TASKS)
def test_the_same_generator_state_gives_the_same_trials(name):
    one, two, other = (arrays(get_task(name).trials(np.random.default_rng(seed), 8)) for seed in (1, 1, 2))
    assert all(map(np.array_equal, one, two))
    assert not all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", TASKS)
def test_reference_is_a_point_of_the_search_space(name):
    task, recipe = get_task(name), load_recipe(name)
    genome = task.reference()
    assert genome.inputs == task.inputs
    assert genome.outputs == task.outputs
    for population in genome.populations:
        for constant in ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms"):
            low, high = getattr(task.ranges, constant)
            assert population.frozen or low <= getattr(population, constant) <= high
    for projection in genome.projections:
        n = max(genome.size_of(projection.source), genome.size_of(projection.target))
        spread_ms = abs(projection.delay_gradient_ms) * (n - 1) / 2
        assert task.ranges.delay_ms[0] <= projection.delay_ms - spread_ms + 1e-9
        assert projection.delay_ms + spread_ms <= task.ranges.delay_ms[1] + 1e-9
        assert task.ranges.strength[0] <= projection.strength <= task.ranges.strength[1]
        assert projection.plasticity is None or kind_of(projection.plasticity) in task.ranges.plasticity
    assert Space(task, recipe.max_neurons, recipe.max_synapses).admits(genome)
    populations, projections = task.given()
    assert set(populations) <= set(genome.populations)
    assert set(projections) <= set(genome.projections)


@pytest.mark.parametrize("name", TASKS)
def test_founders_of_the_recipe_can_be_evaluated(name):
    task, recipe = get_task(name), load_recipe(name)
    space = Space(task, recipe.max_neurons, recipe.max_synapses)
    for seed in range(3):
        genome = found(np.random.default_rng(seed), space)
        assert space.admits(genome)
        evaluation = evaluate(genome, task, (seed,), 4)
        assert evaluation.valid or "spikes" in evaluation.reason
        assert -1.5 <= evaluation.graded <= 1.5


@pytest.mark.parametrize("name", TASKS)
def test_a_play_is_repeated_exactly_and_any_number_of_trials_has_a_score(name):
    task = get_task(name)
    circuits = [develop(task.reference(), dt_ms=task.dt_ms), trivial(task, "silent"), trivial(task, "always")]
    for circuit in circuits:
        for n in (1, 3):
            one, two = (task.play(circuit, task.trials(np.random.default_rng(5), n)) for _ in range(2))
            assert one.score.credit.shape == one.spikes.shape == one.synaptic_events.shape == (n,)
            assert np.isfinite(one.score.credit).all()
            assert np.isfinite(one.score.graded)
            assert np.array_equal(one.score.credit, two.score.credit)
            assert np.array_equal(one.spikes, two.spikes)
            low, high = task.credit_range
            assert np.all((one.score.credit >= low) & (one.score.credit <= high))


@pytest.mark.parametrize("name", TASKS)
def test_what_is_said_of_a_task_is_whole(name):
    task = get_task(name)
    assert task.summary.endswith(".")
    assert task.source
    assert task.__doc__
    assert set(task.claim) <= set(ABLATIONS)
    assert task.chance < task.ceiling
    assert task.count_only_ceiling in (None, task.chance)


def test_unknown_task_is_one_clear_line():
    with pytest.raises(InputError, match=r"^task: expected one of order, .*localise.*; got 'smell'$"):
        get_task("smell")
