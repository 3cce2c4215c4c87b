from dataclasses import replace

import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents
from evocircuits.errors import InputError
from evocircuits.nn import MotifLayer, Rates
from evocircuits.nn.rates import CEILING, matrices

from .conftest import as_motif, random_circuit
from .test_dynamics import two_neurons


def pair(**changes):
    """Two neurons of equal time constants τ = 1/ln 2 and C = 1, threshold 1: a PSP of 1 pA peaks at τ/e = 0.5307 mV."""
    return as_motif(two_neurons(t_ref_ms=[0.0, 0.0], **changes), dt_ms=1.0)


PEAK = 1 / np.log(2) / np.e


def layer_of(motif, activation="relu", steps=None, **options):
    return MotifLayer(motif, mode="rate", rates=Rates(activation, steps), dtype=torch.float64, **options)


def test_a_chain_of_two_settles_where_its_equations_say():
    """Input 4 pA, then 8 pA: r₁ = 4 p x and r₂ = 8 p r₁ with the PSP's peak p; the output is the second."""
    x = torch.tensor([[0.5], [1.0]], dtype=torch.float64)
    rates = layer_of(pair())(x)
    assert rates.flatten().tolist() == pytest.approx([32 * PEAK**2 * a for a in (0.5, 1.0)], rel=1e-9)


def test_an_inhibitory_neuron_takes_from_a_bias():
    """Bias 1 pA holds V = τ: u₂ = τ − 8 p r₁, and never below 0."""
    motif = pair(excitatory=[False, True], bias_pA=[0.0, 1.0])
    x = torch.tensor([[0.0], [0.05], [1.0]], dtype=torch.float64)
    tau = 1 / np.log(2)
    expected = [tau, tau - 8 * PEAK * 4 * PEAK * 0.05, 0.0]
    assert layer_of(motif)(x).flatten().tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_unrolled_rates_approach_by_the_membranes_share():
    """In a step of one half-life half of the way is made: r₁ = ½, ¾ of 4 p x, and r₂ follows a step later."""
    x = torch.tensor([[1.0]], dtype=torch.float64)
    assert layer_of(pair(), steps=1)(x).item() == 0.0
    assert layer_of(pair(), steps=2)(x).item() == pytest.approx(0.5 * 8 * PEAK * 0.5 * 4 * PEAK)


def test_a_sigmoid_is_one_half_at_the_threshold():
    motif = pair(source=[], target=[], weight_pA=[], delay_ms=[], outputs={"out": [0]})
    x = torch.tensor([[1 / (4 * PEAK)]], dtype=torch.float64)
    assert layer_of(motif, "sigmoid")(x).item() == pytest.approx(0.5, rel=1e-9)


def test_a_steady_state_is_a_fixed_point():
    circuit = random_circuit(np.random.default_rng(5))
    motif = as_motif(replace(circuit, weight_pA=circuit.weight_pA / 10))  # too weak to oscillate
    layer = layer_of(motif, "sigmoid", copies=2)
    x = torch.rand(3, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    settled = layer_of(motif, "sigmoid", 5000, copies=2)(x)
    torch.testing.assert_close(layer(x), settled, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("steps", [None, 8])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_gradients_are_those_of_finite_differences(activation, steps):
    """Also of the steady state, whose gradient is an implicit one; weights are weak enough for relu to settle."""
    circuit = random_circuit(np.random.default_rng(5))
    motif = as_motif(replace(circuit, weight_pA=circuit.weight_pA / 30))
    layer = layer_of(motif, activation, steps)
    x = torch.rand(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 5

    def outputs(x, afferent, synapse):
        raws = {"trained.afferent.raw": afferent, "trained.synapse.raw": synapse}
        return torch.func.functional_call(layer, raws, (x,))

    leaves = [x, layer.trained.afferent.raw.detach().clone(), layer.trained.synapse.raw.detach().clone()]
    assert torch.autograd.gradcheck(outputs, [leaf.requires_grad_() for leaf in leaves], eps=1e-6, atol=1e-5)


def test_runaway_excitation_ends_at_the_ceiling():
    motif = pair(source=[0, 1], target=[1, 0], weight_pA=[8.0, 8.0], delay_ms=[1.0, 1.0])
    assert layer_of(motif)(torch.ones(1, 1, dtype=torch.float64)).item() == pytest.approx(CEILING)


def test_it_is_a_block_between_linear_and_convolutional_layers():
    motif = as_motif(random_circuit(np.random.default_rng(5)))
    layer = MotifLayer(motif, 3, mode="rate")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8, layer.in_features),
        torch.nn.ReLU(),
        layer,
        torch.nn.Linear(layer.out_features, 2),
    )
    out = net(torch.rand(4, 1, 4, 4))
    assert out.shape == (4, 2)
    out.sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in net.parameters())
    assert layer(torch.rand(2, 3, 4, layer.in_features)).shape == (2, 3, 4, layer.out_features)


def test_a_rate_layer_and_a_spiking_one_share_their_magnitudes(delay_line):
    rate, spiking = MotifLayer(delay_line, 2, mode="rate"), MotifLayer(delay_line, 2)
    with torch.no_grad():
        rate.trained.synapse.raw.normal_(generator=torch.Generator().manual_seed(0))
    spiking.load_state_dict(rate.state_dict())
    assert spiking.to_motif(1).id == rate.to_motif(1).id != delay_line.id


def test_weights_are_signed_and_in_thresholds():
    motif = pair(
        excitatory=[False, True],
        threshold_mV=[2.0, 4.0],
        inputs={"in": Afferents(2, [1, 1], [0, 0], [3.0, 1.0], [1.0, 1.0])},
    )
    layer = layer_of(motif)
    recurrent, afferent = matrices(layer.wiring, motif.circuit, layer.trained())
    np.testing.assert_allclose(recurrent[0].detach(), [[0, 0], [-8 * PEAK / 4, 0]])
    np.testing.assert_allclose(afferent[0].detach(), [[0, 4 * PEAK / 2], [0, 0]])


def test_wrong_requests_are_refused(delay_line):
    with pytest.raises(InputError, match="expected an activation of relu, sigmoid"):
        Rates("tanh")
    with pytest.raises(InputError, match="steps ≥ 1 or None"):
        Rates(steps=0)
    layer = MotifLayer(delay_line, mode="rate")
    with pytest.raises(InputError, match=r"expected input \(…, 2\)"):
        layer(torch.zeros(3, 5))
    with pytest.raises(InputError, match="expected no state in rate mode"):
        layer(torch.zeros(3, 2), torch.zeros(1))
