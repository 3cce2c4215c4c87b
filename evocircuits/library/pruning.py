"""A library made smaller: what leads nowhere goes, and where asked all but the best motifs, and islands."""

import sqlite3
from dataclasses import dataclass
from json import loads

from sqlalchemy import Connection, delete, func, select, union

from evocircuits.errors import InputError
from evocircuits.library import ancestry, schema
from evocircuits.library.database import Database
from evocircuits.library.motifs import in_batches

OF_MOTIF = ("score", "listing", "found", "structure", "certificate", "training", "tag", "note")


@dataclass(frozen=True)
class Pruned:
    """How much went: motifs, runs whose islands did, births of which none of the motifs descends."""

    motifs: int
    runs: int
    births: int


def prune(
    database: Database, *, keep: int | None = None, states: bool = False, dry_run: bool = False
) -> Pruned:
    """Forget births from which no motif descends, and give the room back.

    `keep`: of each task only so many motifs, the best, beside the winners of runs and those that are tagged, noted,
    certified or trained. `states`: without the islands of finished runs, which can then not be extended. Births of runs
    that may go on stay. With `dry_run` nothing changes; what would go is told all the same.
    """
    if keep is not None and keep < 0:
        raise InputError(f"keep: expected a number ≥ 0; got {keep}")
    gone = database.read(_superfluous, keep) if keep is not None else []
    emptied = database.read(_finished) if states else []
    unborn = database.read(_unborn, set(gone), set(emptied))
    if not dry_run:
        database.write(_drop, gone, emptied, unborn)
        _give_back(database)
    return Pruned(len(gone), len(emptied), sum(map(len, unborn.values())))


def _superfluous(connection: Connection, keep: int) -> list[str]:
    listing = schema.listing.c
    rank = func.row_number().over(partition_by=listing.task, order_by=schema.PLACE).label("rank")
    ranked = select(listing.motif_id, rank).where(listing.task != "").subquery()
    best = select(ranked.c.motif_id).where(ranked.c.rank <= keep)
    marking = schema.tag, schema.note, schema.certificate, schema.training
    marked = [select(table.c.motif_id) for table in marking]
    kept = set(connection.scalars(union(best, *marked))) | _winners(connection)
    return [id for id in connection.scalars(select(schema.motif.c.id).order_by("id")) if id not in kept]


def _winners(connection: Connection) -> set[str]:
    """The motifs that a run's last report names as its result."""
    last = schema.report.c.epoch == schema.run.c.epoch
    reports = connection.scalars(select(schema.report.c.report).join(schema.run).where(last))
    return {id for report in reports for id in loads(report).get("winners", ())}


def _finished(connection: Connection) -> list[str]:
    """Runs that are finished and still have their islands."""
    runs = select(schema.island_state.c.run_id).join(schema.run).where(schema.run.c.status == "finished")
    return sorted(set(connection.scalars(runs)))


def _unborn(connection: Connection, gone: set[str], emptied: set[str]) -> dict[str, list[str]]:
    """Of every run that cannot go on, those born in it from whom no motif that stays descends."""
    kept = set(connection.scalars(select(schema.motif.c.id))) - gone
    going_on = set(connection.scalars(select(schema.island_state.c.run_id).distinct())) - emptied
    runs = set(connection.scalars(select(schema.lineage.c.run).distinct())) - going_on
    return {run: ancestry.without_descendants(connection, run, kept) for run in sorted(runs)}


def _drop(connection: Connection, gone: list[str], emptied: list[str], unborn: dict[str, list[str]]) -> None:
    for ids in in_batches(gone):
        for name in OF_MOTIF:
            table = schema.tables.tables[name]
            connection.execute(delete(table).where(table.c.motif_id.in_(ids)))
        connection.execute(delete(schema.motif).where(schema.motif.c.id.in_(ids)))
    for ids in in_batches(emptied):
        connection.execute(delete(schema.island_state).where(schema.island_state.c.run_id.in_(ids)))
    for run, children in unborn.items():
        ancestry.forget(connection, run, children)


def _give_back(database: Database) -> None:
    """Make an SQLite file as small as its content; PostgreSQL does so by itself."""
    if not database.is_sqlite:
        return
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("VACUUM")
    except sqlite3.OperationalError as error:
        raise OSError(
            f"library {database.name}: {error}; what was pruned is, but its room is not free"
        ) from None
    finally:
        connection.close()
