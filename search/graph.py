"""The island steps of a run: submitted as soon as their inputs are there, committed epoch by epoch."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from heapq import heappop, heappush
from queue import Empty, SimpleQueue

from evocircuits.library import Library
from evocircuits.measure.caution import Note
from evocircuits.search.executor import CHECK_s, Executor, WorkerDied
from evocircuits.search.island import Step, advance, alone
from evocircuits.search.recipe import Recipe
from evocircuits.search.state import Island, best_of, living
from evocircuits.search.topology import neighbours

LOOK_AHEAD = 2
"""Epochs that an island may be ahead of the last commit."""

TIDY = 25
"""After every so many epochs the library forgets births that led to nobody who lives."""


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
class _Work:
    """A step under way; or, where there is a `suspect`, its evaluation alone, after it was the last that a dead worker
    of the step had noted.
    """

    step: tuple[int, int]
    suspect: Note | None = None


class Graph:
    """The island steps of the run `run_id`: which are done, which run, and what has been committed.

    A step needs the island's own last one and those of its neighbours. `stopped`: it ended early, as somebody asked.
    `quarantined`: notes of genomes that were the end of two workers, by digest; in later steps they are invalid.
    """

    def __init__(
        self,
        recipe: Recipe,
        run_id: str,
        library: Library,
        pool: Executor,
        on_progress: Callable[[Progress], None],
        quarantined: Iterable[Note] = (),
        on_report: Callable[[dict], None] = lambda report: None,
    ):
        self.recipe, self.run_id, self.library, self.pool = recipe, run_id, library, pool
        self.on_progress, self.on_report = on_progress, on_report
        self.settings = recipe.model_dump()
        self.sources = [neighbours(recipe.topology, recipe.islands, i) for i in range(recipe.islands)]
        self.followers = [[i] for i in range(recipe.islands)]
        for island, sources in enumerate(self.sources):
            for source in sources:
                self.followers[source].append(island)
        self.committed, states = library.island_states(run_id)
        self.done = {
            (self.committed - 1, island): Step(state, best_of(state, recipe.migrants, recipe), {})
            for island, state in states.items()
        }
        self.missing: dict[tuple[int, int], int] = {}
        self.ready = [(self.committed, island) for island in range(recipe.islands)]
        self.running: dict[Future, _Work] = {}
        self.quarantined = {note.digest: note for note in quarantined}
        self.told = set(self.quarantined)
        self.finished: SimpleQueue[Future] = SimpleQueue()
        self.first_epoch, self.started = self.committed, time.perf_counter()
        self.epoch_started = self.checked = self.started
        self.evaluations, self.finished_steps = 0, 0
        self.medians: dict[int, float] = {}
        self.best = max((Island.unpacked(s).best for s in states.values()), default=0.0)
        self.reached = self._reaches_target(self.best)
        self.stopped = False

    def run_to_end(self) -> None:
        """Until all epochs are committed, or one in which a validated circuit reached the target, or the run is to stop
        after the one that is committed next.
        """
        while not (self.complete or self.stopped):
            self._submit_ready()
            if not self._handle(self._next()):
                continue
            while not (self.complete or self.stopped) and self._is_whole(self.committed):
                self._commit()
            self.on_progress(self._progress())

    def islands(self) -> list[Island]:
        """The islands after the last committed epoch."""
        return [Island.unpacked(self.done[self.committed - 1, i].state) for i in range(self.recipe.islands)]

    @property
    def complete(self) -> bool:
        """Whether no epoch is left to be lived."""
        return self.reached or self.committed == self.recipe.epochs

    def _reaches_target(self, best: float) -> bool:
        return self.recipe.target is not None and best >= self.recipe.target

    def _is_whole(self, epoch: int) -> bool:
        return all((epoch, island) in self.done for island in range(self.recipe.islands))

    def _submit_ready(self) -> None:
        last = min(self.recipe.epochs, self.committed + LOOK_AHEAD)
        while self.ready and self.ready[0][0] < last and len(self.running) < self.pool.in_flight:
            self._submit(heappop(self.ready))

    def _next(self) -> Future:
        """The next that ends. Raises `ClusterLost` when there will be none."""
        while True:
            if time.perf_counter() - self.checked >= CHECK_s:
                self.pool.check()
                self.checked = time.perf_counter()
            try:
                return self.finished.get(timeout=CHECK_s)
            except Empty:
                continue

    def _handle(self, future: Future) -> bool:
        """Whether what ended is a step that is done."""
        work = self.running.pop(future)
        try:
            result = future.result()
        except WorkerDied as death:
            if work.suspect is None:
                self._watch(self.pool.submit(alone, self.settings, death.note), _Work(work.step, death.note))
                return False
            self.quarantined[work.suspect.digest] = work.suspect
        if work.suspect is None:
            self._take(work.step, result)
            return True
        self._submit(work.step)
        return False

    def _watch(self, future: Future, work: _Work) -> None:
        self.running[future] = work
        future.add_done_callback(self.finished.put)

    def _submit(self, key: tuple[int, int]) -> None:
        epoch, island = key
        own, immigrants = None, []
        if epoch:
            own = self.done[epoch - 1, island].state
            immigrants = [self.done[epoch - 1, source].emigrants for source in self.sources[island]]
        refused = tuple(sorted(self.quarantined))
        self._watch(
            self.pool.submit(advance, own, immigrants, self.settings, island, epoch, refused), _Work(key)
        )

    def _take(self, key: tuple[int, int], step: Step) -> None:
        epoch, island = key
        self.done[key] = step
        for follower in self.followers[island]:
            then = epoch + 1, follower
            self.missing[then] = self.missing.get(then, 1 + len(self.sources[follower])) - 1
            if not self.missing[then]:
                del self.missing[then]
                heappush(self.ready, then)
        self.finished_steps += 1
        self.evaluations += step.report["evaluations"]
        self.medians[island] = step.report["median"]
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
        if new := sorted(self.quarantined.keys() - self.told):
            report["quarantined"] = [asdict(self.quarantined[digest]) for digest in new]
            self.told.update(new)
        states = {island: step.state for island, step in steps.items()}
        births = [replace(birth, run=self.run_id) for step in steps.values() for birth in step.births]
        alive = self._living(states) if (self.committed + 1) % TIDY == 0 else None
        status = self.library.commit_epoch(self.run_id, self.committed + 1, states, report, births, alive)
        self.on_report(report)
        self.done = {key: step for key, step in self.done.items() if key[0] >= self.committed}
        self.reached = self._reaches_target(report["best"])
        self.committed, self.epoch_started = self.committed + 1, now
        self.stopped = status == "stopping" and not self.complete

    def _living(self, states: dict[int, bytes]) -> set[str]:
        return living(map(Island.unpacked, states.values()), self.recipe)
