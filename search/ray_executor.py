"""Work on Ray. The only import of Ray.

A function whose worker dies is run again, without limit: on another worker, and with caution, so that a second death
tells which evaluation it was at. Whoever submitted it decides whether that one is to blame.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from platform import python_version
from queue import SimpleQueue

import evocircuits
from evocircuits.errors import InputError
from evocircuits.measure.caution import Note, noting
from evocircuits.search.executor import ClusterLost, Executor, WorkerDied
from evocircuits.search.versions import check_machine, versions
from evocircuits.tasks.custom import carry

PACKAGE = Path(evocircuits.__file__).parent
SILENT = {"logging_level": "ERROR"}
WORKER_ENVIRONMENT = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

OBJECT_STORE_BYTES = 128 * 1024**2
"""States are kilobytes; Ray's default takes a third of the machine."""

STEP_LIMIT_s = 1800.0
"""After so long a worker ends itself: counts of events bound every circuit, but nothing bounds a task of the user's."""

ANSWER_s = 5.0
"""How long the head of a cluster may take to accept a connection."""

OUT_OF_MEMORY = 3
"""Attempts at what needs more memory than there is."""

BACK_OFF_s = 0.05, 10.0
"""From death to death of the same function the wait doubles, from the first to the second."""


@dataclass(eq=False)
class _Job:
    function: Callable
    values: tuple
    key: int
    node: str | None = None
    future: Future = field(default_factory=Future)
    deaths: int = 0
    out_of_memory: int = 0


class RayExecutor(Executor):
    """Runs each function as a Ray task of one CPU on a local cluster of `workers`, started here and stopped on exit; or
    on the cluster at `address` (`auto`, HOST:PORT or ray://HOST:PORT), to which this package is sent.

    A Ray that this process has already connected to is used and left running. `step_limit_s`: a worker that takes
    longer ends itself, and what it did counts as a death. `log`: the file to which what workers print is added, with
    the address and the process it comes from; nothing of it is shown. `files`: what a user's files hold, by path, for
    workers, who may be on machines that have none of them.

    Raises `InputError` when no cluster answers at `address`, or one of other versions.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        address: str | None = None,
        step_limit_s: float = STEP_LIMIT_s,
        log: Path | None = None,
        files: Mapping[str, bytes] | None = None,
    ):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        if address is None and "ray" not in sys.modules:  # else it is too late, and Ray's default is the same
            os.environ.setdefault("RAY_AUTH_MODE", "token")
        import ray

        self._ray, self._owned, self.step_limit_s = ray, not ray.is_initialized(), step_limit_s
        self._versions = versions()
        if self._owned:
            heard = _diverted(log)
            with _heeding_sigterm():
                _start_here(ray, workers, heard) if address is None else _connect(ray, address, heard)
        self._count_workers()
        through_client = address is not None and address.startswith("ray://")
        self._head = address if through_client else ray.get_runtime_context().gcs_address
        self._work = ray.remote(max_retries=0)(_work)
        self._files = ray.put(dict(files)) if files else {}
        self._notes = ray.remote(_Notes).options(num_cpus=0).remote()
        self._keys, self._closed = count(), False
        self._ended: SimpleQueue[tuple[_Job, Future] | None] = SimpleQueue()
        self._attendant = threading.Thread(target=self._attend, daemon=True)
        self._attendant.start()

    def submit(self, function: Callable, *values) -> Future:
        """Start a task; one whose worker dies is retried without limit."""
        return self._submit(function, values)

    def everywhere(self, function: Callable, *values) -> None:
        """Run it on every node, and wait. Raises `InputError` for a node whose packages have other versions."""
        nodes = [n["NodeID"] for n in self._ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
        for future in [self._submit(function, values, node) for node in nodes]:
            with suppress(WorkerDied):  # a genome that ends its worker is found out when it matters
                self.result(future)

    def check(self) -> None:
        """Raises `ClusterLost` when the head does not answer: Ray itself would wait a minute and end the process."""
        if not _answers(self._head):
            raise ClusterLost(f"the head of the Ray cluster at {self._head} is gone")
        self._count_workers()  # nodes come and go

    def close(self) -> None:
        """Stop the cluster if it was started here."""
        self._closed = True
        self._ended.put(None)
        self._attendant.join()
        if self._owned:
            self._ray.shutdown()

    def _count_workers(self) -> None:
        self.in_flight = 2 * max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _submit(self, function: Callable, values: tuple, node: str | None = None) -> Future:
        job = _Job(function, values, next(self._keys), node)
        self._start(job)
        return job.future

    def _start(self, job: _Job) -> None:
        if self._closed:
            return
        notes = self._notes if job.deaths else None
        work = self._work
        if job.node:
            there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
            work = work.options(scheduling_strategy=there(job.node, soft=True))
        ref = work.remote(
            job.function, job.values, self._versions, self._files, self.step_limit_s, notes, job.key
        )
        ref.future().add_done_callback(lambda done: self._ended.put((job, done)))

    def _attend(self) -> None:
        """Hand on what ended well or failed, and start again what died."""
        exceptions = self._ray.exceptions
        while ended := self._ended.get():
            job, done = ended
            error = done.exception()
            if error is None:
                job.future.set_result(done.result())
            elif isinstance(error, exceptions.RayTaskError):
                told = isinstance(error.cause, InputError)  # one line, not Ray's traceback
                job.future.set_exception(error.cause if told else error)
            elif isinstance(error, exceptions.RuntimeEnvSetupError):
                job.future.set_exception(error)
            elif isinstance(error, exceptions.RayError):
                self._died(job, error)
            else:
                job.future.set_exception(error)

    def _died(self, job: _Job, error: Exception) -> None:
        note = self._note_of(job)
        job.deaths += 1
        job.out_of_memory += isinstance(error, self._ray.exceptions.OutOfMemoryError)
        if job.out_of_memory == OUT_OF_MEMORY:
            job.future.set_exception(MemoryError(f"a worker ran out of memory {OUT_OF_MEMORY} times"))
        elif note is not None:
            job.future.set_exception(WorkerDied(note))
        else:
            shortest, longest = BACK_OFF_s
            threading.Timer(min(longest, shortest * 2**job.deaths), self._start, [job]).start()

    def _note_of(self, job: _Job) -> Note | None:
        """What the job noted before it died, if it took notes."""
        if not job.deaths:
            return None
        try:
            return self._ray.get(self._notes.last.remote(job.key), timeout=ANSWER_s)
        except self._ray.exceptions.RayError:  # the notes were on a node that is gone
            self._notes = self._ray.remote(_Notes).options(num_cpus=0).remote()
            return None


class _Notes:
    """An actor: the last note of every job that takes any."""

    def __init__(self):
        self.notes: dict[int, Note] = {}

    def take(self, key: int, note: Note) -> None:
        self.notes[key] = note

    def last(self, key: int) -> Note | None:
        return self.notes.pop(key, None)


def _work(
    function: Callable,
    values: tuple,
    expected: dict[str, str],
    files: dict[str, bytes],
    limit_s: float,
    notes,
    key: int,
):
    """A function's value, in a worker of the `expected` versions with the user's `files`, that ends itself after
    `limit_s`, or after so long with one evaluation where it takes `notes`. The alarm is the system's: also a loop that
    never returns to Python ends.
    """
    check_machine(expected)
    carry(files)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        with ExitStack() as stack:
            if notes is not None:
                import ray

                def take(note: Note) -> None:
                    ray.get(notes.take.remote(key, note))
                    signal.setitimer(signal.ITIMER_REAL, limit_s)

                stack.enter_context(noting(take))
            return function(*values)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _heeding_sigterm() -> Iterator[None]:
    """Keep how this process answers a polite kill: Ray's own answer is to abort, with a trace."""
    former = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if former is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, former)


