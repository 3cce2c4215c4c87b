"""Cartpole: balance a pole on a cart by pushing it left or right, in a closed loop of spikes.

The plant is that of Barto, Sutton & Anderson, IEEE Trans. Syst. Man Cybern. 13 (1983), as Gymnasium's CartPole-v1: 50
pushes of ±10 N a second, over after 500, or when the pole leans by more than 12° or the cart is more than 2.4 m off. As
a benchmark of spiking circuits, also with velocities hidden: Plank, Rizzo, White & Schuman, J. Low Power Electron.
Appl. 15, 5 (2025), where two evolved networks do with 7 and 8 synapses. A search plays on equations of our own, all
episodes side by side; what is reported was played on Gymnasium.

The code is not theirs. With bursts whose length grows with the value (up to 10 spikes, 2 ms apart) a plain relay of all
inputs to their outputs balances for all 500 steps: argmax does all the comparing. Here every channel spikes once in
every interval, and only when tells the value; counts of inputs tell nothing, and relays push to one side. Inhibition is
what the references compare times with. Two excitatory cells can, too: evolved ones balance for 500 steps, with six
synapses from all but the position, and for 480 with two from the angle alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import UNLIMITED, Record, Spikes
from evocircuits.tasks.base import Example, Play, Ranges, Task, closed_loop_example
from evocircuits.tasks.closed_loop import Loop, World
from evocircuits.tasks.side_by_side import SideBySide, in_blocks

MAX_RETURN = 500
RANDOM_RETURN = 22.25
"""The mean return of pushes drawn by chance, over 400,000 episodes (± .02)."""
START = 0.05
"""Every quantity starts within this distance of zero, in its own unit."""
INTERVAL_ms = 20.0
ZERO_ms = 8.0
"""When a channel spikes in its interval while its quantity is zero; it does so between 0 and twice as late."""
EXAMPLE_INTERVALS = 25

POSITION, VELOCITY = Port("position", 2), Port("velocity", 2)
ANGLE, ANGULAR_VELOCITY = Port("angle", 2), Port("angular_velocity", 2)
QUANTITIES = (POSITION, VELOCITY, ANGLE, ANGULAR_VELOCITY)

POSITION_LIMIT_m = 2.4
ANGLE_LIMIT_rad = 12 * 2 * np.pi / 360
FULL_SCALE = {POSITION: POSITION_LIMIT_m, VELOCITY: 2.0, ANGLE: ANGLE_LIMIT_rad, ANGULAR_VELOCITY: 2.0}
"""In m, m/s, rad and rad/s, as Plank et al. have them."""

GRAVITY_m_per_s2 = 9.8
CART_kg = 1.0
POLE_kg = 0.1
HALF_POLE_m = 0.5
PUSH_N = 10.0
STEP_s = 0.02


@dataclass(frozen=True, eq=False)
class Episodes:
    """What episodes start from: `start` float[episodes, 4] in the order of `QUANTITIES`."""

    start: np.ndarray

    @property
    def n(self) -> int:
        """How many."""
        return len(self.start)


class CartPole(Task):
    """Pairs of input channels tell position and angle, and velocities unless hidden; two outputs push left or right.

    Every 20 ms each channel spikes once: at 8 ms where its quantity is zero, else the second channel (√(|value| / full
    scale)) × 8 ms earlier and the first as much later, for a negative value the other way round. The square root tells
    small deviations apart. The output that spikes more often in the interval decides on the push; a tie repeats the
    last push, the first of all being to the left. A finished episode gets no more input, and nothing that happens in it
    counts.
    """

    source = "Barto, Sutton & Anderson 1983; CartPole-v1 of Gymnasium; Plank et al. 2025"
    outputs = (Port("push", 2),)
    dt_ms = 0.5
    chance = RANDOM_RETURN / MAX_RETURN
    ceiling = 1.0
    unit = "mean return"
    per_credit = float(MAX_RETURN)
    max_spikes = 5000
    held_out = 200
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

    def __init__(self, *, velocities: bool = True):
        self.velocities = velocities
        if velocities:
            self.name = "cartpole"
            self.inputs = QUANTITIES
            self.summary = (
                "Balance a pole on a cart for 500 steps, told position, angle and their velocities."
            )
            self.claim = ("inhibition", "recurrence")
        else:
            self.name = "cartpole_hidden"
            self.inputs = (POSITION, ANGLE)
            self.summary = "Balance a pole on a cart for 500 steps, told position and angle but no velocity."
            self.claim = ("inhibition", "recurrence", "delays")

    def trials(self, rng: np.random.Generator, n: int) -> Episodes:
        """Starts drawn as Gymnasium draws them, all four quantities uniform within ±.05."""
        return Episodes(rng.uniform(-START, START, (n, len(QUANTITIES))))

    def play(self, circuit: Circuit, trials: Episodes, *, max_spikes: int = UNLIMITED) -> Play:
        """The circuit's episodes on our own equations."""
        return self.play_all([circuit], trials, max_spikes=max_spikes)[0]

    def play_all(
        self, circuits: Sequence[Circuit], trials: Episodes, *, max_spikes: int | Sequence[int] = UNLIMITED
    ) -> list[Play]:
        """All circuits' episodes side by side."""

        def played(together: SideBySide, limits: np.ndarray) -> list[Play]:
            return self._played(together, SimulatedPoles(np.tile(trials.start, (together.n, 1))), limits)

        return in_blocks(circuits, max_spikes, played)

    def report(self, circuit: Circuit, trials: Episodes) -> Play:
        """The circuit's episodes on Gymnasium. Raises `InputError` where it is not installed."""
        return self._played(SideBySide.of([circuit]), GymnasiumPoles(trials.start))[0]

    def example(self, circuit: Circuit, trials: Episodes) -> Example:
        """The first half second of the episodes."""
        poles = SimulatedPoles(trials.start)
        record = Record(spikes=True)
        intervals = self._loop.intervals(SideBySide.of([circuit]), poles, _left(poles), record=record)
        done = [interval.done for interval in islice(intervals, EXAMPLE_INTERVALS)]
        return closed_loop_example([(d.stimulus, d.recording) for d in done])

    def reference(self) -> Genome:
        """A race: the output whose input comes first fires, and through an inhibitory cell silences its rival.

        Each output hears its own side's angle and angular velocity, so that the larger of the two decides. Without
        velocities it hears the angle alone, and the angle of one interval ago vetoes the output of its own side unless
        the new spike comes before. So the side decides to which the pole falls; while that is slow none is vetoed, and
        the race decides for the side to which it leans. The cart is left to drift, too slowly to matter in 500 steps.
        """
        constants = {
            "tau_m_ms": 2.0,
            "threshold_mV": 15.0,
            "t_ref_ms": 1.0,
            "tau_syn_ex_ms": 1.0,
            "tau_syn_in_ms": 2.0,
        }
        push = PopulationGene(innovation("cartpole", "push"), True, 2, port="push", **constants)
        rival = PopulationGene(innovation("cartpole", "rival"), False, 2, **constants)
        past = PopulationGene(innovation("cartpole", "past"), False, 2, **constants)
        own_side, other_side = Pattern("one_to_one"), Pattern("all_but_self")
        race = (
            (ANGLE.id, push.id, own_side, 2.0, 1.0),
            (push.id, rival.id, own_side, 1.5, 0.5),
            (rival.id, push.id, other_side, 3.0, 0.5),
        )
        if self.velocities:
            populations = (push, rival)
            wires = (*race, (ANGULAR_VELOCITY.id, push.id, own_side, 2.0, 1.0))
        else:
            populations = (push, rival, past)
            veto = (past.id, push.id, own_side, 3.0, INTERVAL_ms)
            wires = (*race, (ANGLE.id, past.id, own_side, 1.5, 1.0), veto)
        projections = tuple(ProjectionGene(innovation("cartpole", i), *wire) for i, wire in enumerate(wires))
        return Genome(self.inputs, self.outputs, populations, projections)

    def _played(self, together: SideBySide, poles: World, limits: np.ndarray | int = UNLIMITED) -> list[Play]:
        """Of each circuit, whose episodes are the next so many of `poles`."""
        return self._loop.tally(together, poles, _left(poles), limits).plays(self, limits)

    @property
    def _loop(self) -> Loop:
        return Loop(INTERVAL_ms, self.dt_ms, self.encoded, decided)

    def encoded(self, observation: np.ndarray, playing: np.ndarray) -> dict[str, Spikes]:
        """The interval's input spikes by port: `observation` float[episodes, 4], `playing` bool[episodes]."""
        trial = np.flatnonzero(playing)
        trials, channels = np.tile(trial, 2), np.repeat([0, 1], len(trial))
        columns = [QUANTITIES.index(port) for port in self.inputs]
        full_scale = np.array([FULL_SCALE[port] for port in self.inputs], observation.dtype)
        value = observation[trial][:, columns] / full_scale
        lead_ms = ZERO_ms * np.sign(value) * np.sqrt(np.minimum(np.abs(value), 1))
        times_ms = ZERO_ms + np.concatenate([lead_ms, -lead_ms])
        return {port.name: Spikes(times_ms[:, k], trials, channels) for k, port in enumerate(self.inputs)}


