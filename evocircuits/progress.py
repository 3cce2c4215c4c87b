"""How far a run is: a live line on a terminal, plain lines elsewhere. Always on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)


@contextmanager
def shown_progress() -> Iterator[Callable]:
    """A function to be called with a `search.run.Progress` as often as there is one."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with Progress(*_columns(), console=console, transient=True) as display:
            bar = display.add_task("", total=None, text="starting …")
            yield lambda p: display.update(bar, total=p.epochs, completed=p.epoch, text=_text(p))
    else:
        yield _PlainLines()


@contextmanager
def shown_training(epochs: int) -> Iterator[Callable]:
    """A function to be called with an `nn.train.Progress` after each of `epochs` epochs, over all runs."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        with Progress(*_columns(), TimeRemainingColumn(), console=console, transient=True) as display:
            bar = display.add_task("", total=epochs, text="starting …")
            yield lambda p: display.update(bar, advance=1, text=_training_text(p))
    else:
        yield lambda p: p.epoch == p.epochs and print(_training_text(p), file=sys.stderr, flush=True)


@contextmanager
def shown_pieces() -> Iterator[Callable[[int, int], None]]:
    """A function to be called with how many pieces of work are done, and of how many, whenever one is."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        columns = TextColumn("measured"), MofNCompleteColumn(), BarColumn(20), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True) as display:
            bar = display.add_task("", total=None)
            yield lambda done, total: display.update(bar, total=total, completed=done)
    else:
        yield _PlainTenths()


def _columns() -> tuple[ProgressColumn, ...]:
    return TextColumn("epoch"), MofNCompleteColumn(), BarColumn(20), TextColumn("{task.fields[text]}")


def _training_text(progress) -> str:
    run = f"{progress.arm}, seed {progress.seed}, epoch {progress.epoch}/{progress.epochs}"
    return f"{run}: validation accuracy {progress.validation_accuracy:.1%}"


class _PlainLines:
    """Prints when a further epoch is committed."""

    def __init__(self):
        self.epoch = 0

    def __call__(self, progress) -> None:
        if progress.epoch > self.epoch:
            self.epoch = progress.epoch
            print(f"epoch {progress.epoch}/{progress.epochs}  {_text(progress)}", file=sys.stderr, flush=True)


class _PlainTenths:
    """Prints at every tenth of the work."""

    def __init__(self):
        self.tenths = 0

    def __call__(self, done: int, total: int) -> None:
        if (tenths := 10 * done // total) > self.tenths:
            self.tenths = tenths
            print(f"measured {done}/{total}", file=sys.stderr, flush=True)


def _text(progress) -> str:
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    left = f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
    scores = f"best {progress.best:.3f}  median {progress.median:.3f}"
    return f"{scores}  {progress.evaluations_per_s:.0f} evaluations/s  {left} left"
