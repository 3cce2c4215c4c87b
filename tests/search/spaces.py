"""Search spaces of all tasks, genomes grown in them, and what holds for every such genome."""

from copy import copy
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import strategies as st

from evocircuits.circuit import Circuit
from evocircuits.development import count_synapses, develop, rheobase_pA
from evocircuits.genome import Genome
from evocircuits.plasticity import RULES, kind_of
from evocircuits.search.recipe import load_recipe
from evocircuits.search.rules import RULE_BOUNDS
from evocircuits.search.space import Space
from evocircuits.search.variation import found, mutate
from evocircuits.tasks import TASKS, get_task

CONSTANTS = ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms")
seeds = st.integers(0, 2**32 - 1)


def space_of(name: str, **changes) -> Space:
    """A task's space at its own recipe's limits."""
    recipe = load_recipe(name)
    return Space(get_task(name), recipe.max_neurons, recipe.max_synapses, **changes)


def ranging(space: Space, **changes) -> Space:
    """The space of the same task, had it other ranges."""
    task = copy(space.task)
    task.ranges = replace(task.ranges, **changes)
    return replace(space, task=task)


STATIC = [ranging(space_of(name), plasticity=()) for name in TASKS]
PLASTIC = [ranging(space, plasticity=tuple(RULES), bias=(-0.5, 1.5)) for space in STATIC]
SPACES = [*STATIC, *PLASTIC]
NAMES = [*TASKS, *(f"{name}, plastic" for name in TASKS)]
LOCALISE = PLASTIC[list(TASKS).index("localise")]


def grown(space: Space, seed: int, generations: int = 12, direct: bool = False) -> Genome:
    """A genome that has been through many operators."""
    rng = np.random.default_rng(seed)
    genome = found(rng, space, direct)
    for _ in range(generations):
        genome, _ = mutate(genome, rng, space)
    return genome


def assert_within(genome: Genome, space: Space):
    """Valid, within the limits of size and, synapse for synapse, within the task's ranges."""
    assert Genome.from_dict(genome.to_dict()) == genome
    circuit = develop(genome, dt_ms=space.task.dt_ms)
    assert circuit.n_neurons <= space.max_neurons
    assert circuit.n_synapses == count_synapses(genome) <= space.max_synapses
    low, high = space.task.ranges.delay_ms
    high = high if space.max_delay_ms is None else min(high, space.max_delay_ms)
    half_step = space.task.dt_ms / 2
    for delay_ms in (circuit.delay_ms, *(a.delay_ms for a in circuit.inputs.values())):
        assert np.all((delay_ms >= low - half_step) & (delay_ms <= high + half_step))
    for population in genome.populations:
        for name in CONSTANTS:
            low, high = getattr(space.ranges, name)
            assert low <= getattr(population, name) <= high
        bias = population.bias_pA / rheobase_pA(population.tau_m_ms, population.threshold_mV)
        assert space.ranges.bias[0] - 1e-9 <= bias <= space.ranges.bias[1] + 1e-9
    for projection in genome.projections:
        assert space.ranges.strength[0] <= projection.strength <= space.ranges.strength[1]
        if projection.plasticity is not None:
            assert_rule_within(projection, space)


def assert_rule_within(projection, space: Space):
    """Of a kind the task allows, with its parameters within their bounds."""
    rule = projection.plasticity
    assert kind_of(rule) in space.ranges.plasticity
    for field in fields(rule):
        value, (low, high) = getattr(rule, field.name), RULE_BOUNDS[field.name]
        if field.name == "max_weight":  # its strength moves on its own
            assert projection.strength <= value <= space.ranges.strength[1]
        elif not (field.name == "tau_fac_ms" and value == 0):
            unit = space.ranges.typical["tau_m_ms"] if field.name.endswith("_ms") else 1.0
            assert low * unit <= value <= high * unit


def synapses(circuit: Circuit) -> list[tuple]:
    """All synapses of a circuit with all that they do, in an order of their own."""
    ports = {name: (a.channel, a) for name, a in circuit.inputs.items()}
    rows = []
    for port, (source, own) in {"": (circuit.source, circuit), **ports}.items():
        columns = (source, own.target, own.weight_pA, own.delay_ms, own.rule)
        for *numbers, rule in zip(*(column.tolist() for column in columns), strict=True):
            rows.append((port, *numbers, repr(circuit.plasticity[rule]) if rule >= 0 else ""))
    return sorted(rows)


def assert_same_circuit(one: Genome, other: Genome, dt_ms: float):
    """Neuron for neuron and synapse for synapse, exactly; ports in the same order."""
    a, b = (develop(genome, dt_ms=dt_ms) for genome in (one, other))
    for name in ("excitatory", "bias_pA", "threshold_mV", "c_m_pF", "reset_mV", *CONSTANTS):
        assert np.array_equal(getattr(a, name), getattr(b, name))
    assert synapses(a) == synapses(b)
    assert {k: v.tolist() for k, v in a.outputs.items()} == {k: v.tolist() for k, v in b.outputs.items()}
    assert {k: v.channels for k, v in a.inputs.items()} == {k: v.channels for k, v in b.inputs.items()}


every_task = pytest.mark.parametrize("space", STATIC, ids=TASKS)
every_space = pytest.mark.parametrize("space", SPACES, ids=NAMES)
