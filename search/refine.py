"""Refinement: CMA-ES on the continuous genes of one genome, whose topology stays as it is.

The evolution strategy is DEAP's (Hansen & Ostermeier, Evolutionary Computation 9 (2001)), on the vector of `vector.py`.
"""

from base64 import b85decode, b85encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import numpy as np
from deap import cma

from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.search.space import Space
from evocircuits.search.vector import genes, with_genes

SIGMA = 0.3
"""The first standard deviation, in units of `genes`, where none is given."""
SMALLEST_STEP = 1e-4
"""Where the largest standard deviation falls below this, steps no longer change what a circuit does."""
FINALISTS = 3
"""Genomes that are compared at the end."""
FUTILE = 50
"""After so many evaluations for each continuous gene without a gain a descent is given up."""
SHARE = 100
"""One in so many evaluations goes to that final, so that what only seemed best does not replace what is."""


@dataclass(frozen=True)
class Refined:
    """The genome found, its mean score and what it is ahead of the genome to be refined, on the trials of the final,
    and how many evaluations it took.
    """

    genome: Genome
    score: float
    gain: float
    evaluations: int


Scores = Callable[[Sequence[Genome]], Sequence[float]]
"""Tells the scores of several genomes, to be maximised, in their order. Only those of one call need be comparable: each
call may ask other trials, so that nothing is learnt by heart."""


class Descent:
    """CMA-ES on the continuous genes of `genome`, under way; what is random comes from `rng`.

    `made`: evaluations so far. `best`: the genome that scored best in any call. `futile`: evaluations since the last
    gain. As a dict it outlasts the process, with what it has learnt of the genes' covariance.
    """

    def __init__(self, genome: Genome, space: Space, rng: np.random.Generator, sigma: float = SIGMA):
        if not sigma > 0:
            raise InputError(f"refine: expected sigma > 0; got {sigma}")
        self.genome, self.space, self.rng = genome, space, rng
        vector = genes(genome, space)
        self.strategy = cma.Strategy(vector, sigma) if len(vector) else None
        self.best, self.best_score, self.made = genome, -np.inf, 0
        self.futile = 0
        self._points: list[_Point] = []
        self._candidates: list[Genome] = []

    def to_dict(self) -> dict:
        """The descent as plain values."""
        strategy = self.strategy
        rows = np.tril_indices(strategy.dim)
        learnt = np.concatenate([strategy.centroid, strategy.pc, strategy.ps, strategy.C[rows]])
        return {
            "genome": self.genome.to_dict(),
            "futile": self.futile,
            "sigma": float(strategy.sigma),
            "steps": strategy.update_count,
            "learnt": b85encode(learnt.tobytes()).decode(),
        }

    @classmethod
    def from_dict(cls, data: dict, space: Space, rng: np.random.Generator) -> "Descent":
        """The descent that `to_dict` told, to go on with randomness from `rng`."""
        descent = cls(Genome.from_dict(data["genome"]), space, rng, data["sigma"])
        dim, learnt = descent.strategy.dim, np.frombuffer(b85decode(data["learnt"]))
        centroid, pc, ps, triangle = np.split(learnt, [dim, 2 * dim, 3 * dim])
        covariance, rows = np.empty((dim, dim)), np.tril_indices(dim)
        covariance[rows] = covariance.T[rows] = triangle
        strategy = cma.Strategy(centroid, data["sigma"], cmatrix=covariance)
        strategy.pc, strategy.ps, strategy.update_count = pc, ps, data["steps"]
        descent.strategy, descent.futile = strategy, data["futile"]
        return descent

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
    def worthwhile(self) -> bool:
        """Whether more is to be expected: steps still matter, and the last gain is not too long ago."""
        strategy = self.strategy
        return strategy is not None and self.may(strategy.lambda_) and self.futile < FUTILE * strategy.dim

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


def carry_on(descent: Descent, scores: Scores, evaluations: int) -> Refined:
    """What the descent makes of its genome in at most so many further `evaluations`, of genomes that differ in
    continuous genes only.

    The last calls of `scores`, one or more, are a final of three: the genome, the best that any call saw, and the
    strategy's mean. Equal arguments give equal results. Raises `InputError` unless `evaluations` ≥ 1.
    """
    if not evaluations >= 1:
        raise InputError(f"refine: expected evaluations ≥ 1; got {evaluations}")
    descent.best, descent.best_score, descent.made = descent.genome, -np.inf, 0
    calls = max(1, evaluations // (SHARE * FINALISTS))
    descend([descent], evaluations - calls * FINALISTS, scores)
    refined = settled(descent, scores, calls)
    descent.futile = 0 if refined.gain > 0 else descent.futile + descent.made
    return refined


def settled(descent: Descent, scores: Scores, calls: int = 1) -> Refined:
    """Where it ends: with the best, over so many calls of `scores`, of the genome that it began with, the best it saw,
    and its mean.
    """
    if not descent.made:
        return Refined(descent.genome, scores([descent.genome])[0], 0.0, 1)
    finalists = [descent.genome, descent.best, descent.mean]
    final = np.mean([scores(finalists) for _ in range(calls)], axis=0).tolist()
    winner = max(range(FINALISTS), key=lambda at: final[at])
    return Refined(
        finalists[winner], final[winner], final[winner] - final[0], descent.made + calls * FINALISTS
    )


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
