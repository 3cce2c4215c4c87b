"""The task suite: every claim about inhibition and timing as a measurable question."""

from evocircuits.errors import InputError
from evocircuits.tasks.base import Ranges, Score, Task, Trials
from evocircuits.tasks.localise import Localise
from evocircuits.tasks.order import Order

TASKS: dict[str, Task] = {task.name: task for task in (Order(), Localise())}


def get_task(name: str) -> Task:
    """The task of that name. Raises `InputError` naming the known ones."""
    try:
        return TASKS[name]
    except KeyError:
        raise InputError(f"task: expected one of {', '.join(TASKS)}; got {name!r}") from None


__all__ = ["TASKS", "Ranges", "Score", "Task", "Trials", "get_task"]
