"""`Library`: motifs, scores and runs behind a database URL.

What a method writes it writes in one transaction, all or nothing. What it reads it fetches whole in short ones, and
works on afterwards, so that no reader keeps a run from committing.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from evocircuits.certificate import Certificate
from evocircuits.errors import InputError
from evocircuits.library import (
    ancestry,
    annotations,
    certificates,
    choose,
    driving,
    hashing,
    leases,
    motif_row,
    motifs,
    runs,
    trainings,
)
from evocircuits.library.annotations import Note
from evocircuits.library.database import DEFAULT_URL, VARIABLE, Database
from evocircuits.library.leases import Lease, LEASE_s
from evocircuits.library.motif_row import MotifRow
from evocircuits.library.query import Query
from evocircuits.library.runs import RunRow
from evocircuits.library.trainings import Training
from evocircuits.lineage import Birth, Lineage
from evocircuits.motif import Motif

__all__ = ["DEFAULT_URL", "VARIABLE", "Library"]


class Library:
    """Motifs, scores and runs in the database at `url`, created when missing.

    `url` is an SQLAlchemy URL of SQLite or PostgreSQL; None means the variable EVOCIRCUITS_LIBRARY or
    `sqlite:///runs/library.db`. Where an argument is called `prefix`, the beginning of an id will do.

    Raises `InputError` when the file is no library, is damaged, or was written with another schema version;
    such a file is left as it is. Failures of the storage itself (disk full, locked for 30 s) raise `OSError`.

    >>> import evocircuits as ec
    >>> from evocircuits.motif import Provenance
    >>> genome = ec.tasks.get_task("order").reference()
    >>> motif = ec.Motif(genome, ec.develop(genome, dt_ms=0.1), 0.1, Provenance("hand-wired"))
    >>> library = ec.Library("sqlite:///library.db")
    >>> library.add([motif])
    >>> library.get(motif.id[:8]) == motif
    True
    """

    def __init__(self, url: str | None = None):
        self.url = url or os.environ.get(VARIABLE) or DEFAULT_URL
        self.database = Database(self.url)
        self.database.open_or_create()
        self._leases: dict[str, Lease] = {}

    def add(self, added: Iterable[Motif], *, births: Iterable[Birth] = ()) -> None:
        """Store motifs, all or none. One that is already there keeps its row and gains the new scores.

        `births`, of any circuits, tell more of the lineage than the motifs' own provenance.
        Raises `InputError` for a score that is not finite.
        """
        self.database.write(motifs.add_motifs, motifs.prepared(added), births=births)

    def get(self, prefix: str) -> Motif:
        """The motif whose id begins with `prefix`, or the best on a task for `best:TASK`.

        Raises `InputError` unless there is exactly one.
        """
        if prefix.startswith("best:"):
            return self.best(prefix.removeprefix("best:"))
        return motifs.read(*self.database.read(motifs.rows_beginning, prefix))[0]

    def listing(self, **words) -> list[MotifRow]:
        """Motifs in a few numbers each, best first. The words are the fields of `Query`."""
        found = []
        for batch in motifs.in_batches(self._chosen(words)):
            found += motif_row.read(batch, *self.database.read(motif_row.rows_of, batch))
        return found

    def rows(self, ids: Iterable[str]) -> list[MotifRow]:
        """Those of these whole ids that are motifs, in a few numbers each."""
        chosen = self.database.read(choose.of_ids, list(ids))
        return motif_row.read(chosen, *self.database.read(motif_row.rows_of, chosen))

    def motifs(self, **words) -> list[Motif]:
        """Motifs, best first: those scored on `task`, else each by its own task, task after task.

        The best is the one whose 95 % interval begins highest, so that a lucky score on few trials does not lead; of
        equals the one that costs less energy. `task`, `run`, `limit` and the other words are the fields of `Query`.
        """
        found = []
        for batch in motifs.in_batches(self._chosen(words)):
            found += motifs.read(*self.database.read(motifs.rows_of, [id for id, _, _ in batch]))
        return found

    def _chosen(self, words: dict) -> list[tuple[str, str, int]]:
        query = Query.of(**words)
        if query.shape is not None:
            query = replace(query, shape=self._id(query.shape))
        return self.database.read(choose.chosen, query)

    def _id(self, prefix: str) -> str:
        if prefix.startswith("best:"):
            return self.best(prefix.removeprefix("best:")).id
        return self.database.read(choose.motif_id, prefix)

    def best(self, task: str) -> Motif:
        """The first of `motifs(task=task)`. Raises `InputError` when none was scored on it."""
        if not (found := self.motifs(task=task, limit=1)):
            raise InputError(
                f"library {self.database.name}: no motif scored on {task!r} (what is there: evocircuits ls)"
            )
        return found[0]

    def lineage(self, prefix: str) -> Lineage:
        """Who the motif whose id begins so was bred from, as far back as is known."""
        motif = self.get(prefix)
        rows = self.database.read(ancestry.rows_above, motif.id)
        return ancestry.lineage_of(motif.id, rows, motif.provenance.run)

    def tag(self, prefix: str, *tags: str, remove: bool = False) -> tuple[str, ...]:
        """Give tags to a motif, or take them from it; those that it then has.

        Raises `InputError` for a tag that is not one word of at most 40 characters.
        """
        id = self._id(prefix)
        return annotations.tags_of(self.database.write(annotations.tag, id, tags, remove=remove)).get(id, ())

    def tags(self, prefix: str) -> tuple[str, ...]:
        """The tags of a motif."""
        id = self._id(prefix)
        return annotations.tags_of(self.database.read(annotations.tag_rows, [id])).get(id, ())

    def note(self, prefix: str, text: str) -> tuple[str, tuple[Note, ...]]:
        """Write a note about a motif or a run; its whole id, and all notes about it.

        Raises `InputError` for a note of more than 2,000 characters.
        """
        best = prefix.startswith("best:")
        id = self._id(prefix) if best else self.database.read(choose.subject, prefix)
        self.database.write(annotations.note, id, text)
        return id, self.notes(id)

    def notes(self, id: str) -> tuple[Note, ...]:
        """The notes about the motif or run of that whole id, in the order in which they were written."""
        return annotations.notes_of(self.database.read(annotations.note_rows, [id])).get(id, ())

    def add_certificate(self, certificate: Certificate) -> None:
        """Store a certificate of a motif of this library, in place of one over the same trials of the same task."""
        self.database.write(certificates.put, certificate)

    def certificates(self, prefix: str) -> list[Certificate]:
        """The certificates of a motif, of each task that over most trials first."""
        return certificates.read(self.database.read(certificates.rows_of, [self._id(prefix)]))

    def add_trainings(self, trained: Iterable[Training]) -> None:
        """Store networks trained of motifs of this library, each in place of an equally made one, all or none."""
        self.database.write(trainings.put, list(trained))

    def trainings(self, prefix: str) -> list[Training]:
        """The networks trained of a motif and of what it was compared with, data after data, arm after arm."""
        return trainings.read(self.database.read(trainings.rows_of, [self._id(prefix)]))

    @contextmanager
    def lease(self, run_id: str, *, seconds: float = LEASE_s) -> Iterator[Lease]:
        """Drive a run as the only one, within: nobody else can then start it, commit to it or end it.

        The lease lasts `seconds` from the last commit or `renew`, which also happens by itself every third of that
        time, and ends with the block. Raises `InputError` while another driver holds it.
        """
        with leases.held(self.database, run_id, seconds) as lease:
            self._leases[run_id] = lease
            try:
                yield lease
            finally:
                del self._leases[run_id]

    def start_run(self, id: str, recipe: dict, seed: int, versions: dict) -> RunRow:
        """Store a run as running, or take up the stored one: all but a finished one are then running.

        Raises `InputError` when the stored run of that id has another recipe or seed, and while another drives it.
        """
        return self._drive(id, driving.start, runs.new_row(id, recipe, seed, versions))

    def run(self, prefix: str) -> RunRow:
        """The run whose id begins with `prefix`. Raises `InputError` unless there is exactly one."""
        return runs.read(*self.database.read(runs.rows_beginning, prefix))[0]

    def find_run(self, id: str) -> RunRow | None:
        """The run of exactly that id, None where there is none."""
        return next(iter(runs.read(*self.database.read(runs.rows_of, [id]))), None)

    def runs(self) -> list[RunRow]:
        """All runs, by id."""
        batches = motifs.in_batches(self.database.read(runs.all_ids))
        return [run for batch in batches for run in runs.read(*self.database.read(runs.rows_of, batch))]

    def commit_epoch(
        self,
        run_id: str,
        epoch: int,
        states: dict[int, bytes],
        report: dict,
        births: Iterable[Birth] = (),
        living: Iterable[str] | None = None,
    ) -> str:
        """Store every island's state after `epoch` in place of the earlier epoch's, its report, and who was born.

        Returns the run's status, by which others may ask it to stop. `births` are of those who live at the end of the
        epoch and of their ancestors within it, parents first. Where all who live (ids) are named, the births in the run
        that led to none of them are forgotten. Raises `LeaseLost` where another has taken the run over.
        """
        return self._drive(run_id, driving.commit, run_id, epoch, states, report, births, living)

    def island_states(self, run_id: str) -> tuple[int, dict[int, bytes]]:
        """(epoch, island → state) as last committed; (0, {}) before the first commit."""
        return runs.states(*self.database.read(runs.rows_of_states, run_id))

    def finish_run(
        self, run_id: str, found: Iterable[Motif], result: dict | None = None, living: Iterable[str] = ()
    ) -> None:
        """Store a run's motifs, add `result` to its last report and mark it finished, together or not at all.

        Of its births only those of the motifs, of the circuits `living` (ids) on its islands, from whom it may be
        extended, and of their ancestors are kept.
        """
        self._drive(run_id, driving.finish, run_id, motifs.prepared(found), result, living)

    def set_status(self, run_id: str, status: str) -> None:
        """Mark a run failed or stopped; what it committed stays, and starting it again goes on from there."""
        self._drive(run_id, runs.change, run_id, status=status)

    def request_stop(self, run_id: str) -> None:
        """Ask the driver of a run to end after the epoch that it commits next.

        Raises `InputError` unless the run is running.
        """
        self.database.write(driving.request_stop, run_id)

    def extend_run(self, run_id: str, recipe: dict) -> None:
        """Put a recipe of more epochs in place of a run's own, and mark it running."""
        self._drive(run_id, driving.extend, run_id, recipe)

    def rows_hash(self, run: str | None = None) -> str:
        """SHA-256 over all motif and score rows (or one run's), whatever the order they came in."""
        return hashing.rows_hash(self.database, run)

    def _drive(self, run_id: str, store, *arguments, **named):
        """Write to a run, unless somebody else drives it."""
        with self.database.transaction(writes=True) as connection:
            leases.allow(connection, self.database, run_id, self._leases.get(run_id))
            return store(connection, *arguments, **named)
