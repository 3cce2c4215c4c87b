"""Data to train on: values or spikes with their classes, by name or from files, always split alike.

`digits`: scikit-learn's 1,797 images of 8 × 8 pixels (Alpaydin & Kaynak, UCI 1998), varied at random in training;
`digit-rows`: the same, to be shown row after row; `wdbc`: its 569 tumours of 30 measures (Street, Wolberg &
Mangasarian, UCI 1993). `csv:FILE`: numbers, a sample a line, with its class in the last column, perhaps under a line of
names; `npz:FILE`: arrays `x` (samples, …) and `y` (samples); `h5:FILE`: spikes (spike_file.py).
"""

import csv
import hashlib
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.nn.encode import receptive_fields
from evocircuits.nn.spike_file import SpikeTrains, read_spike_file

FIELDS = 5
"""Inputs that hear a measure, each tuned to a value of its own; pixels are heard by one."""
LEAST = 10
"""Samples that each class must have, so that every part of the split has some."""


class Part(NamedTuple):
    """Inputs, float[n, features] in 0…1 or `SpikeTrains` of n samples, and their classes int[n]."""

    inputs: Tensor | SpikeTrains
    classes: Tensor


@dataclass(frozen=True)
class DataSet:
    """What to classify: 70 % to train, 10 % to validate, 20 % to test, the same classes' shares in each.

    `name`: of a file also tells its content. `rows`: into how many equal parts, shown one after another, a sample is
    divided. `varied`: what training makes of inputs each time it meets them, float[B, features] → the same, drawn from
    the generator it is given.
    """

    name: str
    n_classes: int
    train: Part
    validation: Part
    test: Part
    rows: int = 1
    varied: Callable[[Tensor, torch.Generator], Tensor] | None = None


def load_data(spec: str) -> DataSet:
    """The data of a name or of KIND:FILE, as above; a file that ends in .csv, .npz, .h5 or .hdf5 needs no kind.

    Raises `InputError` for what is neither, for damaged files, classes of fewer than 10 samples, and where scikit-learn
    is not installed.
    """
    if spec in NAMED:
        return NAMED[spec]()
    suffix = Path(spec).suffix.lower()
    kind, colon, path = spec.partition(":")
    if not colon and suffix in SUFFIXES:
        kind, path = SUFFIXES[suffix], spec
    if kind not in READERS or not path:
        known = ", ".join([*NAMED, *(f"{kind}:FILE" for kind in READERS)])
        raise InputError(f"data: expected one of {known}; got {shown(spec)}")
    try:
        return READERS[kind](Path(path))
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be read; {error.strerror or error}") from None


def _digits(name: str, rows: int, *, jitter: float, dark: float) -> DataSet:
    images, classes = _scikit_learn().load_digits(return_X_y=True)
    inputs = torch.tensor(images / 16, dtype=torch.float32)
    varied = partial(jittered, jitter=jitter, dark=dark)
    return _parted(name, classes, lambda chosen, _: inputs[chosen], rows=rows, varied=varied)


def jittered(images: Tensor, generator: torch.Generator, *, jitter: float, dark: float) -> Tensor:
    """Images float[B, pixels] whose lit pixels vary at random (σ = `jitter`), and of which a share `dark` is dark."""
    noise = torch.randn(images.shape, generator=generator) * jitter
    kept = torch.rand(images.shape, generator=generator) >= dark
    return (images + noise).clamp(0, 1) * (kept & (images > 0))


def _wdbc() -> DataSet:
    measures, classes = _scikit_learn().load_breast_cancer(return_X_y=True)
    return _table("wdbc", measures, classes)


