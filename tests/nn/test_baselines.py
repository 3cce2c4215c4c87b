from collections import Counter

import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.nn import PlainLayer, PlainLinear, random_motif
from evocircuits.simulator import Record, Stimulus, simulate

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


def test_a_plain_layer_emits_the_simulators_spikes_for_whole_weights():
    """One neuron, τ_m 10 ms, τ_s 5 ms; unit charge is normalised so that its potential peaks at threshold 1."""
    x = (torch.rand(60, 6, 1, generator=torch.Generator().manual_seed(0)) < 0.15).double()
    layer = PlainLayer(1)
    peak = 0.5  # of (2/… ) e-folds: V(t) = 10 (e^{−t/10} − e^{−t/5}) per unit charge, C = 1, peaks at 10 ln 2
    threshold = 10 * (peak - peak**2)
    neuron = dict(excitatory=[True], tau_m_ms=[10.0], c_m_pF=[1.0], threshold_mV=[threshold], reset_mV=[0.0])
    neuron |= dict(t_ref_ms=[1.0], bias_pA=[0.0], tau_syn_ex_ms=[5.0], tau_syn_in_ms=[5.0])
    wires = dict(
        source=[], target=[], weight_pA=[], delay_ms=[], inputs={"in": Afferents(1, [0], [0], [3.0], [1.0])}
    )
    stimulus = Stimulus.from_dense({"in": x.numpy()}, dt_ms=1.0)
    record = Record(spikes=True)
    spikes = simulate(Circuit(**neuron, **wires), stimulus, dt_ms=1.0, record=record, dtype=np.float64).spikes
    expected = torch.zeros(60, 6, 1)
    expected[np.rint(spikes.time_ms).astype(int) - 1, spikes.trial.copy(), 0] = 1
    assert expected.sum() > 20
    assert torch.equal(layer(3 * x).float(), expected)


def test_a_plain_layer_subtracts_negative_input_and_keeps_features_apart():
    x = torch.zeros(30, 2, 3)
    x[2] = 2.0
    alone = PlainLayer(3)(x)
    x[2, :, 1] = -2.0
    with_inhibition = PlainLayer(3)(x)
    assert bool((alone.sum(0) > 0).all())
    assert with_inhibition[:, :, 1].sum() == 0
    assert torch.equal(with_inhibition[:, :, [0, 2]], alone[:, :, [0, 2]])


def test_a_plain_layer_is_the_same_by_kernel_and_by_loop():
    x = 2 * torch.randn(40, 5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gradients = []
    for fused in (True, False):
        drive = x.clone().requires_grad_()
        spikes = PlainLayer(6, fused=fused)(drive)
        gradients.append(torch.autograd.grad((spikes * x.cos()).sum(), drive)[0])
    assert spikes.sum() > 20
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-12)


def test_a_plain_linear_has_weights_of_either_sign():
    layer = PlainLinear(400, 50, generator=torch.Generator().manual_seed(0))
    x = torch.rand(3, 2, 400)
    torch.testing.assert_close(layer(x), x @ layer.weight.T)
    assert layer.weight.std().item() == pytest.approx(0.05, rel=0.02)
    assert 0.48 < (layer.weight > 0).float().mean().item() < 0.52


def test_sizes_below_one_are_refused():
    with pytest.raises(InputError, match="features ≥ 1"):
        PlainLayer(0)
    with pytest.raises(InputError, match="sizes ≥ 1"):
        PlainLinear(3, 0)
