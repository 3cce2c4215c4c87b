"""Circuit: the developed phenotype, flat arrays of neurons and synapses under Dale's law.

The sign of a synapse is the polarity of its source neuron and a weight is a magnitude, so no circuit that breaks
Dale's law can be written down. A circuit's `id` is the SHA-256 of its canonical JSON.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib import import_module

import numpy as np

from evocircuits import plasticity as rules
from evocircuits.checks import (
    checked_booleans,
    checked_by_port,
    checked_count,
    checked_floats,
    checked_indices,
    checked_positive,
    read_only,
    shown,
)
from evocircuits.errors import InputError
from evocircuits.plasticity import Plasticity, ShortTerm, SpikeTiming
from evocircuits.shape import CONSTANTS, shape_of

MODELS = ("iaf_psc_exp", "iaf_psc_delta")
MAX_NEURONS = 10_000
MAX_SYNAPSES = 4_000_000
MAX_CHANNELS = 100_000

_PER_SYNAPSE = ("source", "target", "weight_pA", "delay_ms")
_PER_AFFERENT = ("channel", "target", "weight_pA", "delay_ms")
_OPTIONAL = ("model", "rule", "plasticity")
_POSITIVE = ("tau_m_ms", "c_m_pF", "tau_syn_ex_ms", "tau_syn_in_ms")


def _floats(name: str, values, *, axis: str) -> np.ndarray:
    return checked_floats(name, values, shapes={1: axis}) + 0.0  # −0 becomes 0: one canonical text


def _trusted(kind: type, **values):
    one = object.__new__(kind)
    one.__dict__.update(values)
    return one


def _set_arrays(self, names: tuple[str, ...], checked: Callable, axis: str, length: int | None = None) -> int:
    owner = type(self).__name__
    for name in names:
        given = getattr(self, name)
        array = read_only(checked(f"{owner}.{name}", given, axis=axis), given)
        if length is not None and len(array) != length:
            raise InputError(f"{owner}.{name}: expected {length} values; got {len(array)}")
        length = len(array)
        object.__setattr__(self, name, array)
    return length


def _set_synapses(self, columns: tuple[str, ...]) -> None:
    owner = type(self).__name__
    length = _set_arrays(self, columns[:2], checked_indices, "synapses")
    _set_arrays(self, columns[2:], _floats, "synapses", length)
    if self.rule is None:
        object.__setattr__(self, "rule", np.full(length, -1))
    _set_arrays(self, ("rule",), checked_indices, "synapses", length)
    if (lowest := _lowest(self.weight_pA)) < 0:
        raise InputError(f"{owner}.weight_pA: expected magnitudes ≥ 0 (Dale's law); got {lowest}")
    if (lowest := _lowest(self.delay_ms)) <= 0:
        raise InputError(f"{owner}.delay_ms: expected delays > 0; got {lowest}")


def _lowest(array: np.ndarray) -> float:
    return array.min(initial=np.inf)


def _check_range(owner: str, name: str, indices: np.ndarray, size: int) -> None:
    if len(indices) and indices.view(np.uint64).max() >= size:  # unsigned, a negative index is a huge one
        expected = f"indices 0…{size - 1}" if size else "no index, as there is nothing to name"
        raise InputError(f"{owner}.{name}: expected {expected}; got {indices.min()}…{indices.max()}")


def _check_rules(owner: str, synapses: "Circuit | Afferents", plasticity: tuple[Plasticity, ...]) -> None:
    rule, weight_pA = synapses.rule, synapses.weight_pA
    if not -1 <= rule.min(initial=-1) <= rule.max(initial=-1) < len(plasticity):
        raise InputError(
            f"{owner}.rule: expected −1 (static) or an index into {len(plasticity)} plasticity rules; "
            f"got {rule.min()}…{rule.max()}"
        )
    if not plasticity:
        return
    bounds = [known.max_weight if isinstance(known, SpikeTiming) else np.inf for known in plasticity]
    bound_pA = _by_rule(bounds, np.inf, rule)
    if np.any(above := weight_pA > bound_pA):
        first = np.argmax(above)
        raise InputError(
            f"{owner}.weight_pA: expected at most the max_weight {bound_pA[first]} of its rule; "
            f"got {weight_pA[first]}"
        )


def _by_rule(values: list[float], static: float, rule: np.ndarray) -> np.ndarray:
    return np.array([*values, static])[rule]  # rule −1 takes the last one


@dataclass(frozen=True, eq=False)
class Afferents:
    """The channels of one input port and their synapses, all excitatory, onto the circuit's neurons.

    `channels`: how many; `channel`, `target`: int[S]; `weight_pA`: float[S] ≥ 0; `delay_ms`: float[S] > 0; `rule`:
    int[S], −1 for static synapses (all, when left out), else an index into the circuit's `plasticity`.

    Two channels, of which the first reaches two neurons:

    >>> import evocircuits as ec
    >>> ec.Afferents(
    ...     2, channel=[0, 0, 1], target=[4, 5, 4], weight_pA=[90.0, 90.0, 60.0], delay_ms=[1.0, 1.0, 2.5]
    ... ).target
    array([4, 5, 4])
    """

    channels: int
    channel: np.ndarray
    target: np.ndarray
    weight_pA: np.ndarray
    delay_ms: np.ndarray
    rule: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "channels", checked_count("Afferents.channels", self.channels, least=0))
        _set_synapses(self, _PER_AFFERENT)
        _check_range("Afferents", "channel", self.channel, self.channels)

    @classmethod
    def trusted(cls, channels: int, channel, target, weight_pA, delay_ms, rule) -> "Afferents":
        """Afferents of columns known to be as the checks would leave them (`Circuit.trusted`)."""
        return _trusted(
            cls,
            channels=channels,
            channel=channel,
            target=target,
            weight_pA=weight_pA,
            delay_ms=delay_ms,
            rule=rule,
        )


@dataclass(frozen=True, eq=False)
class Circuit:
    """N neurons, S synapses between them, named input and output ports. Rest is 0 mV.

    Neurons: `excitatory` bool[N]; `tau_m_ms`, `c_m_pF`, `threshold_mV`, `reset_mV`, `t_ref_ms`, `bias_pA`,
    `tau_syn_ex_ms`, `tau_syn_in_ms` float[N]. Synapses: `source`, `target` int[S], `weight_pA` float[S] ≥ 0, `delay_ms`
    float[S] > 0, `rule` int[S], −1 for static ones (all, when left out), else an index into `plasticity`.
    `inputs` maps a port to its `Afferents`, `outputs` a port to int[K] neuron indices in order. The arrays are
    read-only, and copies unless what was given was read-only already.

    `model` names how all neurons respond, as in NEST: `iaf_psc_exp`, leaky integrate-and-fire with exponential
    currents; or `iaf_psc_delta`, whose synapses pass the charge weight_pA × 1 ms at once, a step of weight_pA × 1 ms /
    c_m_pF in the membrane (the synaptic time constants are then without effect).

    Raises `InputError` for arrays of wrong length, indices out of range, negative weights, weights above the
    `max_weight` of their rule, non-positive delays or time constants, thresholds at or below reset, unknown models, and
    circuits of more than `MAX_NEURONS`, `MAX_SYNAPSES` or `MAX_CHANNELS`.

    An excitatory neuron that excites an inhibitory one, which inhibits it in turn:

    >>> import evocircuits as ec
    >>> one_each = {"tau_m_ms": [10.0, 5.0], "c_m_pF": [250.0, 250.0], "threshold_mV": [15.0, 15.0]}
    >>> one_each |= {"reset_mV": [0.0, 0.0], "t_ref_ms": [2.0, 1.0], "bias_pA": [0.0, 0.0]}
    >>> one_each |= {"tau_syn_ex_ms": [2.0, 2.0], "tau_syn_in_ms": [5.0, 5.0]}
    >>> circuit = ec.Circuit(
    ...     excitatory=[True, False],
    ...     **one_each,
    ...     source=[0, 1],
    ...     target=[1, 0],
    ...     weight_pA=[900.0, 700.0],
    ...     delay_ms=[1.0, 1.0],
    ...     inputs={"in": ec.Afferents(1, channel=[0], target=[0], weight_pA=[2000.0], delay_ms=[1.0])},
    ...     outputs={"out": [0]},
    ... )
    >>> circuit.n_neurons, circuit.n_synapses
    (2, 3)
    """

    excitatory: np.ndarray
    tau_m_ms: np.ndarray
    c_m_pF: np.ndarray
    threshold_mV: np.ndarray
    reset_mV: np.ndarray
    t_ref_ms: np.ndarray
    bias_pA: np.ndarray
    tau_syn_ex_ms: np.ndarray
    tau_syn_in_ms: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight_pA: np.ndarray
    delay_ms: np.ndarray
    inputs: dict[str, Afferents] = field(default_factory=dict)
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    model: str = "iaf_psc_exp"
    rule: np.ndarray | None = None
    plasticity: tuple[Plasticity, ...] = ()

    def __post_init__(self):
        n = _set_arrays(self, ("excitatory",), checked_booleans, "neurons")
        _set_arrays(self, CONSTANTS, _floats, "neurons", n)
        _set_synapses(self, _PER_SYNAPSE)
        self._set_ports()
        self._set_rules()
        self._check_sizes()
        self._check_constants()
        _check_range("Circuit", "source", self.source, n)
        _check_range("Circuit", "target", self.target, n)
        _check_rules("Circuit", self, self.plasticity)
        for name, afferents in self.inputs.items():
            _check_range(f"Circuit.inputs[{name!r}]", "target", afferents.target, n)
            _check_rules(f"Circuit.inputs[{name!r}]", afferents, self.plasticity)
        for name, neurons in self.outputs.items():
            _check_range("Circuit", f"outputs[{name!r}]", neurons, n)

    @classmethod
    def trusted(cls, *, model: str = MODELS[0], **values) -> "Circuit":
        """A circuit of values known to be as the checks would leave them, as development makes them by construction.

        Arrays must be of their dtypes, contiguous and read-only, and no field but `model` may be left out.
        """
        return _trusted(cls, model=model, **values)

    def _set_ports(self) -> None:
        inputs = checked_by_port("Circuit.inputs", self.inputs)
        outputs = checked_by_port("Circuit.outputs", self.outputs)
        for name, afferents in inputs.items():
            if not isinstance(afferents, Afferents):
                raise InputError(f"Circuit.inputs[{name!r}]: expected Afferents; got {shown(afferents)}")
        for name, given in outputs.items():
            neurons = checked_indices(f"Circuit.outputs[{name!r}]", given, axis="neurons")
            outputs[name] = read_only(neurons, given)
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "outputs", outputs)

    def _set_rules(self) -> None:
        given = self.plasticity if isinstance(self.plasticity, list | tuple) else [self.plasticity]
        wrong = [known for known in given if not isinstance(known, Plasticity)]
        if wrong:
            raise InputError(f"Circuit.plasticity: expected rules of plasticity; got {shown(wrong[0])}")
        object.__setattr__(self, "plasticity", tuple(given))

    def _check_sizes(self) -> None:
        if self.n_neurons > MAX_NEURONS:
            raise InputError(f"Circuit: expected at most {MAX_NEURONS} neurons; got {self.n_neurons}")
        if self.n_synapses > MAX_SYNAPSES:
            raise InputError(f"Circuit: expected at most {MAX_SYNAPSES} synapses; got {self.n_synapses}")
        channels = sum(afferents.channels for afferents in self.inputs.values())
        if channels > MAX_CHANNELS:
            raise InputError(f"Circuit: expected at most {MAX_CHANNELS} input channels; got {channels}")

    def _check_constants(self) -> None:
        if self.model not in MODELS:
            raise InputError(f"Circuit.model: expected one of {', '.join(MODELS)}; got {shown(self.model)}")
        for name in _POSITIVE:
            if (lowest := _lowest(getattr(self, name))) <= 0:
                raise InputError(f"Circuit.{name}: expected values > 0; got {lowest}")
        if (lowest := _lowest(self.t_ref_ms)) < 0:
            raise InputError(f"Circuit.t_ref_ms: expected values ≥ 0; got {lowest}")
        below = self.threshold_mV <= self.reset_mV
        if below.any():
            neuron = np.argmax(below)
            raise InputError(
                f"Circuit.threshold_mV: expected every threshold above its reset; "
                f"got {self.threshold_mV[neuron]} at reset {self.reset_mV[neuron]} of neuron {neuron}"
            )

    @property
    def n_neurons(self) -> int:
        """How many neurons."""
        return len(self.excitatory)

    @property
    def n_synapses(self) -> int:
        """How many synapses, those from input channels included."""
        return len(self.source) + sum(len(afferents.target) for afferents in self.inputs.values())

    @property
    def output_neurons(self) -> np.ndarray:
        """int[K]: the output neurons of all ports, port after port in the order of `outputs`."""
        return np.concatenate([*self.outputs.values(), np.zeros(0, int)]).astype(int)

    def scaled(self, time_scale: float) -> "Circuit":
        """The same circuit `time_scale` times slower: simulated at `time_scale × dt` it emits the same spikes.

        Time constants, refractory times and delays are multiplied, and so is the capacitance: a post-synaptic
        potential's height goes as weight × time / C and a bias current's as current × time / C, so both stay. The
        charges of `iaf_psc_delta`, and the bounds of its rules, are multiplied too.

        Raises `InputError` for a factor that is not positive and finite.
        """
        time_scale = checked_positive("Circuit.scaled: time_scale", time_scale)
        times = ("tau_m_ms", "c_m_pF", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms", "delay_ms")
        charge = time_scale if self.model == "iaf_psc_delta" else 1.0
        return replace(
            self,
            **{name: getattr(self, name) * time_scale for name in times},
            weight_pA=self.weight_pA * charge,
            inputs={
                name: replace(a, delay_ms=a.delay_ms * time_scale, weight_pA=a.weight_pA * charge)
                for name, a in self.inputs.items()
            },
            plasticity=[known.scaled(time_scale, charge) for known in self.plasticity],
        )

    def static(self) -> "Circuit":
        """The circuit without plasticity, as its rested synapses are.

        Spike-timing rules are dropped; a short-term rule leaves its utilisation × weight.
        """
        rested = [known.utilisation if isinstance(known, ShortTerm) else 1.0 for known in self.plasticity]
        inputs = {
            name: replace(a, weight_pA=a.weight_pA * _by_rule(rested, 1.0, a.rule), rule=None)
            for name, a in self.inputs.items()
        }
        weight_pA = self.weight_pA * _by_rule(rested, 1.0, self.rule)
        return replace(self, weight_pA=weight_pA, rule=None, plasticity=(), inputs=inputs)

    def _repr_svg_(self) -> str:
        return import_module("evocircuits.draw").circuit_svg(self)  # by name, as drawing knows circuits

    def to_dict(self) -> dict:
        """The circuit as plain lists and numbers, ready for JSON; model and rules are left out at their defaults."""
        rule = ("rule",) if self.plasticity else ()
        columns = ("excitatory", *CONSTANTS, *_PER_SYNAPSE, *rule)
        data = {name: getattr(self, name).tolist() for name in columns}
        data["inputs"] = {
            port: {"channels": a.channels}
            | {name: getattr(a, name).tolist() for name in (*_PER_AFFERENT, *rule)}
            for port, a in self.inputs.items()
        }
        data["outputs"] = {port: neurons.tolist() for port, neurons in self.outputs.items()}
        if self.model != MODELS[0]:
            data["model"] = self.model
        if self.plasticity:
            data["plasticity"] = [rules.to_dict(known) for known in self.plasticity]
        return data

    @classmethod
    def from_dict(cls, data: dict) -> "Circuit":
        """The circuit that `to_dict` wrote. Raises `InputError` where a field is missing, unknown or malformed."""
        _check_fields("circuit", data, cls)
        inputs, plasticity = checked_by_port("Circuit.inputs", data["inputs"]), data.get("plasticity", [])
        if not isinstance(plasticity, list | tuple):
            raise InputError(f"Circuit.plasticity: expected a list of rules; got {shown(plasticity)}")
        for name, afferents in inputs.items():
            _check_fields(f"circuit: inputs[{name!r}]", afferents, Afferents)
        return cls(
            **data
            | {"inputs": {name: Afferents(**afferents) for name, afferents in inputs.items()}}
            | {"plasticity": [rules.from_dict(known) for known in plasticity]}
        )

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, floats as shortest round-trip), in hexadecimal."""
        return hashlib.sha256(
            json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()

    @cached_property
    def shape(self) -> str:
        """A hash that does not change when neurons or synapses are reordered (shape.py)."""
        return shape_of(self)

    def __eq__(self, other) -> bool:
        return isinstance(other, Circuit) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        e = int(self.excitatory.sum())
        return f"Circuit({e} E + {self.n_neurons - e} I, {self.n_synapses} synapses, id {self.id[:8]})"


def _check_fields(owner: str, data: dict, kind: type) -> None:
    known = [f.name for f in fields(kind)]
    if not isinstance(data, dict):
        got = shown(data)
    elif unknown := [name for name in data if name not in known]:
        got = shown(unknown[0])
    elif missing := [name for name in known if name not in data and name not in _OPTIONAL]:
        got = f"no {missing[0]}"
    else:
        return
    raise InputError(f"{owner}: expected the fields of Circuit.to_dict(); got {got}")
