"""The library's tables. `migrations/` has a step from each version of them to the next.

`listing` is derived from the others: of every motif on every task what listings choose and sort by, narrow where the
motifs' own rows are wide, so that 100,000 can be looked through in a moment.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

FORMAT = "evocircuits-library"
VERSION = 2

tables = MetaData()


def text(length: int) -> String:
    """Text of limited length that every backend compares byte by byte."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def _number(name: str, **options) -> Column:
    return Column(name, BigInteger, autoincrement=False, **options)


def _checksum() -> Column:
    return Column("checksum", String(64), nullable=False)


about = Table(
    "about", tables, Column("key", text(32), primary_key=True), Column("value", Text, nullable=False)
)

run = Table(
    "run",
    tables,
    Column("id", text(64), primary_key=True),
    Column("recipe", Text, nullable=False),
    _number("seed", nullable=False),
    Column("versions", Text, nullable=False),
    _checksum(),
    Column("status", text(16), nullable=False),
    Column("epoch", Integer, nullable=False),
)

report = Table(
    "report",
    tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("report", Text, nullable=False),
    _checksum(),
)

island_state = Table(
    "island_state",
    tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("island", Integer, primary_key=True, autoincrement=False),
    Column("state", LargeBinary, nullable=False),
    _checksum(),
)

# Who drives a run, and until when (seconds since 1970) without a sign of life; the run need not be stored yet.
lease = Table(
    "lease",
    tables,
    Column("run_id", text(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires", Float, nullable=False),
)

# A motif's run is no foreign key: imported motifs name runs of other libraries.
motif = Table(
    "motif",
    tables,
    Column("id", text(64), primary_key=True),
    Column("shape", text(64), nullable=False, index=True),
    Column("task", text(64), index=True),
    Column("run", text(64), index=True),
    Column("dt_ms", Float, nullable=False),
    Column("n_excitatory", Integer, nullable=False),
    Column("n_inhibitory", Integer, nullable=False),
    Column("n_synapses", Integer, nullable=False),
    Column("genome", Text, nullable=False),
    Column("circuit", Text, nullable=False),
    Column("provenance", Text, nullable=False),
    _checksum(),
)

# Which runs found a motif: its row names only the first.
found = Table(
    "found",
    tables,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    Column("motif_id", ForeignKey("motif.id"), primary_key=True, index=True),
    _checksum(),
)

score = Table(
    "score",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("task", text(64), primary_key=True),
    _number("trials", primary_key=True),
    _number("seed", primary_key=True),
    Column("raw", Float, nullable=False),
    Column("low", Float, nullable=False),
    Column("high", Float, nullable=False),
    Column("normalised", Float, nullable=False),
    Column("spikes", Float, nullable=False),
    Column("synaptic_events", Float, nullable=False),
    Column("energy_pJ", Float, nullable=False),
    Column("version", Text, nullable=False),
    _checksum(),
    Index("best_score", "task", "low"),
)

# A row for each task that a motif has a score on, of the score over most trials; and one without a score, of task '',
# where it has none on its own task, the one that it was evolved for. `own` is 1 for the row of that task, 2 for the one
# without a score, else 0: of every motif one row has it. `words` are origin, run, task and operator in small letters.
listing = Table(
    "listing",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("task", text(64), primary_key=True),
    Column("own", Integer, nullable=False),
    _number("trials"),
    _number("seed"),
    Column("low", Float),
    Column("normalised", Float),
    Column("spikes", Float),
    Column("energy_pJ", Float),
    Column("n_excitatory", Integer, nullable=False),
    Column("n_inhibitory", Integer, nullable=False),
    Column("n_neurons", Integer, nullable=False),
    Column("n_synapses", Integer, nullable=False),
    Column("shape", text(64), nullable=False, index=True),
    Column("run", text(64), index=True),
    Column("origin", Text, nullable=False),
    Column("operator", Text),
    Column("words", Text, nullable=False),
    _checksum(),
)
PLACE = listing.c.low.desc(), listing.c.energy_pJ, listing.c.motif_id
"""The order of a task's motifs. The indexes go on with all that is chosen by, so that the table is not looked at."""
_COVERED = (
    "normalised",
    "spikes",
    "n_excitatory",
    "n_inhibitory",
    "n_neurons",
    "n_synapses",
    "run",
    "words",
    "shape",
)
Index("listing_best", listing.c.task, *PLACE, *(listing.c[name] for name in _COVERED))
Index("listing_own", listing.c.own, listing.c.task, *PLACE, *(listing.c[name] for name in _COVERED))

# Who was bred from whom: a row for each parent, the mother at place 0; a founder has one row without a parent. Most of
# these circuits are no motifs. `run` is '' where it is not known.
lineage = Table(
    "lineage",
    tables,
    Column("child", text(64), primary_key=True),
    Column("run", text(64), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("parent", text(64), index=True),
    Column("operator", Text),
    _number("epoch"),
    _number("island"),
    _checksum(),
    Index("lineage_run", "run"),
)

certificate = Table(
    "certificate",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("task", text(64), primary_key=True),
    _number("trials", primary_key=True),
    _number("seed", primary_key=True),
    Column("version", Text, nullable=False),
    Column("certificate", Text, nullable=False),
    _checksum(),
)

# Networks built of a motif, or of what it is compared with, and trained.
training = Table(
    "training",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("data", text(64), primary_key=True),
    Column("arm", text(64), primary_key=True),
    _number("seed", primary_key=True),
    Column("epochs", Integer, primary_key=True, autoincrement=False),
    Column("copies", Integer, primary_key=True, autoincrement=False),
    Column("version", Text, nullable=False),
    Column("result", Text, nullable=False),
    _checksum(),
)

# The structures that a motif's certificates name.
structure = Table(
    "structure",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("name", text(64), primary_key=True, index=True),
    _checksum(),
)

tag = Table(
    "tag",
    tables,
    Column("motif_id", ForeignKey("motif.id"), primary_key=True),
    Column("tag", text(64), primary_key=True, index=True),
    _checksum(),
)

# About a motif or a run; equal notes are one.
note = Table(
    "note",
    tables,
    Column("motif_id", ForeignKey("motif.id"), index=True),
    Column("run_id", ForeignKey("run.id"), index=True),
    Column("text", Text, nullable=False),
    Column("written", text(32), nullable=False),
    Column("checksum", String(64), primary_key=True),
)


def create_all(connection) -> None:
    """Create the tables of an empty database and note their version."""
    tables.create_all(connection)
    rows = [{"key": "format", "value": FORMAT}, {"key": "version", "value": str(VERSION)}]
    connection.execute(about.insert(), rows)
