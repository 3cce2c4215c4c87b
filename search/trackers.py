"""Who follows a run: each tracker is told the reports of its epochs as they are committed.

When a run goes on, a tracker writes down anew what the library holds of it, so that its record and the library agree
whatever became of the process in between.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evocircuits.errors import InputError


class Tracker(ABC):
    """What is told of a run. Reports are plain values, as in `Run.reports`."""

    @abstractmethod
    def begin(self, run_id: str, reports: Sequence[dict]) -> None:
        """The run begins, or goes on after so many reports."""

    @abstractmethod
    def epoch(self, report: dict) -> None:
        """One more epoch was committed."""

    def end(self) -> None:
        """Nothing more is told in this session."""
        return


@contextmanager
def followed(
    trackers: Sequence[Tracker], run_id: str, reports: Sequence[dict]
) -> Iterator[Callable[[dict], None]]:
    """A function that tells all trackers of one more report."""

    def tell(report: dict) -> None:
        for tracker in trackers:
            tracker.epoch(report)

    for tracker in trackers:
        tracker.begin(run_id, reports)
    try:
        yield tell
    finally:
        for tracker in trackers:
            tracker.end()


class JsonLines(Tracker):
    """Writes each report as a line of JSON into FOLDER/RUN.jsonl."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def begin(self, run_id: str, reports: Sequence[dict]) -> None:
        """Write the file anew."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / f"{run_id}.jsonl"
        self._path.write_text("".join(map(_line, reports)), encoding="utf-8")

    def epoch(self, report: dict) -> None:
        """Add a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(report))


class TensorBoard(Tracker):
    """Writes every number of the reports, of the run and of each island, as a scalar into FOLDER/RUN for TensorBoard.

    Look at them with `tensorboard --logdir FOLDER`. Raises `InputError` where the package is missing.
    """

    def __init__(self, folder: str | Path):
        try:
            from tensorboard.summary import Writer
        except ImportError:
            raise InputError(
                "TensorBoard needs the package tensorboard; install it with: pip install 'evocircuits[tensorboard]'"
            ) from None
        self.folder, self._open = Path(folder), Writer

    def begin(self, run_id: str, reports: Sequence[dict]) -> None:
        """Write the run's folder anew."""
        for former in (self.folder / run_id).glob("events.out.tfevents.*"):
            former.unlink()
        self._writer = self._open(str(self.folder / run_id))
        for report in reports:
            self.epoch(report)

    def epoch(self, report: dict) -> None:
        """Add a point to every curve."""
        step = report["epoch"]
        for name, value in _numbers(report):
            self._writer.add_scalar(name, value, step)
        for island in report["islands"]:
            for name, value in _numbers(island):
                self._writer.add_scalar(f"{name} by island/{island['island']}", value, step)
        self._writer.flush()

    def end(self) -> None:
        """Close the file."""
        self._writer.close()


def _line(report: dict) -> str:
    return json.dumps(report, ensure_ascii=False, allow_nan=False) + "\n"


def _numbers(report: dict) -> Iterator[tuple[str, float]]:
    """What a report says in single numbers."""
    for name, value in report.items():
        if isinstance(value, int | float) and name not in ("epoch", "island"):
            yield name, value
