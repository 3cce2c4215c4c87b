from math import exp

import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import CountReadout, FirstSpikeReadout, LeakyReadout, WindowReadout
from evocircuits.nn.readout import first_spike_steps


def drawn(p: float = 0.2):
    return (torch.rand(9, 4, 6, generator=torch.Generator().manual_seed(0)) < p).float()


def test_a_readout_maps_counts_linearly():
    readout, spikes = CountReadout(3), drawn(0.4)
    scores = readout(spikes)
    counts = spikes.sum(0)
    torch.testing.assert_close(scores, counts @ readout.linear.weight.T + readout.linear.bias)
    torch.testing.assert_close(readout(spikes.flip(0)), scores)  # when a spike comes does not matter


def test_the_first_spike_is_found_and_a_silent_neuron_takes_all_steps():
    spikes = torch.zeros(5, 1, 3)
    spikes[[1, 3], 0, 0] = 1
    spikes[0, 0, 1] = 1
    assert first_spike_steps(spikes).tolist() == [[1, 0, 5]]


def test_an_earlier_spike_instead_would_lower_the_first_spikes_step():
    """d Σ Π (1 − s) by s: before the spike at 2, a spike at 0 takes 2 steps away, at 1 one; after it, nothing."""
    spikes = torch.zeros(5, 1, 1)
    spikes[2] = 1
    spikes.requires_grad_()
    (slope,) = torch.autograd.grad(first_spike_steps(spikes).sum(), spikes)
    assert slope.flatten().tolist() == [-2, -1, -3, 0, 0]


def test_scores_grow_with_earliness():
    readout, spikes = FirstSpikeReadout(2), drawn()
    scores = readout(spikes)
    early = 1 - first_spike_steps(spikes) / 9
    torch.testing.assert_close(scores, early @ readout.linear.weight.T + readout.linear.bias)


@pytest.mark.parametrize("reduce", ["last", "mean", "max"])
def test_a_leaky_readout_is_the_recursion_it_names(reduce):
    readout, spikes = LeakyReadout(3, tau_steps=4.0, reduce=reduce), drawn()
    scores = readout(spikes)
    y, decay, seen = torch.zeros(4, 3), exp(-1 / 4.0), []
    for spike in spikes:
        y = decay * y + spike @ readout.linear.weight.T + readout.linear.bias * (1 - decay)
        seen.append(y)
    trace = torch.stack(seen)
    torch.testing.assert_close(readout.trace(spikes), trace)
    torch.testing.assert_close(
        scores, {"last": trace[-1], "mean": trace.mean(0), "max": trace.amax(0)}[reduce]
    )


def test_counts_of_the_last_windows_stand_side_by_side():
    readout, spikes = WindowReadout(3, windows=2, steps=3), drawn(0.4)
    scores = readout(spikes)
    counts = torch.cat([spikes[3:6].sum(0), spikes[6:9].sum(0)], 1)
    torch.testing.assert_close(scores, counts @ readout.linear.weight.T + readout.linear.bias)
    with pytest.raises(InputError, match="at least 6 steps; got 5"):
        readout(spikes[:5])
    with pytest.raises(InputError, match="windows and steps ≥ 1"):
        WindowReadout(3, windows=0, steps=3)


@pytest.mark.parametrize("readout", [CountReadout, FirstSpikeReadout, LeakyReadout])
def test_a_readout_needs_a_class(readout):
    with pytest.raises(InputError, match="n_classes"):
        readout(0)


def test_a_leaky_readout_needs_a_time_constant_and_a_known_reduction():
    for options in ({"tau_steps": 0.0}, {"reduce": "sum"}):
        with pytest.raises(InputError, match="last, mean, max"):
            LeakyReadout(2, **options)
