"""One hash over what a library holds of motifs and scores, to tell whether two hold the same."""

import hashlib

from sqlalchemy import Select, select, tuple_

from evocircuits.library import schema
from evocircuits.library.checksum import canonical
from evocircuits.library.choose import of_run
from evocircuits.library.database import Database

_BATCH = 200


def rows_hash(database: Database, run: str | None = None) -> str:
    """SHA-256 over all motif and score rows (or one run's), whatever the order they came in.

    They are read a few at a time: of a library that is written to meanwhile it is the hash of no single moment.
    """
    motif, score = schema.motif, schema.score
    wanted = () if run is None else (of_run(motif.c.id, motif.c.run, run),)
    digest = hashlib.sha256()
    for query, key in (
        (select(motif).where(*wanted), (motif.c.id,)),
        (select(score).join(motif).where(*wanted), tuple(score.primary_key.columns)),
    ):
        for row in _in_order(database, query, key):
            digest.update(canonical(row).encode() + b"\n")
    return digest.hexdigest()


def _in_order(database: Database, query: Select, key: tuple):
    rows = database.read(_page, query, key, None)
    while rows:
        yield from rows
        rows = database.read(_page, query, key, rows[-1])


def _page(connection, query: Select, key: tuple, last: dict | None) -> list[dict]:
    if last is not None:
        query = query.where(tuple_(*key) > tuple_(*(last[column.name] for column in key)))
    rows = connection.execute(query.order_by(*key).limit(_BATCH)).mappings()
    return [dict(row) for row in rows]
