"""The faults that a run must survive, each brought about so many times. Groups are named after what fails.

Where a run is disturbed, what it leaves is compared with what an undisturbed one left, by hash: all library rows and
the islands' last states. What the tests bring about themselves is counted there. Some need a quiet machine, none a
special one, but for `disk` the right to mount a small file system. What was found is kept in lines of
runs/bench/fault-runs.jsonl and not brought about twice: delete a line to see it again.
"""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from browse import clients
from fault_commits import kills
from fault_runs import COMMAND, LONGER, RECIPE, SHORTER, Site, WAIT_s, cluster, killed, lines_of, workers_of
from fault_tests import passed_and_failed
from report import Row, at_least, at_most, figure, not_measured, tell
from search_runs import STORE, with_line

LINES = STORE.with_name("fault-runs.jsonl")
ROOT = Path(__file__).parents[2]
KILLS, ON_RAY, WORKER_KILLS, REMOVALS = 50, 5, 20, 5
"""Every fifth kill is of a driver on Ray."""
ROOM_KB = range(0, 400, 16)


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


def _line(key: str, found: Callable[..., dict], *values) -> dict:
    line = with_line(key, lambda: found(*values), LINES)
    tell(f"faults: {line}")
    return line


def _errors(said: str) -> list[str]:
    """The lines on standard error, progress aside, without the folders of libraries."""
    lines = [line for line in said.splitlines() if not line.startswith("epoch ")]
    return [re.sub(r"sqlite:\S+/", "sqlite:///", line) for line in lines]


