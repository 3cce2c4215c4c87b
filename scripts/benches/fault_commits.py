"""Kills within what the driver of a run writes: before every statement, before the commit and after it."""

import os
import signal
import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy import event

from evocircuits.development import develop
from evocircuits.library import Library
from evocircuits.lineage import Birth
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task

STATES = {island: bytes([island]) * 30_000 for island in range(4)}
"""Of four islands, each as large as one of `localise`."""


def _motif() -> Motif:
    task = get_task("order")
    genome = task.reference()
    return Motif(genome, develop(genome, dt_ms=task.dt_ms), task.dt_ms, Provenance("hand-wired"))


def _epoch(library: Library, epoch: int) -> None:
    births = [Birth(f"{epoch}{k}", (), "found", "run", epoch, k) for k in range(4)]
    library.commit_epoch(
        "run", epoch, {k: s + bytes([epoch]) for k, s in STATES.items()}, {"best": 0.5}, births
    )


WRITES: dict[str, Callable[[Library], object]] = {
    "start of a run": lambda library: library.start_run("run", {"epochs": 3}, 1, {}),
    "first epoch": lambda library: _epoch(library, 1),
    "second epoch": lambda library: _epoch(library, 2),
    "extension": lambda library: library.extend_run("run", {"epochs": 4}),
    "end of the run": lambda library: library.finish_run("run", [_motif()], {"winners": []}),
}
"""What a run writes, in this order."""


def kills(folder: Path) -> dict[str, dict[str, dict[str, int]]]:
    """Of each write: kills, and those of them after which the file holds all of the state before it or all of that
    after it.
    """
    file, found = folder / "library.db", {}
    url = f"sqlite:///{file}"
    Library(url)
    for name, write in WRITES.items():
        before, saved = _rows(file), file.read_bytes()
        write(Library(url))
        after = _rows(file)
        left = []
        for moment in count():
            file.write_bytes(saved)
            if not _is_killed(lambda: Library(url), write, moment):
                break
            left.append(_rows(file))
        found[name] = {"kills": len(left), "old": left.count(before), "new": left.count(after)}
    return {"writes": found}


def _is_killed(opened: Callable[[], Library], write: Callable[[Library], object], moment: int) -> bool:
    """Let a process of its own write, and kill itself at the moment of that number; whether there was such a one."""
    if not (child := os.fork()):
        library, moments = opened(), count()

        def kill(*_) -> None:
            if next(moments) == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(library.database.engine, "before_cursor_execute", kill)
        event.listen(library.database.engine, "commit", kill)
        try:
            write(library)
            kill()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _rows(file: Path) -> list[str]:
    """All that the file holds, once SQLite has rolled back what was not committed."""
    connection = sqlite3.connect(file)
    try:
        if connection.execute("pragma integrity_check").fetchone() != ("ok",):
            return ["damaged"]
        return list(connection.iterdump())
    finally:
        connection.close()
