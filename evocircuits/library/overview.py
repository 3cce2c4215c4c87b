"""What a library holds in all, for whoever shows all of it: each function does its part of a caller's transaction.

library.database.read(overview.tasks)
"""

from sqlalchemy import ColumnElement, Connection, Table, func, select

from evocircuits.library import schema


def motifs(connection: Connection) -> int:
    """How many motifs there are."""
    return connection.scalar(select(func.count()).select_from(schema.motif))


def tasks(connection: Connection) -> dict[str, int]:
    """How many motifs were scored on each task, by name."""
    return _numbers(connection, schema.listing, schema.listing.c.task, schema.listing.c.task != "")


def tags(connection: Connection) -> dict[str, int]:
    """How many motifs have each tag, by name."""
    return _numbers(connection, schema.tag, schema.tag.c.tag)


def structures(connection: Connection) -> dict[str, int]:
    """In how many motifs certificates found each structure, by name."""
    return _numbers(connection, schema.structure, schema.structure.c.name)


def runs(connection: Connection) -> list[tuple[str, str, int]]:
    """(id, status, last committed epoch) of every run, by id."""
    run = schema.run.c
    return [tuple(row) for row in connection.execute(select(run.id, run.status, run.epoch).order_by(run.id))]


def finders(connection: Connection, motif: str) -> list[str]:
    """The ids of the runs that found the motif of that whole id."""
    found = schema.found.c
    return list(
        connection.scalars(select(found.run_id).where(found.motif_id == motif).order_by(found.run_id))
    )


def trained(connection: Connection) -> list[tuple[str, str, int, int]]:
    """(motif, data, epochs, copies) of everything that networks were trained alike for, to be compared."""
    t = schema.training.c
    alike = t.motif_id, t.data, t.epochs, t.copies
    return [tuple(row) for row in connection.execute(select(*alike).distinct().order_by(*alike))]


def _numbers(connection: Connection, table: Table, name, *wanted: ColumnElement[bool]) -> dict[str, int]:
    rows = select(name, func.count()).select_from(table).where(*wanted).group_by(name).order_by(name)
    return dict(tuple(row) for row in connection.execute(rows))
