from dataclasses import replace
from itertools import pairwise, permutations
from statistics import NormalDist

import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import ablated
from evocircuits.simulator import Record, Stimulus, simulate
from evocircuits.tasks import forage_sound
from evocircuits.tasks.forage import Forage
from evocircuits.tasks.forage_world import Lives, World
from tests.tasks.observers import check_together_as_alone, trivial

TASK = Forage()
SOUND_m_per_ms = 0.343
FAR_AWAY_m = (30.0, 0.0)


def lives(n: int, seed: int) -> Lives:
    return TASK.trials(np.random.default_rng(seed), n)


def reference() -> Circuit:
    return develop(TASK.reference(), dt_ms=TASK.dt_ms)


def normalised(circuit: Circuit, trials: Lives) -> np.ndarray:
    """Of each life."""
    credit = TASK.play(circuit, trials).score.credit
    return (credit - TASK.chance) / (TASK.ceiling - TASK.chance)


def standard_error(values: np.ndarray) -> float:
    return values.std() / len(values) ** 0.5


def still(*places_m: tuple[float, float], n: int = 1) -> World:
    """Bodies in the middle, heading along x, with motionless sources at these places in turn, which click at once."""
    listed_m = np.tile([*places_m, *[FAR_AWAY_m] * (8 - len(places_m))], (n, 1, 1))
    return World.begin(
        Lives(
            heading=np.zeros(n),
            home_m=listed_m - [0.5, 0.0],
            phase=np.zeros((n, 8)),
            turn=np.zeros((n, 8)),
            period_ms=np.full((n, 4), 25.0),
            first_ms=np.zeros((n, 4)),
            seed=0,
        )
    )


@pytest.fixture
def without_noise(monkeypatch):
    monkeypatch.setattr(forage_sound, "LEVEL_NOISE_dB", 0.0)
    monkeypatch.setattr(forage_sound, "JITTER_ms", 0.0)


def heard_ms(world: World, steps: int = 1) -> list[list[float]]:
    """When each ear's most sensitive fibre spiked."""
    times, rng = [[], []], np.random.default_rng(0)
    for _ in range(steps):
        began_ms = world.step * 20
        world, heard = world.hear(rng, dt_ms=0.05)
        for ear in range(2):
            most_sensitive = heard.channel == ear * len(forage_sound.THRESHOLDS_dB)
            times[ear] += (began_ms + heard.time_ms[most_sensitive]).tolist()
        world = rest(world)
    return times


def rest(world: World) -> World:
    n = world.lives.n
    return world.act(np.zeros((n, 2), int), np.zeros(n, int), np.zeros(n, int))


def test_lives_are_drawn_as_stated():
    drawn = lives(2000, 0)
    distance_m = np.hypot(*np.moveaxis(drawn.home_m, -1, 0))
    assert distance_m.max() <= 2.5
    assert np.mean(distance_m**2) == pytest.approx(2.5**2 / 2, rel=0.01)
    assert drawn.home_m.mean() == pytest.approx(0, abs=0.02)
    assert np.all((drawn.period_ms >= 20) & (drawn.period_ms <= 30))
    assert np.all((drawn.first_ms >= 0) & (drawn.first_ms < drawn.period_ms))
    assert set(np.unique(drawn.turn)) == {-1, 1}
    assert drawn.n == 2000
    same = lives(2000, 0)
    assert all(np.array_equal(getattr(drawn, name), getattr(same, name)) for name in vars(drawn))
    assert not np.array_equal(drawn.heading, lives(2000, 1).heading)


def test_sources_circle_their_homes():
    world = World.begin(lives(5, 0))
    away_m = world.sources_m(0) - world.lives.home_m[:, :4]
    assert np.hypot(away_m[..., 0], away_m[..., 1]) == pytest.approx(0.5)
    later_m = world.sources_m(np.pi * 1000 / 0.5) - world.lives.home_m[:, :4]
    assert later_m == pytest.approx(-away_m)
    step_m = world.sources_m(1.0) - world.sources_m(0.0)
    assert np.hypot(step_m[..., 0], step_m[..., 1]) == pytest.approx(0.5 * 0.5 / 1000, rel=1e-4)


