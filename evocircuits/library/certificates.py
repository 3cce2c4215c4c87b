"""Certificates between objects and rows: each function does its part of a transaction of its caller's."""

from collections.abc import Iterable
from json import loads

from sqlalchemy import Connection, delete, select

from evocircuits.certificate import Certificate
from evocircuits.library import choose, schema
from evocircuits.library.checksum import canonical, opened, sealed


def put(connection: Connection, certificate: Certificate) -> None:
    """Store a certificate of a motif in place of one over the same trials of the same task, and what it is made of."""
    motif_id = choose.motif_id(connection, certificate.motif)
    keys = {"motif_id": motif_id, "task": certificate.task}
    keys |= {"trials": certificate.trials, "seed": certificate.seed}
    written = {"version": certificate.version, "certificate": canonical(certificate.to_dict())}
    connection.execute(delete(schema.certificate).filter_by(**keys))
    connection.execute(schema.certificate.insert(), [sealed(keys | written)])
    names = sorted({structure.name for structure in certificate.structures})
    connection.execute(delete(schema.structure).filter_by(motif_id=motif_id))
    if names:
        connection.execute(
            schema.structure.insert(), [sealed({"motif_id": motif_id, "name": name}) for name in names]
        )


def rows_of(connection: Connection, ids: Iterable[str]) -> list[dict]:
    """The rows of the certificates of motifs, of each task that over most trials first; still sealed."""
    kept = schema.certificate.c
    rows = select(schema.certificate).where(kept.motif_id.in_(list(ids)))
    in_order = rows.order_by(kept.motif_id, kept.task, kept.trials.desc(), kept.seed)
    return [dict(row) for row in connection.execute(in_order).mappings()]


def read(rows: Iterable[dict]) -> list[Certificate]:
    """The certificates in such rows. Raises `InputError` for a damaged one."""
    return [Certificate.from_dict(loads(opened("certificate", row)["certificate"])) for row in rows]
