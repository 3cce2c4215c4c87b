"""Labelled spike trains from a file, in three parts.

The format of the file is described where the task is, in tasks/labelled.py.
"""

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from evocircuits.checks import checked_count, checked_floats, checked_indices, checked_positive
from evocircuits.errors import InputError

Part = Literal["training", "validation", "held-out"]
PARTS: tuple[Part, ...] = ("training", "validation", "held-out")
REQUIRED = ("time_ms", "channel", "sample", "label")
OPTIONAL = ("duration_ms", "dt_ms", "n_channels", "split")
UNREADABLE = (ValueError, OSError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises for files that are broken, are no archive, or hold anything but numbers."""
USUAL_DT_ms = 0.1
"""The step for which the ranges of genes are meant."""
LONGEST_DELAY = 250
"""In steps."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled samples, spikes in the order of samples: those of sample s are `first[s]`…`first[s + 1]` − 1.

    `time_ms` float[E], `channel` int[E], `first` int[samples + 1], `label` and `split` int[samples].
    """

    time_ms: np.ndarray
    channel: np.ndarray
    first: np.ndarray
    label: np.ndarray
    split: np.ndarray
    n_channels: int
    duration_ms: float
    dt_ms: float

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return int(self.label.max()) + 1

    def of_class(self, label: int, part: Part) -> np.ndarray:
        """The samples of a class in one part, int[n]."""
        return np.flatnonzero((self.label == label) & (self.split == PARTS.index(part)))

    def counts(self, samples: np.ndarray) -> np.ndarray:
        """int[samples, channels]: the spikes of each channel."""
        spike, row = self.spikes_of(samples)
        cell = row * self.n_channels + self.channel[spike]
        return np.bincount(cell, minlength=len(samples) * self.n_channels).reshape(len(samples), -1)

    def spikes_of(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All spikes of these samples: their places in `time_ms`, and in `samples`, both int[spikes]."""
        length = self.first[samples + 1] - self.first[samples]
        row = np.repeat(np.arange(len(samples)), length)
        within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        return self.first[samples[row]] + within, row


def read_samples(path: Path, content: bytes) -> Samples:
    """The samples in an .npz file, whose bytes are `content`, in the format that tasks/labelled.py describes.

    Raises `InputError` for a file that is none, in which something is missing, unknown, of wrong shape or out of range,
    or in which a class has no sample in one of the three parts.
    """
    arrays = _arrays(path, content)
    time_ms = checked_floats(f"{path}: time_ms", arrays["time_ms"], shapes={1: "spikes"}, low=0)
    channel = checked_indices(f"{path}: channel", arrays["channel"], axis="spikes")
    sample = checked_indices(f"{path}: sample", arrays["sample"], axis="spikes")
    label = checked_indices(f"{path}: label", arrays["label"], axis="samples")
    if not len(time_ms) == len(channel) == len(sample) > 0:
        lengths = [len(time_ms), len(channel), len(sample)]
        raise InputError(f"{path}: expected time_ms, channel and sample of one length, > 0; got {lengths}")
    n_classes = len(np.unique(label))
    if n_classes < 2 or label.min() != 0 or label.max() != n_classes - 1:
        found = ", ".join(map(str, np.unique(label)[:10]))
        raise InputError(f"{path}: label: expected classes 0…K−1, all of them, K ≥ 2; got {found or 'none'}")
    dt_ms = checked_positive(f"{path}: dt_ms", arrays.get("dt_ms", USUAL_DT_ms))
    usual_ms = (np.ceil(time_ms.max() / dt_ms) + LONGEST_DELAY) * dt_ms
    duration_ms = checked_positive(f"{path}: duration_ms", arrays.get("duration_ms", usual_ms))
    n_channels = checked_count(f"{path}: n_channels", arrays.get("n_channels", int(channel.max()) + 1))
    _check_below(f"{path}: sample", sample, len(label))
    _check_below(f"{path}: channel", channel, n_channels)
    if time_ms.max() >= duration_ms:
        raise InputError(
            f"{path}: time_ms: expected times < duration_ms = {duration_ms:g}; got {time_ms.max():g}"
        )
    n_steps = duration_ms / dt_ms
    if abs(n_steps - round(n_steps)) > 1e-6 * n_steps:
        raise InputError(
            f"{path}: duration_ms: expected whole steps of dt_ms = {dt_ms:g}; got {n_steps:g} of them"
        )
    split = arrays.get("split")
    split = _split(label) if split is None else checked_indices(f"{path}: split", split, axis="samples")
    _check_split(path, split, label)
    order = np.argsort(sample, kind="stable")
    first = np.searchsorted(sample[order], np.arange(len(label) + 1))
    return Samples(time_ms[order], channel[order], first, label, split, n_channels, duration_ms, dt_ms)


def _arrays(path: Path, content: bytes) -> dict[str, np.ndarray]:
    """What the file holds; arrays without dimensions as plain numbers."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] if file[name].ndim else file[name].item() for name in file}
    except UNREADABLE:
        raise InputError(
            f"{path}: expected a file of number arrays that numpy.savez wrote; got another"
        ) from None
    missing = [name for name in REQUIRED if name not in arrays]
    unknown = [name for name in arrays if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        wrong = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is unknown"
        raise InputError(
            f"{path}: expected {', '.join(REQUIRED)}, and perhaps {', '.join(OPTIONAL)}; {wrong}"
        )
    return arrays


def _check_below(name: str, indices: np.ndarray, n: int) -> None:
    if indices.min() < 0 or indices.max() >= n:
        raise InputError(f"{name}: expected indices 0…{n - 1}; got {indices.min()}…{indices.max()}")


def _check_split(path: Path, split: np.ndarray, label: np.ndarray) -> None:
    if len(split) != len(label) or not np.isin(split, (0, 1, 2)).all():
        raise InputError(
            f"{path}: split: expected 0, 1 or 2 for each of {len(label)} samples; got {_short(split)}"
        )
    for part, name in enumerate(PARTS):
        lacking = np.setdiff1d(label, label[split == part])
        if len(lacking):
            raise InputError(
                f"{path}: expected samples of each class in training, validation and held-out part; class {lacking[0]} "
                f"has {np.sum(label == lacking[0])} in all, none of them {name}"
            )


def _short(values: np.ndarray) -> str:
    return f"{len(values)} values {values.min(initial=0)}…{values.max(initial=0)}"


def _split(label: np.ndarray) -> np.ndarray:
    """The part of each sample: 60, 20 and 20 % of each class, in the order of a hash of the samples' numbers, so that
    neither the order in the file nor any random generator matters.
    """
    split = np.full(len(label), 2)
    for members in (np.flatnonzero(label == k) for k in np.unique(label)):
        mixed = sorted(members.tolist(), key=lambda i: hashlib.sha256(str(i).encode()).digest())
        n_validation = max(1, round(len(mixed) / 5))
        n_training = max(1, len(mixed) - 2 * n_validation)
        split[mixed[:n_training]] = 0
        split[mixed[n_training : n_training + n_validation]] = 1
    return split
