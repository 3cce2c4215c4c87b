"""Development: from a genome to the flat arrays of a circuit. Deterministic, and cheap enough to run per evaluation."""

from functools import lru_cache

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.genome import Genome, Pattern, ProjectionGene

CAPACITANCE_pF = 250.0
"""Every evolved neuron's capacitance: strengths are relative, so another value would scale all currents alike."""


def develop(genome: Genome, *, dt_ms: float) -> Circuit:
    """The circuit that a genome describes, with delays on the grid of `dt_ms` (at least one step).

    Populations become neurons in their order; a projection's strength becomes the current whose post-synaptic
    potential peaks at that share of the target's threshold.
    """
    populations = genome.populations
    sizes = np.array([p.size for p in populations])
    first = dict(
        zip([p.id for p in populations], np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist(), strict=True)
    )
    by_id = {p.id: p for p in populations}
    port_of = {port.id: port for port in genome.inputs}

    def per_neuron(name: str) -> np.ndarray:
        return np.repeat([getattr(p, name) for p in populations], sizes)

    internal, afferent = [], {port.name: [] for port in genome.inputs}
    for projection in genome.projections:
        target = by_id[projection.target]
        port = port_of.get(projection.source)
        excitatory = port is not None or by_id[projection.source].excitatory
        tau_syn_ms = target.tau_syn_ex_ms if excitatory else target.tau_syn_in_ms
        weight_pA = (
            projection.strength * target.threshold_mV / peak_psp_mV_per_pA(target.tau_m_ms, tau_syn_ms)
        )
        size = port.size if port else by_id[projection.source].size
        sources, targets, delays_ms = _wire(projection, size, target.size, dt_ms)
        weights_pA = np.full(len(sources), weight_pA)
        targets = targets + first[target.id]
        if port:
            afferent[port.name].append((sources, targets, weights_pA, delays_ms))
        else:
            internal.append((sources + first[projection.source], targets, weights_pA, delays_ms))

    n = int(sizes.sum())
    neurons = np.arange(n)
    served = np.repeat(np.array([p.port or "" for p in populations]), sizes)
    source, target, weight_pA, delay_ms = _join(internal)
    return Circuit(
        excitatory=per_neuron("excitatory"),
        tau_m_ms=per_neuron("tau_m_ms"),
        c_m_pF=np.full(n, CAPACITANCE_pF),
        threshold_mV=per_neuron("threshold_mV"),
        reset_mV=np.zeros(n),
        t_ref_ms=per_neuron("t_ref_ms"),
        bias_pA=per_neuron("bias_pA"),
        tau_syn_ex_ms=per_neuron("tau_syn_ex_ms"),
        tau_syn_in_ms=per_neuron("tau_syn_in_ms"),
        source=source,
        target=target,
        weight_pA=weight_pA,
        delay_ms=delay_ms,
        inputs={port.name: Afferents(port.size, *_join(afferent[port.name])) for port in genome.inputs},
        outputs={port.name: neurons[served == port.name] for port in genome.outputs},
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


def _join(parts: list[tuple]) -> tuple[np.ndarray, ...]:
    if not parts:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0)
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _wire(projection: ProjectionGene, n_source: int, n_target: int, dt_ms: float):
    sources, targets = _pairs(projection.pattern, n_source, n_target)
    along, n = (sources, n_source) if n_source > n_target else (targets, n_target)
    delay_ms = projection.delay_ms + projection.delay_gradient_ms * (along - (n - 1) / 2)
    steps = np.maximum(1, np.rint(delay_ms / dt_ms))
    return sources, targets, steps * dt_ms


@lru_cache(maxsize=4096)
def _pairs(pattern: Pattern, n_source: int, n_target: int) -> tuple[np.ndarray, np.ndarray]:
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
    sources.setflags(write=False)
    targets.setflags(write=False)
    return sources, targets
