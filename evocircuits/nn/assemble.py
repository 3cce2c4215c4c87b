"""Classifiers for the arms of a study: the same encoder and readout around a motif, a control of it, or none."""

from collections.abc import Callable
from dataclasses import replace
from math import sqrt

import numpy as np
import torch
from torch import Tensor, nn

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.baselines import PlainLayer, PlainLinear, RecurrentLayer
from evocircuits.nn.classic import GruReadout, mlp
from evocircuits.nn.controls import delay_shuffled_motif, random_motif, rewired_motif
from evocircuits.nn.dale_nets import column_net, dann_net
from evocircuits.nn.encode import LatencyEncoder, RowEncoder
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.readout import CountReadout, LeakyReadout, WindowReadout

ARMS = ("motif", "random", "dense")
"""The arms of a study, unless others are asked for."""
CONTROLS = {"random": random_motif, "rewired": rewired_motif, "shuffled": delay_shuffled_motif}
RATES: dict[str, Callable[..., nn.Sequential]] = {"mlp": mlp, "column": column_net, "dann": dann_net}
STEP_ms = 1.0
DELAY_STEPS = 16
"""Steps that the longest delay of a motif takes in a classifier of whole samples."""
FREE = {"dense": 1, "recurrent": 1, "delayed": DELAY_STEPS}
"""Arms whose weights have either sign, and the steps that their longest delay takes."""
EVERY_ARM = ("motif", *CONTROLS, *FREE, *RATES, "gru")
PACE = 0.5
"""Of the own times of a motif, at most, in a classifier of whole samples: memories shorter than the code tell early
spikes from late ones."""
WINDOW = 12
"""Steps of the latency code. No more follow than the longest delay takes: the dimmer a pixel, the less it can do, and
one that is hardly lit counts as one that is dark."""
MEMORY = 8.0
"""Time constant of what is read, in steps: it matters when an output spikes."""
ROW_STEPS, ROW_WINDOW, REST, LAST_ROWS = 8, 6, 8, 3
"""Of a sample in rows: steps of each row and of its code, those after the last row, and the number of rows' times up to
the end in which outputs are read."""
SLOPE = 4.0
"""β of the surrogate derivative."""
OUTPUT_SPIKES, ROWS_SPIKES = 0.5, 1.0
"""Spikes of an output neuron per sample at the start of training, of a sample at once and in rows."""


class Classifier(nn.Module):
    """encoder → synapses → layer → readout: float[B, features] in 0…1, or spikes float[T, B, F] → float[B, classes]."""

    def __init__(self, encoder: nn.Module, synapses: nn.Module, layer: nn.Module, readout: nn.Module):
        super().__init__()
        self.encoder, self.synapses, self.layer, self.readout = encoder, synapses, layer, readout

    def forward(self, x: Tensor) -> Tensor:
        """float[B, features] or float[T, B, F] → float[B, classes]."""
        return self.readout(self.layer(self.synapses(self.encoder(x))))


