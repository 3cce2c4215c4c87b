"""A motif in a few numbers, as listings show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from evocircuits.library import schema
from evocircuits.library.annotations import tag_rows, tags_of
from evocircuits.library.checksum import opened
from evocircuits.library.motifs import KEY
from evocircuits.motif import MotifScore


@dataclass(frozen=True)
class MotifRow:
    """A motif in a few numbers. `score` is that on the task asked for, by default its own; None where it has none.

    `alike`: how many motifs of its shape were found, where they are grouped.
    """

    id: str
    shape: str
    origin: str
    run: str | None
    operator: str | None
    excitatory: int
    inhibitory: int
    synapses: int
    score: MotifScore | None
    tags: tuple[str, ...] = ()
    alike: int = 1


def rows_of(connection: Connection, chosen: Sequence[tuple[str, str, int]]) -> tuple[list[dict], ...]:
    """What is stored of the motifs that `choose.chosen` names: of listing, scores and tags; still sealed."""
    ids = [id for id, _, _ in chosen]
    tables = schema.listing, schema.score
    queries = [select(table).where(table.c.motif_id.in_(ids)) for table in tables]
    found = [[dict(row) for row in connection.execute(query).mappings()] for query in queries]
    return *found, tag_rows(connection, ids)


def read(
    chosen: Sequence[tuple[str, str, int]], listed: list[dict], scores: list[dict], tags: list[dict]
) -> list[MotifRow]:
    """The motifs of such rows, in the order in which they were chosen. Raises `InputError` for a damaged one."""
    place = {(row["motif_id"], row["task"]): row for row in listed}
    of_key = {tuple(row[name] for name in KEY): row for row in scores}
    tags_by_motif = tags_of(tags)
    rows = []
    for id, task, alike in chosen:
        if (row := place.get((id, task))) is None:  # pruned meanwhile
            continue
        known = opened("listing", row)
        score = of_key.get(tuple(known[name] for name in KEY))
        rows.append(_row(known, score and _score(score), tags_by_motif.get(id, ()), alike))
    return rows


def _score(row: dict) -> MotifScore:
    content = opened("score", row)
    del content["motif_id"]
    return MotifScore(**content)


def _row(known: dict, score: MotifScore | None, tags: tuple[str, ...], alike: int) -> MotifRow:
    return MotifRow(
        id=known["motif_id"],
        shape=known["shape"],
        origin=known["origin"],
        run=known["run"],
        operator=known["operator"],
        excitatory=known["n_excitatory"],
        inhibitory=known["n_inhibitory"],
        synapses=known["n_synapses"],
        score=score,
        tags=tags,
        alike=alike,
    )
