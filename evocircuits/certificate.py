"""Certificate: what makes a circuit work, as measured: findings, verdicts that rest on them, and what it is made of.

Plain values only, so that a library, a file or a page can hold one; measure/certify.py makes them.
"""

import sys
from dataclasses import asdict, dataclass, fields
from types import UnionType
from typing import get_args, get_origin

from evocircuits.checks import shown
from evocircuits.errors import InputError

KINDS = ("knock-out", "change", "control", "robustness")


@dataclass(frozen=True)
class Finding:
    """One measured row: how much better (> 0) or worse a changed circuit does than the intact one.

    `kind` is one of `KINDS`; `key` names the row for programs, `what` says in words what was changed. `effect` is the
    difference of the mean normalised scores, changed − intact, with its 95 % interval `low`…`high`; `p` the two-sided
    permutation p, and `p_holm` that after Holm's correction over all rows of its family (knock-outs and changes are
    one). `score` is the changed circuit's own. `n` counts trials. Of controls it counts the circuits that were drawn,
    of which the intact one beats `percentile` per cent; p is then how likely one of them does as well by chance.
    """

    kind: str
    key: str
    what: str
    effect: float
    low: float
    high: float
    p: float
    p_holm: float
    score: float
    n: int
    percentile: float | None = None

    def __post_init__(self):
        if self.kind not in KINDS:
            raise InputError(
                f"certificate: finding kind: expected one of {', '.join(KINDS)}; got {shown(self.kind)}"
            )
        if not self.low <= self.effect <= self.high:
            raise InputError(
                f"certificate: finding {self.key}: expected low ≤ effect ≤ high; "
                f"got {self.low}, {self.effect}, {self.high}"
            )
        if not 0 <= self.p <= self.p_holm <= 1:
            raise InputError(
                f"certificate: finding {self.key}: expected 0 ≤ p ≤ p_holm ≤ 1; got {self.p}, {self.p_holm}"
            )

    @property
    def figures(self) -> str:
        """Effect, interval and corrected p as people read them: −0.42 [−0.45, −0.39], p < .001."""
        p = "p < .001" if self.p_holm < 0.001 else f"p = {self.p_holm:.3f}".replace("0.", ".", 1)
        return f"{_signed(self.effect)} [{_signed(self.low)}, {_signed(self.high)}], {p}"


@dataclass(frozen=True)
class Verdict:
    """A sentence about the circuit, in one `word` for programs, and the key of the finding that backs it."""

    word: str
    text: str
    finding: str


@dataclass(frozen=True)
class CensusRow:
    """How often a class of three connected neurons occurs: `count`, and among rewired circuits `mean` ± `sd`.

    `name` lists its synapses between neurons of either polarity ("E1→I1, I1→E2"), `triad` is the class without
    polarities (Holland & Leinhardt's name). `z` is None where all rewired circuits have the same count.
    """

    name: str
    triad: str
    count: int
    mean: float
    sd: float
    z: float | None


@dataclass(frozen=True)
class Structure:
    """A structure with a name of its own that is present `count` times, the first of them `example`."""

    name: str
    count: int
    example: str


@dataclass(frozen=True)
class Minimal:
    """What is left when all that can go has gone, as a genome and circuit in plain values.

    `score` with `low`…`high` is its own normalised score on the trials of the findings, which the removal never met.
    """

    genome: dict
    circuit: dict
    neurons: int
    synapses: int
    score: float
    low: float
    high: float


@dataclass(frozen=True)
class Certificate:
    """The causal tests of the motif of that id on one task.

    `score` with `low`…`high` is the intact circuit's normalised score on the `trials` that `seed` draws, the same for
    every finding. `notes` say what could not be measured, and why. Raises `InputError` where keys of findings repeat or
    a verdict rests on none.
    """

    motif: str
    task: str
    trials: int
    seed: int
    score: float
    low: float
    high: float
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    census: tuple[CensusRow, ...]
    structures: tuple[Structure, ...]
    minimal: Minimal | None
    notes: tuple[str, ...]
    version: str

    def __post_init__(self):
        keys = [finding.key for finding in self.findings]
        if len(set(keys)) < len(keys):
            raise InputError("certificate: expected findings of distinct keys; one came twice")
        if unbacked := [v.finding for v in self.verdicts if v.finding not in keys]:
            raise InputError(f"certificate: expected verdicts on its findings; got {shown(unbacked[0])}")

    def finding(self, key: str) -> Finding:
        """The finding of that key. Raises `InputError` for another."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise InputError(
            f"certificate: expected a finding among {', '.join(f.key for f in self.findings)}; got {key!r}"
        )

    def verdict(self, key: str) -> str | None:
        """The word of the verdict on the finding of that key; None where there is none."""
        return next((v.word for v in self.verdicts if v.finding == key), None)

    def to_dict(self) -> dict:
        """The certificate as plain lists and dictionaries, ready for JSON."""
        return {
            name: [asdict(row) if hasattr(row, "__dataclass_fields__") else row for row in value]
            if isinstance(value, tuple)
            else asdict(value)
            if isinstance(value, Minimal)
            else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, data: dict) -> "Certificate":
        """The certificate that `to_dict` wrote. Raises `InputError` where a field is missing, unknown or malformed."""
        return _read(cls, data, "certificate")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−").replace("+0.00", "0.00").replace("−0.00", "0.00")


def _read(kind, value, where: str):
    """`value` as what an annotation says. Whole numbers will do for others, and lists for tuples."""
    if get_origin(kind) is UnionType:  # X | None
        return None if value is None else _read(get_args(kind)[0], value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple):
            raise InputError(f"{where}: expected a list; got {shown(value)}")
        return tuple(_read(get_args(kind)[0], row, f"{where}[{i}]") for i, row in enumerate(value))
    if hasattr(kind, "__dataclass_fields__"):
        return kind(**_read_fields(kind, value, where))
    wording = {float: "a finite number", int: "a whole number", str: "a text", dict: "a dictionary"}[kind]
    right = isinstance(value, int | float if kind is float else kind) and not isinstance(value, bool)
    if not right or (kind is float and not abs(value) <= sys.float_info.max):
        raise InputError(f"{where}: expected {wording}; got {shown(value)}")
    return float(value) if kind is float else value


def _read_fields(kind: type, value, where: str) -> dict:
    names = [f.name for f in fields(kind)]
    if not isinstance(value, dict) or set(value) != set(names):
        odd = sorted(set(value) ^ set(names))[0] if isinstance(value, dict) else value
        raise InputError(f"{where}: expected the fields {', '.join(names)}; got {shown(odd)} amiss")
    return {f.name: _read(f.type, value[f.name], f"{where}.{f.name}") for f in fields(kind)}
