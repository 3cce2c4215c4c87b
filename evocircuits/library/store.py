"""`Library`: motifs, scores and runs behind a database URL. Each public method is one transaction."""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, and_, create_engine, delete, exc, inspect, select, true
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from evocircuits.errors import InputError
from evocircuits.library import rows, schema
from evocircuits.library.rows import RunRow
from evocircuits.library.schema import canonical, opened, sealed
from evocircuits.motif import Motif

DEFAULT_URL = "sqlite:///runs/library.db"
VARIABLE = "EVOCIRCUITS_LIBRARY"
_DAMAGE = ("malformed", "Could not decode", "unsupported file format")


class Library:
    """Motifs, scores and runs in the database at `url`, created when missing.

    `url` is an SQLAlchemy URL; None means the variable EVOCIRCUITS_LIBRARY or `sqlite:///runs/library.db`.

    Raises `InputError` when the file is no library, is damaged, or was written with another schema version;
    such a file is left as it is. Failures of the storage itself (disk full, locked for 30 s) raise `OSError`.
    """

    def __init__(self, url: str | None = None):
        self.url = url or os.environ.get(VARIABLE) or DEFAULT_URL
        try:
            parsed = make_url(self.url)
            file = parsed.database if parsed.get_backend_name() == "sqlite" else None
            on_disk = file not in (None, "", ":memory:")
            self._engine = create_engine(parsed, **({"poolclass": NullPool} if on_disk else {}))
        except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
            raise InputError(
                f"library: expected a URL such as {DEFAULT_URL}; got {self.url!r} ({error})"
            ) from None
        if parsed.get_backend_name() == "sqlite":
            schema.set_up_sqlite(self._engine)
        if on_disk:
            try:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(
                    f"library {self.url}: expected a folder that can be created; {error}"
                ) from None
        self._open_or_create()

    def add(self, motifs: Iterable[Motif]) -> None:
        """Store motifs, all or none. One that is already there keeps its row and gains the new scores.

        Raises `InputError` for a score that is not finite.
        """
        with self._transaction(writes=True) as connection:
            rows.add_motifs(connection, motifs)

    def get(self, prefix: str) -> Motif:
        """The motif whose id begins with `prefix`, or the best on a task for `best:TASK`.

        Raises `InputError` unless there is exactly one.
        """
        if prefix.startswith("best:"):
            return self.best(prefix.removeprefix("best:"))
        with self._transaction() as connection:
            id = rows.resolve(connection, schema.motif.c.id, prefix, "motif", "evocircuits ls")
            return rows.read_motifs(connection, select(schema.motif).where(schema.motif.c.id == id))[0]

    def motifs(
        self, *, task: str | None = None, run: str | None = None, limit: int | None = None
    ) -> list[Motif]:
        """Motifs, best first: those scored on `task`, else each by its own task, task after task.

        The best is the one whose 95 % interval begins highest, so that a lucky score on few trials does not lead; of
        equals the one that costs less energy.

        `run` keeps the motifs found by that run (the beginning of its id is enough).
        """
        motif, ranked = schema.motif, rows.scores_over_most_trials()
        same = and_(
            ranked.c.motif_id == motif.c.id, ranked.c.task == (motif.c.task if task is None else task)
        )
        query = select(motif).join(ranked, same, isouter=task is None)
        if run is not None:
            query = query.where(rows.of_run(run))
        place = ranked.c.low.desc(), ranked.c.energy_pJ, motif.c.id
        order = (ranked.c.task.is_(None), ranked.c.task, *place)
        with self._transaction() as connection:
            return rows.read_motifs(connection, query.order_by(*order).limit(limit))

    def best(self, task: str) -> Motif:
        """The first of `motifs(task=task)`. Raises `InputError` when none was scored on it."""
        found = self.motifs(task=task, limit=1)
        if not found:
            raise InputError(
                f"library {self.url}: no motif scored on {task!r} (what is there: evocircuits ls)"
            )
        return found[0]

    def start_run(self, id: str, recipe: dict, seed: int, versions: dict) -> RunRow:
        """Store a run as running, or take up the stored one: all but a finished one are then running.

        Raises `InputError` when the stored run of that id has another recipe or seed.
        """
        row = {"id": id, "recipe": canonical(recipe), "seed": seed, "versions": canonical(versions)}
        with self._transaction(writes=True) as connection:
            stored = connection.execute(select(schema.run).where(schema.run.c.id == id)).first()
            if stored is None:
                connection.execute(schema.run.insert(), [sealed(row) | {"status": "running", "epoch": 0}])
            elif (stored.recipe, stored.seed) != (row["recipe"], row["seed"]):
                raise InputError(f"run {id}: expected the recipe and seed it was started with; got others")
            elif stored.status != "finished":
                rows.set_run(connection, id, status="running")
            return rows.read_run(connection, id)

    def run(self, prefix: str) -> RunRow:
        """The run whose id begins with `prefix`. Raises `InputError` unless there is exactly one."""
        with self._transaction() as connection:
            id = rows.resolve(connection, schema.run.c.id, prefix, "run", "evocircuits ls --runs")
            return rows.read_run(connection, id)

    def find_run(self, id: str) -> RunRow | None:
        """The run of exactly that id, None where there is none."""
        with self._transaction() as connection:
            known = connection.scalar(select(schema.run.c.id).where(schema.run.c.id == id))
            return rows.read_run(connection, id) if known else None

    def runs(self) -> list[RunRow]:
        """All runs, by id."""
        with self._transaction() as connection:
            ids = connection.scalars(select(schema.run.c.id).order_by(schema.run.c.id)).all()
            return [rows.read_run(connection, id) for id in ids]

    def commit_epoch(self, run_id: str, epoch: int, states: dict[int, bytes], report: dict) -> str:
        """Store every island's state after `epoch` in place of the earlier epoch's, and its report.

        Returns the run's status, by which others may ask it to stop.
        """
        keys = {"run_id": run_id, "epoch": epoch}
        islands = [sealed({"run_id": run_id, "island": i, "state": s}) for i, s in sorted(states.items())]
        with self._transaction(writes=True) as connection:
            rows.set_run(connection, run_id, epoch=epoch)
            connection.execute(delete(schema.island_state).where(schema.island_state.c.run_id == run_id))
            connection.execute(delete(schema.report).filter_by(**keys))
            connection.execute(schema.report.insert(), [sealed(keys | {"report": canonical(report)})])
            if islands:
                connection.execute(schema.island_state.insert(), islands)
            return rows.read_status(connection, run_id)

    def island_states(self, run_id: str) -> tuple[int, dict[int, bytes]]:
        """(epoch, island → state) as last committed; (0, {}) before the first commit."""
        with self._transaction() as connection:
            epoch = rows.read_run(connection, run_id).epoch
            stored = connection.execute(select(schema.island_state).filter_by(run_id=run_id)).mappings().all()
        states = {row["island"]: opened("island_state", dict(row))["state"] for row in stored}
        return epoch, dict(sorted(states.items()))

    def finish_run(self, run_id: str, motifs: Iterable[Motif], result: dict | None = None) -> None:
        """Store a run's motifs, add `result` to its last report and mark it finished, together or not at all."""
        with self._transaction(writes=True) as connection:
            rows.set_run(connection, run_id, status="finished")
            rows.add_motifs(connection, motifs, found_by=run_id)
            if result:
                rows.add_to_last_report(connection, run_id, result)

    def set_status(self, run_id: str, status: str) -> None:
        """Mark a run failed or stopped; what it committed stays, and starting it again goes on from there."""
        with self._transaction(writes=True) as connection:
            rows.set_run(connection, run_id, status=status)

    def request_stop(self, run_id: str) -> None:
        """Ask the driver of a run to end after the epoch that it commits next.

        Raises `InputError` unless the run is running.
        """
        with self._transaction(writes=True) as connection:
            if (status := rows.read_status(connection, run_id)) not in rows.UNDER_WAY:
                raise InputError(f"run {run_id}: expected a run that is running; it is {status}")
            rows.set_run(connection, run_id, status="stopping")

    def extend_run(self, run_id: str, recipe: dict) -> None:
        """Put a recipe of more epochs in place of a run's own, and mark it running."""
        with self._transaction(writes=True) as connection:
            rows.set_recipe(connection, run_id, recipe)
            rows.set_run(connection, run_id, status="running")

    def rows_hash(self, run: str | None = None) -> str:
        """SHA-256 over all motif and score rows (or one run's), whatever the order they came in."""
        motif, score = schema.motif, schema.score
        chosen = true() if run is None else rows.of_run(run)
        queries = [
            select(motif).where(chosen).order_by(motif.c.id),
            select(score).join(motif).where(chosen).order_by(*score.primary_key.columns),
        ]
        digest = hashlib.sha256()
        with self._transaction() as connection:
            for query in queries:
                for row in connection.execute(query).mappings():
                    digest.update(canonical(dict(row)).encode() + b"\n")
        return digest.hexdigest()

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(writes=writes) as connection, connection.begin():
                yield connection
        except exc.DatabaseError as error:
            reason = str(error.orig)[:80]
            if type(error.orig) is sqlite3.DatabaseError or any(sign in reason for sign in _DAMAGE):
                raise InputError(
                    f"library {self.url}: expected an evocircuits library; {reason} "
                    "(restore a copy or name another --library)"
                ) from None
            if "unable to open" in reason:
                raise InputError(f"library {self.url}: expected a database file; {reason}") from None
            raise OSError(f"library {self.url}: {reason}; nothing was stored") from error
        except OverflowError as error:
            raise InputError(f"library {self.url}: expected numbers of at most 64 bits; {error}") from None

    def _open_or_create(self) -> None:
        with self._transaction() as connection:
            empty = not inspect(connection).get_table_names()
        if empty:
            with self._transaction(writes=True) as connection:
                if not inspect(connection).get_table_names():  # else another process created it meanwhile
                    schema.create_all(connection)
        with self._transaction() as connection:
            tables = inspect(connection).get_table_names()
            about = dict(connection.execute(select(schema.about)).all()) if "about" in tables else {}
        if about.get("format") != schema.FORMAT:
            raise InputError(
                f"library {self.url}: expected an evocircuits library; this database holds something else"
            )
        if about.get("version") != str(schema.VERSION):
            raise InputError(
                f"library {self.url}: expected schema version {schema.VERSION}; got {about.get('version')} "
                "(use the evocircuits version that wrote it)"
            )
