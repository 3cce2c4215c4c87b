"""Runs to be disturbed: the program as a user starts it, what it leaves, and clusters of several nodes here."""

import hashlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evocircuits.library import Library

COMMAND = [sys.executable, "-c", "from evocircuits.cli import main; main()"]

RECIPE = """
task = "order"
islands = 4
epochs = 10
generations = 4
parents = 12
offspring = 24
elites = 6
trials = 64
validation_trials = 200
held_out_trials = 500
winners = 3
strategies = ["population", "memetic", "direct"]
refine_evaluations = 40
"""
"""Some twenty seconds on one core, in epochs of two."""

SHORTER = RECIPE.replace("epochs = 10", "epochs = 3")
LONGER = RECIPE.replace("epochs = 10", "epochs = 20")

WAIT_s = 900.0
"""After so long nothing more is expected, also of a machine that others use."""


@dataclass(frozen=True)
class Site:
    """A folder with the recipe and a library."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, recipe: str = RECIPE) -> "Site":
        """A folder that is made, and has no run yet."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "recipe.toml").write_text(recipe, encoding="utf-8")
        return cls(folder)

    @property
    def url(self) -> str:
        """Of the library."""
        return f"sqlite:///{self.folder}/library.db"

    @property
    def library(self) -> Library:
        """As it is stored."""
        return Library(self.url)

    def start(self, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
        """The run in a process group of its own."""
        return subprocess.Popen(
            [*COMMAND, "evolve", "recipe.toml", "--library", self.url, *options],
            cwd=self.folder,
            env=os.environ | (environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, *options: str, environment: dict[str, str] | None = None) -> None:
        """Let the run come to its end."""
        process = self.start(*options, environment=environment)
        _, errors = process.communicate(timeout=WAIT_s)
        if process.returncode != 0:
            raise RuntimeError(f"the run ended with status {process.returncode}: {errors[-500:]}")

    @property
    def epoch(self) -> int:
        """How many epochs are committed."""
        if not (self.folder / "library.db").exists():
            return 0
        runs = self.library.runs()
        return runs[0].epoch if runs else 0

    def digest(self) -> str:
        """Of all library rows and of the islands' last states."""
        library = self.library
        [run] = library.runs()
        hashed = hashlib.sha256(library.rows_hash().encode())
        for island, state in library.island_states(run.id)[1].items():
            hashed.update(f"{island}:".encode() + state)
        return hashed.hexdigest()


def killed(process: subprocess.Popen) -> bool:
    """Kill a process and its group; whether it was still there."""
    there = process.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return there


def lines_of(process: subprocess.Popen, pattern: str) -> None:
    """Wait until it says what matches `pattern`."""
    for line in process.stderr:
        if re.search(pattern, line):
            return
    raise RuntimeError(f"the run ended before it said {pattern!r}")


def workers_of(driver: subprocess.Popen) -> list[int]:
    """The processes that evaluate on the cluster which a run has started: its descendants at work."""
    parents, at_work = {}, []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if (entry / "cmdline").read_bytes().startswith(b"ray::_work"):
                at_work.append(int(entry.name))
    return [pid for pid in at_work if driver.pid in _ancestors(pid, parents)]


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


NODES = """
import sys, time, ray
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
while sum(n["Alive"] and n["Resources"].get("CPU", 0) > 0 for n in ray.nodes()) < int(sys.argv[2]):
    time.sleep(0.2)
"""


class Cluster:
    """A Ray cluster of several nodes on this machine: a head, by default without CPUs, and what is added."""

    def __init__(self, folder: Path, head_cpus: int = 0):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address, self.folder = f"127.0.0.1:{port}", folder
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self.head = self._start(
            "--head", f"--port={port}", f"--num-cpus={head_cpus}", f"--temp-dir={folder}",
            "--include-dashboard=false",
        )  # fmt: skip
        self.nodes: list[subprocess.Popen] = []
        self._wait(port)

    def add_node(self, **environment: str) -> subprocess.Popen:
        """One more, of one CPU."""
        node = self._start(f"--address={self.address}", "--num-cpus=1", environment=environment)
        self.nodes.append(node)
        return node

    def await_nodes(self) -> None:
        """Until all that were added have joined."""
        subprocess.run(
            [sys.executable, "-c", NODES, self.address, str(len(self.nodes))],
            env=os.environ | self.environment, check=True, timeout=WAIT_s,
        )  # fmt: skip

    def remove_node(self) -> None:
        """Kill the oldest."""
        killed(self.nodes.pop(0))

    def lose_head(self) -> None:
        """Kill the head and all that it started."""
        killed(self.head)

    def close(self) -> None:
        """Kill everything."""
        for process in [*self.nodes, self.head]:
            killed(process)

    def _start(self, *options: str, environment: dict[str, str] | None = None) -> subprocess.Popen:
        return subprocess.Popen(
            [Path(sys.executable).parent / "ray", "start", "--block", "--disable-usage-stats", *options],
            env=os.environ | self.environment | (environment or {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _wait(self, port: int) -> None:
        end = time.monotonic() + WAIT_s
        while time.monotonic() < end:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            time.sleep(0.2)
        raise RuntimeError("the head of the cluster did not start")


@contextmanager
def cluster(folder: Path, nodes: int, **options) -> Iterator[Cluster]:
    """A cluster of so many nodes beside its head, until the block ends."""
    here = Cluster(folder, **options)
    try:
        for _ in range(nodes):
            here.add_node()
        here.await_nodes()
        yield here
    finally:
        here.close()
