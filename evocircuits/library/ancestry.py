"""Lineage between births and rows: who was bred from whom, of motifs and of the circuits between them.

A run hands over the births of each epoch as they come; of a child born twice in a run the first birth stands, so that
nobody is his own ancestor. When the run is finished, those from whom no motif and nobody alive descends are forgotten.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, delete, or_, select

from evocircuits.library import schema
from evocircuits.library.checksum import opened, sealed
from evocircuits.lineage import Birth, Lineage, first_births
from evocircuits.motif import Motif

_BATCH = 200


def birth_of(motif: Motif) -> Birth:
    """What a motif's provenance tells of its birth."""
    told = motif.provenance
    return Birth(motif.id, told.parents, told.operator, told.run, told.epoch, told.island)


def add_births(connection: Connection, births: Iterable[Birth]) -> None:
    """Store births in order. Of a child of a run the first one stands, and nobody is his own parent."""
    first: dict[tuple[str, str], Birth] = {}
    for birth in births:
        if birth.child not in birth.parents:
            first.setdefault((birth.child, birth.run or ""), birth)
    keys = list(first)
    for start in range(0, len(keys), _BATCH):
        batch = keys[start : start + _BATCH]
        known = _known(connection, [child for child, _ in batch])
        rows = [row for key in batch if key not in known for row in rows_for(first[key])]
        if rows:
            connection.execute(schema.lineage.insert(), rows)


def _known(connection: Connection, children: Sequence[str]) -> set[tuple[str, str]]:
    lineage = schema.lineage.c
    query = select(lineage.child, lineage.run).where(lineage.child.in_(children), lineage.place == 0)
    return {tuple(row) for row in connection.execute(query)}


def rows_for(birth: Birth) -> list[dict]:
    """A row for each parent, or one without a parent."""
    plain = {"child": birth.child, "run": birth.run or "", "operator": birth.operator}
    plain |= {"epoch": birth.epoch, "island": birth.island}
    parents = birth.parents or (None,)
    return [sealed(plain | {"place": place, "parent": parent}) for place, parent in enumerate(parents)]


def births_for(rows: Iterable[dict]) -> list[Birth]:
    """The births of such rows, by child and run. Raises `InputError` for a damaged one."""
    parents: dict[tuple[str, str], list[tuple[int, dict]]] = {}
    for row in rows:
        content = opened("lineage", row)
        parents.setdefault((content["child"], content["run"]), []).append((content["place"], content))
    births = []
    for (child, run), placed in sorted(parents.items()):
        known = [row for _, row in sorted(placed, key=lambda p: p[0])]
        ids = tuple(row["parent"] for row in known if row["parent"] is not None)
        first = known[0]
        births.append(Birth(child, ids, first["operator"], run or None, first["epoch"], first["island"]))
    return births


def rows_above(connection: Connection, id: str) -> list[dict]:
    """The rows of a circuit and all its ancestors."""
    lineage = schema.lineage.c
    above = select(lineage.parent.label("id")).where(lineage.child == id).cte("above", recursive=True)
    above = above.union(select(lineage.parent).join(above, lineage.child == above.c.id))
    chosen = or_(lineage.child == id, lineage.child.in_(select(above.c.id)))
    return [dict(row) for row in connection.execute(select(schema.lineage).where(chosen)).mappings()]


def lineage_of(id: str, rows: Iterable[dict], run: str | None) -> Lineage:
    """The lineage of a circuit in such rows; of births in several runs those in `run` count.

    Raises `InputError` for a damaged row.
    """
    births = first_births(births_for(rows), run)
    lineage = Lineage(id, births)
    reached = {ancestor for ancestor, _, _ in lineage.walk()}
    return Lineage(id, {child: birth for child, birth in births.items() if child in reached})


def without_descendants(connection: Connection, run_id: str, kept: Collection[str]) -> list[str]:
    """Those born in a run who are neither among `kept` nor ancestors of any of them there."""
    lineage = schema.lineage.c
    parents: dict[str, list[str]] = {}
    for child, parent in connection.execute(select(lineage.child, lineage.parent).filter_by(run=run_id)):
        parents.setdefault(child, []).append(parent)
    waiting, reached = [child for child in parents if child in kept], set()
    while waiting:
        if (id := waiting.pop()) not in reached:
            reached.add(id)
            waiting += [parent for parent in parents.get(id, ()) if parent is not None]
    return sorted(parents.keys() - reached)


def forget(connection: Connection, run_id: str, children: Sequence[str]) -> None:
    """Drop the births of these in a run."""
    lineage = schema.lineage.c
    for start in range(0, len(children), _BATCH):
        batch = children[start : start + _BATCH]
        connection.execute(delete(schema.lineage).where(lineage.run == run_id, lineage.child.in_(batch)))
