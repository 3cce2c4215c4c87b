from collections import Counter

import numpy as np
import pytest

from evocircuits.circuit import Afferents, Circuit
from evocircuits.motif import Motif
from evocircuits.nn import delay_shuffled_motif, random_motif, rewired_motif

from .conftest import as_motif, random_circuit


def by_polarity(circuit: Circuit, values: np.ndarray, excitatory: bool) -> list:
    return sorted(values[circuit.excitatory[circuit.source] == excitatory].tolist())


@pytest.mark.parametrize("seed", range(5))
def test_a_random_motif_keeps_everything_but_who_connects_to_whom(seed):
    motif = as_motif(random_circuit(np.random.default_rng(seed + 10)))
    drawn = random_motif(motif, np.random.default_rng(seed))
    old, new = motif.circuit, drawn.circuit
    for name in ("excitatory", "tau_m_ms", "c_m_pF", "threshold_mV", "reset_mV", "t_ref_ms", "bias_pA"):
        assert np.array_equal(getattr(new, name), getattr(old, name))
    assert new.outputs.keys() == old.outputs.keys()
    assert np.array_equal(new.output_neurons, old.output_neurons)
    for excitatory in (True, False):
        for name in ("weight_pA", "delay_ms"):
            kept = by_polarity(old, getattr(old, name), excitatory)
            assert by_polarity(new, getattr(new, name), excitatory) == kept
    for name, a in old.inputs.items():
        b = new.inputs[name]
        assert (b.channels, len(b.target)) == (a.channels, len(a.target))
        assert sorted(b.weight_pA.tolist()) == sorted(a.weight_pA.tolist())
        assert sorted(b.delay_ms.tolist()) == sorted(a.delay_ms.tolist())
    assert drawn.provenance.parents == (motif.id,)


def test_a_random_topology_is_another_one_with_distinct_pairs_and_no_autapses(delay_line):
    old = delay_line.circuit
    new = random_motif(delay_line, np.random.default_rng(0)).circuit
    pairs = Counter(zip(new.source.tolist(), new.target.tolist(), strict=True))
    assert max(pairs.values()) == 1
    assert not np.any(new.source == new.target)
    assert new.shape != old.shape
    shared = set(pairs) & set(zip(old.source.tolist(), old.target.tolist(), strict=True))
    assert len(shared) < 0.8 * len(pairs)


def test_a_random_motif_repeats_with_its_generator(delay_line):
    first, second, third = (random_motif(delay_line, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.id == second.id != third.id


def sides(n_channels: int, n: int) -> Motif:
    """Neurons with inputs from all of two ports' channels, one port's delays rising along the neurons."""
    count = n_channels * n
    channel, target = np.repeat(np.arange(n_channels), n), np.tile(np.arange(n), n_channels)
    constants = {
        name: np.ones(n) for name in ("tau_m_ms", "c_m_pF", "threshold_mV", "tau_syn_ex_ms", "tau_syn_in_ms")
    }
    constants |= {name: np.zeros(n) for name in ("reset_mV", "t_ref_ms", "bias_pA")}
    inputs = {
        "tilted": Afferents(n_channels, channel, target, np.ones(count), 1.0 + target),
        "flat": Afferents(n_channels, channel, target, np.ones(count), np.ones(count)),
    }
    wires = {name: [] for name in ("source", "target", "weight_pA", "delay_ms")}
    return as_motif(Circuit(excitatory=[True] * n, **constants, **wires, inputs=inputs))


def test_a_fully_wired_motif_is_not_merely_renumbered():
    motif = sides(n_channels=1, n=5)
    assert random_motif(motif, np.random.default_rng(0)).circuit.shape != motif.circuit.shape


def test_a_motif_that_can_only_be_wired_one_way_comes_back():
    motif = sides(n_channels=1, n=1)
    assert random_motif(motif, np.random.default_rng(0)).circuit.shape == motif.circuit.shape


def test_every_pair_is_drawn_equally_often():
    n = 4
    ones = {
        name: np.ones(n) for name in ("tau_m_ms", "c_m_pF", "threshold_mV", "tau_syn_ex_ms", "tau_syn_in_ms")
    }
    zeros = {name: np.zeros(n) for name in ("reset_mV", "t_ref_ms", "bias_pA")}
    wires = {"source": [0, 1], "target": [1, 2], "weight_pA": [1.0, 1.0], "delay_ms": [1.0, 1.0]}
    motif = as_motif(Circuit(excitatory=[True] * n, **ones, **zeros, **wires))
    rng, pairs = np.random.default_rng(0), Counter()
    for _ in range(1200):
        drawn = random_motif(motif, rng).circuit
        pairs.update(zip(drawn.source.tolist(), drawn.target.tolist(), strict=True))
    assert len(pairs) == n * (n - 1)
    assert all(150 < count < 250 for count in pairs.values())  # 200 expected, standard deviation 13


def degrees(circuit: Circuit) -> list[list[int]]:
    """Per neuron the synapses out, in from E and in from I; per channel those out; per neuron those in from a port."""
    n, excitatory = circuit.n_neurons, circuit.excitatory[circuit.source]
    counts = [np.bincount(circuit.source, minlength=n)]
    counts += [np.bincount(circuit.target[excitatory == kind], minlength=n) for kind in (True, False)]
    for a in circuit.inputs.values():
        counts += [np.bincount(a.channel, minlength=a.channels), np.bincount(a.target, minlength=n)]
    return [c.tolist() for c in counts]


@pytest.mark.parametrize("seed", range(3))
def test_a_rewired_motif_keeps_every_degree_and_each_synapses_weight_and_delay(seed):
    motif = as_motif(random_circuit(np.random.default_rng(seed + 20)))
    old, new = motif.circuit, rewired_motif(motif, np.random.default_rng(seed)).circuit
    assert degrees(new) == degrees(old)
    for name in ("source", "weight_pA", "delay_ms"):
        assert np.array_equal(getattr(new, name), getattr(old, name))


def test_a_rewired_motif_is_another_one_without_new_repeats_or_autapses(delay_line):
    sparse = random_motif(delay_line, np.random.default_rng(3))
    drawn = rewired_motif(sparse, np.random.default_rng(0))
    pairs = Counter(zip(drawn.circuit.source.tolist(), drawn.circuit.target.tolist(), strict=True))
    assert max(pairs.values()) == 1
    assert not np.any(drawn.circuit.source == drawn.circuit.target)
    assert drawn.circuit.shape != sparse.circuit.shape
    assert drawn.provenance.parents == (sparse.id,)
    assert rewired_motif(sparse, np.random.default_rng(0)).id == drawn.id


def test_shuffled_delays_leave_everything_else_as_it_is(delay_line):
    old, new = delay_line.circuit, delay_shuffled_motif(delay_line, np.random.default_rng(0)).circuit
    for name in ("source", "target", "weight_pA"):
        assert np.array_equal(getattr(new, name), getattr(old, name))
    for excitatory in (True, False):
        assert by_polarity(new, new.delay_ms, excitatory) == by_polarity(old, old.delay_ms, excitatory)
    for name, a in old.inputs.items():
        b = new.inputs[name]
        assert np.array_equal(b.target, a.target)
        assert not np.array_equal(b.delay_ms, a.delay_ms)
        assert sorted(b.delay_ms.tolist()) == sorted(a.delay_ms.tolist())
