import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from evocircuits.errors import InputError
from evocircuits.nn import (
    CountReadout,
    CoupledColumns,
    LeakyReadout,
    MotifLayer,
    Rates,
    columns,
    coupled_columns,
    hidden_block,
    hybrid,
    set_rates,
    stack,
)
from evocircuits.nn.textbook import balanced, feedforward_inhibition, winner_take_all

from .test_layers import random_input, relay


def trained(net, x, classes, *, steps: int, rate: float) -> list[float]:
    """Losses of training on all of `x` at once."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = cross_entropy(net(x), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_motif_replaces_a_hidden_layer():
    """Exclusive or, which no linear map can do."""
    torch.manual_seed(0)
    net = hidden_block(balanced(), 2, 2, copies=2, rates=Rates("sigmoid", 10))
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    losses = trained(net, x, torch.tensor([0, 1, 1, 0]), steps=120, rate=0.03)
    assert losses[-1] < 0.2 < losses[0]


def test_a_motif_head_behind_convolutions_learns():
    """Bars, upright and lying, of 6 × 6 pixels."""
    torch.manual_seed(0)
    front = [torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()]
    net = torch.nn.Sequential(*front, hidden_block(balanced(), 64, 2, copies=2, rates=Rates("sigmoid", 10)))
    x = torch.zeros(12, 1, 6, 6)
    for i in range(6):
        x[i, 0, :, i] = 1
        x[6 + i, 0, i, :] = 1
    losses = trained(net, x, torch.tensor([0] * 6 + [1] * 6), steps=40, rate=0.02)
    assert losses[-1] < 0.3 < losses[0]


def test_a_recurrent_cell_learns_which_of_two_came_first():
    """The same two volleys in either order: counts of input spikes tell nothing."""
    generator = torch.Generator().manual_seed(0)
    cell = coupled_columns(
        winner_take_all(2), 2, copies=6, rng=np.random.default_rng(0), density=0.3, generator=generator
    )
    x = torch.zeros(40, 2, 2)
    for trial, order in enumerate(((0, 1), (1, 0))):
        for place, channel in enumerate(order):
            x[[5 + 10 * place, 7 + 10 * place], trial, channel] = 1
    set_rates(cell, x, rate_Hz=50.0)
    torch.manual_seed(0)
    losses = trained(torch.nn.Sequential(cell, LeakyReadout(2)), x, torch.tensor([0, 1]), steps=40, rate=0.03)
    assert losses[-1] < 0.3 < losses[0]


def test_a_hybrid_of_two_motifs_learns():
    generator = torch.Generator().manual_seed(0)
    net = hybrid(feedforward_inhibition(3), winner_take_all(3), 4, copies=3, generator=generator)
    x = torch.tensor(random_input(np.random.default_rng(0), 4, p=0.3), dtype=torch.float32)[:40]
    set_rates(net, x, rate_Hz=50.0)
    torch.manual_seed(0)
    classes = torch.tensor([0, 1, 0, 1, 1, 0, 1])
    losses = trained(torch.nn.Sequential(net, CountReadout(2)), x, classes, steps=60, rate=0.02)
    assert losses[-1] < 0.35 < losses[0]


def test_columns_stand_side_by_side_behind_one_map(delay_line):
    net = columns(delay_line, 5, copies=3, generator=torch.Generator().manual_seed(0))
    assert isinstance(net[1], MotifLayer)
    assert net(torch.zeros(4, 2, 5)).shape == (4, 2, 39)
    coupled = coupled_columns(delay_line, 5, copies=3, rng=np.random.default_rng(0))
    assert isinstance(coupled[1], CoupledColumns)
    assert coupled(torch.zeros(4, 2, 5)).shape == (4, 2, 39)


def test_stacked_motifs_may_differ(delay_line):
    net = stack([delay_line, relay(1)], 5, copies=3)
    assert net(torch.zeros(4, 2, 5)).shape == (4, 2, 6)
    assert (net[2].in_features, net[2].out_features) == (39, 6)


def test_an_empty_stack_is_refused():
    with pytest.raises(InputError, match="at least one motif"):
        stack([], 5)
