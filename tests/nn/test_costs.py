import numpy as np
import pytest
import torch
from torch import nn

from evocircuits.errors import InputError
from evocircuits.nn import (
    ColumnLinear,
    CountReadout,
    DaleLinear,
    DannLinear,
    LatencyEncoder,
    MotifLayer,
    PlainLayer,
    PlainLinear,
    RecurrentLayer,
    count,
    energy,
)
from evocircuits.nn.hardware import HARDWARE

from .test_layers import random_input, relay


def test_a_perceptron_counted_by_hand():
    """Weights 2 × 3, one of them zero; an input with a zero, then ReLU of −1 and 3, then one weight of two zero.

    Non-zero activations with non-zero weights: input (1, 0, 2) meets 2 + 2 weights but for the zero one; of the hidden
    activations (0, 3) the second meets the non-zero weight. Real-valued inputs make MACs.
    """
    net = nn.Sequential(nn.Linear(3, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[-1.0, 5.0, 0.0], [1.0, 5.0, 1.0]]))
        net[2].weight.copy_(torch.tensor([[0.0, 2.0]]))
    counts = count(net, torch.tensor([[1.0, 0.0, 2.0]]))
    assert counts.connection_sparsity == pytest.approx(2 / 8)
    assert counts.activation_sparsity == 0.5
    assert (counts.dense, counts.effective_macs, counts.effective_acs) == (8, 3 + 1, 0)
    assert counts.footprint.total == counts.footprint.parameters == 8 * 4


def test_inputs_of_minus_1_0_and_1_make_accumulates():
    counts = count(nn.Linear(3, 2), torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 1.0]]))
    assert (counts.effective_acs, counts.effective_macs, counts.dense) == ((4 + 2) / 2, 0, 6)


def test_a_convolution_counts_what_its_kernel_meets():
    """A 2 × 2 kernel over a 3 × 3 image with one pixel in the middle: 4 places meet it."""
    image = torch.zeros(1, 1, 3, 3)
    image[0, 0, 1, 1] = 0.5
    counts = count(nn.Conv2d(1, 1, 2), image)
    assert (counts.effective_macs, counts.dense) == (4, 16)


def test_a_motif_layer_counts_its_mask_its_events_and_its_delays(delay_line):
    layer = MotifLayer(delay_line, copies=2, time_scale=12.5)
    x = torch.tensor(random_input(np.random.default_rng(0), 4), dtype=torch.float32)
    counts, spikes = count(layer, x), layer.spikes(x)
    synapses = len(delay_line.circuit.weight_pA) + 26
    assert counts.connection_sparsity == pytest.approx(1 - 2 * synapses / (32 * (32 + 4)))
    assert counts.activation_sparsity == pytest.approx(1 - spikes.mean().item())
    assert counts.effective_acs == pytest.approx(layer.synaptic_events(x, spikes) / 7)
    assert (counts.effective_macs, counts.steps, counts.neuron_updates) == (0, 80, 32 * 80)
    assert counts.dense == 32 * 36 * 80
    assert counts.per_step()["neuron_updates"] == 32
    assert counts.footprint.parameters == 2 * synapses * 4
    assert counts.footprint.wiring == synapses * 6 + 16 * 10 * 4
    assert counts.footprint.state == 32 * (4 + 2 * layer.wiring.longest_delay) * 4


def test_graded_input_makes_macs_of_the_afferent_operations_alone(delay_line):
    layer = MotifLayer(delay_line, time_scale=12.5)
    x = 1.5 * torch.tensor(random_input(np.random.default_rng(0), 2), dtype=torch.float32)
    counts = count(layer, x)
    assert counts.effective_macs == pytest.approx((x != 0).sum().item() * 13 / 7)
    assert counts.effective_acs > 0


