"""Initialisation to a target firing rate, by the strength of each layer's inputs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from evocircuits.errors import InputError
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.spectra import Spectrum, recurrent_matrix, spectrum

HALVINGS = 16
WIDEST = 12.0
"""Natural logarithm of the largest factor that is tried."""


@dataclass(frozen=True)
class Initialised:
    """One layer: the factor on its afferent weights, the rate of its output neurons, and its recurrent `spectrum`."""

    layer: str
    factor: float
    rate_Hz: float
    spectrum: Spectrum


@torch.no_grad()
def set_rates(net: nn.Module, x: Tensor, *, rate_Hz: float) -> list[Initialised]:
    """Scale the afferent weights of each motif layer in `net`, front to back, so that its outputs fire at `rate_Hz`.

    `x` is what `net` is called with; rates are means over its steps, trials and output neurons. The factor is found by
    bisection as the least at which the rate is reached, or the largest tried where it never is: see `rate_Hz` of what
    is returned. Raises `InputError` for a rate that is not positive, and where there is no motif layer.
    """
    layers = {
        name: part
        for name, part in net.named_modules()
        if isinstance(part, MotifLayer | CoupledColumns) and getattr(part, "mode", "spikes") == "spikes"
    }
    if not rate_Hz > 0 or not layers:
        raise InputError(
            f"set_rates: expected a rate > 0 and a net with motif layers; got {rate_Hz}, {len(layers)}"
        )
    done: list[Initialised] = []
    for name in _in_order(net, layers, x):
        layer = layers[name]
        given = _input_of(net, layer, x)
        factor = _factor(layer, given, rate_Hz * layer.dt_ms / 1000)
        layer.trained.afferent.multiply_(factor)
        rate = float(layer(given).mean()) * 1000 / layer.dt_ms
        done.append(Initialised(name, factor, rate, spectrum(recurrent_matrix(layer))))
    return done


def _in_order(net: nn.Module, layers: dict[str, nn.Module], x: Tensor) -> list[str]:
    called: list[str] = []
    handles = [
        layer.register_forward_pre_hook(lambda part, args, name=name: called.append(name))
        for name, layer in layers.items()
    ]
    _call(net, handles, x)
    return list(dict.fromkeys(called))


def _input_of(net: nn.Module, layer: nn.Module, x: Tensor) -> Tensor:
    given: list[Tensor] = []
    _call(net, [layer.register_forward_pre_hook(lambda part, args: given.append(args[0]))], x)
    return given[0]


def _call(net: nn.Module, handles: list, x: Tensor) -> None:
    try:
        net(x)
    finally:
        for handle in handles:
            handle.remove()


def _factor(layer: nn.Module, x: Tensor, spikes_per_step: float) -> float:
    low, high = -WIDEST, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        factor = float(torch.tensor(middle).exp())
        enough = (
            float(layer(x * factor).mean()) >= spikes_per_step
        )  # an amplitude acts as the weight's factor
        low, high = (low, middle) if enough else (middle, high)
    return float(torch.tensor(high).exp())
