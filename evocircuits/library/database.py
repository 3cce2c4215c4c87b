"""A database behind a URL: its transactions, what its faults mean in one line, and whether it holds a library.

SQLite keeps its rollback journal with `synchronous=FULL`, under which a crash leaves the old or the new state: the
write-ahead log can corrupt in 3.7.0–3.51.2. A reader holds a writer up there, so what is read is fetched whole and
worked on after the transaction. On PostgreSQL writers take turns as they do on SQLite, and readers see one state.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, exc, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.checksum import Damaged

T = TypeVar("T")

DEFAULT_URL = "sqlite:///runs/library.db"
VARIABLE = "EVOCIRCUITS_LIBRARY"
BUSY_TIMEOUT_MS = 30_000
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
"""Of every backend the driver that is meant where a URL names none."""

_WRITERS = 0x65766F63
"""The number of the lock by which PostgreSQL's writers take turns."""
_DAMAGE = ("malformed", "Could not decode", "unsupported file format", "no such column", "no such table")


class Database:
    """What is behind `url`, an SQLAlchemy URL; nothing is created or looked at yet.

    `name` is the URL without its password, `file` the file of an SQLite database, None where there is none.

    Raises `InputError` for what is no URL, and where the driver of a backend is not installed.
    """

    def __init__(self, url: str):
        self.url = url
        parsed = _parsed(url)
        self.name, self.file = parsed.render_as_string(), _file_of(parsed)
        try:
            self.engine = create_engine(parsed, **_settings(parsed, self.file))
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
            raise InputError(
                f"library {self.name}: expected a driver that is installed; {error} "
                f"(pip install 'evocircuits[{parsed.get_backend_name()}]')"
            ) from None
        if self.is_sqlite:
            _set_up_sqlite(self.engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite, in a file or in memory."""
        return self.engine.dialect.name == "sqlite"

    @property
    def in_memory(self) -> bool:
        """Whether nobody else can see it."""
        return self.is_sqlite and self.file is None

    @contextmanager
    def transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        """A connection and a transaction on it: committed at the end, undone where anything is raised.

        One that `writes` waits for its turn at once: two writers then wait for each other in place of failing half-way.
        Raises `InputError` for a damaged file and for values that the database does not take, `OSError` where the
        storage fails.
        """
        try:
            with self._connected(writes) as connection, connection.begin():
                if writes and not self.is_sqlite:
                    connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS})"))
                yield connection
        except exc.DatabaseError as error:
            raise self._explained(error) from error
        except UnicodeDecodeError as error:
            raise self._damaged(f"its text is none ({error.reason})") from None
        except (OverflowError, UnicodeEncodeError) as error:
            raise InputError(
                f"library {self.name}: expected text in Unicode and numbers of at most 64 bits; {error}"
            ) from None

    def read(self, fetch: Callable[..., T], *arguments) -> T:
        """What `fetch(connection, *arguments)` returns, within a transaction of its own."""
        with self.transaction() as connection:
            return fetch(connection, *arguments)

    def write(self, store: Callable[..., T], *arguments, **named) -> T:
        """The same for a function that writes."""
        with self.transaction(writes=True) as connection:
            return store(connection, *arguments, **named)

    def _connected(self, writes: bool) -> Connection:
        connection = self.engine.connect()
        if self.is_sqlite:
            return connection.execution_options(writes=writes)
        if writes:
            return connection
        return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def _explained(self, error: exc.DatabaseError) -> Exception:
        reason = " ".join(str(error.orig).split())[:80]
        if type(error.orig) is sqlite3.DatabaseError or any(sign in reason for sign in _DAMAGE):
            return self._damaged(reason)
        if "unable to open" in reason:
            return InputError(f"library {self.name}: expected a database file; {reason}")
        if isinstance(error, exc.DataError):
            return InputError(f"library {self.name}: expected values that fit its columns; {reason}")
        return OSError(f"library {self.name}: {reason}; nothing was stored")

    def _damaged(self, reason: str) -> Damaged:
        return Damaged(
            f"library {self.name}: expected an evocircuits library; {reason} (restore a copy, save what is whole: "
            "evocircuits library export FILE, or name another --library)"
        )

    def now(self, connection: Connection) -> float:
        """Seconds since 1970 by the clock that all who use this database share."""
        if self.is_sqlite:
            return time.time()
        return float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")))

    def open_or_create(self) -> None:
        """Make sure that this is a library of this version; an empty database becomes one."""
        if self.file is not None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(
                    f"library {self.name}: expected a folder that can be created; {error}"
                ) from None
        with self.transaction() as connection:
            empty = not inspect(connection).get_table_names()
        if empty:
            with self.transaction(writes=True) as connection:
                if not inspect(connection).get_table_names():  # else another process created it meanwhile
                    schema.create_all(connection)
        if (found := self.version()) < schema.VERSION:
            raise InputError(
                f"library {self.name}: expected schema version {schema.VERSION}; got {found}, an older one "
                "(bring it up to date: evocircuits library upgrade)"
            )

    @classmethod
    def existing(cls, url: str | None = None) -> "Database":
        """What is behind `url`, None meaning the variable EVOCIRCUITS_LIBRARY or `sqlite:///runs/library.db`.

        Raises `InputError` where there is no file.
        """
        database = cls(url or os.environ.get(VARIABLE) or DEFAULT_URL)
        if database.file is not None and not database.file.exists():
            raise InputError(f"library {database.name}: expected a library that is there; no such file")
        return database

    def version(self) -> int:
        """The version of the library's schema. Raises `InputError` for a newer one than is known here, and where this
        is no library.
        """
        with self.transaction() as connection:
            known = "about" in inspect(connection).get_table_names()
            about = dict(connection.execute(select(schema.about)).all()) if known else {}
        if about.get("format") != schema.FORMAT:
            raise InputError(
                f"library {self.name}: expected an evocircuits library; this database holds something else"
            )
        version = about.get("version", "")
        if not (version.isascii() and version.isdigit() and 1 <= int(version) <= schema.VERSION):
            raise InputError(
                f"library {self.name}: expected schema version {schema.VERSION}; got {version[:20]!r} "
                "(use the evocircuits version that wrote it)"
            )
        return int(version)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        reason = "only these two will do"
    except (exc.ArgumentError, ValueError) as error:
        parsed, reason = None, str(error)
    if parsed is None or parsed.get_backend_name() not in DRIVERS:
        raise InputError(
            f"library: expected a URL such as {DEFAULT_URL} or postgresql://HOST/NAME; got {url!r} ({reason})"
        )
    return parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))


def _file_of(url: URL) -> Path | None:
    in_memory = url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:")
    return None if in_memory else Path(url.database)


def _settings(url: URL, file: Path | None) -> dict:
    if url.get_backend_name() == "postgresql":
        return {"pool_pre_ping": True, "connect_args": {"options": f"-c lock_timeout={BUSY_TIMEOUT_MS}"}}
    return {"poolclass": NullPool} if file else {}


def _set_up_sqlite(engine: Engine) -> None:
    """Give every connection those settings, and let SQLAlchemy say where transactions begin."""

    @event.listens_for(engine, "connect")
    def _configure(connection, _record):
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection):
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
