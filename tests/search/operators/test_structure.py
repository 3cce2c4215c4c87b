"""Populations and projections that come, go, move and change their size."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from evocircuits.genome import Pattern
from evocircuits.search.operators import OPERATORS
from evocircuits.search.operators.genes import pruned
from evocircuits.search.variation import found
from tests.search.spaces import LOCALISE, SPACES, assert_within, grown, seeds

FOUNDER = found(np.random.default_rng(0), LOCALISE)
(OUTPUT,) = FOUNDER.populations


def applied(name: str, genome, seed: int, space=LOCALISE):
    return OPERATORS[name][1](genome, np.random.default_rng(seed), space)


def test_a_relay_takes_over_the_inputs_of_an_output_and_drives_it():
    moved = applied("hidden", FOUNDER, 0)
    (relay,) = set(moved.populations) - set(FOUNDER.populations)
    assert (relay.port, relay.size, relay.tau_m_ms) == (None, OUTPUT.size, OUTPUT.tau_m_ms)
    assert {j.source for j in moved.incoming(OUTPUT.id)} == {relay.id}
    assert {j.source for j in moved.incoming(relay.id)} == {port.id for port in FOUNDER.inputs}
    (drive,) = moved.incoming(OUTPUT.id)
    assert drive.pattern == Pattern("one_to_one")
    assert drive.strength > 1


def test_a_twin_has_the_same_inputs_and_relays_to_what_serves_the_port():
    copied = applied("copy", FOUNDER, 0)
    (twin,) = set(copied.populations) - set(FOUNDER.populations)
    assert {j.source for j in copied.incoming(twin.id)} == {port.id for port in FOUNDER.inputs}
    assert twin.id in {j.source for j in copied.incoming(OUTPUT.id)}


def test_what_no_input_reaches_or_what_reaches_no_output_is_pruned():
    moved = applied("hidden", FOUNDER, 0)
    (relay,) = set(moved.populations) - set(FOUNDER.populations)
    undriven = moved.with_genes(projections=[j for j in moved.projections if j.target != relay.id])
    unheard = moved.with_genes(projections=[j for j in moved.projections if j.source != relay.id])
    assert pruned(moved) == moved
    assert pruned(undriven).populations == pruned(unheard).populations == FOUNDER.populations
    core = [replace(p, frozen=p is relay) for p in unheard.populations]
    assert pruned(unheard.with_genes(populations=core)).populations == tuple(core)


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_a_hidden_population_gets_one_more_or_less_or_the_size_of_a_port(seed):
    space = SPACES[seed % len(SPACES)]
    genome = grown(space, seed)
    resized = applied("resize", genome, seed, space)
    assert resized.structure == genome.structure
    pairs = list(zip(genome.populations, resized.populations, strict=True))
    changed = [(old, new) for old, new in pairs if old != new]
    hidden = [p for p in genome.populations if p.port is None and not p.frozen]
    assert len(changed) == (1 if hidden else 0)
    for old, new in changed:
        assert old.port is None
        assert new == replace(old, size=new.size)
        ports = {port.size for port in (*genome.inputs, *genome.outputs)}
        assert new.size in ports | {1, old.size - 1, old.size + 1}
    assert_within(resized, replace(space, max_neurons=10_000, max_synapses=100_000))


def test_a_member_that_is_gone_leaves_its_connections_to_the_last():
    moved = applied("hidden", FOUNDER, 0)
    (relay,) = set(moved.populations) - set(FOUNDER.populations)
    last = Pattern("single", relay.size - 1.0)
    alone = [replace(j, pattern=last) if j.target == relay.id else j for j in moved.projections]
    wired = moved.with_genes(projections=alone)
    smaller = next(
        g for seed in range(50) if (g := applied("resize", wired, seed)).size_of(relay.id) == relay.size - 1
    )
    onto = {j.pattern for j in smaller.incoming(relay.id)}
    assert onto == {Pattern("single", max(relay.size, *(p.size for p in FOUNDER.inputs)) - 2.0)} or onto == {
        last
    }


def test_a_copy_of_what_is_given_keeps_to_the_range_of_delays():
    high = LOCALISE.ranges.delay_ms[1]
    given_ = [replace(j, frozen=True, delay_ms=3 * high) for j in FOUNDER.projections]
    copied = applied("copy", FOUNDER.with_genes(projections=given_), 0)
    new = copied.projections[len(given_) :]
    assert len(new) > len(given_)
    assert all(j.delay_ms <= high and not j.frozen for j in new)
