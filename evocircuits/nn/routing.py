"""`Routed`: several layers in one network, joined by the names of their ports."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.linear import DaleLinear
from evocircuits.nn.ports import joined


class _Place(NamedTuple):
    """An input of the network or a layer, and one of its ports, or None for all of its features."""

    owner: str
    port: str | None


class Routed(nn.Module):
    """Motif layers called in order, each fed with the sum of the routes that end at its ports.

    `inputs`: the network's own inputs and their widths; `layers`: `MotifLayer`s by name; `routes`: pairs of texts from
    an input or an earlier layer to a layer, each with ".port" where it is of one port ("ears", "map.left"). A route is
    a `DaleLinear`, drawn from `generator`, or nothing at all where a "=" begins its first text and the widths agree
    ("=ears"): features then connect one to one. Ports that no route reaches receive nothing. `outputs`: layers or their
    output ports, whose features are joined in that order; without it, the last layer.

    Called with float[T, B, width], or a dictionary of such by input, it gives float[T, B, features of the outputs].

    Raises `InputError` for names that are not there, routes backwards, unequal widths of a "=" route, and routes and
    outputs from inhibitory neurons, as what leaves a layer excites.
    """

    def __init__(
        self,
        inputs: Mapping[str, int],
        layers: Mapping[str, MotifLayer],
        routes: Sequence[tuple[str, str]],
        *,
        outputs: Sequence[str] | None = None,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        self.inputs, self.layers = dict(inputs), nn.ModuleDict(layers)
        self.routes: list[tuple[_Place, _Place]] = []
        self.maps = nn.ModuleList()
        for source, target in routes:
            self._add(source, target, generator)
        last = list(layers)[-1:]
        self.outputs = [_place(text) for text in (last if outputs is None else outputs)]
        self.out_features = sum(self._width_from(place) for place in self.outputs)

    def forward(self, x: Tensor | Mapping[str, Tensor]) -> Tensor:
        """float[T, B, width] of the only input, or one of each by name → float[T, B, out_features]."""
        given = dict(x) if isinstance(x, Mapping) else {next(iter(self.inputs)): x}
        if set(given) != set(self.inputs):
            raise InputError(
                f"Routed: expected the inputs {', '.join(self.inputs)}; got {shown(sorted(given))}"
            )
        like = next(iter(given.values()))
        values = {name: {None: signal} for name, signal in given.items()}
        for name, layer in self.layers.items():
            spikes = layer(self._into(name, layer, values, like))
            values[name] = {None: spikes} | layer.by_port(spikes)
        return torch.cat([values[place.owner][place.port] for place in self.outputs], -1)

    def extra_repr(self) -> str:
        """Inputs, routes and outputs."""
        routes = ", ".join(f"{_text(source)} → {_text(target)}" for source, target in self.routes)
        return f"inputs={self.inputs}, routes=({routes}), outputs=({', '.join(map(_text, self.outputs))})"

    def _into(self, name: str, layer: MotifLayer, values: dict, like: Tensor) -> Tensor:
        ports = {port: 0.0 for port in layer.in_ports}
        whole = like.new_zeros(*like.shape[:-1], layer.in_features)
        for (source, target), mapped in zip(self.routes, self.maps, strict=True):
            if target.owner == name:
                arriving = mapped(values[source.owner][source.port])
                if target.port is None:
                    whole = whole + arriving
                else:
                    ports[target.port] = ports[target.port] + arriving
        by_port = {
            port: signal
            if isinstance(signal, Tensor)
            else like.new_zeros(*like.shape[:-1], layer.copies * width)
            for (port, signal), width in zip(ports.items(), layer.in_ports.values(), strict=True)
        }
        return whole + joined("Routed", by_port, layer.in_ports, layer.copies)

    def _add(self, source: str, target: str, generator: torch.Generator | None) -> None:
        straight = source.startswith("=")
        start, end = _place(source.removeprefix("=")), _place(target)
        names = list(self.layers)
        if end.owner not in names or start.owner in names[names.index(end.owner) :]:
            got = f"{source} → {target}"
            raise InputError(f"Routed: expected a route to a later layer of {', '.join(names)}; got {got}")
        widths = self._width_from(start), self._width_into(end)
        if straight and widths[0] != widths[1]:
            raise InputError(
                f"Routed: {source} → {target}: expected equal widths; got {widths[0]}, {widths[1]}"
            )
        self.routes.append((start, end))
        self.maps.append(nn.Identity() if straight else DaleLinear(*widths, generator=generator))

    def _width_from(self, place: _Place) -> int:
        if place.owner in self.inputs and place.port is None:
            return self.inputs[place.owner]
        found = place.owner in self.layers
        if not found or place.port not in (None, *self.layers[place.owner].out_ports):
            known = [
                *self.inputs,
                *(f"{name}.{port}" for name, one in self.layers.items() for port in one.out_ports),
            ]
            raise InputError(f"Routed: expected one of {', '.join(known)}; got {_text(place)}")
        layer = self.layers[place.owner]
        circuit = layer.motif.circuit
        sent = circuit.output_neurons if place.port is None else circuit.outputs[place.port]
        if not circuit.excitatory[sent].all():
            raise InputError(
                f"Routed: {_text(place)}: expected excitatory neurons; got inhibitory ones among them"
            )
        return layer.copies * len(sent)

    def _width_into(self, place: _Place) -> int:
        layer = self.layers[place.owner]
        if place.port is not None and place.port not in layer.in_ports:
            raise InputError(f"Routed: expected a port of {', '.join(layer.in_ports)}; got {_text(place)}")
        return layer.in_features if place.port is None else layer.copies * layer.in_ports[place.port]


def _place(text: str) -> _Place:
    owner, dot, port = text.partition(".")
    return _Place(owner, port if dot else None)


def _text(place: _Place) -> str:
    return place.owner if place.port is None else f"{place.owner}.{place.port}"
