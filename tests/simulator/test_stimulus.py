import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from evocircuits.errors import InputError
from evocircuits.simulator import Spikes, Stimulus


def test_a_dense_stimulus_is_a_spike_at_k_times_dt():
    dense = np.zeros((50, 2, 3))
    dense[7, 1, 2] = dense[0, 0, 1] = 1
    stimulus = Stimulus.from_dense({"a": dense}, dt_ms=0.2)
    assert (stimulus.n_trials, stimulus.duration_ms) == (2, pytest.approx(10.0))
    spikes = stimulus.spikes["a"]
    assert spikes.time_ms == pytest.approx([0.0, 1.4])
    assert (spikes.trial.tolist(), spikes.channel.tolist()) == ([0, 1], [1, 2])


def test_without_graded_values_and_currents_there_are_none():
    stimulus = Stimulus(1, 5.0)
    assert (stimulus.spikes, stimulus.graded, stimulus.current_pA) == ({}, {}, None)


def test_a_port_may_carry_spikes_and_graded_values():
    values = np.arange(8.0).reshape(4, 2, 1)
    stimulus = Stimulus(2, 10.0, {"in": Spikes([0.5], [1], [0])}, graded={"in": values, "other": values[:1]})
    assert len(stimulus.spikes["in"].time_ms) == 1
    assert np.array_equal(stimulus.graded["in"], values)
    assert stimulus.graded["other"].shape == (1, 2, 1)


def test_currents_may_have_either_sign_and_bins_of_their_own():
    current = np.array([[[-3.0, 4.0, 0.0]]])
    stimulus = Stimulus(1, 10.0, graded={"in": np.ones((5, 1, 2))}, current_pA=current)
    assert np.array_equal(stimulus.current_pA, current)


def test_graded_values_and_currents_are_kept_as_contiguous_floats():
    turned = np.arange(12).reshape(2, 2, 3).T  # whole numbers, in another order in memory
    graded = {"in": turned, "list": [[[1], [0]]]}
    stimulus = Stimulus(2, 10.0, graded=graded, current_pA=turned)
    for array in (*stimulus.graded.values(), stimulus.current_pA):
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
    assert np.array_equal(stimulus.graded["in"], turned)
    assert np.array_equal(stimulus.current_pA, turned)
    assert graded["in"] is turned


def test_what_the_caller_does_afterwards_changes_nothing():
    time_ms, trial, channel = np.array([0.5, 1.5]), np.array([0, 1]), np.array([2, 0])
    values, current = np.ones((4, 2, 1)), np.ones((1, 2, 3))
    events = Spikes(time_ms, trial, channel)
    spikes, graded = {"in": events}, {"in": values}
    stimulus = Stimulus(2, 10.0, spikes, graded, current)
    for array in (time_ms, trial, channel, values, current):
        array += 7
    spikes.clear()
    graded["other"] = values
    assert stimulus.spikes == {"in": events}
    assert events.time_ms.tolist() == [0.5, 1.5]
    assert (events.trial.tolist(), events.channel.tolist()) == ([0, 1], [2, 0])
    assert list(stimulus.graded) == ["in"]
    assert (stimulus.graded["in"] == 1).all()
    assert (stimulus.current_pA == 1).all()


def whole() -> Stimulus:
    current = np.arange(6.0).reshape(1, 2, 3)
    return Stimulus(2, 10.0, {"in": SPIKES}, {"in": np.ones((4, 2, 1))}, current)


@pytest.mark.parametrize(
    "made",
    [
        whole,
        lambda: replace(whole(), duration_ms=5.0),
        lambda: copy.deepcopy(whole()),
        lambda: pickle.loads(pickle.dumps(whole())),
    ],
)
def test_a_stimulus_and_its_copies_cannot_be_changed(made):
    stimulus, spikes = made(), made().spikes["in"]
    assert stimulus.current_pA.tolist() == [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]
    assert spikes.time_ms.tolist() == [0.5]
    arrays = (spikes.time_ms, spikes.trial, spikes.channel, stimulus.graded["in"], stimulus.current_pA)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    for ports in (stimulus.spikes, stimulus.graded):
        with pytest.raises(TypeError):
            ports["in"] = None


def test_numbers_are_kept_as_plain_ones():
    stimulus = Stimulus(np.int32(2), np.float32(0.5))
    assert (type(stimulus.n_trials), type(stimulus.duration_ms)) == (int, float)
    assert (stimulus.n_trials, stimulus.duration_ms) == (2, 0.5)


