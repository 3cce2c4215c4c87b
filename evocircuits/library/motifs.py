"""Motifs and their scores between objects and rows: each function does its part of a transaction of its caller's."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from json import loads

from sqlalchemy import Connection, bindparam, delete, select

from evocircuits.errors import InputError
from evocircuits.library import ancestry, choose, listing, schema
from evocircuits.library.checksum import canonical, opened, sealed
from evocircuits.lineage import Birth
from evocircuits.motif import Motif, MotifScore

BATCH = 200
"""So many rows are read or written by one statement."""

KEY = ("motif_id", "task", "trials", "seed")


def in_batches(items: Iterable, n: int = BATCH) -> Iterator[list]:
    """Lists of `n` items; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, n)):
        yield batch


@dataclass(frozen=True)
class Prepared:
    """A motif as rows: its own, those of its scores, and what it tells of its birth."""

    row: dict
    scores: list[dict]
    birth: Birth

    @property
    def id(self) -> str:
        """The motif's id."""
        return self.row["id"]


def prepared(motifs: Iterable[Motif]) -> list[Prepared]:
    """Motifs as rows, which takes longer than to store them. Raises `InputError` for a score that is not finite."""
    return [
        Prepared(_motif_row(m), [_score_row(m, score) for score in m.scores], ancestry.birth_of(m))
        for m in motifs
    ]


def add_motifs(
    connection: Connection,
    motifs: Iterable[Prepared],
    *,
    births: Iterable[Birth] = (),
    found_by: str | None = None,
) -> None:
    """Insert what is new, and put every score in place of one of the same task, trials and seed.

    `births` tell of the motifs' lineage, beyond what their provenance does.
    """
    ancestry.add_births(connection, births)
    added: set[str] = set()
    for batch in in_batches(motifs):
        _add_batch(connection, batch)
        added.update(motif.id for motif in batch)
    if found_by and added:
        connection.execute(delete(schema.found).filter_by(run_id=found_by))
        links = [sealed({"run_id": found_by, "motif_id": id}) for id in sorted(added)]
        connection.execute(schema.found.insert(), links)


def _add_batch(connection: Connection, batch: Sequence[Prepared]) -> None:
    first: dict[str, Prepared] = {}
    for motif in batch:
        first.setdefault(motif.id, motif)
    stored = set(connection.scalars(select(schema.motif.c.id).where(schema.motif.c.id.in_(first))))
    if new := [motif.row for id, motif in first.items() if id not in stored]:
        connection.execute(schema.motif.insert(), new)
    _put_scores(connection, [row for motif in batch for row in motif.scores], stored)
    ancestry.add_births(connection, [motif.birth for motif in first.values()])
    listing.renew(connection, list(first))


def _put_scores(connection: Connection, rows: Sequence[dict], stored: set[str]) -> None:
    last = {tuple(row[name] for name in KEY): row for row in rows}
    replaced = [{f"the_{name}": row[name] for name in KEY} for row in last.values() if row[KEY[0]] in stored]
    if replaced:
        same = [schema.score.c[name] == bindparam(f"the_{name}") for name in KEY]
        connection.execute(delete(schema.score).where(*same), replaced)
    if last:
        connection.execute(schema.score.insert(), list(last.values()))


def _motif_row(motif: Motif) -> dict:
    data = motif.to_dict()
    e = int(motif.circuit.excitatory.sum())
    evolved_for = motif.provenance.recipe.get("task")
    named = isinstance(evolved_for, str) and ":" not in evolved_for  # else tasks of a file, or several
    own_task = evolved_for if named else next((s.task for s in motif.scores), None)
    return sealed(
        {
            "id": motif.id,
            "shape": motif.circuit.shape,
            "task": own_task,
            "run": motif.provenance.run,
            "dt_ms": float(motif.dt_ms),
            "n_excitatory": e,
            "n_inhibitory": motif.circuit.n_neurons - e,
            "n_synapses": motif.circuit.n_synapses,
        }
        | {name: canonical(data[name]) for name in ("genome", "circuit", "provenance")}
    )


def _score_row(motif: Motif, score: MotifScore) -> dict:
    row = {"motif_id": motif.id, **asdict(score)}
    for name in ("raw", "low", "high", "normalised", "spikes", "synaptic_events", "energy_pJ"):
        row[name] = float(row[name])
        if not math.isfinite(row[name]):
            raise InputError(
                f"library: motif {motif.id[:8]}: expected a finite {name} on {score.task}; got {row[name]}"
            )
    return sealed(row)


def rows_beginning(connection: Connection, prefix: str) -> tuple[list[dict], list[dict]]:
    """The rows of the motif whose id begins so."""
    return rows_of(connection, [choose.motif_id(connection, prefix)])


def rows_of(connection: Connection, ids: Sequence[str]) -> tuple[list[dict], list[dict]]:
    """The rows of motifs, in the order of their ids, and those of all their scores; still sealed."""
    query = select(schema.motif).where(schema.motif.c.id.in_(ids))
    found = {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    scores = select(schema.score).where(schema.score.c.motif_id.in_(ids))
    in_order = connection.execute(scores.order_by(*schema.score.primary_key.columns)).mappings()
    return [found[id] for id in ids if id in found], [dict(row) for row in in_order]


def read(motifs: Iterable[dict], scores: Iterable[dict]) -> list[Motif]:
    """The motifs of such rows. Raises `InputError` for one that is damaged."""
    of_motif: dict[str, list[dict]] = {}
    for row in scores:
        content = opened("score", row)
        of_motif.setdefault(content.pop("motif_id"), []).append(content)
    return [Motif.from_dict(plain(row, of_motif.get(row["id"], []))) for row in motifs]


def plain(row: dict, scores: list[dict]) -> dict:
    """A motif's row and its scores as `Motif.to_dict` would have them."""
    content = opened("motif", row)
    written = {name: loads(content[name]) for name in ("genome", "circuit", "provenance")}
    return {"id": content["id"], "dt_ms": content["dt_ms"], **written, "scores": scores}
