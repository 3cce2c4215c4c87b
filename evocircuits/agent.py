"""A motif that acts in Gymnasium's environments: observations in as spikes, actions out by the spikes of its outputs.

    env = gymnasium.make("Acrobot-v1")
    agent = ec.SpikingAgent(motif, env.observation_space, env.action_space)
    observation, _ = env.reset(seed=1)
    over = False
    while not over:
        observation, reward, ended, late, _ = env.step(agent.act(observation))
        over = ended or late

The codes are those of tasks/gym_codes.py, by which motifs are evolved for `task = "gym:Acrobot-v1"`.
"""

import numpy as np

from evocircuits.checks import checked_count
from evocircuits.errors import InputError
from evocircuits.motif import Motif
from evocircuits.simulator import State, Stimulus, simulate
from evocircuits.tasks.gym_codes import INTERVAL_ms, decoder_of, encoder_of


class SpikingAgent:
    """A motif in an environment, or in `n_envs` side by side, each with a state of its own.

    Its ports have to be those of the spaces: for a Box `observation_0`, `observation_1`, … of 5 channels each, one for
    each number, for Discrete `observation` with a channel for each value; in the same way `action_0`, … or `action`.
    Motifs evolved for an environment have them. For a vector environment take its `single_observation_space`,
    `single_action_space` and `num_envs`.

    Raises `InputError` for other spaces, and for a motif with other ports.

    A motif whose neurons stay silent repeats the first action until the pole falls:

    >>> import gymnasium
    >>> import evocircuits as ec
    >>> from evocircuits.genome import PopulationGene
    >>> from evocircuits.motif import Provenance
    >>> task = ec.tasks.get_task("gym:CartPole-v1")
    >>> cells = PopulationGene(1, True, 2, 10.0, 15.0, 2.0, 2.0, 5.0, port="action")
    >>> genome = ec.Genome(task.inputs, task.outputs, (cells,), ())
    >>> motif = ec.Motif(genome, ec.develop(genome, dt_ms=task.dt_ms), task.dt_ms, Provenance("hand-wired"))
    >>> environment = gymnasium.make("CartPole-v1")
    >>> agent = ec.SpikingAgent(motif, environment.observation_space, environment.action_space)
    >>> observation, _ = environment.reset(seed=1)
    >>> int(agent.act(observation))
    0
    """

    def __init__(self, motif: Motif, observation_space, action_space, *, n_envs: int | None = None):
        self.motif, self.n_envs = motif, n_envs
        self._n = 1 if n_envs is None else checked_count("SpikingAgent: n_envs", n_envs)
        self._encoder, self._decoder = encoder_of(observation_space), decoder_of(action_space)
        self._check_ports()
        self.reset()

    def reset(self, which: np.ndarray | None = None) -> None:
        """Back to rest, to be called when an episode begins: all, or the environments of `which`, bool[n_envs]."""
        if which is None:
            self._state: State | None = None
            self._last = self._decoder.first(self._n)
            return
        which = np.asarray(which, bool)
        if which.shape != (self._n,):
            raise InputError(f"SpikingAgent.reset: expected bool[{self._n}]; got shape {which.shape}")
        if which.any() and self._state is not None:
            self._state = self._state.restarted(which)
            self._last = self._last.copy()
            self._last[which] = self._decoder.first(int(which.sum()))

    def act(self, observation):
        """What to do now: an action for an observation, or with `n_envs` an array of them, one a row, for as many.

        20 ms pass in the motif. Raises `InputError` for another number of observations.
        """
        rows = np.asarray([observation] if self.n_envs is None else observation)
        if len(rows) != self._n:
            raise InputError(f"SpikingAgent.act: expected {self._n} observations; got {len(rows)}")
        spikes = self._encoder.spikes(rows, np.arange(self._n))
        stimulus, circuit = Stimulus(self._n, INTERVAL_ms, spikes), self.motif.circuit
        recording = simulate(circuit, stimulus, dt_ms=self.motif.dt_ms, state=self._state)
        counts = np.hstack([recording.output_counts(port.name) for port in self._decoder.ports])
        self._state, self._last = recording.state, self._decoder.actions(counts, self._last)
        return self._last[0] if self.n_envs is None else self._last

    def _check_ports(self) -> None:
        circuit = self.motif.circuit
        own = {name: afferents.channels for name, afferents in circuit.inputs.items()}
        own |= {name: len(neurons) for name, neurons in circuit.outputs.items()}
        expected = {port.name: port.size for port in (*self._encoder.ports, *self._decoder.ports)}
        if own != expected:
            raise InputError(f"SpikingAgent: expected a motif with ports {expected}; got {own}")
