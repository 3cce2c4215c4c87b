"""A genome's continuous genes as a vector, whose coordinates reach about equally far.

One unit is a factor of √e for what is positive by nature, and a tenth of the range for delays and biases. What
lies beyond a range is moved to its bound.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from evocircuits.errors import InputError
from evocircuits.genome import Genome, PopulationGene, ProjectionGene, varied
from evocircuits.search import rules
from evocircuits.search.draws import clipped
from evocircuits.search.operators.genes import bias_of, fitted, with_bias, with_strength
from evocircuits.search.space import Space

LOG_UNIT = 0.5
LINEAR_UNIT = 0.1
"""One unit of a coordinate: a step of the logarithm, or a share of the range."""
LARGEST_LOG = 50.0


class Axis(NamedTuple):
    """One continuous gene: the field `name` of the gene `owner` or of its rule, its value, bounds and unit."""

    owner: int
    name: str
    value: float
    bounds: tuple[float, float]
    unit: float = LOG_UNIT
    logarithmic: bool = True

    @property
    def coordinate(self) -> float:
        """The value in units of the axis."""
        return float(np.log(self.value) if self.logarithmic else self.value) / self.unit

    def at(self, coordinate: float) -> float:
        """The value at a coordinate, within bounds."""
        reach = coordinate * self.unit
        value = np.exp(clipped(reach, (-LARGEST_LOG, LARGEST_LOG))) if self.logarithmic else reach
        return float(clipped(value, self.bounds))


def genes(genome: Genome, space: Space) -> np.ndarray:
    """float[D]: the genome's continuous genes that may vary and are of consequence, each in its unit.

    Strengths, time constants and parameters of rules are logarithmic; delays, their gradients and biases are not.
    """
    return np.array([axis.coordinate for axis in _axes(genome, space)])


def with_genes(genome: Genome, vector: np.ndarray, space: Space) -> Genome:
    """`genome` with its continuous genes as in `vector`, float[D] as from `genes`; each within the task's ranges.

    Raises `InputError` for another number of genes.
    """
    axes = list(_axes(genome, space))
    if np.shape(vector) != (len(axes),):
        raise InputError(f"with_genes: vector: expected float[{len(axes)}]; got shape {np.shape(vector)}")
    values: dict[int, dict[str, float]] = {}
    for axis, coordinate in zip(axes, vector, strict=True):
        values.setdefault(axis.owner, {})[axis.name] = axis.at(coordinate)
    return genome.with_valid_genes(
        populations=[
            _changed_population(p, values[p.id], space) if p.id in values else p for p in genome.populations
        ],
        projections=[
            fitted(_changed_projection(j, values[j.id]), genome.sizes, space.ranges) if j.id in values else j
            for j in genome.projections
        ],
    )


def _axes(genome: Genome, space: Space) -> Iterator[Axis]:
    excitatory = {port.id for port in genome.inputs} | {p.id for p in genome.populations if p.excitatory}
    signs: dict[int, set[bool]] = {}
    for j in genome.projections:
        signs.setdefault(j.target, set()).add(j.source in excitatory)
    for p in genome.populations:
        if not p.frozen:
            yield from _population_axes(p, signs.get(p.id, set()), space)
    for j in genome.projections:
        if not j.frozen:
            yield from _projection_axes(j, max(genome.sizes[j.source], genome.sizes[j.target]), space)


def _population_axes(p: PopulationGene, signs: set[bool], space: Space) -> Iterator[Axis]:
    """`signs`: whether excitation arrives, and whether inhibition does."""
    synaptic = [name for name, sign in (("tau_syn_ex_ms", True), ("tau_syn_in_ms", False)) if sign in signs]
    for name in ("tau_m_ms", "t_ref_ms", *synaptic):
        yield from _positive(p.id, name, getattr(p, name), getattr(space.ranges, name))
    low, high = space.ranges.bias
    if low < high:
        yield Axis(p.id, "bias", bias_of(p), (low, high), LINEAR_UNIT * (high - low), logarithmic=False)


def _projection_axes(j: ProjectionGene, size: int, space: Space) -> Iterator[Axis]:
    """`size`: that of the larger side."""
    low, high = space.ranges.delay_ms
    yield from _positive(j.id, "strength", j.strength, space.ranges.strength)
    if low < high:
        yield Axis(j.id, "delay_ms", j.delay_ms, (low, high), LINEAR_UNIT * (high - low), logarithmic=False)
    if low < high and size > 1:
        steepest = (high - low) / (size - 1)
        bounds = -steepest, steepest
        yield Axis(
            j.id, "delay_gradient_ms", j.delay_gradient_ms, bounds, LINEAR_UNIT * steepest, logarithmic=False
        )
    for name in [field.name for field in fields(j.plasticity)] if j.plasticity else ():
        bounds = (
            space.ranges.strength if name == "max_weight" else rules.bounds(name, j.strength, space.ranges)
        )
        yield from _positive(j.id, name, getattr(j.plasticity, name), bounds)


def _positive(owner: int, name: str, value: float, bounds: tuple[float, float]) -> Iterator[Axis]:
    if value > 0:  # a 0 is structure, as where there is no facilitation
        yield Axis(owner, name, value, bounds)


def _changed_population(p: PopulationGene, values: dict[str, float], space: Space) -> PopulationGene:
    changed = varied(p, **{name: value for name, value in values.items() if name != "bias"})
    return with_bias(changed, values["bias"], space.ranges) if "bias" in values else changed


def _changed_projection(j: ProjectionGene, values: dict[str, float]) -> ProjectionGene:
    own = {name: value for name, value in values.items() if hasattr(j, name)}
    of_rule = {name: value for name, value in values.items() if name not in own}
    rule = replace(j.plasticity, **of_rule) if of_rule else j.plasticity
    changed = varied(j, **own, plasticity=rule)
    return with_strength(changed, changed.strength)
