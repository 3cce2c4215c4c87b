"""Networks trained of motifs between objects and rows: each function does its part of a transaction of its caller's."""

from collections.abc import Iterable
from dataclasses import dataclass
from json import loads

from sqlalchemy import Connection, delete, select

from evocircuits.library import choose, schema
from evocircuits.library.checksum import canonical, opened, sealed

KEY = ("data", "arm", "seed", "epochs", "copies")


@dataclass(frozen=True)
class Training:
    """A network of `copies` of a motif, or an `arm` to compare it with, trained on `data` for so many epochs.

    `result` is plain, ready for JSON: learning curves, accuracy on test samples, and costs (`nn.TrainingRun`).
    """

    motif: str
    data: str
    arm: str
    seed: int
    epochs: int
    copies: int
    version: str
    result: dict


def put(connection: Connection, trained: Iterable[Training]) -> None:
    """Store networks of stored motifs, each in place of an equally made one."""
    for one in trained:
        keys = {"motif_id": choose.motif_id(connection, one.motif)} | {
            name: getattr(one, name) for name in KEY
        }
        connection.execute(delete(schema.training).filter_by(**keys))
        row = sealed(keys | {"version": one.version, "result": canonical(one.result)})
        connection.execute(schema.training.insert(), [row])


def rows_of(connection: Connection, ids: Iterable[str]) -> list[dict]:
    """The rows of the networks trained of motifs, data after data; still sealed."""
    kept = schema.training.c
    rows = select(schema.training).where(kept.motif_id.in_(list(ids)))
    in_order = rows.order_by(kept.motif_id, *(kept[name] for name in KEY))
    return [dict(row) for row in connection.execute(in_order).mappings()]


def read(rows: Iterable[dict]) -> list[Training]:
    """The networks in such rows. Raises `InputError` for a damaged one."""
    found = []
    for row in rows:
        content = opened("training", row)
        content["result"] = loads(content["result"])
        found.append(Training(motif=content.pop("motif_id"), **content))
    return found
