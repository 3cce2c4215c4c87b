"""A library that was damaged is noticed, left as it is, and gives what is whole."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.library import Database, Library, Training, records, schema, verify
from evocircuits.library.motifs import BATCH
from tests.library.conftest import file_of
from tests.library.motifs import motif, score
from tests.library.test_certificates import certificate

FLIPS, CUTS = 200, 30


def filled(library: Library, n: int = 5) -> list[str]:
    """A library with some of everything; the ids of its motifs."""
    library.start_run("r", {}, 1, {})
    library.commit_epoch("r", 1, {0: b"state" * 100}, {"best": 0.5})
    library.finish_run("r", [motif(0.5 + i / 100, score()) for i in range(n)])
    ids = sorted(row.id for row in library.listing())
    library.tag(ids[0], "kept")
    library.note(ids[0], "a note")
    library.add_certificate(certificate(ids[0], structures=("disinhibition",)))
    library.add_trainings([Training(ids[0], "digits", "motif", 0, 30, 32, "0.1.0", {"accuracy": 0.9})])
    return ids


def change(library: Library, statement: str) -> None:
    library.database.write(lambda connection: connection.exec_driver_sql(statement))


def alter(file: Path, table: str, column: str) -> None:
    """Change a bit of the value in the first row, or the number by one."""
    with closing(sqlite3.connect(file)) as connection, connection:
        [value] = connection.execute(f"SELECT {column} FROM {table} WHERE rowid = 1").fetchone()
        if isinstance(value, bytes):
            value = bytes([value[0] ^ 1]) + value[1:]
        elif isinstance(value, str):
            value = chr(ord(value[0]) ^ 1) + value[1:] if value else "x"
        else:
            value = (value or 0) + 1
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = 1", (value,))


def everything(library: Library) -> tuple:
    """What the library says to whoever asks."""
    motifs = library.motifs()
    id = min(motif.id for motif in motifs)
    about = library.notes(id), library.certificates(id), library.lineage(id)
    return library.listing(), motifs, library.run("r"), library.island_states("r"), about


class TestWhole:
    def test_a_library_is_found_whole(self, library):
        filled(library)
        told = []
        assert verify(library.database, told.append) == []
        assert {"motif", "score", "listing", "lineage", "island_state", "motifs"} <= set(told)

    def test_an_empty_one_too(self, library):
        assert verify(library.database) == []

    def test_what_is_no_library_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            Database.existing(f"sqlite:///{tmp_path}/nothing.db")
        sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE cats (name)")
        with pytest.raises(InputError, match="holds something else"):
            verify(Database.existing(f"sqlite:///{tmp_path}/other.db"))


class TestAlteredRows:
    @pytest.mark.parametrize(
        ("statement", "told"),
        [
            ("UPDATE motif SET dt_ms = 0.2", "motif row"),
            ("UPDATE score SET raw = 0.99", "score row"),
            ("UPDATE run SET recipe = '{\"a\":1}'", "run row"),
            ("UPDATE report SET report = '{}'", "report row"),
            ("UPDATE lineage SET parent = 'x'", "lineage row"),
            ("UPDATE tag SET tag = 'x'", "tag row"),
            ("UPDATE note SET text = 'x'", "note row"),
            ("UPDATE certificate SET version = 'x'", "certificate row"),
            ("UPDATE listing SET low = 0.99", "listing row"),
            ("DELETE FROM listing", "is not what its scores say"),
        ],
    )
    def test_are_found(self, library, statement, told):
        filled(library)
        change(library, statement)
        assert any(told in line for line in verify(library.database))

    def test_are_found_in_every_table(self, file_url):
        library = Library(file_url)
        filled(library, 1)
        whole, file = file_of(library).read_bytes(), file_of(library)
        last = {
            t.name: [c.name for c in t.c if c.name != "checksum"][-1] for t in schema.tables.sorted_tables
        }
        del last["about"], last["lease"]
        for table, column in [*last.items(), ("run", "status"), ("run", "seed")]:
            alter(file, table, column)
            assert any(line.startswith(table) for line in verify(Database(file_url))), (table, column)
            file.write_bytes(whole)

    def test_are_told_without_an_end_of_it(self, library, monkeypatch):
        filled(library)
        change(library, "UPDATE score SET raw = 0.99")
        monkeypatch.setattr("evocircuits.library.verification.MOST", 3)
        assert len(verify(library.database)) == 3

    def test_are_left_out_of_what_is_saved(self, library):
        ids = filled(library)
        change(library, f"UPDATE motif SET dt_ms = 0.2 WHERE id = '{ids[2]}'")
        change(library, f"UPDATE score SET raw = 0.99 WHERE motif_id = '{ids[3]}'")
        lost: list[str] = []
        saved = {row["motif"]["id"]: row for row in records(library.database, lost.append) if "motif" in row}
        assert saved.keys() == set(ids) - {ids[2]}
        assert saved[ids[3]]["motif"]["scores"] == []
        assert len(lost) == 2

    def test_that_point_nowhere_are_found(self, file_url):
        library = Library(file_url)
        filled(library)
        with sqlite3.connect(file_of(library)) as connection:
            connection.execute("UPDATE found SET motif_id = 'x' WHERE rowid = 1")
        assert any("points to a missing motif" in line for line in verify(library.database))


def saved_from(url: str) -> set[str]:
    """The ids of the motifs that can be saved, which must be as they were; none where the file cannot be opened."""
    saved = set()
    try:
        for record in records(Database.existing(url), lambda _: None):
            if "motif" in record:
                saved.add(record["motif"]["id"])
    except (InputError, OSError):
        return set()
    return saved


def test_flipped_bytes_are_noticed_or_harmless_and_never_written_over(file_url):
    """A reader notices, or says what was stored; and where damage to an index misleads it, `verify` notices."""
    library, rng = Library(file_url), np.random.default_rng(1)
    ids = filled(library, 4)
    path, expected = file_of(library), everything(library)
    whole = path.read_bytes()
    noticed = 0
    written = np.flatnonzero(np.frombuffer(whole, np.uint8))
    for k, at in enumerate(rng.choice(written, FLIPS)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        said = said_by(file_url)
        if said != expected:
            noticed += said is None
            if said is not None or k % 5 == 0:
                with suppress(InputError):
                    assert verify(Database(file_url)) != []
        assert path.read_bytes() == damaged
    assert noticed > FLIPS / 10
    path.write_bytes(whole)
    assert saved_from(file_url) == set(ids)


def said_by(url: str) -> tuple | None:
    """What a library says to its readers, None where they notice that it is damaged."""
    try:
        return everything(Library(url))
    except InputError:
        return None


def test_what_is_whole_can_be_saved_from_a_file_with_a_broken_page(file_url, monkeypatch):
    monkeypatch.setattr("evocircuits.library.salvage.GIVE_UP", 2)
    library = Library(file_url)
    ids = filled(library, 20)
    path, page = file_of(library), 4096
    whole = path.read_bytes()
    shares = []
    for at in range(page, len(whole), 2 * page):
        path.write_bytes(whole[:at] + b"\xff" * page + whole[at + page :])
        before = path.read_bytes()
        saved = saved_from(file_url)
        assert saved <= set(ids)
        assert path.read_bytes() == before
        shares.append(len(saved) / len(ids))
    assert np.mean(shares) > 0.8
    assert np.median(shares) > 0.9


def test_truncated_files_are_noticed_and_never_written_over(file_url):
    library, rng = Library(file_url), np.random.default_rng(2)
    filled(library)
    path = file_of(library)
    whole = path.read_bytes()
    for end in rng.integers(1, len(whole), CUTS):
        path.write_bytes(whole[:end])
        with pytest.raises((InputError, OSError)):
            everything(Library(file_url))
        with suppress(InputError, OSError):
            assert verify(Database(file_url)) != []
        saved_from(file_url)
        assert path.read_bytes() == whole[:end]


def test_more_than_one_batch_is_read(library, monkeypatch):
    assert BATCH > 5
    monkeypatch.setattr("evocircuits.library.salvage.RANGE", 2)
    ids = filled(library)
    assert verify(library.database) == []
    assert {row["motif"]["id"] for row in records(library.database, print) if "motif" in row} == set(ids)
