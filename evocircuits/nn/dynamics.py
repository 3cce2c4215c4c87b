"""What a layer computes, and on what: a circuit's fixed part on a grid of time, run by one of two backends.

Exact integration of `iaf_psc_exp`, with the update order of the simulator (simulator/models.py):

    V ← P22 V + P21ex Iex + P21in Iin + P20 Ibias  (held while refractory),   I ← P11 I + charge arriving,
    s = Θ(V − θ),   V ← reset where s = 1.

A spike's derivative is SuperSpike's, ds/dV = ψ = u⁻¹ (1 + β |V − θ| / u)⁻² with u = θ − reset (Zenke & Ganguli, Neural
Comput. 30 (2018)), and ds/dθ = −ψ; the reset is detached, as is usual (Zenke & Vogels, Neural Comput. 33 (2021)).

Both backends take and give (copies, steps, rows, trials); in memory the steps come after the rows, as the kernels want.
"""

import torch
from torch import Tensor

from evocircuits.nn.fused import run_fused
from evocircuits.nn.plain import run_plain
from evocircuits.nn.wiring import Backend, Weights, Wiring


def run(
    wiring: Wiring, drive: Tensor, weights: Weights, backend: Backend, state: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """Spikes float[K, T, R, B] for `drive` float[K, T, C, B], and the state after the last step if one was given.

    A state is a tensor float[K, state rows, N, B]; gradients pass through it. Without one, trials start at rest.
    """
    possible = drive.device.type == "cpu" and drive.dtype in (torch.float32, torch.float64)
    if backend.fused and possible:
        return run_fused(wiring, drive, weights, backend, state)
    return run_plain(wiring, drive, weights, backend, state)
