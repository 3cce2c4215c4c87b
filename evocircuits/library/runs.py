"""Runs between objects and rows: each function does its part of a transaction of its caller's."""

from collections.abc import Iterable
from dataclasses import dataclass
from json import loads

from sqlalchemy import Connection, select, update

from evocircuits.errors import InputError
from evocircuits.library import choose, schema
from evocircuits.library.checksum import canonical, opened, sealed

UNDER_WAY = ("running", "stopping")
STATUSES = (*UNDER_WAY, "stopped", "finished", "failed")


@dataclass(frozen=True)
class RunRow:
    """A run as stored. `epoch` is the last committed (0 before the first); `reports` has a dict per epoch."""

    id: str
    recipe: dict
    seed: int
    versions: dict
    status: str  # one of STATUSES
    epoch: int
    reports: list[dict]

    @property
    def under_way(self) -> bool:
        """Whether the run has not come to an end, as far as its row says: nobody may drive it."""
        return self.status in UNDER_WAY


def new_row(id: str, recipe: dict, seed: int, versions: dict) -> dict:
    """The row of a run that begins."""
    plain = {"id": id, "recipe": canonical(recipe), "seed": seed, "versions": canonical(versions)}
    return sealed(plain) | {"status": "running", "epoch": 0}


def all_ids(connection: Connection) -> list[str]:
    """The ids of all runs, in order."""
    return list(connection.scalars(select(schema.run.c.id).order_by(schema.run.c.id)))


def rows_of(connection: Connection, ids: Iterable[str]) -> tuple[list[dict], list[dict]]:
    """The rows of runs, by id, and those of all their reports, epoch after epoch; still sealed."""
    ids = list(ids)
    runs = select(schema.run).where(schema.run.c.id.in_(ids)).order_by(schema.run.c.id)
    reports = select(schema.report).where(schema.report.c.run_id.in_(ids)).order_by(schema.report.c.epoch)
    found = connection.execute(runs).mappings().all()
    return [dict(row) for row in found], [dict(row) for row in connection.execute(reports).mappings()]


def read(runs: Iterable[dict], reports: Iterable[dict]) -> list[RunRow]:
    """The runs of such rows. Raises `InputError` for one that is damaged."""
    of_run: dict[str, list[dict]] = {}
    for row in reports:
        of_run.setdefault(row["run_id"], []).append(loads(opened("report", row)["report"]))
    return [_run(row, of_run.get(row["id"], [])) for row in runs]


def _run(row: dict, reports: list[dict]) -> RunRow:
    content = opened("run", without_progress(row))
    recipe, versions = loads(content["recipe"]), loads(content["versions"])
    return RunRow(
        content["id"], recipe, content["seed"], versions, row["status"], row["epoch"], reports=reports
    )


def without_progress(row: dict) -> dict:
    """A run's row without what its checksum does not cover."""
    return {name: value for name, value in row.items() if name not in ("status", "epoch")}


def rows_beginning(connection: Connection, prefix: str) -> tuple[list[dict], list[dict]]:
    """The rows of the run whose id begins so, and those of its reports."""
    return rows_of(connection, [choose.run_id(connection, prefix)])


def rows_of_states(connection: Connection, id: str) -> tuple[int, list[dict]]:
    """A run's last committed epoch, and the rows of its islands' states; still sealed."""
    epoch = connection.scalar(select(schema.run.c.epoch).where(schema.run.c.id == id))
    if epoch is None:
        raise unknown(id)
    states = select(schema.island_state).filter_by(run_id=id)
    return epoch, [dict(row) for row in connection.execute(states).mappings()]


def states(epoch: int, rows: Iterable[dict]) -> tuple[int, dict[int, bytes]]:
    """That epoch, and the states in such rows by island. Raises `InputError` for a damaged one."""
    islands = [opened("island_state", row) for row in rows]
    return epoch, {row["island"]: row["state"] for row in sorted(islands, key=lambda row: row["island"])}


def unknown(id: str) -> InputError:
    """What is said of a run that there is not."""
    return InputError(f"run {id!r}: expected a run of this library")


def status(connection: Connection, id: str) -> str:
    """Whether the run of that id is running, stopping, stopped, finished or failed."""
    found = connection.scalar(select(schema.run.c.status).where(schema.run.c.id == id))
    if found is None:
        raise unknown(id)
    return found


def change(connection: Connection, id: str, **values) -> None:
    """Change columns of a run."""
    if connection.execute(update(schema.run).where(schema.run.c.id == id).values(**values)).rowcount == 0:
        raise unknown(id)
