"""Currents from outside as the kernel wants them: into each neuron, bin by bin, with lanes as the last dimension."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.simulator.events import check_port
from evocircuits.simulator.stimulus import Stimulus


class Injected(NamedTuple):
    """Currents of all blocks: `current_pA` float[blocks, bins × N × lanes] and how many steps a bin lasts."""

    current_pA: np.ndarray
    steps_per_bin: int


def injected(
    circuit: Circuit, stimulus: Stimulus, n_steps: int, lanes: int, dtype: np.dtype
) -> Injected | None:
    """The currents injected directly and those of graded channels, a channel's value times the weight of its synapses;
    None where there are none.

    Raises `InputError` where the circuit has no such port, channel or neuron, or bins are not whole steps.
    """
    parts = []
    if stimulus.current_pA is not None:
        n = stimulus.current_pA.shape[2]
        if n != circuit.n_neurons:
            raise InputError(
                f"simulate: Stimulus.current_pA: expected currents for {circuit.n_neurons} neurons; got {n}"
            )
        parts.append(("current_pA", _direct(stimulus, lanes, dtype)))
    for name, values in stimulus.graded.items():
        check_port("graded", name, {port: a.channels for port, a in circuit.inputs.items()})
        afferents = circuit.inputs[name]
        if values.shape[2] != afferents.channels:
            raise InputError(
                f"simulate: graded port {name!r}: expected {afferents.channels} channels; got {values.shape[2]}"
            )
        parts.append(
            (f"graded[{name!r}]", _of_channels(circuit.n_neurons, afferents, stimulus, name, lanes, dtype))
        )
    if not parts:
        return None
    for name, part in parts:
        if n_steps % part.shape[1]:
            raise InputError(
                f"simulate: Stimulus.{name}: expected bins of whole steps; got {part.shape[1]} bins in {n_steps} steps"
            )
    bins = int(np.lcm.reduce([part.shape[1] for _, part in parts]))
    fitted = [
        part if part.shape[1] == bins else np.repeat(part, bins // part.shape[1], axis=1) for _, part in parts
    ]
    current_pA = fitted[0] if len(fitted) == 1 else np.sum(fitted, axis=0)
    return Injected(current_pA.reshape(len(current_pA), -1), n_steps // bins)


def nothing_injected(n_blocks: int, dtype: np.dtype) -> Injected:
    """What the kernel is given where there are no currents."""
    return Injected(np.zeros((n_blocks, 0), dtype), 1)


@lru_cache(maxsize=4)
def _direct(stimulus: Stimulus, lanes: int, dtype: np.dtype) -> np.ndarray:
    return _in_lanes(stimulus.current_pA, lanes, dtype)


@lru_cache(maxsize=4)
def _graded(stimulus: Stimulus, port: str, lanes: int, dtype: np.dtype) -> np.ndarray:
    return _in_lanes(stimulus.graded[port], lanes, dtype)


def _of_channels(
    n: int, afferents: Afferents, stimulus: Stimulus, port: str, lanes: int, dtype: np.dtype
) -> np.ndarray:
    values = _graded(stimulus, port, lanes, dtype)
    blocks, bins, _, _ = values.shape
    total = np.zeros((blocks, bins, n, lanes), dtype)
    # Synapse by synapse: a matrix product may add in another order for another number of lanes.
    for channel, target, weight_pA in zip(
        afferents.channel, afferents.target, afferents.weight_pA, strict=True
    ):
        total[:, :, target] += dtype.type(weight_pA) * values[:, :, channel]
    return total


def _in_lanes(values: np.ndarray, lanes: int, dtype: np.dtype) -> np.ndarray:
    """[bins, trials, K] as [blocks, bins, K, lanes]; lanes without a trial are 0."""
    bins, trials, k = values.shape
    in_lanes = np.zeros((-(-trials // lanes), bins, k, lanes), dtype)
    for block, first in enumerate(range(0, trials, lanes)):
        chosen = values[:, first : first + lanes]
        in_lanes[block, :, :, : chosen.shape[1]] = chosen.swapaxes(1, 2)
    return in_lanes
