"""Rules by which a synapse's efficacy follows its spikes. Weights stay magnitudes ≥ 0 under every rule.

`ShortTerm` is the Tsodyks–Markram synapse in the form of Maass & Markram (Neural Networks 15, 2002), NEST's
`tsodyks2_synapse`; `SpikeTiming` the weight-dependent pair rule of Gütig et al. (J. Neurosci. 23, 2003), NEST's
`stdp_synapse`, with the whole delay on the dendrite.
"""

from dataclasses import MISSING, asdict, dataclass, fields, replace
from math import isfinite
from numbers import Real

from evocircuits.errors import InputError


@dataclass(frozen=True)
class ShortTerm:
    """Depression and facilitation: a spike passes weight × x × u.

    With h the time since the synapse's last spike,
    x ← 1 + (x − x u − 1) e^{−h / tau_rec},   u ← U + u (1 − U) e^{−h / tau_fac};   at first x = 1, u = U.

    `utilisation`: U, in (0, 1]; `tau_rec_ms` > 0; `tau_fac_ms` ≥ 0, where 0 means no facilitation.

    >>> import evocircuits as ec
    >>> ec.ShortTerm(utilisation=0.2, tau_rec_ms=100.0, tau_fac_ms=600.0)
    ShortTerm(utilisation=0.2, tau_rec_ms=100.0, tau_fac_ms=600.0)
    """

    utilisation: float = 0.5
    tau_rec_ms: float = 800.0
    tau_fac_ms: float = 0.0

    def __post_init__(self):
        _check_finite(self)
        _check(self, "utilisation", 0 < self.utilisation <= 1, "a share in (0, 1]")
        _check(self, "tau_rec_ms", self.tau_rec_ms > 0, "a time constant > 0")
        _check(self, "tau_fac_ms", self.tau_fac_ms >= 0, "a time constant ≥ 0")

    def scaled(self, time_scale: float, weight_scale: float = 1.0) -> "ShortTerm":
        """The same rule `time_scale` times slower; that weights become `weight_scale` times larger is no matter."""
        return replace(self, tau_rec_ms=self.tau_rec_ms * time_scale, tau_fac_ms=self.tau_fac_ms * time_scale)


@dataclass(frozen=True)
class SpikeTiming:
    """All-to-all pair rule with bounds 0 and W = `max_weight`, on w / W.

    A postsynaptic spike adds λ (1 − w/W)^μ₊ K₊, a presynaptic one takes α λ (w/W)^μ₋ K₋, where K₊ and K₋ are traces of
    the pre- and postsynaptic spikes that decay with `tau_plus_ms` and `tau_minus_ms`. μ = 0 is the additive and μ = 1
    the multiplicative rule.

    `max_weight` > 0 is in the unit of the weights it bounds: pA in a circuit, shares of threshold in a genome;
    `learning_rate` (λ), `alpha`, `mu_plus`, `mu_minus` ≥ 0; time constants > 0.

    >>> import evocircuits as ec
    >>> additive = ec.SpikeTiming(max_weight=120.0, alpha=1.05, mu_plus=0.0, mu_minus=0.0)
    >>> additive.max_weight, additive.tau_plus_ms
    (120.0, 20.0)
    """

    max_weight: float
    learning_rate: float = 0.01
    alpha: float = 1.0
    mu_plus: float = 1.0
    mu_minus: float = 1.0
    tau_plus_ms: float = 20.0
    tau_minus_ms: float = 20.0

    def __post_init__(self):
        _check_finite(self)
        for name in ("max_weight", "tau_plus_ms", "tau_minus_ms"):
            _check(self, name, getattr(self, name) > 0, "a value > 0")
        for name in ("learning_rate", "alpha", "mu_plus", "mu_minus"):
            _check(self, name, getattr(self, name) >= 0, "a value ≥ 0")

    def scaled(self, time_scale: float, weight_scale: float = 1.0) -> "SpikeTiming":
        """The same rule `time_scale` times slower, for weights `weight_scale` times larger."""
        return replace(
            self,
            max_weight=self.max_weight * weight_scale,
            tau_plus_ms=self.tau_plus_ms * time_scale,
            tau_minus_ms=self.tau_minus_ms * time_scale,
        )


Plasticity = ShortTerm | SpikeTiming
RULES = {"short_term": ShortTerm, "spike_timing": SpikeTiming}
"""The rules by the names they have in files."""


def kind_of(rule: Plasticity) -> str:
    """The rule's name in `RULES`."""
    return next(name for name, known in RULES.items() if isinstance(rule, known))


def to_dict(rule: Plasticity) -> dict:
    """The rule as a plain dictionary, its kind under `rule`, ready for JSON."""
    return {"rule": kind_of(rule)} | asdict(rule)


def from_dict(data: dict) -> Plasticity:
    """The rule that `to_dict` wrote. Raises `InputError` where a field is missing, unknown or out of its domain."""
    if not isinstance(data, dict):
        raise InputError(f"plasticity: expected a dictionary that names its rule; got {_shown(data)}")
    values = dict(data)
    kind = values.pop("rule", None)
    if kind not in tuple(RULES):  # a tuple, as what came may be unhashable
        raise InputError(f"plasticity.rule: expected one of {', '.join(RULES)}; got {_shown(kind)}")
    rule = RULES[kind]
    needed = {field.name: field.default is MISSING for field in fields(rule)}
    unknown = [name for name in values if name not in needed]
    if unknown:
        raise InputError(
            f"{rule.__name__}: expected fields among {', '.join(needed)}; got {_shown(unknown[0])}"
        )
    for name in needed:
        if needed[name] and name not in values:
            raise InputError(f"{rule.__name__}.{name}: expected a finite number; got none")
    return rule(**values)


def _check_finite(rule: Plasticity) -> None:
    for field in fields(rule):
        value = getattr(rule, field.name)
        number = isinstance(value, Real) and not isinstance(value, bool)
        _check(rule, field.name, number and _finite(value), "a finite number")
        # −0 becomes 0: equal rules have one canonical text
        object.__setattr__(rule, field.name, float(value) + 0.0)


def _finite(value: Real) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _check(rule: Plasticity, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise InputError(
            f"{type(rule).__name__}.{name}: expected {expected}; got {_shown(getattr(rule, name))}"
        )


def _shown(value) -> str:
    return repr(value)[:60]
