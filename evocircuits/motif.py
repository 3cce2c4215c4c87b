"""Motif: a circuit worth keeping, with where it came from and how well it did; library, nn and exchange share it."""

import sys
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import import_module

from evocircuits.checks import shown
from evocircuits.circuit import Circuit
from evocircuits.errors import InputError
from evocircuits.genome import Genome, plain


@dataclass(frozen=True)
class MotifScore:
    """One measurement on held-out trials: raw score with its 95 % interval, and what a trial cost.

    `raw`, `low`, `high` are in the task's own unit, `normalised` runs from chance (0) to ceiling (1). Per trial:
    `spikes` of the circuit's neurons, `synaptic_events` (those of input spikes included), `energy_pJ`.
    """

    task: str
    raw: float
    low: float
    high: float
    normalised: float
    trials: int
    seed: int
    spikes: float
    synaptic_events: float
    energy_pJ: float
    version: str


@dataclass(frozen=True)
class Provenance:
    """Where a motif came from. `parents` are motif ids; `recipe` and `versions` are what repeating the run needs."""

    origin: str
    run: str | None = None
    seed: int | None = None
    epoch: int | None = None
    island: int | None = None
    operator: str | None = None
    parents: tuple[str, ...] = ()
    recipe: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Motif:
    """A circuit in the library. `dt_ms` is the time step at which it was evolved and scored.

    >>> import evocircuits as ec
    >>> from evocircuits.motif import Provenance
    >>> genome = ec.tasks.get_task("order").reference()
    >>> motif = ec.Motif(genome, ec.develop(genome, dt_ms=0.1), 0.1, Provenance("hand-wired"))
    >>> motif.id == motif.circuit.id
    True
    """

    genome: Genome
    circuit: Circuit
    dt_ms: float
    provenance: Provenance
    scores: tuple[MotifScore, ...] = ()

    @property
    def id(self) -> str:
        """The circuit's content address."""
        return self.circuit.id

    def score_on(self, task: str) -> MotifScore | None:
        """The score on a task over the most trials, or None."""
        return max((s for s in self.scores if s.task == task), key=lambda s: s.trials, default=None)

    def with_score(self, score: MotifScore) -> "Motif":
        """The motif with one more score; one of the same task, trials and seed is replaced."""
        key = (score.task, score.trials, score.seed)
        return replace(self, scores=(*(s for s in self.scores if (s.task, s.trials, s.seed) != key), score))

    def _repr_html_(self) -> str:
        return import_module("evocircuits.draw").motif_html(self)  # by name, as drawing knows motifs

    def to_dict(self) -> dict:
        """The motif as plain dictionaries, ready for JSON."""
        return {
            "id": self.id,
            "dt_ms": self.dt_ms,
            "genome": self.genome.to_dict(),
            "circuit": self.circuit.to_dict(),
            "provenance": asdict(self.provenance) | {"parents": list(self.provenance.parents)},
            "scores": [plain(s) for s in self.scores],
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Motif":
        """The motif that `to_dict` wrote.

        Raises `InputError` where a field is missing, unknown or malformed, or the circuit does not have the stated id.
        """
        expected = {"id", "dt_ms", "genome", "circuit", "provenance", "scores"}
        if not isinstance(data, dict) or set(data) != expected:
            raise InputError(f"motif: expected the fields {', '.join(sorted(expected))}")
        try:
            provenance = Provenance(**{**data["provenance"], "parents": tuple(data["provenance"]["parents"])})
            scores = tuple(MotifScore(**row) for row in data["scores"])
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"motif: expected the fields of Motif.to_dict(); {error}") from None
        for score in scores:
            _check(score)
        dt_ms = data["dt_ms"]
        number = isinstance(dt_ms, int | float) and not isinstance(dt_ms, bool)
        if not number or not 0 < dt_ms <= sys.float_info.max:
            raise InputError(f"motif: dt_ms: expected a time step > 0; got {shown(dt_ms)}")
        motif = cls(
            Genome.from_dict(data["genome"]),
            Circuit.from_dict(data["circuit"]),
            data["dt_ms"],
            provenance,
            scores,
        )
        if motif.id != data["id"]:
            raise InputError(
                f"motif: expected id {motif.id[:12]}… from its circuit; got {str(data['id'])[:12]}…"
            )
        return motif


def _check(score: MotifScore) -> None:
    expected = {float: ("a number", int | float), int: ("a whole number", int), str: ("a text", str)}
    for f in fields(MotifScore):
        value = getattr(score, f.name)
        wording, kind = expected[f.type]
        finite = f.type is not float or (isinstance(value, kind) and abs(value) <= sys.float_info.max)
        if not isinstance(value, kind) or isinstance(value, bool) or not finite:
            raise InputError(f"motif: score {f.name}: expected {wording}; got {value!r}")
    if not score.low <= score.raw <= score.high or score.trials < 1:
        raise InputError(f"motif: score: expected low ≤ raw ≤ high over trials ≥ 1; got {score}")
