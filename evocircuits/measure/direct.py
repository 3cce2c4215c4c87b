"""The direct encoding of a circuit: a genome of single neurons and single synapses that develops to it."""

from dataclasses import replace

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import CAPACITANCE_pF, peak_psp_mV_per_pA
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.measure.table import from_excitatory, table_of
from evocircuits.plasticity import Plasticity, SpikeTiming


def direct_genome(circuit: Circuit) -> Genome | None:
    """A genome whose circuit spikes as `circuit` does; None where genes cannot say it.

    Its neurons are the outputs, port after port, and then the others. Static synapses without weight are left out.
    Genes know neither another model than `iaf_psc_exp` nor a reset other than 0, thresholds ≤ 0, plastic synapses that
    begin at 0, neurons that serve two ports, and inhibitory outputs.
    """
    outputs, table = circuit.output_neurons, table_of(circuit)
    odd = circuit.model != "iaf_psc_exp" or circuit.reset_mV.any() or (circuit.threshold_mV <= 0).any()
    odd |= np.any((table.weight_pA == 0) & (table.rule >= 0)) or not circuit.excitatory[outputs].all()
    if odd or len(np.unique(outputs)) < len(outputs):
        return None
    order = [*outputs.tolist(), *sorted(set(range(circuit.n_neurons)) - set(outputs.tolist()))]
    port_of = {int(k): port for port, neurons in circuit.outputs.items() for k in neurons}
    inputs = tuple(Port(name, a.channels) for name, a in circuit.inputs.items())
    return Genome(
        inputs,
        tuple(Port(name, len(neurons)) for name, neurons in circuit.outputs.items()),
        tuple(_population(circuit, k, port_of.get(k)) for k in order),
        _projections(circuit, inputs),
    )


def _population(circuit: Circuit, k: int, port: str | None) -> PopulationGene:
    names = ("tau_m_ms", "threshold_mV", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")
    # Genes have one capacitance: current / C is what moves a membrane.
    bias_pA = float(circuit.bias_pA[k] * CAPACITANCE_pF / circuit.c_m_pF[k])
    constants = {name: float(getattr(circuit, name)[k]) for name in names}
    return PopulationGene(
        _id(circuit, "neuron", k), bool(circuit.excitatory[k]), 1, **constants, bias_pA=bias_pA, port=port
    )


def _projections(circuit: Circuit, inputs: tuple[Port, ...]) -> tuple[ProjectionGene, ...]:
    table = table_of(circuit)
    genes = []
    for k, (row, excitatory) in enumerate(
        zip(zip(*(c.tolist() for c in table), strict=True), from_excitatory(circuit, table), strict=True)
    ):
        port, source, target, weight_pA, delay_ms, rule = row
        if weight_pA == 0:
            continue
        per_pA = _strength_per_pA(circuit, target, bool(excitatory))
        several = port >= 0 and inputs[port].size > 1
        genes.append(
            ProjectionGene(
                _id(circuit, "synapse", k),
                inputs[port].id if port >= 0 else _id(circuit, "neuron", source),
                _id(circuit, "neuron", target),
                Pattern("single", float(source)) if several else Pattern("one_to_one"),
                weight_pA * per_pA,
                delay_ms,
                plasticity=None if rule < 0 else _in_strength(circuit.plasticity[rule], per_pA),
            )
        )
    return tuple(genes)


def _strength_per_pA(circuit: Circuit, target: int, excitatory: bool) -> float:
    tau_syn_ms = circuit.tau_syn_ex_ms if excitatory else circuit.tau_syn_in_ms
    constants = (float(c[target]) for c in (circuit.tau_m_ms, tau_syn_ms, circuit.c_m_pF))
    return peak_psp_mV_per_pA(*constants) / float(circuit.threshold_mV[target])


def _in_strength(rule: Plasticity, per_pA: float) -> Plasticity:
    return replace(rule, max_weight=rule.max_weight * per_pA) if isinstance(rule, SpikeTiming) else rule


def _id(circuit: Circuit, *words: str | int) -> int:
    return innovation("direct", circuit.id, *words)
