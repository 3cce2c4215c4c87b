import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import TEXTBOOK, MotifLayer
from evocircuits.nn.textbook import (
    delay_line,
    feedforward_inhibition,
    push_pull,
    ring,
    synfire_chain,
    winner_take_all,
)


def spikes_of(motif, *events, steps=80, amplitude=1.0):
    """float[steps, out] for input spikes at (step, channel)."""
    layer = MotifLayer(motif)
    x = torch.zeros(steps, 1, layer.in_features)
    for step, channel in events:
        x[step, 0, channel] = amplitude
    return layer(x)[:, 0]


@pytest.mark.parametrize("name", TEXTBOOK)
def test_each_is_a_motif_with_inhibition_under_dales_law(name):
    motif = TEXTBOOK[name]()
    assert motif.provenance.origin == f"textbook: {name}"
    assert set(motif.circuit.inputs) in ({"in"}, {"push", "pull"})
    assert set(motif.circuit.outputs) == {"out"}
    assert name == "synfire_chain" or not motif.circuit.excitatory.all()


def test_under_feedforward_inhibition_what_comes_late_does_not_pass():
    motif = feedforward_inhibition(2)
    together = spikes_of(motif, (5, 0), (5, 1)).sum(0)
    apart = spikes_of(motif, (5, 0), (13, 1)).sum(0)
    assert together.tolist() == [1, 1]
    assert apart.tolist() == [1, 0]


def test_the_winner_is_the_one_with_more_input():
    more, less = [(t, 0) for t in range(5, 75, 4)], [(t, 1) for t in range(5, 75, 9)]
    counts = spikes_of(winner_take_all(2), *more, *less).sum(0)
    alone = spikes_of(winner_take_all(2), *less).sum(0)
    assert counts[0] > 2 * counts[1]
    assert counts[1] <= alone[1]


def test_a_chain_passes_a_volley_link_by_link():
    spikes = spikes_of(synfire_chain(links=3, width=4), *((5, i) for i in range(4)))
    assert spikes.sum(0).tolist() == [1] * 4
    assert spikes.nonzero()[:, 0].unique().numel() == 1
    first_of = spikes_of(synfire_chain(links=1, width=4), *((5, i) for i in range(4))).nonzero()[0, 0]
    assert spikes.nonzero()[0, 0] >= first_of + 2 * 2  # two links more, each with a delay of two steps


def test_half_a_volley_dies_out():
    assert spikes_of(synfire_chain(links=3, width=4), (5, 0), (5, 1)).sum() == 0


def test_a_ring_excites_around_its_input():
    events = [(t, c) for t in range(5, 60, 5) for c in (7, 8)]
    counts = spikes_of(ring(16), *events, amplitude=2.0).sum(0)
    assert counts[7:9].sum() > 0.5 * counts.sum() > 0


def test_push_excites_and_pull_takes_away():
    """Channels 0 and 1 push, 2 and 3 pull; a pull of 1.2 thresholds fires its interneuron."""
    push = [(t, 0) for t in (20, 21)]
    assert spikes_of(push_pull(2), *push).sum(0).tolist() == [1, 0]
    assert spikes_of(push_pull(2), (14, 2), *push).sum(0).tolist() == [0, 0]
    assert spikes_of(push_pull(2), (14, 3), *push).sum(0).tolist() == [1, 0]  # another cell's interneuron


def test_a_delay_line_hears_each_spike_as_often_as_it_has_taps():
    """A spike of 1.2 thresholds, heard three times 15 ms apart, in sum with what is left of the one before."""
    motif = delay_line(2, taps=3, spacing_ms=15.0)
    times = spikes_of(motif, (5, 1), amplitude=4.0).nonzero()[:, 0]
    assert len(times) == 3
    assert all(14 <= gap <= 16 for gap in times.diff().tolist())
    assert sorted(set(motif.circuit.inputs["pull"].delay_ms.tolist())) == [1, 16, 31]


def test_sizes_below_their_least_are_refused():
    with pytest.raises(InputError, match="ring: n: expected a whole number ≥ 3; got 2"):
        ring(2)
    with pytest.raises(InputError, match="synfire_chain: links"):
        synfire_chain(links=0)
