"""Ports by name: a layer's features are copy-major, copy × width + channel, with the ports' channels in their order."""

from collections.abc import Mapping

import torch
from torch import Tensor

from evocircuits.checks import shown
from evocircuits.errors import InputError


def joined(owner: str, by_port: Mapping[str, Tensor], widths: Mapping[str, int], copies: int) -> Tensor:
    """One tensor float[..., copies × channels of all ports] of one float[..., copies × channels] a port.

    Raises `InputError`, in the name of `owner`, unless there is one of the right width for each port of `widths`.
    """
    if set(by_port) != set(widths):
        raise InputError(f"{owner}: expected the ports {', '.join(widths)}; got {shown(sorted(by_port))}")
    parts = []
    for port, width in widths.items():
        if by_port[port].shape[-1] != copies * width:
            got = by_port[port].shape[-1]
            raise InputError(f"{owner}: port {port!r}: expected {copies * width} features; got {got}")
        parts.append(by_port[port].unflatten(-1, (copies, width)))
    return torch.cat(parts, -1).flatten(-2)


def parted(x: Tensor, widths: Mapping[str, int], copies: int) -> dict[str, Tensor]:
    """The reverse: each port's part of float[..., copies × width], float[..., copies × the port's width]."""
    parts = x.unflatten(-1, (copies, -1)).split(list(widths.values()), -1)
    return {port: part.flatten(-2) for port, part in zip(widths, parts, strict=True)}
