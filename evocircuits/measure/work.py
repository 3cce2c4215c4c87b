"""Pure functions on a pool of workers, their results by key: what is finished is not done again."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol


class Pool(Protocol):
    """What runs the functions: `search.executor.Executor` is one. `in_flight` submissions keep it busy."""

    in_flight: int

    def submit(self, function: Callable, *values) -> Future:
        """Start `function(*values)`."""

    def result(self, future: Future) -> Any:
        """What the future holds, once it does."""


class Here:
    """The pool that is this process."""

    in_flight = 1

    def submit(self, function: Callable, *values) -> Future:
        """Run now."""
        future: Future = Future()
        future.set_result(function(*values))
        return future

    def result(self, future: Future) -> Any:
        """It is there already."""
        return future.result()


@dataclass(frozen=True)
class Job:
    """`function(*values)` gives a list of plain values, one for each of `keys`."""

    keys: tuple[str, ...]
    function: Callable[..., list]
    values: tuple


class Work:
    """The `results` of jobs by key; at first those of an earlier session.

    `on_finished` is told of each new one, and `on_progress` how many of the keys that are expected are there.
    """

    def __init__(
        self,
        pool: Pool | None = None,
        finished: Mapping[str, Any] | None = None,
        on_finished: Callable[[str, Any], None] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ):
        self.pool = pool or Here()
        self.results = dict(finished or {})
        self.on_finished, self.on_progress = on_finished, on_progress
        self.expected: set[str] = set()

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Which of the keys are still to be worked for; all are expected from now on."""
        keys = list(dict.fromkeys(keys))
        self.expected.update(keys)
        return [key for key in keys if key not in self.results]

    def run(self, jobs: Iterable[Job]) -> None:
        """Do all jobs; they are made as they are submitted. Results come in the order of jobs, whatever the pool."""
        running: deque[tuple[Job, Future]] = deque()
        for job in jobs:
            running.append((job, self.pool.submit(job.function, *job.values)))
            if len(running) >= self.pool.in_flight:
                self._take(*running.popleft())
        while running:
            self._take(*running.popleft())

    def _take(self, job: Job, future: Future) -> None:
        for key, value in zip(job.keys, self.pool.result(future), strict=True):
            self.results[key] = value
            if self.on_finished:
                self.on_finished(key, value)
        if self.on_progress:
            self.on_progress(len(self.expected & self.results.keys()), len(self.expected))
