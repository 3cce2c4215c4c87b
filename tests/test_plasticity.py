"""Rules of plasticity: domains, change of time scale, and plain dictionaries."""

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.plasticity import RULES, ShortTerm, SpikeTiming, from_dict, kind_of, to_dict

positive = st.floats(1e-6, 1e6)
short_terms = st.builds(ShortTerm, st.floats(1e-6, 1), positive, st.just(0.0) | positive)
spike_timings = st.builds(SpikeTiming, *[positive] * len(fields(SpikeTiming)))


@pytest.mark.parametrize(
    ("rule", "values", "message"),
    [
        (ShortTerm, {"utilisation": 0.0}, "utilisation: expected a share in (0, 1]; got 0.0"),
        (ShortTerm, {"utilisation": 1.5}, "utilisation: expected a share in (0, 1]; got 1.5"),
        (ShortTerm, {"tau_rec_ms": 0}, "tau_rec_ms: expected a time constant > 0; got 0.0"),
        (ShortTerm, {"tau_fac_ms": -1.0}, "tau_fac_ms: expected a time constant ≥ 0; got -1.0"),
        (ShortTerm, {"tau_rec_ms": float("nan")}, "tau_rec_ms: expected a finite number; got nan"),
        (ShortTerm, {"tau_fac_ms": float("inf")}, "tau_fac_ms: expected a finite number; got inf"),
        (ShortTerm, {"tau_fac_ms": 10**400}, "tau_fac_ms: expected a finite number; got 1000"),
        (ShortTerm, {"tau_fac_ms": np.float32("inf")}, "tau_fac_ms: expected a finite number; got"),
        (ShortTerm, {"utilisation": "half"}, "utilisation: expected a finite number; got 'half'"),
        (ShortTerm, {"utilisation": True}, "utilisation: expected a finite number; got True"),
        (ShortTerm, {"utilisation": None}, "utilisation: expected a finite number; got None"),
        (ShortTerm, {"utilisation": [0.5]}, "utilisation: expected a finite number; got [0.5]"),
        (SpikeTiming, {"max_weight": 0.0}, "max_weight: expected a value > 0; got 0.0"),
        (SpikeTiming, {"tau_plus_ms": 0.0}, "tau_plus_ms: expected a value > 0; got 0.0"),
        (SpikeTiming, {"tau_minus_ms": -20.0}, "tau_minus_ms: expected a value > 0; got -20.0"),
        (SpikeTiming, {"learning_rate": -0.1}, "learning_rate: expected a value ≥ 0; got -0.1"),
        (SpikeTiming, {"alpha": -1}, "alpha: expected a value ≥ 0; got -1.0"),
        (SpikeTiming, {"mu_plus": -0.5}, "mu_plus: expected a value ≥ 0; got -0.5"),
        (SpikeTiming, {"mu_minus": float("nan")}, "mu_minus: expected a finite number; got nan"),
    ],
)
def test_a_value_out_of_its_domain_is_one_clear_line(rule, values, message):
    with pytest.raises(InputError) as error:
        rule(**({"max_weight": 1.0} if rule is SpikeTiming else {}) | values)
    assert str(error.value).startswith(f"{rule.__name__}.{message}")
    assert "\n" not in str(error.value)


def test_the_ends_of_the_domains_are_allowed():
    assert ShortTerm(utilisation=1, tau_fac_ms=0).utilisation == 1.0
    silent = SpikeTiming(1.0, learning_rate=0, alpha=0, mu_plus=0, mu_minus=0)
    assert (silent.learning_rate, silent.mu_plus) == (0.0, 0.0)


def test_equal_numbers_make_equal_rules_with_one_text():
    given_otherwise = ShortTerm(np.float32(0.5), 800, -0.0)
    assert given_otherwise == ShortTerm(0.5, 800.0, 0.0)
    assert hash(given_otherwise) == hash(ShortTerm(0.5, 800.0, 0.0))
    assert json.dumps(to_dict(given_otherwise)) == json.dumps(to_dict(ShortTerm(0.5, 800.0, 0.0)))
    with pytest.raises(FrozenInstanceError):
        given_otherwise.utilisation = 0.1


@given(short_terms, st.floats(0.01, 100), st.floats(0.01, 100))
def test_scaling_a_short_term_rule_multiplies_its_times(rule, time_scale, weight_scale):
    expected = replace(rule, tau_rec_ms=time_scale * rule.tau_rec_ms, tau_fac_ms=time_scale * rule.tau_fac_ms)
    assert rule.scaled(time_scale) == rule.scaled(time_scale, weight_scale) == expected


@given(spike_timings, st.floats(0.01, 100), st.floats(0.01, 100))
def test_scaling_a_spike_timing_rule_multiplies_its_times_and_where_asked_its_bound(
    rule, time_scale, weight_scale
):
    times = {name: time_scale * getattr(rule, name) for name in ("tau_plus_ms", "tau_minus_ms")}
    assert rule.scaled(time_scale) == replace(rule, **times)
    bound = weight_scale * rule.max_weight
    assert rule.scaled(time_scale, weight_scale) == replace(rule, max_weight=bound, **times)


@given(short_terms | spike_timings)
def test_json_and_back_is_the_same_rule(rule):
    assert from_dict(json.loads(json.dumps(to_dict(rule)))) == rule


def test_a_dictionary_names_the_kind_of_its_rule():
    expected = {"rule": "short_term", "utilisation": 0.2, "tau_rec_ms": 100.0, "tau_fac_ms": 50.0}
    assert to_dict(ShortTerm(0.2, 100.0, 50.0)) == expected
    assert [kind_of(ShortTerm()), kind_of(SpikeTiming(1.0))] == list(RULES)


def test_reading_leaves_the_dictionary_as_it_was_and_fills_in_defaults():
    data = {"rule": "short_term", "utilisation": 0.2}
    assert from_dict(data) == ShortTerm(utilisation=0.2)
    assert data == {"rule": "short_term", "utilisation": 0.2}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "plasticity.rule: expected one of short_term, spike_timing; got None"),
        ({"rule": "hebb"}, "plasticity.rule: expected one of short_term, spike_timing; got 'hebb'"),
        ({"rule": ["short_term"]}, "plasticity.rule: expected one of short_term, spike_timing; got ["),
        ({"rule": "a\nb"}, "plasticity.rule: expected one of short_term, spike_timing; got 'a\\nb'"),
        (None, "plasticity: expected a dictionary that names its rule; got None"),
        ("short_term", "plasticity: expected a dictionary that names its rule; got 'short_term'"),
        ([1], "plasticity: expected a dictionary that names its rule; got [1]"),
        (
            {"rule": "short_term", "colour\n": 1},
            "ShortTerm: expected fields among utilisation, tau_rec_ms, tau_fac_ms; got 'colour\\n'",
        ),
        (
            {"rule": "short_term", "max_weight": 1.0},
            "ShortTerm: expected fields among utilisation, tau_rec_ms, tau_fac_ms; got 'max_weight'",
        ),
        ({"rule": "spike_timing"}, "SpikeTiming.max_weight: expected a finite number; got none"),
        ({"rule": "short_term", "tau_rec_ms": 0}, "ShortTerm.tau_rec_ms: expected a time constant > 0; got"),
        ({"rule": "short_term", 3: 0}, "ShortTerm: expected fields among utilisation"),
    ],
)
def test_a_malformed_dictionary_is_one_clear_line(data, message):
    with pytest.raises(InputError) as error:
        from_dict(data)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
