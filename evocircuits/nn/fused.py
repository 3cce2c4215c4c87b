"""The same dynamics by the compiled kernels, on the CPU, behind one autograd function that is differentiable once.

Kept for the backward pass are ψ of every neuron and step, or with `recompute` the states at every `segment_steps`.
"""

from itertools import pairwise
from threading import Thread
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from evocircuits.nn import kernels
from evocircuits.nn.plain import segment_steps
from evocircuits.nn.wiring import Backend, Weights, Wiring

WORTH_A_THREAD = 200_000
"""Neuron-steps below which a further thread costs more than it saves."""


def run_fused(
    wiring: Wiring,
    drive: Tensor,
    weights: Weights,
    backend: Backend | None = None,
    state: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Spikes and state as `dynamics.run` has them."""
    spikes, after = _Fused.apply(
        wiring,
        backend or Backend(),
        torch.is_grad_enabled(),
        drive.transpose(1, 2),
        weights.afferent[:, wiring.afferents.order],
        weights.synapse[:, wiring.synapses.order],
        weights.thresholds(wiring),
        state,
    )
    return spikes.transpose(1, 2), None if state is None else after


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, wiring, backend, to_learn, drive, afferent, synapse, threshold, state):
        arrays = [t.contiguous() for t in (drive, afferent, synapse, threshold)]
        job = _Job(wiring, backend, *arrays)
        nothing = drive.new_empty(0)
        before = nothing if state is None else state.contiguous()
        after = nothing if state is None else job.new_state()
        spikes = drive.new_empty(job.copies, job.n_rows, job.n_steps, job.trials)
        kept, states = nothing, [before]
        if to_learn and not backend.recompute:
            kept = job.new_psi(job.n_steps)
            job.forward(0, job.n_steps, spikes, kept, before, after)
        elif to_learn:
            for first, last in job.segments:
                states.append(after if last == job.n_steps else job.new_state())
                job.forward(first, last, spikes, job.new_psi(1), *states[-2:])
        else:
            job.forward(0, job.n_steps, spikes, job.new_psi(1), before, after)
        ctx.wiring, ctx.backend, ctx.with_state = wiring, backend, state is not None
        ctx.states = states[:-1]
        ctx.save_for_backward(*arrays, kept)
        if state is None:
            ctx.mark_non_differentiable(after)
        return spikes, after

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_spikes, grad_after):
        *arrays, kept = ctx.saved_tensors
        job = _Job(ctx.wiring, ctx.backend, *arrays)
        drive, afferent, synapse, threshold = arrays
        by_drive, by_threshold, by_first = (ctx.needs_input_grad[i] for i in (3, 6, 7))
        nothing = drive.new_empty(0)
        grad = _Gradients(
            torch.empty_like(drive) if by_drive else nothing,
            drive.new_zeros(*afferent.shape, job.trials),
            torch.zeros_like(synapse),
            drive.new_zeros(*threshold.shape, job.trials) if by_threshold else nothing,
        )
        grad_spikes = grad_spikes.contiguous()
        by_state = grad_after.contiguous() if ctx.with_state else nothing
        segments = job.segments if ctx.backend.recompute else [(0, job.n_steps)]
        for index in range(len(segments) - 1, -1, -1):
            first, last = segments[index]
            if ctx.backend.recompute:
                kept = job.new_psi(last - first)
                job.forward(first, last, None, kept, ctx.states[index], nothing)
            earlier = job.new_state() if first > 0 or by_first else nothing
            job.adjoint(first, last, kept, grad_spikes, grad, by_state, earlier)
            by_state = earlier
        return (
            *(None, None, None),
            grad.drive if by_drive else None,
            grad.afferent.sum(-1),
            grad.synapse,
            grad.threshold.sum(-1) if by_threshold else None,
            by_state if by_first else None,
        )


class _Gradients(NamedTuple):
    """By input, and by weights and thresholds with one value a lane where that is faster; empty where not wanted."""

    drive: Tensor
    afferent: Tensor
    synapse: Tensor
    threshold: Tensor


class _Job:
    """The kernels' arguments for one layer and batch, and how its copies are shared out among threads."""

    def __init__(self, wiring: Wiring, backend: Backend, drive, afferent, synapse, threshold):
        self.copies, _, self.n_steps, self.trials = drive.shape
        self.drive, self.wiring = drive, wiring
        self.propagator = _array(torch.as_tensor(wiring.propagator).to(drive))
        self.steepness = _array(torch.as_tensor(wiring.steepness).to(drive))
        self.threshold = _array(threshold)
        self.wires = (
            wiring.inhibitory,
            *(wiring.afferents.start, wiring.afferents.target, wiring.afferents.delay, _array(afferent)),
            *(wiring.synapses.start, wiring.synapses.target, wiring.synapses.delay, _array(synapse)),
            wiring.longest_delay + 1,
        )
        rows = range(wiring.n_neurons) if backend.rows is None else backend.rows
        self.n_rows = len(rows)
        self.record = np.full(wiring.n_neurons, -1)
        self.record[list(rows)] = np.arange(self.n_rows)
        length = segment_steps(wiring, self.n_steps)
        starts = range(0, self.n_steps, length)
        self.segments = [(first, min(first + length, self.n_steps)) for first in starts]

    def new_state(self) -> Tensor:
        shape = self.copies, self.wiring.state_rows, self.wiring.n_neurons, self.trials
        return self.drive.new_empty(shape)

    def new_psi(self, steps: int) -> Tensor:
        """Room for ψ; with one step, each step writes over the last."""
        return self.drive.new_empty(self.copies, self.wiring.n_neurons, steps, self.trials)

    def forward(
        self, first: int, last: int, spikes: Tensor | None, psi, before: Tensor, after: Tensor
    ) -> None:
        record = np.full_like(self.record, -1) if spikes is None else self.record
        spikes = self.drive.new_empty(0) if spikes is None else spikes
        drive, spikes, flat_psi, *states = (_flat(t) for t in (self.drive, spikes, psi, before, after))

        def work(low: int, high: int) -> None:
            kernels.forward(
                *(self.propagator, self.steepness, *self.wires, self.threshold, record),
                *(low, high, first, last, self.n_steps, self.trials),
                *(drive, spikes, self.n_rows, flat_psi, max(psi.shape[2], 1), *states),
            )

        self._share_out(work, last - first)

    def adjoint(self, first: int, last: int, psi, grad_spikes, grad: _Gradients, after, before) -> None:
        given = [_flat(t) for t in (self.drive, psi, grad_spikes)]
        by_drive, by_afferent, by_threshold = (_flat(t) for t in (grad.drive, grad.afferent, grad.threshold))
        states = [_flat(t) for t in (after, before)]

        def work(low: int, high: int) -> None:
            kernels.adjoint(
                *(self.propagator, *self.wires, self.record),
                *(low, high, first, last, self.n_steps, self.trials),
                *(*given, self.n_rows, by_drive, by_afferent, _array(grad.synapse), by_threshold, *states),
            )

        self._share_out(work, last - first)

    def _share_out(self, work, steps: int) -> None:
        # Copies share nothing, so that the result is the same however many threads there are.
        neuron_steps = self.copies * self.wiring.n_neurons * steps * self.trials
        n = max(1, min(torch.get_num_threads(), self.copies, neuron_steps // WORTH_A_THREAD))
        bounds = [self.copies * i // n for i in range(n + 1)]
        threads = [Thread(target=work, args=pair) for pair in pairwise(bounds[1:])]
        for thread in threads:
            thread.start()
        work(*bounds[:2])
        for thread in threads:
            thread.join()


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def _flat(tensor: Tensor) -> np.ndarray:
    return _array(tensor).reshape(-1)
