"""The verb that looks whether everything a run needs is there and fits together: `doctor`."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from evocircuits.cli.options import AsJson, ExecutorName, LibraryUrl, app, print_json
from evocircuits.errors import InputError

LITTLE_ROOM_GB = 1.0
SQLITE = "sqlite:///"
FAST = ("avx512f", "avx2", "fma", "neon")
"""Features of a processor that kernels are compiled for where there are any."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and where it is not as it should be, what to do."""

    what: str
    found: str
    verdict: Literal["ok", "note", "wrong"] = "ok"
    remedy: str = ""


@app.command("doctor")
def doctor(executor: ExecutorName = "ray", library: LibraryUrl = None, as_json: AsJson = False) -> None:
    """Look whether all that a run needs is there and fits together.

    With --executor the cluster at an address is asked, too: whether it answers and each node has these versions.

    \b
    Examples:
      evocircuits doctor
      evocircuits doctor --executor auto
    """
    findings = []
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("kernels", _kernels),
        ("ray", lambda: _workers(executor)),
        ("library", lambda: _library(library)),
        ("torch", _torch),
    )
    for what, check in checks:
        try:
            findings += check()
        except (InputError, OSError, ImportError, RuntimeError) as error:
            findings.append(Finding(what, " ".join(str(error).split()), "wrong"))
    _tell(findings, as_json)
    if any(f.verdict == "wrong" for f in findings):
        raise typer.Exit(1)


def _tell(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        print_json({"findings": [asdict(f) for f in findings]})
        return
    from evocircuits import report

    report.print_table(
        ("", "", "found", "what to do"),
        [(f.verdict, f.what, f.found, f.remedy) for f in findings],
        left=(0, 1, 2, 3),
    )


def _python() -> Iterator[Finding]:
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    fast = [name for name in FAST if features.get(name)]
    yield Finding("python", f"{platform.python_version()} on {platform.platform(terse=True)}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    described = f"{cores} cores, {llvm.get_host_cpu_name()}"
    if fast:
        yield Finding("processor", f"{described} with {', '.join(fast)}")
    else:
        yield Finding("processor", f"{described} without vector units", "note", "runs will be slow")


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    required = [Requirement(text) for text in requires("evocircuits") or ()]
    for package in (r for r in required if r.marker is None):
        try:
            here = version(package.name)
        except PackageNotFoundError:
            here = None
        if here is None or not package.specifier.contains(here, prereleases=True):
            remedy = f"pip install '{package.name}{package.specifier}'"
            yield Finding(package.name, here or "missing", "wrong", remedy)
        else:
            yield Finding(package.name, here)


def _kernels() -> Iterator[Finding]:
    import time

    import numpy as np

    from evocircuits.development import develop
    from evocircuits.simulator.kernels import in_masks
    from evocircuits.tasks import get_task

    folder = Path(in_masks.stats.cache_path)
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        remedy = "set NUMBA_CACHE_DIR to a folder of yours, or every process compiles anew"
        yield Finding("kernel cache", f"{folder} cannot be written", "note", remedy)
    elif folder.exists() and folder.stat().st_mode & 0o022:
        remedy = f"chmod go-w {folder} (who can write there can run programs as you)"
        yield Finding("kernel cache", f"{folder} can be written by others", "wrong", remedy)
    else:
        yield Finding("kernel cache", str(folder))
    task, began = get_task("order"), time.perf_counter()
    task.play(develop(task.reference(), dt_ms=task.dt_ms), task.trials(np.random.default_rng(0), 1))
    yield Finding("kernels", f"ready after {time.perf_counter() - began:.1f} s")


def _workers(executor: str) -> Iterator[Finding]:
    from importlib.metadata import version

    from evocircuits.search.executor import open_executor
    from evocircuits.search.versions import versions

    with open_executor(executor, 1 if executor == "ray" else None) as pool:
        pool.everywhere(versions)  # a node that has others is an error
        pool.result(pool.submit(versions))
    if executor == "serial":
        yield Finding("executor", "serial, in this process")
    elif executor == "ray":
        yield Finding("ray", f"{version('ray')}, a cluster starts and stops here")
    else:
        yield Finding("ray", f"{version('ray')}, the cluster at {executor} has {pool.in_flight // 2} CPUs")


def _library(url: str | None) -> Iterator[Finding]:
    from evocircuits.library import Library
    from evocircuits.library.store import DEFAULT_URL, VARIABLE

    named = url or os.environ.get(VARIABLE) or DEFAULT_URL
    file = Path(named.removeprefix(SQLITE)) if named.startswith(SQLITE) else None
    if file is None or file.exists():
        runs = Library(named).runs()
        yield Finding("library", f"{named}: {len(runs)} runs")
    else:
        yield Finding("library", f"{named}: none yet, the first run makes it")
    if file is not None:
        folder = next(p for p in file.absolute().parents if p.exists())
        free_GB = shutil.disk_usage(folder).free / 1e9
        if not os.access(folder, os.W_OK):
            yield Finding("disk", f"{folder} cannot be written", "wrong", "choose another with --library")
        elif free_GB < LITTLE_ROOM_GB:
            yield Finding(
                "disk", f"{free_GB:.2g} GB free in {folder}", "note", "make room, a run stops without"
            )
        else:
            yield Finding("disk", f"{free_GB:.0f} GB free in {folder}")


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except ImportError:
        remedy = "only to train networks: pip install 'evocircuits[nn]'"
        yield Finding("torch", "not installed", "note", remedy)
        return
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    yield Finding("torch", f"{torch.__version__}, {torch.get_num_threads()} threads, {gpu}")
