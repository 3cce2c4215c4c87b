"""Runs: evolved, resumed where they stopped, and extended.

The run's id derives from its recipe, so the same recipe in the same library is one run: started again it goes on, and
when it is finished its result is simply returned.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evocircuits.errors import InputError
from evocircuits.library import Library, RunRow
from evocircuits.measure.caution import Note
from evocircuits.motif import Motif, MotifScore
from evocircuits.search.executor import ClusterLost, Executor, open_executor
from evocircuits.search.graph import Graph, Progress
from evocircuits.search.harvest import harvest
from evocircuits.search.island import warm_up
from evocircuits.search.recipe import Recipe, load_recipe, parse_recipe
from evocircuits.search.state import living
from evocircuits.search.trackers import JsonLines, Tracker, followed
from evocircuits.search.versions import versions
from evocircuits.tasks.custom import contents

LOGS = Path("runs/logs")
"""The reports of a run are kept there, and what workers print, if they print anything."""


class Stopped(Exception):
    """A run ended before its last epoch because somebody asked it to; it can be resumed."""


@dataclass(frozen=True)
class Run:
    """A finished run: its winners, best held-out score first and of equals the one that costs less, one report per
    epoch, and of each task the score of the hand-wired reference, None where there is none.

    `archive`: the elites of its archives, if it kept any, each with the `motif` id, its `descriptors` and `score`.
    """

    id: str
    recipe: Recipe
    motifs: tuple[Motif, ...]
    references: tuple[MotifScore | None, ...]
    reports: tuple[dict, ...]
    seconds: float
    archive: tuple[dict, ...] = ()
    status: str = "finished"

    @property
    def best(self) -> Motif:
        """The motif with the best held-out score."""
        return self.motifs[0]

    @property
    def operators(self) -> dict[str, dict[str, int]]:
        """Of every operator how often it was used, made a better child than its mother, and one that stayed."""
        credit: dict[str, Counter] = {}
        for report in self.reports:
            for island in report["islands"]:
                for name, counts in island["operators"].items():
                    credit.setdefault(name, Counter()).update(counts)
        return {name: dict(counts) for name, counts in sorted(credit.items())}

    @property
    def evaluations(self) -> int:
        """Genomes evaluated in all."""
        return sum(report["evaluations"] for report in self.reports)


def evolve(
    recipe: str | Path | Recipe,
    *,
    seed: int | None = None,
    library: Library | str | None = None,
    executor: str = "ray",
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    trackers: Sequence[Tracker] = (),
) -> Run:
    """Evolve circuits by a recipe (a name, a TOML file or a `Recipe`) and keep the winners in the library.

    `executor` is `ray` (a local cluster of `workers`, by default one a core), `serial`, or the address of a running Ray
    cluster; the library rows do not depend on it. Interrupted or killed, the run continues from its last epoch when it
    is evolved or resumed again. `trackers` are told of every epoch, beside the file runs/logs/RUN.jsonl, which gets its
    report as a line.

    Raises `InputError` for a wrong recipe, and while somebody else drives the run; `Stopped` where somebody asks it to
    end early, `ClusterLost` when the cluster is gone, and `RuntimeError` when a step fails.

    >>> import evocircuits as ec
    >>> recipe = ec.load_recipe("order", islands=1, epochs=1, generations=1, trials=16, held_out_trials=100)
    >>> run = ec.evolve(recipe, library="sqlite:///library.db", executor="serial")
    >>> run.status, len(run.reports)
    ('finished', 1)
    """
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    recipe = parse_recipe(recipe.model_dump() | ({} if seed is None else {"seed": seed}))
    library = library if isinstance(library, Library) else Library(library)
    return _carried_on(recipe.run_id, recipe, library, executor, workers, on_progress, trackers)


def resume(
    run: str,
    *,
    epochs: int = 0,
    library: Library | str | None = None,
    executor: str = "ray",
    workers: int | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    trackers: Sequence[Tracker] = (),
) -> Run:
    """Continue the run whose id begins with `run` from its last committed epoch, for so many more `epochs` than it was
    to have, also where it is finished.

    Raises `InputError` for an unknown run, and for more epochs of one that has reached its target; else as `evolve`.

    >>> import evocircuits as ec
    >>> recipe = ec.load_recipe("order", islands=1, epochs=1, generations=1, trials=16, held_out_trials=100)
    >>> run = ec.evolve(recipe, library="sqlite:///library.db", executor="serial")
    >>> longer = ec.resume(run.id, epochs=1, library="sqlite:///library.db", executor="serial")
    >>> len(longer.reports)
    2
    """
    library = library if isinstance(library, Library) else Library(library)
    row = library.run(run)
    recipe = parse_recipe(row.recipe, origin=f"run {row.id}")
    return _carried_on(row.id, recipe, library, executor, workers, on_progress, trackers, epochs=epochs)


def _carried_on(
    run_id: str,
    recipe: Recipe,
    library: Library,
    executor: str,
    workers: int | None,
    on_progress: Callable[[Progress], None],
    trackers: Sequence[Tracker],
    *,
    epochs: int = 0,
) -> Run:
    """The run, driven to its end unless it is finished, and by nobody else; for so many more `epochs`."""
    row = library.find_run(run_id)
    if row is None or row.status != "finished" or epochs:
        with library.lease(run_id):
            row = library.find_run(run_id)  # another may have driven it so far
            if epochs:
                row = _extended(row, recipe, epochs, library)
            if row is None or row.status != "finished":
                _drive_on(row, run_id, recipe, library, executor, workers, on_progress, trackers)
    return _finished_run(run_id, recipe, library)


def _extended(row: RunRow, recipe: Recipe, epochs: int, library: Library) -> RunRow:
    recipe = _as_stored(recipe, row)
    if epochs < 1:
        raise InputError(f"epochs: expected at least 1 more; got {epochs}")
    if recipe.target is not None and any(report["best"] >= recipe.target for report in row.reports):
        raise InputError(
            f"run {row.id}: expected one that may go on; it has reached its target of {recipe.target:g} (evolve a "
            "recipe without a target, or with a higher one)"
        )
    _check_versions(row)
    longer = recipe.model_copy(update={"epochs": recipe.epochs + epochs})
    library.extend_run(row.id, longer.model_dump(mode="json"))
    return library.run(row.id)


def _drive_on(
    row: RunRow | None,
    run_id: str,
    recipe: Recipe,
    library: Library,
    executor: str,
    workers: int | None,
    on_progress: Callable[[Progress], None],
    trackers: Sequence[Tracker],
) -> None:
    if row is not None:
        _check_versions(row)
        recipe = _as_stored(recipe, row)
    log, files = LOGS / f"{run_id}.log", contents(recipe.files)
    with open_executor(executor, workers, log=log, files=files) as pool:
        _drive(recipe, library, pool, on_progress, stored=row, trackers=(JsonLines(LOGS), *trackers))


def _as_stored(recipe: Recipe, row: RunRow) -> Recipe:
    """The recipe with as many epochs as the run has, which may have been extended."""
    return recipe.model_copy(update={"epochs": row.recipe["epochs"]})


def _check_versions(row: RunRow) -> None:
    if row.versions != versions():
        raise InputError(
            f"run {row.id}: expected the versions it was started with, {row.versions}; here are {versions()}; "
            "install those, or choose another seed"
        )


def _finished_run(run_id: str, recipe: Recipe, library: Library) -> Run:
    row = library.run(run_id)
    recipe, last = _as_stored(recipe, row), row.reports[-1]
    motifs = [_with_held_out_scores_only(library.get(id), recipe) for id in last["winners"]]
    motifs.sort(key=_place)
    references = tuple(score and MotifScore(**score) for score in last["references"])
    seconds = sum(report["seconds"] for report in row.reports)
    archive = tuple(last.get("archive", ()))
    return Run(row.id, recipe, tuple(motifs), references, tuple(row.reports), seconds, archive, row.status)


def _place(motif: Motif) -> tuple:
    """By score, of equals by energy, as a library lists them."""
    return -min(s.normalised for s in motif.scores), sum(s.energy_pJ for s in motif.scores), motif.id


def _with_held_out_scores_only(motif: Motif, recipe: Recipe) -> Motif:
    """Without the scores that came later, from elsewhere; one for each task, in the recipe's order."""
    own = {(s.task, s.trials, s.seed): s for s in motif.scores}
    n = recipe.held_out_trials
    keys = [(task.name, min(n, task.stock or n), recipe.seed) for task in recipe.tasks]
    return replace(motif, scores=tuple(own[key] for key in keys))


