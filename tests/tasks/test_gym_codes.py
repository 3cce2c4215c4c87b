"""Observations as spikes and spikes as actions, by hand-calculated times and numbers."""

import numpy as np
import pytest
from gymnasium import spaces

from evocircuits.errors import InputError
from evocircuits.tasks.gym_codes import decoder_of, encoder_of

INF = np.inf


def box(low, high, dtype=np.float32) -> spaces.Box:
    return spaces.Box(np.array(low, dtype), np.array(high, dtype), dtype=dtype)


def told(encoder, *observations) -> dict[str, list[tuple[float, int, int]]]:
    """By port, the time, trial and channel of each spike; the first observation is for trial 10."""
    rows = np.array(observations)
    spikes = encoder.spikes(rows, 10 + np.arange(len(rows)))
    return {
        port: sorted(zip(s.time_ms.round(2), s.trial, s.channel, strict=True)) for port, s in spikes.items()
    }


class TestNumbers:
    def test_spike_first_at_the_nearest_preferred_value(self):
        encoder = encoder_of(box([-1], [1]))
        assert [(port.name, port.size) for port in encoder.ports] == [("observation_0", 5)]
        # 16 ms × (1 − exp(−1/2)) one preferred value away, × (1 − exp(−2)) two away; exp(−9/2) is less than .1
        near, far = 6.3, 13.83
        assert told(encoder, [0.0], [-1.0]) == {
            "observation_0": [
                (0.0, 10, 2),
                (0.0, 11, 0),
                (near, 10, 1),
                (near, 10, 3),
                (near, 11, 1),
                (far, 10, 0),
                (far, 10, 4),
                (far, 11, 2),
            ]
        }

    def test_between_two_preferred_values_both_are_as_late(self):
        [(port, spikes)] = told(encoder_of(box([0], [4])), [0.5]).items()
        assert port == "observation_0"
        assert [(time, channel) for time, _, channel in spikes] == [(1.88, 0), (1.88, 1), (10.81, 2)]

    @pytest.mark.parametrize(
        ("low", "high", "value", "place"),
        [
            (-1, 1, 0.5, 0.75),
            (-1, 1, 7, 1.0),
            (-INF, INF, 0, 0.5),
            (-INF, INF, 1, 0.75),
            (-INF, INF, -3, 0.125),
            (2, INF, 3, 0.5),
            (2, INF, INF, 1.0),
            (-INF, 2, 1, 0.5),
            (-INF, 2, 2, 1.0),
            (3, 3, 3, 0.0),
            (-INF, INF, np.nan, 0.5),
        ],
    )
    def test_have_a_place_in_any_range(self, low, high, value, place):
        encoder = encoder_of(box([low], [high]))
        assert encoder._places(np.array([[value]], float)) == pytest.approx(np.array([[place]]))

    def test_of_any_shape_have_a_port_each(self):
        encoder = encoder_of(spaces.Box(0, 1, (2, 3)))
        observation = np.linspace(0, 1, 6).reshape(2, 3)
        first = [spikes[0] for spikes in told(encoder, observation).values()]
        assert [channel for _, _, channel in first] == [0, 1, 2, 2, 3, 4]


def test_a_choice_is_told_by_one_spike():
    encoder = encoder_of(spaces.Discrete(4, start=-1))
    assert told(encoder, -1, 2) == {"observation": [(0.0, 10, 0), (0.0, 11, 3)]}


def test_the_action_is_the_output_that_spikes_most_and_in_a_tie_what_it_was():
    decoder = decoder_of(spaces.Discrete(3, start=5))
    assert decoder.first(2).tolist() == [5, 5]
    counts = np.array([[0, 2, 1], [0, 0, 0], [1, 3, 3], [4, 0, 4]])
    assert decoder.actions(counts, np.array([5, 6, 7, 6])).tolist() == [6, 6, 7, 5]


def test_numbers_are_the_mean_preferred_value_and_in_silence_what_they_were():
    decoder = decoder_of(box([-2, 0], [2, 1]))
    first = decoder.first(2)
    assert first.tolist() == [[0, 0.5], [0, 0.5]]
    assert first.dtype == np.float32
    counts = np.array([[0, 0, 0, 1, 1, 0, 0, 0, 0, 0], [3, 0, 1, 0, 0, 0, 0, 0, 0, 7]])
    assert decoder.actions(counts, first).tolist() == [[1.5, 0.5], [-1.5, 1.0]]


@pytest.mark.parametrize("space", [spaces.Discrete(3, start=2), spaces.Box(-0.1, 0.3, (2, 2), np.float32)])
def test_all_actions_are_the_spaces_own(space):
    rng, decoder = np.random.default_rng(0), decoder_of(space)
    actions = decoder.first(50)
    for _ in range(5):
        counts = rng.poisson(0.5, (50, sum(port.size for port in decoder.ports)))
        actions = decoder.actions(counts, actions)
        for action in (*actions, *decoder.drawn(rng, 50)):
            assert space.contains(action if space.shape else np.int64(action))


@pytest.mark.parametrize(
    ("of", "space", "said"),
    [
        (encoder_of, spaces.Box(0, 255, (84, 84, 3), np.uint8), r"observation space: expected a Box of at most"),
        (encoder_of, spaces.Dict(a=spaces.Discrete(2)), r"observation space: .* got Dict\('a': Discrete\(2\)\)"),
        (decoder_of, spaces.MultiDiscrete([2, 2]), r"action space: expected Discrete .* got MultiDiscrete\(\[2 2\]\)"),
        (decoder_of, spaces.Box(-INF, 1, (2,)), "with bounds; got Box"),
        (decoder_of, spaces.Box(0, 9, (1,), np.int8), "real numbers with bounds; got Box"),
    ],
)  # fmt: skip
def test_other_spaces_are_refused_in_one_line(of, space, said):
    with pytest.raises(InputError, match=said) as refusal:
        of(space)
    assert "\n" not in str(refusal.value)
