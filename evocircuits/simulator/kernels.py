"""All compiled code of the simulator.

Trials are SIMD lanes. A block of up to 64 lanes is advanced together; the state is laid out as (neuron, quantity,
lane), so that the innermost loop over lanes is contiguous and free of branches, and stays in registers and the
first-level cache. Spikes travel as bits: which lanes fired is one 64-bit mask, found without a branch per lane, and a
mask waits in the queue, in the slot of its arrival, once for each synapse that it will pass (wiring.py).

A lane's result never depends on its neighbours: each lane meets the same operations in the same order.
"""

from functools import lru_cache
from math import exp

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

from evocircuits.compilation import compiler
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
    STATIC,
    UTILISATION,
)

LANE_WIDTHS = (16, 64)
"""How many trials a block may hold: compile-time constants, or the lane loop would not become full vectors."""
NEVER = 1e30
"""Steps: so long ago, or so far ahead, that it does not matter."""
MEMORY = 8
"""Numbers that a plastic synapse keeps for each lane, so that all of them are on one cache line."""
LAST, TRACE, USED, LAST_POST, TRACE_POST, WEIGHT, PASSED = map(np.uint64, range(7))
"""Columns of the memory: step of the last presynaptic spike, and x or K₊ before it; u before it; step of the last
postsynaptic spike, and K₋ before it; the weight in pA now, and as the last presynaptic spike passed it.
"""

# Of fast-math only contraction: a product and a sum may become one fused operation, rounded once instead of twice. The
# float64 spikes stay those of NEST (tests/simulator/test_nest.py), the throughput gains 5 %. Reassociation would gain
# nothing (there is no reduction), and `nnan`, `ninf` or `nsz` would make a runaway circuit undefined.
compiled = compiler(fastmath={"contract"})
# Not `njit`: a dispatcher in a kernel's closure has another identity in every process, and the cache would miss.
inlined = register_jitable(nogil=True, error_model="numpy", fastmath={"contract"}, forceinline=True)


