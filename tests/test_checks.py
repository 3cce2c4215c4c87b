"""Checks of numbers and arrays: what they let through, what they return, and the line they raise."""

import array
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest

from evocircuits.checks import (
    LARGEST,
    checked_booleans,
    checked_by_port,
    checked_count,
    checked_floats,
    checked_indices,
    checked_not_negative,
    checked_number,
    checked_positive,
    read_only,
    shown,
)
from evocircuits.errors import InputError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("loud", "'loud'"),
        (np.float64(0.5), "0.5"),
        (np.int8(3), "3"),
        (np.str_("x"), "'x'"),
        (np.zeros((2, 1)), "array([[0.], [0.]])"),
        (list(range(99)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, …"),
    ],
)
def test_a_value_is_shown_on_one_short_line(value, text):
    assert shown(value) == text
    assert len(text) <= 60


@pytest.mark.parametrize(
    ("check", "value", "kept"),
    [
        (checked_count, np.uint8(7), 7),
        (checked_number, -LARGEST, -LARGEST),
        (checked_number, -3, -3.0),
        (checked_positive, np.float32(0.5), 0.5),
        (checked_positive, Fraction(1, 4), 0.25),
        (checked_not_negative, np.int64(0), 0.0),
    ],
)
def test_numbers_come_back_as_plain_ones(check, value, kept):
    number = check("x", value)
    assert number == kept
    assert type(number) is type(kept)


@pytest.mark.parametrize(
    ("check", "kind", "wrong"),
    [
        (checked_count, "a whole number ≥ 1", [0, -1]),
        (checked_number, "a finite number", []),
        (checked_positive, "a finite number > 0", [0, -1.0]),
        (checked_not_negative, "a finite number ≥ 0", [-1e-9]),
    ],
)
def test_other_things_than_numbers_are_refused(check, kind, wrong):
    odd = [None, "2", True, np.True_, 1j, [1], np.ones(1), np.nan, np.inf, np.float32("inf")]
    if check is checked_count:
        odd.append(2.0)
    else:
        odd.append(10**400)
    for value in odd + wrong:
        with pytest.raises(InputError) as error:
            check("x", value)
        assert str(error.value) == f"x: expected {kind}; got {shown(value)}"


def test_a_count_may_have_bounds():
    assert checked_count("n", 5, most=5) == 5
    with pytest.raises(InputError, match=r"^n: expected at most 5; got 6$"):
        checked_count("n", 6, most=5)
    assert checked_count("n", 0, least=0) == 0
    with pytest.raises(InputError, match=r"^n: expected a whole number ≥ 0; got -1$"):
        checked_count("n", -1, least=0)


def test_floats_are_contiguous_and_copied_only_where_they_must_be():
    given = np.ones((2, 3))
    assert checked_floats("x", given, shapes={2: "a, b"}) is given
    turned = checked_floats("x", given.T, shapes={1: "a", 2: "b, a"})
    assert turned.flags.c_contiguous
    assert turned.shape == (3, 2)


@pytest.mark.parametrize(
    ("values", "bounds", "message"),
    [
        ([1.0], {}, "x: expected float[a, b] or float[a, b, c]; got shape (1,)"),
        ("loud", {}, "x: expected float[a, b] or float[a, b, c]; got 'loud'"),
        ([[10**400]], {}, "x: expected float[a, b] or float[a, b, c]; got [[1000"),
        ([[1.0, np.nan]], {}, "x: expected finite numbers; got nan"),
        ([[1.0, -np.inf]], {}, "x: expected finite numbers; got -inf"),
        ([[1.0, -2.0]], {"low": 0}, "x: expected finite numbers ≥ 0; got -2.0"),
        ([[0.5, 1.5]], {"low": 0, "high": 1}, "x: expected numbers 0…1; got 1.5"),
    ],
)
def test_other_floats_are_refused(values, bounds, message):
    with pytest.raises(InputError) as error:
        checked_floats("x", values, shapes={2: "a, b", 3: "a, b, c"}, **bounds)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("values", [[3, 0], [3.0, 0.0], np.array([3, 0], np.uint8), (3, 0)])
