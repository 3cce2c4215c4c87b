import random
from dataclasses import replace

import numpy as np

from evocircuits.search.island import advance, best_of, by_structure, hall_of_fame
from evocircuits.search.recipe import parse_recipe

SETTINGS = parse_recipe(
    {
        "task": "order",
        "epochs": 2,
        "generations": 2,
        "parents": 6,
        "offspring": 8,
        "elites": 3,
        "validation_trials": 128,
    }
).model_dump()


def test_equal_arguments_give_equal_bits_whatever_the_global_generators():
    random.seed(1)
    one = advance(None, [], SETTINGS, 0, 0)
    random.seed(2)
    np.random.seed(3)
    two = advance(None, [], SETTINGS, 0, 0)
    assert one == two
    assert advance(one.state, [one.emigrants], SETTINGS, 0, 1) == advance(
        two.state, [two.emigrants], SETTINGS, 0, 1
    )


def test_islands_and_seeds_differ():
    states = {
        advance(None, [], SETTINGS | {"seed": seed}, island, 0).state for seed in (1, 2) for island in (0, 1)
    }
    assert len(states) == 4


def test_the_best_immigrant_takes_part():
    good = advance(advance(None, [], SETTINGS, 0, 0).state, [], SETTINGS, 0, 1)
    settings = SETTINGS | {"parents": 4, "elites": 1, "offspring": 4, "generations": 1, "seed": 9}
    alone = advance(None, [], settings, 1, 0)
    joined = advance(alone.state, [good.emigrants], settings, 1, 1)
    best = hall_of_fame(good.state)[0]
    assert best.validation > hall_of_fame(alone.state)[0].validation
    assert hall_of_fame(joined.state)[0].validation >= best.validation


def test_state_is_small_and_the_best_leads_the_hall():
    step = advance(None, [], SETTINGS, 0, 0)
    hall = hall_of_fame(step.state)
    assert len(step.state) < 100_000
    assert len(hall) == SETTINGS["winners"]
    assert step.report["best"] == hall[0].validation == max(c.validation for c in hall)
    assert hall == by_structure(hall)


def test_emigrants_are_the_best_by_score():
    step = advance(None, [], SETTINGS, 0, 0)
    assert step.emigrants == best_of(step.state, SETTINGS["migrants"])
    assert len(step.emigrants) < len(step.state)


def test_candidates_are_ordered_by_rank_within_their_structure():
    one, other = (hall_of_fame(advance(None, [], SETTINGS, island, 0).state)[0] for island in (0, 1))
    assert one.genome.structure == other.genome.structure  # two founders
    third = replace(one, genome=replace(one.genome, projections=one.genome.projections[:1]), validation=0.1)
    good, bad = sorted((one, other), key=lambda c: (-c.validation, c.energy_pJ))
    assert by_structure([third, bad, good]) == [good, third, bad]
