from dataclasses import replace

import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import CoupledColumns, MotifLayer, recurrent_matrix

from .conftest import as_motif, random_circuit
from .test_layers import random_input, simulated


def coupled(motif, columns=3, seed=0, **options):
    return CoupledColumns(motif, columns, rng=np.random.default_rng(seed), dtype=torch.float64, **options)


@pytest.mark.parametrize("fused", [True, False])
def test_the_forward_pass_is_the_simulators_of_all_columns_as_one_circuit(fused):
    rng = np.random.default_rng(4)
    layer = coupled(
        as_motif(random_circuit(rng)), density=0.3, strength=0.5, delays_ms=(1.0, 4.0), fused=fused
    )
    assert layer.couplings.raw.shape[1] > 5
    x = random_input(rng, layer.in_features)
    spikes = layer.spikes(torch.tensor(x)).detach().numpy()[0]
    circuit = layer.circuit
    weights = [w.detach().numpy()[0] for w in layer.weights()[:2]]
    onto = replace(circuit.inputs["in"], weight_pA=weights[0])
    trained = replace(circuit, weight_pA=weights[1], inputs={"in": onto})
    assert spikes.sum() > 50
    assert np.array_equal(spikes, simulated(trained, x))


def test_without_couplings_columns_are_copies(delay_line):
    layer, copies = coupled(delay_line, density=0.0), MotifLayer(delay_line, 3, dtype=torch.float64)
    x = torch.tensor(random_input(np.random.default_rng(0), 6))
    assert (layer.in_features, layer.out_features) == (copies.in_features, copies.out_features)
    assert copies(x).sum() > 50
    assert torch.equal(layer(x), copies(x))


def test_only_excitatory_neurons_reach_other_columns_and_only_others(delay_line):
    n, excitatory = delay_line.circuit.n_neurons, delay_line.circuit.excitatory
    layer = coupled(delay_line, columns=5, density=0.4, reach=1)
    source, target = (
        a[5 * len(delay_line.circuit.source) :] for a in (layer.circuit.source, layer.circuit.target)
    )
    assert excitatory[source % n].all()
    apart = np.abs(source // n - target // n)
    assert set(np.minimum(apart, 5 - apart).tolist()) == {1}
    assert len(set((target % n).tolist()) & set(np.flatnonzero(~excitatory).tolist())) > 0
    allowed = 5 * 2 * excitatory.sum() * n
    assert len(source) / allowed == pytest.approx(0.4, abs=0.05)


def test_couplings_start_at_the_stated_strength_and_delay(delay_line):
    layer = coupled(delay_line, density=1.0, strength=0.3, delays_ms=(2.0, 5.0))
    first = 3 * len(delay_line.circuit.source)
    delays = layer.circuit.delay_ms[first:]
    assert set(delays.tolist()) == {2.0, 3.0, 4.0, 5.0}
    matrix = recurrent_matrix(layer).numpy()
    n = delay_line.circuit.n_neurons
    e = np.flatnonzero(delay_line.circuit.excitatory)
    np.testing.assert_allclose(matrix[n : 2 * n, e], 0.3)
    assert not matrix[n : 2 * n, 13:n].any()  # inhibition stays local


def test_couplings_and_magnitudes_are_trained_and_stay_magnitudes(delay_line):
    layer = coupled(delay_line, density=0.2, time_scale=12.5)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    x = torch.tensor(random_input(np.random.default_rng(0), 6))
    (layer(x) * torch.rand(39, dtype=torch.float64)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in layer.parameters())
    optimizer.step()
    assert all(bool((w >= 0).all()) for w in layer.weights()[:2])
    assert layer.to_motif(2).provenance.parents == (delay_line.id,)


def test_it_is_a_recurrent_cell_that_goes_on_step_by_step(delay_line):
    layer = coupled(delay_line, density=0.3)
    x = torch.tensor(random_input(np.random.default_rng(0), 6))[:12]
    state, steps = layer.rest(x.shape[1]), []
    for step in x:
        spikes, state = layer(step[None], state)
        steps.append(spikes)
    assert torch.equal(torch.cat(steps), layer(x))


def test_a_generator_fixes_the_couplings(delay_line):
    first, second, third = (coupled(delay_line, seed=seed).circuit.id for seed in (1, 1, 2))
    assert first == second != third


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": 0}, "columns ≥ 1"),
        ({"density": 1.5}, "density 0…1"),
        ({"delays_ms": (0.5, 2.0)}, r"delays_ms with 1.0 ≤ low ≤ high; got \(0.5, 2.0\)"),
    ],
)
def test_wrong_requests_are_refused(delay_line, options, message):
    with pytest.raises(InputError, match=message):
        coupled(delay_line, **options)
