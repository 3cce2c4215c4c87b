"""A circuit as a graph of NIR (Pedersen et al., Nat. Commun. 15 (2024)), made of its own node types only.

Every synapse is a line of its own: `axons` copies each neuron's spikes to its synapses, `delays` holds each back by its
delay, and `synapses` adds them up, times their signed weights, on the targets. So autapses, parallel synapses and
unequal delays need no special case. What follows is a CubaLIF, or, where a neuron hears both signs through unequal
time constants, two leaky integrators of current in front of a LIF.

NIR's equations with times in s, potentials in mV, currents in pA and resistances in GΩ are those of `models.py`, when
a current's gain is its time constant: τ dI/dt = −I + τ w δ steps I by w. A bias current is a leak potential, R I_bias.
"""

import json
from types import ModuleType

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.exchange.nir_reader import MAX_NUMBERS
from evocircuits.genome import Genome

FORMAT = "evocircuits-nir"
VERSION = 1
UNITS = "s, mV, pA, GOhm, pF; with iaf_psc_delta weights are pA x 1 ms and r is in GOhm / 1000"
CONVENTIONS = (
    "Exact integration on the grid dt_ms, V = 0 and no currents at first. In a step: membranes, then currents decay, "
    "then arriving spikes, then V >= v_threshold emits a spike stamped with the end of the step, sets V to v_reset and "
    "holds it there for t_ref_ms (metadata of the node 'neurons'; NIR has no word for it). "
    "A spike of time t arrives at t + delay."
)
EXACT_ms = ("tau_m_ms", "c_m_pF", "bias_pA", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")


def graph_of(circuit: Circuit, dt_ms: float, genome: Genome | None = None):
    """The `nir.NIRGraph` of a circuit.

    Raises `InputError` for plastic synapses, which NIR cannot express, for circuits without neurons, input synapses or
    outputs, which NIR does not know, for more than `MAX_NUMBERS`, and where the package is missing.
    """
    nir = imported()
    _check(circuit)
    nodes, edges = {}, []
    receptors = _neurons(nir, circuit, nodes, edges)
    for k, (port, a) in enumerate(circuit.inputs.items()):
        nodes[f"input_{k}"] = nir.Input(np.array([a.channels]), metadata={"port": port})
        positive = np.ones(len(a.target), bool)
        _wire(nir, nodes, edges, f"input_{k}", f"input_{k}_", a, (a.channels, a.channel), positive, receptors)
    own = (circuit.n_neurons, circuit.source)
    _wire(nir, nodes, edges, "neurons", "", circuit, own, circuit.excitatory[circuit.source], receptors)
    for k, (port, neurons) in enumerate(circuit.outputs.items()):
        nodes[f"output_{k}_taps"] = nir.Linear(_one_hot(neurons, circuit.n_neurons))
        nodes[f"output_{k}"] = nir.Output(np.array([len(neurons)]), metadata={"port": port})
        edges += [("neurons", f"output_{k}_taps"), (f"output_{k}_taps", f"output_{k}")]
    metadata = {"format": FORMAT, "version": VERSION, "dt_ms": float(dt_ms), "model": circuit.model}
    metadata |= {"units": UNITS, "conventions": CONVENTIONS}
    if genome is not None:
        metadata["genome"] = json.dumps(genome.to_dict(), allow_nan=False)
    return nir.NIRGraph(nodes, edges, metadata=metadata)


def imported() -> ModuleType:
    """The package nir. Raises `InputError`, with the command that installs it, where it is missing."""
    try:
        import nir
    except ImportError:
        raise InputError(
            "NIR needs the package nir; install it with: pip install 'evocircuits[exchange]'"
        ) from None
    return nir


def _check(circuit: Circuit) -> None:
    if circuit.plasticity:
        raise InputError(
            "to_nir: expected static synapses, as NIR has no plasticity; got rules: circuit.static() drops them"
        )
    empty = [port for port, neurons in circuit.outputs.items() if not len(neurons)]
    if not circuit.outputs or empty or not sum(len(a.target) for a in circuit.inputs.values()):
        raise InputError(
            "to_nir: expected a circuit with input synapses and output neurons; "
            f"got inputs {list(circuit.inputs)}, outputs {list(circuit.outputs)}"
        )
    n, groups = circuit.n_neurons, [(circuit.n_neurons, len(circuit.source))]
    groups += [(a.channels, len(a.target)) for a in circuit.inputs.values()]
    numbers = sum((sources + 2 * n) * synapses for sources, synapses in groups)
    numbers += sum(n * len(neurons) for neurons in circuit.outputs.values())
    if numbers > MAX_NUMBERS:
        raise InputError(f"to_nir: expected at most {MAX_NUMBERS} numbers, neurons × synapses; got {numbers}")


def _heard(circuit: Circuit) -> tuple[np.ndarray, np.ndarray]:
    """bool[N], bool[N]: who has excitatory synapses, who inhibitory ones."""
    excited, inhibited = np.zeros((2, circuit.n_neurons), bool)
    positive = circuit.excitatory[circuit.source]
    excited[circuit.target[positive]] = True
    inhibited[circuit.target[~positive]] = True
    for a in circuit.inputs.values():
        excited[a.target] = True
    return excited, inhibited


def _neurons(nir: ModuleType, circuit: Circuit, nodes: dict, edges: list) -> dict[str, list]:
    """Adds the neurons; returns the suffixes of synapse nodes, each with the node behind it and the signs it takes."""
    tau_s, r = circuit.tau_m_ms / 1000, circuit.tau_m_ms / circuit.c_m_pF
    membrane = {
        "v_leak": r * circuit.bias_pA,
        "v_threshold": circuit.threshold_mV,
        "v_reset": circuit.reset_mV,
    }
    membrane["metadata"] = {"excitatory": circuit.excitatory.astype(np.uint8)}
    membrane["metadata"] |= {name: getattr(circuit, name) for name in EXACT_ms}
    if circuit.model == "iaf_psc_delta":
        nodes["neurons"] = nir.LIF(tau=tau_s, r=r / 1000, **membrane)
        return {"synapses": ["neurons", (True, False)]}
    ex_s, in_s = circuit.tau_syn_ex_ms / 1000, circuit.tau_syn_in_ms / 1000
    excited, inhibited = _heard(circuit)
    if not np.any(excited & inhibited & (ex_s != in_s)):
        tau_syn = np.where(inhibited & ~excited, in_s, ex_s)
        nodes["neurons"] = nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau_s, r=r, w_in=tau_syn, **membrane)
        return {"synapses": ["neurons", (True, False)]}
    nodes["neurons"] = nir.LIF(tau=tau_s, r=r, **membrane)
    for sign, tau in (("ex", ex_s), ("in", in_s)):
        nodes[f"currents_{sign}"] = nir.LI(tau=tau, r=tau, v_leak=np.zeros_like(tau))
        edges.append((f"currents_{sign}", "neurons"))
    return {"synapses_ex": ["currents_ex", (True,)], "synapses_in": ["currents_in", (False,)]}


