"""The shape of a circuit: a hash that is equal for circuits that differ in the order of neurons and synapses only.

Weisfeiler–Lehman refinement (Weisfeiler & Leman 1968): a neuron's colour begins with its constants and ports, and takes
in the colours of its neighbours until no more neurons can be told apart.
"""

import hashlib
import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from evocircuits.circuit import Circuit

CONSTANTS = (
    "tau_m_ms",
    "c_m_pF",
    "threshold_mV",
    "reset_mV",
    "t_ref_ms",
    "bias_pA",
    "tau_syn_ex_ms",
    "tau_syn_in_ms",
)
"""A neuron's constants, by their names in `Circuit`."""

_plain = json.JSONEncoder(separators=(",", ":"))


def shape_of(circuit: "Circuit") -> str:
    """The circuit's shape, in hexadecimal."""
    synapses = _synapses(circuit)
    colour = _first_colours(circuit)
    for _ in range(circuit.n_neurons):
        arriving: list[list] = [[] for _ in colour]
        leaving: list[list] = [[] for _ in colour]
        for source, target, constants in synapses:
            arriving[target].append(str([colour[source], *constants]))
            leaving[source].append(str([colour[target], *constants]))
        refined = [
            _digest(f"[{quoted(c)},{_sorted(a)},{_sorted(b)}]")
            for c, a, b in zip(colour, arriving, leaving, strict=True)
        ]
        settled = len(set(refined)) == len(set(colour))
        colour = refined
        if settled:
            break
    usual = circuit.model == "iaf_psc_exp"
    return _digest(_plain.encode(sorted(colour) if usual else [circuit.model, *sorted(colour)]))


def _first_colours(circuit: "Circuit") -> list[str]:
    """Of each neuron: polarity, constants, places in output ports, and the synapses from input channels."""
    port_of: dict[int, str] = {}
    for name, neurons in sorted(circuit.outputs.items()):
        for position, neuron in enumerate(neurons.tolist()):
            port_of[neuron] = port_of.get(neuron, "") + f"{name}[{position}]"
    constants = np.stack([getattr(circuit, name) for name in CONSTANTS], axis=1).tolist()
    colour = [
        _digest(_plain.encode([bool(e), c, port_of.get(i, "")]))
        for i, (e, c) in enumerate(zip(circuit.excitatory, constants, strict=True))
    ]
    incoming: list[list] = [[] for _ in colour]
    for name, a in sorted(circuit.inputs.items()):
        columns = (a.channel, a.target, a.rule, a.weight_pA, a.delay_ms)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        for channel, target, rule, weight, delay in rows:
            incoming[target].append([name, channel, weight, delay, *_rule_text(circuit, rule)])
    return [
        _digest(f"[{quoted(c)},{_sorted(map(str, rows))}]") for c, rows in zip(colour, incoming, strict=True)
    ]


def _synapses(circuit: "Circuit") -> list[tuple[int, int, list]]:
    columns = (circuit.source, circuit.target, circuit.weight_pA, circuit.delay_ms, circuit.rule)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        (source, target, [weight, delay, *_rule_text(circuit, rule)])
        for source, target, weight, delay, rule in rows
    ]


def _rule_text(circuit: "Circuit", rule: int) -> list[str]:
    return [repr(circuit.plasticity[rule])] if rule >= 0 else []


def _sorted(texts: Iterable[str]) -> str:
    """As a JSON array."""
    return f"[{','.join(map(quoted, sorted(texts)))}]"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
