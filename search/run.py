"""Runs: island steps submitted as soon as their inputs are there, committed epoch by epoch, resumed where they stopped.

The run's id derives from its recipe, so the same recipe in the same library is one run: started again it goes on, and
when it is finished its result is simply returned.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.motif import Motif, MotifScore
from evocircuits.search.executor import Executor, open_executor
from evocircuits.search.harvest import harvest
from evocircuits.search.island import Step, advance
from evocircuits.search.recipe import Recipe, load_recipe, parse_recipe
from evocircuits.search.state import Island, best_of

LOOK_AHEAD = 2
"""Epochs that an island may be ahead of the last commit."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: `best` validated and `median` normalised score so far, evaluations in this session and per
    second, and how long it will take at most.
    """

    epoch: int
    epochs: int
    best: float
    median: float
    evaluations: int
    evaluations_per_s: float
    seconds_left: float


@dataclass(frozen=True)
class Run:
    """A finished run: its winners, best held-out score first and of equals the one that costs less, one report per
    epoch, and of each task the score of the hand-wired reference, None where there is none.

    `archive`: the elites of its archives, if it kept any, each with the `motif` id, its `descriptors` and `score`.
    """

    id: str
    recipe: Recipe
    motifs: tuple[Motif, ...]
    references: tuple[MotifScore | None, ...]
    reports: tuple[dict, ...]
    seconds: float
    archive: tuple[dict, ...] = ()
    status: str = "finished"

    @property
    def best(self) -> Motif:
        """The motif with the best held-out score."""
        return self.motifs[0]

    @property
    def operators(self) -> dict[str, dict[str, int]]:
        """Of every operator how often it was used, made a better child than its mother, and one that stayed."""
        credit: dict[str, Counter] = {}
        for report in self.reports:
            for island in report["islands"]:
                for name, counts in island["operators"].items():
                    credit.setdefault(name, Counter()).update(counts)
        return {name: dict(counts) for name, counts in sorted(credit.items())}

    @property
    def evaluations(self) -> int:
        """Genomes evaluated in all."""
        return sum(report["evaluations"] for report in self.reports)


def evolve(
    recipe: str | Path | Recipe,
    *,
    seed: int | None = None,
    library: Library | str | None = None,
    executor: str = "ray",
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Run:
    """Evolve circuits by a recipe (a name, a TOML file or a `Recipe`) and keep the winners in the library.

    `executor` is `ray` (a local cluster of `workers`, by default one a core) or `serial`; the library rows do not
    depend on it. Interrupted or killed, the run continues from its last epoch when it is evolved or resumed again.

    Raises `InputError` for a wrong recipe, and `RuntimeError` when a step fails.
    """
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    recipe = parse_recipe(recipe.model_dump() | ({} if seed is None else {"seed": seed}))
    library = library if isinstance(library, Library) else Library(library)
    stored = [run for run in library.runs() if run.id == recipe.run_id]
    if stored and stored[0].status != "finished" and stored[0].versions != _versions():
        raise InputError(
            f"run {recipe.run_id}: expected the versions it was started with, {stored[0].versions}; here are "
            f"{_versions()}; install those, or choose another seed"
        )
    if not stored or stored[0].status != "finished":
        with open_executor(executor, workers) as pool:
            _drive(recipe, library, pool, on_progress)
    return _finished_run(recipe, library)


def resume(
    run: str,
    *,
    library: Library | str | None = None,
    executor: str = "ray",
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Run:
    """Continue the run whose id begins with `run` from its last committed epoch; `InputError` for an unknown one."""
    library = library if isinstance(library, Library) else Library(library)
    row = library.run(run)
    recipe = parse_recipe(row.recipe, origin=f"run {row.id}")
    return evolve(recipe, library=library, executor=executor, workers=workers, on_progress=on_progress)


def _finished_run(recipe: Recipe, library: Library) -> Run:
    row = library.run(recipe.run_id)
    last = row.reports[-1]
    motifs = [_with_held_out_scores_only(library.get(id), recipe) for id in last["winners"]]
    motifs.sort(key=_place)
    references = tuple(score and MotifScore(**score) for score in last["references"])
    seconds = sum(report["seconds"] for report in row.reports)
    archive = tuple(last.get("archive", ()))
    return Run(row.id, recipe, tuple(motifs), references, tuple(row.reports), seconds, archive, row.status)


def _place(motif: Motif) -> tuple:
    """By score, of equals by energy, as a library lists them."""
    return -min(s.normalised for s in motif.scores), sum(s.energy_pJ for s in motif.scores), motif.id


def _with_held_out_scores_only(motif: Motif, recipe: Recipe) -> Motif:
    """Without the scores that came later, from elsewhere; one for each task, in the recipe's order."""
    own = {(s.task, s.trials, s.seed): s for s in motif.scores}
    n = recipe.held_out_trials
    keys = [(task.name, min(n, task.stock or n), recipe.seed) for task in recipe.tasks]
    return replace(motif, scores=tuple(own[key] for key in keys))


