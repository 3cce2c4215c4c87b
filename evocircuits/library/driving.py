"""What the driver of a run writes, and whoever asks it to stop: each function is a transaction of its caller's."""

from collections.abc import Iterable
from json import loads

from sqlalchemy import Connection, delete, func, select

from evocircuits.errors import InputError
from evocircuits.library import ancestry, motifs, runs, schema
from evocircuits.library.checksum import canonical, opened, sealed
from evocircuits.lineage import Birth


def start(connection: Connection, row: dict) -> runs.RunRow:
    """Store a new run, or take up the stored one, by its row."""
    stored = connection.execute(select(schema.run).filter_by(id=row["id"])).first()
    if stored is None:
        connection.execute(schema.run.insert(), [row])
    elif (stored.recipe, stored.seed) != (row["recipe"], row["seed"]):
        raise InputError(f"run {row['id']}: expected the recipe and seed it was started with; got others")
    elif stored.status != "finished":
        _check_states(connection, row["id"])
        runs.change(connection, row["id"], status="running")
    return runs.read(*runs.rows_of(connection, [row["id"]]))[0]


def commit(
    connection: Connection,
    id: str,
    epoch: int,
    states: dict[int, bytes],
    report: dict,
    births: Iterable[Birth],
    living: Iterable[str] | None,
) -> str:
    """Store what an epoch leaves, in place of the former epoch's states; the run's status."""
    keys = {"run_id": id, "epoch": epoch}
    islands = [sealed({"run_id": id, "island": i, "state": s}) for i, s in sorted(states.items())]
    runs.change(connection, id, epoch=epoch)
    connection.execute(delete(schema.island_state).filter_by(run_id=id))
    connection.execute(delete(schema.report).filter_by(**keys))
    connection.execute(schema.report.insert(), [sealed(keys | {"report": canonical(report)})])
    if islands:
        connection.execute(schema.island_state.insert(), islands)
    ancestry.add_births(connection, births)
    if living is not None:
        _forget_all_but(connection, id, living)
    return runs.status(connection, id)


def finish(
    connection: Connection,
    id: str,
    found: Iterable[motifs.Prepared],
    result: dict | None,
    living: Iterable[str],
) -> None:
    """Store a run's motifs and result, and forget who has no descendant among them and the living."""
    runs.change(connection, id, status="finished")
    motifs.add_motifs(connection, found, found_by=id)
    _forget_all_but(connection, id, living)
    if result:
        _add_to_last_report(connection, id, result)


def extend(connection: Connection, id: str, recipe: dict) -> None:
    """Put a recipe of more epochs in place of a run's own, and mark it running."""
    _check_states(connection, id)
    row = dict(connection.execute(select(schema.run).where(schema.run.c.id == id)).mappings().one())
    changed = sealed(opened("run", runs.without_progress(row)) | {"recipe": canonical(recipe)})
    told = {"recipe": changed["recipe"], "checksum": changed["checksum"], "status": "running"}
    runs.change(connection, id, **told)


def request_stop(connection: Connection, id: str) -> None:
    """Ask the driver of a run to end."""
    if (status := runs.status(connection, id)) not in runs.UNDER_WAY:
        raise InputError(f"run {id}: expected a run that is running; it is {status}")
    runs.change(connection, id, status="stopping")


def _add_to_last_report(connection: Connection, id: str, more: dict) -> None:
    """Add keys to the report of a run's last epoch."""
    keys = {"run_id": id, "epoch": connection.scalar(select(schema.run.c.epoch).filter_by(id=id))}
    stored = connection.execute(select(schema.report).filter_by(**keys)).mappings().one()
    report = loads(opened("report", dict(stored))["report"]) | more
    connection.execute(delete(schema.report).filter_by(**keys))
    connection.execute(schema.report.insert(), [sealed(keys | {"report": canonical(report)})])


def _forget_all_but(connection: Connection, id: str, living: Iterable[str]) -> None:
    """Forget who was born in a run and has no descendant among these and the motifs that it found."""
    found = connection.scalars(select(schema.found.c.motif_id).filter_by(run_id=id))
    ancestry.forget(connection, id, ancestry.without_descendants(connection, id, {*found, *living}))


def _check_states(connection: Connection, id: str) -> None:
    """Refuse a run whose islands were pruned: it has nothing to go on from."""
    epoch = connection.scalar(select(schema.run.c.epoch).filter_by(id=id))
    if epoch is None:
        raise runs.unknown(id)
    states = select(func.count()).select_from(schema.island_state).filter_by(run_id=id)
    if epoch and not connection.scalar(states):
        raise InputError(
            f"run {id}: expected a run with its islands; they were pruned (evolve its recipe with another seed)"
        )
