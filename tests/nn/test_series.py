import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.nn import mackey_glass, series, smape


def by_euler(n: int, tau: float, spacing: float, start: float) -> np.ndarray:
    """The same equation in a hundred times smaller steps of the simplest method."""
    h = 0.001
    late, every, first = round(tau / h), round(spacing / h), round(series.TRANSIENT / h)
    x = [start] * (late + 1)
    for _ in range(first + (n - 1) * every + every):
        delayed = x[-1 - late]
        x.append(x[-1] + h * (0.2 * delayed / (1 + delayed**10) - 0.1 * x[-1]))
    return np.array(x[late + 1 :][first + every - 1 :: every])


def test_it_is_the_equations_solution(monkeypatch):
    """Over 10 time constants from the start, before chaos tells the methods apart."""
    monkeypatch.setattr(series, "TRANSIENT", 1.0)
    ours = mackey_glass(40, spacing=2.5)
    np.testing.assert_allclose(ours, by_euler(40, 17.0, 2.5, 1.2), atol=5e-3)
    assert np.ptp(ours) > 0.3


def test_a_finer_step_changes_little(monkeypatch):
    monkeypatch.setattr(series, "TRANSIENT", 50.0)
    coarse = mackey_glass(8, spacing=5.0)
    monkeypatch.setattr(series, "STEP", 0.025)
    np.testing.assert_allclose(coarse, mackey_glass(8, spacing=5.0), atol=1e-4)


def test_it_is_bounded_and_does_not_repeat_itself():
    x = mackey_glass(750)
    assert 0.2 < x.min() < 0.6 < 1.2 < x.max() < 1.45
    near = np.abs(x[:600, None] - np.lib.stride_tricks.sliding_window_view(x, 600).T).max(0)
    assert near[1:].min() > 0.1


def test_the_error_computed_by_hand():
    """Of 1 for 3: 200 × 2 / 4; of 2 for 2 and of 0 for 0 nothing."""
    assert smape([1.0, 2.0, 0.0], [3.0, 2.0, 0.0]) == pytest.approx(100 / 3)
    assert smape([1.0], [-1.0]) == pytest.approx(200)


def test_wrong_requests_are_refused():
    with pytest.raises(InputError, match=r"tau: expected a multiple of 0\.1; got 17\.05"):
        mackey_glass(5, tau=17.05)
    with pytest.raises(InputError, match="n: expected a whole number ≥ 1"):
        mackey_glass(0)
    with pytest.raises(InputError, match="as many values of each"):
        smape([1.0], [1.0, 2.0])