def _drive(
    recipe: Recipe,
    library: Library,
    pool: Executor,
    on_progress: Callable[[Progress], None],
    *,
    stored: RunRow | None = None,
    trackers: Sequence[Tracker] = (),
) -> None:
    """Run to the end what is stored of a run, or a new one."""
    run_id = stored.id if stored else recipe.run_id
    settings = stored.recipe if stored else recipe.model_dump(mode="json")  # where files lie may differ
    library.start_run(run_id, settings, recipe.seed, versions())
    try:
        pool.everywhere(warm_up, recipe.model_dump())
        with followed(trackers, run_id, stored.reports if stored else ()) as tell:
            graph = Graph(recipe, run_id, library, pool, on_progress, _quarantined(stored), tell)
            graph.run_to_end()
        if graph.stopped:
            library.set_status(run_id, "stopped")
            raise Stopped(f"run {run_id}: stopped as asked, after epoch {graph.committed} of {recipe.epochs}")
        islands = graph.islands()
        motifs, result = harvest(recipe, run_id, islands, pool, versions())
        library.finish_run(run_id, motifs, result, living(islands, recipe))
    except ClusterLost as error:
        raise ClusterLost(f"{error}; epochs are saved, continue with: evocircuits resume {run_id}") from None
    except (InputError, OSError, Stopped):
        raise
    except Exception as error:
        library.set_status(run_id, "failed")
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        raise RuntimeError(f"run {run_id} failed: {reason}") from error


def _quarantined(stored: RunRow | None) -> list[Note]:
    """What the run has quarantined so far."""
    rows = [row for report in stored.reports for row in report.get("quarantined", ())] if stored else []
    return [Note(**row | {"seed": tuple(row["seed"])}) for row in rows]
