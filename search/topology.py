"""Between which islands circuits migrate."""

from math import isqrt
from typing import Literal

TopologyName = Literal["ring", "torus", "full", "none"]


def neighbours(topology: TopologyName, n: int, island: int) -> tuple[int, ...]:
    """From which of `n` islands emigrants come to `island`, in order.

    `ring`: from the one before. `torus`: from all four sides on a grid as near to a square as `n` allows. `full`: from
    all others.
    """
    match topology:
        case "ring":
            found = {(island - 1) % n}
        case "torus":
            found = _sides(n, island)
        case "full":
            found = set(range(n))
        case "none":
            found = set()
    return tuple(sorted(found - {island}))


def _sides(n: int, island: int) -> set[int]:
    rows = next(k for k in range(isqrt(n), 0, -1) if n % k == 0)
    row, column = divmod(island, columns := n // rows)
    up_and_down = {(row + step) % rows * columns + column for step in (-1, 1)}
    left_and_right = {row * columns + (column + step) % columns for step in (-1, 1)}
    return up_and_down | left_and_right
