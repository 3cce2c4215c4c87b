"""What every page works with: the library, the templates, and tasks that motifs are replayed on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Request

from evocircuits.browser.pages import Assets, Pages
from evocircuits.browser.trials import Replays
from evocircuits.errors import InputError
from evocircuits.library import Library
from evocircuits.library.checksum import Damaged
from evocircuits.library.motifs import in_batches
from evocircuits.lineage import Lineage
from evocircuits.motif import Motif
from evocircuits.tasks import TASKS, Task

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """`tasks` are by name, and only these: what a motif says of its tasks never makes this server load a file."""

    library: Library
    pages: Pages
    assets: Assets
    tasks: dict[str, Task]
    replays: Replays

    @classmethod
    def of(cls, library: Library, tasks: Iterable[Task]) -> "Context":
        """With the tasks that come with the package and those given."""
        assets = Assets.found()
        pages = Pages(library.database.name, assets)
        return cls(library, pages, assets, TASKS | {task.name: task for task in tasks}, Replays())

    def motif(self, id: str) -> Motif:
        """The motif whose id begins so, or the best of best:TASK; else an answer of status 404."""
        return found(self.library.get, id)

    def relatives(self, lineage: Lineage) -> dict[str, str]:
        """Of each ancestor that is a motif of the library its score in words, '' without one."""
        ids = [*lineage.births, *lineage.unknown]
        rows = [row for batch in in_batches(ids) for row in self.library.rows(batch)]
        return {row.id: f"{row.score.task} {row.score.raw:.3f}" if row.score else "" for row in rows}


def found(get: Callable[[str], T], id: str) -> T:
    """What `get` finds under that id, or an answer of status 404."""
    try:
        return get(id)
    except Damaged:
        raise
    except InputError as error:
        raise HTTPException(404, str(error)) from None


def _context(request: Request) -> Context:
    return request.app.state.context


Here = Annotated[Context, Depends(_context)]
"""The context, as handlers of requests take it."""


def _asked(id: str, here: Here) -> Motif:
    return here.motif(id)


Asked = Annotated[Motif, Depends(_asked)]
"""The motif that an address names, as handlers take it."""
