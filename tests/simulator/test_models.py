"""Propagators against values calculated by hand."""

from math import exp, log

import numpy as np
import pytest

from evocircuits.circuit import MODELS, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator.models import (
    DRIVE,
    P11_EX,
    P11_IN,
    P20,
    P21_EX,
    P21_IN,
    P22,
    REFRACTORY_STEPS,
    RESET,
    THRESHOLD,
    propagators,
    steps_of,
)
from tests.simulator.circuits import equal_neurons


def neuron(**changes: float | str) -> Circuit:
    """One neuron for which a step of ln 2 ms halves what decays with 1 ms."""
    constants = {
        "tau_m_ms": 2.0,
        "c_m_pF": 100.0,
        "threshold_mV": 15.0,
        "reset_mV": -3.0,
        "t_ref_ms": 7 * log(2),
        "bias_pA": 50.0,
        "tau_syn_ex_ms": 1.0,
        "tau_syn_in_ms": 0.5,
    }
    model = changes.pop("model", MODELS[0])
    return equal_neurons(**{name: [value] for name, value in (constants | changes).items()}, model=model)


def test_propagators_over_a_step_of_ln_2():
    (row,) = propagators(neuron(), log(2))
    assert row[P11_EX] == pytest.approx(1 / 2)
    assert row[P11_IN] == pytest.approx(1 / 4)
    assert row[P22] == pytest.approx(1 / 2**0.5)
    # τm τs / (C (τm − τs)) (e^{−h/τm} − e^{−h/τs}): 2 · 1 / 100 and 1 / 150
    assert row[P21_EX] == pytest.approx(0.02 * (0.5**0.5 - 0.5))
    assert row[P21_IN] == pytest.approx(1 / 150 * (0.5**0.5 - 0.25))
    assert row[DRIVE] == pytest.approx(1.0 * (1 - 0.5**0.5))  # 50 pA × 2 ms / 100 pF = 1 mV at rest
    assert (row[THRESHOLD], row[RESET], row[REFRACTORY_STEPS]) == (15, -3, 7)


def test_the_membrane_of_both_models_has_the_same_propagators():
    exponential, delta = (propagators(neuron(model=model), log(2))[0] for model in MODELS)
    for column in (P22, P20, DRIVE, THRESHOLD, RESET, REFRACTORY_STEPS):
        assert exponential[column] == delta[column]
    assert delta[P20] == pytest.approx(2 / 100 * (1 - 0.5**0.5))  # mV for 1 pA


def test_equal_time_constants_have_the_limit_h_over_c():
    (row,) = propagators(neuron(tau_syn_ex_ms=2.0), 0.1)
    assert row[P21_EX] == pytest.approx(0.1 / 100 * exp(-0.1 / 2), rel=1e-14)


@pytest.mark.parametrize("tau_m_ms", [1e-2, 1e-4, 1e-300])
def test_a_membrane_much_faster_than_the_step_follows_its_current(tau_m_ms):
    (row,) = propagators(neuron(tau_m_ms=tau_m_ms), 1.0)
    # with e^{−h/τm} = 0: τm τs / (C (τs − τm)) e^{−h/τs}
    expected = tau_m_ms / 100 / (1 - tau_m_ms) * exp(-1.0)
    assert row[P21_EX] == pytest.approx(expected, rel=1e-9, abs=0)
    assert (row[P22], row[DRIVE]) == pytest.approx((0, 50 * tau_m_ms / 100))


@pytest.mark.parametrize("apart", [1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15])
def test_nearly_equal_time_constants_stay_exact(apart):
    (row,) = propagators(neuron(tau_syn_ex_ms=2.0 * (1 + apart)), 0.1)
    # e^{−h/τm} h / C (1 − hδ/2 + …) with δ = 1/τs − 1/τm
    h_delta = 0.1 / 2 * (1 / (1 + apart) - 1)
    series = 0.1 / 100 * exp(-0.1 / 2) * (1 - h_delta / 2 + h_delta**2 / 6)
    assert row[P21_EX] == pytest.approx(series, rel=1e-9)


def test_two_half_steps_make_one_step():
    half, whole = propagators(neuron(), 0.5)[0], propagators(neuron(), 1.0)[0]
    assert half[P22] ** 2 == pytest.approx(whole[P22])
    assert half[P21_EX] * half[P22] + half[P11_EX] * half[P21_EX] == pytest.approx(whole[P21_EX])
    assert half[DRIVE] * (1 + half[P22]) == pytest.approx(whole[DRIVE])


@pytest.mark.parametrize("model", MODELS)
def test_a_slower_circuit_on_a_slower_grid_has_the_same_propagators_for_voltage(model):
    one = neuron(model=model)
    fast, slow = propagators(one, 0.1)[0], propagators(one.scaled(50.0), 5.0)[0]
    np.testing.assert_allclose(slow, fast, rtol=1e-12)


def test_steps_round_to_the_nearest():
    assert steps_of([0.0, 0.14, 0.16, 0.3, 25.0], 0.1).tolist() == [0, 1, 2, 3, 250]


@pytest.mark.parametrize("dt_ms", [0.0, -0.1, float("nan"), float("inf")])
def test_a_time_step_must_be_positive(dt_ms):
    with pytest.raises(InputError, match=r"^dt_ms: expected a time step > 0; got"):
        propagators(neuron(), dt_ms)
