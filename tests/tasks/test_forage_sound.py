import numpy as np
import pytest

from evocircuits.tasks.forage_sound import Clicks, heard_by, noise_of, path_to_ear

SOUND_m_per_ms = 0.343


def clicks(*origins_m: tuple[float, float], time_ms: float = 0.0, body: int = 0) -> Clicks:
    n = len(origins_m)
    return Clicks.begun(np.full(n, body), np.array(origins_m), np.full(n, time_ms), noise_of(None, n))


def heard(under_way: Clicks, *, alive: tuple[bool, ...] = (True,), time_ms: float = 0.0):
    """By bodies in the middle, heading along x."""
    n = len(alive)
    return heard_by(np.zeros((n, 2)), np.zeros(n), np.array(alive), under_way, time_ms, dt_ms=0.05)


def test_sound_goes_straight_or_round_the_head():
    paths = [
        path_to_ear(angle, distance_m) for angle, distance_m in ((0.0, 2.0), (np.pi / 3, 0.2), (np.pi, 0.2))
    ]
    path_m, arc = zip(*paths, strict=True)
    assert path_m == pytest.approx([1.9, 0.1 * 3**0.5, 0.1 * 3**0.5 + 0.1 * 2 * np.pi / 3])
    assert arc == pytest.approx([0, 0, 2 * np.pi / 3], abs=1e-9)
    turned_m = [path_to_ear(angle, 1.0)[0] for angle in (0.3, -0.3, 2 * np.pi - 0.3)]
    assert turned_m == pytest.approx([turned_m[0]] * 3)


@pytest.mark.parametrize("azimuth", [0.0, 0.2, 0.8, 1.5])
def test_far_sources_differ_in_travel_time_as_woodworth_says(azimuth):
    left_m, right_m = (path_to_ear(azimuth + side * np.pi / 2, 1e5)[0] for side in (1, -1))
    assert left_m - right_m == pytest.approx(0.1 * (azimuth + np.sin(azimuth)), abs=1e-6)


def test_a_click_arrives_at_each_ear_once_in_the_step_in_which_it_gets_there():
    """1.5 m to the left: 4.1 ms to the near ear, 4.8 ms to the far one."""
    under_way, first = heard(clicks((0.0, 1.5), time_ms=15.5))
    assert first.time_ms[first.channel == 0] == pytest.approx([15.5 + 1.4 / SOUND_m_per_ms])
    assert set(first.channel // 6) == {0}
    assert under_way.due.tolist() == [[False, True]]
    under_way, second = heard(under_way, time_ms=20.0)
    assert set(second.channel // 6) == {1}
    assert len(under_way.life) == 0


def test_noise_raises_levels_and_shifts_times_of_its_own_ear_and_fibre():
    quiet, noisy = clicks((0.0, 1.1)), clicks((0.0, 1.1))
    noisy.noise[0, 0, 0, 4], noisy.noise[0, 1, 0, 2] = 1.5, -3.0
    _, before = heard(quiet)
    _, after = heard(noisy)
    assert before.channel.tolist() == [0, 1, 2, 3, 6]
    assert after.channel.tolist() == [0, 1, 2, 3, 4, 6]
    assert after.time_ms[2] == pytest.approx(before.time_ms[2] - 0.15)


def test_nothing_travels_to_the_dead():
    under_way, spikes = heard(clicks((0.0, 9.0), body=1), alive=(True, False))
    assert (len(under_way.life), len(spikes.time_ms)) == (0, 0)


def test_silence_is_no_clicks():
    under_way, spikes = heard(Clicks.none())
    assert (len(under_way.life), len(spikes.time_ms)) == (0, 0)
    both = clicks((1.0, 0.0)).and_those(clicks((2.0, 0.0), (3.0, 0.0)))
    assert both.origin_m[:, 0].tolist() == [1, 2, 3]
