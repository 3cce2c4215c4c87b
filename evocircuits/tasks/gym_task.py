"""Any environment of Gymnasium as a task, named gym:ID, as in gym:Acrobot-v1 (Towers et al., arXiv 2407.17032 (2024)).

In a recipe, with fewer trials than other tasks have, since episodes are long:

    task = "gym:Acrobot-v1"
    trials = 8
    validation_trials = 32
    held_out_trials = 100

Every 20 ms an environment tells its observation in spikes and takes an action from the spikes of the outputs
(`gym_codes.py`). Episodes begin from seeds that the trials draw, and all of them, of all circuits, go on side by side.
Gymnasium imports an environment of one's own by the module in its id, as in gym:my_module:MyEnv-v0; the module has to
be installed wherever the run is worked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.simulator import UNLIMITED, Record
from evocircuits.tasks.base import Example, Play, Ranges, Task, closed_loop_example
from evocircuits.tasks.closed_loop import Loop, Tally
from evocircuits.tasks.custom import GYM
from evocircuits.tasks.gym_codes import INTERVAL_ms, decoder_of, encoder_of
from evocircuits.tasks.side_by_side import SideBySide, in_blocks

SLASH = "~"
"""Stands in a task's name for the slash of a namespace, as files are called after tasks; no id has one."""
LONGEST = 1000
"""Steps of an episode, in an environment that sets no limit itself."""
SPIKES = 10
"""That a neuron may emit in an interval, on average."""
CHANCE_EPISODES = 20
AT_ONCE = 256
"""Environments, as far as each circuit has one: more take memory and save no time."""
EXAMPLE_INTERVALS = 25


@dataclass(frozen=True, eq=False)
class Seeds:
    """Of the episodes, `seed` int[n]: an environment draws all it draws from its own."""

    seed: np.ndarray

    @property
    def n(self) -> int:
        """How many."""
        return len(self.seed)


