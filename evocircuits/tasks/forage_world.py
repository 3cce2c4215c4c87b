"""The world of `forage`: an open plane, moving sources of clicks, bodies with a round head, two ears and two motors.

All lives of a batch advance side by side, as arrays over lives. Lengths in m, angles in rad and counterclockwise,
positions as (x, y); where ears and motors are listed, the left one comes first.

Sound travels along the shortest path to an ear, straight or round the head, which for far sources is Woodworth's
formula (Woodworth, Experimental Psychology, 1938). A level falls with the length of the path and with the arc that the
wave creeps along in the head's shadow. The fibres of an ear differ in threshold, as those of the auditory nerve do
(Liberman, J. Acoust. Soc. Am. 63 (1978)). Motors twitch and fuse like muscles and drive the two sides of the body.

Energy is counted in whole units, one synaptic event each, so that accounts come out even.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from evocircuits.simulator import Spikes

STEP_ms = 20.0
"""Bodies move, pay and eat once in so long; within a step poses are held."""

SOUND_m_per_ms = 0.343
HEAD_m = 0.1
"""Radius of the head: time differences of up to 0.75 ms."""
SHADOW_dB_per_rad = 5.0
THRESHOLDS_dB = np.arange(-14.0, 7.0, 4.0)
"""Of an ear's six fibres, relative to a click's level at 1 m."""
LEVEL_NOISE_dB = 2.0
JITTER_ms = 0.05
"""Standard deviations of level and time, drawn anew for each click and fibre."""

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

EARS_rad = np.array([np.pi / 2, -np.pi / 2])


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
class Clicks:
    """Clicks under way: of which `life` int[c], from where `origin_m` float[c, 2], since `time_ms` float[c], which ears
    are `due` to hear them, bool[c, 2], and the `noise` in their levels and times at the fibres of each, standard
    normals float32[c, 2, 2, fibres].
    """

    life: np.ndarray
    origin_m: np.ndarray
    time_ms: np.ndarray
    due: np.ndarray
    noise: np.ndarray

    @classmethod
    def none(cls) -> "Clicks":
        """Silence."""
        return cls(np.zeros(0, int), np.zeros((0, 2)), np.zeros(0), np.zeros((0, 2), bool), noise_of(None, 0))

    def and_those(self, others: "Clicks") -> "Clicks":
        """These and `others`."""
        return Clicks(*(np.concatenate([getattr(c, f.name) for c in (self, others)]) for f in fields(self)))

    def without(self, arrived: np.ndarray) -> "Clicks":
        """Those that are still under way when some have `arrived` at ears, bool[c, 2]."""
        due = self.due & ~arrived
        left = due.any(axis=1)
        columns = self.life, self.origin_m, self.time_ms, due, self.noise
        return Clicks(*(column[left] for column in columns))


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
        lives, life = self.lives, np.arange(self.lives.n)[:, None]
        listed = self.source % lives.home_m.shape[1]
        turned = lives.turn[life, listed] * ORBIT_rad_per_s * np.asarray(time_ms) / 1000
        return lives.home_m[life, listed] + ORBIT_m * direction(lives.phase[life, listed] + turned)

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
        return Clicks(
            life,
            self.sources_m(click_ms)[life, source],
            click_ms[life, source],
            np.ones((len(life), 2), bool),
            noise[life % n_different * SOURCES + source],
        )


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


def heard_by(
    position_m: np.ndarray,
    heading: np.ndarray,
    alive: np.ndarray,
    clicks: Clicks,
    time_ms: float,
    *,
    dt_ms: float,
) -> tuple[Clicks, Spikes]:
    """Let `clicks` travel for the step that begins at `time_ms`: those still under way then, and the spikes of the ears
    of n bodies, float[n, 2], float[n] and bool[n].

    Trials are bodies, channels the fibres of the left ear, then those of the right. Spikes stay within the step, on
    whose grid of `dt_ms` they will be put.
    """
    x, y = (clicks.origin_m - position_m[clicks.life]).T
    bearing = np.arctan2(y, x) - heading[clicks.life]
    path_m, arc = path_to_ear(bearing[:, None] - EARS_rad, np.hypot(x, y)[:, None])
    arrival_ms = clicks.time_ms[:, None] + path_m / SOUND_m_per_ms - time_ms
    level_dB = -20 * np.log10(np.maximum(path_m, HEAD_m)) - SHADOW_dB_per_rad * arc
    arrived = clicks.due & (arrival_ms < STEP_ms)
    click, ear = np.nonzero(arrived & alive[clicks.life, None])
    level_noise, jitter = clicks.noise[click, :, ear].swapaxes(0, 1)
    felt_dB = level_dB[click, ear, None] + LEVEL_NOISE_dB * level_noise
    at, fibre = np.nonzero(felt_dB >= THRESHOLDS_dB)
    felt_ms = arrival_ms[click, ear][at] + JITTER_ms * jitter[at, fibre]
    heard_ms = np.clip(felt_ms, 0, STEP_ms - dt_ms)
    heard = Spikes(heard_ms, clicks.life[click[at]], ear[at] * len(THRESHOLDS_dB) + fibre)
    return clicks.without(arrived), heard


def noise_of(rng: np.random.Generator | None, n: int) -> np.ndarray:
    """The noise in `n` clicks; of none where there is no `rng`."""
    shape = n, 2, len(EARS_rad), len(THRESHOLDS_dB)
    return np.zeros(shape, np.float32) if rng is None else rng.standard_normal(shape, dtype=np.float32)


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


def path_to_ear(angle: np.ndarray, distance_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length in m of the shortest path to an ear, and the arc in rad on which it goes round the head.

    `angle`: between the directions of ear and source, seen from the middle of the head; `distance_m` from there. A
    source within the head sounds from its surface.
    """
    angle = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
    distance_m = np.maximum(distance_m, HEAD_m)
    arc = np.maximum(0, angle - np.arccos(HEAD_m / distance_m))
    straight_m = np.sqrt(distance_m**2 + HEAD_m**2 - 2 * distance_m * HEAD_m * np.cos(angle))
    tangent_m = np.sqrt(distance_m**2 - HEAD_m**2)
    path_m = np.where(arc > 0, tangent_m + HEAD_m * arc, straight_m)
    return path_m, arc


def direction(angle: np.ndarray) -> np.ndarray:
    """float[…, 2]: unit vectors at these angles."""
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)
