"""Gymnasium's environments as tasks: what is played is what the environment itself pays, seed by seed."""

import gymnasium
import numpy as np
import pytest

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import evaluate, score_circuit, stream
from evocircuits.tasks import get_task
from evocircuits.tasks.gym_task import Seeds
from tests.tasks.observers import check_together_as_alone, trivial

POLE = get_task("gym:CartPole-v1")


class Corridor(gymnasium.Env):
    """Walk from cell 0 to cell 4 by action 1, but one step in four leads nowhere. No limit, no ceiling."""

    observation_space = gymnasium.spaces.Discrete(5)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cell = 0
        return self.cell, {}

    def step(self, action):
        if self.np_random.random() < 0.75:
            self.cell = int(np.clip(self.cell + (1 if action else -1), 0, 4))
        return self.cell, -1.0, self.cell == 4, False, {}


gymnasium.register("evocircuits/Corridor-v0", Corridor)
gymnasium.register("evocircuits/Broken-v0", lambda: 1 / 0)


def relays(task, source: str, *heard: tuple[int, ...]) -> Genome:
    """Each neuron of the action relays the spikes of some channels of one port."""
    [port] = [port for port in task.inputs if port.name == source]
    cells = [PopulationGene(k, True, 1, 5.0, 15.0, 1.0, 2.0, 2.0, port="action") for k in range(len(heard))]
    wires = [
        ProjectionGene(100 * (k + 1) + channel, port.id, k, Pattern("single", channel), 1.3, 1.0)
        for k, channels in enumerate(heard)
        for channel in channels
    ]
    return Genome(task.inputs, task.outputs, tuple(cells), tuple(wires))


def developed(genome: Genome) -> Circuit:
    return develop(genome, dt_ms=POLE.dt_ms)


LEANING = relays(POLE, "observation_2", (0, 1), (3, 4))
"""Pushes to the side to which the pole leans."""
FALLING = relays(POLE, "observation_3", (0, 1), (3, 4))
"""Pushes to the side to which it falls."""


def seeds(n: int, seed: int = 0) -> Seeds:
    return POLE.trials(np.random.default_rng(seed), n)


def test_ports_are_those_of_the_spaces():
    assert [(port.name, port.size) for port in POLE.inputs] == [(f"observation_{k}", 5) for k in range(4)]
    assert [(port.name, port.size) for port in POLE.outputs] == [("action", 2)]
    pendulum = get_task("gym:Pendulum-v1")
    assert [(port.name, port.size) for port in pendulum.outputs] == [("action_0", 5)]


def test_a_name_can_be_that_of_a_file_and_names_the_task():
    task = get_task("gym:evocircuits/Corridor-v0")
    assert task.name == "gym:evocircuits~Corridor-v0"
    assert get_task(task.name).id == task.id == "evocircuits/Corridor-v0"


def test_chance_is_that_of_random_actions_and_the_ceiling_is_where_it_counts_as_solved():
    assert POLE.ceiling * POLE.per_credit == 475
    assert POLE.chance * POLE.per_credit == pytest.approx(22.3, abs=6)
    corridor = get_task("gym:evocircuits/Corridor-v0")
    assert -200 < corridor.chance * corridor.per_credit < corridor.ceiling * corridor.per_credit <= -4


def test_a_circuit_that_answers_what_it_is_told_does_better_than_chance():
    play = POLE.play(developed(FALLING), seeds(10))
    assert play.score.normalised > 0.1
    assert POLE.play(trivial(POLE, "silent"), seeds(10)).score.normalised < 0


def test_a_circuit_is_paid_what_the_environment_pays():
    """A silent circuit repeats the first action, to the end of the episode."""
    trials = seeds(5)
    play, single = POLE.play(trivial(POLE, "silent"), trials), gymnasium.make("CartPole-v1")
    returns = []
    for seed in trials.seed:
        single.reset(seed=int(seed))
        total, over = 0.0, False
        while not over:
            _, reward, over, _, _ = single.step(0)
            total += reward
        returns.append(total)
    assert (play.score.credit * POLE.per_credit).tolist() == pytest.approx(returns)
    assert play.simulated_ms == 20.0 * 5 * max(returns)


def test_many_circuits_play_as_each_alone_does():
    crooked = developed(relays(POLE, "observation_2", (0, 1), (2, 3, 4)))
    circuits = [developed(LEANING), crooked, trivial(POLE, "relay"), trivial(POLE, "silent")]
    check_together_as_alone(POLE, circuits, seeds(4))


def test_more_episodes_than_are_played_at_once_are_the_same(monkeypatch):
    whole = POLE.play(developed(LEANING), seeds(10))
    monkeypatch.setattr("evocircuits.tasks.gym_task.AT_ONCE", 4)
    parts = POLE.play(developed(LEANING), seeds(10))
    assert np.array_equal(parts.score.credit, whole.score.credit)
    assert np.array_equal(parts.spikes, whole.spikes)


def test_the_seed_decides_on_all_that_happens_by_chance():
    """A circuit that walks on, and the same actions by hand."""
    task = get_task("gym:evocircuits/Corridor-v0")
    ahead = developed(relays(task, "observation", (), (0, 1, 2, 3, 4)))
    trials = Seeds(np.arange(12) % 10)
    returns = task.play(ahead, trials).score.credit * task.per_credit
    single, expected = gymnasium.make("evocircuits/Corridor-v0"), []
    for seed in trials.seed:
        single.reset(seed=int(seed))
        steps = next(k for k in range(1, 1000) if single.step(1)[2])
        expected.append(-steps)
    assert returns.tolist() == pytest.approx(expected)
    assert len(set(expected)) > 2


def test_an_episode_without_end_ends_after_a_thousand_steps():
    task = get_task("gym:evocircuits/Corridor-v0")
    play = task.play(trivial(task, "silent"), Seeds(np.arange(2)))  # against the wall
    assert (play.score.credit * task.per_credit).tolist() == pytest.approx([-1000, -1000])


def test_a_score_has_an_interval_and_an_evaluation_is_what_was_played():
    score = score_circuit(developed(LEANING), POLE, seed=1, n_trials=20)
    assert score.task == "gym:CartPole-v1"
    assert score.low < score.raw < score.high
    evaluation = evaluate(LEANING, POLE, (3, 1), 20)
    play = POLE.play(developed(LEANING), POLE.trials(stream(3, 1), 20))
    assert (evaluation.raw, evaluation.graded) == (play.score.raw, play.score.graded)


def test_an_example_shows_the_first_half_second():
    example = POLE.example(developed(LEANING), seeds(2))
    assert set(example.stimulus) == {f"observation_{k}" for k in range(4)}
    assert example.stimulus["observation_0"].time_ms.max() <= 25 * 20
    assert len(example.windows) == 2


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("CartPole-v999", "gym:CartPole-v999: expected an environment that can be made here; .*CartPole"),
        ("NoSuchThing-v0", "expected an environment that can be made here; .*NoSuchThing"),
        ("no_such_module:Thing-v0", "expected an environment that can be made here; .*no_such_module"),
        ("evocircuits/Broken-v0", "expected an environment that can be made here; .*division by zero"),
        ("Blackjack-v1", "gym:Blackjack-v1: observation space: expected a Box .* got Tuple"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(id, said):
    with pytest.raises(InputError, match=said) as refusal:
        get_task(f"gym:{id}")
    assert "\n" not in str(refusal.value)