class GymTask(Task):
    """An environment by its `id`: ports for its spaces, and the sum of an episode's rewards as score.

    Chance is the mean return of random actions, over 20 episodes. The ceiling is the return at which the environment
    counts as solved; of one that does not say, the best of those episodes, so that better ones are above 1.
    """

    source = "Gymnasium: Towers et al. 2024"
    dt_ms = 0.5
    claim = ()
    credit_range = (-np.inf, np.inf)
    unit = "mean return"
    held_out = 100
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.5, 25.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 2.0,
        },
    )

    def __init__(self, id: str):
        self.id, self.name = id, f"{GYM}{id.replace('/', SLASH)}"
        self.summary = f"Act in {id} of Gymnasium, told what it observes in spikes every {INTERVAL_ms:g} ms."
        self._made = [_environment(id)]
        spec = self._made[0].spec
        try:
            self._encoder = encoder_of(self._made[0].observation_space)
            self._decoder = decoder_of(self._made[0].action_space)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None
        self.inputs, self.outputs = self._encoder.ports, self._decoder.ports
        self._steps, self._solved = spec.max_episode_steps or LONGEST, spec.reward_threshold
        self.max_spikes = SPIKES * self._steps

    @property
    def chance(self) -> float:
        """The mean return of random actions, in credits."""
        return float(self._random.mean()) / self.per_credit

    @property
    def ceiling(self) -> float:
        """The return that is worth 1, in credits."""
        return self._top / self.per_credit

    @cached_property
    def per_credit(self) -> float:
        """The return of chance or of the ceiling, whichever is further from 0."""
        return max(abs(float(self._random.mean())), abs(self._top))

    def trials(self, rng: np.random.Generator, n: int) -> Seeds:
        """Seeds drawn from `rng`."""
        return Seeds(rng.integers(2**31, size=n))

    def play(self, circuit: Circuit, trials: Seeds, *, max_spikes: int = UNLIMITED) -> Play:
        """The circuit's episodes."""
        return self.play_all([circuit], trials, max_spikes=max_spikes)[0]

    def play_all(
        self, circuits: Sequence[Circuit], trials: Seeds, *, max_spikes: int | Sequence[int] = UNLIMITED
    ) -> list[Play]:
        """All circuits' episodes side by side."""

        def played(together: SideBySide, limits: np.ndarray) -> list[Play]:
            at_once = max(1, AT_ONCE // together.n)
            parts = [
                self._tally(together, trials.seed[begin : begin + at_once], limits)
                for begin in range(0, trials.n, at_once)
            ]
            *by_episode, simulated_ms = zip(*parts, strict=True)
            columns = (np.concatenate(column, axis=1) for column in by_episode)
            return Tally(*columns, np.sum(simulated_ms, axis=0)).plays(self, limits)

        return in_blocks(circuits, max_spikes, played)

    def example(self, circuit: Circuit, trials: Seeds) -> Example:
        """The first half second of the episodes."""
        together, record = SideBySide.of([circuit]), Record(spikes=True)
        world, action = self._world(trials.seed), self._decoder.first(trials.n)
        intervals = self._loop.intervals(together, world, action, record=record)
        done = [interval.done for interval in islice(intervals, EXAMPLE_INTERVALS)]
        return closed_loop_example([(d.stimulus, d.recording) for d in done])

    def _tally(self, together: SideBySide, seed: np.ndarray, limits: np.ndarray) -> Tally:
        world = self._world(np.tile(seed, together.n))
        return self._loop.tally(together, world, self._decoder.first(len(world.observation)), limits)

    @property
    def _loop(self) -> Loop:
        def encode(observation: np.ndarray, playing: np.ndarray):
            return self._encoder.spikes(observation[playing], np.flatnonzero(playing))

        return Loop(INTERVAL_ms, self.dt_ms, encode, self._decoder.actions)

    def _world(self, seed: np.ndarray) -> "Episodes":
        self._made += [_environment(self.id) for _ in range(len(seed) - len(self._made))]
        return Episodes(self._made[: len(seed)], seed, self._steps)

    @cached_property
    def _random(self) -> np.ndarray:
        """float[episodes]: the returns of random actions."""
        rng, playing = np.random.default_rng(0), np.ones(CHANCE_EPISODES, bool)
        world, returns = self._world(np.arange(CHANCE_EPISODES)), np.zeros(CHANCE_EPISODES)
        while playing.any():
            reward, over = world.step(self._decoder.drawn(rng, CHANCE_EPISODES), playing)
            returns += reward
            playing &= ~over
        return returns

    @property
    def _top(self) -> float:
        """The return at the ceiling, which is above chance."""
        chance, best = float(self._random.mean()), float(self._random.max())
        top = best if self._solved is None else float(self._solved)
        return top if top > chance else chance + 1


class Episodes:
    """A world of environments side by side, reset with the seeds int[n]; an episode is over after so many `steps`, if
    not before.
    """

    def __init__(self, environments: list, seed: np.ndarray, steps: int):
        self._environments, self._left = environments, steps
        told = [made.reset(seed=int(s))[0] for made, s in zip(environments, seed, strict=True)]
        self.observation = np.stack(told)

    def step(self, action: np.ndarray, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `World`; an environment whose episode is over is left alone."""
        reward, over = np.zeros(len(playing)), ~playing
        for k in np.flatnonzero(playing):
            self.observation[k], reward[k], ended, late, _ = self._environments[k].step(action[k])
            over[k] = ended or late
        self._left -= 1
        return reward, over | (self._left == 0)


@lru_cache(maxsize=8)
def load_gym(spec: str) -> GymTask:
    """The task gym:ID, also by its name; always the same.

    Raises `InputError`, one line, for an id that Gymnasium does not know, an environment that cannot be made (it may
    need another package), and observations and actions that are neither numbers nor choices.
    """
    return GymTask(spec.removeprefix(GYM).replace(SLASH, "/"))


def _environment(id: str):
    import gymnasium

    try:
        return gymnasium.make(id, disable_env_checker=True)
    except Exception as error:  # an environment is anybody's code
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{GYM}{id}: expected an environment that can be made here; {reason}") from None
