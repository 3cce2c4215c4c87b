"""What a listing asks for: `Query`, whose fields are the words of `Library.listing` and of `evocircuits ls`."""

from dataclasses import dataclass, fields
from math import inf, isnan

from evocircuits.errors import InputError

COSTS = {"energy": "energy_pJ", "neurons": "n_neurons", "synapses": "n_synapses", "spikes": "spikes"}
"""What a motif should have little of, by the columns of `listing`."""
SORTS = ("score", *COSTS)


@dataclass(frozen=True)
class Query:
    """Which motifs, in what order: those for which all that is given holds.

    `task`: scored on it, and scores are of it; else each by its own task. `run`: found by the run whose id begins so.
    `sort`: by `score` (the one whose 95 % interval begins highest leads, of equals the one that costs less energy) or
    the least `energy`, `neurons`, `synapses` or `spikes`. `front`: only those that no other beats in both score and all
    these costs; needs a `task`. `min_score`: normalised. `ei`: least and most excitatory neurons for each inhibitory
    one, None for no bound. `tag`: having all these tags. `text`: every word of it in the id's beginning, or in origin,
    run, task, operator, tags or notes. `structure`: one that its certificate names, as "mutual inhibition". `shape`:
    equal up to the order of neurons to the motif whose id begins so. `group`: of those of equal shape the first.
    `limit` after the first `offset`.

    Raises `InputError` for what cannot be asked.
    """

    task: str | None = None
    run: str | None = None
    sort: str = "score"
    front: tuple[str, ...] = ()
    min_score: float | None = None
    min_neurons: int | None = None
    max_neurons: int | None = None
    max_synapses: int | None = None
    ei: tuple[float | None, float | None] | None = None
    tag: tuple[str, ...] = ()
    text: str | None = None
    structure: str | None = None
    shape: str | None = None
    group: bool = False
    limit: int | None = None
    offset: int = 0

    def __post_init__(self):
        for name in ("front", "tag"):
            if isinstance(given := getattr(self, name), str):
                object.__setattr__(self, name, (given,))
        _check("sort", self.sort, SORTS)
        for cost in self.front:
            _check("front", cost, tuple(COSTS))
        if self.front and self.task is None:
            raise InputError("front: expected a task; scores on different tasks do not compare")
        if self.front and self.group:
            raise InputError("query: expected front or group; got both")
        for name in ("limit", "offset"):
            if (getattr(self, name) or 0) < 0:
                raise InputError(f"{name}: expected a number ≥ 0; got {getattr(self, name)}")
        if self.ei is not None:
            if len(self.ei) != 2:
                raise InputError(f"ei: expected two bounds; got {len(self.ei)}")
            low, high = (
                none if bound is None else bound for bound, none in zip(self.ei, (0, inf), strict=True)
            )
            if isnan(low) or isnan(high) or not 0 <= low <= high:
                raise InputError(f"ei: expected 0 ≤ least ≤ most; got {low:g} and {high:g}")

    @classmethod
    def of(cls, **words) -> "Query":
        """A query of these words. Raises `InputError` for one that there is not."""
        known = [f.name for f in fields(cls)]
        if unknown := [word for word in words if word not in known]:
            raise InputError(f"query: expected {', '.join(known)}; got {unknown[0]!r}")
        return cls(**words)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name}: expected one of {', '.join(known)}; got {value!r}")
