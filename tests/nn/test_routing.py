import numpy as np
import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import MotifLayer, Routed

from .conftest import as_motif, random_circuit
from .test_layers import random_input, relay


def chain(**options) -> Routed:
    layers = {"a": MotifLayer(relay(1), 2), "b": MotifLayer(relay(2), 2)}
    routes = [("=in", "a"), ("=a.early", "b.second"), ("=a.late", "b.first")]
    return Routed({"in": 4}, layers, routes, **options)


def test_ports_are_joined_by_name_and_copy():
    """Channel "first" of copy 1 leaves a as "early" after 1 step, goes to b's "second", and is "late" after 2 more."""
    net = chain()
    x = torch.zeros(8, 1, 4)
    x[1, 0, 2] = 1  # copy 1, port "first"
    assert net(x).nonzero().tolist() == [[1 + 1 + 2, 0, 2]]  # copy 1, "late"


def test_outputs_are_joined_in_their_order():
    net = chain(outputs=["b.late", "a"])
    x = torch.zeros(8, 1, 4)
    x[1, 0, 2] = 1
    assert net.out_features == 6
    assert net(x).nonzero().tolist() == [[2, 0, 2 + 3], [4, 0, 1]]  # a's copy 1 early; b's copy 1 late


def test_routes_without_an_equals_sign_are_trained_maps_and_add_up(delay_line):
    layers = {"map": MotifLayer(delay_line, 2, time_scale=12.5), "top": MotifLayer(relay(1), 3)}
    routes = [("ears", "map.left"), ("=noise", "map.right"), ("map.place", "top"), ("ears", "top.first")]
    net = Routed({"ears": 5, "noise": 2}, layers, routes, generator=torch.Generator().manual_seed(0))
    x = torch.tensor(random_input(np.random.default_rng(0), 7, p=0.3), dtype=torch.float32)
    given = {"ears": x[:, :, :5], "noise": x[:, :, 5:]}
    out = net(given)
    spikes = layers["map"]({"left": net.maps[0](given["ears"]), "right": given["noise"]})
    top = net.maps[2](spikes).unflatten(2, (3, 2))
    top = top + torch.stack([net.maps[3](given["ears"]), torch.zeros(*x.shape[:2], 3)], -1)
    torch.testing.assert_close(out, layers["top"](top.flatten(2)))
    (out * torch.rand(6)).sum().backward()
    assert all(p.grad is not None for p in net.maps.parameters())
    assert "ears → map.left" in repr(net)


def test_a_port_that_no_route_reaches_receives_nothing(delay_line):
    net = Routed({"in": 1}, {"only": MotifLayer(delay_line)}, [("=in", "only.left")])
    x = torch.tensor(random_input(np.random.default_rng(0), 1, p=0.3), dtype=torch.float32)
    alone = net.layers["only"]({"left": x, "right": torch.zeros_like(x)})
    assert torch.equal(net(x), alone)


def inhibitory_output() -> MotifLayer:
    drawn = (random_circuit(np.random.default_rng(seed)) for seed in range(100))
    return MotifLayer(as_motif(next(c for c in drawn if not c.excitatory[c.output_neurons].all())))


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([("in", "c")], "expected a route to a later layer of a, b; got in → c"),
        ([("b", "a")], "expected a route to a later layer of a, b; got b → a"),
        ([("out", "a")], "expected one of in, a.late, a.early, b.late, b.early; got out"),
        ([("in", "a.third")], "expected a port of first, second; got a.third"),
        ([("=in", "a.first")], "expected equal widths; got 4, 2"),
    ],
)
def test_routes_that_lead_nowhere_are_refused(routes, message):
    layers = {"a": MotifLayer(relay(1), 2), "b": MotifLayer(relay(2), 2)}
    with pytest.raises(InputError, match=message):
        Routed({"in": 4}, layers, routes)


def test_inhibitory_neurons_do_not_leave_a_layer():
    with pytest.raises(InputError, match="expected excitatory neurons"):
        Routed({"in": 5}, {"only": inhibitory_output()}, [("=in", "only")])


def test_other_inputs_are_refused():
    with pytest.raises(InputError, match="expected the inputs in; got"):
        chain()({"other": torch.zeros(3, 1, 4)})