def test_a_click_reaches_both_ears_after_its_travel_time(without_noise):
    left, right = heard_ms(still((2.0, 0.0)))
    expected = (np.sqrt(2.0**2 - 0.1**2) + 0.1 * np.arcsin(0.05)) / SOUND_m_per_ms
    assert left == pytest.approx([expected])
    assert right == pytest.approx([expected])
    left, right = heard_ms(still((0.0, 1.0)))
    assert left == pytest.approx([0.9 / SOUND_m_per_ms])
    around_m = np.sqrt(1.0**2 - 0.1**2) + 0.1 * (np.pi - np.arccos(0.1))
    assert right == pytest.approx([around_m / SOUND_m_per_ms])


def test_a_click_may_arrive_steps_after_it_was_emitted_and_is_heard_once(without_noise, monkeypatch):
    monkeypatch.setattr(forage_sound, "THRESHOLDS_dB", np.array([-100.0]))
    left, right = heard_ms(still(*[(12.0, 0.0)] * 4), steps=2)
    travel_ms = (np.sqrt(12.0**2 - 0.1**2) + 0.1 * np.arcsin(0.1 / 12)) / SOUND_m_per_ms
    assert travel_ms > 34
    assert left == pytest.approx([travel_ms] * 4)
    assert right == pytest.approx([travel_ms] * 4)


def test_sources_click_at_their_periods(without_noise):
    world = still((1.0, 0.0))
    left, _ = heard_ms(world, steps=10)
    assert np.diff(left) == pytest.approx([25.0] * 7)


@pytest.mark.parametrize(
    ("place_m", "fibres"),
    [((0.0, 1.1), (4, 1)), ((0.0, -1.1), (1, 4)), ((0.0, 4.0), (1, 0)), ((0.6, 0.0), (5, 5))],
)
def test_levels_fall_with_distance_and_in_the_shadow_of_the_head(without_noise, place_m, fibres):
    """At 1.1 m to the side: 1 m to the near ear, 0 dB; 1.262 m and 1.662 rad to the far one, −2.0 − 8.3 dB."""
    _, heard = still(place_m).hear(np.random.default_rng(0), dt_ms=0.05)
    left, right = fibres
    assert sorted(heard.channel) == [*range(left), *range(6, 6 + right)]


