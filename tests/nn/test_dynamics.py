from typing import NamedTuple

import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.nn import fused
from evocircuits.nn.fused import run_fused
from evocircuits.nn.plain import run_plain, segment_steps
from evocircuits.nn.wiring import Backend, Weights, Wiring

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
    return backend(wiring, drive, Weights(afferent, synapse))[0][0, :, :, 0]


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


class Drawn(NamedTuple):
    """Any circuit on a grid of 1 ms, with what drives it, weights, thresholds and a state, all to be differentiated."""

    wiring: Wiring
    drive: torch.Tensor
    afferent: torch.Tensor
    synapse: torch.Tensor
    threshold: torch.Tensor
    state: torch.Tensor

    @property
    def leaves(self) -> tuple[torch.Tensor, ...]:
        return tuple(self[1:])

    def run(self, backend, *options):
        weights = Weights(self.afferent, self.synapse, self.threshold)
        return backend(self.wiring, self.drive, weights, Backend(*options), self.state)


def drawn(seed: int, *, copies=2, steps=50, trials=5, dtype=torch.float64) -> Drawn:
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng)
    wiring = Wiring.of(circuit.scaled(10), dt_ms=1.0, slope=float(rng.uniform(1, 30)))
    drive = rng.random((copies, steps, 5, trials)) * (rng.random((copies, steps, 5, trials)) < 0.2)
    afferent = np.concatenate([a.weight_pA for a in circuit.inputs.values()])
    each = [(copies, 1)] * 3
    afferent, synapse = (
        afferent * rng.uniform(0.5, 2, each[0]),
        circuit.weight_pA * rng.uniform(0.5, 2, each[1]),
    )
    threshold = circuit.threshold_mV * rng.uniform(1, 1.2, each[2])
    state = rng.random((copies, wiring.state_rows, wiring.n_neurons, trials))
    state[:, 0] *= circuit.threshold_mV[:, None]
    state[:, 1:] *= 100
    state[:, 3] = rng.integers(0, 3, state[:, 3].shape)
    state[:, 0] = np.where(state[:, 3] > 0, circuit.reset_mV[:, None], state[:, 0])  # held at reset
    leaves = (
        torch.tensor(a, dtype=dtype, requires_grad=True) for a in (drive, afferent, synapse, threshold, state)
    )
    return Drawn(wiring, *leaves)


def gradients(drawn: Drawn, spikes, state) -> list[torch.Tensor]:
    """Of a loss that weighs every spike and every value of the last state differently."""
    generator = torch.Generator().manual_seed(0)
    by_spike, by_state = (torch.randn(t.shape, generator=generator).to(t) for t in (spikes, state))
    by_state[:, 3] = 0  # steps left are counted, not differentiated
    loss = (spikes * by_spike).sum() + (state * by_state).sum() / 100
    found = list(torch.autograd.grad(loss, drawn.leaves, materialize_grads=True))
    found[-1][:, 3] = 0
    return found


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    """‖one − other‖ / ‖other‖."""
    return float((one - other).norm() / other.norm().clamp_min(1e-30))


@pytest.mark.parametrize("seed", range(6))
def test_fused_spikes_states_and_gradients_are_those_of_the_plain_loop(seed):
    case = drawn(seed)
    plain, quick = case.run(run_plain), case.run(run_fused)
    assert quick[0].sum() > 0
    assert torch.equal(quick[0], plain[0])
    torch.testing.assert_close(quick[1], plain[1], rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients(case, *quick), gradients(case, *plain), strict=True):
        assert apart(one, other) <= 1e-10


def test_float32_gradients_are_those_of_the_plain_loop_for_identical_spikes():
    compared = 0
    for seed in range(12):
        case = drawn(seed, copies=1, steps=30, trials=1, dtype=torch.float32)
        plain, quick = case.run(run_plain), case.run(run_fused)
        if torch.equal(quick[0], plain[0]):
            compared += 1
            for one, other in zip(gradients(case, *quick), gradients(case, *plain), strict=True):
                assert apart(one, other) <= 1e-4
    assert compared >= 8


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("seed", [0, 3])
def test_recomputing_changes_neither_spikes_nor_states_nor_gradients(backend, seed):
    case = drawn(seed, steps=120, trials=2)
    assert segment_steps(case.wiring, 120) < 120
    kept, again = case.run(backend, True, (0,)), case.run(backend, True, (0,), True)
    assert torch.equal(again[0], kept[0])
    torch.testing.assert_close(again[1], kept[1], rtol=1e-12, atol=1e-12)
    for one, other in zip(gradients(case, *again), gradients(case, *kept), strict=True):
        assert apart(one, other) <= 1e-12


