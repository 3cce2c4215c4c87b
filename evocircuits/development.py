"""Development: from a genome to the flat arrays of a circuit. Deterministic, and cheap enough to run per evaluation."""

import math
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import MAX_CHANNELS, MAX_NEURONS, MAX_SYNAPSES, Afferents, Circuit
from evocircuits.genome import Genome, Pattern, PopulationGene
from evocircuits.plasticity import Plasticity, SpikeTiming

CAPACITANCE_pF = 250.0
"""Every evolved neuron's capacitance: strengths are relative, so another value would scale all currents alike."""

_CONSTANTS = ("tau_m_ms", "threshold_mV", "t_ref_ms", "bias_pA", "tau_syn_ex_ms", "tau_syn_in_ms")
_CELL = (*_CONSTANTS, "c_m_pF", "reset_mV")
_COLUMNS = ("source", "target", "weight_pA", "delay_ms", "rule")
_constants_of = attrgetter(*_CONSTANTS)


class Wires(NamedTuple):
    """The synapses of one projection, from member to member.

    `ends`: int[3, synapses], sources, targets and zeros; `place`: float[synapses], how far along the larger side from
    its middle, in steps of index.
    """

    ends: np.ndarray
    place: np.ndarray


def develop(genome: Genome, *, dt_ms: float) -> Circuit:
    """The circuit that a genome describes, with delays on the grid of `dt_ms` (at least one step).

    Populations become neurons in their order; a projection's strength becomes the current whose post-synaptic
    potential peaks at that share of the target's threshold, and so does the `max_weight` of its rule. Equal rules
    share one entry of the circuit's `plasticity`.

    Raises `InputError` where a genome's numbers or sizes are beyond what a circuit can have.

    >>> import evocircuits as ec
    >>> genome = ec.tasks.get_task("order").reference()
    >>> circuit = ec.develop(genome, dt_ms=0.1)
    >>> circuit.excitatory
    array([ True, False])
    """
    first, n_neurons = {}, 0
    for p in genome.populations:
        first[p.id] = n_neurons
        n_neurons += p.size
    bundles, plasticity = _bundles(genome, first)
    (between, *afferent), finite = _synapses(bundles, dt_ms)
    cells = [(*_constants_of(p), CAPACITANCE_pF, 0.0) for p in genome.populations]

    # A valid genome develops to a valid circuit, but for numbers that overflow and sizes beyond all limits.
    n_synapses = len(between[0]) + sum(len(onto[0]) for onto in afferent)
    n_channels = sum(port.size for port in genome.inputs)
    small = n_neurons <= MAX_NEURONS and n_synapses <= MAX_SYNAPSES and n_channels <= MAX_CHANNELS
    sound = small and finite and math.isfinite(sum(map(sum, cells))) and dt_ms > 0
    make_circuit, make_afferents = (Circuit.trusted, Afferents.trusted) if sound else (Circuit, Afferents)
    return make_circuit(
        **_neurons(genome, cells),
        **dict(zip(_COLUMNS, between, strict=True)),
        inputs={
            port.name: make_afferents(port.size, *onto)
            for port, onto in zip(genome.inputs, afferent, strict=True)
        },
        outputs={port.name: _members(genome, port.name, first) for port in genome.outputs},
        plasticity=plasticity,
    )


def count_synapses(genome: Genome) -> int:
    """How many synapses `develop` would make, without making them."""
    sizes = genome.sizes
    return sum(count_wires(j.pattern, sizes[j.source], sizes[j.target]) for j in genome.projections)


def count_wires(pattern: Pattern, n_source: int, n_target: int) -> int:
    """How many synapses a projection of that pattern has."""
    if pattern.kind == "all_to_all":
        return n_source * n_target
    return len(_wires(pattern.kind, pattern.value, pattern.seed, n_source, n_target).place)


def wires(pattern: Pattern, n_source: int, n_target: int) -> Wires:
    """Which members a pattern connects, and how far along each pair lies."""
    return _wires(pattern.kind, pattern.value, pattern.seed, n_source, n_target)


def rheobase_pA(tau_m_ms: float, threshold_mV: float, c_m_pF: float = CAPACITANCE_pF) -> float:
    """The constant current that just reaches threshold: V(∞) = I τm / C."""
    return threshold_mV * c_m_pF / tau_m_ms


@lru_cache(maxsize=4096)
def peak_psp_mV_per_pA(tau_m_ms: float, tau_syn_ms: float, c_m_pF: float = CAPACITANCE_pF) -> float:
    """The peak of the post-synaptic potential of a 1 pA exponential current, in mV.

    V(t) = (τm τs / C (τm − τs)) (exp(−t/τm) − exp(−t/τs)) peaks at t* = ln(τm/τs) τm τs / (τm − τs); at equal time
    constants V(t) = (t/C) exp(−t/τ) peaks at τ.
    """
    ratio = tau_m_ms / tau_syn_ms
    if abs(ratio - 1.0) < 1e-6:
        return tau_m_ms / c_m_pF * math.exp(-1.0)
    return tau_m_ms / c_m_pF * ratio ** (ratio / (1.0 - ratio))


def _in_pA(strength: float, target: PopulationGene, excitatory: bool) -> float:
    tau_syn_ms = target.tau_syn_ex_ms if excitatory else target.tau_syn_in_ms
    return strength * target.threshold_mV / peak_psp_mV_per_pA(target.tau_m_ms, tau_syn_ms)


