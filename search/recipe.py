"""A run's settings, read from TOML; an unknown key is an error and every default is one that worked."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evocircuits.circuit import MAX_NEURONS, MAX_SYNAPSES
from evocircuits.errors import InputError
from evocircuits.measure.descriptors import named
from evocircuits.search.objectives import OBJECTIVES
from evocircuits.search.topology import TopologyName
from evocircuits.search.variation import Space
from evocircuits.tasks import Task, get_task
from evocircuits.tasks.custom import absolute_spec, file_digest

PACKAGED = Path(__file__).parent.parent / "recipes"

Search = Literal["evolution", "random", "hill_climbing", "artificial_life"]
StrategyName = Literal["population", "memetic", "direct", "map_elites", "novelty"]


class Recipe(BaseModel):
    """What to evolve and how much of it: counts, never seconds, so that a recipe and seed always give the same rows.

    `task` names one task, or several with the same ports for generalists; FILE.py:Class and data:FILE.npz are a
    user's own, gym:ID is an environment of Gymnasium. Islands take the `strategies` in turn. A run ends after `epochs`,
    or as soon as a validated circuit reaches `target`, a normalised score. All genomes meet a first `heat` of the
    trials, which the simulator runs at the cost of one up to 64, and the promising the rest. `operators` replaces rates
    of variation operators, and brings in a user's own as "FILE.py:function". `files` are the digests of the files
    named, filled in when the recipe is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    task: str | tuple[str, ...]
    seed: int = Field(1, ge=0, le=2**63 - 1)
    search: Search = "evolution"
    target: float | None = Field(None, gt=0)
    islands: int = Field(6, ge=1, le=1000)
    strategies: tuple[StrategyName, ...] = Field(("population", "memetic", "direct"), min_length=1)
    epochs: int = Field(10, ge=1)
    generations: int = Field(6, ge=1)
    parents: int = Field(24, ge=4)
    offspring: int = Field(48, ge=4)
    elites: int = Field(8, ge=1)
    mating: Literal["tournament", "lexicase"] = "tournament"
    objectives: tuple[str, ...] = Field(("score", "energy"), min_length=1)
    descriptors: tuple[str, ...] = Field(("neurons", "spikes"), min_length=1, max_length=3)
    crossover: float = Field(0.2, ge=0, le=1)
    operators: dict[str, float] = Field(default_factory=dict)
    topology: TopologyName = "ring"
    migrants: int = Field(2, ge=0)
    patience: int = Field(4, ge=1)
    refinement: Literal["lamarckian", "baldwinian"] = "lamarckian"
    refine_evaluations: int = Field(100, ge=0)
    trials: int = Field(128, ge=1)
    heat: int = Field(64, ge=1)
    validation_trials: int = Field(1024, ge=1)
    held_out_trials: int = Field(10_000, ge=2)
    winners: int = Field(5, ge=1)
    parsimony: float = Field(2e-4, ge=0)
    max_neurons: int = Field(64, ge=1, le=MAX_NEURONS)
    max_synapses: int = Field(400, ge=1, le=MAX_SYNAPSES)
    max_delay_ms: float | None = Field(None, gt=0)
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def task_names(self) -> tuple[str, ...]:
        """The tasks as the recipe names them."""
        return (self.task,) if isinstance(self.task, str) else self.task

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that circuits are asked."""
        for spec in self.task_names:
            self._check_unchanged(spec)
        return tuple(map(get_task, self.task_names))

    @property
    def dt_ms(self) -> float:
        """The time step of all tasks."""
        return self.tasks[0].dt_ms

    @property
    def space(self) -> Space:
        """What operators may produce."""
        for spec in self.operators:
            self._check_unchanged(spec)
        return Space(
            self.tasks[0],
            self.max_neurons,
            self.max_synapses,
            self.max_delay_ms,
            tuple(self.operators.items()),
        )

    def _check_unchanged(self, spec: str) -> None:
        if self.files.get(spec, digest := file_digest(spec)) != digest:
            raise InputError(
                f"{spec}: expected the file that the run began with; it has changed (put it back, or start another run)"
            )

    @property
    def run_id(self) -> str:
        """The run's name: tasks, seed and a hash of everything that decides its rows, wherever its files lie."""
        settings = self.model_dump()
        settings["task"] = [task.name for task in self.tasks]
        settings["operators"] = {name.rpartition("/")[2]: rate for name, rate in self.operators.items()}
        settings["files"] = sorted(self.files.values())
        text = json.dumps(settings, sort_keys=True)
        names = "+".join(settings["task"]).replace(":", "-")
        return f"{names}-s{self.seed}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def load_recipe(name_or_path: str | Path, **overrides) -> Recipe:
    """A recipe from a TOML file, or by the name of one that comes with the package; `overrides` replace its keys.

    Raises `InputError` for a missing file, malformed TOML, an unknown key or a value out of range.

    >>> import evocircuits as ec
    >>> ec.load_recipe("localise", seed=7).task
    'localise'
    """
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.exists():
        path = PACKAGED / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PACKAGED.glob("*.toml")))
        raise InputError(f"recipe: no file {str(name_or_path)!r}; expected a .toml file or one of {known}")
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path}: expected TOML; {error}") from None
    return parse_recipe(settings | overrides, origin=str(path))