def test_indices_are_whole_numbers_of_any_type(values):
    indices = checked_indices("x", values, axis="spikes")
    assert indices.dtype == np.int64
    assert indices.tolist() == [3, 0]


def test_no_indices_are_indices():
    assert checked_indices("x", [], axis="spikes").dtype == np.int64


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values",
    [
        [0.5],
        [np.nan],
        [1e300],
        [2**70],
        np.array([2**63], np.uint64),
        [True],
        [1j],
        ["1"],
        [[0], [1, 2]],
        None,
        np.array(["2020-01-01"], "M8[D]"),
    ],
)
def test_other_indices_are_refused(values):
    with pytest.raises(InputError) as error:
        checked_indices("x", values, axis="spikes")
    assert str(error.value) == f"x: expected whole numbers; got {shown(values)}"


def test_indices_have_one_dimension():
    with pytest.raises(InputError, match=r"^x: expected int\[spikes\]; got shape \(1, 2\)$"):
        checked_indices("x", [[0, 1]], axis="spikes")


@pytest.mark.parametrize("values", [[True, False], (1, 0), [True, 0], [1.0, 0.0], np.array([1, 0], np.uint8)])
def test_true_and_false_may_come_as_numbers(values):
    booleans = checked_booleans("x", values, axis="neurons")
    assert booleans.dtype == bool
    assert booleans.tolist() == [True, False]


def test_booleans_are_copied_only_where_they_must_be():
    given = np.array([True, False, True, False])
    assert checked_booleans("x", given, axis="neurons") is given
    assert checked_booleans("x", given[::2], axis="neurons").flags.c_contiguous
    assert checked_booleans("x", [], axis="neurons").dtype == bool


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "values", [[2], [-1], [0.5], [np.nan], ["true"], ["1"], [None, True], [1j], [[True], [True, False]], None]
)
def test_other_booleans_are_refused(values):
    with pytest.raises(InputError) as error:
        checked_booleans("x", values, axis="neurons")
    assert str(error.value) == f"x: expected true and false; got {shown(values)}"


def test_booleans_have_one_dimension():
    with pytest.raises(InputError, match=r"^x: expected bool\[neurons\]; got shape \(1, 2\)$"):
        checked_booleans("x", [[True, False]], axis="neurons")


def test_ports_are_a_new_dictionary_by_name():
    given = {"a": 1}
    for mapping in (given, MappingProxyType(given)):
        ports = checked_by_port("x", mapping)
        assert ports == given
        assert ports is not given
    for wrong in (["a"], "a", None, {0: 1}):
        with pytest.raises(InputError) as error:
            checked_by_port("x", wrong)
        assert str(error.value) == f"x: expected a dictionary by port name; got {shown(wrong)}"


def test_an_array_that_the_caller_can_write_is_copied():
    given = np.arange(4.0)
    for made in (given, given[1:], given[:0], np.zeros(0)):
        kept = read_only(made, made)
        assert not kept.flags.writeable
        assert made.flags.writeable
        assert not np.may_share_memory(kept, given)


def test_a_read_only_view_of_what_the_caller_can_write_is_copied():
    given = np.arange(4.0)
    view = given[:]
    view.setflags(write=False)
    for made in (view, view[1:], np.broadcast_to(given, (2, 4))):
        assert not np.may_share_memory(read_only(made, made), given)


def test_memory_that_another_object_lends_is_copied():
    given = array.array("d", [1.0, 2.0])
    kept = read_only(np.asarray(given), given)
    given[0] = 7.0
    assert kept.tolist() == [1.0, 2.0]


def test_an_array_that_is_read_only_already_is_kept():
    given = np.arange(4.0)
    given.setflags(write=False)
    assert read_only(given, given) is given
    assert np.shares_memory(read_only(given[1:], given[1:]), given)


def test_an_array_made_anew_is_kept_and_locked():
    for given in ([1, 2], np.array([1, 2])):
        made = np.array(given, float)
        assert read_only(made, given) is made
        assert not made.flags.writeable
