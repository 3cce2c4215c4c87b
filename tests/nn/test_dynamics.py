import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.nn.dynamics import Wiring, run_fused, run_plain

from .conftest import random_circuit

BACKENDS = [run_plain, run_fused]


def two_neurons(**changes) -> Circuit:
    """An E neuron that the input drives, and one that it drives; e^{−1/τ} is 1/2 for both membranes and currents."""
    half = 1 / np.log(2)
    constants = dict(
        excitatory=[True, True],
        tau_m_ms=[half, half],
        c_m_pF=[1.0, 1.0],
        threshold_mV=[1.0, 1.0],
        reset_mV=[0.0, 0.0],
        t_ref_ms=[2.0, 0.0],
        bias_pA=[0.0, 0.0],
        tau_syn_ex_ms=[half, half],
        tau_syn_in_ms=[half, half],
        source=[0],
        target=[1],
        weight_pA=[8.0],
        delay_ms=[2.0],
        inputs={"in": Afferents(1, [0], [0], [4.0], [1.0])},
        outputs={"out": [1]},
    )
    return Circuit(**(constants | changes))


def run_one(backend, circuit, amplitudes, slope=10.0, afferent=None, synapse=None):
    """float[T, N] spikes of one copy in one trial."""
    wiring = Wiring.of(circuit, dt_ms=1.0, slope=slope)
    drive = torch.tensor(amplitudes, dtype=torch.float64).reshape(1, -1, 1, 1)
    weights = [torch.tensor([a.weight_pA.tolist()]) for a in (circuit.inputs["in"], circuit)]
    afferent = weights[0].double() if afferent is None else afferent
    synapse = weights[1].double() if synapse is None else synapse
    return backend(wiring, drive, afferent, synapse)[0, :, :, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_trajectory_computed_by_hand(backend):
    """With τ_m = τ_s = 1/ln 2 and C = 1: V ← V/2 + I/2 and I ← I/2 + charge; the afferent charge is 4, delay 1.

    Input at 0: I = 4 after update 0, V = 2 ≥ 1 in update 1: the first neuron fires, V = 0, refractory for updates 2, 3;
    I = 2, 1, 0.5 after updates 1, 2, 3; V = 0.25, 0.25, … from update 4 on: no second spike. Its spike arrives at the
    end of update 3 as a charge of 8: the second fires in updates 4 (V = 4), 5 (2), 6 (1 ≥ 1), then V = 0.5 in 7.
    """
    spikes = run_one(backend, two_neurons(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    assert spikes[:, 0].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert spikes[:, 1].tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_inhibitory_source_lowers_the_current(backend):
    """A bias of 3 pA adds 3/(2 ln 2) = 2.16 to V in every update, enough to fire, until a charge of −8 has arrived at
    the end of update 3: V = −8/2 + 2.16 = −1.84 in update 4, then −0.92 − 2 + 2.16 = −0.75."""
    circuit = two_neurons(excitatory=[False, True], bias_pA=[0.0, 3.0])
    spikes = run_one(backend, circuit, [1, 0, 0, 0, 0, 0])
    assert spikes[:, 1].tolist() == [1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_amplitude_scales_the_afferent_weight(backend):
    one_half, of_double = two_neurons(), two_neurons(inputs={"in": Afferents(1, [0], [0], [8.0], [1.0])})
    signal = [1.0, 0, 0.25, 0, 0, 0.5, 0, 0]
    halved = [a / 2 for a in signal]
    assert torch.equal(run_one(backend, one_half, signal), run_one(backend, of_double, halved))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_a_sub_threshold_membrane_is_the_surrogate(backend):
    """V = w/2 in update 1 and w/4 + w/4 in update 2, so with w = 1 both have ds/dw = ½ (1 + 10 |½ − 1|)⁻² = 1/72."""
    w = torch.tensor([[1.0]], dtype=torch.float64, requires_grad=True)
    spikes = run_one(backend, two_neurons(), [1, 0, 0, 0], afferent=w)
    (first,) = torch.autograd.grad(spikes[1, 0], w, retain_graph=True)
    (second,) = torch.autograd.grad(spikes[2, 0], w)
    assert spikes.sum() == 0
    assert first.item() == pytest.approx(1 / 72, rel=1e-12)
    assert second.item() == pytest.approx(1 / 72, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_gradient_passes_a_reset_or_refractoriness(backend):
    """The first neuron fires in update 1 and is refractory in 2 and 3: those spikes do not depend on the weight; the
    one of update 4 does, by the current alone: V = I/2 with I = w/8 after update 3."""
    w = torch.tensor([[4.0]], dtype=torch.float64, requires_grad=True)
    spikes = run_one(backend, two_neurons(), [1, 0, 0, 0, 0], afferent=w)
    gradients = [torch.autograd.grad(spikes[t, 0], w, retain_graph=True)[0].item() for t in range(5)]
    assert gradients[2:4] == [0, 0]
    assert gradients[1] == pytest.approx(0.5 / (1 + 10 * 1.0) ** 2, rel=1e-12)
    assert gradients[4] == pytest.approx(1 / 16 / (1 + 10 * 0.75) ** 2, rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_the_fused_adjoint_is_the_gradient_of_the_plain_loop(seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng)
    copies, steps, trials = 2, 50, 5
    wiring = Wiring.of(circuit.scaled(10), dt_ms=1.0, slope=float(rng.uniform(1, 30)))
    drive = rng.random((copies, steps, 5, trials)) * (rng.random((copies, steps, 5, trials)) < 0.2)
    afferent = np.concatenate([a.weight_pA for a in circuit.inputs.values()]) * rng.uniform(
        0.5, 2, (copies, 1)
    )
    synapse = circuit.weight_pA * rng.uniform(0.5, 2, (copies, 1))
    readout = torch.tensor(rng.normal(size=(copies, steps, circuit.n_neurons, trials)))
    gradients = []
    for backend in BACKENDS:
        inputs = [torch.tensor(a, requires_grad=True) for a in (drive, afferent, synapse)]
        spikes = backend(wiring, *inputs)
        gradients.append(torch.autograd.grad((spikes * readout).sum(), inputs))
    assert spikes.sum() > 0
    for plain, fused in zip(*gradients, strict=True):
        assert plain.numel() == 0 or plain.abs().max() > 0 or not len(circuit.source)
        torch.testing.assert_close(fused, plain, rtol=1e-9, atol=1e-12)


def test_one_copy_and_one_trial_do_not_see_another():
    circuit = random_circuit(np.random.default_rng(3))
    wiring = Wiring.of(circuit.scaled(10), dt_ms=1.0, slope=10.0)
    drive = torch.rand(3, 40, 5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    afferent = torch.tensor(np.concatenate([a.weight_pA for a in circuit.inputs.values()])).repeat(3, 1)
    synapse = torch.tensor(circuit.weight_pA.tolist(), dtype=torch.float64).repeat(3, 1)
    whole = run_fused(wiring, drive, afferent, synapse)
    alone = run_fused(wiring, drive[1:2, :, :, 4:5], afferent[1:2], synapse[1:2])
    assert torch.equal(whole[1:2, :, :, 4:5], alone)
