"""The operators of variation: each a pure function `(genome, rng, space) → genome` and one line of `OPERATORS`.

An operator returns a valid genome within the task's ranges, or the parent as it is; that frozen genes are kept is its
own duty, the limits of size are held by who calls it. Innovation ids derive from ancestry, so that the same innovation
has the same id on every island.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from evocircuits.genome import Genome
from evocircuits.search.operators.direct import split, unbundle
from evocircuits.search.operators.inhibition import (
    insert_cross,
    insert_disinhibition,
    insert_feedback,
    insert_feedforward,
)
from evocircuits.search.operators.perturb import (
    change_pattern,
    perturb_constants,
    perturb_delay,
    perturb_gradient,
    perturb_strength,
    vary_plasticity,
)
from evocircuits.search.operators.structure import (
    add_projection,
    copy_population,
    delete_population,
    delete_projection,
    move_to_hidden,
    resize,
)

if TYPE_CHECKING:
    from evocircuits.search.space import Space

Operator = Callable[[Genome, np.random.Generator, "Space"], Genome]

OPERATORS: dict[str, tuple[float, Operator]] = {
    "strength": (4.0, perturb_strength),
    "delay": (3.0, perturb_delay),
    "gradient": (3.0, perturb_gradient),
    "constants": (3.0, perturb_constants),
    "pattern": (0.4, change_pattern),
    "add": (0.5, add_projection),
    "delete": (0.5, delete_projection),
    "delete_population": (0.3, delete_population),
    "copy": (0.7, copy_population),
    "hidden": (0.3, move_to_hidden),
    "resize": (0.2, resize),
    "feedforward": (0.3, insert_feedforward),
    "feedback": (0.2, insert_feedback),
    "cross": (0.2, insert_cross),
    "disinhibition": (0.1, insert_disinhibition),
    "split": (0.05, split),
    "unbundle": (0.05, unbundle),
    "plasticity": (1.0, vary_plasticity),
}
"""Name → (rate, operator). `plasticity` is drawn only where the task allows rules."""

__all__ = ["OPERATORS", "Operator"]