def classifier(
    arm: str,
    motif: Motif,
    sample: Tensor,
    *,
    classes: int,
    seed: int,
    copies: int = 32,
    steps: int | None = None,
    window: int = WINDOW,
    rows: int = 1,
) -> Classifier:
    """An untrained network for one arm, with copies × motif neurons in each.

    `sample`: some inputs, values float[B, features] in 0…1, or spikes float[T, B, F]. Values are encoded by latency
    within `window` steps of `steps` (None: what the longest delay takes more), or in `rows` one after another.
    What is read are counts of spikes: of values later ones count more (`LeakyReadout`), of rows those that come late
    are told apart by when (`WindowReadout`).

    `motif`: copies of the motif behind non-negative weights; `random`, `rewired`, `shuffled`: the same with a control
    (controls.py), drawn by `seed`; `dense`: as many independent neurons behind free weights; `recurrent`: these with
    free weights among all of them; `delayed`: with delays of up to `DELAY_STEPS`, too; `mlp`, `column`, `dann`: rate
    networks with as many hidden units, which see the values, or counts of spikes, all at once (classic.py,
    dale_nets.py); `gru`: one with about as many parameters as `dense`.

    A motif runs at the time scale at which its longest delay takes `DELAY_STEPS`, or at `PACE` of its own if that is
    shorter; in rows at that at which it reaches from the first row to the last, or its own. Delays of less than a step
    then take one. In rows, afferent weights start log-normal around the motif's, so that copies and delays differ.
    Input weights are scaled so that `sample` evokes `OUTPUT_SPIKES` spikes per output neuron, in rows `ROWS_SPIKES`.

    Raises `InputError` for an unknown arm.
    """
    if arm not in EVERY_ARM:
        raise InputError(f"classifier: expected an arm of {', '.join(EVERY_ARM)}; got {arm!r}")
    generator = torch.Generator().manual_seed(seed)
    neurons = copies * motif.circuit.n_neurons
    time_scale = _time_scale(motif, rows)
    if steps is None:
        steps = window + FREE.get(arm, max(1, round(_longest_ms(motif) * time_scale / STEP_ms)))
    encoder = _encoder(sample, steps, window, rows)
    if arm in RATES:
        first, *between, last = RATES[arm]([sample.shape[-1], neurons, classes], generator=generator)
        seen = _Counts() if sample.ndim == 3 else nn.Identity()
        return Classifier(seen, first, nn.Sequential(*between), last)
    features = encoder(sample).shape[2]
    if arm == "gru":
        gru = GruReadout(features, _as_large(features, neurons), classes, generator=generator)
        return Classifier(encoder, nn.Identity(), nn.Identity(), gru)
    if arm in FREE:
        layer = _free_layer(arm, neurons, generator)
        synapses = PlainLinear(features, layer.features, generator=generator)
    else:
        motif = _with_delays_of_at_least(motif, STEP_ms / time_scale)
        chosen = CONTROLS[arm](motif, np.random.default_rng(seed)) if arm in CONTROLS else motif
        layer = MotifLayer(chosen, copies, dt_ms=STEP_ms, time_scale=time_scale, slope=SLOPE)
        if rows > 1:
            _spread(layer, generator)
        synapses = DaleLinear(features, layer.in_features, generator=generator)
    net = Classifier(encoder, synapses, layer, _readout(sample, classes, rows))
    _calibrate(net, sample, ROWS_SPIKES if rows > 1 else OUTPUT_SPIKES)
    for parameter in net.readout.parameters():
        nn.init.zeros_(parameter)
    return net


class _Counts(nn.Module):
    def forward(self, spikes: Tensor) -> Tensor:
        return spikes.sum(0)


def _encoder(sample: Tensor, steps: int, window: int, rows: int) -> nn.Module:
    if sample.ndim == 3:
        return nn.Identity()
    if rows == 1:
        return LatencyEncoder(steps=steps, window=window)
    return RowEncoder(LatencyEncoder(steps=ROW_STEPS, window=ROW_WINDOW), rows=rows, rest=REST)


def _readout(sample: Tensor, classes: int, rows: int) -> nn.Module:
    if sample.ndim == 3:
        return CountReadout(classes)
    if rows == 1:
        return LeakyReadout(classes, tau_steps=MEMORY)
    return WindowReadout(classes, windows=LAST_ROWS, steps=ROW_STEPS)


def _as_large(features: int, neurons: int) -> int:
    """Units h of a GRU whose 3 h (h + features) weights are about neurons × features."""
    return max(1, round((sqrt(features**2 + 4 * features * neurons / 3) - features) / 2))


def _spread(layer: MotifLayer, generator: torch.Generator) -> None:
    afferent = layer.trained.afferent
    afferent.multiply_(torch.exp(torch.empty_like(afferent.raw).detach().normal_(generator=generator)))


def _free_layer(arm: str, neurons: int, generator: torch.Generator) -> nn.Module:
    if arm == "dense":
        return PlainLayer(neurons, slope=SLOPE)
    return RecurrentLayer(neurons, longest_delay=FREE[arm], slope=SLOPE, generator=generator)


def _time_scale(motif: Motif, rows: int) -> float:
    pace, delay_steps = (1.0, ROW_STEPS * (rows - 1) + 1) if rows > 1 else (PACE, DELAY_STEPS)
    return STEP_ms * min(pace / motif.dt_ms, delay_steps / _longest_ms(motif))


def _longest_ms(motif: Motif) -> float:
    return float(_delays_ms(motif.circuit).max(initial=motif.dt_ms))


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
def _calibrate(net: Classifier, sample: Tensor, spikes: float) -> None:
    net(sample)  # the readout takes its width from the first input
    drive = net.synapses(net.encoder(sample))
    low, high = -8.0, 8.0
    for _ in range(12):
        gain = (low + high) / 2
        enough = net.layer(drive * float(np.exp(gain))).mean(1).sum(0).mean() >= spikes
        low, high = (low, gain) if enough else (gain, high)
    if isinstance(net.synapses, DaleLinear):
        net.synapses.weight.multiply_(float(np.exp(high)))
    else:
        net.synapses.weight *= float(np.exp(high))
