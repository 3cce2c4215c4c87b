"""Classifiers for the arms of a study: the same encoder and readout around a motif, a control of it, or none."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.baselines import PlainLayer, PlainLinear, RecurrentLayer
from evocircuits.nn.controls import delay_shuffled_motif, random_motif, rewired_motif
from evocircuits.nn.encode import LatencyEncoder
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.readout import CountReadout

ARMS = ("motif", "random", "dense")
"""The arms of a study, unless others are asked for."""
CONTROLS = {"random": random_motif, "rewired": rewired_motif, "shuffled": delay_shuffled_motif}
FREE = ("dense", "recurrent", "delayed")
EVERY_ARM = ("motif", *CONTROLS, *FREE)
STEP_ms = 1.0
DELAY_STEPS = 16
"""Steps that the longest delay of a motif takes in a classifier."""
OUTPUT_SPIKES = 0.5
"""Spikes of an output neuron per image at the start of training."""


class Cost(NamedTuple):
    """Per image: spikes of input features and neurons, and synaptic operations (each spike times its out-degree)."""

    spikes: float
    synaptic_events: float


class Classifier(nn.Module):
    """encoder → synapses → layer → readout: images float[B, features] in 0…1 → scores float[B, classes]."""

    def __init__(self, encoder: LatencyEncoder, synapses: nn.Module, layer: nn.Module, readout: CountReadout):
        super().__init__()
        self.encoder, self.synapses, self.layer, self.readout = encoder, synapses, layer, readout

    def forward(self, images: Tensor) -> Tensor:
        """float[B, features] → float[B, classes]."""
        return self.readout(self.layer(self.synapses(self.encoder(images))))

    @torch.no_grad()
    def cost(self, images: Tensor) -> Cost:
        """What one image costs, averaged over `images`; input spikes and their synapses included."""
        pixels = self.encoder(images)
        drive = self.synapses(pixels)
        spikes = self.layer.spikes(drive)
        outputs = self.layer.read_out(spikes)
        events = float(pixels.sum()) * drive.shape[2] + self.layer.synaptic_events(drive, spikes)
        events += float(outputs.sum()) * self.readout.linear.out_features
        return Cost(float(pixels.sum() + spikes.sum()) / len(images), events / len(images))


def classifier(
    arm: str,
    motif: Motif,
    images: Tensor,
    *,
    classes: int,
    seed: int,
    copies: int = 32,
    steps: int = 50,
    window: int = 20,
) -> Classifier:
    """An untrained network for one arm, with copies × motif neurons in each.

    `motif`: copies of the motif behind non-negative weights; `random`, `rewired`, `shuffled`: the same with a control
    (controls.py), drawn by `seed`; `dense`: as many independent neurons behind free weights; `recurrent`: these with
    free weights among all of them; `delayed`: with delays of up to `DELAY_STEPS`, too. A motif runs at the time scale
    at which its longest delay takes `DELAY_STEPS`, or its own if that is shorter; delays of less than a step then take
    one. Input weights are scaled so that `images` (float[B, features]) evoke `OUTPUT_SPIKES` spikes per output neuron.

    Raises `InputError` for an unknown arm.
    """
    generator = torch.Generator().manual_seed(seed)
    features = images.shape[1]
    if arm in FREE:
        layer = _free_layer(arm, copies * motif.circuit.n_neurons, generator)
        synapses = PlainLinear(features, layer.features, generator=generator)
    elif arm in EVERY_ARM:
        time_scale = _time_scale(motif)
        motif = _with_delays_of_at_least(motif, STEP_ms / time_scale)
        chosen = CONTROLS[arm](motif, np.random.default_rng(seed)) if arm in CONTROLS else motif
        layer = MotifLayer(chosen, copies, dt_ms=STEP_ms, time_scale=time_scale)
        synapses = DaleLinear(features, layer.in_features, generator=generator)
    else:
        raise InputError(f"classifier: expected an arm of {', '.join(EVERY_ARM)}; got {arm!r}")
    net = Classifier(LatencyEncoder(steps=steps, window=window), synapses, layer, CountReadout(classes))
    _calibrate(net, images)
    for parameter in net.readout.parameters():
        nn.init.zeros_(parameter)
    return net


def _free_layer(arm: str, neurons: int, generator: torch.Generator) -> nn.Module:
    if arm == "dense":
        return PlainLayer(neurons)
    longest = DELAY_STEPS if arm == "delayed" else 1
    return RecurrentLayer(neurons, longest_delay=longest, generator=generator)


def _time_scale(motif: Motif) -> float:
    longest_ms = float(_delays_ms(motif.circuit).max(initial=motif.dt_ms))
    return STEP_ms * min(1 / motif.dt_ms, DELAY_STEPS / longest_ms)


def _with_delays_of_at_least(motif: Motif, least_ms: float) -> Motif:
    circuit = motif.circuit
    if _delays_ms(circuit).min(initial=least_ms) >= least_ms:
        return motif
    inputs = {
        name: replace(a, delay_ms=np.maximum(a.delay_ms, least_ms)) for name, a in circuit.inputs.items()
    }
    raised = replace(circuit, delay_ms=np.maximum(circuit.delay_ms, least_ms), inputs=inputs)
    return replace(motif, circuit=raised)


def _delays_ms(circuit: Circuit) -> np.ndarray:
    return np.concatenate([circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())])


@torch.no_grad()
def _calibrate(net: Classifier, images: Tensor) -> None:
    net(images)  # the readout takes its width from the first input
    drive = net.synapses(net.encoder(images))
    low, high = -8.0, 8.0
    for _ in range(12):
        gain = (low + high) / 2
        enough = net.layer(drive * float(np.exp(gain))).mean(1).sum(0).mean() >= OUTPUT_SPIKES
        low, high = (low, gain) if enough else (gain, high)
    if isinstance(net.synapses, DaleLinear):
        net.synapses.weight.multiply_(float(np.exp(high)))
    else:
        net.synapses.weight *= float(np.exp(high))
