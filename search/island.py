"""One island's epoch as a pure function: `advance(state, immigrants, …) → state, emigrants, report`.

Every random stream has a key of its own: variation (island, generation), the stimuli of a generation its number alone.
So all islands meet the same fresh trials, and a step that is retried or moved gives the same bits.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from evocircuits.genome import Genome
from evocircuits.lineage import Birth
from evocircuits.measure import evaluate, stream
from evocircuits.measure.caution import Note, refusing
from evocircuits.search.archive import coverage, qd_score
from evocircuits.search.assay import Assay
from evocircuits.search.births import births
from evocircuits.search.hall import validated
from evocircuits.search.learning import Learning
from evocircuits.search.recipe import Recipe
from evocircuits.search.refine import Descent
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island, best_of
from evocircuits.search.strategies import founders, strategy_name, strategy_of
from evocircuits.search.variation import found, mutate
from evocircuits.search.world import advance_world, residents

TRAINING, _, VARIATION, REFINEMENT = range(4)
"""First words of the streams' keys (1 is `hall.VALIDATION`); reported scores draw from the stream without a key."""

WARM_UP = 8
"""Genomes evaluated before a run begins."""

QUARANTINE = 2
"""Epochs for which an island that was restarted takes no immigrants, who would take it over at once."""

PROGRESS = 0.002
"""An island whose best validated score gains less is stagnant."""


@dataclass(frozen=True)
class Step:
    """What an epoch of one island returns; `births` are told without the run's name."""

    state: bytes
    emigrants: bytes
    report: dict
    births: tuple[Birth, ...] = ()


def advance(
    state: bytes | None,
    immigrants: list[bytes],
    settings: dict,
    island: int,
    epoch: int,
    refused: tuple[str, ...] = (),
) -> Step:
    """Advance one island by one epoch of `settings` (a recipe as plain values). Pure: equal arguments, equal bits.

    `refused`: digests of genomes that are invalid unseen, since evaluating them ends the process.
    """
    with refusing(refused):
        return _advanced(state, immigrants, settings, island, epoch)


def alone(settings: dict, note: Note) -> None:
    """Evaluate what a worker was at when it died, to see whether that was why."""
    recipe, genome = Recipe(**settings), Genome.from_dict(note.genome)
    for task in recipe.tasks:
        if task.name == note.task:
            evaluate(genome, task.of_part(note.part), note.seed, note.n_trials)


def warm_up(settings: dict) -> None:
    """Compile what the steps of a recipe run, or load it, by a first evaluation of some random genomes."""
    recipe, rng = Recipe(**settings), np.random.default_rng(0)
    pool = []
    for mutations in range(WARM_UP):
        genome = found(rng, recipe.space)
        for _ in range(mutations):
            genome, _ = mutate(genome, rng, recipe.space)
        pool.append(Individual(genome, "found"))
    Assay(recipe).race(pool, (TRAINING, 0))


def _advanced(state: bytes | None, immigrants: list[bytes], settings: dict, island: int, epoch: int) -> Step:
    recipe = Recipe(**settings)
    home = Island.unpacked(state) if state else Island()
    arrivals = [i for blob in immigrants for i in Island.unpacked(blob).individuals]
    if recipe.search == "artificial_life":
        report, born = _lived(home, arrivals, recipe, island, epoch)
    else:
        report, born = _Epoch(recipe, home, island, epoch).run(arrivals)
    packed = home.packed(recipe)
    return Step(packed, best_of(packed, recipe.migrants, recipe), report, born)


def _lived(
    home: Island, arrivals: list[Individual], recipe: Recipe, island: int, epoch: int
) -> tuple[dict, tuple[Birth, ...]]:
    """An epoch of artificial life: nothing is scored in it, only those with most children once it is over."""
    home.world, report, born = advance_world(home.world, recipe, island, epoch, arrivals)
    home.individuals = residents(home.world, recipe)[: max(recipe.winners, recipe.migrants)]
    home.hall = validated(home.hall, home.individuals, recipe, island, epoch)
    median = float(np.median([c.validation for c in home.hall] or [0.0]))
    scores = {"strategy": recipe.search, "best": home.best, "median": median}
    return report | scores | {"restarts": 0, "operators": {}}, born