def test_a_whole_classifier_is_the_sum_of_its_parts():
    net = nn.Sequential(
        LatencyEncoder(steps=20, window=10),
        DaleLinear(6, 4),
        MotifLayer(relay(1), 2),
        PlainLinear(4, 3),
        PlainLayer(3),
        RecurrentLayer(3),
        CountReadout(2),
    )
    images = torch.rand(5, 6)
    net(images)  # the readout takes its width
    counts = count(net, images)
    parts, x = [], images
    for part in net:
        if not isinstance(part, LatencyEncoder | CountReadout):
            parts.append(count(part, x))
        elif isinstance(part, CountReadout):
            parts.append(count(part.linear, x.sum(0)))
        x = part(x)
    for name in ("dense", "effective_acs", "effective_macs", "neuron_updates", "spikes"):
        assert getattr(counts, name) == pytest.approx(sum(getattr(part, name) for part in parts))
    assert counts.steps == 20
    assert counts.neuron_updates == (4 + 3 + 3) * 20


def test_energy_is_itemised_and_a_range():
    """Two inputs on weights 1 × 2: 2 MACs of 4.6 pJ, and 6 words of 5 to 50 pJ."""
    counts = count(nn.Linear(2, 1), torch.tensor([[0.5, 0.5]]))
    spent = energy(counts, "45nm")
    assert spent.multiplications_pJ.low == pytest.approx(2 * 4.6)
    assert (spent.memory_pJ.low, spent.memory_pJ.high) == (30, 300)
    assert (spent.accumulates_pJ.high, spent.neurons_pJ.high) == (0, 0)
    assert (spent.total_pJ.low, spent.total_pJ.high) == pytest.approx((39.2, 309.2))


def test_every_profile_prices_events_and_updates_and_names_its_source(delay_line):
    layer = MotifLayer(delay_line, time_scale=12.5)
    counts = count(layer, torch.tensor(random_input(np.random.default_rng(0), 2), dtype=torch.float32))
    for name in HARDWARE:
        spent = energy(counts, name)
        assert 0 < spent.total_pJ.low <= spent.total_pJ.high
        assert spent.source
    loihi = energy(counts, "Loihi")
    assert loihi.accumulates_pJ.low == pytest.approx(23.6 * counts.effective_acs)
    assert loihi.neurons_pJ.high == pytest.approx(81 * 16 * 80)


def test_what_cannot_be_counted_or_priced_is_refused():
    with pytest.raises(InputError, match="layers that can be counted"):
        count(nn.Identity(), torch.zeros(1, 1))
    with pytest.raises(
        InputError, match="expected hardware of 45nm, Loihi, SpiNNaker2, TrueNorth; got 'TPU'"
    ):
        energy(count(nn.Linear(1, 1), torch.zeros(1, 1)), "TPU")


def test_a_gated_layer_counts_its_inputs_and_its_own_states():
    """3 steps of one trial, 4 units: each of the 3 inputs that are not 0 meets 3 gates × 4, and so does each state."""
    gru = nn.GRU(2, 4)
    x = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]], [[1.0, 1.0]]])
    states = gru(x)[0]
    counts = count(gru, x)
    before = float(states[:2].count_nonzero())
    assert (counts.effective_acs, counts.effective_macs) == (3 * 12, before * 12)
    assert (counts.dense, counts.steps, counts.neuron_updates) == (3 * 12 * (2 + 4), 3, 12)
    with pytest.raises(InputError, match="one level and direction"):
        count(nn.LSTM(2, 4, num_layers=2), x)


def test_layers_under_dales_law_count_their_maps():
    """Of 2 × 3 weights; of a DANN's W_IE 1 × 3, W_EE 2 × 3, and W_EI 2 × 1 twice."""
    x = torch.tensor([[0.5, 0.0, 0.2]])
    assert count(ColumnLinear(3, 2, inhibitory=1), x).effective_macs == 4
    counts = count(DannLinear(3, 2), x)
    assert (counts.effective_macs, counts.dense) == (2 + 4 + 2 * 2, 3 + 6 + 2 * 2)
