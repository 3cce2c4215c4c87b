"""A world of artificial life between seasons: who lives in it and what they are, and its form on the way."""

import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome
from evocircuits.search.space import Space
from evocircuits.tasks.forage_plane import Sources

_OF_LINE = ("operator", "depth", "births", "meals", "lived")
_OF_AGENT = ("position_m", "heading", "energy", "activation", "generation", "lived")


@dataclass(eq=False)
class Line:
    """A genome and its circuit, how it came about, and what all its bearers have done together.

    `ancestors` are the lines that one of this epoch was varied from; `parents` are the ids of their circuits, None
    until the epoch ends. `depth`: variations since a founder; `births`: children; `lived`: steps.
    """

    genome: Genome
    circuit: Circuit
    operator: str
    parents: tuple[str, ...] | None = None
    ancestors: tuple["Line", ...] = ()
    depth: int = 0
    births: int = 0
    meals: int = 0
    lived: int = 0

    @classmethod
    def of(
        cls,
        genome: Genome,
        space: Space,
        operator: str,
        parents: tuple[str, ...] | None = None,
        ancestors: tuple["Line", ...] = (),
        depth: int = 0,
    ) -> "Line":
        """A new line."""
        return cls(genome, develop(genome, dt_ms=space.task.dt_ms), operator, parents, ancestors, depth)

    @property
    def parent_ids(self) -> tuple[str, ...]:
        """The ids of the circuits that it was varied from."""
        return tuple(a.circuit.id for a in self.ancestors) if self.parents is None else self.parents


@dataclass(eq=False)
class Agent:
    """One body and the line whose circuit it bears; `generation`: births since one that was sown."""

    line: Line
    position_m: Sequence[float]
    heading: float
    energy: int
    activation: Sequence[float] = (0.0, 0.0)
    generation: int = 0
    lived: int = 0


@dataclass(eq=False)
class World:
    """Where life stands at the end of a season: `recent` are the lines that had children last."""

    step: int
    sources: Sources
    agents: list[Agent]
    recent: list[Line]

    @property
    def lines(self) -> list[Line]:
        """Those that are borne, and the recent."""
        return list(dict.fromkeys([*(agent.line for agent in self.agents), *self.recent]))

    def packed(self) -> bytes:
        """As JSON, by an algorithm that finds what relatives have in common however far apart they stand."""
        lines = self.lines
        number = {line: k for k, line in enumerate(lines)}

        def plain(row: Line | Agent, names: tuple[str, ...]) -> dict:
            return {name: getattr(row, name) for name in names}

        def told(line: Line) -> dict:
            return plain(line, _OF_LINE) | {"parents": line.parent_ids, "genome": line.genome.to_dict()}

        document = {
            "step": self.step,
            "sources": {f.name: getattr(self.sources, f.name).tolist() for f in fields(Sources)},
            "lines": [told(line) for line in lines],
            "agents": [plain(agent, _OF_AGENT) | {"line": number[agent.line]} for agent in self.agents],
            "recent": [number[line] for line in self.recent],
        }
        return lzma.compress(json.dumps(document).encode())

    @classmethod
    def unpacked(cls, state: bytes, space: Space) -> "World":
        """The world that `packed` wrote."""
        document, lines = json.loads(lzma.decompress(state)), []
        for row in document["lines"]:
            row["genome"], row["parents"] = Genome.from_dict(row["genome"]), tuple(row["parents"])
            lines.append(Line(**row, circuit=develop(row["genome"], dt_ms=space.task.dt_ms)))
        agents = [Agent(**row | {"line": lines[row["line"]]}) for row in document["agents"]]
        sources = Sources(**{name: np.array(column) for name, column in document["sources"].items()})
        return cls(document["step"], sources, agents, [lines[k] for k in document["recent"]])
