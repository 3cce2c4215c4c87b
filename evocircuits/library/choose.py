"""From a `Query` to rows of the table `listing`, in order: each function does its part of a caller's transaction.

Everything here looks through narrow rows or an index of them alone: how long it takes does not depend on how large the
circuits are.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isinf

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.front import front
from evocircuits.library.query import COSTS, Query

listing = schema.listing.c

_AT_ONCE = 500
"""Rows fetched together where it may take few to know enough."""


def resolve(connection: Connection, column, prefix: str, kind: str, where: str) -> str:
    """The one id that is `prefix` or begins with it; `where` is the command that lists them."""
    beginning = str(prefix).strip()
    found = connection.scalars(
        select(column).where(begins(column, beginning)).order_by(column).limit(4)
    ).all()
    if beginning in found:
        return beginning
    if not found:
        raise InputError(
            f"{kind} {prefix!r}: expected an id or the beginning of one; none fits (list them: {where})"
        )
    if len(found) > 1:
        some = ", ".join(id if kind == "run" else id[: max(8, len(beginning) + 4)] for id in found[:3])
        raise InputError(
            f"{kind} {prefix!r}: expected one id; several begin so: {some} … (list them: {where})"
        )
    return found[0]


def find(connection: Connection, column, prefix: str) -> str | None:
    """The one id that is `prefix` or begins with it, None where there is none or several."""
    try:
        return resolve(connection, column, prefix, "", "")
    except InputError:
        return None


def motif_id(connection: Connection, prefix: str) -> str:
    """The id of the motif whose id begins so."""
    return resolve(connection, schema.motif.c.id, prefix.lower(), "motif", "evocircuits ls")


def run_id(connection: Connection, prefix: str) -> str:
    """The id of the run whose id begins so."""
    return resolve(connection, schema.run.c.id, prefix, "run", "evocircuits ls --runs")


def subject(connection: Connection, prefix: str) -> str:
    """The id of the one motif or run whose id begins so."""
    found = find(connection, schema.motif.c.id, prefix), find(connection, schema.run.c.id, prefix)
    if (found[0] is None) == (found[1] is None):
        raise InputError(
            f"{prefix!r}: expected the id of one motif or run, or its beginning (list them: evocircuits ls, "
            "evocircuits ls --runs)"
        )
    return found[0] or found[1]


def begins(column, beginning: str) -> ColumnElement[bool]:
    """Whether a text begins so, letter by letter; an index of the column serves it."""
    return and_(column >= beginning, column < beginning + "\U0010ffff")


def of_run(motif, run, beginning: str) -> ColumnElement[bool]:
    """Whether a motif was found by the run whose id begins so, in this library or another."""
    here = select(schema.found.c.motif_id).where(begins(schema.found.c.run_id, beginning))
    return or_(motif.in_(here), begins(run, beginning))


def chosen(connection: Connection, query: Query) -> list[tuple[str, str, int]]:
    """(motif id, task, how many are of its shape) of what a query chooses, in its order.

    The task is '' of a motif without a score on its own task; the number is 1 unless the query groups.
    """
    wanted = _conditions(query, _shape(connection, query))
    if query.front:
        found = front(connection, query, wanted, _order(query))
        return [(id, query.task, 1) for id in _page(found, query)]
    if query.group:
        return _groups(connection, query, wanted)
    rows = select(listing.motif_id, listing.task).where(*wanted).order_by(*_order(query))
    return [(*row, 1) for row in connection.execute(_paged(rows, query))]


def counted(connection: Connection, query: Query, most: int) -> int:
    """How many a query chooses, its page left aside, counted up to `most`; mostly without their order."""
    whole = replace(query, limit=most, offset=0)
    if query.front or query.group:
        return len(chosen(connection, whole))
    rows = select(listing.motif_id).where(*_conditions(query, _shape(connection, query))).limit(most)
    return connection.scalar(select(func.count()).select_from(rows.subquery()))


def of_ids(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str, int]]:
    """The same of motifs by their ids, each on its own task."""
    rows = select(listing.motif_id, listing.task).where(listing.own > 0, listing.motif_id.in_(ids))
    return [(*row, 1) for row in connection.execute(rows)]


def _shape(connection: Connection, query: Query) -> str | None:
    of_motif = select(schema.motif.c.shape).where(schema.motif.c.id == query.shape)
    return None if query.shape is None else connection.scalar(of_motif)


def _conditions(query: Query, shape: str | None) -> list[ColumnElement[bool]]:
    wanted = [listing.own > 0 if query.task is None else listing.task == query.task]
    bounds = (
        (query.min_score, listing.normalised, "__ge__"),
        (query.min_neurons, listing.n_neurons, "__ge__"),
        (query.max_neurons, listing.n_neurons, "__le__"),
        (query.max_synapses, listing.n_synapses, "__le__"),
        (shape, listing.shape, "__eq__"),
    )
    wanted += [getattr(column, compared)(bound) for bound, column, compared in bounds if bound is not None]
    if query.run is not None:
        wanted.append(of_run(listing.motif_id, listing.run, query.run))
    low, high = query.ei or (None, None)
    if low:
        wanted.append(listing.n_excitatory >= low * listing.n_inhibitory)
    if high is not None and not isinf(high):
        wanted.append(listing.n_excitatory <= high * listing.n_inhibitory)
    wanted += [listing.motif_id.in_(select(schema.tag.c.motif_id).filter_by(tag=tag)) for tag in query.tag]
    if query.structure is not None:
        named = select(schema.structure.c.motif_id).filter_by(name=query.structure)
        wanted.append(listing.motif_id.in_(named))
    return wanted + [_mentions(word) for word in (query.text or "").split()]


def _mentions(word: str) -> ColumnElement[bool]:
    tag, note = schema.tag.c, schema.note.c
    tagged = select(tag.motif_id).where(tag.tag.icontains(word, autoescape=True))
    noted = select(note.motif_id).where(
        note.text.icontains(word, autoescape=True), note.motif_id.is_not(None)
    )
    return or_(
        listing.words.contains(word.lower(), autoescape=True),
        begins(listing.motif_id, word.lower()),
        listing.motif_id.in_(tagged),
        listing.motif_id.in_(noted),
    )


def _order(query: Query) -> tuple:
    if query.sort != "score":
        cost = listing[COSTS[query.sort]]
        return cost.asc().nulls_last(), listing.low.desc(), listing.motif_id
    return schema.PLACE if query.task is not None else (listing.own, listing.task, *schema.PLACE)


def _paged(rows: Select, query: Query) -> Select:
    return rows.limit(query.limit).offset(query.offset or None)


def _page(rows: list, query: Query) -> list:
    return rows[query.offset :][: query.limit]


def _groups(connection: Connection, query: Query, wanted: list) -> list[tuple[str, str, int]]:
    """The first of each shape, read no further than it takes; and how many there are of each that is shown."""
    rows = select(listing.motif_id, listing.task, listing.shape).where(*wanted).order_by(*_order(query))
    last = None if query.limit is None else query.offset + query.limit
    first: dict[str, tuple[str, str]] = {}
    with connection.execute(rows, execution_options={"yield_per": _AT_ONCE}) as found:
        for id, task, shape in found:
            if len(first) == last:
                break
            first.setdefault(shape, (id, task))
    page = dict(_page(list(first.items()), query))
    counted = select(listing.shape, func.count()).where(*wanted, listing.shape.in_(page))
    sizes = dict(connection.execute(counted.group_by(listing.shape)).all())
    return [(*row, sizes[shape]) for shape, row in page.items()]
