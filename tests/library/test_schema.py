import pytest

from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.library.schema import canonical, opened, sealed


def test_sqlite_keeps_its_rollback_journal_and_syncs_fully(tmp_path):
    with Library(f"sqlite:///{tmp_path}/library.db")._transaction() as connection:
        for pragma, value in (("journal_mode", "delete"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_canonical_json_has_sorted_keys_and_no_nan():
    assert canonical({"b": [1, 0.1], "a": None}) == '{"a":null,"b":[1,0.1]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_a_sealed_row_opens_and_an_altered_one_does_not():
    row = {"id": "abc", "state": b"\x00\xff"}
    assert opened("table", sealed(row)) == row
    with pytest.raises(InputError, match=r"table row .abd .* is damaged"):
        opened("table", sealed(row) | {"id": "abd"})
