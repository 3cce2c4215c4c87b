"""Roomy search spaces and genomes in them, for the tests of vectors and of refinement."""

from copy import copy
from dataclasses import replace

import numpy as np

from evocircuits.genome import Genome
from evocircuits.plasticity import RULES
from evocircuits.search.variation import Space, found, mutate
from evocircuits.tasks import TASKS, get_task


def space_of(name: str, **ranges) -> Space:
    """A task's space, had it these ranges."""
    task = copy(get_task(name))
    task.ranges = replace(task.ranges, **ranges)
    return Space(task, max_neurons=64, max_synapses=600)


SPACES = [space_of(name, plasticity=tuple(RULES), bias=(-1.0, 2.0)) for name in TASKS]
ORDER = space_of("order")


def grown(space: Space, seed: int) -> Genome:
    """A genome that has been through many operators."""
    rng = np.random.default_rng(seed)
    genome = found(rng, space)
    for _ in range(12):
        genome, _ = mutate(genome, rng, space)
    return genome


def plastic(space: Space, rule) -> Genome:
    """The task's reference with one rule on all its projections."""
    reference = space.task.reference()
    return reference.with_genes(projections=[replace(j, plasticity=rule) for j in reference.projections])
