"""All compiled code of the simulator.

Trials are SIMD lanes. A block of up to 64 lanes is advanced together; the state is laid out as (neuron, quantity,
lane), so that the innermost loop over lanes is contiguous and free of branches, and stays in registers and the
first-level cache. Spikes travel as bits: which lanes fired is one 64-bit mask, found without a branch per lane, and a
mask waits in the queue, in the slot of its arrival, once for each group of synapses that it will pass (wiring.py).

A lane's result never depends on its neighbours: each lane meets the same operations in the same order.
"""

from functools import lru_cache
from math import exp

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload, register_jitable

from evocircuits.simulator.models import (
    DRIVE,
    P11_EX,
    P11_IN,
    P20,
    P21_EX,
    P21_IN,
    P22,
    REFRACTORY_STEPS,
    RESET,
    THRESHOLD,
)
from evocircuits.simulator.wiring import (
    BOUND,
    DEPRESSION,
    MU_MINUS,
    MU_PLUS,
    PER_BOUND,
    POTENTIATION,
    PRESYNAPTIC,
    RATE_FAC,
    RATE_MINUS,
    RATE_PLUS,
    RATE_REC,
    ROW_PADDING,
    SHORT_TERM,
    STATIC,
    UTILISATION,
)

LANE_WIDTHS = (16, 64)
"""How many trials a block may hold: compile-time constants, or the lane loop would not become full vectors."""
NEVER = 1e30
"""Steps: so long ago, or so far ahead, that it does not matter."""

# Of fast-math only contraction: a product and a sum may become one fused operation, rounded once instead of twice. The
# float64 spikes stay those of NEST (tests/simulator/test_nest.py), the throughput gains 5 %. Reassociation would gain
# nothing (there is no reduction), and `nnan`, `ninf` or `nsz` would make a runaway circuit undefined.
compiled = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
# Not `njit`: a dispatcher in a kernel's closure has another identity in every process, and the cache would miss.
inlined = register_jitable(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)


