"""Genome: populations and projections between them and a task's ports; what evolution varies.

All genes are immutable. A gene's `id` is its innovation id, a hash of what created it and from what, so the same
innovation gets the same id on every island without a registry. A genome whose sizes are all 1 is the direct encoding.
"""

import hashlib
import sys
from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import cached_property

from evocircuits import plasticity as rules
from evocircuits.errors import InputError
from evocircuits.plasticity import Plasticity, SpikeTiming

_POSITIVE = ("size", "tau_m_ms", "threshold_mV", "tau_syn_ex_ms", "tau_syn_in_ms")
PATTERNS = ("one_to_one", "all_to_all", "all_but_self", "neighbours", "shifted", "sparse", "single")


def innovation(*ancestry) -> int:
    """An innovation id: 52 bits of the SHA-256 of `ancestry` (strings and integers)."""
    text = "|".join(map(str, ancestry))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 12


def varied(gene, **changes):
    """A copy of a population or projection gene with some fields changed: `dataclasses.replace`, six times faster."""
    copy = object.__new__(type(gene))
    copy.__dict__.update(gene.__dict__, **changes)
    return copy


@dataclass(frozen=True)
class Pattern:
    """Which source connects to which target, by index; populations of unequal size are aligned end to end.

    `one_to_one`; `all_to_all`; `all_but_self`; `neighbours` at index distance 1…round(value); `shifted` by round(value)
    places; `sparse` with probability `value`, drawn from `seed`; `single`: member round(value) of the larger side (the
    target's on a tie) with all of the smaller.
    """

    kind: str
    value: float = 0.0
    seed: int = 0

    def __post_init__(self):
        if self.kind not in PATTERNS:
            raise InputError(f"pattern: expected one of {', '.join(PATTERNS)}; got {self.kind!r}")
        if self.seed < 0:
            raise InputError(f"pattern: expected a seed ≥ 0; got {self.seed}")


@dataclass(frozen=True)
class Port:
    """A named group of input channels (excitatory) or output neurons."""

    name: str
    size: int

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise InputError(f"genome: port: expected a name; got {self.name!r}")
        if self.size < 1:
            raise InputError(f"genome: port {self.name!r}: expected a size ≥ 1; got {self.size}")

    @cached_property
    def id(self) -> int:
        """The innovation id by which projections name an input port as their source."""
        return innovation("port", self.name)


@dataclass(frozen=True)
class PopulationGene:
    """A group of like neurons. `port` names the output port it serves; `frozen` genes are kept by every operator."""

    id: int
    excitatory: bool
    size: int
    tau_m_ms: float
    threshold_mV: float
    t_ref_ms: float
    tau_syn_ex_ms: float
    tau_syn_in_ms: float
    bias_pA: float = 0.0
    port: str | None = None
    frozen: bool = False


@dataclass(frozen=True)
class ProjectionGene:
    """How one population or input port wires to a population.

    `strength` is the peak of one post-synaptic potential relative to the target's threshold; the source's polarity
    gives its sign. A synapse's delay is `delay_ms` plus `delay_gradient_ms` per step of index from the middle of the
    larger side (the target's on a tie), so a delay line is two projections of opposite gradient. `plasticity` is the
    rule of all its synapses, None for static ones; the `max_weight` of `SpikeTiming` counts like `strength`.
    """

    id: int
    source: int
    target: int
    pattern: Pattern
    strength: float
    delay_ms: float
    delay_gradient_ms: float = 0.0
    frozen: bool = False
    plasticity: Plasticity | None = None


