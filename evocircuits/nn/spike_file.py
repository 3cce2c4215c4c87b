"""Labelled spike trains from an HDF5 file, in the layout of the Heidelberg data sets, and as batches for a layer.

A file has `spikes/times` (s) and `spikes/units` (channels from 0), of a sample's spikes each, and `labels` (a class a
sample): Cramer, Stradmann, Schemmel & Zenke, IEEE Trans. Neural Netw. Learn. Syst. 33 (2022).
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from evocircuits.errors import InputError

MEMBERS = ("spikes", "spikes/times", "spikes/units", "labels")
MOST_CHANNELS = 100_000


class SpikeTrains:
    """Spikes of many samples on a grid of time: `trains[rows]` are those of some, 0/1 float[steps, B, channels].

    `first`: int[samples + 1], where each sample's spikes begin among `step` and `channel`, int[spikes].
    """

    def __init__(self, first: Tensor, step: Tensor, channel: Tensor, *, steps: int, channels: int):
        self.first, self.step, self.channel = first, step, channel
        self.steps, self.channels = steps, channels

    def __len__(self) -> int:
        return len(self.first) - 1

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """For int[B] or a slice of samples; in memory (channels, steps, B), as the kernels want it."""
        rows = torch.arange(len(self))[rows]
        trial, place = self._spikes_of(rows)
        spikes = torch.zeros(self.channels, self.steps, len(rows))
        spikes[self.channel[place], self.step[place], trial] = 1.0
        return spikes.permute(1, 2, 0)

    def part(self, rows: Tensor) -> "SpikeTrains":
        """Some samples only, int[n]."""
        trial, place = self._spikes_of(rows)
        first = torch.searchsorted(trial, torch.arange(len(rows) + 1))
        sizes = {"steps": self.steps, "channels": self.channels}
        return SpikeTrains(first, self.step[place], self.channel[place], **sizes)

    def _spikes_of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Of each spike of some samples: whose it is, an index of `rows`, and where it stands."""
        count = self.first[rows + 1] - self.first[rows]
        trial = torch.repeat_interleave(torch.arange(len(rows)), count)
        before = count.cumsum(0) - count
        return trial, torch.arange(len(trial)) + (self.first[rows] - before)[trial]


def read_spike_file(path: str | Path, *, steps: int = 100) -> tuple[SpikeTrains, np.ndarray]:
    """The trains in an HDF5 file, the longest of them over `steps` steps, and their labels int[samples].

    Raises `InputError` for a file of another layout, one that refers to other files, and without h5py.
    """
    try:
        import h5py
    except ImportError:
        raise InputError(f"{path}: needs h5py; install it with: pip install 'evocircuits[nn]'") from None
    try:
        with h5py.File(path, "r") as file:
            _check_members(h5py, file, path)
            times, units = (list(map(np.asarray, file["spikes"][name][:])) for name in ("times", "units"))
            labels = file["labels"][:]
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())[:120]
        raise InputError(f"{path}: expected an HDF5 file of spikes; {reason}") from None
    _check(path, times, units, labels)
    count = np.array([len(train) for train in times])
    time_s, unit = np.concatenate(times).astype(float), np.concatenate(units).astype(np.int64)
    if (
        not len(unit)
        or unit.min() < 0
        or unit.max() >= MOST_CHANNELS
        or not (np.isfinite(time_s) & (time_s >= 0)).all()
    ):
        raise InputError(
            f"{path}: expected spikes at times ≥ 0 of units 0…{MOST_CHANNELS - 1}; got others or none"
        )
    step = np.minimum(time_s / (time_s.max() or 1.0) * steps, steps - 1).astype(np.int64)
    first = torch.from_numpy(np.append(0, count.cumsum()))
    trains = SpikeTrains(
        first, torch.from_numpy(step), torch.from_numpy(unit), steps=steps, channels=int(unit.max()) + 1
    )
    return trains, labels.astype(np.int64)


def _check_members(h5py, file, path: str | Path) -> None:
    for name in MEMBERS:
        own = isinstance(file.get(name, getlink=True), h5py.HardLink)
        member = file[name] if own else None
        if isinstance(member, h5py.Dataset):
            own = name != "spikes" and member.ndim > 0 and not member.external and not member.is_virtual
        elif name != "spikes":
            own = False
        if not own:
            raise InputError(
                f"{path}: expected {', '.join(MEMBERS)} in the file itself; got another {name}, or none"
            )


def _check(path: str | Path, times: list[np.ndarray], units: list[np.ndarray], labels: np.ndarray) -> None:
    whole = len(labels) and labels.ndim == 1 and all(a.dtype.kind in "iu" for a in (labels, *units))
    if not whole or not len(times) == len(units) == len(labels):
        raise InputError(f"{path}: expected times, whole units and a whole label for each sample; got others")
    if [len(t) for t in times] != [len(u) for u in units]:
        raise InputError(f"{path}: expected a unit for each spike; got samples of which this is not so")
