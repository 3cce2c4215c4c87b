"""Between objects and rows: each function does its part of a transaction that its caller opened."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from json import loads

from sqlalchemy import ColumnElement, Connection, Select, Subquery, delete, func, or_, select, update

from evocircuits.errors import InputError
from evocircuits.library import schema
from evocircuits.library.schema import canonical, opened, sealed
from evocircuits.motif import Motif, MotifScore

UNDER_WAY = ("running", "stopping")


@dataclass(frozen=True)
class RunRow:
    """A run as stored. `epoch` is the last committed (0 before the first); `reports` has a dict per epoch."""

    id: str
    recipe: dict
    seed: int
    versions: dict
    status: str  # 'running', 'stopping', 'stopped', 'finished' or 'failed'
    epoch: int
    reports: list[dict]

    @property
    def under_way(self) -> bool:
        """Whether the run has not come to an end, as far as its row says: nobody may drive it."""
        return self.status in UNDER_WAY


def add_motifs(connection: Connection, motifs: Iterable[Motif], *, found_by: str | None = None) -> None:
    """Insert what is new, and put every score in place of one of the same task, trials and seed."""
    stored, added = set(connection.scalars(select(schema.motif.c.id))), set()
    for motif in motifs:
        if motif.id not in stored | added:
            connection.execute(schema.motif.insert(), [_motif_row(motif)])
        added.add(motif.id)
        for score in motif.scores:
            row = _score_row(motif, score)
            keys = {name: row[name] for name in ("motif_id", "task", "trials", "seed")}
            connection.execute(delete(schema.score).filter_by(**keys))
            connection.execute(schema.score.insert(), [row])
    if found_by and added:
        connection.execute(delete(schema.found).filter_by(run_id=found_by))
        links = [{"run_id": found_by, "motif_id": id} for id in sorted(added)]
        connection.execute(schema.found.insert(), links)


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


def of_run(beginning: str) -> ColumnElement[bool]:
    """Whether a motif was found by the run whose id begins so, in this library or another."""
    found, motif = schema.found, schema.motif
    here = select(found.c.motif_id).where(found.c.run_id.startswith(beginning, autoescape=True))
    return or_(motif.c.id.in_(here), motif.c.run.startswith(beginning, autoescape=True))


def scores_over_most_trials() -> Subquery:
    """(motif_id, task, low, energy_pJ) of each motif's score over the most trials on each task."""
    score = schema.score
    rank = func.row_number().over(
        partition_by=(score.c.motif_id, score.c.task), order_by=(score.c.trials.desc(), score.c.seed)
    )
    kept = score.c.motif_id, score.c.task, score.c.low, score.c.energy_pJ
    ranked = select(*kept, rank.label("rank")).subquery()
    return select(ranked).where(ranked.c.rank == 1).subquery()


def read_motifs(connection: Connection, query: Select) -> list[Motif]:
    """The motifs of a query over the motif table, in its order, with all their scores."""
    rows = [opened("motif", dict(row)) for row in connection.execute(query).mappings()]
    chosen = query.with_only_columns(schema.motif.c.id).subquery()
    scores: dict[str, list[dict]] = {row["id"]: [] for row in rows}
    of_chosen = select(schema.score).where(schema.score.c.motif_id.in_(select(chosen.c.id)))
    for row in connection.execute(of_chosen.order_by(*schema.score.primary_key.columns)).mappings():
        content = opened("score", dict(row))
        scores[content.pop("motif_id")].append(content)
    return [Motif.from_dict(_motif_dict(row) | {"scores": scores[row["id"]]}) for row in rows]


def _motif_dict(row: dict) -> dict:
    written = {name: loads(row[name]) for name in ("genome", "circuit", "provenance")}
    return {"id": row["id"], "dt_ms": row["dt_ms"], **written}


def resolve(connection: Connection, column, prefix: str, kind: str, listing: str) -> str:
    """The one id that is `prefix` or begins with it; `listing` is the command that lists them."""
    beginning = str(prefix).strip()
    found = connection.scalars(
        select(column).where(column.startswith(beginning, autoescape=True)).order_by(column).limit(4)
    ).all()
    if beginning in found:
        return beginning
    if not found:
        raise InputError(
            f"{kind} {prefix!r}: expected an id or the beginning of one; none fits (list them: {listing})"
        )
    if len(found) > 1:
        some = ", ".join(id if kind == "run" else id[: max(8, len(beginning) + 4)] for id in found[:3])
        raise InputError(
            f"{kind} {prefix!r}: expected one id; several begin so: {some} … (list them: {listing})"
        )
    return found[0]


def read_run(connection: Connection, id: str) -> RunRow:
    """The run of that id with its reports."""
    stored = connection.execute(select(schema.run).where(schema.run.c.id == id)).mappings().first()
    if stored is None:
        raise InputError(f"run {id!r}: expected a run of this library")
    row = dict(stored)
    status, epoch = row.pop("status"), row.pop("epoch")
    row = opened("run", row)
    in_order = select(schema.report).filter_by(run_id=id).order_by(schema.report.c.epoch)
    reports = connection.execute(in_order).mappings().all()
    return RunRow(
        id=id,
        recipe=loads(row["recipe"]),
        seed=row["seed"],
        versions=loads(row["versions"]),
        status=status,
        epoch=epoch,
        reports=[loads(opened("report", dict(r))["report"]) for r in reports],
    )


def read_status(connection: Connection, id: str) -> str:
    """Whether the run of that id is running, stopping, stopped, finished or failed."""
    status = connection.scalar(select(schema.run.c.status).where(schema.run.c.id == id))
    if status is None:
        raise InputError(f"run {id!r}: expected a run of this library")
    return status


def set_recipe(connection: Connection, id: str, recipe: dict) -> None:
    """Put another recipe in place of a run's own."""
    row = dict(connection.execute(select(schema.run).where(schema.run.c.id == id)).mappings().one())
    for name in ("status", "epoch"):  # which the checksum does not cover
        del row[name]
    changed = sealed(opened("run", row) | {"recipe": canonical(recipe)})
    set_run(connection, id, recipe=changed["recipe"], checksum=changed["checksum"])


def add_to_last_report(connection: Connection, id: str, more: dict) -> None:
    """Add keys to the report of a run's last epoch."""
    keys = {"run_id": id, "epoch": connection.scalar(select(schema.run.c.epoch).filter_by(id=id))}
    stored = connection.execute(select(schema.report).filter_by(**keys)).mappings().one()
    report = loads(opened("report", dict(stored))["report"]) | more
    connection.execute(delete(schema.report).filter_by(**keys))
    connection.execute(schema.report.insert(), [sealed(keys | {"report": canonical(report)})])


def set_run(connection: Connection, id: str, **values) -> None:
    """Change columns of a run."""
    if connection.execute(update(schema.run).where(schema.run.c.id == id).values(**values)).rowcount == 0:
        raise InputError(f"run {id!r}: expected a run of this library")