@pytest.mark.parametrize("seed", [1, 2])
def test_the_surrogate_is_the_derivative_of_the_smoothed_model(seed):
    """By finite differences: resets, which are not differentiated, stay where they are for small ones."""
    case = drawn(seed, copies=1, steps=8, trials=1)

    def smoothed(*leaves):
        weights = Weights(*leaves[1:])
        return run_plain(case.wiring, leaves[0], weights, None, case.state.detach(), smooth=True)[0]

    assert torch.autograd.gradcheck(smoothed, case.leaves[:-1], eps=1e-7, atol=1e-5, rtol=1e-3)


def test_a_run_in_two_parts_is_the_whole_run_and_so_is_its_gradient():
    case = drawn(5, steps=40)
    weights = Weights(*case.leaves[1:4])
    whole = case.run(run_fused)
    first = run_fused(case.wiring, case.drive[:, :13], weights, None, case.state)
    second = run_fused(case.wiring, case.drive[:, 13:], weights, None, first[1])
    spikes = torch.cat([first[0], second[0]], 1)
    assert torch.equal(spikes, whole[0])
    assert torch.equal(second[1], whole[1])
    for one, other in zip(gradients(case, spikes, second[1]), gradients(case, *whole), strict=True):
        assert apart(one, other) <= 1e-12


def test_threads_share_the_copies_out_and_change_nothing(monkeypatch):
    monkeypatch.setattr(fused, "WORTH_A_THREAD", 1)
    case = drawn(4, copies=5)
    alone = case.run(run_fused)
    by_one = gradients(case, *alone)
    torch.set_num_threads(3)
    together = case.run(run_fused)
    assert torch.equal(together[0], alone[0])
    assert all(map(torch.equal, gradients(case, *together), by_one))


def kept_bytes(function) -> int:
    """What autograd keeps of a forward pass for the backward pass."""
    sizes = {}

    def pack(tensor):
        sizes[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        spikes, _ = function()
    kept = sum(sizes.values())
    states = getattr(spikes.grad_fn.next_functions[0][0], "states", [])
    return kept + sum(state.numel() * state.element_size() for state in states)


def test_beside_its_input_at_most_8_bytes_are_kept_a_neuron_step():
    case = drawn(2, copies=4, steps=200, trials=16, dtype=torch.float32)
    weights = Weights(*(leaf for leaf in case.leaves[1:4]))
    kept = kept_bytes(lambda: run_fused(case.wiring, case.drive, weights))
    assert kept - case.drive.numel() * 4 <= 8 * 4 * case.wiring.n_neurons * 200 * 16


def test_memory_of_recomputation_grows_with_the_root_of_the_time():
    """Kept are states between segments, inputs aside: four times the steps, twice the memory."""
    kept = []
    for steps in (400, 1600):
        case = drawn(2, copies=1, steps=steps, trials=2)
        weights = Weights(*case.leaves[1:4])
        backend = Backend(recompute=True)
        whole = kept_bytes(
            lambda case=case, weights=weights, b=backend: run_fused(case.wiring, case.drive, weights, b)
        )
        kept.append(whole - case.drive.numel() * 8)
    assert kept[1] < 2.6 * kept[0]


def test_one_copy_and_one_trial_do_not_see_another():
    circuit = random_circuit(np.random.default_rng(3))
    wiring = Wiring.of(circuit.scaled(10), dt_ms=1.0, slope=10.0)
    drive = torch.rand(3, 40, 5, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    afferent = torch.tensor(np.concatenate([a.weight_pA for a in circuit.inputs.values()])).repeat(3, 1)
    synapse = torch.tensor(circuit.weight_pA.tolist(), dtype=torch.float64).repeat(3, 1)
    whole, _ = run_fused(wiring, drive, Weights(afferent, synapse))
    alone, _ = run_fused(wiring, drive[1:2, :, :, 4:5], Weights(afferent[1:2], synapse[1:2]))
    assert torch.equal(whole[1:2, :, :, 4:5], alone)
