import sqlite3
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from evocircuits.errors import InputError
from evocircuits.library import Database, Library
from tests.library.conftest import file_of
from tests.library.motifs import motif, score


class TestFile:
    @pytest.mark.parametrize(
        "content", [b"not a database, but a note of some length" * 200, b"SQLite format 3\0" + b"\7" * 5000]
    )
    def test_other_files_are_refused_and_kept(self, tmp_path, content):
        path = tmp_path / "notes.db"
        path.write_bytes(content)
        with pytest.raises(InputError, match="expected an evocircuits library") as caught:
            Library(f"sqlite:///{path}").motifs()
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == content

    def test_other_databases_are_refused(self, tmp_path):
        connection = sqlite3.connect(tmp_path / "other.db")
        connection.execute("CREATE TABLE cats (name)")
        connection.commit()
        with pytest.raises(InputError, match="holds something else"):
            Library(f"sqlite:///{tmp_path}/other.db")
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("cats",)]

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE motif SET dt_ms = 0.2",
            "UPDATE score SET raw = 0.99",
            "UPDATE motif SET circuit = replace(circuit, '15', '16')",
        ],
    )
    def test_altered_rows_are_noticed(self, file_url, damage):
        library = Library(file_url)
        library.add([motif(0.6, score())])
        change(library, damage)
        with pytest.raises(InputError, match="damaged"):
            library.motifs()

    def test_truncated_file_is_refused_and_kept(self, file_url):
        library = Library(file_url)
        library.add([motif(0.5 + i / 100, score()) for i in range(20)])
        path = file_of(library)
        half = path.read_bytes()[: path.stat().st_size // 2]
        path.write_bytes(half)
        with pytest.raises(InputError, match="library"):
            Library(file_url).motifs()
        assert path.read_bytes() == half

    @pytest.mark.parametrize("wrong", ["library.db", "nosuchdialect:///x", ""])
    def test_url(self, wrong, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        if wrong:
            with pytest.raises(InputError, match="expected a URL"):
                Library(wrong)
        else:
            Library()
            assert Path("runs/library.db").exists()

    def test_variable_names_the_library(self, monkeypatch, file_url):
        monkeypatch.setenv("EVOCIRCUITS_LIBRARY", file_url)
        assert Library().url == file_url

    def test_folder_in_place_of_a_file(self, tmp_path):
        with pytest.raises(InputError, match="expected a database file"):
            Library(f"sqlite:///{tmp_path}")


def change(library: Library, statement: str) -> None:
    with sqlite3.connect(file_of(library)) as connection:
        connection.execute(statement)


class TestVersion:
    @pytest.mark.parametrize("version", ["3", "99", "", "two", "0", "-1"])
    def test_of_a_newer_library_is_refused(self, library, version):
        set_version(library, version)
        with pytest.raises(InputError, match=f"expected schema version 2; got '{version}'"):
            Library(library.url)

    def test_of_an_older_library_names_the_remedy(self, library):
        set_version(library, "1")
        with pytest.raises(InputError, match=r"got 1, an older one .*evocircuits library upgrade"):
            Library(library.url)


def set_version(library: Library, version: str) -> None:
    statement = text("UPDATE about SET value = :version WHERE key = 'version'")
    library.database.write(lambda connection: connection.execute(statement, {"version": version}))


class TestTransactions:
    def test_are_undone_where_anything_is_raised(self, library):
        def fail(connection):
            connection.execute(text("DELETE FROM about"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            library.database.write(fail)
        Library(library.url)

    def test_that_only_read_cannot_write_to_a_server(self, postgres_url):
        database = Library(postgres_url).database
        with pytest.raises(OSError, match="read-only"):
            database.read(lambda connection: connection.execute(text("DELETE FROM about")))

    def test_see_one_state_however_long_they_read(self, library):
        other = Library(library.url)
        with other.database.transaction() as connection:
            before = connection.scalar(text("SELECT count(*) FROM run"))
            if not library.database.is_sqlite:  # there a reader would hold the writer up
                library.start_run("r", {}, 1, {})
            assert connection.scalar(text("SELECT count(*) FROM run")) == before

    @pytest.mark.parametrize("wrong", ["\ud800", "x\0y", "x" * 100])
    def test_refuse_text_that_the_database_does_not_take(self, postgres_url, wrong):
        library = Library(postgres_url)
        with pytest.raises(InputError, match="library"):
            library.add([motif(0.6, score(task=wrong))])
        assert library.motifs() == []

    def test_refuse_what_is_no_unicode(self, file_url):
        with pytest.raises(InputError, match="Unicode"):
            Library(file_url).add([motif(0.6, score(task="\ud800"))])


class TestServer:
    def test_that_is_not_there_is_one_line(self, tmp_path):
        with pytest.raises(OSError, match="nothing was stored") as caught:
            Library(f"postgresql://nobody@/nothing?host={tmp_path}")
        assert "\n" not in str(caught.value)

    def test_passwords_are_not_told(self, tmp_path):
        with pytest.raises(OSError, match="nobody") as caught:
            Library(f"postgresql://nobody:secret@/nothing?host={tmp_path}")
        assert "secret" not in str(caught.value)

    def test_without_its_driver_tells_how_to_install_it(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(InputError, match=r"pip install 'evocircuits\[postgresql\]'"):
            Database("postgresql:///x")

    def test_of_another_kind_is_refused(self):
        with pytest.raises(InputError, match="only these two will do"):
            Database("mysql:///x")
