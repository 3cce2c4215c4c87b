import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import ExponentiatedGradient, Magnitudes


def stepped(values, slopes, **options):
    parameter = torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))
    optimizer = ExponentiatedGradient([parameter], **options)
    for slope in slopes:
        parameter.grad = torch.tensor(slope, dtype=torch.float64)
        optimizer.step()
    return parameter.detach()


def test_a_step_multiplies_by_an_exponential_and_keeps_the_sign():
    """w e^{−η g sign w} with η = ½: 2 e^{−½}, −2 e^{½}, and 0."""
    moved = stepped([2.0, -2.0, 0.0], [[1.0, 1.0, 5.0]], lr=0.5)
    assert moved.tolist() == pytest.approx([2 * 0.6065306597, -2 * 1.6487212707, 0.0])


def test_a_negative_weight_that_grows_in_magnitude_lowers_the_loss():
    """L = w has slope 1, so w must fall: −2 becomes more negative."""
    assert stepped([-2.0], [[1.0]], lr=0.1).item() < -2.0


def test_momentum_sums_past_gradients():
    """g = 1, then 1 + ½ × 1: the exponents add up to −0.1 × 2.5."""
    moved = stepped([1.0], [[1.0], [1.0]], lr=0.1, momentum=0.5)
    assert moved.item() == pytest.approx(torch.tensor(-0.25).exp().item())


def test_no_gradient_however_large_makes_a_weight_infinite_zero_or_undefined():
    moved = stepped([1.0, 1.0, 1.0], [[float("inf"), -1e30, float("nan")]], lr=1.0)
    assert bool((moved.isfinite() & (moved > 0)).all())
    assert moved[2] == 1.0


def test_a_closure_is_called_and_its_loss_returned():
    magnitudes = Magnitudes([1.0, 2.0], sign="eg")
    optimizer = ExponentiatedGradient(magnitudes.parameters(), lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = magnitudes().square().sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(20)]
    assert losses[0] == pytest.approx(5.0)
    assert losses[-1] < 0.5


@pytest.mark.parametrize("options", [{"lr": 0.0}, {"momentum": 1.0}])
def test_values_outside_their_domains_are_refused(options):
    with pytest.raises(InputError, match=r"expected lr > 0 and momentum in \[0, 1\)"):
        ExponentiatedGradient([torch.nn.Parameter(torch.ones(1))], **options)
