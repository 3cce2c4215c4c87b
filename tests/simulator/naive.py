"""The simulator's twin: one trial, loops and lists only, written from the equations and not from the kernel.

    τ_m dV/dt = −V + (τ_m / C) (I_ex + I_in + I_bias + I_injected),   τ_syn dI/dt = −I,

solved exactly over a step h (Rotter & Diesmann 1999), V held at reset for t_ref after a spike. Within a step: membrane,
currents, arriving spikes, threshold. A spike of time t and delay d raises the current at t + d; with `iaf_psc_delta` it
steps the membrane at t + d, unless the neuron is refractory.

Plasticity is worked out as in NEST, when a spike leaves its source: a spike-timing synapse then looks through the
history of its target's spikes, each of which reaches it the delay d later, and sums its traces spike by spike.
A short-term synapse's variables recover step by step.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from math import exp, inf
from typing import NamedTuple

from evocircuits.circuit import Circuit
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming
from evocircuits.simulator import Stimulus


class Found(NamedTuple):
    """Spikes as (step, neuron), membranes after each step, and the weights at the end of all synapses by port (None:
    between neurons), in the order of the circuit.
    """

    spikes: list[tuple[int, int]]
    voltage_mV: list[list[float]]
    weight_pA: dict[str | None, list[float]]


@dataclass
class Synapse:
    """One synapse; `sent` are the steps of its source's spikes so far, `met` every weight that they met, each with the
    step of the arrival.
    """

    source: tuple[str | None, int]
    target: int
    sign: int
    weight_pA: float
    delay: int
    rule: Plasticity | None
    x: float = 1.0
    u: float = 0.0
    sent: list[int] = field(default_factory=list)
    met: list[tuple[int, float]] = field(default_factory=list)

    def weight_at(self, step: int) -> float:
        """What the last spike to arrive by this step met."""
        return [weight_pA for arrived, weight_pA in self.met if arrived <= step][-1]


def simulate_trial(circuit: Circuit, stimulus: Stimulus, trial: int, *, dt_ms: float) -> Found:
    """The given trial of `stimulus`."""
    n_steps = _steps(stimulus.duration_ms, dt_ms)
    synapses = {None: _synapses(circuit, None, dt_ms)}
    synapses |= {port: _synapses(circuit, port, dt_ms) for port in circuit.inputs}
    leaving = defaultdict(list)
    for synapse in [synapse for port in synapses for synapse in synapses[port]]:
        leaving[synapse.source].append(synapse)
    inputs = defaultdict(list)
    for port, spikes in stimulus.spikes.items():
        for time_ms, of_trial, channel in zip(spikes.time_ms, spikes.trial, spikes.channel, strict=True):
            if of_trial == trial:
                inputs[_steps(time_ms, dt_ms)].append((port, int(channel)))

    delta = circuit.model == "iaf_psc_delta"
    neurons = range(circuit.n_neurons)
    v_mV, i_ex_pA, i_in_pA, refractory = ([0.0] * circuit.n_neurons for _ in range(4))
    arriving = defaultdict(float)  # (step, neuron, sign) → pA
    fired = [[] for _ in neurons]
    membranes = []

    def emit(source, step):
        for synapse in leaving[source]:
            efficacy = _pass(synapse, step, fired[synapse.target], dt_ms)
            arriving[step + synapse.delay, synapse.target, synapse.sign] += synapse.sign * efficacy

    for step in range(1, n_steps + 1):
        for source in inputs[step - 1]:
            emit(source, step - 1)
        for n in neurons:
            charge_pA = arriving[step, n, +1] + arriving[step, n, -1]
            if refractory[n] > 0:
                refractory[n] -= 1
            else:
                injected_pA = _injected(circuit, stimulus, trial, n, step, n_steps)
                v_mV[n] = _membrane(circuit, n, v_mV[n], i_ex_pA[n], i_in_pA[n], injected_pA, dt_ms)
                if delta:
                    v_mV[n] += charge_pA * 1.0 / circuit.c_m_pF[n]  # × 1 ms
            if not delta:
                i_ex_pA[n] = i_ex_pA[n] * exp(-dt_ms / circuit.tau_syn_ex_ms[n]) + arriving[step, n, +1]
                i_in_pA[n] = i_in_pA[n] * exp(-dt_ms / circuit.tau_syn_in_ms[n]) + arriving[step, n, -1]
        for n in neurons:
            if v_mV[n] >= circuit.threshold_mV[n]:
                v_mV[n] = float(circuit.reset_mV[n])
                refractory[n] = _steps(circuit.t_ref_ms[n], dt_ms)
                fired[n].append(step)
                emit((None, n), step)
        membranes.append([float(v) for v in v_mV])
    spikes = sorted((step, n) for n in neurons for step in fired[n])
    # A current raised at the end of the last step has moved no membrane yet: its spike is still under way.
    last = n_steps if delta else n_steps - 1
    weights = {port: [synapse.weight_at(last) for synapse in synapses[port]] for port in synapses}
    return Found(spikes, membranes, weights)


def _pass(synapse: Synapse, step: int, fired: list[int], dt_ms: float) -> float:
    """What the synapse passes of a spike that its source emits in this step, in pA."""
    rule, efficacy = synapse.rule, synapse.weight_pA
    if isinstance(rule, ShortTerm):
        for _ in range(step - synapse.sent[-1] if synapse.sent else 0):
            synapse.x = 1 + (synapse.x - 1) * exp(-dt_ms / rule.tau_rec_ms)
            synapse.u *= exp(-dt_ms / rule.tau_fac_ms) if rule.tau_fac_ms else 0.0
        if not rule.tau_fac_ms:
            synapse.u = 0.0  # also between two spikes of one step
        synapse.u += rule.utilisation * (1 - synapse.u)
        efficacy *= synapse.u * synapse.x
        synapse.x -= synapse.u * synapse.x
    if isinstance(rule, SpikeTiming):
        efficacy = synapse.weight_pA = _timed(synapse, rule, step, fired, dt_ms)
        synapse.met.append((step + synapse.delay, efficacy))
    synapse.sent.append(step)
    return efficacy


def _timed(synapse: Synapse, rule: SpikeTiming, step: int, fired: list[int], dt_ms: float) -> float:
    """The weight that a presynaptic spike meets: NEST's order, first the postsynaptic spikes since the last."""
    share = synapse.weight_pA / rule.max_weight
    since = synapse.sent[-1] if synapse.sent else -inf
    back = [post + synapse.delay for post in fired]
    for post in back:
        if since < post <= step:
            k_plus = sum(exp(-(post - pre) * dt_ms / rule.tau_plus_ms) for pre in synapse.sent)
            share = min(1.0, share + rule.learning_rate * (1 - share) ** rule.mu_plus * k_plus)
    k_minus = sum(exp(-(step - post) * dt_ms / rule.tau_minus_ms) for post in back if post < step)
    share = max(0.0, share - rule.alpha * rule.learning_rate * share**rule.mu_minus * k_minus)
    return share * rule.max_weight


