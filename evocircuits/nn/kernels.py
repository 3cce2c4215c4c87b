"""All compiled code of `nn`: the layer's forward pass and its adjoint, by hand.

One call runs some copies of a circuit over every trial and some steps. Trials are lanes, innermost and contiguous: a
signal is a flat (copy, row, step, lane), which is a linear map's (feature, step × lane), so no layout changes between
encoder and readout. The forward pass takes the operations of `simulator.kernels.advance` in its order, so its spikes
are the simulator's to the last bit. The adjoint is the backward pass of plain.py's PyTorch loop.

A state is a flat (copy, row, neuron, lane) with the rows membrane, excitatory and inhibitory current, refractory steps
left, then for each of the next D steps the excitatory charge that will arrive, then the same for inhibitory charge,
where D is the longest delay. An empty one in stands for rest, an empty one out is not written.
"""

import numpy as np

from evocircuits.compilation import compiler

compiled = compiler(boundscheck=False)


@compiled
def _rows(n, size, dtype):
    # Arrays of their own: with two quantities in one array the compiler cannot tell their rows apart and gives up SIMD.
    return [np.zeros(size, dtype) for _ in range(n)]


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
    threshold,  # float[K, N]
    record,  # int[N]: the row in which a neuron's spikes are written, or −1
    first_copy,
    last_copy,
    first_step,
    last_step,
    n_steps,
    n_lanes,
    drive,  # float[K × C × n_steps × n_lanes]: input amplitudes
    spikes,  # float[K × rows × n_steps × n_lanes], written: 1 where a neuron fired
    n_rows,
    pseudo,  # float[K × N × kept × n_lanes], written: surrogate derivative ψ, −ψ at a spike, 0 while refractory
    kept,  # last_step − first_step, or 1 where ψ is not wanted
    state_in,
    state_out,
):
    """Run copies first_copy…last_copy − 1 over steps first_step…last_step − 1, from `state_in` or rest."""
    n_channels = afferent_start.shape[0] - 1
    n_neurons = propagator.shape[0]
    size = n_neurons * n_lanes
    longest = n_slots - 1
    zero = propagator.dtype.type(0)
    one = propagator.dtype.type(1)
    first = np.uint64(0)
    width = np.uint64(n_lanes)
    membrane, current_ex, current_in, refractory_left = _rows(4, size, propagator.dtype)
    charge_ex, charge_in = _rows(2, n_slots * size, propagator.dtype)
    fired = np.zeros((n_lanes + 7) // 8 * 8, np.uint8)
    fired_words = fired.view(np.uint64)
    lanes = np.empty(n_lanes, np.int64)
    for copy in range(first_copy, last_copy):
        charge_ex[:] = zero
        charge_in[:] = zero
        if state_in.size:
            place = copy * (4 + 2 * longest) * size
            membrane[:] = state_in[place : place + size]
            current_ex[:] = state_in[place + size : place + 2 * size]
            current_in[:] = state_in[place + 2 * size : place + 3 * size]
            refractory_left[:] = state_in[place + 3 * size : place + 4 * size]
            place += 4 * size
            charge_ex[: longest * size] = state_in[place : place + longest * size]
            place += longest * size
            charge_in[: longest * size] = state_in[place : place + longest * size]
        else:
            membrane[:] = zero
            current_ex[:] = zero
            current_in[:] = zero
            refractory_left[:] = zero
        slot = 0
        for step in range(first_step, last_step):
            kept_at = (step - first_step) % kept
            for channel in range(n_channels):
                drive_at = np.uint64(((copy * n_channels + channel) * n_steps + step) * n_lanes)
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
                reset = propagator[n, 5]
                refractory = propagator[n, 6]
                p11_ex = propagator[n, 7]
                p11_in = propagator[n, 8]
                level = threshold[copy, n]
                height = steepness[n, 0]
                slope = steepness[n, 1]
                # Unsigned offsets: with signed ones the compiler keeps a wrap-around test that stops vectorisation.
                at = np.uint64(n * n_lanes)
                now = np.uint64((slot * n_neurons + n) * n_lanes)
                into = np.uint64(((copy * n_neurons + n) * kept + kept_at) * n_lanes)
                for lane in range(first, width):
                    v = membrane[at + lane]
                    i_ex = current_ex[at + lane]
                    i_in = current_in[at + lane]
                    left = refractory_left[at + lane]
                    moved = v * p22 + i_ex * p21_ex + i_in * p21_in + bias
                    moved = v if left > zero else moved
                    apart = one + slope * abs(moved - level)
                    psi = zero if left > zero else height / (apart * apart)
                    left = left - one if left > zero else left
                    current_ex[at + lane] = i_ex * p11_ex + charge_ex[now + lane]
                    current_in[at + lane] = i_in * p11_in - charge_in[now + lane]
                    charge_ex[now + lane] = zero
                    charge_in[now + lane] = zero
                    crossed = moved >= level
                    pseudo[into + lane] = -psi if crossed else psi
                    membrane[at + lane] = reset if crossed else moved
                    refractory_left[at + lane] = refractory if crossed else left
                    fired[lane] = np.uint8(1) if crossed else np.uint8(0)

                if record[n] >= 0:
                    out = np.uint64(((copy * n_rows + record[n]) * n_steps + step) * n_lanes)
                    for lane in range(first, width):
                        spikes[out + lane] = one if fired[lane] else zero
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

        if state_out.size:
            place = copy * (4 + 2 * longest) * size
            state_out[place : place + size] = membrane
            state_out[place + size : place + 2 * size] = current_ex
            state_out[place + 2 * size : place + 3 * size] = current_in
            state_out[place + 3 * size : place + 4 * size] = refractory_left
            place += 4 * size
            for j in range(longest):
                source = (slot + j) % n_slots * size
                state_out[place + j * size : place + (j + 1) * size] = charge_ex[source : source + size]
                further = place + (longest + j) * size
                state_out[further : further + size] = charge_in[source : source + size]


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
    record,
    first_copy,
    last_copy,
    first_step,
    last_step,
    n_steps,
    n_lanes,
    drive,
    pseudo,
    grad_spikes,  # float[K × rows × n_steps × n_lanes]: dL/d spikes
    n_rows,
    grad_drive,  # float[K × C × n_steps × n_lanes], written; empty where it is not wanted
    grad_afferent,  # float[K × A × n_lanes], added to, one value a lane
    grad_synapse,  # float[K, S], added to
    grad_threshold,  # float[K × N × n_lanes], added to; empty where it is not wanted
    grad_state_out,  # of the state after the last step; empty where nothing depends on it
    grad_state_in,  # of the state before the first, written; empty where it is not wanted
):
    """Gradients of the loss by input amplitudes, weights, thresholds and state, back through time from the last step.

    Per neuron: ḡ = (1 − s) V̄ + ψ s̄ is the gradient of the membrane before reset (the reset itself is detached), then
    V̄ ← P22 ḡ and Ī ← P11 Ī + P21 ḡ; Ī before that update is the gradient of the charge that arrived in this step.
    """
    n_channels = afferent_start.shape[0] - 1
    n_neurons = propagator.shape[0]
    n_here = last_step - first_step
    size = n_neurons * n_lanes
    longest = n_slots - 1
    zero = propagator.dtype.type(0)
    first = np.uint64(0)
    width = np.uint64(n_lanes)
    by_membrane, by_ex, by_in = _rows(3, size, propagator.dtype)  # V̄, Īex, Īin
    by_charge_ex, by_charge_in = _rows(2, n_slots * size, propagator.dtype)
    by_spike = np.empty(n_lanes, propagator.dtype)
    lanes = np.empty(n_lanes, np.int64)
    for copy in range(first_copy, last_copy):
        if grad_state_out.size:
            at = copy * (4 + 2 * longest) * size
            by_membrane[:] = grad_state_out[at : at + size]
            by_ex[:] = grad_state_out[at + size : at + 2 * size]
            by_in[:] = grad_state_out[at + 2 * size : at + 3 * size]
            at += 4 * size
            for j in range(longest):
                into = (n_here + j) % n_slots * size
                by_charge_ex[into : into + size] = grad_state_out[at + j * size : at + (j + 1) * size]
                further = at + (longest + j) * size
                by_charge_in[into : into + size] = grad_state_out[further : further + size]
        else:
            by_membrane[:] = zero
            by_ex[:] = zero
            by_in[:] = zero
            by_charge_ex[:] = zero
            by_charge_in[:] = zero
        for here in range(n_here - 1, -1, -1):
            step = first_step + here
            for n in range(n_neurons):
                kept_at = np.uint64(((copy * n_neurons + n) * n_here + here) * n_lanes)
                n_fired = 0
                for lane in range(n_lanes):
                    lanes[n_fired] = lane
                    n_fired += 1 if pseudo[kept_at + np.uint64(lane)] < zero else 0
                if record[n] >= 0:
                    out = np.uint64(((copy * n_rows + record[n]) * n_steps + step) * n_lanes)
                    for lane in range(first, width):
                        by_spike[lane] = grad_spikes[out + lane]
                else:
                    by_spike[:] = zero
                by_charge = by_charge_in if inhibitory[n] else by_charge_ex
                for s in range(synapse_start[n], synapse_start[n + 1]):
                    arrival = (here + synapse_delay[s]) % n_slots
                    base = (arrival * n_neurons + synapse_target[s]) * n_lanes
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
                at_n = np.uint64(n * n_lanes)
                now = np.uint64((here % n_slots * n_neurons + n) * n_lanes)
                for lane in range(first, width):
                    psi = pseudo[kept_at + lane]
                    kept = zero if psi < zero else by_membrane[at_n + lane]
                    before_reset = kept + by_spike[lane] * abs(psi)
                    # ψ is 0 only while refractory: the held membrane depends on nothing trainable.
                    before_reset = zero if psi == zero else before_reset
                    ex = by_ex[at_n + lane]
                    in_ = by_in[at_n + lane]
                    by_charge_ex[now + lane] = ex
                    by_charge_in[now + lane] = -in_
                    by_membrane[at_n + lane] = before_reset * p22
                    by_ex[at_n + lane] = ex * p11_ex + before_reset * p21_ex
                    by_in[at_n + lane] = in_ * p11_in + before_reset * p21_in
                if grad_threshold.size:
                    level_at = np.uint64((copy * n_neurons + n) * n_lanes)
                    for lane in range(first, width):
                        grad_threshold[level_at + lane] -= by_spike[lane] * abs(pseudo[kept_at + lane])

            for channel in range(n_channels):
                drive_at = np.uint64(((copy * n_channels + channel) * n_steps + step) * n_lanes)
                if grad_drive.size:
                    for lane in range(first, width):
                        grad_drive[drive_at + lane] = zero
                for s in range(afferent_start[channel], afferent_start[channel + 1]):
                    arrival = (here + afferent_delay[s] - 1) % n_slots
                    row = np.uint64((arrival * n_neurons + afferent_target[s]) * n_lanes)
                    into_s = np.uint64((copy * afferent_target.shape[0] + s) * n_lanes)
                    weight = afferent_weight[copy, s]
                    if grad_drive.size:
                        for lane in range(first, width):
                            grad_drive[drive_at + lane] += weight * by_charge_ex[row + lane]
                    for lane in range(first, width):
                        grad_afferent[into_s + lane] += drive[drive_at + lane] * by_charge_ex[row + lane]

        if grad_state_in.size:
            at = copy * (4 + 2 * longest) * size
            grad_state_in[at : at + size] = by_membrane
            grad_state_in[at + size : at + 2 * size] = by_ex
            grad_state_in[at + 2 * size : at + 3 * size] = by_in
            grad_state_in[at + 3 * size : at + 4 * size] = zero
            at += 4 * size
            grad_state_in[at : at + longest * size] = by_charge_ex[: longest * size]
            at += longest * size
            grad_state_in[at : at + longest * size] = by_charge_in[: longest * size]