@cache
def _undisturbed(recipe: str = RECIPE) -> str:
    """What a run leaves that nothing disturbs."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder), recipe)
        site.finish("--executor", "serial")
        return site.digest()


def _driver() -> list[Row]:
    """Kills at random moments, from the start of the process to its third epoch; a run that comes to its end in between
    is followed by another.
    """
    runs: list[dict] = []
    while (so_far := sum(run["kills"] for run in runs)) < KILLS:
        number = len(runs)
        runs.append(_line(f"driver/{number}", _killed_run, number, so_far))
    kills, same, lost = (sum(run[name] for run in runs) for name in ("kills", "same", "lost"))
    return [
        at_least("1 driver killed: kills", kills, "", KILLS),
        figure("1 driver killed: of them on Ray", sum(run["on_ray"] for run in runs), ""),
        at_least(
            f"1 driver killed: runs of {len(runs)} with the rows and states of an undisturbed one",
            same, "", len(runs),
        ),
        at_most("1 driver killed: kills after which committed epochs were gone", lost, "", 0),
    ]  # fmt: skip


def _killed_run(number: int, so_far: int) -> dict:
    """A run that is killed again and again until it comes to its end, or no more kills are asked for."""
    rng, kills, kills_on_ray, lost, ended = np.random.default_rng((1, number)), 0, 0, 0, False
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder))
        while so_far + kills < KILLS and not ended:
            on_ray = (so_far + kills) % ON_RAY == 0
            options = ("--executor", "ray", "--workers", "2") if on_ray else ("--executor", "serial")
            before, process = site.epoch, site.start(*options)
            with suppress(RuntimeError):  # it has ended
                for _ in range(rng.integers(3)):
                    lines_of(process, "^epoch ")
                time.sleep(rng.uniform(0, 4))
            ended = not killed(process)
            kills += not ended
            kills_on_ray += on_ray and not ended
            lost += site.epoch < before
        site.finish("--executor", "serial")
        same = site.digest() == _undisturbed()
    return {"kills": kills, "on_ray": kills_on_ray, "lost": lost, "same": same}


def _commit() -> list[Row]:
    """Every moment of every write."""
    with tempfile.TemporaryDirectory() as folder:
        found = _line("commit", kills, Path(folder))["writes"].values()
    n_kills = sum(write["kills"] for write in found)
    whole = sum(write["old"] + write["new"] for write in found)
    return [
        figure("2 killed within a commit: kills, around each statement of each write", n_kills, ""),
        at_least("2 killed within a commit: the old state or the new one, whole", whole, "", n_kills),
    ]


def _worker() -> list[Row]:
    found = _line("worker", _run_without_workers)
    return [
        at_least("3 worker killed: kills in one run", found["kills"], "", WORKER_KILLS),
        at_least("3 worker killed: the run's rows and states are an undisturbed one's", found["same"], "", 1),
    ]


def _run_without_workers() -> dict:
    """Kills of the processes that evaluate, a second apart."""
    rng, kills = np.random.default_rng(3), 0
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder), LONGER)
        process = site.start("--executor", "ray", "--workers", "2")
        lines_of(process, "^epoch 1/")
        while kills < WORKER_KILLS and process.poll() is None:
            time.sleep(rng.uniform(0.5, 1.5))
            if at_work := workers_of(process):
                with suppress(ProcessLookupError):
                    os.kill(rng.choice(at_work), signal.SIGKILL)
                    kills += 1
        process.communicate(timeout=WAIT_s)
        return {"kills": kills, "same": process.returncode == 0 and site.digest() == _undisturbed(LONGER)}


def _node() -> list[Row]:
    found = _line("node", _run_without_nodes)
    return [
        at_least("4 node lost: nodes killed in one run", found["removed"], "", REMOVALS),
        at_least("4 node lost: the run's rows and states are an undisturbed one's", found["same"], "", 1),
    ]


def _run_without_nodes() -> dict:
    """A head without CPUs and two nodes, of which one after the other is killed and another one added."""
    removed = 0
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "ray", 2) as here:
        site = Site.new(Path(folder) / "site", LONGER)
        process = site.start("--executor", here.address, environment=here.environment)
        lines_of(process, "^epoch 1/")
        while removed < REMOVALS and process.poll() is None:
            here.remove_node()
            removed += 1
            epoch = site.epoch
            here.add_node()
            while process.poll() is None and site.epoch < epoch + 3:
                time.sleep(0.5)
        process.communicate(timeout=WAIT_s)
        same = process.returncode == 0 and site.digest() == _undisturbed(LONGER)
    return {"removed": removed, "same": same}


def _head() -> list[Row]:
    found = _line("head", _run_without_head)
    return [
        at_most("5 head lost: until the command ends", found["seconds"], "s", 30),
        at_least("5 head lost: ends with status 1", found["status"] == 1, "", 1),
        at_most("5 head lost: lines of error", len(found["errors"]), "", 1),
        at_least("5 head lost: resumed, the rows and states are an undisturbed one's", found["same"], "", 1),
    ]


def _run_without_head() -> dict:
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "ray", 1) as here:
        site = Site.new(Path(folder) / "site")
        process = site.start("--executor", here.address, environment=here.environment)
        lines_of(process, "^epoch 2/")
        here.lose_head()
        began = time.monotonic()
        _, said = process.communicate(timeout=WAIT_s)
        seconds = time.monotonic() - began
        errors = _errors(said)
        site.finish("--executor", "serial")
        same = site.digest() == _undisturbed()
    return {"seconds": seconds, "status": process.returncode, "errors": errors, "same": same}


def _memory() -> list[Row]:
    found = _line("memory", _without_memory)
    return [
        figure("8 out of memory: attempts", found["attempts"], ""),
        at_least(
            "8 out of memory: three attempts, then one clear error",
            found["told"] and found["attempts"] == 3,
            "",
            1,
        ),
    ]


def _without_memory() -> dict:
    """A task that takes more memory than the cluster lets it, which is set to little more than is in use."""
    program = (
        "import sys\n"
        "from evocircuits.search.executor import open_executor\n"
        "from cluster_work import greedy\n"
        "with open_executor('ray', 1) as pool:\n"
        "    future = pool.submit(greedy, sys.argv[1])\n"
        "    print(repr(pool.result(future)) if future.exception() is None else repr(future.exception()))\n"
    )
    meminfo = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE))
    total, free = int(meminfo["MemTotal"]), int(meminfo["MemAvailable"])
    threshold = (total - free + 2**20) / total  # a gigabyte more
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "RAY_memory_usage_threshold": f"{threshold:.3f}",
            "RAY_memory_monitor_refresh_ms": "100",
            "PYTHONPATH": f"{Path(__file__).parent}:{ROOT}",
        }
        done = subprocess.run(
            [sys.executable, "-c", program, folder],
            env=os.environ | environment,
            capture_output=True, text=True, timeout=WAIT_s, check=False,
        )  # fmt: skip
        attempts = len(list(Path(folder).iterdir()))
    told = "MemoryError('a worker ran out of memory 3 times')" in done.stdout
    return {"attempts": attempts, "told": told, "said": (done.stdout + done.stderr)[-300:]}


def _disk() -> list[Row]:
    """Another write is the first to fail each time."""
    stops = []
    for room_KB in ROOM_KB:
        try:
            found = _line(f"disk/{room_KB}", _run_without_room, room_KB)
        except PermissionError as error:
            return [not_measured("9 disk full", "", f"disk: {error}")]
        if found["status"] == 0:
            break
        stops.append(found)
    clean, whole, same = (sum(stop[name] for stop in stops) for name in ("clean", "whole", "same"))
    return [
        at_least("9 disk full: stops, each at another size", len(stops), "", 10),
        at_least("9 disk full: stops with status 1 and one line", clean, "", len(stops)),
        at_least("9 disk full: databases that are whole after it", whole, "", len(stops)),
        at_least("9 disk full: runs that end as an undisturbed one once there is room", same, "", len(stops)),
    ]


def _run_without_room(room_KB: int) -> dict:
    """A run on a file system in memory with little room, and its continuation with more."""
    with tempfile.TemporaryDirectory() as place:
        size = f"size={room_KB + 8}k"  # the recipe takes the rest
        if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=False).returncode:
            raise PermissionError("needs the right to mount a file system")
        try:
            site = Site.new(Path(place), SHORTER)
            process = site.start("--executor", "serial")
            _, said = process.communicate(timeout=WAIT_s)
            if process.returncode == 0:
                return {"status": 0}
            errors = _errors(said)
            clean = process.returncode == 1 and len(errors) == 1
            subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
            whole = _is_whole(site)
            site.finish("--executor", "serial")
            same = site.digest() == _undisturbed(SHORTER)
        finally:
            subprocess.run(["umount", "-l", place], check=True)
    return {"status": process.returncode, "errors": errors, "clean": clean, "whole": whole, "same": same}


def _is_whole(site: Site) -> bool:
    file = site.folder / "library.db"
    if not file.exists() or not file.stat().st_size:
        return True
    connection = sqlite3.connect(file)
    try:
        return connection.execute("pragma integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def _versions() -> list[Row]:
    """A node on which another version of DEAP seems to be installed, an address where nobody is, two signals."""
    remedy, found = "pip install deap==", _line("versions", _told_of_versions)
    nobody = _line("nobody", _told_of_nobody)["told"]
    went_on = sum(_line(name, _interrupted, name)["same"] for name in ("SIGINT", "SIGTERM"))
    return [
        at_least(
            "18 other versions on a node: evolve says so with the remedy", remedy in found["evolve"], "", 1
        ),
        at_least(
            "18 other versions on a node: doctor says so with the remedy", remedy in found["doctor"], "", 1
        ),
        at_least("18 no cluster at the address: one line says so", "none answers" in nobody, "", 1),
        at_least("18 SIGINT and SIGTERM: status 130, one line, and the run goes on", went_on, "", 2),
    ]


def _told_of_versions() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other" / "deap-9.9.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: deap\nVersion: 9.9\n")
        with cluster(Path(folder) / "ray", 1) as here:
            here.add_node(PYTHONPATH=str(other.parent))
            here.await_nodes()
            return {verb: _told(here.address, verb, here.environment) for verb in ("evolve", "doctor")}


def _told_of_nobody() -> dict:
    return {"told": _told("127.0.0.1:9", "evolve", {})}


def _told(address: str, verb: str, environment: dict[str, str]) -> str:
    """What a command answers about a cluster; empty unless it fails with one line."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder))
        done = subprocess.run(
            [*COMMAND, *(("evolve", "recipe.toml") if verb == "evolve" else ("doctor", "--json")),
             "--library", site.url, "--executor", address],
            cwd=site.folder, env=os.environ | environment, capture_output=True, text=True, timeout=WAIT_s, check=False,
        )  # fmt: skip
    if verb == "doctor":
        wrong = [f["found"] for f in json.loads(done.stdout)["findings"] if f["verdict"] == "wrong"]
        return wrong[0] if done.returncode == 1 and len(wrong) == 1 else ""
    return done.stderr if done.returncode == 2 and len(done.stderr.splitlines()) == 1 else ""


