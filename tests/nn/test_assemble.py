from dataclasses import replace

import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import DaleLinear, MotifLayer, PlainLayer, PlainLinear
from evocircuits.nn.assemble import ARMS, DELAY_STEPS, EVERY_ARM, OUTPUT_SPIKES, classifier


@pytest.fixture
def images():
    return torch.rand(40, 16, generator=torch.Generator().manual_seed(0)) ** 2


def build(arm, motif, images, **options):
    return classifier(arm, motif, images, classes=4, seed=3, copies=4, **options)


@pytest.mark.parametrize("arm", EVERY_ARM)
def test_an_arm_maps_images_to_class_scores_that_start_at_zero(delay_line, images, arm):
    scores = build(arm, delay_line, images)(images)
    assert scores.shape == (40, 4)
    assert not scores.any()


@pytest.mark.parametrize("arm", EVERY_ARM)
def test_input_weights_start_so_that_outputs_fire_at_the_stated_rate(delay_line, images, arm):
    net = build(arm, delay_line, images)
    spikes = net.layer(net.synapses(net.encoder(images)))
    assert spikes.sum(0).mean().item() == pytest.approx(OUTPUT_SPIKES, rel=0.1)


@pytest.mark.parametrize("arm", EVERY_ARM)
def test_a_seed_fixes_the_network(delay_line, images, arm):
    first, second = (build(arm, delay_line, images) for _ in range(2))
    weights = [[p.tolist() for p in net.parameters()] for net in (first, second)]
    assert weights[0] == weights[1]


def test_arms_differ_in_the_layer_alone(delay_line, images):
    motif, random, dense = (build(arm, delay_line, images) for arm in ARMS)
    assert isinstance(motif.synapses, DaleLinear)
    assert isinstance(dense.synapses, PlainLinear)
    assert isinstance(dense.layer, PlainLayer)
    assert dense.layer.features == 4 * delay_line.circuit.n_neurons
    assert motif.layer.motif is delay_line
    assert random.layer.motif.provenance.parents == (delay_line.id,)
    assert random.layer.motif.circuit.n_synapses == delay_line.circuit.n_synapses
    sizes = [[p.numel() for p in net.parameters()] for net in (motif, random)]
    assert sizes[0] == sizes[1]


def test_recurrent_arms_differ_in_their_delays_alone(delay_line, images):
    recurrent, delayed = (build(arm, delay_line, images).layer for arm in ("recurrent", "delayed"))
    assert recurrent.features == delayed.features == 4 * delay_line.circuit.n_neurons
    assert (recurrent.longest_delay, delayed.longest_delay) == (1, DELAY_STEPS)


def test_the_longest_delay_takes_the_stated_steps(delay_line, images):
    layer = build("motif", delay_line, images).layer
    assert isinstance(layer, MotifLayer)
    assert layer.wiring.longest_delay == DELAY_STEPS


def test_delays_far_shorter_than_the_longest_take_a_step(delay_line, images):
    circuit = delay_line.circuit
    delays_ms = np.linspace(0.1, 300.0, len(circuit.delay_ms))
    far_apart = replace(delay_line, circuit=replace(circuit, delay_ms=delays_ms))
    layer = build("motif", far_apart, images).layer
    assert layer.wiring.longest_delay == DELAY_STEPS
    assert layer.motif.circuit.delay_ms.min() * layer.time_scale == pytest.approx(1.0)
    np.testing.assert_allclose(layer.motif.circuit.delay_ms[-1], delays_ms[-1])


def test_cost_counts_input_hidden_and_readout_events(delay_line, images):
    net = build("dense", delay_line, images)
    cost = net.cost(images)
    pixels = (images > 0).sum().item()
    hidden = net.layer(net.synapses(net.encoder(images))).sum().item()
    assert cost.spikes == pytest.approx((pixels + hidden) / 40)
    assert cost.synaptic_events == pytest.approx(
        (pixels * 4 * delay_line.circuit.n_neurons + hidden * 4) / 40
    )


def test_the_cost_of_motif_copies_includes_their_synapses(delay_line, images):
    net = build("motif", delay_line, images)
    drive = net.synapses(net.encoder(images))
    spikes = net.layer.spikes(drive)
    outputs = net.layer.read_out(spikes).sum().item()
    expected = (images > 0).sum().item() * 8 + net.layer.synaptic_events(drive, spikes) + outputs * 4
    assert net.cost(images).synaptic_events == pytest.approx(expected / 40)


def test_an_unknown_arm_is_refused(delay_line, images):
    with pytest.raises(InputError, match=r"expected an arm of motif, random, .*, delayed; got 'sparse'"):
        build("sparse", delay_line, images)
