"""A library of an older version made one of this version, in one transaction, with a copy of the file beside it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text, update

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.database import Database
from evocircuits.library.verification import verify

STEPS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Upgrade:
    """From which version to which a library came, and the copy of its file as it was."""

    before: int
    after: int
    copy: Path | None


def upgrade(database: Database) -> Upgrade:
    """Bring a library to this version; nothing happens to one that is of it. No run should be under way meanwhile.

    Of an SQLite file a copy is made first, `library.db.version-1`. Raises `InputError`, before anything is changed, for
    what is no library, is damaged, or is of a newer version.
    """
    before = database.version()
    if before == schema.VERSION:
        return Upgrade(before, before, None)
    if damage := verify(database):
        raise InputError(f"library {database.name}: expected one that is whole; {damage[0]}")
    with database.transaction(writes=True) as connection:
        copy = _copied(database.file, before)
        _migrate(connection, before)
    return Upgrade(before, schema.VERSION, copy)


def _copied(file: Path | None, version: int) -> Path | None:
    """The copy, made while nobody else can write."""
    if file is None:
        return None
    copy = file.with_name(f"{file.name}.version-{version}")
    unfinished = copy.with_name(copy.name + ".part")
    shutil.copyfile(file, unfinished)
    unfinished.replace(copy)
    return copy


def _migrate(connection: Connection, before: int) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _own_version_table(connection):
        command.stamp(config, str(before))
        command.upgrade(config, str(schema.VERSION))
    version = schema.about.c.key == "version"
    connection.execute(update(schema.about).where(version).values(value=str(schema.VERSION)))


@contextmanager
def _own_version_table(connection: Connection) -> Iterator[None]:
    """Alembic notes the version in a table, which goes afterwards: `about` says it, and two could differ."""
    connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    yield
    connection.execute(text("DROP TABLE alembic_version"))
