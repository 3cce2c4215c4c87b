"""The task suite: every claim about inhibition and timing as a measurable question."""

from evocircuits.errors import InputError
from evocircuits.tasks.base import Example, Play, Ranges, Score, Task, Trials, Window
from evocircuits.tasks.burst import Burst
from evocircuits.tasks.cartpole import CartPole
from evocircuits.tasks.checked import load_task, reference_of
from evocircuits.tasks.colour import Colour
from evocircuits.tasks.contrast import Contrast
from evocircuits.tasks.custom import DATA, absolute_spec, file_digest, file_of
from evocircuits.tasks.forage import Forage
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


_from_files: dict[str, tuple[str, Task]] = {}


def get_task(name: str) -> Task:
    """The task of that name; or of a user's, FILE.py:Class or data:FILE.npz, the same as long as the file is the same.

    Raises `InputError` naming the known ones, or what is wrong with the file.
    """
    if name in TASKS:
        return TASKS[name]
    if file_of(name) is None:
        raise InputError(
            f"task: expected one of {', '.join(TASKS)}, or FILE.py:Class, or data:FILE.npz; got {name!r}"
        )
    spec, digest = absolute_spec(name), file_digest(name)
    if spec not in _from_files or _from_files[spec][0] != digest:
        load = load_labelled if spec.startswith(DATA) else load_task
        _from_files[spec] = digest, load(spec, TASKS)
    return _from_files[spec][1]


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
