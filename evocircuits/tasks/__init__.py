"""The task suite: every claim about inhibition and timing as a measurable question."""

from collections.abc import Callable, Container

from evocircuits.errors import InputError
from evocircuits.tasks.base import Example, Play, Ranges, Score, Task, Trials, Window
from evocircuits.tasks.burst import Burst
from evocircuits.tasks.cartpole import CartPole
from evocircuits.tasks.checked import load_installed, load_task, reference_of
from evocircuits.tasks.colour import Colour
from evocircuits.tasks.contrast import Contrast
from evocircuits.tasks.custom import DATA, GYM, absolute_spec, file_digest, file_of, module_of
from evocircuits.tasks.forage import Forage
from evocircuits.tasks.gym_task import load_gym
from evocircuits.tasks.imprint import Imprint
from evocircuits.tasks.labelled import load_labelled
from evocircuits.tasks.latch import Latch
from evocircuits.tasks.localise import Localise
from evocircuits.tasks.order import Order
from evocircuits.tasks.route import Route
from evocircuits.tasks.runaway import Runaway
from evocircuits.tasks.spacing import Spacing
from evocircuits.tasks.synchrony import Synchrony
from evocircuits.tasks.temporal_xor import TemporalXor
from evocircuits.tasks.triplet import Triplet
from evocircuits.tasks.winner import Winner

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Order(),
        Burst(),
        Spacing(),
        Triplet(),
        Localise(),
        Synchrony(),
        TemporalXor(),
        Winner(),
        Route(),
        Runaway(),
        Latch(),
        Contrast(),
        Colour(),
        Imprint(),
        CartPole(),
        CartPole(velocities=False),
        Forage(),
    )
}


_loaded: dict[str, tuple[str, Task]] = {}


def get_task(name: str) -> Task:
    """The task of that name, shipped or brought by an installed package; gym:ID; or of a user's, FILE.py:Class or
    data:FILE.npz, the same as long as the file is the same.

    Raises `InputError` naming the known ones, or what is wrong with the file or the environment.
    """
    if name in TASKS:
        return TASKS[name]
    if name.startswith(GYM):
        return load_gym(name)
    if file_of(name) is None and module_of(name) is None:
        raise InputError(
            f"task: expected one of {', '.join(TASKS)}, or FILE.py:Class, data:FILE.npz, or gym:ID; got {name!r}"
        )
    spec, digest = absolute_spec(name), file_digest(name)
    if spec not in _loaded or _loaded[spec][0] != digest:
        _loaded[spec] = digest, _loader(spec)(spec, TASKS)
    return _loaded[spec][1]


def _loader(spec: str) -> Callable[[str, Container[str]], Task]:
    if spec.startswith(DATA):
        return load_labelled
    return load_installed if file_of(spec) is None else load_task


__all__ = [
    "TASKS",
    "Example",
    "Play",
    "Ranges",
    "Score",
    "Task",
    "Trials",
    "Window",
    "absolute_spec",
    "file_digest",
    "get_task",
    "reference_of",
]