def test_levels_and_times_vary_by_2_dB_and_50_us():
    """Sources at 1 m, straight ahead: just past the head's horizon, .1002 rad of arc to either ear."""
    n, level_dB = 500, -20 * np.log10(np.sqrt(0.99) + 0.01002) - 5 * 0.1002
    _, heard = still(*[(1.0, 0.0)] * 4, n=n).hear(np.random.default_rng(0), dt_ms=0.05)
    for ear in range(2):
        assert heard.time_ms[heard.channel // 6 == ear].std() == pytest.approx(0.05, rel=0.05)
        for fibre, threshold_dB in enumerate((-14, -10, -6, -2, 2, 6)):
            expected = NormalDist(threshold_dB, 2.0).cdf(level_dB)
            share = np.mean(np.bincount(heard.trial[heard.channel == 6 * ear + fibre], minlength=n)) / 4
            assert share == pytest.approx(
                expected, abs=3 * (expected * (1 - expected) / (4 * n)) ** 0.5 + 1e-6
            )


def test_spikes_of_a_step_stay_within_it_on_its_grid():
    world, rng = World.begin(lives(500, 2)), np.random.default_rng(0)
    for _ in range(30):
        world, heard = world.hear(rng, dt_ms=0.05)
        assert np.all((heard.time_ms >= 0) & (heard.time_ms <= 19.95))
        world = rest(world)


def test_one_twitch_turns_the_body_by_what_it_drives_one_side_forward():
    """.3 × 1.5 m/s × 20 ms = 9 mm on the left: the middle moves 4.5 mm, the body turns by 9 mm / .2 m to the right."""
    moved = still().act(np.array([[1, 0]]), np.zeros(1, int), np.zeros(1, int))
    assert moved.heading == pytest.approx([-0.045])
    assert moved.position_m[0] == pytest.approx([0.0045 * np.cos(0.0225), -0.0045 * np.sin(0.0225)])
    coasting = rest(moved)
    assert coasting.activation[0] == pytest.approx([0.3 * np.exp(-0.4), 0])
    assert coasting.heading == pytest.approx([-0.045 * (1 + np.exp(-0.4))])


def test_activation_is_full_at_1_and_then_both_sides_drive_3_cm_a_step():
    moved = still().act(np.array([[4, 100]]), np.zeros(1, int), np.zeros(1, int))
    assert moved.activation.tolist() == [[1, 1]]
    assert moved.position_m[0] == pytest.approx([0.03, 0])
    assert moved.heading == pytest.approx([0])


def test_a_step_costs_400_a_spike_10_and_a_synaptic_event_1():
    world = still().act(np.array([[1, 2]]), np.array([5]), np.array([7]))
    assert world.energy.tolist() == [100_000 - 400 - 50 - 7]
    assert rest(world).energy.tolist() == [100_000 - 800 - 50 - 7]
    assert (world.spikes.tolist(), world.synaptic_events.tolist(), world.meals.tolist()) == ([5], [7], [0])


def test_sources_within_30_cm_are_eaten_and_the_next_of_the_list_replace_them():
    world = rest(still((0.29, 0.0), (1.0, 0.0), (0.0, -0.2), (0.0, 0.31)))
    assert world.energy.tolist() == [100_000 - 400 + 200_000]
    assert world.meals.tolist() == [2]
    assert world.source.tolist() == [[4, 1, 5, 3]]
    world = rest(replace(world, source=np.array([[4, 5, 2, 3]])))
    assert world.source.tolist() == [[4, 5, 6, 3]]
    assert world.energy.tolist() == [100_000 - 800 + 300_000]


def test_who_spends_the_last_unit_dies_and_neither_eats_nor_moves_nor_pays_any_more():
    begun = still((0.2, 0.0), (1.0, 0.0), n=3)
    world = replace(begun, energy=np.array([437, 438, 30])).act(
        np.ones((3, 2), int), np.array([3, 3, 3]), np.array([7, 7, 7])
    )
    assert world.energy.tolist() == [0, 1 + 100_000, 0]
    assert world.alive.tolist() == [False, True, False]
    later = world.act(np.ones((3, 2), int), np.array([1, 1, 1]), np.array([1, 1, 1]))
    assert later.energy.tolist() == [0, 100_001 - 411, 0]
    assert later.meals.tolist() == [0, 1, 0]
    assert later.spikes.tolist() == [3, 4, 3]
    assert np.array_equal(later.position_m[[0, 2]], world.position_m[[0, 2]])
    assert later.position_m[1, 0] > world.position_m[1, 0]
    _, heard = later.hear(np.random.default_rng(0), dt_ms=0.05)
    assert set(heard.trial.tolist()) == {1}


def test_a_sources_own_click_within_the_head_is_finite():
    _, heard = still((0.0, 0.1), (0.0, 0.0)).hear(np.random.default_rng(0), dt_ms=0.05)
    assert np.sum(heard.channel < 6) >= 6
    assert np.isfinite(heard.time_ms).all()


def lived(policy, n: int, seed: int) -> np.ndarray:
    """Net intake in meals of bodies whose motor spikes, int[n, 2], `policy` decides on, and who pay for these only."""
    rng = np.random.default_rng(seed)
    world = World.begin(Lives.draw(rng, n))
    for _ in range(500):
        motor_spikes = policy(world, rng)
        world = world.act(motor_spikes, motor_spikes.sum(axis=1), np.zeros(n, int))
    return (world.energy - 100_000) / 100_000


class RandomWalker:
    def __call__(self, world: World, rng: np.random.Generator) -> np.ndarray:
        if world.step % 50 == 0:
            self.mean = rng.uniform(0, 2, (world.lives.n, 2))
        return rng.poisson(self.mean)


def all_knowing(world: World, rng: np.random.Generator) -> np.ndarray:
    """Heads for the first of the four sources in the order with the least sum of times of arrival."""
    time_s = np.zeros((world.lives.n, 4))
    for _ in range(4):  # where each will be when it is reached
        places_m = world.sources_m(world.time_ms + 1000 * time_s)
        x, y = np.moveaxis(places_m - world.position_m[:, None], -1, 0)
        bearing = (np.arctan2(y, x) - world.heading[:, None] + np.pi) % (2 * np.pi) - np.pi
        time_s = np.maximum(np.hypot(x, y) - 0.3, 0) / 1.5 + np.abs(bearing) / 15
    x, y = np.moveaxis(places_m[:, :, None] - places_m[:, None], -1, 0)
    between_s = np.maximum(np.hypot(x, y) - 0.3, 0) / 1.5
    best = np.full((world.lives.n, 4), np.inf)
    for order in permutations(range(4)):
        legs_s = [time_s[:, order[0]], *(between_s[:, a, b] for a, b in pairwise(order))]
        total_s = np.cumsum(legs_s, axis=0).sum(axis=0)
        best[:, order[0]] = np.minimum(best[:, order[0]], total_s)
    wanted = np.take_along_axis(bearing, best.argmin(axis=1)[:, None], axis=1)[:, 0] / 0.15
    activation = np.stack([1 - np.clip(wanted, 0, 1), 1 - np.clip(-wanted, 0, 1)], axis=1)
    missing = activation - world.activation * np.exp(-20 / 50)
    return np.maximum(0, np.ceil(missing / 0.3 - 1e-9)).astype(int)


def test_chance_is_what_a_random_walker_takes_in():
    net = lived(RandomWalker(), 3000, 3)
    assert net.mean() == pytest.approx(TASK.chance * TASK.per_credit, abs=3 * standard_error(net))


def test_ceiling_is_what_an_all_knowing_steerer_takes_in():
    net = lived(all_knowing, 500, 4)
    assert net.mean() == pytest.approx(TASK.ceiling * TASK.per_credit, abs=3 * standard_error(net))


@pytest.fixture(scope="module")
def lived_by_reference() -> tuple[Lives, np.ndarray]:
    trials = lives(1000, 5)
    return trials, normalised(reference(), trials)


def test_hand_wired_reference_lives_well(lived_by_reference):
    _, scores = lived_by_reference
    assert scores.mean() - 2 * standard_error(scores) > 0.64


@pytest.mark.parametrize("kind", ["silent", "always", "relay"])
def test_trivial_circuits_do_not_outlive_a_random_walker(kind):
    assert -0.02 < normalised(trivial(TASK, kind), lives(200, 6)).mean() < 0.01


def vehicle(strength: float, *, crossed: bool) -> Circuit:
    """Each ear drives one motor, and nothing else: Braitenberg's vehicle 2b where crossed, else 2a."""
    (ears,), (motors,) = TASK.inputs, TASK.outputs
    motor = PopulationGene(0, True, 2, 5.0, 15.0, 1.0, 3.0, 5.0, port=motors.name)
    pattern = Pattern("all_but_self" if crossed else "one_to_one")
    wire = ProjectionGene(1, ears.id, motor.id, pattern, strength, 0.6)
    return develop(Genome(TASK.inputs, TASK.outputs, (motor,), (wire,)), dt_ms=TASK.dt_ms)


def test_crossed_excitation_feeds_and_uncrossed_excitation_does_not():
    crossed, uncrossed = (
        normalised(vehicle(0.2, crossed=crossed), lives(200, 7)) for crossed in (True, False)
    )
    assert 0.1 < crossed.mean() < 0.35
    assert uncrossed.mean() < 0


@pytest.mark.parametrize("what", TASK.claim)
def test_reference_needs_what_it_claims(what, lived_by_reference):
    without = normalised(ablated(reference(), what), lives(200, 8))
    assert without.mean() < 0.05
    assert lived_by_reference[1].mean() - without.mean() > 0.5


def test_reference_uses_the_time_difference_between_its_ears(lived_by_reference, monkeypatch):
    trials, scores = lived_by_reference
    monkeypatch.setattr(forage_sound, "SOUND_m_per_ms", 1000 * SOUND_m_per_ms)
    loss = scores - normalised(reference(), trials)
    assert loss.mean() > 3 * standard_error(loss)


def test_all_that_is_gained_and_spent_is_accounted_for():
    trials, circuit = lives(50, 10), reference()
    play = TASK.play(circuit, trials)
    assert not play.truncated
    records = [TASK.life(circuit, trials, which) for which in (0, 7)]
    for which, life in zip((0, 7), records, strict=True):
        spent = 400 * 500 + 10 * play.spikes[which] + play.synaptic_events[which]
        assert life.energy[-1] == 100_000 + 100_000 * life.meals[-1] - spent
        assert play.score.credit[which] * TASK.per_credit == pytest.approx(life.energy[-1] / 100_000 - 1)
        assert len(life.spike_ms) == play.spikes[which]
        fan_out = np.bincount(circuit.source, minlength=circuit.n_neurons)
        assert play.synaptic_events[which] == life.heard.sum() + fan_out[life.neuron].sum()


def test_without_food_a_silent_life_ends_after_5_s_and_has_cost_all_it_had():
    trials, silent = still(n=2).lives, trivial(TASK, "silent")
    life = TASK.life(silent, trials)
    assert life.n_frames == 1 + 100_000 / 400
    assert (life.energy[0], life.energy[-1], life.meals[-1], len(life.spike_ms)) == (100_000, 0, 0, 0)
    assert TASK.play(silent, trials).score.credit * TASK.per_credit == pytest.approx([-1, -1])


def test_the_steps_of_a_life_are_pieces_of_one_simulation():
    circuit = reference()
    example = TASK.example(circuit, lives(3, 12))
    whole = simulate(
        circuit, Stimulus(3, 1000.0, example.stimulus), dt_ms=TASK.dt_ms, record=Record(spikes=True)
    )
    for column in ("time_ms", "trial", "channel"):
        assert np.allclose(getattr(whole.spikes, column), getattr(example.spikes, column))


def test_a_play_past_its_spike_limit_is_truncated():
    play = TASK.play(trivial(TASK, "always"), lives(3, 13), max_spikes=50)
    assert play.truncated
    assert np.isfinite(play.score.credit).all()
    assert not TASK.play(reference(), lives(3, 13)).truncated


def test_circuits_live_together_as_each_does_alone_whatever_the_others_are():
    circuits = [reference(), trivial(TASK, "always"), vehicle(0.2, crossed=True), trivial(TASK, "silent")]
    trials = lives(5, 16)
    check_together_as_alone(TASK, circuits, trials)


@pytest.mark.parametrize("kind", ["silent", "always"])
def test_single_lives_have_a_finite_score_and_are_repeated_exactly(kind):
    one, two = (TASK.play(trivial(TASK, kind), lives(1, 14)) for _ in range(2))
    assert one.score.credit.shape == (1,)
    assert np.isfinite([one.score.raw, one.score.graded, one.score.normalised]).all()
    assert np.array_equal(one.score.credit, two.score.credit)


def test_example_is_the_first_second():
    example = TASK.example(reference(), lives(2, 15))
    assert set(example.stimulus) == {"ears"}
    for spikes in (example.spikes, *example.stimulus.values()):
        assert 900 < spikes.time_ms.max() <= 1000
        assert set(spikes.trial.tolist()) == {0, 1}
    assert [(window.trial, window.start_ms, window.end_ms) for window in example.windows] == [
        (0, 0, 1000),
        (1, 0, 1000),
    ]
