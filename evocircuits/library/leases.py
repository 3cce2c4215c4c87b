"""Leases: a run is driven by one driver at a time, which says every so often that it lives.

A driver that was killed leaves its lease behind until it expires; on the machine where it ran it is known at once.
"""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.database import Database

LEASE_s = 60.0
"""How long a lease lasts without a sign of life."""


class LeaseLost(OSError):
    """Another driver has taken the run over, since this one gave no sign of life for too long; nothing was stored."""


def _new_holder() -> str:
    """A name for whoever takes a lease: where it runs, its process, and a word that nobody else has."""
    return f"{_here()} {os.getpid()} {secrets.token_hex(8)}"


def _here() -> str:
    """The machine, and where one is divided into containers, which."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}{namespace.removeprefix('pid:')}"


@dataclass(frozen=True)
class Lease:
    """The right to drive a run, which lasts so many `seconds` from when it was last renewed."""

    database: Database
    run_id: str
    holder: str
    seconds: float

    def renew(self) -> None:
        """Say that the driver lives. Raises `LeaseLost` when another has taken the run over."""
        self.database.write(allow, self.database, self.run_id, self)


@contextmanager
def held(database: Database, run_id: str, seconds: float) -> Iterator[Lease]:
    """Take the lease of a run, and give it back at the end. Raises `InputError` while another has it."""
    lease = Lease(database, run_id, _new_holder(), seconds)
    database.write(_take, lease)
    try:
        with _beating(lease):
            yield lease
    finally:
        with suppress(OSError):  # else it expires
            database.write(_release, lease)


def allow(connection: Connection, database: Database, run_id: str, lease: Lease | None) -> None:
    """Let who has this lease of the run, or none, write to it, and renew the lease.

    Raises `InputError` while another drives the run, `LeaseLost` where that other took it over.
    """
    row = connection.execute(select(schema.lease).filter_by(run_id=run_id)).first()
    if lease is None:
        if row is not None and row.expires > database.now(connection) and not _is_dead(row.holder):
            raise InputError(
                f"run {run_id}: expected a run that nobody drives; {_told(row.holder)} does, for "
                f"{row.expires - database.now(connection):.0f} s after its last sign of life (follow it: evocircuits "
                f"status {run_id} --watch)"
            )
        return
    if row is None or row.holder != lease.holder:
        other = "another driver" if row is None else _told(row.holder)
        raise LeaseLost(f"run {run_id}: {other} has taken it over, since there was no sign of life from here")
    own = schema.lease.c.run_id == run_id, schema.lease.c.holder == lease.holder
    expires = database.now(connection) + lease.seconds
    connection.execute(update(schema.lease).where(*own).values(expires=expires))


def _take(connection: Connection, lease: Lease) -> None:
    allow(connection, lease.database, lease.run_id, None)
    connection.execute(delete(schema.lease).filter_by(run_id=lease.run_id))
    expires = lease.database.now(connection) + lease.seconds
    row = {"run_id": lease.run_id, "holder": lease.holder, "expires": expires}
    connection.execute(schema.lease.insert(), [row])


def _release(connection: Connection, lease: Lease) -> None:
    connection.execute(delete(schema.lease).filter_by(run_id=lease.run_id, holder=lease.holder))


@contextmanager
def _beating(lease: Lease) -> Iterator[None]:
    """Renew a lease from a thread of its own, so that it outlives long steps of the driver; not in memory, where
    nobody else could come.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(lease.seconds / 3):
            try:
                lease.renew()
            except LeaseLost:
                return  # as the driver will be told when it commits
            except (OSError, InputError):
                continue  # a full disk, a busy database: perhaps it goes next time

    if lease.database.in_memory:
        yield
        return
    thread = threading.Thread(target=beat, name=f"lease of {lease.run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_dead(holder: str) -> bool:
    """Whether the holder is a process of this machine that is no more."""
    where, pid = _parts(holder)
    if where != _here() or os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # of another user
        return False
    return False


def _told(holder: str) -> str:
    where, pid = _parts(holder)
    return f"process {pid} on {where.partition('[')[0]}"


def _parts(holder: str) -> tuple[str, int]:
    where, pid, *_ = *holder.rsplit(" ", 2), "", ""
    return where, int(pid) if pid.isdecimal() and len(pid) < 10 else 0
