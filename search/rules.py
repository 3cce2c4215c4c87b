"""Plasticity rules as genes: drawn, and perturbed within bounds that follow the task's time scale."""

from dataclasses import fields, replace

import numpy as np

from evocircuits.plasticity import RULES, Plasticity, ShortTerm, SpikeTiming
from evocircuits.search.draws import between, clipped, pick, scaled
from evocircuits.tasks import Ranges

RULE_BOUNDS = {
    "utilisation": (0.05, 1.0),
    "tau_rec_ms": (1.0, 100.0),
    "tau_fac_ms": (1.0, 100.0),
    "max_weight": (1.0, 5.0),
    "learning_rate": (0.001, 0.3),
    "alpha": (0.3, 3.0),
    "mu_plus": (0.01, 1.0),
    "mu_minus": (0.01, 1.0),
    "tau_plus_ms": (0.3, 10.0),
    "tau_minus_ms": (0.3, 10.0),
}
"""Bounds of a rule's parameters: times in the task's typical membrane time constants, `max_weight` in strengths."""


def drawn(kind: str, strength: float, rng: np.random.Generator, ranges: Ranges) -> Plasticity:
    """A rule of that kind for synapses of `strength`, its parameters log-uniform within their bounds."""
    names = [field.name for field in fields(RULES[kind])]
    values = {name: between(rng, *bounds(name, strength, ranges)) for name in names}
    if kind == "short_term" and rng.random() < 0.5:
        values["tau_fac_ms"] = 0.0
    return RULES[kind](**values)


def perturbed(rule: Plasticity, strength: float, rng: np.random.Generator, ranges: Ranges) -> Plasticity:
    """`rule` with one parameter scaled; facilitation may come or go."""
    name = pick(rng, [field.name for field in fields(rule)])
    value, within = getattr(rule, name), bounds(name, strength, ranges)
    if name == "tau_fac_ms" and (value == 0 or rng.random() < 0.2):
        value = 0.0 if value else between(rng, *within)
    else:
        value = scaled(value, within, rng)
    return replace(rule, **{name: value})


def fitted(rule: Plasticity, strength: float, ranges: Ranges) -> Plasticity:
    """`rule` with every parameter within its bounds; facilitation that is off stays off."""
    values = {field.name: getattr(rule, field.name) for field in fields(rule)}
    kept = {
        name: value
        if name == "tau_fac_ms" and value == 0
        else clipped(
            value, (strength, ranges.strength[1]) if name == "max_weight" else bounds(name, strength, ranges)
        )
        for name, value in values.items()
    }
    return rule if kept == values else type(rule)(**kept)


def bounded(rule: Plasticity | None, strength: float) -> Plasticity | None:
    """`rule` for synapses of `strength`, its `max_weight` no lower."""
    if isinstance(rule, SpikeTiming) and rule.max_weight < strength:
        return replace(rule, max_weight=strength)
    return rule


def bounds(name: str, strength: float, ranges: Ranges) -> tuple[float, float]:
    """Bounds of a rule's parameter for synapses of `strength`."""
    low, high = RULE_BOUNDS[name]
    if name == "max_weight":
        return low * strength, max(strength, min(high * strength, ranges.strength[1]))
    unit = ranges.typical["tau_m_ms"] if name.endswith("_ms") else 1.0
    return low * unit, high * unit


def rested_share(rule: Plasticity | None) -> float:
    """What a synapse passes of its weight after a long silence."""
    return rule.utilisation if isinstance(rule, ShortTerm) else 1.0
