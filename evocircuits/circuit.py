"""Circuit: the developed phenotype, flat arrays of neurons and synapses under Dale's law.

The sign of a synapse is the polarity of its source neuron and a weight is a magnitude, so no circuit that breaks
Dale's law can be written down. A circuit's `id` is the SHA-256 of its canonical JSON; its `shape` is a
Weisfeiler–Lehman hash that is equal for circuits that differ only in the order of their neurons.
"""

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from evocircuits.errors import InputError

_PER_NEURON = (
    "tau_m_ms",
    "c_m_pF",
    "threshold_mV",
    "reset_mV",
    "t_ref_ms",
    "bias_pA",
    "tau_syn_ex_ms",
    "tau_syn_in_ms",
)
_KINDS = {bool: "true and false", int: "whole numbers", float: "numbers"}
_POSITIVE = ("tau_m_ms", "c_m_pF", "tau_syn_ex_ms", "tau_syn_in_ms")


def _array(owner: str, name: str, values, dtype) -> np.ndarray:
    try:
        array = np.array(values, dtype=dtype, ndmin=1)
        # NumPy would cut 0.5 to the index 0 and read any text as True.
        as_given = array if dtype is float else np.array(values, dtype=float, ndmin=1)
    except (TypeError, ValueError, OverflowError):
        as_given = None
    if as_given is None or (dtype is not float and not np.array_equal(array, as_given)):
        raise InputError(f"{owner}.{name}: expected a list of {_KINDS[dtype]}; got {str(values)[:60]!r}")
    if array.ndim != 1:
        raise InputError(f"{owner}.{name}: expected one dimension; got shape {array.shape}")
    if dtype is float and not np.all(np.isfinite(array)):
        raise InputError(f"{owner}.{name}: expected finite numbers; got NaN or infinity")
    if dtype is float:
        array += 0.0  # −0 becomes 0: equal circuits have one canonical text
    array.setflags(write=False)
    return array


def _set_arrays(self, names: tuple[str, ...], dtype, length: int | None) -> int:
    for name in names:
        array = _array(type(self).__name__, name, getattr(self, name), dtype)
        if length is not None and len(array) != length:
            raise InputError(f"{type(self).__name__}.{name}: expected {length} values; got {len(array)}")
        length = len(array)
        object.__setattr__(self, name, array)
    return length


def _check_range(owner: str, name: str, indices: np.ndarray, size: int) -> None:
    if len(indices) and (indices.min() < 0 or indices.max() >= size):
        raise InputError(
            f"{owner}.{name}: expected indices 0…{size - 1}; got {indices.min()}…{indices.max()}"
        )


def _check_synapses(self) -> None:
    owner = type(self).__name__
    if np.any(self.weight_pA < 0):
        raise InputError(
            f"{owner}.weight_pA: expected magnitudes ≥ 0 (Dale's law); got {self.weight_pA.min()}"
        )
    if np.any(self.delay_ms <= 0):
        raise InputError(f"{owner}.delay_ms: expected delays > 0; got {self.delay_ms.min()}")


@dataclass(frozen=True, eq=False)
class Afferents:
    """The channels of one input port and their synapses, all excitatory, onto the circuit's neurons.

    `channel`, `target`: int[S]; `weight_pA`: float[S] ≥ 0; `delay_ms`: float[S] > 0.
    """

    channels: int
    channel: np.ndarray
    target: np.ndarray
    weight_pA: np.ndarray
    delay_ms: np.ndarray

    def __post_init__(self):
        if not isinstance(self.channels, int | np.integer) or self.channels < 0:
            raise InputError(f"Afferents.channels: expected a number of channels; got {self.channels!r}")
        object.__setattr__(self, "channels", int(self.channels))
        length = _set_arrays(self, ("channel", "target"), int, None)
        _set_arrays(self, ("weight_pA", "delay_ms"), float, length)
        _check_range("Afferents", "channel", self.channel, self.channels)
        _check_synapses(self)


