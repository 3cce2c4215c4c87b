import pytest

from evocircuits.errors import InputError
from evocircuits.library.checksum import canonical, fits, opened, sealed


def test_canonical_json_has_sorted_keys_and_no_nan():
    assert canonical({"b": [1, 0.1], "a": None}) == '{"a":null,"b":[1,0.1]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical(float("nan"))


def test_a_sealed_row_opens_and_an_altered_one_does_not():
    row = {"id": "abc", "state": b"\x00\xff"}
    assert opened("table", sealed(row)) == row
    with pytest.raises(InputError, match=r"table row .abd .* is damaged"):
        opened("table", sealed(row) | {"id": "abd"})


def test_a_number_that_has_become_none_does_not_fit():
    row = sealed({"id": "abc", "raw": 0.5})
    assert fits(row)
    assert not fits(row | {"raw": float("nan")})
