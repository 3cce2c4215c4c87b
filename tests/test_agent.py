"""A motif that acts: alone it does what its task plays, and in a vector environment what it does alone."""

import gymnasium
import numpy as np
import pytest

import evocircuits as ec
from evocircuits.errors import InputError
from evocircuits.genome import Pattern, PopulationGene, ProjectionGene
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task
from evocircuits.tasks.gym_task import Seeds
from tests.tasks.test_gym_task import LEANING, POLE, developed

SEEDS = [3, 4, 5, 6]


@pytest.fixture(scope="module")
def motif() -> Motif:
    return Motif(LEANING, developed(LEANING), POLE.dt_ms, Provenance("hand-wired"))


def episode(agent, environment, seed: int) -> list[int]:
    """The actions of an episode."""
    observation, _ = environment.reset(seed=seed)
    agent.reset()
    actions, over = [], False
    while not over:
        actions.append(int(agent.act(observation)))
        observation, _, ended, late, _ = environment.step(actions[-1])
        over = ended or late
    return actions


def test_an_agent_earns_what_its_motif_scores(motif):
    environment = gymnasium.make("CartPole-v1")
    agent = ec.SpikingAgent(motif, environment.observation_space, environment.action_space)
    lengths = [len(episode(agent, environment, seed)) for seed in SEEDS]
    credit = POLE.play(motif.circuit, Seeds(np.array(SEEDS))).score.credit
    assert lengths == pytest.approx((credit * POLE.per_credit).tolist())
    assert len(set(lengths)) > 1


@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_in_a_vector_environment_it_does_what_it_does_alone(motif, mode):
    """An environment that ended is reset in the next step, and the agent with it."""
    environments = gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode=mode)
    spaces = environments.single_observation_space, environments.single_action_space
    together, alone = (
        ec.SpikingAgent(motif, *spaces, n_envs=4),
        [ec.SpikingAgent(motif, *spaces) for _ in SEEDS],
    )
    observations, _ = environments.reset(seed=SEEDS[0])
    over, episodes = np.zeros(4, bool), 0
    for _ in range(60):
        actions = together.act(observations)
        assert actions.tolist() == [agent.act(o) for agent, o in zip(alone, observations, strict=True)]
        observations, _, ended, late, _ = environments.step(actions)
        together.reset(over)
        for k in np.flatnonzero(over):
            alone[k].reset()
        over = ended | late
        episodes += over.sum()
    assert episodes > 4


def test_numbers_are_acted_on_as_an_array():
    task = get_task("gym:Pendulum-v1")
    cell = PopulationGene(1, True, 5, 5.0, 15.0, 1.0, 2.0, 2.0, port="action_0")
    wire = ProjectionGene(2, task.inputs[2].id, 1, Pattern("one_to_one"), 1.3, 1.0)
    genome = ec.Genome(task.inputs, task.outputs, (cell,), (wire,))
    pendulum = Motif(genome, ec.develop(genome, dt_ms=0.5), 0.5, Provenance("hand-wired"))
    environment = gymnasium.make("Pendulum-v1")
    agent = ec.SpikingAgent(pendulum, environment.observation_space, environment.action_space)
    observation, _ = environment.reset(seed=1)
    actions = []
    for _ in range(20):
        action = agent.act(observation)
        assert environment.action_space.contains(action)
        observation = environment.step(action)[0]
        actions.append(float(action[0]))
    assert len(set(actions)) > 1


def test_a_motif_with_other_ports_is_refused(motif):
    environment = gymnasium.make("Acrobot-v1")
    with pytest.raises(InputError, match=r"SpikingAgent: expected a motif with ports \{'observation_0': 5"):
        ec.SpikingAgent(motif, environment.observation_space, environment.action_space)


def test_other_numbers_of_environments_are_refused(motif):
    environment = gymnasium.make("CartPole-v1")
    agent = ec.SpikingAgent(motif, environment.observation_space, environment.action_space, n_envs=2)
    with pytest.raises(InputError, match="expected 2 observations; got 3"):
        agent.act(np.zeros((3, 4)))
    with pytest.raises(InputError, match=r"expected bool\[2\]; got shape \(3,\)"):
        agent.reset(np.zeros(3, bool))
    with pytest.raises(InputError, match="n_envs: expected a whole number ≥ 1; got 0"):
        ec.SpikingAgent(motif, environment.observation_space, environment.action_space, n_envs=0)