def _wire(
    nir: ModuleType,
    nodes: dict,
    edges: list,
    source: str,
    prefix: str,
    synapses: Circuit | Afferents,
    axons: tuple[int, np.ndarray],
    positive: np.ndarray,
    receptors: dict[str, list],
) -> None:
    """Adds one source's synapses: axons, delays, and a matrix of weights for each receptor that they reach."""
    if not len(synapses.target):
        return
    width, sources = axons
    nodes[f"{prefix}axons"] = nir.Linear(_one_hot(sources, width))
    nodes[f"{prefix}delays"] = nir.Delay(synapses.delay_ms / 1000, metadata={"delay_ms": synapses.delay_ms})
    edges += [(source, f"{prefix}axons"), (f"{prefix}axons", f"{prefix}delays")]
    n = len(nodes["neurons"].v_threshold)
    for suffix, (behind, signs) in receptors.items():
        here = np.isin(positive, signs)
        if not here.any():
            continue
        weight = np.zeros((n, len(here)))
        chosen = np.flatnonzero(here)
        weight[synapses.target[chosen], chosen] = (
            np.where(positive, 1, -1)[chosen] * synapses.weight_pA[chosen]
        )
        target = np.where(here, synapses.target, -1)  # tells where synapses of weight 0 are
        nodes[f"{prefix}{suffix}"] = nir.Linear(weight, metadata={"target": target})
        edges += [(f"{prefix}delays", f"{prefix}{suffix}"), (f"{prefix}{suffix}", behind)]


def _one_hot(indices: np.ndarray, width: int) -> np.ndarray:
    matrix = np.zeros((len(indices), width))
    matrix[np.arange(len(indices)), indices] = 1
    return matrix
