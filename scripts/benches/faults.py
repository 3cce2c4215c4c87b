"""The faults that a run must survive, each brought about so many times. Groups are named after what fails.

Where a run is disturbed, what it leaves is compared with what an undisturbed one left, by hash: all library rows and
the islands' last states. What the tests bring about themselves is counted there. Some need a quiet machine, none a
special one, but for `disk` the right to mount a small file system.
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
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from browse import clients
from fault_runs import COMMAND, LONGER, RECIPE, Site, WAIT_s, cluster, killed, lines_of
from report import Row, at_least, at_most, figure, not_measured, tell

ROOT = Path(__file__).parents[2]
KILLS, OF_WHICH_ON_RAY, WORKER_KILLS, REMOVALS = 50, 10, 20, 5
ROOM_KB = range(0, 400, 16)
TESTS = {
    "commit": ("tests/library/test_store.py", "killed"),
    "evaluation": (
        "tests/search/test_ray_executor.py tests/measure/test_caution.py tests/search/test_run.py "
        "tests/measure/test_fitness.py",
        "dies or death or too_long or without_end or quarantined or refused or caution or cut_short",
    ),
    "score": ("tests/measure/test_fitness.py tests/search/test_run.py", "no_number or no_numbers"),
    "size": (
        "tests/test_development.py tests/test_circuit.py tests/search/test_recipe.py",
        "large or most or limit",
    ),
    "cache": ("tests/test_compilation.py", ""),
    "request": ("tests/browser/test_access.py", ""),
    "name": ("tests/browser/test_accessibility.py", "hostile or policy"),
}


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


@cache
def _undisturbed(recipe: str = RECIPE) -> str:
    """What a run leaves that nothing disturbs."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder), recipe)
        site.finish("--executor", "serial")
        return site.digest()


def _driver() -> list[Row]:
    """Kills at random moments from the start on; a run that comes to its end in between is followed by another."""
    rng, kills, same, runs, lost = np.random.default_rng(1), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        while kills < KILLS:
            site, runs, ended = Site.new(Path(folder) / str(runs)), runs + 1, False
            while kills < KILLS and not ended:
                on_ray = kills % (KILLS // OF_WHICH_ON_RAY) == 0
                options = ("--executor", "ray", "--workers", "2") if on_ray else ("--executor", "serial")
                before, process = site.epoch, site.start(*options)
                time.sleep(rng.uniform(0.5, 12.0 if on_ray else 8.0))
                ended = not killed(process)
                kills += not ended
                lost += site.epoch < before
            site.finish("--executor", "serial")
            same += site.digest() == _undisturbed()
            tell(f"faults: driver: {kills} kills, {same} of {runs} runs as undisturbed")
    return [
        figure("1 driver killed: kills", kills, ""),
        at_least(
            f"1 driver killed: runs of {runs} with the rows and states of an undisturbed one", same, "", runs
        ),
        at_most("1 driver killed: kills after which committed epochs were gone", lost, "", 0),
    ]


def _worker() -> list[Row]:
    """Kills of the processes that evaluate, one or two seconds apart."""
    rng, kills = np.random.default_rng(3), 0
    with tempfile.TemporaryDirectory() as folder:
        site = Site.new(Path(folder), LONGER)
        process = site.start("--executor", "ray", "--workers", "2")
        lines_of(process, "^epoch 1/")
        while kills < WORKER_KILLS and process.poll() is None:
            time.sleep(rng.uniform(0.5, 1.5))
            kills += (
                subprocess.run(["pkill", "-KILL", "-n", "-f", "^ray::_work"], check=False).returncode == 0
            )
        process.communicate(timeout=WAIT_s)
        same = process.returncode == 0 and site.digest() == _undisturbed(LONGER)
    return [
        at_least("3 worker killed: kills in one run", kills, "", WORKER_KILLS),
        at_least("3 worker killed: the run's rows and states are an undisturbed one's", int(same), "", 1),
    ]


def _node() -> list[Row]:
    """A head without CPUs and two nodes, of which one after the other is killed and another one added."""
    removed = 0
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "ray", 2) as here:
        site = Site.new(Path(folder) / "site", LONGER)
        process = site.start("--executor", here.address, environment=here.environment)
        lines_of(process, "^epoch 1/")
        while removed < REMOVALS and process.poll() is None:
            here.remove_node()
            removed += 1
            time.sleep(1.0)
            here.add_node()
            time.sleep(4.0)
        process.communicate(timeout=WAIT_s)
        same = process.returncode == 0 and site.digest() == _undisturbed(LONGER)
    return [
        at_least("4 node lost: nodes killed in one run", removed, "", REMOVALS),
        at_least("4 node lost: the run's rows and states are an undisturbed one's", int(same), "", 1),
    ]


def _head() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "ray", 1) as here:
        site = Site.new(Path(folder) / "site")
        process = site.start("--executor", here.address, environment=here.environment)
        lines_of(process, "^epoch 2/")
        here.lose_head()
        began = time.monotonic()
        _, said = process.communicate(timeout=WAIT_s)
        seconds = time.monotonic() - began
        errors = [line for line in said.splitlines() if not line.startswith("epoch ")]
        site.finish("--executor", "serial")
        same = site.digest() == _undisturbed()
    return [
        at_most("5 head lost: until the command ends", seconds, "s", 30),
        at_least("5 head lost: ends with status 1", int(process.returncode == 1), "", 1),
        at_most("5 head lost: lines of error", len(errors), "", 1),
        at_least("5 head lost: resumed, the rows and states are an undisturbed one's", int(same), "", 1),
    ]


