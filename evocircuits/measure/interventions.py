"""Circuits in which something is knocked out or changed, and all else is as it was; beside measure/ablation.py.

Neurons keep their numbers and places in ports, also those that are knocked out.
"""

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import peak_psp_mV_per_pA
from evocircuits.measure.table import from_excitatory, table_of, with_table
from evocircuits.plasticity import SpikeTiming

NEVER_mV = 1e9
"""A threshold that no neuron reaches."""


def silenced(circuit: Circuit, neurons: np.ndarray) -> Circuit:
    """`circuit` in which `neurons`, int[K], never spike, nor get any."""
    table = table_of(circuit)
    gone = np.isin(table.target, neurons) | ((table.port < 0) & np.isin(table.source, neurons))
    threshold_mV = circuit.threshold_mV.copy()
    threshold_mV[neurons] = NEVER_mV
    return with_table(circuit, table.rows(~gone), threshold_mV=threshold_mV)


def cut(circuit: Circuit, synapses: np.ndarray) -> Circuit:
    """`circuit` without `synapses`, a mask bool[S] of its table or indices."""
    table = table_of(circuit)
    kept = np.ones(len(table.port), dtype=bool)
    kept[synapses] = False
    return with_table(circuit, table.rows(kept))


def flipped(circuit: Circuit, neurons: np.ndarray) -> Circuit:
    """`circuit` in which `neurons`, int[K], are of the other polarity, with all that they send.

    Post-synaptic potentials keep the height of their peak: excitatory and inhibitory currents last differently. Weights
    stay within the bounds of their rules.
    """
    table = table_of(circuit)
    sent = (table.port < 0) & np.isin(table.source, neurons)
    peaks = [
        (_peak(circuit, target, excitatory), _peak(circuit, target, not excitatory))
        for target, excitatory in zip(
            table.target[sent].tolist(), from_excitatory(circuit, table)[sent].tolist(), strict=True
        )
    ]
    before, after = np.array(peaks).reshape(-1, 2).T
    weight_pA = table.weight_pA.copy()
    weight_pA[sent] = np.minimum(weight_pA[sent] * before / after, bounds_pA(circuit)[table.rule[sent]])
    excitatory = circuit.excitatory.copy()
    excitatory[neurons] ^= True
    return with_table(circuit, table._replace(weight_pA=weight_pA), excitatory=excitatory)


def with_shuffled_delays(circuit: Circuit, rng: np.random.Generator) -> Circuit:
    """`circuit` in which each synapse has the delay of another, drawn from `rng`; input synapses take part."""
    table = table_of(circuit)
    return with_table(circuit, table._replace(delay_ms=rng.permutation(table.delay_ms)))


def with_shuffled_weights(circuit: Circuit, synapses: np.ndarray, rng: np.random.Generator) -> Circuit:
    """`circuit` in which each of `synapses`, int[K] rows of its table, has the weight and rule of another of them."""
    table = table_of(circuit)
    order = rng.permutation(synapses)
    weight_pA, rule = table.weight_pA.copy(), table.rule.copy()
    weight_pA[synapses], rule[synapses] = weight_pA[order], rule[order]
    return with_table(circuit, table._replace(weight_pA=weight_pA, rule=rule))


def bounds_pA(circuit: Circuit) -> np.ndarray:
    """float[R + 1]: the largest weight under each rule, often infinite; the last is of static synapses, rule −1."""
    most = [known.max_weight if isinstance(known, SpikeTiming) else np.inf for known in circuit.plasticity]
    return np.array([*most, np.inf])


def _peak(circuit: Circuit, target: int, excitatory: bool) -> float:
    if circuit.model == "iaf_psc_delta":
        return 1.0
    tau_syn_ms = circuit.tau_syn_ex_ms if excitatory else circuit.tau_syn_in_ms
    return peak_psp_mV_per_pA(*(float(c[target]) for c in (circuit.tau_m_ms, tau_syn_ms, circuit.c_m_pF)))