def _drive(recipe: Recipe, library: Library, pool: Executor, on_progress: Callable[[Progress], None]) -> None:
    stored = [run.recipe for run in library.runs() if run.id == recipe.run_id]
    settings = stored[0] if stored else recipe.model_dump(mode="json")  # where files lie may differ
    row = library.start_run(recipe.run_id, settings, recipe.seed, _versions())
    try:
        graph = _Graph(recipe, library, pool, on_progress)
        graph.run_to_end()
        motifs, result = harvest(recipe, graph.islands(), pool, _versions())
        library.finish_run(row.id, motifs, result)
    except (InputError, OSError):
        raise
    except Exception as error:
        library.fail_run(row.id)
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise RuntimeError(f"run {row.id} failed: {reason}") from error


class _Graph:
    """The island steps of a run: which are done, which run, and what has been committed."""

    def __init__(
        self, recipe: Recipe, library: Library, pool: Executor, on_progress: Callable[[Progress], None]
    ):
        self.recipe, self.library, self.pool, self.on_progress = recipe, library, pool, on_progress
        self.settings = recipe.model_dump()
        self.committed, states = library.island_states(recipe.run_id)
        self.done = {
            (self.committed - 1, island): Step(state, best_of(state, recipe.migrants, recipe), {})
            for island, state in states.items()
        }
        self.submitted = set(self.done)
        self.running: dict[Future, tuple[int, int]] = {}
        self.first_epoch, self.started = self.committed, time.perf_counter()
        self.epoch_started = self.started
        self.evaluations, self.finished_steps = 0, 0
        self.medians: dict[int, float] = {}
        self.best = max((Island.unpacked(s).best for s in states.values()), default=0.0)
        self.reached = self._reaches_target(self.best)

    def run_to_end(self) -> None:
        """Until all epochs are committed, or one in which a validated circuit reached the target."""
        while self.committed < self.recipe.epochs and not self.reached:
            for key in self._ready():
                if len(self.running) < self.pool.in_flight:
                    self._submit(key)
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                self._take(self.running.pop(future), future.result())
            while not self.reached and all(
                (self.committed, island) in self.done for island in range(self.recipe.islands)
            ):
                self._commit()
            self.on_progress(self._progress())

    def islands(self) -> list[Island]:
        """The islands after the last committed epoch."""
        return [Island.unpacked(self.done[self.committed - 1, i].state) for i in range(self.recipe.islands)]

    def _reaches_target(self, best: float) -> bool:
        return self.recipe.target is not None and best >= self.recipe.target

    def _inputs(self, epoch: int, island: int) -> list[tuple[int, int]]:
        """The steps that a step needs: the island's own last one, and its neighbour's on the ring."""
        neighbours = {island, (island - 1) % self.recipe.islands}
        return [(epoch - 1, i) for i in sorted(neighbours, key=lambda i: i != island)] if epoch else []

    def _ready(self) -> Iterable[tuple[int, int]]:
        last = min(self.recipe.epochs, self.committed + LOOK_AHEAD)
        for epoch in range(self.committed, last):
            for island in range(self.recipe.islands):
                if (epoch, island) not in self.submitted and all(
                    k in self.done for k in self._inputs(epoch, island)
                ):
                    yield epoch, island

    def _submit(self, key: tuple[int, int]) -> None:
        epoch, island = key
        own, *neighbours = [self.done[k] for k in self._inputs(epoch, island)] or [None]
        immigrants = [step.emigrants for step in neighbours]
        future = self.pool.submit(advance, own and own.state, immigrants, self.settings, island, epoch)
        self.submitted.add(key)
        self.running[future] = key

    def _take(self, key: tuple[int, int], step: Step) -> None:
        self.done[key] = step
        self.finished_steps += 1
        self.evaluations += step.report["evaluations"]
        self.medians[step.report["island"]] = step.report["median"]
        self.best = max(self.best, step.report["best"])

    def _progress(self) -> Progress:
        elapsed = time.perf_counter() - self.started
        steps_left = (self.recipe.epochs - self.first_epoch) * self.recipe.islands - self.finished_steps
        return Progress(
            epoch=self.committed,
            epochs=self.recipe.epochs,
            best=self.best,
            median=sum(self.medians.values()) / len(self.medians),
            evaluations=self.evaluations,
            evaluations_per_s=self.evaluations / elapsed,
            seconds_left=elapsed / self.finished_steps * steps_left,
        )

    def _commit(self) -> None:
        steps = {island: self.done[self.committed, island] for island in range(self.recipe.islands)}
        reports = [dict(step.report) for step in steps.values()]
        now = time.perf_counter()
        report = {
            "epoch": self.committed + 1,
            "best": max(r["best"] for r in reports),
            "median": sum(r["median"] for r in reports) / len(reports),
            "evaluations": sum(r["evaluations"] for r in reports),
            "simulated_s": sum(r["simulated_s"] for r in reports),
            "seconds": now - self.epoch_started,
            "islands": reports,
        }
        states = {island: step.state for island, step in steps.items()}
        self.library.commit_epoch(self.recipe.run_id, self.committed + 1, states, report)
        self.done = {key: step for key, step in self.done.items() if key[0] >= self.committed}
        self.reached = self._reaches_target(report["best"])
        self.committed, self.epoch_started = self.committed + 1, now


def _versions() -> dict[str, str]:
    packages = ("evocircuits", "numpy", "numba", "deap", "ribs")
    return {"python": python_version()} | {name: version(name) for name in packages}
