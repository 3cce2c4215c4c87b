"""Networks of motif layers in one line each: a hidden layer replaced, layers stacked, two motifs in one, columns."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.rates import Rates
from evocircuits.nn.routing import Routed


def hidden_block(
    motif: Motif,
    in_features: int,
    out_features: int,
    *,
    copies: int = 8,
    rates: Rates | None = None,
    **options,
) -> nn.Sequential:
    """In the place of Linear → ReLU → Linear: float[…, in_features] → float[…, out_features], copies as rate units.

    A linear map and a ReLU make the input that a motif's excitatory channels take, another linear map reads its
    outputs. `options` are further ones of `MotifLayer`.
    """
    layer = MotifLayer(motif, copies, mode="rate", rates=rates, **options)
    into, out_of = nn.Linear(in_features, layer.in_features), nn.Linear(layer.out_features, out_features)
    return nn.Sequential(into, nn.ReLU(), layer, out_of)


def columns(motif: Motif, in_features: int, *, copies: int = 32, generator=None, **options) -> nn.Sequential:
    """Columns in parallel behind one non-negative map: float[T, B, in_features] → spikes."""
    layer = MotifLayer(motif, copies, **options)
    return nn.Sequential(DaleLinear(in_features, layer.in_features, generator=generator), layer)


def coupled_columns(
    motif: Motif, in_features: int, *, copies: int = 8, rng: np.random.Generator, generator=None, **options
) -> nn.Sequential:
    """Columns that excite one another behind one non-negative map: float[T, B, in_features] → spikes."""
    layer = CoupledColumns(motif, copies, rng=rng, **options)
    return nn.Sequential(DaleLinear(in_features, layer.in_features, generator=generator), layer)


def stack(
    motifs: Sequence[Motif], in_features: int, *, copies: int = 32, generator=None, **options
) -> nn.Sequential:
    """One layer a motif, each behind a non-negative map: float[T, B, in_features] → spikes of the last.

    Raises `InputError` for no motif, and for one before the last with inhibitory output neurons, as what leaves a layer
    excites the next.
    """
    if not motifs:
        raise InputError("stack: expected at least one motif; got none")
    parts, width = [], in_features
    for i, motif in enumerate(motifs):
        layer = MotifLayer(motif, copies, **options)
        parts += [DaleLinear(width, layer.in_features, generator=generator), layer]
        width = layer.out_features
        circuit = motif.circuit
        if i + 1 < len(motifs) and not circuit.excitatory[circuit.output_neurons].all():
            raise InputError(
                f"stack: expected excitatory output neurons; got inhibitory ones in motif {motif.id[:8]}"
            )
    return nn.Sequential(*parts)


def hybrid(
    first: Motif,
    second: Motif,
    in_features: int,
    *,
    copies: int = 16,
    generator: torch.Generator | None = None,
    **options,
) -> Routed:
    """Two different motifs: both see the input, the second the first as well, and both are read.

    float[T, B, in_features] → the spikes of the first and of the second, joined.
    """
    layers = {"first": MotifLayer(first, copies, **options), "second": MotifLayer(second, copies, **options)}
    routes = [("in", "first"), ("in", "second"), ("first", "second")]
    return Routed({"in": in_features}, layers, routes, outputs=["first", "second"], generator=generator)
