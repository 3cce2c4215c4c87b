"""Who was born in an epoch, as a library keeps it: those who live at its end, and their ancestors within it.

Most children die as soon as they were measured, and nobody tells of them.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from evocircuits.development import develop
from evocircuits.genome import Genome
from evocircuits.lineage import Birth


class Bred(Protocol):
    """One who was bred by an operator, the mother first: of who was born in this epoch `ancestors` tell and `parents`
    are None, of all others `parents`, the ids of their circuits.
    """

    genome: Genome
    operator: str
    ancestors: tuple["Bred", ...]
    parents: tuple[str, ...] | None


def births(living: Iterable[Bred], dt_ms: float, epoch: int, island: int) -> tuple[Birth, ...]:
    """The births in the epoch after `epoch` others of the living and of their ancestors, parents before children."""
    born: dict[Bred, None] = {}
    waiting = list(living)[::-1]
    while waiting:
        one = waiting.pop()
        if one.parents is not None or one in born:
            continue
        if ahead := [a for a in one.ancestors if a.parents is None and a not in born]:
            waiting += [one, *ahead[::-1]]
        else:
            born[one] = None
    return tuple(
        Birth(circuit_id(one.genome, dt_ms), parent_ids(one, dt_ms), one.operator, None, epoch + 1, island)
        for one in born
    )


def parent_ids(one: Bred, dt_ms: float) -> tuple[str, ...]:
    """The ids of the circuits that it was bred from."""
    if one.parents is not None:
        return one.parents
    return tuple(circuit_id(ancestor.genome, dt_ms) for ancestor in one.ancestors)


@lru_cache(maxsize=1024)
def circuit_id(genome: Genome, dt_ms: float) -> str:
    """The id of a genome's circuit. Those of residents are asked for again and again."""
    return develop(genome, dt_ms=dt_ms).id
