"""The recurrent weights of a layer as a matrix: its singular values, and how evenly they are spread.

Networks under Dale's law learn the better the more even their spectrum is at the start (Li, Cornford, Ghosh & Richards,
Learning better with Dale's law: a spectral perspective, NeurIPS 2023), which they measure by its normalised entropy.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from evocircuits.errors import InputError
from evocircuits.nn.coupled import CoupledColumns
from evocircuits.nn.layers import MotifLayer
from evocircuits.nn.rates import matrices


@dataclass(frozen=True)
class Spectrum:
    """`singular_values`, the largest first; `entropy`, normalised, 0 (one value) … 1 (all equal)."""

    singular_values: tuple[float, ...]
    entropy: float


@torch.no_grad()
def recurrent_matrix(layer: MotifLayer | CoupledColumns, copy: int = 0) -> Tensor:
    """Signed weights float[target, source] of one copy, or of all coupled columns together.

    A weight is the peak of its post-synaptic potential as a share of the distance from reset to threshold.
    """
    if isinstance(layer, CoupledColumns):
        return matrices(layer.wiring, layer.circuit, layer.weights())[0][0]
    if not 0 <= copy < layer.copies:
        raise InputError(f"recurrent_matrix: expected a copy 0…{layer.copies - 1}; got {copy}")
    return matrices(layer.wiring, layer.motif.circuit, layer.trained())[0][copy]


def spectrum(matrix: Tensor) -> Spectrum:
    """Of any matrix: H = −Σ p ln p / ln n with p = σ / Σ σ over its n singular values (0 where n is 1 or all are 0)."""
    values = torch.linalg.svdvals(matrix.detach().double().cpu())
    n, total = len(values), float(values.sum())
    if n < 2 or not total > 0:
        return Spectrum(tuple(values.tolist()), 0.0)
    share = values / total
    entropy = -torch.special.xlogy(share, share).sum() / torch.tensor(float(n)).log().double()
    return Spectrum(tuple(values.tolist()), float(entropy))