def parse_recipe(settings: dict, *, origin: str = "recipe") -> Recipe:
    """A recipe from plain settings, checked, its files found and their digests noted.

    Raises `InputError` naming the first key that is wrong, or a file that is not what it was when the digest was taken.
    """
    try:
        recipe = Recipe(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise InputError(
                f"{origin}: unknown key {key!r}; expected {', '.join(Recipe.model_fields)}"
            ) from None
        raise InputError(f"{origin}: {key}: {first['msg']}; got {first['input']!r}") from None
    try:
        recipe = _with_files(recipe)
        _check_tasks(recipe.tasks)
        _check_names("objectives", recipe.objectives, OBJECTIVES)
        named(recipe.descriptors)
        _check_limits(recipe)
        recipe.space.check_rates()
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None
    return recipe


def _with_files(recipe: Recipe) -> Recipe:
    """With absolute paths, and the digest of every file that tasks and operators come from."""
    tasks = tuple(map(absolute_spec, recipe.task_names))
    operators = {absolute_spec(name): rate for name, rate in recipe.operators.items()}
    files = {spec: digest for spec in (*tasks, *operators) if (digest := file_digest(spec))}
    for spec in files:
        recipe._check_unchanged(spec)
    task = tasks[0] if isinstance(recipe.task, str) else tasks
    return recipe.model_copy(update={"task": task, "operators": operators, "files": files})


def _check_tasks(tasks: tuple[Task, ...]) -> None:
    if not tasks:
        raise InputError("task: expected at least one; got none")
    first = tasks[0]
    for other in tasks[1:]:
        same = (first.inputs, first.outputs, first.dt_ms) == (other.inputs, other.outputs, other.dt_ms)
        if not same or first.given() != other.given():
            raise InputError(
                f"task: expected tasks with the same ports, time step and given genes; {other.name} differs from "
                f"{first.name}"
            )
    if len({task.name for task in tasks}) < len(tasks):
        raise InputError("task: expected different tasks; one came twice")


def _check_names(key: str, names: tuple[str, ...], known: dict) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"{key}: expected some of {', '.join(known)}; got {name!r}")
    if len(set(names)) < len(names):
        raise InputError(f"{key}: expected each name once; got {', '.join(names)}")


def _check_limits(recipe: Recipe) -> None:
    task = recipe.tasks[0]
    outputs = sum(port.size for port in task.outputs)
    inputs = sum(port.size for port in task.inputs)
    if recipe.max_neurons < outputs or recipe.max_synapses < inputs * outputs:
        raise InputError(
            f"max_neurons, max_synapses: expected at least {outputs} and {inputs * outputs}, which a founder may need; "
            f"got {recipe.max_neurons} and {recipe.max_synapses}"
        )
    if recipe.elites > recipe.parents:
        raise InputError(f"elites: expected at most parents ({recipe.parents}); got {recipe.elites}")
    if recipe.max_delay_ms is not None and recipe.max_delay_ms <= task.ranges.delay_ms[0]:
        raise InputError(
            f"max_delay_ms: expected more than the task's shortest delay, {task.ranges.delay_ms[0]:g} ms; got "
            f"{recipe.max_delay_ms:g}"
        )
    if recipe.search == "artificial_life" and recipe.task_names != ("forage",):
        raise InputError(f"search: expected the task forage for artificial_life; got {recipe.task!r}")
