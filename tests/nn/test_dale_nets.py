import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import ColumnLinear, DannLinear, column_net, dann_net


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_column_linear_has_one_sign_in_each_column():
    layer = ColumnLinear(5, 3, inhibitory=2, generator=seeded())
    columns = layer(torch.eye(5)) - layer.bias
    assert bool((columns[:3] > 0).all() and (columns[3:] < 0).all())
    x = torch.rand(4, 5)
    w = layer.weight()
    torch.testing.assert_close(layer(x), x[:, :3] @ w[:, :3].T - x[:, 3:] @ w[:, 3:].T + layer.bias)


def test_a_column_linear_starts_balanced_with_hes_second_moment():
    layer = ColumnLinear(500, 400, inhibitory=100, generator=seeded())
    columns = (layer.weight() * layer.polarity).detach()
    assert columns.sum(1).mean().item() == pytest.approx(0.0, abs=0.15)
    assert columns.square().mean().item() == pytest.approx(2 / 500, rel=0.03)
    assert columns[:, 400:].mean().item() == pytest.approx(-4 * columns[:, :400].mean().item(), rel=0.03)


def test_signs_of_columns_stay_under_training():
    layer = ColumnLinear(5, 3, inhibitory=2, generator=seeded())
    optimizer = torch.optim.SGD(layer.parameters(), lr=10.0)
    for direction in (1, -1):
        optimizer.zero_grad()
        (direction * layer(torch.rand(4, 5, generator=seeded(1)))).sum().backward()
        optimizer.step()
        columns = layer(torch.eye(5)) - layer.bias
        assert bool((columns[:3] >= 0).all() and (columns[3:] <= 0).all())


def test_a_dann_layer_is_its_papers_equation():
    layer = DannLinear(6, 4, inhibitory=2, generator=seeded())
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.rand(p.shape, generator=seeded(1)) + 0.1)
    x = torch.rand(3, 6, generator=seeded(2))
    out = layer(x)
    w_ee, w_ie, w_ei = layer.w_ee(), layer.w_ie(), layer.w_ei()
    for trial in range(3):
        h = [sum(w_ie[k, j] * x[trial, j] for j in range(6)) for k in range(2)]
        for i in range(4):
            excitation = sum(w_ee[i, j] * x[trial, j] for j in range(6))
            inhibition = sum(w_ei[i, k] * h[k] for k in range(2))
            gamma = sum(w_ei[i, k] * layer.alpha[k].exp() * h[k] for k in range(2))
            expected = layer.gain[i] / gamma * (excitation - inhibition) + layer.bias[i]
            torch.testing.assert_close(out[trial, i], expected)


def test_a_dann_layer_starts_as_a_layer_norm():
    """Over 2,000 units and rectified normal inputs z has mean 0 and deviation 1, whatever the input's scale."""
    layer = DannLinear(400, 2000, inhibitory=1, generator=seeded())
    x = torch.randn(20, 400, generator=seeded(1)).relu() * torch.logspace(-2, 2, 20)[:, None]
    z = layer(x)
    assert z.mean(1).abs().max() < 0.1
    assert z.std(1).mean().item() == pytest.approx(1.0, abs=0.05)


def test_a_dann_layer_maps_nothing_to_its_bias():
    layer = DannLinear(4, 3, generator=seeded())
    assert torch.equal(layer(torch.zeros(2, 4)), layer.bias.expand(2, 3))


def test_networks_rectify_between_layers_of_which_a_part_inhibits():
    x = torch.rand(4, 6, generator=seeded(1))
    columns = column_net([6, 10, 3], generator=seeded())
    assert [part.inhibitory for part in columns[::2]] == [0, 2]
    torch.testing.assert_close(columns(x), columns[2](columns[0](x).clamp_min(0)))
    danns = dann_net([6, 20, 3], generator=seeded())
    assert [part.inhibitory for part in danns[::2]] == [2, 1]
    assert torch.equal(danns(x), dann_net([6, 20, 3], generator=seeded())(x))


def test_wrong_sizes_are_refused():
    for net in (column_net, dann_net):
        with pytest.raises(InputError, match="expected two widths or more"):
            net([4])
    with pytest.raises(InputError, match="fewer inhibitory inputs than inputs; got 3, 2, 3"):
        ColumnLinear(3, 2, inhibitory=3)
    with pytest.raises(InputError, match="DannLinear: expected sizes ≥ 1; got 3, 2, 0"):
        DannLinear(3, 2, inhibitory=0)
