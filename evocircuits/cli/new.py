"""The verb that begins something of one's own: `new task`."""

from typing import Annotated

import typer

from evocircuits.cli.options import AsJson, app, print_json

new_app = typer.Typer(rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@new_app.callback()
def new() -> None:
    """Begin something of your own: a task.

    \b
    Example:
      evocircuits new task echolocate
    """


@new_app.command("task")
def task(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the task is called.")],
    as_json: AsJson = False,
) -> None:
    """Write a task that works as it is into a new file in this folder, to be changed.

    \b
    Example:
      evocircuits new task echolocate
    """
    from evocircuits.tasks.template import write_task

    spec = write_task(name)
    if as_json:
        print_json({"task": spec})
    else:
        print(f"{spec}\nLook at it: evocircuits tasks {spec}")


app.add_typer(new_app, name="new")
