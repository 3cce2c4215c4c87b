import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import first_spike_loss, rate_penalty, van_rossum_distance


def train(*steps: int, n: int = 400) -> torch.Tensor:
    spikes = torch.zeros(n, 1, 1, dtype=torch.float64)
    spikes[list(steps)] = 1
    return spikes


def test_the_loss_of_first_spikes_is_a_softmax_of_their_times():
    """Neurons fire at 2 and 7, τ = 5: −log σ((7 − 2) / 5) = ln(1 + 1/e) for the first, more for the second."""
    spikes = torch.zeros(10, 2, 2, dtype=torch.float64)
    spikes[2, :, 0] = 1
    spikes[7, :, 1] = 1
    right = first_spike_loss(spikes, torch.tensor([0, 0]), tau_steps=5.0)
    assert right.item() == pytest.approx(0.3132616875)
    assert first_spike_loss(spikes, torch.tensor([1, 1]), tau_steps=5.0).item() == pytest.approx(1.3132616875)


def test_a_lone_spike_is_half_a_unit_from_silence_and_two_far_apart_a_whole():
    assert van_rossum_distance(train(50), train(), tau_steps=20.0).item() == pytest.approx(0.5, rel=0.06)
    assert van_rossum_distance(train(50), train(300), tau_steps=20.0).item() == pytest.approx(1.0, rel=0.06)
    assert van_rossum_distance(train(50), train(50), tau_steps=20.0).item() == 0.0


def test_the_distance_grows_with_the_shift_as_van_rossum_says():
    """D² = 1 − e^{−Δ/τ}: with Δ = τ = 20 steps .632."""
    assert van_rossum_distance(train(50), train(70), tau_steps=20.0).item() == pytest.approx(0.632, rel=0.06)


def test_rates_outside_their_bounds_are_squared():
    """Rates .5 and 0: .5 is .3 above .2, 0 is .1 below .1: (.09 + .01) / 2."""
    spikes = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]], dtype=torch.float64)
    assert rate_penalty(spikes, low=0.1, high=0.2).item() == pytest.approx(0.05)
    assert rate_penalty(spikes, high=0.5).item() == 0.0


def test_wrong_requests_are_refused():
    with pytest.raises(InputError, match="trains of one shape"):
        van_rossum_distance(train(1), train(1, n=5))
    with pytest.raises(InputError, match="tau_steps: expected a value > 0; got 0"):
        first_spike_loss(train(1), torch.tensor([0]), tau_steps=0)
    with pytest.raises(InputError, match="0 ≤ low ≤ high"):
        rate_penalty(train(1), low=2.0)
