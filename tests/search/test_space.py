"""Limits, ranges and rates."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.errors import InputError
from evocircuits.search.operators import OPERATORS
from evocircuits.search.variation import crossover, found, mutate
from evocircuits.tasks import TASKS
from tests.search.spaces import LOCALISE, SPACES, STATIC, assert_within, grown, ranging, seeds

RUNAWAY = STATIC[list(TASKS).index("runaway")]


def test_spaces_are_values():
    rates = {"split": 2.0, "copy": 0.0}
    one, two = (replace(LOCALISE, rates=rates) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one == replace(LOCALISE, rates=tuple(rates.items())) != LOCALISE


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_no_delay_passes_the_longest_allowed(seed):
    space = SPACES[seed % len(SPACES)]
    if space.task.name != "runaway":
        low, high = space.task.ranges.delay_ms
        space = replace(space, max_delay_ms=low + (high - low) * (seed % 7 + 1) / 20)
    genome, other = grown(space, seed), grown(replace(space, max_delay_ms=None), seed + 1)
    assert_within(genome, space)
    assert_within(crossover(genome, other, np.random.default_rng(seed), space), space)


def test_a_longest_delay_beyond_the_tasks_changes_nothing_and_one_below_leaves_room_for_gradients():
    assert replace(LOCALISE, max_delay_ms=100.0).ranges == LOCALISE.ranges
    low = LOCALISE.ranges.delay_ms[0]
    short = replace(LOCALISE, max_delay_ms=0.3)
    assert short.ranges.delay_ms == (low, 0.3)
    assert short.ranges == replace(LOCALISE.ranges, delay_ms=(low, 0.3), typical=short.ranges.typical)
    tilted = [
        j.delay_gradient_ms
        for seed in range(10)
        for j in found(np.random.default_rng(seed), short).projections
    ]
    assert np.count_nonzero(tilted) > 5


def test_a_longest_delay_below_the_tasks_shortest_is_one_clear_line():
    with pytest.raises(
        InputError,
        match=r"^max_delay_ms: expected at least 0.02 ms, which localise needs; got 0.01$",
    ):
        replace(LOCALISE, max_delay_ms=0.01)


def test_delays_that_the_task_gives_must_be_allowed():
    with pytest.raises(
        InputError, match=r"^max_delay_ms: expected at least .* ms, which runaway needs; got 0.2$"
    ):
        replace(RUNAWAY, max_delay_ms=0.2)


def test_operators_are_drawn_by_their_rates():
    space = replace(LOCALISE, rates=dict.fromkeys(OPERATORS, 0.0) | {"copy": 3.0, "add": 1.0})
    rng = np.random.default_rng(0)
    drawn = Counter(space.draw_operator(rng)[0] for _ in range(2000))
    assert set(drawn) == {"copy", "add"}
    assert drawn["copy"] / 2000 == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_at_rate_zero_is_never_drawn_and_one_alone_always(name):
    rng = np.random.default_rng(0)
    without = replace(LOCALISE, rates={name: 0})
    assert name not in {without.draw_operator(rng)[0] for _ in range(2000)}
    alone = replace(LOCALISE, rates=dict.fromkeys(OPERATORS, 0) | {name: 1})
    genome = grown(LOCALISE, 3)
    for _ in range(20):
        assert set(mutate(genome, rng, alone)[1].split("+")) <= {name, "unchanged"}


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (
            {"teleport": 1.0},
            r"^operators: expected some of strength, .*, or FILE.py:function; got 'teleport'$",
        ),
        ({"copy": -1.0}, r"^operators: rate of copy: expected a finite number ≥ 0; got -1.0$"),
        ({"copy": float("nan")}, r"^operators: rate of copy: expected a finite number ≥ 0; got nan$"),
        ({"copy": "often"}, r"^operators: rate of copy: expected a finite number ≥ 0; got 'often'$"),
        (dict.fromkeys(OPERATORS, 0), r"^operators: expected at least one with a rate > 0; got none$"),
    ],
)
def test_rates_that_cannot_be_are_one_clear_line(rates, message):
    with pytest.raises(InputError, match=message):
        replace(LOCALISE, rates=rates).check_rates()


@pytest.mark.parametrize("space", STATIC, ids=TASKS)
def test_where_no_rules_are_allowed_the_search_draws_as_if_the_operator_did_not_exist(space, monkeypatch):
    with_it = [grown(space, seed) for seed in range(10)]
    monkeypatch.delitem(OPERATORS, "plasticity")
    assert [grown(replace(space), seed) for seed in range(10)] == with_it


def test_ranges_refuse_rules_that_are_none():
    for kinds in (("hebb",), "short_term", ["short_term"], None):
        with pytest.raises(
            InputError, match=r"^Ranges.plasticity: expected a tuple of kinds among short_term, "
        ):
            replace(LOCALISE.ranges, plasticity=kinds)


@pytest.mark.parametrize("bias", [(0.1, 1.0), (-1.0, -0.1), (0.0, float("inf")), (float("nan"), 1.0)])
def test_ranges_refuse_biases_that_leave_founders_none(bias):
    with pytest.raises(InputError, match=r"^Ranges.bias: expected \(low ≤ 0, high ≥ 0\)"):
        ranging(LOCALISE, bias=bias)


@pytest.mark.parametrize("space", SPACES)
def test_fitting_changes_nothing_that_is_within(space):
    genome = grown(space, 7)
    fitted = space.fitted(genome)
    assert fitted.projections == genome.projections
    for old, new in zip(genome.populations, fitted.populations, strict=True):
        assert replace(new, bias_pA=old.bias_pA) == old
        assert new.bias_pA == pytest.approx(old.bias_pA)