def _csv(path: Path) -> DataSet:
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        lines = [line for line in csv.reader(file) if line]
    if lines and not all(map(_is_number, lines[0][:-1])):
        lines = lines[1:]
    widths = {len(line) for line in lines}
    if len(widths) != 1 or widths <= {1} or not all(_is_number(cell) for line in lines for cell in line[:-1]):
        raise InputError(f"{path}: expected lines of as many numbers and a class each; got others")
    values = np.array([line[:-1] for line in lines], float)
    return _table(_name(path), values, np.array([line[-1].strip() for line in lines]))


def _npz(path: Path) -> DataSet:
    try:
        with np.load(path, allow_pickle=False) as file:
            values, classes = file["x"], file["y"]
    except (ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile):
        raise InputError(f"{path}: expected arrays x and y as numpy.savez writes them; got others") from None
    plain = values.dtype.kind in "biuf" and classes.dtype.kind in "biuU"
    if not plain or values.ndim < 2 or not values.size or classes.shape != values.shape[:1]:
        raise InputError(
            f"{path}: expected numbers x (samples, …) and a class y for each; got {values.shape}, {classes.shape}"
        )
    return _table(_name(path), values.reshape(len(values), -1).astype(float), classes)


def _h5(path: Path) -> DataSet:
    trains, labels = read_spike_file(path)
    return _parted(_name(path), labels, lambda chosen, _: trains.part(torch.as_tensor(chosen)))


NAMED: dict[str, Callable[[], DataSet]] = {
    "digits": lambda: _digits("digits", 1, jitter=0.1, dark=0.1),
    "digit-rows": lambda: _digits("digit-rows", 8, jitter=0.05, dark=0.0),
    "wdbc": _wdbc,
}
READERS: dict[str, Callable[[Path], DataSet]] = {"csv": _csv, "npz": _npz, "h5": _h5}
SUFFIXES = {".csv": "csv", ".npz": "npz", ".h5": "h5", ".hdf5": "h5"}


def _table(name: str, values: np.ndarray, classes: np.ndarray) -> DataSet:
    """Of measures float[n, features]: each scaled by its range in training, and heard by `FIELDS` inputs."""
    if not np.isfinite(values).all():
        raise InputError(f"{name}: expected finite numbers; got others among them")

    def inputs(chosen: np.ndarray, train: np.ndarray) -> Tensor:
        low, span = values[train].min(0), np.ptp(values[train], 0)
        share = np.clip((values[chosen] - low) / np.where(span > 0, span, 1.0), 0.0, 1.0)
        return receptive_fields(torch.tensor(share, dtype=torch.float32), FIELDS)

    return _parted(name, classes, inputs)


def _parted(name: str, classes: np.ndarray, inputs: Callable, **further) -> DataSet:
    """The split, of which `inputs(chosen, train)` makes the inputs of the samples `chosen`, both int[…]."""
    selection = _scikit_learn("model_selection")
    labels, classes = np.unique(classes, return_inverse=True)
    if len(labels) < 2 or np.bincount(classes).min() < LEAST:
        raise InputError(f"{name}: expected two classes or more of at least {LEAST} samples each; got fewer")
    n = len(classes)
    rest, test = selection.train_test_split(
        np.arange(n), test_size=-(-n // 5), stratify=classes, random_state=0
    )
    train, validation = selection.train_test_split(
        rest, test_size=-(-n // 10), stratify=classes[rest], random_state=0
    )
    parts = (
        Part(inputs(chosen, train), torch.tensor(classes[chosen], dtype=torch.int64))
        for chosen in (train, validation, test)
    )
    return DataSet(name, len(labels), *parts, **further)


def _name(path: Path) -> str:
    """The file's own and the beginning of its content's SHA-256: other data are never taken for these."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    word = re.sub(r"\W+", "_", path.stem)[:40]
    return f"{word}-{content[:8]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _scikit_learn(part: str = "datasets"):
    try:
        from sklearn import datasets, model_selection
    except ImportError:
        raise InputError("data needs scikit-learn; install it with: pip install 'evocircuits[nn]'") from None
    return {"datasets": datasets, "model_selection": model_selection}[part]
