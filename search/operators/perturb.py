"""Operators that change numbers, patterns and rules, one gene at a time.

Weights are relative to threshold, so a perturbation means the same at any time constant. Steps are log-uniform in size:
most fine-tune, some leap.
"""

from typing import TYPE_CHECKING

import numpy as np

from evocircuits.genome import Genome, PopulationGene, ProjectionGene, varied
from evocircuits.search import rules
from evocircuits.search.draws import clipped, pick, scaled, step
from evocircuits.search.operators.genes import (
    CONSTANTS,
    bias_of,
    change_population,
    change_projection,
    drawn_pattern,
    with_bias,
    with_strength,
)

if TYPE_CHECKING:
    from evocircuits.search.space import Space


def perturb_strength(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Scale the strength of one projection."""
    return change_projection(
        genome, rng, space, lambda j: with_strength(j, scaled(j.strength, space.ranges.strength, rng))
    )


def perturb_delay(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Shift the delay of one projection."""
    low, high = space.ranges.delay_ms
    return change_projection(
        genome, rng, space, lambda j: varied(j, delay_ms=j.delay_ms + step(rng) * (high - low))
    )


def perturb_gradient(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Tilt a projection's delay along the index, turn the tilt round, or mirror a fellow's onto the same target."""
    low, high = space.ranges.delay_ms

    def tilt(j: ProjectionGene) -> ProjectionGene:
        steps = max(1, genome.sizes[j.target] - 1, genome.sizes[j.source] - 1)
        gradient_ms = j.delay_gradient_ms
        way = rng.random()
        fellows = (
            [k for k in genome.projections if k.target == j.target and k.id != j.id] if way < 0.25 else []
        )
        if way < 0.1:
            gradient_ms = -gradient_ms
        elif fellows:
            gradient_ms = -pick(rng, fellows).delay_gradient_ms
        else:
            gradient_ms += step(rng) * (high - low) / steps
        return varied(j, delay_gradient_ms=gradient_ms)

    return change_projection(genome, rng, space, tilt)


def perturb_constants(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Scale one time constant of one population, or shift its bias where the task allows one.

    The bias stays the same in rheobases when the membrane's time constant changes.
    """
    r = space.ranges
    name = pick(rng, CONSTANTS if r.bias[0] == r.bias[1] else (*CONSTANTS, "bias"))

    def change(p: PopulationGene) -> PopulationGene:
        if name == "bias":
            return with_bias(p, bias_of(p) + step(rng) * (r.bias[1] - r.bias[0]), r)
        changed = varied(p, **{name: scaled(getattr(p, name), getattr(r, name), rng)})
        return with_bias(changed, bias_of(p), r) if p.bias_pA and name == "tau_m_ms" else changed

    return change_population(genome, rng, change)


def change_pattern(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Wire one projection by another pattern."""
    sizes = genome.sizes
    return change_projection(
        genome, rng, space, lambda j: varied(j, pattern=drawn_pattern(rng, sizes[j.source], sizes[j.target]))
    )


def vary_plasticity(genome: Genome, rng: np.random.Generator, space: "Space") -> Genome:
    """Give one projection a rule the task allows, perturb the rule that it has, or take it away.

    The strength goes along, so that a rested synapse passes what it passed before.
    """
    r = space.ranges
    if not r.plasticity:
        return genome

    def change(j: ProjectionGene) -> ProjectionGene:
        if j.plasticity is None:
            rule = rules.drawn(pick(rng, r.plasticity), j.strength, rng, r)
        elif rng.random() < 0.3:
            rule = None
        else:
            rule = rules.perturbed(j.plasticity, j.strength, rng, r)
        strength = j.strength * rules.rested_share(j.plasticity) / rules.rested_share(rule)
        return with_strength(varied(j, plasticity=rule), clipped(strength, r.strength))

    return change_projection(genome, rng, space, change)