def _memory() -> list[Row]:
    """A task that takes more memory than the cluster lets it, which is set to little more than is in use."""
    program = (
        "import ray, sys\n"
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
            "PYTHONPATH": str(Path(__file__).parent),
        }
        done = subprocess.run(
            [sys.executable, "-c", program, folder],
            env=os.environ | environment,
            capture_output=True, text=True, timeout=WAIT_s, check=False,
        )  # fmt: skip
        attempts = len(list(Path(folder).iterdir()))
    told = "MemoryError('a worker ran out of memory 3 times')" in done.stdout
    return [
        at_most("8 out of memory: attempts", attempts, "", 3),
        at_least("8 out of memory: then one clear error", int(told), "", 1),
    ]


def _disk() -> list[Row]:
    """A file system in memory with little room, so that another write is the first to fail each time."""
    stops = clean = intact = same = 0
    with tempfile.TemporaryDirectory() as folder:
        for room_KB in ROOM_KB:
            place = Path(folder) / str(room_KB)
            place.mkdir()
            size = f"size={room_KB + 8}k"
            if subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=False).returncode:
                return [not_measured("9 disk full", "", "disk: needs the right to mount a file system")]
            try:
                site = Site.new(place, RECIPE.replace("epochs = 10", "epochs = 3"))
                process = site.start("--executor", "serial")
                _, said = process.communicate(timeout=WAIT_s)
                if process.returncode == 0:
                    break
                stops += 1
                errors = [line for line in said.splitlines() if not line.startswith("epoch ")]
                clean += process.returncode == 1 and len(errors) == 1
                subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
                intact += _is_whole(site)
                site.finish("--executor", "serial")
                same += site.digest() == _undisturbed(RECIPE.replace("epochs = 10", "epochs = 3"))
            finally:
                subprocess.run(["umount", "-l", place], check=True)
            tell(f"faults: disk: {stops} stops, {clean} clean, {intact} intact, {same} as undisturbed")
    return [
        at_least("9 disk full: stops, each at another size", stops, "", 10),
        at_least("9 disk full: stops with status 1 and one line", clean, "", stops),
        at_least("9 disk full: databases that are whole after it", intact, "", stops),
        at_least("9 disk full: runs that end as an undisturbed one once there is room", same, "", stops),
    ]


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
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other" / "deap-9.9.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Metadata-Version: 2.1\nName: deap\nVersion: 9.9\n")
        site = Site.new(Path(folder) / "site")
        with cluster(Path(folder) / "ray", 1) as here:
            here.add_node(PYTHONPATH=str(other.parent))
            time.sleep(5.0)
            told = [_told(site, here.address, verb, here.environment) for verb in ("evolve", "doctor")]
        nobody = _told(site, "127.0.0.1:9", "evolve", {})
        signals = [_interrupted(Path(folder) / name, getattr(signal, name)) for name in ("SIGINT", "SIGTERM")]
    remedy = "pip install deap=="
    return [
        at_least(
            "18 other versions on a node: evolve says so with the remedy", int(remedy in told[0]), "", 1
        ),
        at_least(
            "18 other versions on a node: doctor says so with the remedy", int(remedy in told[1]), "", 1
        ),
        at_least("18 no cluster at the address: one line says so", int("none answers" in nobody), "", 1),
        at_least("18 SIGINT and SIGTERM: status 130, one line, and the run goes on", sum(signals), "", 2),
    ]


def _told(site: Site, address: str, verb: str, environment: dict[str, str]) -> str:
    """What a command answers about a cluster; empty unless it fails with one line."""
    arguments = ["evolve", "recipe.toml", "--library", site.url] if verb == "evolve" else ["doctor", "--json"]
    done = subprocess.run(
        [*COMMAND, *arguments, "--executor", address],
        cwd=site.folder, env=os.environ | environment, capture_output=True, text=True, timeout=WAIT_s, check=False,
    )  # fmt: skip
    if verb == "doctor":
        wrong = [f["found"] for f in json.loads(done.stdout)["findings"] if f["verdict"] == "wrong"]
        return wrong[0] if done.returncode == 1 and len(wrong) == 1 else ""
    return done.stderr if done.returncode == 2 and len(done.stderr.splitlines()) == 1 else ""


def _interrupted(folder: Path, number: int) -> bool:
    site = Site.new(folder)
    process = site.start("--executor", "ray", "--workers", "2")
    lines_of(process, "^epoch 2/")
    process.send_signal(number)
    _, said = process.communicate(timeout=WAIT_s)
    errors = [line for line in said.splitlines() if not line.startswith("epoch ")]
    told = process.returncode == 130 and len(errors) == 1 and "evocircuits resume" in errors[0]
    site.finish("--executor", "serial")
    return told and site.digest() == _undisturbed()


def _by_tests(number: str, fault: str, name: str) -> Callable[[], list[Row]]:
    """A row of what the tests bring about: how many there are, and that they pass."""

    def rows() -> list[Row]:
        files, chosen = TESTS[name]
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *files.split(),
            "-k",
            chosen,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        counts = dict((what, int(n)) for n, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout))
        return [
            at_least(f"{number} {fault}: tests that pass", counts.get("passed", 0), "", 1),
            at_most(f"{number} {fault}: tests that fail", done.returncode != 0, "", 0),
        ]

    return rows


def _large() -> list[Row]:
    return [*_by_tests("8", "genome too large: refused by its size", "size")(), *_memory()]


def _readers() -> list[Row]:
    return [replace(row, name=f"13 browser open during a run: {row.name}") for row in clients()]


GROUPS = {
    "driver": _driver,
    "commit": _by_tests("2", "killed within a commit", "commit"),
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
