"""The task suite: every claim about inhibition and timing as a measurable question."""

from evocircuits.errors import InputError
from evocircuits.tasks.base import Example, Play, Ranges, Score, Task, Trials, Window
from evocircuits.tasks.burst import Burst
from evocircuits.tasks.cartpole import CartPole
from evocircuits.tasks.colour import Colour
from evocircuits.tasks.contrast import Contrast
from evocircuits.tasks.forage import Forage
from evocircuits.tasks.imprint import Imprint
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


def get_task(name: str) -> Task:
    """The task of that name. Raises `InputError` naming the known ones."""
    try:
        return TASKS[name]
    except KeyError:
        raise InputError(f"task: expected one of {', '.join(TASKS)}; got {name!r}") from None


__all__ = ["TASKS", "Example", "Play", "Ranges", "Score", "Task", "Trials", "Window", "get_task"]