def test_dense_spikes_may_be_truth_values_numbers_or_lists():
    dense = np.array([[[1, 0]], [[0, 0]], [[1, 1]]])
    for given in (dense, dense.astype(bool), dense.astype(np.float32), dense.tolist()):
        spikes = Stimulus.from_dense({"a": given}, dt_ms=0.5).spikes["a"]
        assert (spikes.time_ms.tolist(), spikes.channel.tolist()) == ([0.0, 1.0, 1.0], [0, 0, 1])


ONE = np.ones((3, 2, 4))
SPIKES = Spikes([0.5], [0], [0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Spikes([1.0, 2.0], [0], [0]),
            "Spikes: expected time_ms, trial and channel of one length; got [2, 1, 1]",
        ),
        (
            lambda: Spikes([2.0, -1.0], [0, 0], [0, 0]),
            "Spikes.time_ms: expected finite numbers ≥ 0; got -1.0",
        ),
        (lambda: Spikes([np.nan], [0], [0]), "Spikes.time_ms: expected finite numbers ≥ 0; got nan"),
        (lambda: Spikes([[1.0]], [0], [0]), "Spikes.time_ms: expected float[spikes]; got shape (1, 1)"),
        (lambda: Spikes([1.0], [[0]], [0]), "Spikes.trial: expected int[spikes]; got shape (1, 1)"),
        (lambda: Spikes([1.0], [0], [0.5]), "Spikes.channel: expected whole numbers; got [0.5]"),
        (lambda: Spikes([1.0], ["a"], [0]), "Spikes.trial: expected whole numbers; got ['a']"),
        (lambda: Spikes([1.0], [True], [0]), "Spikes.trial: expected whole numbers; got [True]"),
        (lambda: Stimulus(0, 1.0), "Stimulus.n_trials: expected a whole number ≥ 1; got 0"),
        (lambda: Stimulus(2.0, 20.0), "Stimulus.n_trials: expected a whole number ≥ 1; got 2.0"),
        (lambda: Stimulus("2", 20.0), "Stimulus.n_trials: expected a whole number ≥ 1; got '2'"),
        (lambda: Stimulus(True, 20.0), "Stimulus.n_trials: expected a whole number ≥ 1; got True"),
        (lambda: Stimulus(1, 0.0), "Stimulus.duration_ms: expected a finite number > 0; got 0.0"),
        (lambda: Stimulus(1, np.nan), "Stimulus.duration_ms: expected a finite number > 0; got nan"),
        (lambda: Stimulus(1, np.inf), "Stimulus.duration_ms: expected a finite number > 0; got inf"),
        (lambda: Stimulus(1, None), "Stimulus.duration_ms: expected a finite number > 0; got None"),
        (lambda: Stimulus(1, "5"), "Stimulus.duration_ms: expected a finite number > 0; got '5'"),
        (lambda: Stimulus(1, 5.0, [SPIKES]), "Stimulus.spikes: expected a dictionary by port name; got [Sp"),
        (lambda: Stimulus(1, 5.0, SPIKES), "Stimulus.spikes: expected a dictionary by port name; got Spi"),
        (
            lambda: Stimulus(1, 5.0, {0: SPIKES}),
            "Stimulus.spikes: expected a dictionary by port name; got {0:",
        ),
        (lambda: Stimulus(1, 5.0, {"in": [0.5]}), "Stimulus.spikes['in']: expected Spikes; got [0.5]"),
        (lambda: Stimulus(1, 5.0, {"in": None}), "Stimulus.spikes['in']: expected Spikes; got None"),
        (
            lambda: Stimulus(1, 5.0, graded=[[[1.0]]]),
            "Stimulus.graded: expected a dictionary by port name; got [[[1.0]]]",
        ),
        (
            lambda: Stimulus(2, 1.0, {"in": Spikes([0.5, 0.5], [2, 1], [0, 0])}),
            "Stimulus.spikes['in']: expected trials 0…1; got 1…2",
        ),
        (
            lambda: Stimulus(2, 1.0, {"in": Spikes([0.5], [-1], [0])}),
            "Stimulus.spikes['in']: expected trials 0…1; got -1…-1",
        ),
        (
            lambda: Stimulus(2, 1.0, graded={"in": ONE[0]}),
            "Stimulus.graded['in']: expected float[bins, trials, channels]; got shape (2, 4)",
        ),
        (
            lambda: Stimulus(3, 1.0, graded={"in": ONE}),
            "Stimulus.graded['in']: expected float[bins ≥ 1, trials = 3, channels]; got shape (3, 2, 4)",
        ),
        (
            lambda: Stimulus(2, 1.0, graded={"in": ONE[:0]}),
            "expected float[bins ≥ 1, trials = 2, channels]; got shape (0, 2, 4)",
        ),
        (
            lambda: Stimulus(2, 1.0, graded={"ok": ONE, "in": -0.5 * ONE}),
            "Stimulus.graded['in']: expected finite numbers ≥ 0; got -0.5",
        ),
        (lambda: Stimulus(2, 1.0, graded={"in": ONE * np.nan}), "expected finite numbers ≥ 0; got nan"),
        (lambda: Stimulus(2, 1.0, graded={"in": ONE * np.inf}), "expected finite numbers ≥ 0; got inf"),
        (
            lambda: Stimulus(2, 1.0, graded={"in": "loud"}),
            "Stimulus.graded['in']: expected float[bins, trials, channels]; got 'loud'",
        ),
        (
            lambda: Stimulus(2, 1.0, current_pA=np.ones(4)),
            "Stimulus.current_pA: expected float[bins, trials, neurons]; got shape (4,)",
        ),
        (
            lambda: Stimulus(1, 1.0, current_pA=ONE),
            "Stimulus.current_pA: expected float[bins ≥ 1, trials = 1, neurons]; got shape (3, 2, 4)",
        ),
        (
            lambda: Stimulus(2, 1.0, current_pA=-np.inf * ONE),
            "Stimulus.current_pA: expected finite numbers; got -inf",
        ),
        (lambda: Stimulus(2, 1.0, current_pA=np.nan * ONE), "expected finite numbers; got nan"),
        (
            lambda: Stimulus.from_dense({"a": np.zeros((3, 1, 1)), "b": np.zeros((3, 2, 1))}, dt_ms=1.0),
            "expected one (steps, trials) for all ports; got [(3, 1), (3, 2)]",
        ),
        (
            lambda: Stimulus.from_dense({"a": np.zeros((3, 1))}, dt_ms=1.0),
            "port 'a': expected [steps, trials, channels]; got shape (3, 1)",
        ),
        (
            lambda: Stimulus.from_dense({"a": [[[0], [1, 0]]]}, dt_ms=1.0),
            "port 'a': expected [steps, trials, channels]; got [[[0], [1, 0]]]",
        ),
        (
            lambda: Stimulus.from_dense({"a": np.zeros((0, 1, 1))}, dt_ms=1.0),
            "port 'a': expected ≥ 1 step and ≥ 1 trial; got shape (0, 1, 1)",
        ),
        (
            lambda: Stimulus.from_dense([[[1]]], dt_ms=1.0),
            "Stimulus.from_dense: spikes: expected a dictionary by port name; got [[[1]]]",
        ),
        (
            lambda: Stimulus.from_dense(ONE, dt_ms=1.0),
            "Stimulus.from_dense: spikes: expected a dictionary by port name; got array(",
        ),
        (
            lambda: Stimulus.from_dense({}, dt_ms=1.0),
            "Stimulus.from_dense: spikes: expected ≥ 1 port; got none",
        ),
        (
            lambda: Stimulus.from_dense({"a": ONE, "b": 2 * ONE}, dt_ms=1.0),
            "Stimulus.from_dense: port 'b': expected entries 0 and 1; got 2.0",
        ),
        (
            lambda: Stimulus.from_dense({"a": ONE * np.nan}, dt_ms=1.0),
            "Stimulus.from_dense: port 'a': expected entries 0 and 1; got nan",
        ),
        (
            lambda: Stimulus.from_dense({"a": ONE}, dt_ms=0.0),
            "Stimulus.from_dense: dt_ms: expected a finite number > 0; got 0.0",
        ),
        (
            lambda: Stimulus.from_dense({"a": ONE}, dt_ms=None),
            "Stimulus.from_dense: dt_ms: expected a finite number > 0; got None",
        ),
        (
            lambda: Stimulus.from_dense({"a": ONE}, dt_ms=1e308),
            "Stimulus.from_dense: steps × dt_ms: expected a finite number > 0; got inf",
        ),
    ],
)
def test_a_wrong_stimulus_is_one_clear_line(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert message in str(error.value)
    assert "\n" not in str(error.value)