def _membrane(circuit, n, v_mV, i_ex_pA, i_in_pA, injected_pA, dt_ms) -> float:
    tau_ms, c_pF = float(circuit.tau_m_ms[n]), float(circuit.c_m_pF[n])
    decay = exp(-dt_ms / tau_ms)
    v_mV = v_mV * decay + (circuit.bias_pA[n] + injected_pA) * tau_ms / c_pF * (1 - decay)
    for current_pA, tau_syn_ms in ((i_ex_pA, circuit.tau_syn_ex_ms[n]), (i_in_pA, circuit.tau_syn_in_ms[n])):
        if tau_syn_ms == tau_ms:
            v_mV += current_pA * dt_ms / c_pF * decay
        else:
            share = tau_ms * tau_syn_ms / (tau_ms - tau_syn_ms)
            v_mV += current_pA * share / c_pF * (decay - exp(-dt_ms / tau_syn_ms))
    return float(v_mV)


def _injected(circuit: Circuit, stimulus: Stimulus, trial: int, n: int, step: int, n_steps: int) -> float:
    """The current into a neuron from outside while this step lasts."""
    total_pA = 0.0
    if stimulus.current_pA is not None:
        total_pA += stimulus.current_pA[_bin(stimulus.current_pA, step, n_steps), trial, n]
    for port, values in stimulus.graded.items():
        a = circuit.inputs[port]
        now = values[_bin(values, step, n_steps), trial]
        for channel, target, weight_pA in zip(a.channel, a.target, a.weight_pA, strict=True):
            total_pA += weight_pA * now[channel] if target == n else 0.0
    return total_pA


def _bin(values, step: int, n_steps: int) -> int:
    return (step - 1) * len(values) // n_steps


def _synapses(circuit: Circuit, port: str | None, dt_ms: float) -> list[Synapse]:
    owner = circuit if port is None else circuit.inputs[port]
    sources = owner.source if port is None else owner.channel
    columns = (sources, owner.target, owner.weight_pA, owner.delay_ms, owner.rule)
    made = []
    for source, target, weight_pA, delay_ms, rule in zip(*(c.tolist() for c in columns), strict=True):
        sign = +1 if port is not None or circuit.excitatory[source] else -1
        known = circuit.plasticity[rule] if rule >= 0 else None
        synapse = Synapse((port, source), target, sign, weight_pA, _steps(delay_ms, dt_ms), known)
        synapse.met.append((0, weight_pA))
        made.append(synapse)
    return made


def _steps(time_ms: float, dt_ms: float) -> int:
    return round(time_ms / dt_ms)
