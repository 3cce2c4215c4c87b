"""Training of classifiers: several arms, several seeds, learning curves and what an inference costs.

Adam on the cross-entropy of smoothed labels, with steps that grow and then shrink (Smith & Topin, Proc. SPIE 11006
(2019)). What is tested has the mean of the last steps' weights (Izmailov et al., UAI 2018).
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import SimpleQueue

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel

from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.assemble import ARMS, EVERY_ARM, classifier
from evocircuits.nn.controls import random_motif
from evocircuits.nn.costs import count
from evocircuits.nn.data import DataSet, Part
from evocircuits.nn.hardware import energy
from evocircuits.nn.results import Progress, TrainingResult, TrainingRun
from evocircuits.nn.signs import Magnitudes

BATCH = 64
CALIBRATION = 128
"""Training samples whose spikes set the first scale of the input weights, and test samples whose costs are counted."""
RATE_MAGNITUDE, RATE_WEIGHT, RATE_READOUT = 0.15, 0.03, 0.06
"""Adam's largest step for log-magnitudes, signed weights, and the readout."""
IN_ROWS = 0.4
"""Of these where samples come in rows."""
SMOOTHING = 0.1
"""So much of a label is shared by all classes."""
AVERAGED = 0.3
"""The last share of epochs, over which weights are averaged."""

Report = Callable[[Progress], None]


def train_arms(
    motif: Motif,
    data: DataSet,
    *,
    seeds: int = 3,
    epochs: int = 10,
    arms: Sequence[str] = ARMS,
    copies: int = 32,
    done: Iterable[TrainingRun] = (),
    on_progress: Report | None = None,
    on_run: Callable[[TrainingRun], None] | None = None,
    workers: int = 2,
) -> TrainingResult:
    """Train each arm with seeds 0…seeds − 1 and return what came of it; equal arguments give equal numbers.

    `workers` runs go side by side, each on one thread. `on_progress` is called in the caller's thread after each epoch,
    `on_run` when a run has ended; runs among those `done` earlier are taken as they are.

    Raises `InputError` for an unknown arm and for counts below 1.
    """
    _check(arms, seeds, epochs, copies, workers)
    wanted = [(arm, seed) for arm in arms for seed in range(seeds)]
    runs = {(run.arm, run.seed): run for run in done}
    reports: SimpleQueue[Progress] = SimpleQueue()
    stop = threading.Event()

    def report(progress: Progress) -> None:
        if stop.is_set():
            raise InterruptedError
        reports.put(progress)

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    # Threads, not processes: kernels and PyTorch release the interpreter's lock, and nothing is imported twice.
    pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        pending: set[Future[TrainingRun]] = {
            pool.submit(train_one, motif, data, arm, seed, epochs=epochs, copies=copies, on_progress=report)
            for arm, seed in wanted
            if (arm, seed) not in runs
        }
        while pending:
            ended, pending = wait(pending, timeout=0.1)
            while on_progress and not reports.empty():
                on_progress(reports.get())
            for job in sorted(
                ended, key=lambda job: job.exception() is not None
            ):  # what is done is kept first
                run = job.result()
                runs[run.arm, run.seed] = run
                if on_run:
                    on_run(run)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
    chosen = tuple(runs[key] for key in wanted)
    return TrainingResult(motif.id, data.name, epochs, copies, chosen, _notes(motif, arms))


def train_one(
    motif: Motif,
    data: DataSet,
    arm: str,
    seed: int,
    *,
    epochs: int,
    copies: int = 32,
    on_progress: Report = lambda progress: None,
) -> TrainingRun:
    """Train the network of one arm with one seed."""
    began = time.perf_counter()
    inputs, classes = data.train
    sizes = {"classes": data.n_classes, "seed": seed, "copies": copies, "rows": data.rows}
    net = classifier(arm, motif, inputs[:CALIBRATION], **sizes)
    groups = _parameter_groups(net, IN_ROWS if data.rows > 1 else 1.0)
    optimizer = torch.optim.Adam(groups)
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(classes) // BATCH)
    rates = [group["lr"] for group in groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
    averaged = AveragedModel(net)
    losses, accuracies = [], []
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(classes), generator=generator).split(BATCH):
            optimizer.zero_grad()
            given = data.varied(inputs[batch], generator) if data.varied else inputs[batch]
            loss = cross_entropy(net(given), classes[batch], label_smoothing=SMOOTHING)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(batch)
            if epoch >= int((1 - AVERAGED) * epochs):
                averaged.update_parameters(net)
        losses.append(total / len(classes))
        accuracies.append(_accuracy(net, data.validation))
        on_progress(Progress(arm, seed, epoch + 1, epochs, losses[-1], accuracies[-1]))
    net = averaged.module
    return TrainingRun(
        arm=arm,
        seed=seed,
        train_loss=tuple(losses),
        validation_accuracy=tuple(accuracies),
        test_accuracy=_accuracy(net, data.test),
        **_costs(net, data.test),
        parameters=sum(p.numel() for p in net.parameters()),
        seconds=time.perf_counter() - began,
    )


def _check(arms: Sequence[str], seeds: int, epochs: int, copies: int, workers: int) -> None:
    unknown = [arm for arm in arms if arm not in EVERY_ARM]
    if unknown or not arms:
        got = ", ".join(unknown) or "none"
        raise InputError(f"train: expected arms of {', '.join(EVERY_ARM)}; got {got}")
    if min(seeds, epochs, copies, workers) < 1:
        raise InputError(
            f"train: expected seeds, epochs, copies and workers ≥ 1; got {seeds}, {epochs}, {copies}, {workers}"
        )


def _notes(motif: Motif, arms: Sequence[str]) -> tuple[str, ...]:
    alike = random_motif(motif, np.random.default_rng(0)).circuit.shape == motif.circuit.shape
    if "random" in arms and alike:
        return ("this motif is too small to be wired otherwise: its random control is the motif itself",)
    return ()


def _parameter_groups(net: nn.Module, pace: float) -> list[dict]:
    magnitudes = [
        p for module in net.modules() if isinstance(module, Magnitudes) for p in module.parameters()
    ]
    free = {id(p) for p in net.parameters()} - {id(p) for p in magnitudes}
    readout = [p for p in net.readout.parameters() if id(p) in free]
    weights = [p for p in net.parameters() if id(p) in free - {id(q) for q in readout}]
    groups = ((magnitudes, RATE_MAGNITUDE), (weights, RATE_WEIGHT), (readout, RATE_READOUT))
    return [{"params": parameters, "lr": pace * rate} for parameters, rate in groups if parameters]


@torch.no_grad()
def _accuracy(net: nn.Module, part: Part) -> float:
    right = [
        net(part.inputs[rows]).argmax(1) == part.classes[rows]
        for rows in torch.arange(len(part.classes)).split(CALIBRATION * 4)
    ]
    return float(torch.cat(right).double().mean())


def _costs(net: nn.Module, part: Part) -> dict:
    counts = count(net, part.inputs[:CALIBRATION])
    total = energy(counts, "45nm").total_pJ
    events = counts.effective_acs + counts.effective_macs
    return {"spikes": counts.spikes, "synaptic_events": events, "energy_pJ": (total.low, total.high)}
