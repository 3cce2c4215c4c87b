"""The world of `forage`: an open plane, moving sources of clicks, bodies with a round head, two ears and two motors.

All lives of a batch advance side by side, as arrays over lives. Lengths in m, angles in rad and counterclockwise,
positions as (x, y); of two ears or motors the left one comes first. Sound and ears are those of `forage_sound`. Motors
twitch and fuse like muscles and drive the two sides of the body.

Energy is counted in whole units, one synaptic event each, so that accounts come out even.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from evocircuits.simulator import Spikes
from evocircuits.simulator.kernels import compiled
from evocircuits.tasks.forage_sound import Clicks, STEP_ms, heard_by, noise_of

SOURCES = 4
"""How many sound at any time: one that is eaten is replaced by the next of a life's list."""
ARENA_m = 2.5
"""Sources circle homes within so far of the start …"""
ORBIT_m, ORBIT_rad_per_s = 0.5, 0.5
"""… at this distance and speed."""
PERIOD_ms = (20.0, 30.0)
"""Between clicks, from one source to another; never less than a step, so that a step holds at most one click."""
REACH_m = 0.3

SPEED_m_per_s = 1.5
"""Of a body's side at full activation."""
WIDTH_m = 0.2
"""From one side to the other."""
TWITCH = 0.3
"""What a motor spike adds to activation, which ends at 1 …"""
RELAXATION_ms = 50.0
"""… and decays with this time constant."""

SYNAPTIC_EVENT, SPIKE, STEP = 1, 10, 400
"""What each costs."""
START = MEAL = 100_000
"""What a life starts with, and what a source feeds."""


