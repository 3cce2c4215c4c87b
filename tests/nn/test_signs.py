import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.nn.optimizers import ExponentiatedGradient
from evocircuits.nn.signs import FLOOR, SIGNS, Magnitudes, project_after

NAMES = sorted(
    name
    for name, kind in vars(torch.optim).items()
    if isinstance(kind, type)
    and issubclass(kind, torch.optim.Optimizer)
    and kind is not torch.optim.Optimizer
)


def stepping(name: str, magnitudes: Magnitudes):
    """A function that takes one step against a gradient of either sign."""
    parameters = list(magnitudes.parameters())
    kind = ExponentiatedGradient if name == "ExponentiatedGradient" else getattr(torch.optim, name)
    optimizer = kind(parameters, lr=10.0)

    def step(slope: torch.Tensor) -> None:
        def closure():
            optimizer.zero_grad()
            loss = (magnitudes() * slope).sum()
            loss.backward()
            if name == "SparseAdam":
                for parameter in parameters:
                    parameter.grad = parameter.grad.to_sparse()
            return loss

        if name == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()

    return step


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("name", [*NAMES, "ExponentiatedGradient"])
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6), st.integers(0, 99))
@settings(max_examples=3, deadline=None, derandomize=True)
def test_no_step_of_any_optimizer_makes_a_magnitude_negative_or_infinite(name, sign, weights, seed):
    magnitudes = Magnitudes(weights, copies=2, sign=sign, dtype=torch.float64)
    step = stepping(name, magnitudes)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(4):
        step(torch.randn(2, len(weights), generator=generator, dtype=torch.float64))
        assert bool((magnitudes() >= 0).all())
        assert bool(magnitudes().isfinite().all())


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_even_a_diverged_parameter_leaves_a_finite_magnitude(sign, bad):
    magnitudes = Magnitudes([1.0, 2.0], sign=sign)
    with torch.no_grad():
        magnitudes.raw[0, 0] = bad
    assert bool((magnitudes() >= 0).all() and magnitudes().isfinite().all())


@pytest.mark.parametrize("sign", SIGNS)
def test_magnitudes_start_at_the_reference_exactly_in_both_precisions(sign):
    weights = np.array([0.1, 123.456, 7e-3])
    assert Magnitudes(weights, 2, sign=sign, dtype=torch.float64)().tolist() == [weights.tolist()] * 2
    if sign != "softplus":  # whose start, ln(e − 1), is another number in another precision
        assert Magnitudes(weights, sign=sign).double()().tolist() == [weights.tolist()]
    assert (
        Magnitudes(weights, sign=sign)().detach().numpy()[0].tolist() == weights.astype(np.float32).tolist()
    )


def test_a_step_of_ln_2_doubles_a_magnitude():
    magnitudes = Magnitudes([3.0], dtype=torch.float64)
    with torch.no_grad():
        magnitudes.raw += np.log(2)
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


def test_an_unknown_sign_is_refused():
    with pytest.raises(InputError, match="expected a sign of exp, softplus, clamp, eg, relu; got 'square'"):
        Magnitudes([1.0], sign="square")


@pytest.mark.parametrize("sign", SIGNS)
def test_multiplying_by_a_factor_multiplies_the_magnitudes(sign):
    magnitudes = Magnitudes([3.0, 0.5], copies=2, sign=sign, dtype=torch.float64)
    magnitudes.multiply_(2.5)
    magnitudes.multiply_(torch.tensor([1.0, 4.0]))
    assert magnitudes().flatten().tolist() == pytest.approx([7.5, 5.0] * 2)


def after_a_step_too_far(sign: str) -> Magnitudes:
    """A weight of 2 under a slope that takes it to −6 at once, then one that wants it to grow."""
    magnitudes = Magnitudes([2.0], sign=sign, dtype=torch.float64)
    optimizer = torch.optim.SGD(magnitudes.parameters(), lr=1.0)
    for slope in (2.0, -0.5):  # by raw, which is half the weight: 1 − 4 = −3, then + 1
        optimizer.zero_grad()
        (magnitudes() * slope).sum().backward()
        optimizer.step()
    return magnitudes


def test_a_projected_weight_comes_back_from_zero_and_one_behind_a_relu_does_not():
    assert after_a_step_too_far("clamp")().item() == pytest.approx(2.0)
    assert after_a_step_too_far("relu")().item() == 0.0


def test_projection_after_each_step_needs_no_forward_pass():
    magnitudes = Magnitudes([2.0], sign="clamp")
    optimizer = torch.optim.SGD(magnitudes.parameters(), lr=1.0)
    handle = project_after(optimizer, magnitudes)
    (magnitudes() * 5).sum().backward()
    optimizer.step()
    assert magnitudes.raw.item() == 0.0
    handle.remove()
    optimizer.step()
    assert magnitudes.raw.item() < 0.0