@dataclass(frozen=True)
class Genome:
    """Ports given by a task, and the populations and projections that connect them.

    Raises `InputError` when ids repeat, a projection starts or ends nowhere, a number is out of its domain, a strength
    exceeds the `max_weight` of its rule, or an output port is not served by excitatory populations of its size in all.

    Three input channels that drive three output neurons one to one, each spike to 1.5 times their threshold:

    >>> import evocircuits as ec
    >>> from evocircuits.genome import Pattern, PopulationGene, Port, ProjectionGene
    >>> heard, said = Port("heard", 3), Port("said", 3)
    >>> cells = PopulationGene(
    ...     1, excitatory=True, size=3, tau_m_ms=10.0, threshold_mV=15.0, t_ref_ms=2.0, tau_syn_ex_ms=2.0,
    ...     tau_syn_in_ms=5.0, port="said",
    ... )
    >>> wires = ProjectionGene(2, heard.id, cells.id, Pattern("one_to_one"), strength=1.5, delay_ms=1.0)
    >>> ec.develop(ec.Genome((heard,), (said,), (cells,), (wires,)), dt_ms=0.1).n_synapses
    3
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    populations: tuple[PopulationGene, ...]
    projections: tuple[ProjectionGene, ...]

    def __post_init__(self):
        ids = [gene.id for gene in (*self.inputs, *self.populations, *self.projections)]
        repeated = [i for i, n in Counter(ids).items() if n > 1]
        if repeated:
            raise InputError(f"genome: expected distinct innovation ids; {repeated[0]} came twice")
        populations = {p.id for p in self.populations}
        sources = populations | {port.id for port in self.inputs}
        for p in self.populations:
            for name in _POSITIVE:
                if not getattr(p, name) > 0:
                    raise InputError(
                        f"genome: population {p.id}: {name}: expected a value > 0; got {getattr(p, name)}"
                    )
            if not p.t_ref_ms >= 0:
                raise InputError(
                    f"genome: population {p.id}: t_ref_ms: expected a value ≥ 0; got {p.t_ref_ms}"
                )
        for j in self.projections:
            if j.source not in sources or j.target not in populations:
                raise InputError(
                    f"genome: projection {j.id}: expected a known source and target; got {j.source}→{j.target}"
                )
            if not j.strength > 0 or not j.delay_ms > 0:
                raise InputError(
                    f"genome: projection {j.id}: expected strength and delay > 0; got {j.strength}, {j.delay_ms}"
                )
            if isinstance(j.plasticity, SpikeTiming) and j.plasticity.max_weight < j.strength:
                raise InputError(
                    f"genome: projection {j.id}: expected the max_weight of its rule ≥ its strength {j.strength}; "
                    f"got {j.plasticity.max_weight}"
                )
        unknown = {p.port for p in self.populations} - {port.name for port in self.outputs} - {None}
        if unknown:
            raise InputError(
                f"genome: expected populations to serve known output ports; got {sorted(unknown)[0]!r}"
            )
        for port in self.outputs:
            serving = [p for p in self.populations if p.port == port.name]
            if sum(p.size for p in serving) != port.size or not all(p.excitatory for p in serving):
                got = ", ".join(f"{p.size} {'E' if p.excitatory else 'I'}" for p in serving) or "none"
                raise InputError(
                    f"genome: output port {port.name!r}: expected excitatory populations of {port.size} neurons in "
                    f"all; got {got}"
                )

    @cached_property
    def sizes(self) -> dict[int, int]:
        """How many channels or neurons each input port and population has, by id."""
        return {gene.id: gene.size for genes in (self.inputs, self.populations) for gene in genes}

    def population(self, id: int) -> PopulationGene:
        """The population of that innovation id."""
        return next(p for p in self.populations if p.id == id)

    def size_of(self, id: int) -> int:
        """How many channels or neurons the port or population of that id has."""
        return self.sizes[id]

    def incoming(self, population: int) -> tuple[ProjectionGene, ...]:
        """The projections onto a population."""
        return tuple(j for j in self.projections if j.target == population)

    @cached_property
    def structure(self) -> frozenset[int]:
        """The innovation ids of all genes: genomes that share it differ in parameters only."""
        return frozenset(gene.id for gene in (*self.populations, *self.projections))

    def with_genes(self, *, populations=None, projections=None) -> "Genome":
        """A new genome with the given genes in place of the old."""
        return replace(
            self,
            populations=self.populations if populations is None else tuple(populations),
            projections=self.projections if projections is None else tuple(projections),
        )

    def with_valid_genes(self, *, populations=None, projections=None) -> "Genome":
        """`with_genes` for genes that are known to go together: nothing is checked."""
        genome = object.__new__(Genome)
        genome.__dict__.update(
            inputs=self.inputs,
            outputs=self.outputs,
            populations=self.populations if populations is None else tuple(populations),
            projections=self.projections if projections is None else tuple(projections),
        )
        return genome

    def to_dict(self) -> dict:
        """The genome as plain dictionaries, ready for JSON."""
        return {
            "inputs": [plain(p) for p in self.inputs],
            "outputs": [plain(p) for p in self.outputs],
            "populations": [plain(p) for p in self.populations],
            "projections": [_projection_dict(j) for j in self.projections],
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Genome":
        """The genome that `to_dict` wrote. Raises `InputError` where a field is missing, unknown or malformed."""
        try:
            projections = [{**j, **_read_parts(j)} for j in data["projections"]]
            return cls(
                inputs=_read(Port, data["inputs"]),
                outputs=_read(Port, data["outputs"]),
                populations=_read(PopulationGene, data["populations"]),
                projections=_read(ProjectionGene, projections),
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"genome: expected the fields of Genome.to_dict(); {error}") from None


def plain(record) -> dict:
    """The fields of a dataclass by name; unlike `dataclasses.asdict` it copies nothing, and is many times as fast."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _projection_dict(projection: ProjectionGene) -> dict:
    row = plain(projection)
    row["pattern"], rule = plain(projection.pattern), row.pop("plasticity")
    return row if rule is None else row | {"plasticity": rules.to_dict(rule)}


def _read_parts(projection: dict) -> dict:
    rule = projection.get("plasticity")
    pattern = _read(Pattern, [projection["pattern"]])[0]
    return {"pattern": pattern, "plasticity": None if rule is None else rules.from_dict(rule)}


def _read(kind: type, rows: list[dict]) -> tuple:
    expected = {
        bool: bool,
        int: int,
        float: (int, float),
        str: str,
        Pattern: Pattern,
        str | None: str | None,
        Plasticity | None: Plasticity | None,
    }
    genes = tuple(kind(**row) for row in rows)
    for gene in genes:
        for f in fields(kind):
            value = getattr(gene, f.name)
            if not isinstance(value, expected[f.type]) or (
                f.type in (int, float) and isinstance(value, bool)
            ):
                raise InputError(
                    f"genome: {kind.__name__}.{f.name}: expected {getattr(f.type, '__name__', f.type)}; got {value!r}"
                )
            if f.type is float and not abs(value) <= sys.float_info.max:
                raise InputError(f"genome: {kind.__name__}.{f.name}: expected a finite number; got {value}")
    return genes
