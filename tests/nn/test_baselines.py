import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.nn import PlainLayer, PlainLinear, RecurrentLayer
from evocircuits.simulator import Record, Stimulus, simulate


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
    with pytest.raises(InputError, match="features and longest_delay ≥ 1; got 3, 0"):
        RecurrentLayer(3, longest_delay=0)


def by_recursion(layer: RecurrentLayer, x: torch.Tensor, delay: torch.Tensor) -> torch.Tensor:
    """V ← α V + κ I, I ← β I + x_t + Σ w s, of one trial: τ_m 10, τ_s 5, so V = 10 (e^{−t/10} − e^{−t/5}), peak 2.5."""
    alpha, beta = np.exp(-0.1), np.exp(-0.2)
    kappa, n = 10 * (alpha - beta), layer.features
    v, current, left = np.zeros(n), np.zeros(n), np.zeros(n)
    weight, spikes = layer.recurrent.detach().numpy(), []
    for t in range(len(x)):
        moved = np.where(left > 0, v, alpha * v + kappa * current)
        left = np.maximum(left - 1, 0)
        arriving = x[t].numpy().copy()
        for source in range(n):
            for target in range(n):
                d = int(delay[source, target])
                if d <= t:
                    arriving[target] += weight[source, target] * spikes[t - d][source]
        current = beta * current + arriving
        fired = moved >= 2.5
        spikes.append(fired.astype(float))
        v, left = np.where(fired, 0.0, moved), np.where(fired, 1.0, left)
    return torch.tensor(np.array(spikes))


@pytest.mark.parametrize("longest", [1, 4])
@pytest.mark.parametrize("fused", [True, False])
def test_a_recurrent_layer_is_its_recursion_with_and_without_delays(longest, fused):
    generator = torch.Generator().manual_seed(2)
    layer = RecurrentLayer(5, longest_delay=longest, gain=3.0, fused=fused, generator=generator).double()
    synapses = layer.wiring.synapses
    delay = torch.tensor(synapses.delay).reshape(5, 5)
    assert delay.unique().tolist() == list(range(1, longest + 1))
    x = torch.randn(40, 1, 5, generator=generator, dtype=torch.float64) + 0.5
    spikes = layer(x)[:, 0]
    assert spikes.sum() > 10
    assert torch.equal(spikes, by_recursion(layer, x[:, 0], delay))


def test_recurrent_weights_of_either_sign_are_trained():
    layer = RecurrentLayer(6, gain=2.0, generator=torch.Generator().manual_seed(0))
    x = 2 * torch.randn(30, 4, 6, generator=torch.Generator().manual_seed(1))
    layer(x).sum().backward()
    assert bool((layer.recurrent.grad != 0).all())
    assert bool((layer.recurrent > 0).any() and (layer.recurrent < 0).any())
