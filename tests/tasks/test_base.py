import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.tasks import TASKS, get_task
from evocircuits.tasks.base import Score, argmax_credit, balanced_answers


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


@pytest.mark.parametrize("name", TASKS)
def test_the_same_generator_state_gives_the_same_trials(name):
    task = get_task(name)
    one, two, other = (task.trials(np.random.default_rng(seed), 20) for seed in (1, 1, 2))
    port = task.inputs[0].name
    assert np.array_equal(one.stimulus.spikes[port].time_ms, two.stimulus.spikes[port].time_ms)
    assert not np.array_equal(one.stimulus.spikes[port].time_ms, other.stimulus.spikes[port].time_ms)


@pytest.mark.parametrize("name", TASKS)
def test_reference_is_a_point_of_the_search_space(name):
    task = get_task(name)
    genome = task.reference()
    assert genome.inputs == task.inputs
    assert genome.outputs == task.outputs
    for population in genome.populations:
        for constant in ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms"):
            low, high = getattr(task.ranges, constant)
            assert low <= getattr(population, constant) <= high
    for projection in genome.projections:
        n = max(genome.size_of(projection.source), genome.size_of(projection.target))
        spread_ms = abs(projection.delay_gradient_ms) * (n - 1) / 2
        assert task.ranges.delay_ms[0] <= projection.delay_ms - spread_ms + 1e-9
        assert projection.delay_ms + spread_ms <= task.ranges.delay_ms[1] + 1e-9


def test_unknown_task_is_one_clear_line():
    with pytest.raises(InputError, match="expected one of order, localise; got 'smell'"):
        get_task("smell")