def _start_here(ray, workers: int | None, heard: bool) -> None:
    ray.init(
        address="local",  # else one that happens to run on this machine would be taken
        num_cpus=workers,  # None: one a core
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        runtime_env={"env_vars": WORKER_ENVIRONMENT},
        log_to_driver=heard,
        **SILENT,
    )


def _connect(ray, address: str, heard: bool) -> None:
    """Connect to a cluster, and send this package along."""
    if not _answers(address):  # Ray itself would try for minutes, and then end the process
        raise InputError(f"ray: expected a cluster at {address}; none answers (start one: ray start --head)")
    environment = {"env_vars": WORKER_ENVIRONMENT, "py_modules": [str(PACKAGE)]}
    try:
        ray.init(address=address, runtime_env=environment, log_to_driver=heard, **SILENT)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"ray: expected a cluster at {address} with Ray {ray.__version__}, Python {python_version()} and this "
            f"user's token (RAY_AUTH_MODE, RAY_AUTH_TOKEN); {reason}"
        ) from None


def _answers(address: str) -> bool:
    """Whether something listens there; where that is for Ray to find out, what Ray last started on this machine."""
    if address == "auto":
        from ray._private.services import find_gcs_addresses

        return any(map(_answers, find_gcs_addresses()))
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"ray: expected auto, HOST:PORT or ray://HOST:PORT; got {address!r}")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER_s).close()
    except OSError:
        return False
    return True


def _diverted(log: Path | None) -> bool:
    """Whether what workers print goes to `log`. Ray would print it here, and news of those that die in any case: that
    is handled, and said where it matters.
    """
    from ray._private import worker

    if not hasattr(worker, "print_to_stdstream"):
        return False

    def keep(data: dict, *ignored, **also) -> None:
        if log is not None and data.get("pid") != "autoscaler":
            log.parent.mkdir(parents=True, exist_ok=True)
            source = f"{data.get('ip', 'ray')} {data.get('pid', '')}"
            with log.open("a", encoding="utf-8") as file:
                file.writelines(f"{source}: {line}\n" for said in data["lines"] for line in said.splitlines())

    worker.print_to_stdstream = keep
    return log is not None