def _interrupted(name: str) -> dict:
    """A run that gets a signal, and its continuation."""
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # background jobs of a shell ignore it, and so their children
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder))
        process = site.start("--executor", "ray", "--workers", "2")
        lines_of(process, "^epoch 2/")
        process.send_signal(getattr(signal, name))
        _, said = process.communicate(timeout=WAIT_s)
        errors = _errors(said)
        told = process.returncode == 130 and len(errors) == 1 and "evocircuits resume" in errors[0]
        site.finish("--executor", "serial")
        same = told and site.digest() == _undisturbed()
    return {"status": process.returncode, "errors": errors, "same": same}


def _by_tests(number: str, fault: str, name: str) -> Callable[[], list[Row]]:
    """A row of what the tests bring about: how many there are, and that they pass."""

    def rows() -> list[Row]:
        found = _line(name, passed_and_failed, name)
        return [
            at_least(f"{number} {fault}: tests that pass", found["passed"], "", 1),
            at_most(f"{number} {fault}: tests that fail", found["failed"], "", 0),
        ]

    return rows


def _large() -> list[Row]:
    return [*_by_tests("8", "genome too large: refused by its size", "size")(), *_memory()]


def _readers() -> list[Row]:
    return [replace(row, name=f"13 browser open during a run: {row.name}") for row in clients()]


GROUPS = {
    "driver": _driver,
    "commit": _commit,
    "worker": _worker,
    "node": _node,
    "head": _head,
    "evaluation": _by_tests("6", "evaluation that is slow, endless or the end of its worker", "evaluation"),
    "score": _by_tests("7", "score that is no number or of another shape (1,000 of them)", "score"),
    "size": _large,
    "disk": _disk,
    "cache": _by_tests("11", "kernel cache cut off", "cache"),
    "readers": _readers,
    "request": _by_tests(
        "16", "request from elsewhere, rebound host or forged form, on every route", "request"
    ),
    "name": _by_tests("17", "hostile names, in a real browser", "name"),
    "versions": _versions,
}
