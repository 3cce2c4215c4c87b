"""Lineage: who was bred from whom, back to the founders, most of whom are no motifs and known by their ids alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Birth:
    """How a circuit came about: ids of the circuits that it was bred from, the mother first, and none for a founder."""

    child: str
    parents: tuple[str, ...] = ()
    operator: str | None = None
    run: str | None = None
    epoch: int | None = None
    island: int | None = None


@dataclass(frozen=True)
class Lineage:
    """The births of the circuit `id` and of every ancestor that is known; `births` is by the child's id."""

    id: str
    births: dict[str, Birth]

    @property
    def founders(self) -> list[str]:
        """Those who had no parents, by id."""
        return sorted(child for child, birth in self.births.items() if not birth.parents)

    @property
    def unknown(self) -> list[str]:
        """Ancestors of whom nothing but their ids is known."""
        named = {parent for birth in self.births.values() for parent in birth.parents}
        return sorted((named | {self.id}) - self.births.keys())

    def parents(self, id: str) -> tuple[str, ...]:
        """The parents of an ancestor, none where they are not known."""
        return self.births[id].parents if id in self.births else ()

    @property
    def mothers(self) -> list[str]:
        """The circuit, its mother, her mother, and so on."""
        line: list[str] = []
        id: str | None = self.id
        while id is not None and id not in line:
            line.append(id)
            id = next(iter(self.parents(id)), None)
        return line

    def walk(self) -> Iterator[tuple[str, int, bool]]:
        """(id, depth, whether its own parents stand elsewhere) from the circuit up its line of mothers, at depth 0.

        After everyone with more than one parent come the others with their own lines, a step deeper. Who is met again
        is not walked on from, nor is anyone of the line of mothers but in it.
        """
        line, met = set(self.mothers), set()
        waiting = [(self.id, 0)]
        while waiting:
            id, depth = waiting.pop()
            elsewhere = id in met or (depth > 0 and id in line)
            yield id, depth, elsewhere and bool(self.parents(id))
            if elsewhere:
                continue
            met.add(id)
            mother, *donors = self.parents(id) or (None,)
            if mother is not None:
                waiting.append((mother, depth))
            waiting += [(donor, depth + 1) for donor in reversed(donors)]

    def depths(self) -> dict[str, int]:
        """Of each how many births it lies back at most, 0 for the circuit itself."""
        depths = {self.id: 0}
        for id in reversed(self._parents_first()):
            for parent in self.parents(id):
                depths[parent] = max(depths.get(parent, 0), depths[id] + 1)
        return depths

    def _parents_first(self) -> list[str]:
        """All ids in an order in which parents come before their children, as far as nobody is his own ancestor."""
        order: list[str] = []
        seen: set[str] = set()
        stack = [(self.id, iter(self.parents(self.id)))]
        seen.add(self.id)
        while stack:
            id, parents = stack[-1]
            if (parent := next((p for p in parents if p not in seen), None)) is None:
                order.append(id)
                stack.pop()
            else:
                seen.add(parent)
                stack.append((parent, iter(self.parents(parent))))
        return order


def first_births(births: Iterable[Birth], first: str | None = None) -> dict[str, Birth]:
    """Of each child one birth: that of the run `first`, else of the run whose id comes first."""
    chosen: dict[str, Birth] = {}
    for birth in sorted(births, key=lambda b: (b.run != first, b.run or "")):
        chosen.setdefault(birth.child, birth)
    return chosen
