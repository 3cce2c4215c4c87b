"""Where work runs: `submit(function, *values) → Future`, in this process or on Ray."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from evocircuits.errors import InputError
from evocircuits.measure.caution import Note

CHECK_s = 5.0
"""How often an executor is asked whether it is still there."""


class WorkerDied(RuntimeError):
    """The process of a worker ended, twice, while it ran the same function; `note` says what it was evaluating."""

    def __init__(self, note: Note):
        super().__init__(f"a worker died while it evaluated genome {note.digest[:8]} on {note.task}")
        self.note = note


class ClusterLost(OSError):
    """The cluster that runs the work is gone; what was committed is saved."""


class Executor(ABC):
    """Runs functions of plain values. A context manager: leaving it stops everything it started."""

    in_flight: int
    """How many submissions keep every worker busy."""

    @abstractmethod
    def submit(self, function: Callable, *values) -> Future:
        """Start `function(*values)`; the future holds its result or exception, `WorkerDied` among them."""

    def everywhere(self, function: Callable, *values) -> None:
        """Run `function(*values)` once on every other machine that works for this one, before anything else does."""
        return

    def check(self) -> None:
        """To be called every few seconds: raises `ClusterLost` when nothing submitted can come back any more."""
        return

    def result(self, future: Future) -> Any:
        """What a future of this executor holds, once it does. Raises its exception, and as `check`."""
        while not future.done():
            wait([future], timeout=CHECK_s)
            self.check()
        return future.result()

    @abstractmethod
    def close(self) -> None:
        """Stop what this executor started."""

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


class SerialExecutor(Executor):
    """Runs each function at once in this process."""

    in_flight = 1

    def submit(self, function: Callable, *values) -> Future:
        """Run now; the future is done when it is returned."""
        future: Future = Future()
        try:
            future.set_result(function(*values))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing was started."""


def open_executor(
    kind: str,
    workers: int | None = None,
    *,
    log: Path | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Executor:
    """The executor of that kind: `serial`; `ray`, a local cluster of `workers`; or the address of a running cluster,
    `auto`, HOST:PORT or ray://HOST:PORT. What workers print is kept in the file `log`. A user's `files` travel to all
    workers, as `tasks.custom.contents` has them.

    Raises `InputError` for another, for a worker count below 1, and for one of a cluster that has its own.
    """
    if workers is not None and workers < 1:
        raise InputError(f"workers: expected at least 1; got {workers}")
    if kind == "serial":
        return SerialExecutor()
    from evocircuits.search.ray_executor import RayExecutor

    if kind == "ray":
        return RayExecutor(workers, log=log, files=files)
    if kind != "auto" and ":" not in kind:
        raise InputError(
            f"executor: expected ray, serial, or a cluster's address (auto, HOST:PORT, ray://HOST:PORT); got {kind!r}"
        )
    if workers is not None:
        raise InputError(f"workers: expected none, since a cluster has its own; got {workers}")
    return RayExecutor(address=kind, log=log, files=files)
