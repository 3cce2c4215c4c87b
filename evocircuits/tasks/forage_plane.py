"""One plane of `forage` that many bodies share: they hear the same sources, and what one has eaten no other gets.

Bodies, ears, motors, sound and costs are those of `forage_world`. Sources lie as densely as there while nobody eats;
one that is eaten comes back elsewhere after a while, so that food is limited.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from evocircuits.simulator import Spikes
from evocircuits.tasks.forage_sound import Clicks, STEP_ms, heard_by, noise_of
from evocircuits.tasks.forage_world import (
    SOURCES,
    ARENA_m,
    ORBIT_m,
    ORBIT_rad_per_s,
    PERIOD_ms,
    REACH_m,
    cost_of,
    direction,
    next_poses,
)

EARSHOT_m = 8.0
"""Clicks from farther away are lost: one in 40 would pass the lowest threshold."""
COUNTS = ("meals", "paid", "spikes", "synaptic_events", "lived")
"""What a plane counts for each body."""


@dataclass(frozen=True, eq=False)
class Sources:
    """S sources: `home_m` float[S, 2], `phase` float[S] at time 0 and `turn` ±1 [S] of their circles, `period_ms` and
    `first_ms` float[S] of their clicks, and `since_ms` float[S], from when on they sound and feed.
    """

    home_m: np.ndarray
    phase: np.ndarray
    turn: np.ndarray
    period_ms: np.ndarray
    first_ms: np.ndarray
    since_ms: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, radius_m: float, since_ms: float = 0.0) -> "Sources":
        """`n` sources with homes uniform in a disc."""
        distance_m = radius_m * np.sqrt(rng.random(n))
        period_ms = rng.uniform(*PERIOD_ms, n)
        return cls(
            home_m=distance_m[:, None] * direction(rng.uniform(0, 2 * np.pi, n)),
            phase=rng.uniform(0, 2 * np.pi, n),
            turn=rng.choice((-1, 1), n),
            period_ms=period_ms,
            first_ms=period_ms * rng.random(n),
            since_ms=np.full(n, since_ms),
        )

    @property
    def n(self) -> int:
        """S."""
        return len(self.phase)

    def places_m(self, time_ms: np.ndarray | float) -> np.ndarray:
        """float[S, 2]: where they are at `time_ms`, a number or float[S]."""
        turned = self.turn * ORBIT_rad_per_s * np.asarray(time_ms) / 1000
        return self.home_m + ORBIT_m * direction(self.phase + turned)

    def there(self, time_ms: float) -> np.ndarray:
        """bool[S]: which sound and feed at `time_ms`."""
        return self.since_ms <= time_ms

    def with_those(self, which: np.ndarray, others: "Sources") -> "Sources":
        """`others` in the places of `which`, int[k]."""
        columns = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name, column in columns.items():
            column[which] = getattr(others, name)
        return Sources(**columns)


def radius_of(n_sources: int) -> float:
    """Of the disc, in m, in which so many sources are as dense as those of `forage`."""
    return ARENA_m * (n_sources / SOURCES) ** 0.5


@dataclass(frozen=True, eq=False)
class Plane:
    """n bodies among sources, `step` steps after the beginning of time.

    `position_m` float[n, 2], `heading` float[n], `activation` float[n, 2] as in `World`; `energy` and, counted since
    `meet`, `meals`, `paid` (energy), `spikes`, `synaptic_events` and `lived` (steps) int[n]; `clicks` under way, whose
    `life` is a body. A source feeds `meal`, and comes back after
    `return_ms`.
    """

    step: int
    meal: int
    return_ms: float
    sources: Sources
    position_m: np.ndarray
    heading: np.ndarray
    activation: np.ndarray
    energy: np.ndarray
    meals: np.ndarray
    paid: np.ndarray
    spikes: np.ndarray
    synaptic_events: np.ndarray
    lived: np.ndarray
    clicks: Clicks

    @classmethod
    def meet(cls, step: int, meal: int, return_ms: float, sources: Sources, **bodies: np.ndarray) -> "Plane":
        """Bodies with `position_m`, `heading`, `activation` and `energy` among `sources`, in silence."""
        n = len(bodies["heading"])
        counts = {name: np.zeros(n, int) for name in COUNTS}
        return cls(step, meal, return_ms, sources, **bodies, **counts, clicks=Clicks.none())

    @property
    def time_ms(self) -> float:
        """Since the beginning of time."""
        return self.step * STEP_ms

    @property
    def alive(self) -> np.ndarray:
        """bool[n]: whose energy is not spent."""
        return self.energy > 0

    def hear(self, rng: np.random.Generator, *, dt_ms: float) -> tuple["Plane", Spikes]:
        """Let sound travel for a step: clicks still under way, and the spikes of the ears; trials are bodies."""
        clicks = self.clicks.and_those(self._emitted(rng))
        clicks, heard = heard_by(self.position_m, self.heading, self.alive, clicks, self.time_ms, dt_ms=dt_ms)
        return replace(self, clicks=clicks), heard

    def act(
        self,
        motor_spikes: np.ndarray,
        spikes: np.ndarray,
        synaptic_events: np.ndarray,
        rng: np.random.Generator,
    ) -> "Plane":
        """End the step: who is alive moves and pays, and who still is alive eats what it is the nearest to.

        Arguments as for `World.act`; new sources are drawn from `rng`.
        """
        alive, step = self.alive, self.step + 1
        poses = next_poses(self.position_m, self.heading, self.activation, alive, motor_spikes)
        spikes, synaptic_events = spikes * alive, synaptic_events * alive
        paid = np.minimum(cost_of(spikes, synaptic_events) * alive, self.energy)
        energy = self.energy - paid
        eater = _eaters(poses[0], energy > 0, self.sources, step * STEP_ms)
        eaten = np.flatnonzero(eater >= 0)
        n_eaten = np.bincount(eater[eaten], minlength=len(energy))
        sources = self.sources
        if len(eaten):
            since_ms = step * STEP_ms + self.return_ms
            others = Sources.draw(rng, len(eaten), radius_of(len(eater)), since_ms)
            sources = sources.with_those(eaten, others)
        return Plane(
            step,
            self.meal,
            self.return_ms,
            sources,
            *poses,
            energy + self.meal * n_eaten,
            self.meals + n_eaten,
            self.paid + paid,
            self.spikes + spikes,
            self.synaptic_events + synaptic_events,
            self.lived + alive,
            self.clicks,
        )

    def _emitted(self, rng: np.random.Generator) -> Clicks:
        sources = self.sources
        earlier = np.maximum(0, np.ceil((self.time_ms - sources.first_ms) / sources.period_ms))
        click_ms = sources.first_ms + earlier * sources.period_ms
        sounding = sources.there(self.time_ms) & (click_ms < self.time_ms + STEP_ms)
        origin_m = sources.places_m(click_ms)
        away_m = origin_m - self.position_m[:, None]
        body, source = np.nonzero(
            sounding & self.alive[:, None] & (np.hypot(away_m[..., 0], away_m[..., 1]) < EARSHOT_m)
        )
        return Clicks.begun(body, origin_m[source], click_ms[source], noise_of(rng, len(body)))


def _eaters(position_m: np.ndarray, alive: np.ndarray, sources: Sources, time_ms: float) -> np.ndarray:
    """int[S]: the body that eats each source, the nearest of those who reach it, or −1."""
    if not len(alive):
        return np.full(len(sources.phase), -1)
    away_m = sources.places_m(time_ms) - position_m[:, None]
    distance_m = np.hypot(away_m[..., 0], away_m[..., 1])
    reached = (distance_m < REACH_m) & alive[:, None] & sources.there(time_ms)
    return np.where(reached.any(axis=0), np.where(reached, distance_m, np.inf).argmin(axis=0), -1)