class SimulatedPoles:
    """A world of carts with poles by our own equations, all in one go. `state`: float[episodes, 4]."""

    def __init__(self, start: np.ndarray):
        self.state = start
        self._steps = 0

    @property
    def observation(self) -> np.ndarray:
        """The state, in the single precision in which Gymnasium tells it."""
        return self.state.astype(np.float32)

    def step(self, push: np.ndarray, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `World`: push to the left (0) or right (1), int[episodes]; one reward for each step, the last included."""
        self.state = np.where(playing[:, None], pushed(self.state, push), self.state)
        self._steps += 1
        fallen = np.abs(self.state[:, [0, 2]]) > [POSITION_LIMIT_m, ANGLE_LIMIT_rad]
        return playing.astype(float), fallen.any(axis=1) | (self._steps == MAX_RETURN)


class GymnasiumPoles:
    """The same by Gymnasium's CartPole-v1, one environment for each episode, which ends them and gives the rewards."""

    def __init__(self, start: np.ndarray):
        try:
            import gymnasium
        except ImportError:
            raise InputError(
                "cartpole is reported on Gymnasium; install it with: pip install gymnasium"
            ) from None
        self._environments = [gymnasium.make("CartPole-v1", disable_env_checker=True) for _ in start]
        for environment, state in zip(self._environments, start, strict=True):
            environment.reset()
            environment.unwrapped.state = state  # reset cannot be told where to start
        self.observation = start.astype(np.float32)

    def step(self, push: np.ndarray, playing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `World`."""
        reward, over = np.zeros(len(push)), ~playing
        for i in np.flatnonzero(playing):
            self.observation[i], reward[i], fallen, late, _ = self._environments[i].step(int(push[i]))
            over[i] = fallen or late
        return reward, over


def _left(poles: World) -> np.ndarray:
    """The push that counts as the last before any: to the left."""
    return np.zeros(len(poles.observation), int)


def pushed(state: np.ndarray, push: np.ndarray) -> np.ndarray:
    """The states one Euler step later: `state` float[episodes, 4] in the order of `QUANTITIES`, `push` int[episodes].

    Source: Barto, Sutton & Anderson (1983), without friction; operations in Gymnasium's order, to round as it does.
    """
    _, velocity, angle, angular_velocity = state.T
    mass_kg, moment_kg_m = CART_kg + POLE_kg, POLE_kg * HALF_POLE_m
    sine, cosine = np.sin(angle), np.cos(angle)
    force_N = PUSH_N * (2 * push - 1) + moment_kg_m * angular_velocity**2 * sine
    shared = force_N / mass_kg
    angular_acceleration = (GRAVITY_m_per_s2 * sine - cosine * shared) / (
        HALF_POLE_m * (4 / 3 - POLE_kg * cosine**2 / mass_kg)
    )
    acceleration = shared - moment_kg_m * angular_acceleration * cosine / mass_kg
    return state + STEP_s * np.stack([velocity, acceleration, angular_velocity, angular_acceleration], axis=1)


def decided(counts: np.ndarray, last: np.ndarray) -> np.ndarray:
    """int[episodes]: the output, 0 or 1, that spiked more often in `counts`, int[episodes, 2]; `last` on a tie."""
    return np.where(counts[:, 0] == counts[:, 1], last, counts[:, 1] > counts[:, 0])
