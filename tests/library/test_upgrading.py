"""A library of version 1, made by the code of that version."""

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from evocircuits.errors import InputError
from evocircuits.library import Database, Library, records, schema, upgrade, verify
from evocircuits.lineage import Birth

STORED = Path(__file__).with_name("version-1.db")
ROWS_HASH = "deb679b10eca472625b18d433b805fa1b2b7ad2a861c3a2356ca63763a4fda50"
"""What version 1 said of it."""
RUN = "order-s1-890efc"


@pytest.fixture
def old(tmp_path) -> Database:
    shutil.copy(STORED, tmp_path / "library.db")
    return Database(f"sqlite:///{tmp_path}/library.db")


def test_every_version_but_the_last_has_a_stored_library():
    assert {path.stem for path in STORED.parent.glob("version-*.db")} == {
        f"version-{k}" for k in range(1, schema.VERSION)
    }


def test_an_older_library_is_refused_with_the_remedy_and_left_as_it_is(old):
    with pytest.raises(
        InputError, match=r"got 1, an older one .bring it up to date: evocircuits library upgrade"
    ):
        Library(old.url)
    assert old.file.read_bytes() == STORED.read_bytes()


def test_upgraded_it_holds_what_it_held(old):
    done = upgrade(old)
    assert (done.before, done.after) == (1, schema.VERSION)
    library = Library(old.url)
    assert verify(library.database) == []
    assert library.rows_hash() == ROWS_HASH
    assert [row.id[:8] for row in library.listing()] == ["c00911d4", "a54d332a", "fd741c3e"]
    run = library.run(RUN)
    assert (run.status, run.epoch, len(run.reports)) == ("finished", 2, 2)
    assert {i: len(state) for i, state in library.island_states(RUN)[1].items()} == {0: 1165, 1: 1467}


def test_upgraded_it_tells_what_version_1_could_not(old):
    upgrade(old)
    library = Library(old.url)
    [found] = library.listing(run=RUN, text="refine", limit=1)
    born = library.lineage(found.id).births[found.id]
    told = library.get(found.id).provenance
    assert born == Birth(found.id, told.parents, told.operator, RUN, told.epoch, told.island)
    assert library.lineage("c00911d4").founders == [library.get("c00911d4").id]
    assert [row.score.trials for row in library.listing(text="c00911d4")] == [200]


def test_the_file_as_it_was_is_kept_beside_it(old):
    done = upgrade(old)
    assert done.copy == old.file.with_name("library.db.version-1")
    assert done.copy.read_bytes() == STORED.read_bytes()
    assert upgrade(old).copy is None


def test_the_tables_are_those_of_a_new_library(old, tmp_path):
    upgrade(old)
    with old.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.tables) == []
    new = Library(f"sqlite:///{tmp_path}/new.db").database
    assert indexes(old) == indexes(new)


def indexes(database: Database) -> set:
    def read(connection) -> set:
        seen = inspect(connection)
        return {
            (table, index["name"], tuple(index["column_names"]))
            for table in seen.get_table_names()
            for index in seen.get_indexes(table)
        }

    return database.read(read)


def test_a_damaged_library_is_not_upgraded(old):
    with sqlite3.connect(old.file) as connection:
        connection.execute("UPDATE score SET raw = 0.1")
    before = old.file.read_bytes()
    with pytest.raises(InputError, match=r"expected one that is whole; score row .* is damaged"):
        upgrade(old)
    assert old.file.read_bytes() == before


@pytest.mark.parametrize("where", ["CREATE TABLE note", "INSERT INTO lineage", "UPDATE about"])
def test_an_upgrade_that_fails_anywhere_changes_nothing(old, where):
    from sqlalchemy import event

    @event.listens_for(old.engine, "before_cursor_execute")
    def fail(_connection, _cursor, statement, *_):
        if statement.strip().startswith(where):
            raise sqlite3.OperationalError("disk full")

    with pytest.raises(OSError, match="disk full"):
        upgrade(old)
    assert Database(old.url).version() == 1
    assert old.file.with_name("library.db.version-1").exists()
    done = upgrade(Database(old.url))
    assert (done.before, Library(old.url).rows_hash()) == (1, ROWS_HASH)


def test_a_newer_library_is_refused(old):
    with sqlite3.connect(old.file) as connection:
        connection.execute("UPDATE about SET value = '3' WHERE key = 'version'")
    before = old.file.read_bytes()
    for refused in (lambda: upgrade(old), lambda: Library(old.url), lambda: verify(old)):
        with pytest.raises(InputError, match="expected schema version 2; got '3'"):
            refused()
    assert old.file.read_bytes() == before


def test_an_older_library_can_be_verified_and_exported_as_it_is(old):
    assert verify(old) == []
    lost: list[str] = []
    saved = list(records(old, lost.append))
    assert sorted(len(record["motif"]["scores"]) for record in saved if "motif" in record) == [1, 1, 2]
    assert [record["run"]["id"] for record in saved if "run" in record] == [RUN]
    assert lost == []
    assert old.file.read_bytes() == STORED.read_bytes()


def test_a_library_of_this_version_is_left_alone(library):
    before = library.rows_hash()
    assert upgrade(library.database).copy is None
    assert library.rows_hash() == before
    version = select(schema.about.c.value).filter_by(key="version")
    assert library.database.read(lambda connection: connection.scalar(version)) == str(schema.VERSION)
