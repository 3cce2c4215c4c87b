"""Where work runs: `submit(function, *values) → Future`, in this process or on Ray. The only import of Ray."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future

from evocircuits.errors import InputError

WORKER_ENVIRONMENT = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

OBJECT_STORE_BYTES = 128 * 1024**2
"""States are kilobytes; Ray's default takes a third of the machine."""


class Executor(ABC):
    """Runs functions of plain values. A context manager: leaving it stops everything it started."""

    in_flight: int
    """How many submissions keep every worker busy."""

    @abstractmethod
    def submit(self, function: Callable, *values) -> Future:
        """Start `function(*values)`; the future holds its result or exception."""

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


class RayExecutor(Executor):
    """Runs each function as a Ray task of one CPU on a local cluster of `workers`, started here and stopped on exit.

    A Ray that this process has already connected to is used and left running. A task whose worker dies is run again.
    """

    def __init__(self, workers: int | None = None):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        self._ray = ray
        self._owned = not ray.is_initialized()
        if self._owned:
            ray.init(
                num_cpus=workers,  # None: one a core
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
                runtime_env={"env_vars": WORKER_ENVIRONMENT},
            )
        self.in_flight = 2 * int(ray.cluster_resources().get("CPU", 1))

    def submit(self, function: Callable, *values) -> Future:
        """Start a task; one whose worker dies is retried without limit."""
        return self._ray.remote(function).options(max_retries=-1).remote(*values).future()

    def close(self) -> None:
        """Stop the cluster if it was started here."""
        if self._owned:
            self._ray.shutdown()


def open_executor(kind: str, workers: int | None = None) -> Executor:
    """The executor of that kind, `serial` or `ray`. Raises `InputError` for another, or for a worker count below 1."""
    if workers is not None and workers < 1:
        raise InputError(f"workers: expected at least 1; got {workers}")
    match kind:
        case "serial":
            return SerialExecutor()
        case "ray":
            return RayExecutor(workers)
    raise InputError(f"executor: expected ray or serial; got {kind!r}")
