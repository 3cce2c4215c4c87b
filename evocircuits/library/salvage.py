"""Every row of a table that can still be read, also where the file is damaged.

SQLite stores a table as a tree of pages; where one of them is broken, a query over the table ends there. So rows are
asked for by their place in the table, a range at a time, and within a range that fails one by one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy import (
    Connection,
    Select,
    Table,
    bindparam,
    exc,
    func,
    inspect,
    literal_column,
    select,
    tuple_,
)

from evocircuits.errors import InputError
from evocircuits.library.database import Database

RANGE = 200
"""So many rows at a time."""
GIVE_UP = 50
"""Where the last place in a table cannot be told, it is taken to end where so many ranges in turn give nothing."""

Row = dict
Lost = Callable[[str], None]


def has(database: Database, table: Table) -> bool:
    """Whether a library has the table and its columns: an older one lacks some."""
    return database.read(_has, table)


def _has(connection: Connection, table: Table) -> bool:
    seen = inspect(connection)
    if table.name not in seen.get_table_names():
        return False
    return {column["name"] for column in seen.get_columns(table.name)} >= set(table.columns.keys())


def stored_rows(database: Database, table: Table, lost: Lost) -> Iterator[Row]:
    """The rows of a table, few at a time, each in a short transaction; `lost` is told of places that cannot be read."""
    return _by_place(database, table, lost) if database.is_sqlite else _by_key(database, table)


def _by_key(database: Database, table: Table) -> Iterator[Row]:
    key = tuple(table.primary_key.columns)
    query = select(table).order_by(*key).limit(RANGE)
    rows = database.read(_fetched, query)
    while rows:
        yield from rows
        last = tuple_(*(rows[-1][column.name] for column in key))
        rows = database.read(_fetched, query.where(tuple_(*key) > last))


def _by_place(database: Database, table: Table, lost: Lost) -> Iterator[Row]:
    place, last = literal_column("rowid"), _last_place(database, table)
    start = empty = 0
    while start < last if last is not None else empty < GIVE_UP:
        try:
            rows = database.read(_fetched, select(table).where(place > start, place <= start + RANGE))
        except (InputError, OSError):  # Damaged among them
            rows = _one_by_one(database, table, range(start + 1, start + RANGE + 1), lost)
        empty = 0 if rows else empty + 1
        start += RANGE
        yield from rows


def _one_by_one(database: Database, table: Table, places: Iterable[int], lost: Lost) -> list[Row]:
    rows = []
    query = select(table).where(literal_column("rowid") == bindparam("place"))
    with database.engine.connect() as connection:
        for place in places:
            try:
                with connection.begin():  # one that met damage cannot even be committed
                    rows += [dict(row) for row in connection.execute(query, {"place": place}).mappings()]
            except (exc.DatabaseError, UnicodeDecodeError):
                lost(f"{table.name} row {place} cannot be read")
    return rows


def _last_place(database: Database, table: Table) -> int | None:
    place = literal_column("rowid")
    try:
        last = database.read(lambda c: c.scalar(select(func.max(place)).select_from(table)))
    except (InputError, OSError):
        return None
    return last or 0


def _fetched(connection: Connection, query: Select) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]


def rows_with(database: Database, table: Table, column: str, values: Sequence[str]) -> list[Row]:
    """The rows of a table in which a column has one of these values, as far as they can be read."""
    query = select(table).where(table.c[column].in_(values)).order_by(*table.primary_key.columns)
    try:
        return database.read(_fetched, query)
    except (InputError, OSError):
        wanted = set(values)
        found = [row for row in stored_rows(database, table, lambda _: None) if row[column] in wanted]
        return sorted(found, key=lambda row: [str(row[c.name]) for c in table.primary_key.columns])
