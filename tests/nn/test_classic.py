import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import GruReadout, mlp


def test_a_gated_recurrent_unit_is_its_equations():
    net = GruReadout(3, 4, 2)
    x = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0))
    w, u = net.gru.weight_ih_l0.split(4), net.gru.weight_hh_l0.split(4)
    b, c = net.gru.bias_ih_l0.split(4), net.gru.bias_hh_l0.split(4)
    h = torch.zeros(5, 4)
    for step in x:
        r, z = (torch.sigmoid(step @ w[i].T + b[i] + h @ u[i].T + c[i]) for i in (0, 1))
        n = torch.tanh(step @ w[2].T + b[2] + r * (h @ u[2].T + c[2]))
        h = (1 - z) * n + z * h
    torch.testing.assert_close(net(x), net.linear(h))


def test_a_perceptron_rectifies_between_its_maps():
    net = mlp([3, 4, 2])
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(net(x), net[2](net[0](x).clamp_min(0)))
    assert [p.numel() for p in net.parameters()] == [12, 4, 8, 2]


def test_a_generator_fixes_their_weights():
    """Uniform within ±1/√n: of 16 inputs or units ±¼."""
    for make in (lambda g: mlp([16, 16, 3], generator=g), lambda g: GruReadout(5, 16, 3, generator=g)):
        first, second = (make(torch.Generator().manual_seed(seed)) for seed in (0, 0))
        pairs = list(zip(first.parameters(), second.parameters(), strict=True))
        assert all(torch.equal(a, b) for a, b in pairs)
        assert max(float(p.abs().max()) for p in first.parameters()) == pytest.approx(0.25, abs=0.02)


def test_wrong_sizes_are_refused():
    with pytest.raises(InputError, match="mlp: expected two widths"):
        mlp([3])
    with pytest.raises(InputError, match="GruReadout: expected sizes ≥ 1"):
        GruReadout(3, 0, 2)
