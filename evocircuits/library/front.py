"""Those of a `Query` that no other beats in both score and all costs."""

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from evocircuits.library import schema
from evocircuits.library.query import COSTS, Query

listing = schema.listing.c

_WEIGHTS = (1.0, 4.0, 16.0)
"""How much the score counts beside the costs, in looking for some of the front that leave little of the rest."""


def front(connection: Connection, query: Query, wanted: list[ColumnElement[bool]], order: tuple) -> list[str]:
    """The ids of motifs of which `wanted` holds and that no other of these beats, in that order.

    One beats another if it is at least as good in everything and better in something. Of equals the first stands.
    """
    costs = [listing[COSTS[cost]] for cost in query.front]
    numbers = [listing.low, *costs]
    some = _some_of_front(connection, numbers, wanted)
    left = [
        or_(listing.low > row.low, *_cheaper(costs, row), listing.motif_id == row.motif_id) for row in some
    ]
    query_left = select(*numbers, listing.motif_id).where(*wanted, *left).order_by(*order)
    rows = connection.execute(query_left).all()
    points = np.array([tuple(row)[:-1] for row in rows], dtype=float).reshape(len(rows), len(numbers))
    points[:, 0] *= -1  # scores are to be large
    return [rows[k].motif_id for k in undominated(points)]


def _cheaper(costs: list, row: Row) -> list[ColumnElement[bool]]:
    return [cost < value for cost, value in zip(costs, row[1:-1], strict=True)]


def _some_of_front(connection: Connection, numbers: list, wanted: list) -> list[Row]:
    """The best by several weightings of score and costs: nothing beats these, and they beat most others."""
    ends = [end(column) for column in numbers for end in (func.min, func.max)]
    found = connection.execute(select(*ends).where(*wanted)).one()
    if found[0] is None:
        return []
    spans = [float(high - low) or 1.0 for low, high in zip(found[::2], found[1::2], strict=True)]
    dear = sum(column / span for column, span in zip(numbers[1:], spans[1:], strict=True))
    best = []
    for weight in _WEIGHTS:
        place = dear - listing.low * (weight / spans[0])
        first = select(*numbers, listing.motif_id).where(*wanted).order_by(place, *schema.PLACE).limit(1)
        best.append(connection.execute(first).one())
    return best


def undominated(points: np.ndarray) -> list[int]:
    """Places of the points (float[n, k], all to be small) that no other is ≤ in every column; of equals the first."""
    left = np.lexsort(points.T[::-1])  # so that nothing is beaten by what comes after it
    kept = []
    while len(left):
        at = left[0]
        kept.append(int(at))
        left = left[np.any(points[left] < points[at], axis=1)]
    return sorted(kept)
