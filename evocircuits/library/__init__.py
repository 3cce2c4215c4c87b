"""The library: motifs, their scores and the runs that found them, in one SQL database."""

from evocircuits.library.annotations import Note
from evocircuits.library.database import Database
from evocircuits.library.leases import Lease, LeaseLost
from evocircuits.library.motif_row import MotifRow
from evocircuits.library.pruning import Pruned, prune
from evocircuits.library.query import Query
from evocircuits.library.runs import RunRow
from evocircuits.library.store import Library
from evocircuits.library.trainings import Training
from evocircuits.library.transfer import records, take
from evocircuits.library.upgrading import Upgrade, upgrade
from evocircuits.library.verification import verify

__all__ = [
    "Database",
    "Lease",
    "LeaseLost",
    "Library",
    "MotifRow",
    "Note",
    "Pruned",
    "Query",
    "RunRow",
    "Training",
    "Upgrade",
    "prune",
    "records",
    "take",
    "upgrade",
    "verify",
]
