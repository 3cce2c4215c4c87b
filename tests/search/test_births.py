"""Births of an epoch, from individuals made by hand."""

from evocircuits.development import develop
from evocircuits.lineage import Birth
from evocircuits.search.births import births, parent_ids
from evocircuits.search.selection import Individual
from tests.search.small import founder


def bred(seed: int, *ancestors: Individual, operator: str = "strength") -> Individual:
    """Born in this epoch."""
    return Individual(founder(seed), operator, ancestors)


def known(seed: int, *parents: str) -> Individual:
    """There before this epoch."""
    return Individual(founder(seed), "found", parents=parents)


def named(*seeds: int) -> tuple[str, ...]:
    return tuple(develop(founder(seed), dt_ms=0.1).id for seed in seeds)


def told(*living: Individual) -> tuple[Birth, ...]:
    return births(living, 0.1, epoch=4, island=2)


def children(*living: Individual) -> tuple[str, ...]:
    return tuple(birth.child for birth in told(*living))


def test_a_birth_tells_of_parents_operator_epoch_and_island():
    [birth] = told(bred(3, known(1), known(2), operator="crossover+split"))
    assert birth == Birth(*named(3), named(1, 2), "crossover+split", None, 5, 2)


def test_a_founder_has_no_parents():
    [birth] = told(bred(1, operator="found"))
    assert (birth.parents, birth.operator) == ((), "found")


def test_who_was_there_before_is_not_born_again():
    assert told(known(1), known(2, "aa")) == ()


def test_ancestors_within_the_epoch_come_first_and_the_childless_not_at_all():
    mother, father = bred(2, known(1)), bred(3)
    bred(9, mother)
    child = bred(5, bred(4, mother, father), father)
    assert children(child, mother) == named(2, 3, 4, 5)
    assert children(mother, child) == named(2, 3, 4, 5)


def test_a_long_line_is_no_deep_recursion():
    last = bred(0)
    for _ in range(1500):
        last = bred(1, last)
    assert len(told(last)) == 1501


def test_parents_are_told_by_ancestors_until_their_ids_are_known():
    assert parent_ids(bred(3, known(1), bred(2)), 0.1) == named(1, 2)
    assert parent_ids(known(3, "aa", "bb"), 0.1) == ("aa", "bb")
    assert parent_ids(known(3), 0.1) == ()