@dataclass(frozen=True, eq=False)
class Lives:
    """What a batch of n lives starts from, each with a list of K sources, of which the first `SOURCES` sound at once.

    `heading` float[n]; `home_m` float[n, K, 2], `phase` float[n, K] at time 0 and `turn` ±1 [n, K] of the sources'
    circles; `period_ms` and `first_ms` float[n, `SOURCES`] of their clicks; `seed` of the noise in the ears. A list
    that is too short for a life begins again. `copies`: the lives are so many times the same ones, for different bodies
    to live, noise included.
    """

    heading: np.ndarray
    home_m: np.ndarray
    phase: np.ndarray
    turn: np.ndarray
    period_ms: np.ndarray
    first_ms: np.ndarray
    seed: int
    copies: int = 1

    @property
    def n(self) -> int:
        """How many."""
        return len(self.heading)

    def times(self, copies: int) -> "Lives":
        """So many copies of these lives, one after the other."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("seed", "copies")}
        repeated = {name: np.concatenate([array] * copies) for name, array in arrays.items()}
        return Lives(**repeated, seed=self.seed, copies=self.copies * copies)

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, n_listed: int = 64) -> "Lives":
        """`n` lives with homes uniform in the arena and all directions and phases uniform."""
        listed = (n, n_listed)
        distance_m = ARENA_m * np.sqrt(rng.random(listed))
        period_ms = rng.uniform(*PERIOD_ms, (n, SOURCES))
        return cls(
            heading=rng.uniform(0, 2 * np.pi, n),
            home_m=distance_m[..., None] * direction(rng.uniform(0, 2 * np.pi, listed)),
            phase=rng.uniform(0, 2 * np.pi, listed),
            turn=rng.choice((-1, 1), listed),
            period_ms=period_ms,
            first_ms=period_ms * rng.random((n, SOURCES)),
            seed=int(rng.integers(2**63)),
        )


@dataclass(frozen=True, eq=False)
class World:
    """A batch of lives after `step` steps.

    `position_m` float[n, 2], `heading` float[n]; `activation` float[n, 2] of the motors, in 0…1; `source` int[n,
    `SOURCES`], which of the list sound; `energy`, `meals`, and the `spikes` and `synaptic_events` paid for, int[n];
    `clicks` under way.
    """

    lives: Lives
    step: int
    position_m: np.ndarray
    heading: np.ndarray
    activation: np.ndarray
    source: np.ndarray
    energy: np.ndarray
    meals: np.ndarray
    spikes: np.ndarray
    synaptic_events: np.ndarray
    clicks: Clicks

    @classmethod
    def begin(cls, lives: Lives) -> "World":
        """All bodies at rest in the middle."""
        n = lives.n
        return cls(
            lives=lives,
            step=0,
            position_m=np.zeros((n, 2)),
            heading=lives.heading,
            activation=np.zeros((n, 2)),
            source=np.tile(np.arange(SOURCES), (n, 1)),
            energy=np.full(n, START),
            meals=np.zeros(n, int),
            spikes=np.zeros(n, int),
            synaptic_events=np.zeros(n, int),
            clicks=Clicks.none(),
        )

    @property
    def time_ms(self) -> float:
        """Since the beginning."""
        return self.step * STEP_ms

    @property
    def alive(self) -> np.ndarray:
        """bool[n]: whose energy is not spent."""
        return self.energy > 0

    def sources_m(self, time_ms: np.ndarray | float) -> np.ndarray:
        """float[n, `SOURCES`, 2]: where the sources that sound now are at `time_ms`, a number or [n, `SOURCES`]."""
        lives, time_ms = self.lives, np.broadcast_to(np.asarray(time_ms, float), self.source.shape)
        return _places_m(lives.home_m, lives.phase, lives.turn, self.source, time_ms)

    def hear(self, rng: np.random.Generator, *, dt_ms: float) -> tuple["World", Spikes]:
        """Let sound travel for a step: the world with the clicks still under way, and the spikes of the ears.

        Trials are lives, channels the fibres of the left ear, then those of the right. Spikes stay within the step, on
        whose grid of `dt_ms` they will be put. The dead hear nothing. What is drawn from `rng` does not depend on what
        anybody did.
        """
        clicks = self.clicks.and_those(self._emitted(rng))
        clicks, heard = heard_by(self.position_m, self.heading, self.alive, clicks, self.time_ms, dt_ms=dt_ms)
        return replace(self, clicks=clicks), heard

    def act(self, motor_spikes: np.ndarray, spikes: np.ndarray, synaptic_events: np.ndarray) -> "World":
        """End the step: who is alive moves and pays, and who still is alive eats what is within reach.

        `motor_spikes` int[n, 2]; `spikes`, those included, and `synaptic_events` int[n], of this step.
        """
        moved = self._moved(motor_spikes)
        spikes, synaptic_events = spikes * self.alive, synaptic_events * self.alive
        energy = np.maximum(self.energy - cost_of(spikes, synaptic_events), 0)
        away_m = self.sources_m(moved.time_ms) - moved.position_m[:, None]
        eaten = (np.hypot(away_m[..., 0], away_m[..., 1]) < REACH_m) & (energy > 0)[:, None]
        following = SOURCES - 1 + self.meals[:, None] + np.cumsum(eaten, axis=1)
        n_eaten = eaten.sum(axis=1)
        return replace(
            moved,
            source=np.where(eaten, following, self.source),
            energy=energy + MEAL * n_eaten,
            meals=self.meals + n_eaten,
            spikes=self.spikes + spikes,
            synaptic_events=self.synaptic_events + synaptic_events,
        )

    def _moved(self, motor_spikes: np.ndarray) -> "World":
        poses = next_poses(self.position_m, self.heading, self.activation, self.alive, motor_spikes)
        position_m, heading, activation = poses
        return replace(
            self, step=self.step + 1, position_m=position_m, heading=heading, activation=activation
        )

    def _emitted(self, rng: np.random.Generator) -> Clicks:
        lives = self.lives
        n_different = lives.n // lives.copies
        noise = noise_of(rng, n_different * SOURCES)
        earlier = np.maximum(0, np.ceil((self.time_ms - lives.first_ms) / lives.period_ms))
        click_ms = lives.first_ms + earlier * lives.period_ms
        life, source = np.nonzero((click_ms < self.time_ms + STEP_ms) & self.alive[:, None])
        origin_m = self.sources_m(click_ms)[life, source]
        noise = noise[life % n_different * SOURCES + source]
        return Clicks.begun(life, origin_m, click_ms[life, source], noise)


@dataclass(frozen=True, eq=False)
class Life:
    """One life as it was lived, in T steps of `step_ms` and the moment before the first.

    `position_m` float[T + 1, 2], `heading` float[T + 1], `activation` float[T + 1, 2]; `source_m` float[T + 1, S, 2];
    `energy` int[T + 1], of which `meal` is that of a source, and `meals` int[T + 1]; `heard` int[T + 1, 2], spikes of
    the fibres of each ear. `spike_ms` float[E] and `neuron` int[E]: the spikes of neurons named `names` and excitatory
    or not, bool[N].
    """

    step_ms: float
    position_m: np.ndarray
    heading: np.ndarray
    activation: np.ndarray
    source_m: np.ndarray
    energy: np.ndarray
    meal: int
    meals: np.ndarray
    heard: np.ndarray
    spike_ms: np.ndarray
    neuron: np.ndarray
    names: tuple[str, ...]
    excitatory: np.ndarray

    @property
    def n_frames(self) -> int:
        """T + 1."""
        return len(self.heading)


def next_poses(
    position_m: np.ndarray,
    heading: np.ndarray,
    activation: np.ndarray,
    alive: np.ndarray,
    motor_spikes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, headings and activations of n bodies a step later, after `motor_spikes` int[n, 2]."""
    decayed = activation * np.exp(-STEP_ms / RELAXATION_ms)
    activation = np.minimum(1.0, decayed + TWITCH * motor_spikes) * alive[:, None]
    left_m, right_m = activation.T * SPEED_m_per_s * STEP_ms / 1000
    turn = (right_m - left_m) / WIDTH_m
    forward_m = (left_m + right_m)[:, None] / 2 * direction(heading + turn / 2)
    return position_m + forward_m, heading + turn, activation


def cost_of(spikes: np.ndarray, synaptic_events: np.ndarray) -> np.ndarray:
    """Energy that a step takes."""
    return STEP + SPIKE * spikes + SYNAPTIC_EVENT * synaptic_events


def direction(angle: np.ndarray) -> np.ndarray:
    """float[…, 2]: unit vectors at these angles."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


@compiled
def _places_m(home_m, phase, turn, source, time_ms):
    places_m = np.empty((*source.shape, 2))
    for life in range(len(source)):
        for k in range(source.shape[1]):
            one = source[life, k] % home_m.shape[1]
            angle = phase[life, one] + turn[life, one] * ORBIT_rad_per_s * time_ms[life, k] / 1000
            places_m[life, k, 0] = home_m[life, one, 0] + ORBIT_m * np.cos(angle)
            places_m[life, k, 1] = home_m[life, one, 1] + ORBIT_m * np.sin(angle)
    return places_m
