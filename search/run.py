"""Runs: island steps submitted as soon as their inputs are there, committed epoch by epoch, resumed where they stopped.

The run's id derives from its recipe, so the same recipe in the same library is one run: started again it goes on, and
when it is finished its result is simply returned.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.library import Library
from evocircuits.measure import score_circuit
from evocircuits.motif import Motif, MotifScore, Provenance
from evocircuits.search.executor import Executor, open_executor
from evocircuits.search.island import Candidate, Step, advance, best_of, by_structure, hall_of_fame
from evocircuits.search.recipe import Recipe, load_recipe, parse_recipe
from evocircuits.tasks import get_task

LOOK_AHEAD = 2
"""Epochs that an island may be ahead of the last commit."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: `best` validated and `median` raw score so far, evaluations in this session and per second."""

    epoch: int
    epochs: int
    best: float
    median: float
    evaluations: int
    evaluations_per_s: float
    seconds_left: float


@dataclass(frozen=True)
class Run:
    """A finished run: its winners, best held-out score first, and one report per epoch."""

    id: str
    recipe: Recipe
    motifs: tuple[Motif, ...]
    reference: MotifScore
    reports: tuple[dict, ...]
    seconds: float
    status: str = "finished"

    @property
    def best(self) -> Motif:
        """The motif with the best held-out score."""
        return self.motifs[0]

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
    motifs = [_with_held_out_score_only(m, recipe) for m in library.motifs(task=recipe.task, run=row.id)]
    motifs.sort(key=lambda m: -m.scores[0].raw)
    reference = MotifScore(**row.reports[-1]["reference"])
    seconds = sum(report["seconds"] for report in row.reports)
    return Run(row.id, recipe, tuple(motifs), reference, tuple(row.reports), seconds, row.status)


def _with_held_out_score_only(motif: Motif, recipe: Recipe) -> Motif:
    """Without the scores that came later, from elsewhere."""
    own = (recipe.task, recipe.held_out_trials, recipe.seed)
    return replace(motif, scores=tuple(s for s in motif.scores if (s.task, s.trials, s.seed) == own))


def _drive(recipe: Recipe, library: Library, pool: Executor, on_progress: Callable[[Progress], None]) -> None:
    row = library.start_run(recipe.run_id, recipe.model_dump(), recipe.seed, _versions())
    try:
        graph = _Graph(recipe, library, pool, on_progress)
        graph.run_to_end()
        library.finish_run(row.id, _winners(recipe, graph.halls(), pool))
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
            (self.committed - 1, island): Step(state, best_of(state, recipe.migrants), {})
            for island, state in states.items()
        }
        self.submitted = set(self.done)
        self.running: dict[Future, tuple[int, int]] = {}
        self.first_epoch, self.started = self.committed, time.perf_counter()
        self.epoch_started = self.started
        self.evaluations, self.finished_steps = 0, 0
        self.medians: dict[int, float] = {}
        self.best = max((c.validation for s in states.values() for c in hall_of_fame(s)), default=0.0)

    def run_to_end(self) -> None:
        if self.committed == self.recipe.epochs:
            return
        reference = self.pool.submit(_score, get_task(self.recipe.task).reference(), self.settings)
        while self.committed < self.recipe.epochs:
            for key in self._ready():
                if len(self.running) < self.pool.in_flight:
                    self._submit(key)
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                self._take(self.running.pop(future), future.result())
            while all((self.committed, island) in self.done for island in range(self.recipe.islands)):
                self._commit(reference)
            self.on_progress(self._progress())

    def halls(self) -> list[list[Candidate]]:
        """Each island's hall of fame after the last epoch."""
        return [hall_of_fame(self.done[self.committed - 1, i].state) for i in range(self.recipe.islands)]

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

    def _commit(self, reference: Future) -> None:
        steps = {island: self.done[self.committed, island] for island in range(self.recipe.islands)}
        reports = [step.report for step in steps.values()]
        now = time.perf_counter()
        report = {
            "epoch": self.committed + 1,
            "best": max(r["best"] for r in reports),
            "median": sum(r["median"] for r in reports) / len(reports),
            "evaluations": sum(r["evaluations"] for r in reports),
            "seconds": now - self.epoch_started,
            "islands": reports,
        }
        if self.committed + 1 == self.recipe.epochs:
            report["reference"] = vars(reference.result())
        states = {island: step.state for island, step in steps.items()}
        self.library.commit_epoch(self.recipe.run_id, self.committed + 1, states, report)
        self.done = {key: step for key, step in self.done.items() if key[0] >= self.committed}
        self.committed, self.epoch_started = self.committed + 1, now


def _winners(recipe: Recipe, halls: list[list[Candidate]], pool: Executor) -> list[Motif]:
    """The best of each structure first, then the runners-up; distinct circuits, scored on held-out trials."""
    task, chosen = get_task(recipe.task), {}
    for candidate in by_structure([c for hall in halls for c in hall]):
        circuit = develop(candidate.genome, dt_ms=task.dt_ms)
        chosen.setdefault(circuit.id, (circuit, candidate))
    chosen = list(chosen.values())[: recipe.winners]
    futures = [pool.submit(_score, candidate.genome, recipe.model_dump()) for _, candidate in chosen]
    motifs = []
    for (circuit, candidate), future in zip(chosen, futures, strict=True):
        provenance = Provenance(
            origin="evolved",
            run=recipe.run_id,
            seed=recipe.seed,
            epoch=candidate.epoch + 1,
            island=candidate.island,
            operator=candidate.operator,
            parents=candidate.parents,
            recipe=recipe.model_dump(),
            versions=_versions(),
        )
        motifs.append(Motif(candidate.genome, circuit, task.dt_ms, provenance, (future.result(),)))
    return motifs


def _score(genome: Genome, settings: dict) -> MotifScore:
    recipe = Recipe(**settings)
    task = get_task(recipe.task)
    circuit = develop(genome, dt_ms=task.dt_ms)
    return score_circuit(circuit, task, seed=recipe.seed, n_trials=recipe.held_out_trials)


def _versions() -> dict[str, str]:
    packages = ("evocircuits", "numpy", "numba", "deap")
    return {"python": python_version()} | {name: version(name) for name in packages}
