"""Refinement: CMA-ES on the continuous genes of one genome, whose topology stays as it is.

The evolution strategy is DEAP's (Hansen & Ostermeier, Evolutionary Computation 9 (2001)). A genome becomes a vector
whose coordinates reach about equally far: one unit is a factor of √e for what is positive by nature, and a tenth of
the range for delays and biases. What lies beyond a range is moved to its bound.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import NamedTuple

import numpy as np
from deap import cma

from evocircuits.errors import InputError
from evocircuits.genome import Genome, PopulationGene, ProjectionGene, varied
from evocircuits.search import rules
from evocircuits.search.draws import clipped
from evocircuits.search.operators.genes import bias_of, fitted, with_bias, with_strength
from evocircuits.search.space import Space

SIGMA = 0.3
"""The first standard deviation, in units of `genes`, where none is given."""
LOG_UNIT = 0.5
LINEAR_UNIT = 0.1
"""One unit of a coordinate: a step of the logarithm, or a share of the range."""
SMALLEST_STEP = 1e-4
"""Where the largest standard deviation falls below this, steps no longer change what a circuit does."""
LARGEST_LOG = 50.0
FINALISTS = 3
"""Genomes that are compared at the end."""


@dataclass(frozen=True)
class Refined:
    """The genome found, its score and what it is ahead of the genome to be refined, on the trials of the last call of
    `scores`, and how many evaluations it took.
    """

    genome: Genome
    score: float
    gain: float
    evaluations: int


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


Scores = Callable[[Sequence[Genome]], Sequence[float]]
"""Tells the scores of several genomes, to be maximised, in their order. Only those of one call need be comparable: each
call may ask other trials, so that nothing is learnt by heart."""


class Descent:
    """CMA-ES on the continuous genes of `genome`, under way; what is random comes from `rng`.

    `made`: evaluations so far. `best`: the genome that scored best in any call.
    """

    def __init__(self, genome: Genome, space: Space, rng: np.random.Generator, sigma: float = SIGMA):
        if not sigma > 0:
            raise InputError(f"refine: expected sigma > 0; got {sigma}")
        self.genome, self.space, self.rng = genome, space, rng
        vector = genes(genome, space)
        self.strategy = cma.Strategy(vector, sigma) if len(vector) else None
        self.best, self.best_score, self.made = genome, -np.inf, 0
        self._points: list[_Point] = []
        self._candidates: list[Genome] = []

    def may(self, evaluations: int) -> bool:
        """Whether there is a step to take in so many: not where nothing is free to vary, nor where steps have become
        too small to matter.
        """
        return (
            self.strategy is not None
            and self.strategy.lambda_ <= evaluations
            and _largest_step(self.strategy) >= SMALLEST_STEP
        )

    @property
    def mean(self) -> Genome:
        """That of the strategy's distribution, in which the luck of single genomes is averaged out (Hansen,
        Niederberger, Guzzella & Koumoutsakos, IEEE Trans. Evol. Comput. 13 (2009)).
        """
        return (
            self.genome
            if self.strategy is None
            else with_genes(self.genome, self.strategy.centroid, self.space)
        )

    def ask(self) -> list[Genome]:
        """The genomes of the next step."""
        with _numpy_random(self.rng):
            self._points = self.strategy.generate(_Point)
        self._candidates = [with_genes(self.genome, point, self.space) for point in self._points]
        return self._candidates

    def tell(self, scores: Sequence[float]) -> None:
        """Learn from what those asked for scored."""
        for point, candidate, score in zip(self._points, self._candidates, scores, strict=True):
            point.fitness = score
            if score > self.best_score:
                self.best, self.best_score = candidate, score
        self.made += len(self._points)
        self.strategy.update(self._points)


def descend(descents: Sequence[Descent], evaluations: int, scores: Scores) -> None:
    """Let each take the steps that so many `evaluations` suffice for, all side by side: a call of `scores` is about the
    genomes of all, which on tasks in closed loop costs less than one after the other.
    """
    most = {descent: descent.made + evaluations for descent in descents}
    while going := [d for d in descents if d.may(most[d] - d.made)]:
        asked = [descent.ask() for descent in going]
        told = iter(scores([genome for genomes in asked for genome in genomes]))
        for descent, genomes in zip(going, asked, strict=True):
            descent.tell(list(islice(told, len(genomes))))


def refine(
    genome: Genome,
    scores: Scores,
    rng: np.random.Generator,
    space: Space,
    *,
    evaluations: int,
    sigma: float = SIGMA,
) -> Refined:
    """What CMA-ES makes of `genome` in at most so many `evaluations`, of genomes that differ in continuous genes only.

    The last call of `scores` is a final of three: `genome`, the best that any call saw, and the strategy's mean. Equal
    arguments give equal results. Raises `InputError` unless `evaluations` ≥ 1 and `sigma` > 0.
    """
    if not evaluations >= 1:
        raise InputError(f"refine: expected evaluations ≥ 1; got {evaluations}")
    descent = Descent(genome, space, rng, sigma)
    descend([descent], evaluations - FINALISTS, scores)
    return settled(descent, scores)


def settled(descent: Descent, scores: Scores) -> Refined:
    """Where it ends: with the best of the genome that it began with, the best it saw, and its mean."""
    if not descent.made:
        return Refined(descent.genome, scores([descent.genome])[0], 0.0, 1)
    finalists = [descent.genome, descent.best, descent.mean]
    final = scores(finalists)
    winner = max(range(FINALISTS), key=lambda at: final[at])
    return Refined(finalists[winner], final[winner], final[winner] - final[0], descent.made + FINALISTS)


class _Point(list):
    """A point with a fitness, as DEAP sorts them."""

    fitness: float


def _largest_step(strategy: cma.Strategy) -> float:
    return float(strategy.sigma * np.max(strategy.diagD))


@contextmanager
def _numpy_random(rng: np.random.Generator) -> Iterator[None]:
    """NumPy's global generator, which DEAP's strategy draws from, seeded from `rng` within and put back after."""
    before = np.random.get_state()
    np.random.seed(rng.integers(2**32, size=8))
    try:
        yield
    finally:
        np.random.set_state(before)


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
