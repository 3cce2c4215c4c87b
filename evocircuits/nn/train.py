"""Training on scikit-learn's digits: several arms, several seeds, learning curves and what an inference costs.

1,797 images of 8 × 8 pixels (Alpaydin & Kaynak, UCI 1998) in a fixed stratified split. Adam on the cross-entropy with a
cosine schedule; the test accuracy is that of the epoch with the best validation accuracy.
"""

import copy
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.assemble import ARMS, EVERY_ARM, Classifier, classifier
from evocircuits.nn.controls import random_motif
from evocircuits.nn.signs import Magnitudes

BATCH = 32
CALIBRATION = 128
"""Training images whose spikes set the initial scale of the input weights."""
RATE_MAGNITUDE, RATE_WEIGHT, RATE_READOUT = 0.03, 0.01, 0.006
"""Adam's step for log-magnitudes, signed input weights, and the readout."""


class Digits(NamedTuple):
    """Images float[n, 64] in 0…1 and classes int[n] of each part of the split."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def load_digits() -> Digits:
    """scikit-learn's digits, always split alike: 1,257 to train, 180 to validate, 360 to test, stratified by class.

    Raises `InputError` where scikit-learn is not installed.
    """
    try:
        from sklearn import datasets, model_selection
    except ImportError:
        raise InputError(
            "training on digits needs scikit-learn; install it with: pip install 'evocircuits[nn]'"
        ) from None
    images, classes = datasets.load_digits(return_X_y=True)
    rest, test = model_selection.train_test_split(
        np.arange(len(classes)), test_size=360, stratify=classes, random_state=0
    )
    train, validation = model_selection.train_test_split(
        rest, test_size=180, stratify=classes[rest], random_state=0
    )
    images, classes = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes, dtype=torch.int64)
    return Digits(*((images[part], classes[part]) for part in (train, validation, test)))


@dataclass(frozen=True)
class Progress:
    """One epoch of one training run has ended."""

    arm: str
    seed: int
    epoch: int
    epochs: int
    train_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class TrainingRun:
    """One arm with one seed: learning curves (a value an epoch), test accuracy, and the cost of one test image."""

    arm: str
    seed: int
    train_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    test_accuracy: float
    spikes: float
    synaptic_events: float
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval by Student's t; with one seed the interval is the mean."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class DigitsResult:
    """Every run of `train_digits`, arm after arm, seed after seed; `notes` say what limits the comparison."""

    motif: str
    epochs: int
    copies: int
    runs: tuple[TrainingRun, ...]
    notes: tuple[str, ...] = ()

    def summary(self, metric: str = "test_accuracy") -> dict[str, Interval]:
        """By arm, the interval of one of `test_accuracy`, `spikes`, `synaptic_events`, `parameters`, `seconds`."""
        arms = dict.fromkeys(run.arm for run in self.runs)
        return {arm: _interval([getattr(run, metric) for run in self.runs if run.arm == arm]) for arm in arms}

    def to_dict(self) -> dict:
        """Runs and summaries as plain dictionaries, ready for JSON."""
        metrics = ("test_accuracy", "spikes", "synaptic_events", "parameters", "seconds")
        summary = {metric: {arm: asdict(i) for arm, i in self.summary(metric).items()} for metric in metrics}
        return asdict(self) | {"runs": [asdict(run) for run in self.runs], "summary": summary}


def train_digits(
    motif: Motif,
    *,
    seeds: int = 3,
    epochs: int = 10,
    arms: Sequence[str] = ARMS,
    copies: int = 32,
    on_progress: Callable[[Progress], None] | None = None,
    workers: int = 2,
) -> DigitsResult:
    """Train each arm with seeds 0…seeds − 1 and return what came of it; equal arguments give equal numbers.

    `workers` runs go side by side, each on one thread; `on_progress` is called in the caller's thread after each epoch.
    Raises `InputError` for an unknown arm, for counts below 1, and where scikit-learn is missing.
    """
    unknown = [arm for arm in arms if arm not in EVERY_ARM]
    if unknown or not arms:
        got = ", ".join(unknown) or "none"
        raise InputError(f"train: expected arms of {', '.join(EVERY_ARM)}; got {got}")
    if min(seeds, epochs, copies, workers) < 1:
        raise InputError(
            f"train: expected seeds, epochs, copies and workers ≥ 1; got {seeds}, {epochs}, {copies}, {workers}"
        )
    digits = load_digits()
    reports: SimpleQueue[Progress] = SimpleQueue()
    stop = threading.Event()

    def report(progress: Progress) -> None:
        if stop.is_set():
            raise InterruptedError
        reports.put(progress)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Threads, not processes: kernels and PyTorch release the interpreter's lock, and nothing is imported twice.
    pool = ThreadPoolExecutor(workers)
    try:
        jobs = [
            pool.submit(_train, motif, digits, arm, seed, epochs, copies, report)
            for arm in arms
            for seed in range(seeds)
        ]
        pending = set(jobs)
        while pending:
            done, pending = wait(pending, timeout=0.1)
            while on_progress and not reports.empty():
                on_progress(reports.get())
            for job in done:
                job.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
    return DigitsResult(motif.id, epochs, copies, tuple(job.result() for job in jobs), _notes(motif, arms))


def _notes(motif: Motif, arms: Sequence[str]) -> tuple[str, ...]:
    alike = random_motif(motif, np.random.default_rng(0)).circuit.shape == motif.circuit.shape
    if "random" in arms and alike:
        return ("this motif is too small to be wired otherwise: its random control is the motif itself",)
    return ()


def _train(
    motif: Motif, digits: Digits, arm: str, seed: int, epochs: int, copies: int, report
) -> TrainingRun:
    torch.set_num_threads(1)
    began = time.perf_counter()
    images, classes = digits.train
    net = classifier(arm, motif, images[:CALIBRATION], classes=10, seed=seed, copies=copies)
    optimizer = torch.optim.Adam(_parameter_groups(net))
    generator = torch.Generator().manual_seed(seed)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * -(-len(images) // BATCH))
    losses, accuracies, best = [], [], {}
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(images), generator=generator).split(BATCH):
            optimizer.zero_grad()
            loss = cross_entropy(net(images[batch]), classes[batch])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
        losses.append(total / len(images))
        accuracies.append(_accuracy(net, *digits.validation))
        if accuracies[-1] == max(accuracies):
            best = copy.deepcopy(net.state_dict())
        report(Progress(arm, seed, epoch + 1, epochs, losses[-1], accuracies[-1]))
    net.load_state_dict(best)
    cost = net.cost(digits.test[0])
    return TrainingRun(
        arm=arm,
        seed=seed,
        train_loss=tuple(losses),
        validation_accuracy=tuple(accuracies),
        test_accuracy=_accuracy(net, *digits.test),
        spikes=cost.spikes,
        synaptic_events=cost.synaptic_events,
        parameters=sum(p.numel() for p in net.parameters()),
        seconds=time.perf_counter() - began,
    )


def _parameter_groups(net: Classifier) -> list[dict]:
    magnitudes = [
        p for module in net.modules() if isinstance(module, Magnitudes) for p in module.parameters()
    ]
    readout = list(net.readout.parameters())
    taken = {id(p) for p in (*magnitudes, *readout)}
    weights = [p for p in net.parameters() if id(p) not in taken]
    groups = ((magnitudes, RATE_MAGNITUDE), (weights, RATE_WEIGHT), (readout, RATE_READOUT))
    return [{"params": parameters, "lr": rate} for parameters, rate in groups if parameters]


@torch.no_grad()
def _accuracy(net: Classifier, images: Tensor, classes: Tensor) -> float:
    return float((net(images).argmax(1) == classes).double().mean())


def _interval(values: list[float]) -> Interval:
    from scipy.stats import t  # scikit-learn brings it

    mean = float(np.mean(values))
    n = len(values)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    return Interval(mean, mean - half, mean + half)