@lru_cache
def advance_lanes(lanes: int, *, plastic: bool, driven: bool, recorded: bool):
    """The kernel for blocks of `lanes` trials; what a run has no use for is left out when it is compiled: plastic
    synapses, currents from outside, and the recording of spikes and membranes.
    """
    u_lanes = np.uint64(lanes)
    u_row = np.uint64(4 * lanes + ROW_PADDING)
    u_zero, u_one, u_two = np.uint64(0), np.uint64(1), np.uint64(2)
    u_three, u_memory, u_free = np.uint64(3), np.uint64(3 * lanes), np.uint64(3 * lanes)
    half, low = np.uint64(32), np.uint64(2**32 - 1)
    static, short_term, presynaptic = np.uint64(STATIC), np.uint64(SHORT_TERM), np.uint64(PRESYNAPTIC)
    lanes_at_or_above = _lanes_at_or_above(lanes)

    @inlined
    def send(source, mask, slot, group_start, group_delay, group_code, queue, queue_end):
        """Queue the groups of a source that spiked in the lanes of `mask`."""
        n_slots = np.uint64(queue_end.shape[0])
        for group in range(group_start[source], group_start[source + u_one]):
            arrival = slot + group_delay[group]
            if arrival >= n_slots:
                arrival -= n_slots
            end = queue_end[arrival]
            queue[end] = group_code[group]
            queue[end + u_one] = mask
            queue_end[arrival] = end + u_two

    @inlined
    def pass_static(row, end, mask, state, synapse_into, synapse_weight):
        lane = _lowest(mask)
        others = mask & (mask - u_one)
        while True:  # no group and no mask is empty, and most hold one
            into = synapse_into[row]
            weight = synapse_weight[row]
            state[into + lane] += weight
            rest = others
            while rest:
                state[into + _lowest(rest)] += weight
                rest &= rest - u_one
            row += u_one
            if row == end:
                break

    @inlined
    def pass_short_term(
        row, end, mask, now, one, at, rules, rule, memory, state, synapse_into, synapse_weight
    ):
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            last = at + u_three * lane
            x_at, u_at = last + u_one, last + u_two
            x, u = _released(memory[x_at], memory[u_at], now - memory[last], rules, rule, one)
            memory[last], memory[x_at], memory[u_at] = now, x, u
            for r in range(row, end):
                state[synapse_into[r] + lane] += synapse_weight[r] * (x * u)

    @inlined
    def pass_presynaptic(
        row, end, mask, now, one, at, rules, decays, rule, memory, weights, post_of, synapse_plastic,
        state, synapse_into, synapse_weight,
    ):  # fmt: skip
        rate_plus, rate_minus = rules[rule, RATE_PLUS], rules[rule, RATE_MINUS]
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            for r in range(row, end):
                synapse = u_two * (synapse_plastic[r] * u_lanes + lane)
                post = post_of[synapse_plastic[r]] * u_memory + u_three * lane
                last, k_minus = memory[post], memory[post + u_one]
                if last < now:  # a spike that arrives just now does not depress
                    k_minus = (k_minus + one) * _left(decays, rule, u_one, now - last, rate_minus)
                weight = _depressed(weights[synapse], k_minus, rules, rule, one)
                weights[synapse], weights[synapse + u_one] = weight, weight
                state[synapse_into[r] + lane] += synapse_weight[r] * weight
            last = at + u_three * lane
            trace = last + u_one
            memory[trace] = memory[trace] * _left(decays, rule, u_zero, now - memory[last], rate_plus) + one
            memory[last] = now

    @inlined
    def meet_postsynaptic(
        row, end, mask, now, one, at, rules, decays, rule, memory, weights, pre_of, synapse_plastic
    ):  # fmt: skip
        rate_plus, rate_minus = rules[rule, RATE_PLUS], rules[rule, RATE_MINUS]
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            for r in range(row, end):
                synapse = u_two * (synapse_plastic[r] * u_lanes + lane)
                pre = pre_of[synapse_plastic[r]] * u_memory + u_three * lane
                k_plus = memory[pre + u_one]
                if k_plus > one - one:
                    k_plus *= _left(decays, rule, u_zero, now - memory[pre], rate_plus)
                    weights[synapse] = _potentiated(weights[synapse], k_plus, rules, rule, one)
            last = at + u_three * lane
            trace = last + u_one
            memory[trace] = (memory[trace] + one) * _left(decays, rule, u_one, now - memory[last], rate_minus)
            memory[last] = now

    @inlined
    def advance_block(
        n_steps,
        propagator,  # the tables of wiring.Wiring
        inhibited,
        group_start,
        group_delay,
        group_code,
        group_kind,
        group_rule,
        group_memory,
        synapse_start,
        synapse_into,
        synapse_weight,
        synapse_plastic,
        plastic_pre,
        plastic_post,
        rules,
        decays,
        state,  # float[N × (4 × lanes + padding)]: V, I_ex, I_in, the step that ends refractoriness
        queue,  # uint64[D × capacity × 2]: in each slot the groups that wait, each with the mask of its lanes
        queue_end,  # uint64[D]: the end of each slot's filled part
        memory,  # float[M × lanes × 3]: last spike's step, and x, u or K₊ or K₋ before that spike
        plastic_weight,  # float[P × lanes × 2]: weights now, and as of the last presynaptic spike
        event_start,  # int64[n_steps + 1]: this block's input spikes, by step
        event_channel,  # uint64[events]
        event_mask,  # uint64[events]
        current_pA,  # float[bins × N × lanes], each bin lasting steps_per_bin
        steps_per_bin,
        counts,  # int32[N × lanes], added to
        first_spike,  # int32[N × lanes]: step of the first spike, −1 before; from here on used only if recorded
        spike_step,  # int64[capacity]: the spikes themselves, as far as they fit
        spike_neuron,
        spike_lane,
        probe,  # int64[K]: neurons whose membrane is recorded
        trace,  # float[n_steps, K, lanes]
        max_spikes,
    ):
        """Advance one block by `n_steps`, or until `max_spikes` are passed; returns the number of spikes."""
        number = propagator.dtype.type
        one = number(1)
        n_neurons = np.uint64(propagator.shape[0])
        n_slots = np.uint64(queue_end.shape[0])
        room = np.uint64(queue.shape[0]) // n_slots
        hits = np.empty(propagator.shape[0] + 1, np.uint64)  # one spare: written before it counts
        total = 0
        slot = u_zero
        for step in range(n_steps):
            now = number(step)
            for event in range(event_start[step], event_start[step + 1]):
                source = n_neurons + event_channel[event]
                send(source, event_mask[event], slot, group_start, group_delay, group_code, queue, queue_end)

            begin = slot * room
            for entry in range(begin, queue_end[slot], u_two):
                code = queue[entry]
                mask = queue[entry + u_one]
                if not plastic:
                    row = code & low
                    pass_static(row, row + (code >> half), mask, state, synapse_into, synapse_weight)
                    continue
                kind, at, rule = group_kind[code], group_memory[code] * u_memory, group_rule[code]
                row, end = synapse_start[code], synapse_start[code + u_one]
                if kind == static:
                    pass_static(row, end, mask, state, synapse_into, synapse_weight)
                elif kind == short_term:
                    pass_short_term(
                        row, end, mask, now, one, at, rules, rule, memory, state, synapse_into, synapse_weight
                    )
                elif kind == presynaptic:
                    pass_presynaptic(
                        row, end, mask, now, one, at, rules, decays, rule, memory, plastic_weight,
                        plastic_post, synapse_plastic, state, synapse_into, synapse_weight,
                    )  # fmt: skip
                else:
                    meet_postsynaptic(
                        row, end, mask, now, one, at, rules, decays, rule, memory, plastic_weight,
                        plastic_pre, synapse_plastic,
                    )  # fmt: skip
            queue_end[slot] = begin

            n_hits = 0
            for n in range(n_neurons):
                p22 = propagator[n, P22]  # this and P11 less 1: what decays is added to what was there
                p21_ex = propagator[n, P21_EX]
                p21_in = propagator[n, P21_IN]
                drive = propagator[n, DRIVE]
                threshold = propagator[n, THRESHOLD]
                reset = propagator[n, RESET]
                p11_ex = propagator[n, P11_EX]
                p11_in = propagator[n, P11_IN]
                # Unsigned offsets: with signed ones the compiler keeps a wrap-around test that stops vectorisation.
                v_at = n * u_row
                ex_at = v_at + u_lanes
                in_at = ex_at + u_lanes
                free_at = in_at + u_lanes
                crossed = False
                if driven:
                    p20 = propagator[n, P20]
                    current_at = (np.uint64(step // steps_per_bin) * n_neurons + n) * u_lanes
                    for lane in range(u_zero, u_lanes):
                        i_ex = state[ex_at + lane]
                        i_in = state[in_at + lane]
                        v = state[v_at + lane]
                        v = v * p22 + v + i_ex * p21_ex + i_in * p21_in + drive
                        v += current_pA[current_at + lane] * p20
                        v = reset if state[free_at + lane] > now else v
                        state[v_at + lane] = v
                        state[ex_at + lane] = i_ex * p11_ex + i_ex
                        state[in_at + lane] = i_in * p11_in + i_in
                        crossed = crossed | (v >= threshold)
                elif inhibited[n]:
                    for lane in range(u_zero, u_lanes):
                        i_ex = state[ex_at + lane]
                        i_in = state[in_at + lane]
                        v = state[v_at + lane]
                        v = v * p22 + v + i_ex * p21_ex + i_in * p21_in + drive
                        v = reset if state[free_at + lane] > now else v
                        state[v_at + lane] = v
                        state[ex_at + lane] = i_ex * p11_ex + i_ex
                        state[in_at + lane] = i_in * p11_in + i_in
                        crossed = crossed | (v >= threshold)
                else:
                    for lane in range(u_zero, u_lanes):
                        i_ex = state[ex_at + lane]
                        v = state[v_at + lane]
                        v = v * p22 + v + i_ex * p21_ex + drive
                        v = reset if state[free_at + lane] > now else v
                        state[v_at + lane] = v
                        state[ex_at + lane] = i_ex * p11_ex + i_ex
                        crossed = crossed | (v >= threshold)
                hits[n_hits] = n
                n_hits += 1 if crossed else 0

            for hit in range(n_hits):
                n = hits[hit]
                v_at = n * u_row
                reset = propagator[n, RESET]
                free = now + propagator[n, REFRACTORY_STEPS] + one
                mask = lanes_at_or_above(state, v_at, propagator[n, THRESHOLD])
                rest = mask
                while rest:
                    lane = _lowest(rest)
                    rest &= rest - u_one
                    state[v_at + lane] = reset
                    state[v_at + u_free + lane] = free
                    counts[n * u_lanes + lane] += np.int32(1)
                    if recorded:
                        if total < spike_step.shape[0]:
                            spike_step[total] = step + 1
                            spike_neuron[total] = n
                            spike_lane[total] = lane
                        if first_spike[n * u_lanes + lane] < 0:
                            first_spike[n * u_lanes + lane] = step + 1
                    total += 1
                send(n, mask, slot, group_start, group_delay, group_code, queue, queue_end)

            if recorded:
                for k in range(probe.shape[0]):
                    v_at = np.uint64(probe[k]) * u_row
                    for lane in range(u_zero, u_lanes):
                        trace[step, k, lane] = state[v_at + lane]
            slot += u_one
            if slot == n_slots:
                slot = u_zero
            if total > max_spikes:
                return total
        return total

    @compiled
    def advance(
        n_steps, propagator, inhibited, group_start, group_delay, group_code, group_kind, group_rule, group_memory,
        synapse_start, synapse_into, synapse_weight, synapse_plastic, plastic_pre, plastic_post, rules, decays,
        state, queue, queue_end, memory, plastic_weight, event_start, event_channel, event_mask, current_pA,
        steps_per_bin, counts, first_spike, spike_step, spike_neuron, spike_lane, probe, trace, max_spikes, totals,
    ):  # fmt: skip
        """Advance all blocks, the first dimension of all that a block has of its own, until together they pass
        `max_spikes`; their numbers of spikes are written into `totals`, int64[blocks].
        """
        for b in range(totals.shape[0]):
            if max_spikes < 0:
                break
            totals[b] = advance_block(
                n_steps, propagator, inhibited, group_start, group_delay, group_code, group_kind, group_rule,
                group_memory, synapse_start, synapse_into, synapse_weight, synapse_plastic, plastic_pre, plastic_post,
                rules, decays, state[b], queue[b], queue_end[b], memory[b], plastic_weight[b], event_start[b],
                event_channel, event_mask, current_pA[b], steps_per_bin, counts[b], first_spike[b], spike_step[b],
                spike_neuron[b], spike_lane[b], probe, trace[b], max_spikes,
            )  # fmt: skip
            max_spikes -= totals[b]

    return advance


@inlined
def _released(x, u, since, rules, rule, one):
    """x and u at a spike, `since` steps after the last one (plasticity.ShortTerm)."""
    x = one + (x - x * u - one) * exp(-since * rules[rule, RATE_REC])
    facilitated = exp(-since * rules[rule, RATE_FAC]) if rules[rule, RATE_FAC] < NEVER else one - one
    return x, rules[rule, UTILISATION] + u * (one - rules[rule, UTILISATION]) * facilitated


@inlined
def _left(decays, rule, trace, steps, rate):
    """How much of a trace is left after so many steps: read off while the table goes so far."""
    return decays[rule, trace, np.uint64(steps)] if steps < decays.shape[2] else exp(-steps * rate)


@inlined
def _potentiated(weight, k_plus, rules, rule, one):
    """A weight after a postsynaptic spike (plasticity.SpikeTiming)."""
    share = min(weight * rules[rule, PER_BOUND], one)  # at the bound, rounding may pass 1
    share += rules[rule, POTENTIATION] * _power(one - share, rules[rule, MU_PLUS], one) * k_plus
    return share * rules[rule, BOUND] if share < one else rules[rule, BOUND]


@inlined
def _depressed(weight, k_minus, rules, rule, one):
    """A weight after a presynaptic spike (plasticity.SpikeTiming)."""
    share = weight * rules[rule, PER_BOUND]
    share -= rules[rule, DEPRESSION] * _power(share, rules[rule, MU_MINUS], one) * k_minus
    return share * rules[rule, BOUND] if share > one - one else one - one


@inlined
def _power(base, exponent, one):
    # The two usual exponents without the library's power function, which takes longer than all the rest.
    if exponent == one:
        return base
    return one if exponent == one - one else base**exponent


def _lowest(mask):
    """The position of the lowest set bit of a mask that is not 0."""
    return np.uint64((int(mask) & -int(mask)).bit_length() - 1)


@overload(_lowest, inline="always")
def _compile_lowest(mask):
    return lambda mask: _trailing_zeros(mask)


@intrinsic
def _trailing_zeros(_, mask):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@lru_cache
def _lanes_at_or_above(lanes: int):
    """A function of a state, an offset and a threshold: which of the `lanes` numbers from there reach it, as bits.

    Compiled, it is one comparison per vector register, whose result is already the mask; no loop over lanes that
    numba can compile gets there.
    """

    def lanes_at_or_above(state, at, threshold):
        reached = np.flatnonzero(state[int(at) : int(at) + lanes] >= threshold)
        return np.uint64(sum(1 << int(lane) for lane in reached))

    @intrinsic
    def compared(_, state, at, threshold):
        def generate(context, builder, signature, arguments):
            array = context.make_array(state)(context, builder, arguments[0])
            number = context.get_value_type(state.dtype)
            vector = ir.VectorType(number, lanes)
            place = builder.bitcast(builder.gep(array.data, [arguments[1]]), vector.as_pointer())
            values = builder.load(place)
            values.align = state.dtype.bitwidth // 8
            undefined = ir.Constant(vector, ir.Undefined)
            one_lane = builder.insert_element(undefined, arguments[2], ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            reached = builder.fcmp_ordered(">=", values, builder.shuffle_vector(one_lane, undefined, zeros))
            bits = builder.bitcast(reached, ir.IntType(lanes))
            return bits if lanes == 64 else builder.zext(bits, ir.IntType(64))

        return types.uint64(state, at, threshold), generate

    @overload(lanes_at_or_above, inline="always")
    def compile_lanes_at_or_above(state, at, threshold):
        return lambda state, at, threshold: compared(state, at, threshold)

    return lanes_at_or_above
