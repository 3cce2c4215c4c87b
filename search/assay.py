"""How genomes are measured: all on the same fresh trials, in heats, so that the promising meet more of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evocircuits.development import develop
from evocircuits.genome import Genome
from evocircuits.measure.descriptors import describe
from evocircuits.measure.fitness import evaluate_all
from evocircuits.search.objectives import INVALID, OBJECTIVES, Met, mean
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual


@dataclass
class Assay:
    """Measures by a recipe and counts what it cost; `descriptors` are wanted where an archive is kept."""

    recipe: Recipe
    descriptors: tuple[str, ...] = ()
    evaluations: int = 0
    simulated_s: float = 0.0

    def __post_init__(self):
        self.tasks = tuple(task.of_part("training") for task in self.recipe.tasks)

    def race(self, pool: Sequence[Individual], key: tuple[int, ...]) -> None:
        """Let everyone meet the trials of `key`: a heat of them, and the `recipe.parents` most promising the rest."""
        first = min(self.recipe.heat, self.recipe.trials)
        heats = [[met] for met in self._met([i.genome for i in pool], (*key, 0), first)]
        if rest := self.recipe.trials - first:
            scores = [i.after(m[0].worth(self.recipe.parsimony)) for i, m in zip(pool, heats, strict=True)]
            promising = np.argsort(scores, kind="stable")[::-1][: self.recipe.parents]
            mets = self._met([pool[at].genome for at in promising], (*key, 1), rest)
            for at, met in zip(promising, mets, strict=True):
                heats[at].append(met)
        self.evaluations += len(pool)
        for individual, met in zip(pool, heats, strict=True):
            individual.meet(*self._means(met), self._described(met[0]))

    def worths(self, genomes: Sequence[Genome], key: tuple[int, ...]) -> list[float]:
        """The worth of more genomes, each on all trials of `key`."""
        self.evaluations += len(genomes)
        return [met.worth(self.recipe.parsimony) for met in self._met(genomes, key, self.recipe.trials)]

    def _met(self, genomes: Sequence[Genome], key: tuple[int, ...], n_trials: int) -> list[Met]:
        by_task = [evaluate_all(genomes, task, key, n_trials) for task in self.tasks]
        mets = []
        for genome, *evaluations in zip(genomes, *by_task, strict=True):
            self.simulated_s += sum(e.simulated_ms for e in evaluations) / 1000
            mets.append(Met(genome, self.tasks, tuple(evaluations), key, n_trials))
        return mets

    def _means(self, heats: list[Met]) -> tuple:
        total = sum(met.n_trials for met in heats)
        if "robustness" in self.recipe.objectives:
            self.simulated_s += sum(e.simulated_ms for met in heats for e in met.noisy) / 1000

        def over_heats(of: Callable[[Met], float]) -> float:
            return sum(met.n_trials * of(met) for met in heats) / total

        valid = all(met.valid for met in heats)
        return (
            over_heats(lambda met: met.worth(self.recipe.parsimony)) if valid else INVALID,
            over_heats(lambda met: mean(met.normalised)),
            {name: over_heats(OBJECTIVES[name].of) for name in self.recipe.objectives},
            heats[0].cases,  # trials that all have met
        )

    def _described(self, met: Met) -> tuple[float, ...]:
        if not self.descriptors:
            return ()
        task = self.tasks[0]
        circuit = develop(met.genome, dt_ms=task.dt_ms)
        return describe(self.descriptors, circuit, met.evaluations[0], task)
