"""A run's settings, read from TOML; an unknown key is an error and every default is one that worked."""

import hashlib
import json
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evocircuits.errors import InputError
from evocircuits.tasks import get_task

PACKAGED = Path(__file__).parent.parent / "recipes"


class Recipe(BaseModel):
    """What to evolve and how much of it: counts, never seconds, so that a recipe and seed always give the same rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    seed: int = Field(1, ge=0, le=2**63 - 1)
    islands: int = Field(6, ge=1, le=1000)
    epochs: int = Field(10, ge=1)
    generations: int = Field(6, ge=1)
    parents: int = Field(24, ge=4)
    offspring: int = Field(48, ge=4)
    elites: int = Field(8, ge=1)
    crossover: float = Field(0.2, ge=0, le=1)
    migrants: int = Field(2, ge=0)
    trials: int = Field(128, ge=1)
    validation_trials: int = Field(1024, ge=1)
    held_out_trials: int = Field(10_000, ge=2)
    winners: int = Field(5, ge=1)
    parsimony: float = Field(2e-4, ge=0)
    max_neurons: int = Field(64, ge=1)
    max_synapses: int = Field(400, ge=1)

    @property
    def run_id(self) -> str:
        """The run's name: task, seed and a hash of everything that decides its rows."""
        text = json.dumps(self.model_dump(), sort_keys=True)
        return f"{self.task}-s{self.seed}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def load_recipe(name_or_path: str | Path, **overrides) -> Recipe:
    """A recipe from a TOML file, or by the name of one that comes with the package; `overrides` replace its keys.

    Raises `InputError` for a missing file, malformed TOML, an unknown key or a value out of range.
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
    """A recipe from plain settings, checked. Raises `InputError` naming the first key that is wrong."""
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
        task = get_task(recipe.task)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None
    outputs = sum(port.size for port in task.outputs)
    inputs = sum(port.size for port in task.inputs)
    if recipe.max_neurons < outputs or recipe.max_synapses < inputs * outputs:
        raise InputError(
            f"{origin}: max_neurons, max_synapses: expected at least {outputs} and {inputs * outputs}, which a founder "
            f"may need; got {recipe.max_neurons} and {recipe.max_synapses}"
        )
    if recipe.elites > recipe.parents:
        raise InputError(
            f"{origin}: elites: expected at most parents ({recipe.parents}); got {recipe.elites}"
        )
    return recipe
