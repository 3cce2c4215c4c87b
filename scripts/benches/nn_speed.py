"""A layer's forward and backward pass beside Norse, snnTorch and PyTorch alone: 32 copies of W, 100 steps, 64 trials.

The layer has everything: a non-negative map from 64 inputs in front, delays, refractoriness, and spikes out in the
order in which it gives them. `block` is the same model written for speed in PyTorch: one product of matrices a step for
all copies and delays. The peers' recurrent layers of as many neurons are dense, and have no delays.
"""

from collections.abc import Callable
from dataclasses import replace

import nn_block
import nn_peers
import numpy as np
import torch
from report import Row, at_least, figure, not_measured, tell
from timing import clock_seconds, in_turn
from torch import Tensor, nn
from workload import DT_MS, NEURONS, workload

from evocircuits.genome import Genome, PopulationGene, Port
from evocircuits.motif import Motif, Provenance
from evocircuits.nn import DaleLinear, MotifLayer

COPIES, TRIALS, STEPS, INPUTS, RATE = 32, 64, 100, 64, 0.05
THREADS, REPEATS = 2, 21
SIZES = (2, 8, 32, 128, 500)
"""Copies of the curve: 40 … 10,000 neurons."""
DENSE_UP_TO = 2_560
"""Neurons; a dense layer of 10,000 has 10⁸ weights."""


def measure() -> list[Row]:
    """Seconds, ratios to the peers, and the curve over sizes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return [*_ratios(), *_curve()]
    finally:
        torch.set_num_threads(threads)


def motif() -> Motif:
    """W as a motif whose outputs are all its excitatory neurons; its genome stands for none."""
    circuit = workload()
    cell = PopulationGene(1, True, 1, 10.0, 15.0, 2.0, 2.0, 5.0, port="out")
    genome = Genome((Port("in", 1),), (Port("out", 1),), (cell,), ())
    outputs = {"out": np.flatnonzero(circuit.excitatory)}
    return Motif(genome, replace(circuit, outputs=outputs), DT_MS, Provenance(origin="benchmark"))


def layer_of(copies: int, **options) -> nn.Sequential:
    """The map and the layer."""
    layer = MotifLayer(motif(), copies, **options)
    generator = torch.Generator().manual_seed(0)
    return nn.Sequential(DaleLinear(INPUTS, layer.in_features, generator=generator), layer)


def spikes_in(trials: int = TRIALS, steps: int = STEPS) -> Tensor:
    """0/1 float[steps, trials, INPUTS], in memory as an encoder of this package would leave them."""
    drawn = torch.rand(INPUTS, steps, trials, generator=torch.Generator().manual_seed(1))
    return (drawn < RATE).float().permute(1, 2, 0)


def step_of(net: nn.Module, x: Tensor) -> Callable[[], None]:
    """One forward and backward pass by all weights."""

    def call() -> None:
        for parameter in net.parameters():
            parameter.grad = None
        net(x).sum().backward()

    return call


def _ratios() -> list[Row]:
    x = spikes_in()
    neurons = COPIES * NEURONS
    name = f"nn: {COPIES} × {NEURONS} neurons, {TRIALS} trials, {STEPS} steps"
    net, block = layer_of(COPIES), nn_block.net_of(motif(), COPIES, INPUTS)
    tell("the layer and block-diagonal PyTorch")
    ours_s, block_s = in_turn(step_of(net, x), step_of(block, x), repeats=REPEATS, timed=clock_seconds)
    same = nn_block.spikes_shared(net, block, x)
    rows = [
        figure(f"{name}, MotifLayer", 1000 * ours_s, "ms"),
        figure(f"{name}, neuron-steps of training", neurons * TRIALS * STEPS / ours_s, "neuron-steps/s"),
        figure(f"{name}, block-diagonal PyTorch of the same model", 1000 * block_s, "ms"),
        at_least("nn: ratio to block-diagonal PyTorch of the same model", block_s / ours_s, "×", 4),
        at_least("nn: spikes shared with block-diagonal PyTorch, float32", 100 * same, "%", 99.9),
    ]
    for peer, make in nn_peers.PEERS.items():
        tell(peer)
        try:
            theirs = step_of(make(INPUTS, neurons), x)
        except ImportError as error:
            rows.append(
                not_measured(f"nn: ratio to {peer}", "×", f"{error}; pip install 'evocircuits[peers]'")
            )
            continue
        ours_s, theirs_s = in_turn(step_of(net, x), theirs, repeats=REPEATS, timed=clock_seconds)
        rows += [
            figure(f"{name}, {peer} of {neurons}", 1000 * theirs_s, "ms"),
            at_least(f"nn: ratio to {peer} of {neurons}", theirs_s / ours_s, "×", 10),
        ]
    return rows


def _curve() -> list[Row]:
    x, rows = spikes_in(), []
    for copies in SIZES:
        neurons = copies * NEURONS
        tell(f"{neurons} neurons")
        calls = {"MotifLayer": step_of(layer_of(copies), x)}
        for peer, make in nn_peers.PEERS.items():
            if neurons <= DENSE_UP_TO:
                try:
                    calls[peer] = step_of(make(INPUTS, neurons), x)
                except ImportError:
                    continue
        times = in_turn(*calls.values(), repeats=5, timed=clock_seconds)
        for peer, spent_s in zip(calls, times, strict=True):
            rows.append(
                figure(f"nn: {neurons} neurons, {peer}", 1000 * spent_s, "ms", detail=peer != "MotifLayer")
            )
    return rows
