"""All compiled code of `nn`: the layer's forward pass and its adjoint, by hand.

One call runs every copy of a circuit over every trial and step. Trials are lanes, innermost and contiguous: a signal
is a flat (copy, step, row, lane). The forward pass takes the operations of `simulator.kernels.advance` in its order, so
its spikes are the simulator's to the last bit. The adjoint is the backward pass of dynamics.py's plain PyTorch loop.
"""

import numpy as np

from evocircuits.compilation import compiler

compiled = compiler(boundscheck=False)


@compiled
def _rows(n, size, dtype):
    # Arrays of their own: with two quantities in one array the compiler cannot tell their rows apart and gives up SIMD.
    return [np.empty(size, dtype) for _ in range(n)]


@compiled
def forward(
    propagator,  # float[N, 10], columns of simulator/models.py
    steepness,  # float[N, 2]: surrogate height 1/(θ − reset), and slope β/(θ − reset)
    inhibitory,  # int[N]: 0 for excitatory, 1 for inhibitory sources
    afferent_start,  # int[C + 1]: a channel's synapses
    afferent_target,
    afferent_delay,  # in steps
    afferent_weight,  # float[K, A]
    synapse_start,  # int[N + 1]: a neuron's outgoing synapses
    synapse_target,
    synapse_delay,
    synapse_weight,  # float[K, S]
    n_slots,  # longest delay + 1
    n_steps,
    n_lanes,
    drive,  # float[K × n_steps × C × n_lanes]: input amplitudes
    spikes,  # float[K × n_steps × N × n_lanes], written: 1 where a neuron fired
    pseudo,  # the same shape, written: surrogate derivative ψ of spike by membrane, −ψ at a spike, 0 while refractory
):
    """Run every copy from rest."""
    n_copies = afferent_weight.shape[0]
    n_channels = afferent_start.shape[0] - 1
    n_neurons = propagator.shape[0]
    zero = propagator.dtype.type(0)
    one = propagator.dtype.type(1)
    first = np.uint64(0)
    width = np.uint64(n_lanes)
    membrane, current_ex, current_in, refractory_left = _rows(4, n_neurons * n_lanes, propagator.dtype)
    charge_ex, charge_in = _rows(2, n_slots * n_neurons * n_lanes, propagator.dtype)
    fired = np.zeros((n_lanes + 7) // 8 * 8, np.uint8)
    fired_words = fired.view(np.uint64)
    lanes = np.empty(n_lanes, np.int64)
    for copy in range(n_copies):
        membrane[:] = zero
        current_ex[:] = zero
        current_in[:] = zero
        refractory_left[:] = zero
        charge_ex[:] = zero
        charge_in[:] = zero
        slot = 0
        for step in range(n_steps):
            for channel in range(n_channels):
                drive_at = np.uint64(((copy * n_steps + step) * n_channels + channel) * n_lanes)
                for s in range(afferent_start[channel], afferent_start[channel + 1]):
                    arrival = slot + afferent_delay[s] - 1
                    arrival = arrival - n_slots if arrival >= n_slots else arrival
                    row = np.uint64((arrival * n_neurons + afferent_target[s]) * n_lanes)
                    weight = afferent_weight[copy, s]
                    for lane in range(first, width):
                        charge_ex[row + lane] += weight * drive[drive_at + lane]

            for n in range(n_neurons):
                p22 = propagator[n, 0]
                p21_ex = propagator[n, 1]
                p21_in = propagator[n, 2]
                bias = propagator[n, 3]
                threshold = propagator[n, 4]
                reset = propagator[n, 5]
                refractory = propagator[n, 6]
                p11_ex = propagator[n, 7]
                p11_in = propagator[n, 8]
                height = steepness[n, 0]
                slope = steepness[n, 1]
                # Unsigned offsets: with signed ones the compiler keeps a wrap-around test that stops vectorisation.
                at = np.uint64(n * n_lanes)
                now = np.uint64((slot * n_neurons + n) * n_lanes)
                out = np.uint64(((copy * n_steps + step) * n_neurons + n) * n_lanes)
                for lane in range(first, width):
                    v = membrane[at + lane]
                    i_ex = current_ex[at + lane]
                    i_in = current_in[at + lane]
                    left = refractory_left[at + lane]
                    moved = v * p22 + i_ex * p21_ex + i_in * p21_in + bias
                    moved = v if left > zero else moved
                    apart = one + slope * abs(moved - threshold)
                    psi = zero if left > zero else height / (apart * apart)
                    left = left - one if left > zero else left
                    current_ex[at + lane] = i_ex * p11_ex + charge_ex[now + lane]
                    current_in[at + lane] = i_in * p11_in - charge_in[now + lane]
                    charge_ex[now + lane] = zero
                    charge_in[now + lane] = zero
                    crossed = moved >= threshold
                    pseudo[out + lane] = -psi if crossed else psi
                    membrane[at + lane] = reset if crossed else moved
                    refractory_left[at + lane] = refractory if crossed else left
                    spikes[out + lane] = one if crossed else zero
                    fired[lane] = np.uint8(1) if crossed else np.uint8(0)

                any_fired = np.uint64(0)
                for word in range(fired_words.shape[0]):
                    any_fired |= fired_words[word]
                if any_fired != 0:
                    n_fired = 0
                    for lane in range(n_lanes):
                        lanes[n_fired] = lane
                        n_fired += 1 if fired[lane] else 0
                    charge = charge_in if inhibitory[n] else charge_ex
                    for s in range(synapse_start[n], synapse_start[n + 1]):
                        arrival = slot + synapse_delay[s]
                        arrival = arrival - n_slots if arrival >= n_slots else arrival
                        base = (arrival * n_neurons + synapse_target[s]) * n_lanes
                        for j in range(n_fired):
                            charge[base + lanes[j]] += synapse_weight[copy, s]
            slot = slot + 1 if slot + 1 < n_slots else 0


@compiled
def adjoint(
    propagator,
    inhibitory,
    afferent_start,
    afferent_target,
    afferent_delay,
    afferent_weight,
    synapse_start,
    synapse_target,
    synapse_delay,
    synapse_weight,
    n_slots,
    n_steps,
    n_lanes,
    drive,
    pseudo,
    grad_spikes,  # float[K × n_steps × N × n_lanes]: dL/d spikes
    grad_drive,  # float[K × n_steps × C × n_lanes], written
    grad_afferent,  # float[K, A × n_lanes], added to, one value a lane
    grad_synapse,  # float[K, S], added to
):
    """Gradients of the loss by input amplitudes and weights, back through time from the last step.

    Per neuron: ḡ = (1 − s) V̄ + ψ s̄ is the gradient of the membrane before reset (the reset itself is detached), then
    V̄ ← P22 ḡ and Ī ← P11 Ī + P21 ḡ; Ī before that update is the gradient of the charge that arrived in this step.
    """
    n_copies = afferent_weight.shape[0]
    n_channels = afferent_start.shape[0] - 1
    n_neurons = propagator.shape[0]
    zero = propagator.dtype.type(0)
    first = np.uint64(0)
    width = np.uint64(n_lanes)
    by_membrane, by_ex, by_in = _rows(3, n_neurons * n_lanes, propagator.dtype)  # V̄, Īex, Īin
    by_charge_ex, by_charge_in = _rows(2, n_slots * n_neurons * n_lanes, propagator.dtype)
    by_spike = np.empty(n_lanes, propagator.dtype)
    lanes = np.empty(n_lanes, np.int64)
    for copy in range(n_copies):
        by_membrane[:] = zero
        by_ex[:] = zero
        by_in[:] = zero
        for step in range(n_steps - 1, -1, -1):
            for n in range(n_neurons):
                out = np.uint64(((copy * n_steps + step) * n_neurons + n) * n_lanes)
                n_fired = 0
                for lane in range(n_lanes):
                    lanes[n_fired] = lane
                    n_fired += 1 if pseudo[out + np.uint64(lane)] < zero else 0
                for lane in range(first, width):
                    by_spike[lane] = grad_spikes[out + lane]
                by_charge = by_charge_in if inhibitory[n] else by_charge_ex
                for s in range(synapse_start[n], synapse_start[n + 1]):
                    arrival = step + synapse_delay[s]
                    if arrival < n_steps:
                        base = (arrival % n_slots * n_neurons + synapse_target[s]) * n_lanes
                        row = np.uint64(base)
                        weight = synapse_weight[copy, s]
                        for lane in range(first, width):
                            by_spike[lane] += weight * by_charge[row + lane]
                        for j in range(n_fired):
                            grad_synapse[copy, s] += by_charge[base + lanes[j]]

                p22 = propagator[n, 0]
                p21_ex = propagator[n, 1]
                p21_in = propagator[n, 2]
                p11_ex = propagator[n, 7]
                p11_in = propagator[n, 8]
                at = np.uint64(n * n_lanes)
                now = np.uint64((step % n_slots * n_neurons + n) * n_lanes)
                for lane in range(first, width):
                    psi = pseudo[out + lane]
                    kept = zero if psi < zero else by_membrane[at + lane]
                    before_reset = kept + by_spike[lane] * abs(psi)
                    # ψ is 0 only while refractory: the held membrane depends on nothing trainable.
                    before_reset = zero if psi == zero else before_reset
                    ex = by_ex[at + lane]
                    in_ = by_in[at + lane]
                    by_charge_ex[now + lane] = ex
                    by_charge_in[now + lane] = -in_
                    by_membrane[at + lane] = before_reset * p22
                    by_ex[at + lane] = ex * p11_ex + before_reset * p21_ex
                    by_in[at + lane] = in_ * p11_in + before_reset * p21_in

            for channel in range(n_channels):
                drive_at = np.uint64(((copy * n_steps + step) * n_channels + channel) * n_lanes)
                for lane in range(first, width):
                    grad_drive[drive_at + lane] = zero
                for s in range(afferent_start[channel], afferent_start[channel + 1]):
                    arrival = step + afferent_delay[s] - 1
                    if arrival < n_steps:
                        row = np.uint64((arrival % n_slots * n_neurons + afferent_target[s]) * n_lanes)
                        into = np.uint64((copy * afferent_target.shape[0] + s) * n_lanes)
                        weight = afferent_weight[copy, s]
                        for lane in range(first, width):
                            grad_drive[drive_at + lane] += weight * by_charge_ex[row + lane]
                            grad_afferent[into + lane] += drive[drive_at + lane] * by_charge_ex[row + lane]
