"""All compiled code of the simulator.

Trials are SIMD lanes. A block of lanes is advanced together; state is laid out as (neuron, quantity, lane) and the ring
of arriving charge as (slot, neuron, polarity, lane), both flat, so that the innermost loop over lanes is contiguous and
free of branches. A neuron whose slot received nothing skips the ring (`pending`).

Arithmetic is strict (no reassociation, no contraction): a lane's result never depends on its neighbours, and float64
follows NEST to the last bit but for the order in which coincident spikes are added.
"""

from functools import lru_cache

import numpy as np
from numba import njit

LANE_WIDTHS = (16, 64, 128)
"""How many trials a block may hold: compile-time constants, or the lane loop would not become full vectors."""

compiled = njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)


@lru_cache
def advance_lanes(lanes: int):
    """The kernel for blocks of `lanes` trials."""
    u_lanes = np.uint64(lanes)
    u_zero = np.uint64(0)

    @compiled
    def advance(
        propagator,  # float[N, 9], columns of models.py
        state,  # float[N × 4 × lanes]: V, I_ex, I_in, remaining refractory steps
        ring,  # float[D × N × 2 × lanes]: charge arriving per slot, neuron, polarity
        pending,  # uint8[D, N]: whether a slot of a neuron received anything
        first_step,  # steps already taken, which fixes the current slot
        n_steps,
        event_start,  # int[n_steps + 1]: this block's input events, sorted by step
        event_channel,
        event_lane,
        afferent_start,  # int[C + 1]: an input channel's synapses
        afferent_target,
        afferent_delay,  # in steps
        afferent_weight,
        synapse_start,  # int[N + 1]: a neuron's outgoing synapses
        synapse_target,
        synapse_delay,
        synapse_weight,
        inhibitory,  # int[N]: 0 for excitatory, 1 for inhibitory sources
        counts,  # int[N × lanes], added to
        spike_step,  # int[capacity] and so on: the spikes themselves, as far as they fit
        spike_neuron,
        spike_lane,
        probe,  # int[M]: neurons whose membrane is recorded
        trace,  # float[n_steps, M, lanes]
        max_spikes,
        used,  # how many lanes hold a trial; the spikes of the others are neither counted nor sent
    ):
        """Advance one block by `n_steps`, or until `max_spikes` are passed; returns the number of spikes."""
        n_neurons = propagator.shape[0]
        n_slots = pending.shape[0]
        capacity = spike_step.shape[0]
        zero = propagator.dtype.type(0)
        one = propagator.dtype.type(1)
        fired = np.zeros(lanes, np.uint8)
        fired_words = fired.view(np.uint64)
        fired_lanes = np.empty(lanes, np.int64)
        total = 0
        slot = first_step % n_slots
        for step in range(n_steps):
            # A spike stamped k × dt with delay d raises the current at (k + d) × dt, at the end of update k + d − 1.
            for event in range(event_start[step], event_start[step + 1]):
                channel = event_channel[event]
                lane = event_lane[event]
                for s in range(afferent_start[channel], afferent_start[channel + 1]):
                    arrival = slot + afferent_delay[s] - 1
                    if arrival >= n_slots:
                        arrival -= n_slots
                    pending[arrival, afferent_target[s]] = 1
                    ring[(arrival * n_neurons + afferent_target[s]) * 2 * lanes + lane] += afferent_weight[s]

            for n in range(n_neurons):
                p22 = propagator[n, 0]
                p21_ex = propagator[n, 1]
                p21_in = propagator[n, 2]
                drive = propagator[n, 3]
                threshold = propagator[n, 4]
                reset = propagator[n, 5]
                refractory = propagator[n, 6]
                p11_ex = propagator[n, 7]
                p11_in = propagator[n, 8]
                # Unsigned offsets: with signed ones the compiler keeps a wrap-around test that stops vectorisation.
                v_at = np.uint64(n * 4 * lanes)
                ex_at = v_at + u_lanes
                in_at = ex_at + u_lanes
                left_at = in_at + u_lanes
                if pending[slot, n]:
                    pending[slot, n] = 0
                    ring_ex = np.uint64((slot * n_neurons + n) * 2 * lanes)
                    ring_in = ring_ex + u_lanes
                    for lane in range(u_zero, u_lanes):
                        v = state[v_at + lane]
                        i_ex = state[ex_at + lane]
                        i_in = state[in_at + lane]
                        left = state[left_at + lane]
                        moved = v * p22 + i_ex * p21_ex + i_in * p21_in + drive
                        moved = v if left > zero else moved
                        left = left - one if left > zero else left
                        state[ex_at + lane] = i_ex * p11_ex + ring[ring_ex + lane]
                        state[in_at + lane] = i_in * p11_in - ring[ring_in + lane]
                        ring[ring_ex + lane] = zero
                        ring[ring_in + lane] = zero
                        crossed = moved >= threshold
                        state[v_at + lane] = reset if crossed else moved
                        state[left_at + lane] = refractory if crossed else left
                        fired[lane] = np.uint8(1) if crossed else np.uint8(0)
                else:
                    for lane in range(u_zero, u_lanes):
                        v = state[v_at + lane]
                        i_ex = state[ex_at + lane]
                        i_in = state[in_at + lane]
                        left = state[left_at + lane]
                        moved = v * p22 + i_ex * p21_ex + i_in * p21_in + drive
                        moved = v if left > zero else moved
                        left = left - one if left > zero else left
                        state[ex_at + lane] = i_ex * p11_ex
                        state[in_at + lane] = i_in * p11_in
                        crossed = moved >= threshold
                        state[v_at + lane] = reset if crossed else moved
                        state[left_at + lane] = refractory if crossed else left
                        fired[lane] = np.uint8(1) if crossed else np.uint8(0)

                any_fired = np.uint64(0)
                for word in range(lanes // 8):
                    any_fired |= fired_words[word]
                if any_fired != 0:
                    n_fired = 0
                    for word in range(lanes // 8):
                        if fired_words[word] != 0:
                            for lane in range(8 * word, 8 * word + 8):
                                if fired[lane] != 0 and lane < used:
                                    counts[n * lanes + lane] += 1
                                    if total < capacity:
                                        spike_step[total] = first_step + step + 1
                                        spike_neuron[total] = n
                                        spike_lane[total] = lane
                                    total += 1
                                    fired_lanes[n_fired] = lane
                                    n_fired += 1
                    for s in range(synapse_start[n], synapse_start[n + 1]):
                        arrival = slot + synapse_delay[s]
                        if arrival >= n_slots:
                            arrival -= n_slots
                        pending[arrival, synapse_target[s]] = 1
                        row = ((arrival * n_neurons + synapse_target[s]) * 2 + inhibitory[n]) * lanes
                        for j in range(n_fired):
                            ring[row + fired_lanes[j]] += synapse_weight[s]

            for m in range(probe.shape[0]):
                for lane in range(lanes):
                    trace[step, m, lane] = state[probe[m] * 4 * lanes + lane]
            slot += 1
            if slot == n_slots:
                slot = 0
            if total > max_spikes:
                return total
        return total

    return advance
