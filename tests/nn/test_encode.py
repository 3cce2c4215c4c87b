import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import CountReadout, LatencyEncoder


def test_brighter_is_earlier_and_dark_is_silent():
    spikes = LatencyEncoder(steps=15, window=11)(torch.tensor([[1.0, 0.5, 0.1, 0.0]]))
    assert spikes.shape == (15, 1, 4)
    assert spikes.nonzero().tolist() == [[0, 0, 0], [5, 0, 1], [9, 0, 2]]


def test_the_least_intensity_fires_last_within_the_window():
    spikes = LatencyEncoder(steps=20, window=8)(torch.tensor([[1e-6]]))
    assert spikes.nonzero().tolist() == [[7, 0, 0]]


def test_every_trial_is_encoded_on_its_own():
    encoder = LatencyEncoder(steps=12, window=10)
    images = torch.rand(5, 7, generator=torch.Generator().manual_seed(0))
    for i in range(5):
        assert torch.equal(encoder(images)[:, i], encoder(images[i : i + 1])[:, 0])


@pytest.mark.parametrize("images", [[[1.5]], [[-0.1]], [[float("nan")]], [0.5]])
def test_intensities_outside_0_to_1_are_refused(images):
    with pytest.raises(InputError, match="intensities 0…1"):
        LatencyEncoder(steps=5, window=5)(torch.tensor(images))


def test_a_window_beyond_the_steps_is_refused():
    with pytest.raises(InputError, match="window"):
        LatencyEncoder(steps=5, window=6)


def test_a_readout_maps_counts_linearly():
    readout = CountReadout(3)
    spikes = (torch.rand(9, 4, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    scores = readout(spikes)
    counts = spikes.sum(0)
    torch.testing.assert_close(scores, counts @ readout.linear.weight.T + readout.linear.bias)
    torch.testing.assert_close(readout(spikes.flip(0)), scores)  # when a spike comes does not matter


def test_a_readout_needs_a_class():
    with pytest.raises(InputError, match="n_classes"):
        CountReadout(0)
