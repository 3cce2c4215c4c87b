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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spikes([1.0, 2.0], [0], [0]), "expected time_ms, trial and channel of one length"),
        (lambda: Spikes([-1.0], [0], [0]), "expected finite times ≥ 0"),
        (lambda: Spikes([np.nan], [0], [0]), "expected finite times ≥ 0"),
        (lambda: Stimulus(0, 1.0), "expected ≥ 1 trial"),
        (lambda: Stimulus(1, 0.0), "a duration > 0"),
        (lambda: Stimulus(1, np.nan), "a duration > 0"),
        (lambda: Stimulus(2, 1.0, {"in": Spikes([0.5], [2], [0])}), "expected trials 0…1"),
        (
            lambda: Stimulus.from_dense({"a": np.zeros((3, 1, 1)), "b": np.zeros((3, 2, 1))}, dt_ms=1.0),
            "one (steps, trials)",
        ),
    ],
)
def test_a_wrong_stimulus_is_one_clear_line(make, message):
    with pytest.raises(InputError) as error:
        make()
    assert message in str(error.value)
    assert "\n" not in str(error.value)
