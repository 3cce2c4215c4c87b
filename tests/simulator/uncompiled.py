"""`python -m tests.simulator.uncompiled FILE`, with NUMBA_DISABLE_JIT=1: simulates the cases below as plain Python, in
which every index is checked, and writes what they gave.
"""

import sys

import numba
import numpy as np

from evocircuits.circuit import MODELS, Circuit
from evocircuits.simulator import Record, Stimulus, simulate
from tests.simulator.circuits import PEAK_pA, random_circuit, random_rules, random_stimulus, with_currents

DT_MS = 0.5
DTYPES = ("float32", "float64")


def cases() -> dict[str, tuple[Circuit, Stimulus]]:
    """Both models, with and without plasticity, currents and graded values; one more needs a block of 64 lanes, one has
    so many synapses of equal delay that they wait in bundles.
    """
    made = {}
    for model in MODELS:
        for plastic in (False, True):
            for driven in (False, True):
                made[f"{model}{' plastic' * plastic}{' driven' * driven}"] = _case(model, plastic, driven)
    made["wide"] = _case(MODELS[0], True, False, n_trials=17, n_steps=50)
    made["bundled"] = _case(MODELS[0], False, False, density=3.0, longest_delay_ms=DT_MS)
    return made


def _case(model: str, plastic: bool, driven: bool, *, n_trials: int = 3, n_steps: int = 100, **changes):
    rng = np.random.default_rng([len(model), plastic, driven, n_trials])
    rules = random_rules(rng, max_weight=PEAK_pA[model]) if plastic else ()
    shape = {"n": 4, "density": 0.8, "dt_ms": DT_MS, "longest_delay_ms": 4.0, "strength": 0.8, "bias": 1.2}
    circuit = random_circuit(rng, **shape | changes, model=model, plasticity=rules)
    stimulus = random_stimulus(
        rng, n_trials=n_trials, n_steps=n_steps, dt_ms=DT_MS, rate_Hz=200, repeated=0.1
    )
    if driven:
        stimulus = with_currents(rng, circuit, stimulus, bins=n_steps // 2, graded_bins=5)
    return circuit, stimulus


def results() -> dict[str, np.ndarray]:
    """By case, number type and quantity."""
    found = {}
    for name, (circuit, stimulus) in cases().items():
        for dtype in DTYPES:
            record = Record(
                spikes=True, first_spikes=True, voltage=tuple(range(circuit.n_neurons)), weights=True
            )
            recording = simulate(circuit, stimulus, dt_ms=DT_MS, record=record, dtype=dtype)
            quantities = {
                "spikes": np.stack(
                    [recording.spikes.time_ms, recording.spikes.trial, recording.spikes.channel]
                ),
                "first": recording.first_spike_ms,
                "voltage": recording.voltage_mV,
                "weights": np.hstack([recording.weights.synapses, recording.weights.inputs["in"]]),
                "counts": recording.counts,
            }
            found |= {f"{name}, {dtype}, {quantity}": value for quantity, value in quantities.items()}
    return found


if __name__ == "__main__":
    assert numba.config.DISABLE_JIT
    np.savez(sys.argv[1], **results())