def _bounded_in_pA(rule: Plasticity, target: PopulationGene, excitatory: bool) -> Plasticity:
    if not isinstance(rule, SpikeTiming):
        return rule
    return replace(rule, max_weight=_in_pA(rule.max_weight, target, excitatory))


def _bundles(genome: Genome, first: dict[int, int]) -> tuple[list[list[tuple]], tuple[Plasticity, ...]]:
    """The projections between populations, then those of each input port, each as its wires, (first source, first
    target, rule) and (weight_pA, delay_ms, delay_gradient_ms); and the rules that they name.
    """
    by_id, sizes = {p.id: p for p in genome.populations}, genome.sizes
    internal, afferent = [], {port.id: [] for port in genome.inputs}
    plasticity: dict[Plasticity, int] = {}
    for j in genome.projections:
        target, group, pattern, rule = by_id[j.target], afferent.get(j.source), j.pattern, -1
        excitatory = group is not None or by_id[j.source].excitatory
        if j.plasticity is not None:
            bounded = _bounded_in_pA(j.plasticity, target, excitatory)
            rule = plasticity.setdefault(bounded, len(plasticity))
        parts = _wires(pattern.kind, pattern.value, pattern.seed, sizes[j.source], target.size)
        indices = first.get(j.source, 0), first[j.target], rule
        constants = _in_pA(j.strength, target, excitatory), j.delay_ms, j.delay_gradient_ms
        (internal if group is None else group).append((parts, indices, constants))
    return [internal, *afferent.values()], tuple(plasticity)


def _synapses(groups: list[list[tuple]], dt_ms: float) -> tuple[list[tuple[np.ndarray, ...]], bool]:
    """The `_COLUMNS` of each group's synapses, one bundle after the other, and whether all numbers are finite."""
    ends, values, until = _joined([bundle for group in groups for bundle in group], dt_ms)
    (source, target, rule), (weight_pA, delay_ms, _) = ends, values
    columns, begin, at = [], 0, 0
    for group in groups:
        at += len(group)
        own = slice(begin, begin := until[at])
        columns.append((source[own], target[own], weight_pA[own], delay_ms[own], rule[own]))
    return columns, math.isfinite(np.add.reduce(values, axis=None))


def _joined(bundles: list[tuple], dt_ms: float) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Source, target and rule (int[3, synapses]), weight_pA, delay_ms and gradient (float[3, synapses]) of all bundles,
    and how many synapses the first 0, 1, 2, … of them have.
    """
    if not bundles:
        return _fixed(np.zeros((3, 0), int)), _fixed(np.zeros((3, 0))), [0]
    parts, indices, constants = zip(*bundles, strict=True)
    sizes = [len(place) for _, place in parts]
    ends = np.concatenate([part for part, _ in parts], axis=1)
    ends += np.array(indices).T.repeat(sizes, axis=1)
    values = np.array(constants, float).T.repeat(sizes, axis=1)
    _, delay_ms, gradient_ms = values
    delay_ms += gradient_ms * np.concatenate([place for _, place in parts])
    delay_ms /= dt_ms
    np.rint(delay_ms, out=delay_ms)
    np.maximum(delay_ms, 1.0, out=delay_ms)
    delay_ms *= dt_ms
    return _fixed(ends), _fixed(values), [0, *accumulate(sizes)]


def _neurons(genome: Genome, cells: list[tuple[float, ...]]) -> dict[str, np.ndarray]:
    sizes = [p.size for p in genome.populations]
    constants = np.array(cells, float).reshape(-1, len(_CELL)).T.repeat(sizes, axis=1)
    constants += 0.0  # −0 becomes 0, as in every circuit
    excitatory = np.array([p.excitatory for p in genome.populations], bool).repeat(sizes)
    return {"excitatory": _fixed(excitatory), **dict(zip(_CELL, _fixed(constants), strict=True))}


def _members(genome: Genome, port: str, first: dict[int, int]) -> np.ndarray:
    serving = [p for p in genome.populations if p.port == port]
    return _fixed(np.array([i for p in serving for i in range(first[p.id], first[p.id] + p.size)], int))


def _fixed(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@lru_cache(maxsize=4096)
def _wires(kind: str, value: float, seed: int, n_source: int, n_target: int) -> Wires:
    # Places run along the smaller side; a member of the smaller covers a run of the larger.
    n = min(n_source, n_target)
    source = np.arange(n_source)[:, None] * n // n_source
    target = np.arange(n_target)[None, :] * n // n_target
    same = source == target
    match kind:
        case "one_to_one":
            chosen = same
        case "all_to_all":
            chosen = np.ones((n_source, n_target), bool)
        case "all_but_self":
            chosen = ~same
        case "neighbours":
            chosen = ~same & (np.abs(target - source) <= max(1, round(value)))
        case "shifted":
            chosen = target - source == round(value)
        case "sparse":
            chosen = np.random.default_rng(seed).random((n_source, n_target)) < value
        case "single":
            one = np.arange(max(n_source, n_target)) == round(value)
            chosen = np.ones((n_source, n_target), bool) & (one[:, None] if n_source > n_target else one)
    sources, targets = np.nonzero(chosen)
    along, n = (sources, n_source) if n_source > n_target else (targets, n_target)
    ends = np.stack([sources, targets, np.zeros_like(sources)])
    return Wires(_fixed(ends), _fixed(along - (n - 1) / 2))