@lru_cache
def advance_lanes(lanes: int, *, plastic: bool, bundled: bool, driven: bool, recorded: bool):
    """The kernel for blocks of `lanes` trials; what a run has no use for is left out when it is compiled: plastic
    synapses, bundles of static ones, currents from outside, and the recording of spikes and membranes.
    """
    u_lanes = np.uint64(lanes)
    u_row = np.uint64(4 * lanes + ROW_PADDING)
    u_free, u_memory, u_block = np.uint64(3 * lanes), np.uint64(MEMORY), np.uint64(MEMORY * lanes)
    u_zero, u_one, u_two = np.uint64(0), np.uint64(1), np.uint64(2)
    half, low = np.uint64(32), np.uint64(2**32 - 1)
    lanes_at_or_above = _lanes_at_or_above(lanes)

    @inlined
    def send(source, mask, slot, source_start, unit_delay, unit_code, queue, queue_end):
        """Queue what waits after a spike of a source in the lanes of `mask`."""
        n_slots = np.uint64(queue_end.shape[0])
        for unit in range(source_start[source], source_start[source + u_one]):
            arrival = slot + unit_delay[unit]
            if arrival >= n_slots:
                arrival -= n_slots
            end = queue_end[arrival]
            queue[end] = unit_code[unit]
            queue[end + u_one] = mask
            queue_end[arrival] = end + u_two

    @inlined
    def pass_static(row, mask, state, row_into, row_weight):
        into = row_into[row]
        weight = row_weight[row]
        while mask:
            state[into + _lowest(mask)] += weight
            mask &= mask - u_one

    @inlined
    def pass_bundle(first, end, mask, state, row_into, row_weight):
        lane = _lowest(mask)
        others = mask & (mask - u_one)  # mostly none
        for row in range(first, end):
            into = row_into[row]
            weight = row_weight[row]
            state[into + lane] += weight
            rest = others
            while rest:
                state[into + _lowest(rest)] += weight
                rest &= rest - u_one

    @inlined
    def pass_short_term(row, mask, now, one, at, rules, rule, memory, state, row_into, row_weight):
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            mine = at + lane * u_memory
            x, u = _released(
                memory[mine + TRACE], memory[mine + USED], now - memory[mine + LAST], rules, rule, one
            )
            memory[mine + LAST], memory[mine + TRACE], memory[mine + USED] = now, x, u
            state[row_into[row] + lane] += row_weight[row] * (x * u)

    @inlined
    def pass_presynaptic(
        row, mask, now, one, at, rules, rule_decays, decays, rule, memory, state, row_into, row_weight
    ):  # fmt: skip
        rate_plus, rate_minus = rules[rule, RATE_PLUS], rules[rule, RATE_MINUS]
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            mine = at + lane * u_memory
            k_minus = memory[mine + TRACE_POST]
            if memory[mine + LAST_POST] < now:  # a spike that arrives just now does not depress
                k_minus = (k_minus + one) * _left(
                    decays, rule_decays[rule, 1], now - memory[mine + LAST_POST], rate_minus
                )
            weight = _depressed(memory[mine + WEIGHT], k_minus, rules, rule, one)
            memory[mine + WEIGHT], memory[mine + PASSED] = weight, weight
            state[row_into[row] + lane] += row_weight[row] * weight
            memory[mine + TRACE] = (
                memory[mine + TRACE]
                * _left(decays, rule_decays[rule, 0], now - memory[mine + LAST], rate_plus)
                + one
            )
            memory[mine + LAST] = now

    @inlined
    def meet_postsynaptic(mask, now, one, at, rules, rule_decays, decays, rule, memory):
        rate_plus, rate_minus = rules[rule, RATE_PLUS], rules[rule, RATE_MINUS]
        while mask:
            lane = _lowest(mask)
            mask &= mask - u_one
            mine = at + lane * u_memory
            if memory[mine + TRACE] > one - one:
                k_plus = memory[mine + TRACE] * _left(
                    decays, rule_decays[rule, 0], now - memory[mine + LAST], rate_plus
                )
                memory[mine + WEIGHT] = _potentiated(memory[mine + WEIGHT], k_plus, rules, rule, one)
            left = _left(decays, rule_decays[rule, 1], now - memory[mine + LAST_POST], rate_minus)
            memory[mine + TRACE_POST] = (memory[mine + TRACE_POST] + one) * left
            memory[mine + LAST_POST] = now

    @inlined
    def advance_block(
        n_steps,
        propagator,  # the tables of wiring.Wiring
        inhibited,
        source_start,
        unit_delay,
        unit_code,
        row_into,
        row_weight,
        row_kind,
        row_rule,
        row_plastic,
        rules,
        rule_decays,
        decays,
        state,  # float[N × (4 × lanes + padding)]: V, I_ex, I_in, the step that ends refractoriness
        queue,  # uint64[D × capacity × 2]: in each slot what waits, each with the mask of its lanes
        queue_end,  # uint64[D]: the end of each slot's filled part
        memory,  # float[P × lanes × MEMORY], of plastic synapses
        event_start,  # int64[n_steps + 1]: this block's input spikes, by step
        event_channel,  # uint64[events]
        event_mask,  # uint64[events]
        current_pA,  # float[bins × N × lanes], each bin lasting steps_per_bin
        steps_per_bin,
        counts,  # int32[bins × N × lanes], added to, each bin lasting steps_per_count
        steps_per_count,
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
            counts_at = np.uint64(step // steps_per_count) * n_neurons
            for event in range(event_start[step], event_start[step + 1]):
                source = n_neurons + event_channel[event]
                send(source, event_mask[event], slot, source_start, unit_delay, unit_code, queue, queue_end)

            if plastic:
                begin = slot * room
                for entry in range(begin, queue_end[slot], u_two):
                    row = queue[entry]
                    meet_postsynaptic(
                        queue[entry + u_one], now, one, row_plastic[row] * u_block, rules, rule_decays, decays,
                        np.uint64(row_rule[row]), memory,
                    )  # fmt: skip
                queue_end[slot] = begin
                slot += u_one
            begin = slot * room
            for entry in range(begin, queue_end[slot], u_two):
                code = queue[entry]
                mask = queue[entry + u_one]
                if bundled:
                    first = code & low
                    pass_bundle(first, first + (code >> half), mask, state, row_into, row_weight)
                elif not plastic or row_kind[code] == STATIC:
                    pass_static(code, mask, state, row_into, row_weight)
                else:
                    rule, at = np.uint64(row_rule[code]), row_plastic[code] * u_block
                    if row_kind[code] == PRESYNAPTIC:
                        pass_presynaptic(
                            code, mask, now, one, at, rules, rule_decays, decays, rule, memory, state, row_into,
                            row_weight,
                        )  # fmt: skip
                    else:
                        pass_short_term(
                            code, mask, now, one, at, rules, rule, memory, state, row_into, row_weight
                        )
            queue_end[slot] = begin
            if plastic:
                slot -= u_one

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
                    counts[(counts_at + n) * u_lanes + lane] += np.int32(1)
                    if recorded:
                        if total < spike_step.shape[0]:
                            spike_step[total] = step + 1
                            spike_neuron[total] = n
                            spike_lane[total] = lane
                        if first_spike[n * u_lanes + lane] < 0:
                            first_spike[n * u_lanes + lane] = step + 1
                    total += 1
                send(n, mask, slot, source_start, unit_delay, unit_code, queue, queue_end)

            if recorded:
                for k in range(probe.shape[0]):
                    v_at = np.uint64(probe[k]) * u_row
                    for lane in range(u_zero, u_lanes):
                        trace[step, k, lane] = state[v_at + lane]
            slot += u_two if plastic else u_one
            if slot == n_slots:
                slot = u_zero
            if total > max_spikes:
                return total
        return total

    @compiled
    def advance(
        n_steps, propagator, inhibited, source_start, unit_delay, unit_code, row_into, row_weight, row_kind, row_rule,
        row_plastic, rules, rule_decays, decays, state, queue, queue_end, memory, event_start, event_channel,
        event_mask, current_pA, steps_per_bin, counts, steps_per_count, first_spike, spike_step, spike_neuron,
        spike_lane, probe, trace, max_spikes, totals,
    ):  # fmt: skip
        """Advance all blocks, the first dimension of all that a block has of its own, until together they pass
        `max_spikes`; their numbers of spikes are written into `totals`, int64[blocks].
        """
        for b in range(totals.shape[0]):
            if max_spikes < 0:
                break
            totals[b] = advance_block(
                n_steps, propagator, inhibited, source_start, unit_delay, unit_code, row_into, row_weight, row_kind,
                row_rule, row_plastic, rules, rule_decays, decays, state[b], queue[b], queue_end[b], memory[b],
                event_start[b], event_channel, event_mask, current_pA[b], steps_per_bin, counts[b], steps_per_count,
                first_spike[b], spike_step[b], spike_neuron[b], spike_lane[b], probe, trace[b], max_spikes,
            )  # fmt: skip
            max_spikes -= totals[b]

    return advance


@compiled
def in_masks(step, trial, channel, n_blocks, n_steps, n_channels, lanes):
    """Input spikes, int64[spikes] each, as masks of the lanes of each block, step and channel, in that order; where a
    trial has several spikes of a channel in one step there are as many masks, the second ones after all the first.

    Returns where each step of each block begins, int64[blocks × steps + 1]; channels and masks, uint64[masks]; and how
    many masks of one channel a step has at most, or 1.
    """
    n_places = n_blocks * n_steps
    begin = np.zeros(n_places + 1, np.int64)
    for spike in range(step.shape[0]):
        begin[trial[spike] // lanes * n_steps + step[spike] + 1] += 1
    for place in range(n_places):
        begin[place + 1] += begin[place]
    filled = begin[:-1].copy()
    sorted_channel, sorted_lane = np.empty(step.shape[0], np.int64), np.empty(step.shape[0], np.int64)
    for spike in range(step.shape[0]):
        place = trial[spike] // lanes * n_steps + step[spike]
        sorted_channel[filled[place]] = channel[spike]
        sorted_lane[filled[place]] = trial[spike] % lanes
        filled[place] += 1

    start = np.empty(n_places + 1, np.int64)
    channels, masks = np.empty(step.shape[0], np.uint64), np.empty(step.shape[0], np.uint64)
    mask_of, met = np.zeros(n_channels, np.uint64), np.empty(n_channels, np.int64)
    total, most = 0, 1
    for place in range(n_places):
        start[place] = total
        first, end, repetition = begin[place], begin[place + 1], 0
        while first < end:
            n_met, again = 0, first
            for spike in range(first, end):
                source, bit = sorted_channel[spike], np.uint64(1) << np.uint64(sorted_lane[spike])
                if mask_of[source] & bit:  # one more spike of the same trial
                    sorted_channel[again], sorted_lane[again] = source, sorted_lane[spike]
                    again += 1
                    continue
                if mask_of[source] == 0:
                    met[n_met] = source
                    n_met += 1
                mask_of[source] |= bit
            met[:n_met].sort()
            for k in range(n_met):
                channels[total], masks[total] = met[k], mask_of[met[k]]
                mask_of[met[k]] = 0
                total += 1
            end = again
            repetition += 1
        most = max(most, repetition)
    start[n_places] = total
    return start, channels[:total].copy(), masks[:total].copy(), most


@inlined
def _released(x, u, since, rules, rule, one):
    """x and u at a spike, `since` steps after the last one (plasticity.ShortTerm)."""
    x = one + (x - x * u - one) * exp(-since * rules[rule, RATE_REC])
    facilitated = exp(-since * rules[rule, RATE_FAC]) if rules[rule, RATE_FAC] < NEVER else one - one
    return x, rules[rule, UTILISATION] + u * (one - rules[rule, UTILISATION]) * facilitated


@inlined
def _left(decays, table, steps, rate):
    """How much of a trace is left after so many steps: read off while the table goes so far."""
    return decays[table, np.uint64(steps)] if steps < decays.shape[1] else exp(-steps * rate)


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