@dataclass
class _Epoch:
    """An epoch at work on the island `home`: what it goes by and what it counts."""

    recipe: Recipe
    home: Island
    island: int
    number: int
    credit: dict[str, Counter] = field(default_factory=dict)

    def __post_init__(self):
        self.strategy, self.space = strategy_of(self.recipe, self.island), self.recipe.space
        self.assay = Assay(self.recipe, self.recipe.descriptors if self.strategy.archive else ())

    def run(self, arrivals: list[Individual]) -> tuple[dict, tuple[Birth, ...]]:
        """Live all generations; what the epoch reports, and the births that led to who is there then."""
        home, recipe, before = self.home, self.recipe, self.home.best
        self._restart_if_stagnant()
        self.memetic = self.strategy.memetic and bool(home.individuals) and recipe.generations > 1
        if home.quarantine or self.strategy.isolated:
            arrivals = []
        arrivals, learned = self._learned(arrivals)
        first = self.number * recipe.generations
        for generation in range(first, first + self._generations()):
            self._live(arrivals if generation == first else [], generation)
        home.hall = validated(home.hall, [*home.individuals, *learned], recipe, self.island, self.number)
        home.stagnant = 0 if home.best > before + PROGRESS else home.stagnant + 1
        home.quarantine = max(0, home.quarantine - 1)
        born = births([*home.individuals, *learned], recipe.dt_ms, self.number, self.island)
        return self._report(), born

    def _generations(self) -> int:
        """How many are lived: a memetic island with residents spends all but one on learning."""
        return 1 if self.memetic else self.recipe.generations

    def _learned(self, arrivals: list[Individual]) -> tuple[list[Individual], list[Individual]]:
        """Those who come, with what residents learned; and what they learned but do not hand on."""
        recipe, residents, learned = self.recipe, self.home.individuals, []
        if not residents or self.strategy.isolated:
            return arrivals, learned
        rng = stream(recipe.seed, REFINEMENT, self.number, self.island)
        learning = Learning(recipe, self.space, self.assay, (recipe.seed, REFINEMENT, self.number), rng)
        if self.memetic:
            saved = (recipe.generations - 1) * (recipe.parents + recipe.offspring)
            arrivals = [*arrivals, *learning.variants(residents, saved)]
        if recipe.refine_evaluations:
            best = self._refined(learning, residents, rng)
            if recipe.refinement == "lamarckian":
                arrivals = [*arrivals, best]
            else:
                learned = [best]
        return arrivals, learned

    def _refined(
        self, learning: Learning, residents: list[Individual], rng: np.random.Generator
    ) -> Individual:
        told = self.home.descent
        best, descent = learning.best(residents, told and Descent.from_dict(told, self.space, rng))
        self.home.descent = descent and descent.to_dict()
        return best

    def _restart_if_stagnant(self) -> None:
        """Send everyone away who got nowhere for long, unless there is nothing to gain or no time left for it."""
        home, patience = self.home, self.recipe.patience
        time_left = self.recipe.epochs - self.number >= patience
        if home.stagnant >= patience and home.best < 1 and time_left and not self.strategy.isolated:
            home.individuals, home.descent, home.stagnant, home.quarantine = [], None, 0, QUARANTINE
            home.restarts += 1

    def _live(self, arrivals: list[Individual], generation: int) -> None:
        """One generation: breed, meet the trials of the generation, keep some."""
        recipe, strategy = self.recipe, self.strategy
        rng = stream(recipe.seed, VARIATION, self.island, generation)
        active, resting = _sampled(self.home.individuals, recipe.parents, rng)
        litter = recipe.parents + recipe.offspring - len(active)  # as many evaluations whatever the strategy
        if self.strategy.isolated and active and generation % recipe.generations == 0:
            litter += recipe.refine_evaluations and recipe.refine_evaluations + 1  # in place of learning
        if active:
            children = strategy.breed(active, litter, recipe, self.space, rng)
        else:
            children = founders(litter, strategy, self.space, rng)
        pool = [*active, *arrivals, *children]
        self.assay.race(pool, (recipe.seed, TRAINING, generation))
        self.home.individuals = strategy.keep([*pool, *resting], recipe)
        self._give_credit(
            [*children, *(a for a in arrivals if a.ancestors)]
        )  # immigrants were credited at home

    def _give_credit(self, children: list[Individual]) -> None:
        alive = set(map(id, self.home.individuals))
        for child in children:
            for name in child.operator.split("+"):
                counts = self.credit.setdefault(name, Counter())
                counts["uses"] += 1
                counts["better"] += child.score > child.mother_score
                counts["kept"] += id(child) in alive

    def _report(self) -> dict:
        residents, recipe = self.home.individuals, self.recipe
        report = {
            "island": self.island,
            "epoch": self.number,
            "strategy": strategy_name(recipe, self.island),
            "best": self.home.best,
            "median": float(np.median([i.normalised for i in residents] or [0.0])),
            "evaluations": self.assay.evaluations,
            "simulated_s": self.assay.simulated_s,
            "restarts": self.home.restarts,
            "structures": len({i.genome.structure for i in residents}),
            "diversity": diversity(residents),
            "objectives": {k: _quantiles([i.objectives[k] for i in residents]) for k in recipe.objectives},
            "operators": {name: dict(counts) for name, counts in sorted(self.credit.items())},
        }
        if self.strategy.archive:
            report["coverage"] = coverage(residents, recipe.descriptors)
            report["qd_score"] = qd_score(residents, recipe.descriptors)
        return report


def diversity(individuals: list[Individual]) -> float:
    """The mean share of genes by which two of them differ (Jaccard distance of their innovation ids)."""
    pairs = list(combinations([i.genome.structure for i in individuals], 2))
    return float(np.mean([1 - len(a & b) / len(a | b) for a, b in pairs])) if pairs else 0.0


def _sampled(
    residents: list[Individual], n: int, rng: np.random.Generator
) -> tuple[list[Individual], list[Individual]]:
    """Up to `n` of the residents, and the others: an archive may hold more than a generation can measure again."""
    if len(residents) <= n:
        return residents, []
    chosen = set(rng.choice(len(residents), n, replace=False).tolist())
    active = [i for k, i in enumerate(residents) if k in chosen]
    return active, [i for k, i in enumerate(residents) if k not in chosen]


def _quantiles(values: list[float]) -> list[float]:
    return np.quantile(values, (0, 0.25, 0.5, 0.75, 1)).tolist() if values else []
