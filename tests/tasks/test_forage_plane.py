from dataclasses import replace

import numpy as np
import pytest

from evocircuits.tasks import forage_sound, forage_world
from evocircuits.tasks.forage_plane import Plane, Sources, radius_of
from evocircuits.tasks.forage_world import Lives, World

FAR_AWAY_m = (100.0, 0.0)


def still(*places_m: tuple[float, float]) -> Sources:
    """Motionless sources that click at once and every 25 ms."""
    n = len(places_m)
    return Sources(
        np.array(places_m) - [0.5, 0.0], np.zeros(n), np.zeros(n), np.full(n, 25.0), np.zeros(n), np.zeros(n)
    )


def bodies(*places_m: tuple[float, float], energy: int = 1000, sources: Sources | None = None) -> Plane:
    """At rest, heading along x, where a source feeds 300 and comes back after 100 ms."""
    n = len(places_m)
    return Plane.meet(
        0,
        300,
        100.0,
        sources or still(FAR_AWAY_m),
        position_m=np.array(places_m),
        heading=np.zeros(n),
        activation=np.zeros((n, 2)),
        energy=np.full(n, energy),
    )


def rested(plane: Plane, seed: int = 0) -> Plane:
    n = len(plane.energy)
    return plane.act(np.zeros((n, 2), int), np.zeros(n, int), np.zeros(n, int), np.random.default_rng(seed))


@pytest.fixture
def without_noise(monkeypatch):
    monkeypatch.setattr(forage_sound, "LEVEL_NOISE_dB", 0.0)
    monkeypatch.setattr(forage_sound, "JITTER_ms", 0.0)


def test_sources_are_as_dense_as_in_forage():
    assert radius_of(4) == pytest.approx(2.5)
    assert radius_of(16) == pytest.approx(5.0)
    sources = Sources.draw(np.random.default_rng(0), 4000, 5.0)
    distance_m = np.hypot(*sources.home_m.T)
    assert distance_m.max() <= 5.0
    assert np.mean(distance_m**2) == pytest.approx(5.0**2 / 2, rel=0.03)
    assert np.all((sources.period_ms >= 20) & (sources.period_ms <= 30))
    assert np.all((sources.first_ms >= 0) & (sources.first_ms < sources.period_ms))


def test_who_is_away_neither_sounds_nor_feeds():
    sources = replace(still((0.1, 0.0), (0.0, 1.0)), since_ms=np.array([60.0, 1000.0]))
    plane, heard, meals = bodies((0.0, 0.0), energy=10_000, sources=sources), [], []
    for _ in range(4):
        plane, ears = plane.hear(np.random.default_rng(0), dt_ms=0.05)
        plane = rested(plane)
        heard.append(len(ears.time_ms) > 0)
        meals.append(int(plane.meals[0]))
    assert heard == [False, False, False, False]
    assert meals == [0, 0, 1, 1]
    sources = replace(still((0.5, 0.0)), since_ms=np.array([40.0]))
    plane = replace(bodies((0.0, 0.0), sources=sources), step=2)
    assert len(plane.hear(np.random.default_rng(0), dt_ms=0.05)[1].time_ms) > 0


def test_a_source_is_eaten_once_by_the_nearest_and_comes_back_elsewhere():
    plane = rested(bodies((0.0, 0.0), (0.25, 0.0), (5.0, 0.0), sources=still((0.1, 0.0), (9.0, 0.0))))
    assert plane.meals.tolist() == [1, 0, 0]
    assert plane.energy.tolist() == [900, 600, 600]
    places_m = plane.sources.places_m(plane.time_ms)
    assert places_m[1] == pytest.approx([9.0, 0.0])
    assert not np.allclose(places_m[0], [0.1, 0.0])
    assert plane.sources.since_ms.tolist() == [120.0, 0.0]
    assert np.hypot(*plane.sources.home_m[0]) <= radius_of(2)


