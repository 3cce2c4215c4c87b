from dataclasses import replace

import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import ColumnLinear, DaleLinear, DannLinear, MotifLayer, PlainLayer, PlainLinear
from evocircuits.nn.assemble import (
    ARMS,
    CONTROLS,
    DELAY_STEPS,
    EVERY_ARM,
    FREE,
    OUTPUT_SPIKES,
    REST,
    ROW_STEPS,
    classifier,
)

SPIKING = ("motif", *CONTROLS, *FREE)


@pytest.fixture
def images():
    return torch.rand(40, 16, generator=torch.Generator().manual_seed(0)) ** 2


def build(arm, motif, images, **options):
    return classifier(arm, motif, images, classes=4, seed=3, copies=4, **options)


@pytest.mark.parametrize("arm", SPIKING)
def test_an_arm_maps_images_to_class_scores_that_start_at_zero(delay_line, images, arm):
    scores = build(arm, delay_line, images)(images)
    assert scores.shape == (40, 4)
    assert not scores.any()


@pytest.mark.parametrize("arm", SPIKING)
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


def test_rate_networks_see_values_at_once_and_a_gated_one_the_code(delay_line, images):
    hidden = 4 * delay_line.circuit.n_neurons
    for arm, kind in (("mlp", torch.nn.Linear), ("column", ColumnLinear), ("dann", DannLinear)):
        net = build(arm, delay_line, images)
        assert isinstance(net.synapses, kind)
        assert (net.synapses.in_features, net.synapses.out_features) == (16, hidden)
        assert net(images).std() > 0
    net = build("gru", delay_line, images)
    weights = sum(p.numel() for p in net.readout.gru.parameters() if p.ndim == 2)
    assert weights == pytest.approx(16 * hidden, rel=0.05)
    assert torch.equal(net(images), net.readout(net.encoder(images)))


@pytest.mark.parametrize("arm", ["motif", "dense", "mlp", "gru"])
def test_spikes_are_taken_as_they_are(delay_line, arm):
    x = (torch.rand(30, 20, 16, generator=torch.Generator().manual_seed(0)) < 0.1).float()
    net = build(arm, delay_line, x)
    assert net(x).shape == (20, 4)
    if arm == "mlp":
        torch.testing.assert_close(net(x), net.readout(net.layer(net.synapses(x.sum(0)))))


def test_rows_have_steps_of_their_own_and_delays_that_reach_back(delay_line):
    """The motif's longest delay, 0.8 ms, takes 40 of its own steps: it need not reach from the first row of eight to
    the last, but must from the first of four."""
    images = torch.rand(20, 64, generator=torch.Generator().manual_seed(0))
    net = build("motif", delay_line, images, rows=8)
    assert net.synapses.in_features == 8
    assert len(net.encoder(images)) == 8 * ROW_STEPS + REST
    assert net.layer.wiring.longest_delay == 40 < 7 * ROW_STEPS
    assert build("motif", delay_line, images, rows=4).layer.wiring.longest_delay == 3 * ROW_STEPS + 1


def test_an_unknown_arm_is_refused(delay_line, images):
    with pytest.raises(InputError, match=r"expected an arm of motif, random, .*, gru; got 'sparse'"):
        build("sparse", delay_line, images)
