"""What operators may produce, and how often each is drawn: a task's ports and ranges under a recipe's limits."""

from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from evocircuits.checks import checked_not_negative
from evocircuits.development import count_synapses
from evocircuits.errors import InputError
from evocircuits.genome import Genome, PopulationGene, ProjectionGene, varied
from evocircuits.plasticity import kind_of
from evocircuits.search import rules
from evocircuits.search.draws import clipped
from evocircuits.search.operators import OPERATORS, Operator
from evocircuits.search.operators.genes import CONSTANTS, bias_of, fitted, with_bias
from evocircuits.search.operators.own import own_operator
from evocircuits.tasks import Ranges, Task


class _Lottery(NamedTuple):
    names: list[str]
    operators: list[Operator]
    until: list[float]  # rates added up


@dataclass(frozen=True)
class Space:
    """What operators may produce: a task's ports and ranges, and limits of size and of delays.

    `rates` replaces the rates of operators (operator → rate ≥ 0, 0 for never) and brings in a user's own, each named
    FILE.py:function; it is kept as pairs, so that a space is hashable.

    Raises `InputError` for a `max_delay_ms` that leaves no delays.
    """

    task: Task
    max_neurons: int
    max_synapses: int
    max_delay_ms: float | None = None
    rates: Mapping[str, float] | tuple[tuple[str, float], ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "rates", tuple(dict(self.rates).items()))
        if self.max_delay_ms is not None:
            given = [j.delay_ms for j in self.task.given()[1]]
            least = max(self.task.ranges.delay_ms[0], *given, 0.0)
            if not self.max_delay_ms >= least:
                raise InputError(
                    f"max_delay_ms: expected at least {least:g} ms, which {self.task.name} needs; "
                    f"got {self.max_delay_ms}"
                )

    @cached_property
    def ranges(self) -> Ranges:
        """The task's gene ranges, delays cut at `max_delay_ms`."""
        ranges = self.task.ranges
        low, high = ranges.delay_ms
        if self.max_delay_ms is None or self.max_delay_ms >= high:
            return ranges
        high = self.max_delay_ms
        typical_ms = clipped(ranges.typical["delay_ms"], (low, (low + high) / 2))  # with room for a gradient
        return replace(ranges, delay_ms=(low, high), typical=ranges.typical | {"delay_ms": typical_ms})

    def check_rates(self) -> None:
        """Raise `InputError` for an operator that does not exist, a rate that is none, or nothing left to draw."""
        _ = self._lottery

    def draw_operator(self, rng: np.random.Generator) -> tuple[str, Operator]:
        """An operator drawn by the rates, and its name."""
        names, operators, until = self._lottery
        at = bisect(until, rng.random() * until[-1])
        return names[at], operators[at]

    def admits(self, genome: Genome) -> bool:
        """Whether a genome stays within the limits of size, and no innovation came twice."""
        if sum(p.size for p in genome.populations) > self.max_neurons:
            return False
        if len(genome.structure) < len(genome.populations) + len(genome.projections):
            return False
        return count_synapses(genome) <= self.max_synapses

    def fitted(self, genome: Genome) -> Genome:
        """The genome with every gene that is not frozen moved into the ranges; rules the task does not allow go."""
        return genome.with_valid_genes(
            populations=[p if p.frozen else self._fitted_population(p) for p in genome.populations],
            projections=[j if j.frozen else self._fitted_projection(j, genome) for j in genome.projections],
        )

    def _fitted_population(self, p: PopulationGene) -> PopulationGene:
        kept = {name: clipped(getattr(p, name), getattr(self.ranges, name)) for name in CONSTANTS}
        bias = bias_of(p)
        same = kept["tau_m_ms"] == p.tau_m_ms and bias == clipped(bias, self.ranges.bias)
        return varied(p, **kept) if same else with_bias(varied(p, **kept), bias, self.ranges)

    def _fitted_projection(self, j: ProjectionGene, genome: Genome) -> ProjectionGene:
        strength, rule = clipped(j.strength, self.ranges.strength), j.plasticity
        if rule is not None:
            allowed = kind_of(rule) in self.ranges.plasticity
            rule = rules.fitted(rule, strength, self.ranges) if allowed else None
        return fitted(varied(j, strength=strength, plasticity=rule), genome.sizes, self.ranges)

    @cached_property
    def _lottery(self) -> _Lottery:
        rates = {name: rate for name, (rate, _) in OPERATORS.items()}
        for name, rate in self.rates:
            if name not in OPERATORS and ".py" not in name:
                raise InputError(
                    f"operators: expected some of {', '.join(OPERATORS)}, or FILE.py:function; got {name!r}"
                )
            rates[name] = checked_not_negative(f"operators: rate of {name}", rate)
        if not self.ranges.plasticity:
            rates.pop("plasticity", None)
        drawn = {name: rate for name, rate in rates.items() if rate > 0}
        if not drawn:
            raise InputError("operators: expected at least one with a rate > 0; got none")
        operators = [OPERATORS[name][1] if name in OPERATORS else own_operator(name) for name in drawn]
        return _Lottery(list(drawn), operators, list(accumulate(drawn.values())))
