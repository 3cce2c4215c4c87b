"""An island between epochs, and its form on the way: zlib-compressed JSON, equal for equal islands."""

import json
import zlib
from base64 import b85decode, b85encode
from collections.abc import Iterable
from dataclasses import dataclass, field

from evocircuits.genome import Genome, plain
from evocircuits.search.births import circuit_id, parent_ids
from evocircuits.search.hall import Candidate
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.world_state import World

_NOT_KEPT = ("genome", "ancestors", "mother_score")


@dataclass
class Island:
    """Who lives on it and its hall of fame; `stagnant` epochs without a better validated score; for how many epochs it
    is still in `quarantine`, closed to immigrants after a restart, of which there were `restarts`. `descent`: the
    refinement under way, as plain values. Artificial life has a `world` of its own, as bytes.
    """

    individuals: list[Individual] = field(default_factory=list)
    hall: list[Candidate] = field(default_factory=list)
    stagnant: int = 0
    quarantine: int = 0
    restarts: int = 0
    descent: dict | None = None
    world: bytes | None = None

    @property
    def best(self) -> float:
        """The best validated score so far."""
        return max((c.validation for c in self.hall), default=0.0)

    def packed(self, recipe: Recipe) -> bytes:
        """The island as bytes."""
        dt_ms = recipe.dt_ms
        rows = [_plain(i) | {"parents": parent_ids(i, dt_ms)} for i in self.individuals]
        hall = [_plain(c) for c in self.hall]
        others = {name: getattr(self, name) for name in ("stagnant", "quarantine", "restarts", "descent")}
        world = self.world and b85encode(self.world).decode()
        document = {"individuals": rows, "hall": hall, "world": world, **others}
        return zlib.compress(json.dumps(document).encode(), 6)

    @classmethod
    def unpacked(cls, blob: bytes) -> "Island":
        """The island that `packed` wrote."""
        document = json.loads(zlib.decompress(blob))
        individuals = [Individual(**_read(row)) for row in document.pop("individuals")]
        hall = [Candidate(**_read(row)) for row in document.pop("hall")]
        world = document.pop("world")
        return cls(individuals, hall, **document, world=world and b85decode(world))


def best_of(state: bytes, n: int, recipe: Recipe) -> bytes:
    """The emigrants of an island in that state: its `n` best by score."""
    island = Island.unpacked(state)
    best = sorted(island.individuals, key=lambda i: i.score, reverse=True)[:n]
    return Island(best).packed(recipe)


def living(islands: Iterable[Island], recipe: Recipe) -> set[str]:
    """The ids of all circuits there from which others may yet descend, or that may yet become motifs."""
    dt_ms, space, ids = recipe.dt_ms, recipe.space, set()
    for island in islands:
        ids.update(circuit_id(row.genome, dt_ms) for row in (*island.individuals, *island.hall))
        if island.world:
            ids.update(line.circuit.id for line in World.unpacked(island.world, space).lines)
    return ids


def _plain(row: Individual | Candidate) -> dict:
    kept = {name: value for name, value in plain(row).items() if name not in _NOT_KEPT}
    return kept | {"genome": row.genome.to_dict()}


def _read(row: dict) -> dict:
    tuples = {k: tuple(v) for k, v in row.items() if k in ("parents", "cases", "descriptors")}
    return row | tuples | {"genome": Genome.from_dict(row["genome"])}
