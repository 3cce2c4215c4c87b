"""The library's tables, and SQLite's settings under which a crash leaves the old or the new state.

SQLite keeps its rollback journal with `synchronous=FULL`: the write-ahead log can corrupt in 3.7.0–3.51.2.
Every row that must not change unnoticed carries a `checksum`, the SHA-256 of its other columns.
"""

import hashlib
import json

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
)

from evocircuits.errors import InputError

FORMAT = "evocircuits-library"
VERSION = 1
BUSY_TIMEOUT_MS = 30_000

_tables = MetaData()

about = Table(
    "about", _tables, Column("key", String(32), primary_key=True), Column("value", Text, nullable=False)
)

run = Table(
    "run",
    _tables,
    Column("id", String(64), primary_key=True),
    Column("recipe", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("versions", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("epoch", Integer, nullable=False),
)

report = Table(
    "report",
    _tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("report", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
)

island_state = Table(
    "island_state",
    _tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("island", Integer, primary_key=True, autoincrement=False),
    Column("state", LargeBinary, nullable=False),
    Column("checksum", String(64), nullable=False),
)

# A motif's run is no foreign key: imported motifs name runs of other libraries.
motif = Table(
    "motif",
    _tables,
    Column("id", String(64), primary_key=True),
    Column("shape", String(64), nullable=False, index=True),
    Column("task", String(64), index=True),
    Column("run", String(64), index=True),
    Column("dt_ms", Float, nullable=False),
    Column("n_excitatory", Integer, nullable=False),
    Column("n_inhibitory", Integer, nullable=False),
    Column("n_synapses", Integer, nullable=False),
    Column("genome", Text, nullable=False),
    Column("circuit", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
)

# Which runs found a motif: its row names only the first.
found = Table(
    "found",
    _tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
)

score = Table(
    "score",
    _tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("task", String(64), primary_key=True),
    Column("trials", BigInteger, primary_key=True, autoincrement=False),
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("raw", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("normalised", Float, nullable=False),
    Column("spikes", Float, nullable=False),
    Column("synaptic_events", Float, nullable=False),
    Column("energy_pJ", Float, nullable=False),
    Column("version", Text, nullable=False),
    Column("checksum", String(64), nullable=False),
    Index("best_score", "task", "low"),
)


def canonical(value) -> str:
    """JSON with sorted keys and shortest floats; NaN and infinity are a `ValueError`."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sealed(row: dict) -> dict:
    """The row with its checksum."""
    return row | {"checksum": _checksum(row)}


def opened(table: str, row: dict) -> dict:
    """The row without its checksum. Raises `InputError` when the two no longer agree."""
    content = {name: value for name, value in row.items() if name != "checksum"}
    if _checksum(content) != row["checksum"]:
        key = " ".join(str(value)[:12] for value in list(content.values())[:2])
        raise InputError(
            f"library: {table} row {key!r} is damaged (its checksum differs); restore a copy of the file"
        )
    return content


def _checksum(row: dict) -> str:
    plain = {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
    return hashlib.sha256(canonical(plain).encode()).hexdigest()


def create_all(connection) -> None:
    """Create the tables of an empty database and note their version."""
    _tables.create_all(connection)
    rows = [{"key": "format", "value": FORMAT}, {"key": "version", "value": str(VERSION)}]
    connection.execute(about.insert(), rows)


def set_up_sqlite(engine: Engine) -> None:
    """Give every connection of `engine` those settings, and let SQLAlchemy say where transactions begin.

    A connection opened with the execution option `writes` takes the write lock at once: two writers then wait
    for each other in place of failing half-way.
    """

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
