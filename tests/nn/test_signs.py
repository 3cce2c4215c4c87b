import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.nn.signs import FLOOR, Magnitudes

OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=1e6),
    "SGD with momentum": lambda p: torch.optim.SGD(p, lr=10.0, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=100.0),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=1.0, weight_decay=0.5),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=50.0),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=1e3),
    "Rprop": lambda p: torch.optim.Rprop(p, lr=10.0),
}


@given(
    st.sampled_from(sorted(OPTIMIZERS)),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=6),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_no_step_of_any_optimizer_makes_a_magnitude_negative_or_infinite(name, weights, seed):
    magnitudes = Magnitudes(weights, copies=2, dtype=torch.float64)
    optimizer = OPTIMIZERS[name](magnitudes.parameters())
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        optimizer.zero_grad()
        (
            magnitudes() * torch.randn(2, len(weights), generator=generator, dtype=torch.float64)
        ).sum().backward()
        optimizer.step()
        assert bool((magnitudes() >= 0).all())
        assert bool(magnitudes().isfinite().all())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_even_a_diverged_parameter_leaves_a_finite_magnitude(bad):
    magnitudes = Magnitudes([1.0, 2.0])
    with torch.no_grad():
        magnitudes.log_scale[0, 0] = bad
    assert bool((magnitudes() >= 0).all() and magnitudes().isfinite().all())


def test_magnitudes_start_at_the_reference_exactly_in_both_precisions():
    weights = np.array([0.1, 123.456, 7e-3])
    assert Magnitudes(weights, 2, dtype=torch.float64)().tolist() == [weights.tolist()] * 2
    assert Magnitudes(weights).double()().tolist() == [weights.tolist()]
    assert Magnitudes(weights)().detach().numpy()[0].tolist() == weights.astype(np.float32).tolist()


def test_a_step_of_ln_2_doubles_a_magnitude():
    magnitudes = Magnitudes([3.0], dtype=torch.float64)
    with torch.no_grad():
        magnitudes.log_scale += np.log(2)
    assert magnitudes().item() == pytest.approx(6.0)


def test_a_zero_weight_starts_at_the_floor_and_can_be_trained():
    magnitudes = Magnitudes([0.0, 50.0], dtype=torch.float64)
    assert magnitudes().tolist()[0] == [50.0 * FLOOR, 50.0]
    optimizer = torch.optim.Adam(magnitudes.parameters(), lr=0.5)
    for _ in range(40):
        optimizer.zero_grad()
        (magnitudes()[0, 0] - 1.0).square().backward()
        optimizer.step()
    assert magnitudes()[0, 0].item() > 0.1


@pytest.mark.parametrize("weights", [[-1.0], [float("nan")], [float("inf")]])
def test_a_reference_that_is_no_magnitude_is_refused(weights):
    with pytest.raises(InputError, match="≥ 0"):
        Magnitudes(weights)
