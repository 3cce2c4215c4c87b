"""Checks of what users pass in, shared by the modules that take numbers and arrays.

Each takes the `name` by which its error calls the value ("Stimulus.n_trials", "poisson: rate_Hz"), returns the value in
the type that the program works with, and raises `InputError`, one line with what was expected and what came.
"""

from collections.abc import Callable, Mapping
from math import inf, isfinite, nan
from numbers import Real

import numpy as np

from evocircuits.errors import InputError

LARGEST = float(np.finfo(float).max)
LONGEST_SHOWN = 60


def shown(value) -> str:
    """`value` as a message shows it: its `repr` on one line, NumPy's numbers as plain ones, cut to 60 characters."""
    text = " ".join(repr(value.item() if isinstance(value, np.generic) else value).split())
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def checked_count(name: str, value, *, least: int = 1, most: int | None = None) -> int:
    """A whole number, at least `least` and at most `most`; neither True nor a float, however whole."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name}: expected a whole number ≥ {least}; got {shown(value)}")
    if most is not None and value > most:
        raise InputError(f"{name}: expected at most {most}; got {shown(value)}")
    return int(value)


def checked_number(name: str, value) -> float:
    """A finite number of either sign; no text, no truth value."""
    return _number(name, value, "a finite number", lambda number: True)


def checked_positive(name: str, value) -> float:
    """A finite number > 0."""
    return _number(name, value, "a finite number > 0", lambda number: number > 0)


def checked_not_negative(name: str, value) -> float:
    """A finite number ≥ 0."""
    return _number(name, value, "a finite number ≥ 0", lambda number: number >= 0)


def _number(name: str, value, kind: str, allowed: Callable[[float], bool]) -> float:
    try:
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else nan
    except OverflowError:  # a whole number larger than any float
        number = inf
    if not (isfinite(number) and allowed(number)):
        raise InputError(f"{name}: expected {kind}; got {shown(value)}")
    return number


def checked_floats(
    name: str, values, *, shapes: dict[int, str], low: float = -LARGEST, high: float = LARGEST
) -> np.ndarray:
    """`values` as a C-contiguous float array with as many dimensions as a key of `shapes`, all in `low`…`high`.

    Lists of numbers will do. `shapes` holds the axes of each allowed number of dimensions, in words. The array may be
    `values` itself or a view of it: `read_only` makes of it one that can be kept.
    """
    try:
        given = np.asarray(values)
        if given.dtype.kind not in "iuf":
            raise TypeError
        array = np.ascontiguousarray(given, float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: expected {_floats(shapes)}; got {shown(values)}") from None
    if array.ndim not in shapes:
        raise InputError(f"{name}: expected {_floats(shapes)}; got shape {array.shape}")
    if not _within(array, low, high):
        wrong = array[~((array >= low) & (array <= high))][0]
        above = f" ≥ {low:g}" if low > -LARGEST else ""
        kind = f"finite numbers{above}" if high == LARGEST else f"numbers {low:g}…{high:g}"
        raise InputError(f"{name}: expected {kind}; got {wrong}")
    return array


def _floats(shapes: dict[int, str]) -> str:
    return " or ".join(f"float[{axes}]" for axes in shapes.values())


def _within(array: np.ndarray, low: float, high: float) -> bool:
    if low == -LARGEST and high == LARGEST:
        return np.count_nonzero(np.isfinite(array)) == array.size  # half the time of all() on small arrays
    return not array.size or (array.min() >= low and array.max() <= high)  # so put that NaN fails


def checked_indices(name: str, values, *, axis: str) -> np.ndarray:
    """`values` as a C-contiguous int64 array of one dimension, called `axis`; whole numbers may come as floats.

    As with `checked_floats` the array may be `values` itself.
    """
    array = _unchanged(values, np.int64, "iuf")
    if array is None:
        raise InputError(f"{name}: expected whole numbers; got {shown(values)}")
    if array.ndim != 1:
        raise InputError(f"{name}: expected int[{axis}]; got shape {array.shape}")
    return array


def checked_booleans(name: str, values, *, axis: str) -> np.ndarray:
    """`values` as a C-contiguous bool array of one dimension, called `axis`; True and False may come as 1 and 0.

    As with `checked_floats` the array may be `values` itself.
    """
    array = _unchanged(values, np.bool_, "biuf")
    if array is None:
        raise InputError(f"{name}: expected true and false; got {shown(values)}")
    if array.ndim != 1:
        raise InputError(f"{name}: expected bool[{axis}]; got shape {array.shape}")
    return array


def _unchanged(values, dtype: type[np.generic], kinds: str) -> np.ndarray | None:
    """`values` as a C-contiguous array; None where they are of other `kinds` or `dtype` does not hold them."""
    try:
        given = np.asarray(values)
    except (ValueError, OverflowError):  # rows of unequal length
        return None
    if given.dtype.kind not in kinds:
        return None
    if given.dtype == dtype:
        return np.ascontiguousarray(given)
    with np.errstate(invalid="ignore"):  # NumPy would cut 0.5 to the index 0 and wrap 2⁶³ around
        array = np.ascontiguousarray(given, dtype)
    return array if np.array_equal(array.ravel(), given.ravel()) else None


def checked_by_port(name: str, value) -> dict:
    """A new dictionary with what the mapping `value` holds, whose keys are texts."""
    if not isinstance(value, Mapping) or not all(isinstance(port, str) for port in value):
        raise InputError(f"{name}: expected a dictionary by port name; got {shown(value)}")
    return dict(value)


def read_only(array: np.ndarray, given) -> np.ndarray:
    """`array`, which was made from `given`, as one that cannot be written and that nobody can change through `given`.

    A copy only where it is needed: not where the two share no memory, nor where that memory is read-only already.
    """
    if isinstance(given, np.ndarray):
        lent = array is given or np.may_share_memory(array, given)  # an empty array shares none with itself
    else:
        lent = not isinstance(given, list | tuple)  # other objects may go on using memory they lend to NumPy
    if lent and not _is_fixed(array):
        array = array.copy()
    array.setflags(write=False)
    return array


def _is_fixed(array: np.ndarray) -> bool:
    while not array.flags.writeable and isinstance(array.base, np.ndarray):
        array = array.base
    return array.flags.owndata and not array.flags.writeable