@dataclass(frozen=True, eq=False)
class Circuit:
    """N neurons, S synapses between them, named input and output ports. Rest is 0 mV.

    Neurons: `excitatory` bool[N]; `tau_m_ms`, `c_m_pF`, `threshold_mV`, `reset_mV`, `t_ref_ms`, `bias_pA`,
    `tau_syn_ex_ms`, `tau_syn_in_ms` float[N] (leaky integrate-and-fire with exponential currents, NEST's
    `iaf_psc_exp`). Synapses: `source`, `target` int[S], `weight_pA` float[S] ≥ 0, `delay_ms` float[S] > 0.
    `inputs` maps a port to its `Afferents`, `outputs` a port to int[K] neuron indices in order.

    Raises `InputError` for arrays of wrong length, indices out of range, negative weights, non-positive delays or
    time constants, and thresholds at or below reset.
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

    def __post_init__(self):
        n = _set_arrays(self, ("excitatory",), bool, None)
        _set_arrays(self, _PER_NEURON, float, n)
        synapses = _set_arrays(self, ("source", "target"), int, None)
        _set_arrays(self, ("weight_pA", "delay_ms"), float, synapses)
        for name in _POSITIVE:
            if np.any(getattr(self, name) <= 0):
                raise InputError(f"Circuit.{name}: expected values > 0; got {getattr(self, name).min()}")
        if np.any(self.t_ref_ms < 0):
            raise InputError(f"Circuit.t_ref_ms: expected values ≥ 0; got {self.t_ref_ms.min()}")
        if np.any(self.threshold_mV <= self.reset_mV):
            raise InputError("Circuit.threshold_mV: expected every threshold above its reset")
        _check_range("Circuit", "source", self.source, n)
        _check_range("Circuit", "target", self.target, n)
        _check_synapses(self)
        for name, afferents in self.inputs.items():
            _check_range(f"Circuit.inputs[{name!r}]", "target", afferents.target, n)
        outputs = {
            name: _array("Circuit", f"outputs[{name!r}]", value, int) for name, value in self.outputs.items()
        }
        for name, neurons in outputs.items():
            _check_range("Circuit", f"outputs[{name!r}]", neurons, n)
        object.__setattr__(self, "outputs", outputs)

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
        potential's height goes as weight × time / C and a bias current's as current × time / C, so both stay.
        """
        times = ("tau_m_ms", "c_m_pF", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms", "delay_ms")
        inputs = {name: replace(a, delay_ms=a.delay_ms * time_scale) for name, a in self.inputs.items()}
        scaled = {name: getattr(self, name) * time_scale for name in (*times, "c_m_pF")}
        return replace(self, inputs=inputs, **scaled)

    def to_dict(self) -> dict:
        """The circuit as plain lists and numbers, ready for JSON."""
        flat = {
            f.name: getattr(self, f.name).tolist()
            for f in fields(self)
            if f.name not in ("inputs", "outputs")
        }
        inputs = {
            name: {"channels": a.channels}
            | {key: getattr(a, key).tolist() for key in ("channel", "target", "weight_pA", "delay_ms")}
            for name, a in self.inputs.items()
        }
        return flat | {"inputs": inputs, "outputs": {name: v.tolist() for name, v in self.outputs.items()}}

    @classmethod
    def from_dict(cls, data: dict) -> "Circuit":
        """The circuit that `to_dict` wrote. Raises `InputError` where a field is missing, unknown or malformed."""
        try:
            inputs = {str(name): Afferents(**value) for name, value in data["inputs"].items()}
            return cls(**{**data, "inputs": inputs, "outputs": dict(data["outputs"])})
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"circuit: expected the fields of Circuit.to_dict(); {error}") from None

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON (sorted keys, floats as shortest round-trip), in hexadecimal."""
        return hashlib.sha256(
            json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()

    @cached_property
    def shape(self) -> str:
        """A hash that does not change when neurons or synapses are reordered (Weisfeiler–Lehman refinement)."""
        port_of: dict[int, str] = {}
        for name, neurons in self.outputs.items():
            for position, neuron in enumerate(neurons.tolist()):
                port_of[neuron] = port_of.get(neuron, "") + f"{name}[{position}]"
        constants = np.stack([getattr(self, name) for name in _PER_NEURON], axis=1).tolist()
        colour = [
            _digest([bool(e), c, port_of.get(i, "")])
            for i, (e, c) in enumerate(zip(self.excitatory, constants, strict=True))
        ]
        incoming: list[list] = [[] for _ in colour]
        for name, a in sorted(self.inputs.items()):
            for channel, target, *rest in zip(a.channel, a.target, a.weight_pA, a.delay_ms, strict=True):
                incoming[target].append([name, int(channel), *map(float, rest)])
        colour = [_digest([c, sorted(map(str, rows))]) for c, rows in zip(colour, incoming, strict=True)]
        synapses = list(
            zip(
                self.source.tolist(),
                self.target.tolist(),
                self.weight_pA.tolist(),
                self.delay_ms.tolist(),
                strict=True,
            )
        )
        for _ in range(self.n_neurons):
            arriving: list[list] = [[] for _ in colour]
            leaving: list[list] = [[] for _ in colour]
            for source, target, weight, delay in synapses:
                arriving[target].append(str([colour[source], weight, delay]))
                leaving[source].append(str([colour[target], weight, delay]))
            refined = [
                _digest([c, sorted(a), sorted(b)]) for c, a, b in zip(colour, arriving, leaving, strict=True)
            ]
            settled = len(set(refined)) == len(set(colour))
            colour = refined
            if settled:
                break
        return _digest(sorted(colour))

    def __eq__(self, other) -> bool:
        return isinstance(other, Circuit) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        e = int(self.excitatory.sum())
        return f"Circuit({e} E + {self.n_neurons - e} I, {self.n_synapses} synapses, id {self.id[:8]})"


def _digest(value) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()
