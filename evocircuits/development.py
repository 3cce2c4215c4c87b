"""Development: from a genome to the flat arrays of a circuit. Deterministic, and cheap enough to run per evaluation."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.genome import Genome, Pattern, PopulationGene
from evocircuits.plasticity import Plasticity, SpikeTiming

CAPACITANCE_pF = 250.0
"""Every evolved neuron's capacitance: strengths are relative, so another value would scale all currents alike."""

_CONSTANTS = ("tau_m_ms", "threshold_mV", "t_ref_ms", "bias_pA", "tau_syn_ex_ms", "tau_syn_in_ms")
_COLUMNS = ("source", "target", "weight_pA", "delay_ms", "rule")


def develop(genome: Genome, *, dt_ms: float) -> Circuit:
    """The circuit that a genome describes, with delays on the grid of `dt_ms` (at least one step).

    Populations become neurons in their order; a projection's strength becomes the current whose post-synaptic
    potential peaks at that share of the target's threshold, and so does the `max_weight` of its rule. Equal rules
    share one entry of the circuit's `plasticity`.
    """
    populations = genome.populations
    sizes = np.array([p.size for p in populations], int)
    first = dict(zip([p.id for p in populations], (np.cumsum(sizes) - sizes).tolist(), strict=True))
    members = {p.id: range(first[p.id], first[p.id] + p.size) for p in populations}
    by_id = {g.id: g for g in (*genome.inputs, *populations)}

    plasticity: dict[Plasticity, int] = {}
    internal, afferent = [], {port.id: [] for port in genome.inputs}
    for j in genome.projections:
        source, target = by_id[j.source], by_id[j.target]
        excitatory = j.source in afferent or source.excitatory
        weight_pA, rule = _in_pA(j.strength, target, excitatory), -1
        if j.plasticity is not None:
            bounded = _bounded_in_pA(j.plasticity, target, excitatory)
            rule = plasticity.setdefault(bounded, len(plasticity))
        pairs = _pairs(j.pattern, source.size, target.size)
        indices = first.get(j.source, 0), first[j.target], rule
        constants = weight_pA, j.delay_ms, j.delay_gradient_ms
        afferent.get(j.source, internal).append((pairs, indices, constants))

    cells = np.array([[getattr(p, name) for p in populations] for name in _CONSTANTS]).repeat(sizes, axis=1)
    return Circuit(
        excitatory=np.array([p.excitatory for p in populations], bool).repeat(sizes),
        **dict(zip(_CONSTANTS, cells, strict=True)),
        c_m_pF=np.full(sizes.sum(), CAPACITANCE_pF),
        reset_mV=np.zeros(sizes.sum()),
        **dict(zip(_COLUMNS, _synapses(internal, dt_ms), strict=True)),
        inputs={
            port.name: Afferents(port.size, *_synapses(afferent[port.id], dt_ms)) for port in genome.inputs
        },
        outputs={
            port.name: [i for p in populations if p.port == port.name for i in members[p.id]]
            for port in genome.outputs
        },
        plasticity=tuple(plasticity),
    )


def count_synapses(genome: Genome) -> int:
    """How many synapses `develop` would make, without making them."""
    return sum(
        len(_pairs(j.pattern, genome.size_of(j.source), genome.size_of(j.target))[0])
        for j in genome.projections
    )


def peak_psp_mV_per_pA(tau_m_ms: float, tau_syn_ms: float, c_m_pF: float = CAPACITANCE_pF) -> float:
    """The peak of the post-synaptic potential of a 1 pA exponential current, in mV.

    V(t) = (τm τs / C (τm − τs)) (exp(−t/τm) − exp(−t/τs)) peaks at t* = ln(τm/τs) τm τs / (τm − τs); at equal time
    constants V(t) = (t/C) exp(−t/τ) peaks at τ.
    """
    ratio = tau_m_ms / tau_syn_ms
    if abs(ratio - 1.0) < 1e-6:
        return float(tau_m_ms / c_m_pF * np.exp(-1.0))
    return float(tau_m_ms / c_m_pF * ratio ** (ratio / (1.0 - ratio)))


def _in_pA(strength: float, target: PopulationGene, excitatory: bool) -> float:
    tau_syn_ms = target.tau_syn_ex_ms if excitatory else target.tau_syn_in_ms
    return strength * target.threshold_mV / peak_psp_mV_per_pA(target.tau_m_ms, tau_syn_ms)


def _bounded_in_pA(rule: Plasticity, target: PopulationGene, excitatory: bool) -> Plasticity:
    if not isinstance(rule, SpikeTiming):
        return rule
    return replace(rule, max_weight=_in_pA(rule.max_weight, target, excitatory))


def _synapses(projections: list[tuple], dt_ms: float) -> tuple[np.ndarray, ...]:
    """The `_COLUMNS` of all synapses, one projection after the other."""
    if not projections:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0), np.zeros(0, int)
    pairs, indices, constants = zip(*projections, strict=True)
    source, target, place = (np.concatenate(column) for column in zip(*pairs, strict=True))
    sizes = [len(sources) for sources, _, _ in pairs]
    first_source, first_target, rule = np.array(indices).repeat(sizes, axis=0).T
    weight_pA, delay_ms, gradient_ms = np.array(constants).repeat(sizes, axis=0).T
    steps = np.maximum(1, np.rint((delay_ms + gradient_ms * place) / dt_ms))
    return source + first_source, target + first_target, weight_pA, steps * dt_ms, rule


@lru_cache(maxsize=4096)
def _pairs(pattern: Pattern, n_source: int, n_target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sources, targets, and how far from the middle of the larger side each pair is, in steps of index."""
    # Places run along the smaller side; a member of the smaller covers a run of the larger.
    n = min(n_source, n_target)
    source = np.arange(n_source)[:, None] * n // n_source
    target = np.arange(n_target)[None, :] * n // n_target
    same = source == target
    match pattern.kind:
        case "one_to_one":
            chosen = same
        case "all_to_all":
            chosen = np.ones((n_source, n_target), bool)
        case "all_but_self":
            chosen = ~same
        case "neighbours":
            chosen = ~same & (np.abs(target - source) <= max(1, round(pattern.value)))
        case "shifted":
            chosen = target - source == round(pattern.value)
        case "sparse":
            chosen = np.random.default_rng(pattern.seed).random((n_source, n_target)) < pattern.value
    sources, targets = np.nonzero(chosen)
    along, n = (sources, n_source) if n_source > n_target else (targets, n_target)
    wires = sources, targets, along - (n - 1) / 2
    for column in wires:
        column.setflags(write=False)
    return wires