def test_who_eats_may_eat_several_at_once():
    plane = rested(bodies((0.0, 0.0), (0.0, 0.4), sources=still((0.1, 0.0), (0.0, 0.5), (-0.2, 0.0))))
    assert plane.meals.tolist() == [2, 1]


def test_who_dies_leaves_the_food_to_others():
    plane = bodies((0.0, 0.0), (0.25, 0.0), sources=still((0.05, 0.0)))
    plane = rested(replace(plane, energy=np.array([400, 401])))
    assert plane.meals.tolist() == [0, 1]
    assert plane.energy.tolist() == [0, 301]


def test_the_dead_neither_hear_move_pay_nor_eat():
    plane = bodies((0.0, 0.0), (3.0, 0.0), sources=still((0.1, 0.0), (3.1, 0.0)))
    plane = replace(plane, energy=np.array([0, 5000]))
    plane, heard = plane.hear(np.random.default_rng(0), dt_ms=0.05)
    assert set(heard.trial.tolist()) == {1}
    after = plane.act(np.full((2, 2), 3), np.array([9, 9]), np.array([5, 5]), np.random.default_rng(0))
    assert after.energy.tolist() == [0, 5000 - 400 - 90 - 5 + 300]
    assert after.position_m[0].tolist() == [0.0, 0.0]
    assert after.position_m[1, 0] > 3.0
    for count, expected in {"meals": 1, "paid": 495, "spikes": 9, "synaptic_events": 5, "lived": 1}.items():
        assert getattr(after, count).tolist() == [0, expected]


def test_the_last_energy_is_all_that_can_be_paid():
    plane = rested(bodies((0.0, 0.0), energy=250))
    assert (plane.paid.tolist(), plane.energy.tolist(), plane.lived.tolist()) == ([250], [0], [1])


def test_every_body_hears_every_source(without_noise):
    """1 m to the left of one and to the right of the other: .9 m to the near ear."""
    plane = bodies((0.0, 0.0), (0.0, 2.0), sources=still((0.0, 1.0)))
    _, heard = plane.hear(np.random.default_rng(0), dt_ms=0.05)
    for ear, near in ((0, 0), (1, 1)):
        at_ear = heard.channel // 6 == ear
        first_ms = [heard.time_ms[at_ear & (heard.trial == body)].min() for body in (0, 1)]
        assert first_ms[near] == pytest.approx(0.9 / 0.343)
        assert first_ms[1 - near] > first_ms[near] + 0.5


def test_one_body_lives_as_in_forage_until_it_eats(without_noise):
    """The same four sources, the same motor spikes: what is heard, where it is and what it has paid are the same."""
    lives = Lives.draw(np.random.default_rng(6), 1)
    world = World.begin(lives)
    four = {
        name: getattr(lives, name)[0, :4] for name in ("home_m", "phase", "turn", "period_ms", "first_ms")
    }
    plane = Plane.meet(
        0,
        forage_world.MEAL,
        100.0,
        Sources(**four, since_ms=np.zeros(4)),
        position_m=np.zeros((1, 2)),
        heading=lives.heading,
        activation=np.zeros((1, 2)),
        energy=np.array([forage_world.START]),
    )
    rng, n_heard = np.random.default_rng(4), 0
    for _ in range(200):
        world, ears = world.hear(np.random.default_rng(0), dt_ms=0.05)
        plane, same = plane.hear(np.random.default_rng(0), dt_ms=0.05)
        n_heard += len(ears.time_ms)
        assert ears.time_ms == pytest.approx(same.time_ms)
        assert ears.channel.tolist() == same.channel.tolist()
        motor_spikes = rng.poisson(0.3, (1, 2))
        world = world.act(motor_spikes, motor_spikes.sum(axis=1), np.array([7]))
        if world.meals[0]:
            break
        plane = plane.act(motor_spikes, motor_spikes.sum(axis=1), np.array([7]), rng)
        assert plane.position_m == pytest.approx(world.position_m)
        assert plane.energy.tolist() == world.energy.tolist()
    assert n_heard > 50
