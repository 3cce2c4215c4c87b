"""What every operator owes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.genome import Pattern
from evocircuits.search.operators import OPERATORS
from evocircuits.search.operators.direct import split_population
from evocircuits.search.variation import crossover
from evocircuits.tasks import TASKS
from tests.search.spaces import LOCALISE, PLASTIC, SPACES, assert_within, grown, seeds

WINNER = PLASTIC[list(TASKS).index("winner")]


@pytest.mark.parametrize("name", OPERATORS)
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_operators_are_pure_and_deterministic(name, seed):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed, generations=6)
    before = json.dumps(genome.to_dict())
    _, operator = OPERATORS[name]
    one, two = (operator(genome, np.random.default_rng(seed), space) for _ in range(2))
    assert one == two
    assert json.dumps(genome.to_dict()) == before


@pytest.mark.parametrize("name", OPERATORS)
@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_operators_return_valid_genomes_within_the_ranges(name, seed):
    space = replace(SPACES[seed % len(SPACES)], max_neurons=10_000, max_synapses=100_000)
    genome = grown(space, seed, generations=6)
    assert_within(OPERATORS[name][1](genome, np.random.default_rng(seed), space), space)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_changes_some_genome(name):
    genomes = [grown(LOCALISE, seed) for seed in range(20)]
    changed = [OPERATORS[name][1](g, np.random.default_rng(i), LOCALISE) != g for i, g in enumerate(genomes)]
    assert any(changed)


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("which", ["populations", "projections"])
def test_frozen_genes_are_kept_by_every_operator(seed, which):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed, generations=6)
    chosen = {seed % 3}
    frozen = [replace(g, frozen=i in chosen) for i, g in enumerate(getattr(genome, which))]
    genome = genome.with_genes(**{which: frozen})
    kept = {g for g in frozen if g.frozen}
    for _, operator in OPERATORS.values():
        child = operator(genome, np.random.default_rng(seed), space)
        assert kept <= set(getattr(child, which))
        assert_within(child, replace(space, max_neurons=10_000, max_synapses=100_000))
    other = grown(space, seed + 1, generations=6)
    assert kept <= set(getattr(crossover(genome, other, np.random.default_rng(seed), space), which))


@pytest.mark.parametrize(
    "name", ["add", "copy", "hidden", "feedforward", "feedback", "cross", "split", "unbundle"]
)
def test_the_same_innovation_gets_the_same_ids_whoever_draws_it(name):
    rates = {"split": 0, "unbundle": 0, "copy": 5, "hidden": 5}
    genome = grown(replace(WINNER, rates=rates), 3, generations=8)
    if name == "unbundle":
        wide = [replace(j, pattern=Pattern("all_to_all")) for j in genome.projections]
        genome = split_population(genome.with_genes(projections=wide), genome.populations[0])
    ids: dict[tuple, set] = {}
    for seed in range(80):
        child = OPERATORS[name][1](genome, np.random.default_rng(seed), WINNER)
        known = {g.id for g in (*genome.inputs, *genome.populations)}
        new = [j for j in child.projections if j.id not in genome.structure]
        wired = sorted(tuple(end if end in known else 0 for end in (j.source, j.target)) for j in new)
        innovation = frozenset(genome.structure - child.structure), tuple(wired)
        ids.setdefault(innovation, set()).add(child.structure)
    assert any(wired for _, wired in ids)
    assert {len(structures) for structures in ids.values()} == {1}
