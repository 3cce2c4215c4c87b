"""Sound and hearing in `forage`: clicks travel round heads to the fibres of two ears.

Lengths in m, angles in rad and counterclockwise, positions as (x, y); the left ear comes first. Sound travels along
the shortest path to an ear, straight or round the head, which for far sources is Woodworth's formula (Woodworth,
Experimental Psychology, 1938). A level falls with the length of the path and with the arc that the wave creeps along
in the head's shadow. The fibres of an ear differ in threshold, as those of the auditory nerve do (Liberman, J. Acoust.
Soc. Am. 63 (1978)).
"""

from dataclasses import dataclass, fields

import numpy as np

from evocircuits.simulator import Spikes
from evocircuits.simulator.kernels import compiled

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

EARS_rad = (np.pi / 2, -np.pi / 2)


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
        return cls.begun(np.zeros(0, int), np.zeros((0, 2)), np.zeros(0), noise_of(None, 0))

    @classmethod
    def begun(
        cls, life: np.ndarray, origin_m: np.ndarray, time_ms: np.ndarray, noise: np.ndarray
    ) -> "Clicks":
        """Those that nobody has heard yet."""
        return cls(life, origin_m, time_ms, np.ones((len(life), 2), bool), noise)

    def and_those(self, others: "Clicks") -> "Clicks":
        """These and `others`."""
        return Clicks(*(np.concatenate([getattr(c, f.name) for c in (self, others)]) for f in fields(self)))

    def without(self, arrived: np.ndarray) -> "Clicks":
        """Those that are still under way when some have `arrived` at ears, bool[c, 2]."""
        due = self.due & ~arrived
        left = due.any(axis=1)
        columns = self.life, self.origin_m, self.time_ms, due, self.noise
        return Clicks(*(column[left] for column in columns))


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
    whose grid of `dt_ms` they will be put. Nothing travels to the dead.
    """
    sound = SOUND_m_per_ms, THRESHOLDS_dB, LEVEL_NOISE_dB, JITTER_ms
    columns = clicks.life, clicks.origin_m, clicks.time_ms - time_ms, clicks.due, clicks.noise
    arrived, spike_ms, body, fibre = _heard(position_m, heading, alive, *columns, sound, STEP_ms - dt_ms)
    return clicks.without(arrived), Spikes(spike_ms, body, fibre)


def noise_of(rng: np.random.Generator | None, n: int) -> np.ndarray:
    """The noise in `n` clicks; of none where there is no `rng`."""
    shape = n, 2, len(EARS_rad), len(THRESHOLDS_dB)
    return np.zeros(shape, np.float32) if rng is None else rng.standard_normal(shape, dtype=np.float32)


@compiled
def path_to_ear(angle: float, distance_m: float) -> tuple[float, float]:
    """Length in m of the shortest path to an ear, and the arc in rad on which it goes round the head.

    `angle`: between the directions of ear and source, seen from the middle of the head; `distance_m` from there. A
    source within the head sounds from its surface.
    """
    angle = abs((angle + np.pi) % (2 * np.pi) - np.pi)
    distance_m = max(distance_m, HEAD_m)
    arc = angle - np.arccos(HEAD_m / distance_m)
    if arc > 0:
        return np.sqrt(distance_m**2 - HEAD_m**2) + HEAD_m * arc, arc
    return np.sqrt(distance_m**2 + HEAD_m**2 - 2 * distance_m * HEAD_m * np.cos(angle)), 0.0


@compiled
def _heard(position_m, heading, alive, life, origin_m, since_ms, due, noise, sound, last_ms):
    """Which clicks have arrived at which ears, bool[c, 2], and the times, bodies and fibres of spikes."""
    speed_m_per_ms, thresholds_dB, level_noise_dB, jitter_ms = sound
    n_fibres = len(thresholds_dB)
    arrived = np.zeros(due.shape, np.bool_)
    most = due.size * n_fibres
    spike_ms, body, fibre = np.empty(most), np.empty(most, np.int64), np.empty(most, np.int64)
    n = 0
    for click, one in enumerate(life):
        if not alive[one]:
            arrived[click] = True
            continue
        x, y = origin_m[click, 0] - position_m[one, 0], origin_m[click, 1] - position_m[one, 1]
        bearing, distance_m = np.arctan2(y, x) - heading[one], np.sqrt(x * x + y * y)
        for ear in range(2):
            path_m, arc = path_to_ear(bearing - EARS_rad[ear], distance_m)
            arrival_ms = since_ms[click] + path_m / speed_m_per_ms
            if not due[click, ear] or arrival_ms >= STEP_ms:
                continue
            arrived[click, ear] = True
            level_dB = -20 * np.log10(max(path_m, HEAD_m)) - SHADOW_dB_per_rad * arc
            for f in range(n_fibres):
                if level_dB + level_noise_dB * noise[click, 0, ear, f] >= thresholds_dB[f]:
                    felt_ms = arrival_ms + jitter_ms * noise[click, 1, ear, f]
                    spike_ms[n] = min(max(felt_ms, 0.0), last_ms)
                    body[n], fibre[n] = one, ear * n_fibres + f
                    n += 1
    return arrived, spike_ms[:n].copy(), body[:n].copy(), fibre[:n].copy()
