"""Operators from a user's file, "my_operators.py:rewire", and the checks of what they return."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.tasks.custom import load_object

if TYPE_CHECKING:
    from evocircuits.search.space import Space


def own_operator(spec: str) -> Callable:
    """The function of that name in that file, as an operator that returns valid genomes within the task's ranges.

    Raises `InputError` where there is no such file or function; the operator does where the function raises, or
    returns something that is no valid genome with the same ports and frozen genes.
    """
    function = load_object(spec)
    if not callable(function):
        raise InputError(
            f"operator {spec}: expected a function (genome, rng, space) → genome; got {shown(function)}"
        )

    def operator(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
        try:
            returned = function(genome, rng, space)
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(f"operator {spec}: expected a genome; it raised {said}") from error
        return space.fitted(_checked(spec, returned, genome)) if returned is not genome else genome

    return operator


def _checked(spec: str, returned: object, parent: Genome) -> Genome:
    if not isinstance(returned, Genome):
        raise InputError(f"operator {spec}: expected it to return a Genome; got {shown(returned)}")
    try:
        child = Genome.from_dict(returned.to_dict())
    except (InputError, TypeError, AttributeError) as error:
        raise InputError(f"operator {spec}: expected it to return a valid genome; {error}") from None
    if (child.inputs, child.outputs) != (parent.inputs, parent.outputs):
        raise InputError(f"operator {spec}: expected it to keep the task's ports; got others")
    genes = {*child.populations, *child.projections}
    gone = [g for g in (*parent.populations, *parent.projections) if g.frozen and g not in genes]
    if gone:
        raise InputError(
            f"operator {spec}: expected it to keep all frozen genes; {gone[0].id} is gone or changed"
        )
    return child
