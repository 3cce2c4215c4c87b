"""A motif as rate units: the same neurons, signs and magnitudes, without spikes and delays.

    τ_m dr/dt = −r + φ(u),   u = Σ ± w r + Σ w x + b        (Wilson & Cowan, Biophys. J. 12 (1972))

w is the peak of one post-synaptic potential, and b the membrane that the bias current would hold, both in units of the
distance from reset to threshold. φ is `relu`, max(u, 0), or `sigmoid`, 1 / (1 + e^{−4 (u − 1)}): half, with slope 1, at
the threshold.

A steady state r* = φ(W r* + e) is found by the dynamics and Newton's method; its gradient is that of the implicit
function, dr* = (I − D W)⁻¹ D d(W r + e) with D = φ'(u) (Bai et al., Deep equilibrium models, NeurIPS 2019).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evocircuits.circuit import Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.errors import InputError
from evocircuits.nn.wiring import Weights, Wiring

CEILING = 100.0
"""No rate grows beyond, so that runaway excitation stays finite."""
FIRST, POLISHINGS, LONGEST = 100, 10, 1000
"""Steps of the dynamics, then of Newton's method, then of the dynamics again: a state that has not settled by then is
taken as it is."""
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Of the largest change in a step at which a state counts as steady, as a share of 1 + the largest rate."""

ACTIVATIONS = {
    "relu": lambda u: u.clamp(0.0, CEILING),
    "sigmoid": lambda u: torch.sigmoid(4 * (u - 1)),
}


@dataclass(frozen=True)
class Rates:
    """How rate units run: their `activation`, and for how many `steps` from rest, or None: to the steady state."""

    activation: str = "relu"
    steps: int | None = None

    def __post_init__(self):
        if self.activation not in ACTIVATIONS or (self.steps is not None and self.steps < 1):
            raise InputError(
                f"Rates: expected an activation of {', '.join(ACTIVATIONS)} and steps ≥ 1 or None; "
                f"got {self.activation!r}, {self.steps}"
            )

    def __str__(self):
        return f"{self.activation}, {'steady state' if self.steps is None else f'{self.steps} steps'}"


def run_rates(wiring: Wiring, circuit: Circuit, x: Tensor, weights: Weights, rates: Rates) -> Tensor:
    """Rates float[M, K, N] of all neurons for constant input float[M, K, C]."""
    phi = ACTIVATIONS[rates.activation]
    recurrent, drive = matrices(wiring, circuit, weights)
    external = torch.einsum("mkc,knc->mkn", x, drive) + _bias(circuit, weights, wiring)
    share = torch.as_tensor(1 - wiring.propagator[:, 0]).to(x)  # of the way to φ(u), in one step
    if rates.steps is None:
        return _steady(phi, recurrent, external, share)
    r = torch.zeros_like(external)
    for _ in range(rates.steps):
        r = r + share * (phi(_input(recurrent, r) + external) - r)
    return r


def matrices(wiring: Wiring, circuit: Circuit, weights: Weights) -> tuple[Tensor, Tensor]:
    """Signed recurrent weights float[K, target, source] and afferent ones float[K, target, channel], in thresholds."""
    height = _heights(circuit, weights, wiring)
    peak = np.array([_peaks(circuit, "tau_syn_ex_ms"), _peaks(circuit, "tau_syn_in_ms")])
    between = wiring.synapses
    inhibitory = wiring.inhibitory[between.source]
    per_pA = torch.as_tensor(peak[inhibitory, between.target] * (1 - 2 * inhibitory)).to(height)
    weight = weights.synapse[:, between.order] * per_pA / height[:, between.target]
    recurrent = _scattered(weight, between.target, between.source, wiring.n_neurons, wiring.n_neurons)
    onto = wiring.afferents
    per_pA = torch.as_tensor(peak[0, onto.target]).to(height)
    weight = weights.afferent[:, onto.order] * per_pA / height[:, onto.target]
    return recurrent, _scattered(weight, onto.target, onto.source, wiring.n_neurons, wiring.n_channels)


def _steady(phi, recurrent: Tensor, external: Tensor, share: Tensor) -> Tensor:
    with torch.no_grad():
        share = share * (0.5 / share.max())  # time runs faster, to the same states
        r = _relaxed(phi, recurrent, external, share, torch.zeros_like(external), FIRST)
        r = _polished(phi, recurrent, external, r)
        r = _relaxed(phi, recurrent, external, share, r, LONGEST)
    return r + _newton_step(phi, recurrent, external, r)


def _relaxed(phi, recurrent: Tensor, external: Tensor, share: Tensor, r: Tensor, steps: int) -> Tensor:
    for _ in range(steps):
        change = share * (phi(_input(recurrent, r) + external) - r)
        r = r + change
        if change.abs().max() <= TOLERANCE.get(r.dtype, 1e-3) * (1 + r.abs().max()):
            break
    return r


def _polished(phi, recurrent: Tensor, external: Tensor, r: Tensor) -> Tensor:
    """Newton's method, where it leads nearer."""
    apart = _apart(phi, recurrent, external, r)
    for _ in range(POLISHINGS):
        tried = r + _newton_step(phi, recurrent, external, r)
        then = _apart(phi, recurrent, external, tried)
        if not bool((nearer := then < apart).any()):
            break
        r, apart = torch.where(nearer, tried, r), torch.where(nearer, then, apart)
    return r


def _apart(phi, recurrent: Tensor, external: Tensor, r: Tensor) -> Tensor:
    return (phi(_input(recurrent, r) + external) - r).abs().amax(-1, keepdim=True)


def _newton_step(phi, recurrent: Tensor, external: Tensor, r: Tensor) -> Tensor:
    """(I − D W)⁻¹ (φ(W r + e) − r), of which W and e are differentiated where they make u, as at r* they must be."""
    u = _input(recurrent, r) + external
    beyond = phi(u) - r
    with torch.enable_grad():
        at = u.detach().requires_grad_()
        (slope,) = torch.autograd.grad(phi(at).sum(), at)
    implicit = torch.eye(r.shape[-1], dtype=r.dtype, device=r.device) - slope[..., None] * recurrent.detach()
    step = torch.linalg.solve_ex(implicit, beyond[..., None]).result.squeeze(-1)
    return torch.where(step.isfinite(), step, beyond)


def _input(recurrent: Tensor, r: Tensor) -> Tensor:
    return torch.einsum("kij,mkj->mki", recurrent, r)


def _heights(circuit: Circuit, weights: Weights, wiring: Wiring) -> Tensor:
    threshold = weights.thresholds(wiring)
    return threshold - torch.as_tensor(circuit.reset_mV.copy()).to(threshold)


def _bias(circuit: Circuit, weights: Weights, wiring: Wiring) -> Tensor:
    held = torch.as_tensor(circuit.bias_pA * circuit.tau_m_ms / circuit.c_m_pF)
    height = _heights(circuit, weights, wiring)
    return held.to(height) / height


def _peaks(circuit: Circuit, tau_syn: str) -> list[float]:
    columns = circuit.tau_m_ms, getattr(circuit, tau_syn), circuit.c_m_pF
    return [peak_psp_mV_per_pA(*constants) for constants in zip(*(c.tolist() for c in columns), strict=True)]


def _scattered(weight: Tensor, target: np.ndarray, source: np.ndarray, rows: int, columns: int) -> Tensor:
    flat = weight.new_zeros(weight.shape[0], rows * columns)
    place = torch.as_tensor(target * columns + source, device=weight.device)
    return flat.index_add(1, place, weight).unflatten(1, (rows, columns))
