"""Circuits that several test files draw, lay out or compare."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import develop
from evocircuits.plasticity import ShortTerm, SpikeTiming
from tests.library.motifs import genome
from tests.simulator import circuits as simulated

DEPRESSING = ShortTerm(0.25, 100.0, 0.0)
LEARNING = SpikeTiming(max_weight=120.0)

circuits = st.builds(
    lambda seed, n, density: simulated.random_circuit(np.random.default_rng(seed), n=n, density=density),
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.floats(0.1, 0.8),
)


def circuit() -> Circuit:
    return develop(genome(), dt_ms=0.1)


def random_circuit(n: int = 20, s: int = 100) -> Circuit:
    rng = np.random.default_rng(1)
    ones = np.ones(n)
    return Circuit(
        excitatory=np.arange(n) < 0.8 * n,
        tau_m_ms=10 * ones,
        c_m_pF=250 * ones,
        threshold_mV=15 * ones,
        reset_mV=0 * ones,
        t_ref_ms=2 * ones,
        bias_pA=0 * ones,
        tau_syn_ex_ms=2 * ones,
        tau_syn_in_ms=2 * ones,
        source=rng.integers(0, n, s),
        target=rng.integers(0, n, s),
        weight_pA=rng.uniform(0, 900, s),
        delay_ms=rng.uniform(0.1, 5, s),
        inputs={"in": Afferents(3, [0, 1, 2], [4, 5, 6], [300.0] * 3, [1.0] * 3)},
        outputs={"out": [0, 1]},
    )


def vars_of(drawn: Circuit) -> dict:
    kept = {name: value for name, value in drawn.to_dict().items() if name not in ("inputs", "outputs")}
    return kept | {"inputs": {}, "outputs": {}}


def pair(**changes) -> Circuit:
    """An excitatory and an inhibitory neuron that project to each other, one input channel, one output neuron."""
    fields_ = {
        "excitatory": [True, False],
        "tau_m_ms": [10.0, 20.0],
        "c_m_pF": [250.0, 250.0],
        "threshold_mV": [15.0, 12.0],
        "reset_mV": [0.0, -1.0],
        "t_ref_ms": [2.0, 0.0],
        "bias_pA": [0.0, 30.0],
        "tau_syn_ex_ms": [2.0, 2.0],
        "tau_syn_in_ms": [5.0, 5.0],
        "source": [0, 1],
        "target": [1, 0],
        "weight_pA": [100.0, 0.0],
        "delay_ms": [1.0, 0.1],
        "inputs": {"in": Afferents(2, [0, 1], [0, 0], [50.0, 60.0], [0.5, 0.6])},
        "outputs": {"out": [0]},
    }
    return Circuit(**fields_ | changes)


def plastic(**changes) -> Circuit:
    """`pair` with a short-term rule at 0 → 1 and a spike-timing one at the second synapse of its input."""
    a = pair().inputs["in"]
    rules = {
        "plasticity": (DEPRESSING, LEARNING),
        "rule": [0, -1],
        "inputs": {"in": replace(a, rule=[-1, 1])},
    }
    return pair(**rules | changes)


def with_random_rules(circuit: Circuit, rng: np.random.Generator) -> Circuit:
    """The circuit with rules drawn for its synapses."""
    a = circuit.inputs["in"]
    bound_pA = 2 * max(circuit.weight_pA.max(), a.weight_pA.max()) + 1
    return replace(
        circuit,
        plasticity=(DEPRESSING, replace(LEARNING, max_weight=bound_pA), ShortTerm(0.25, 100.0, 10.0)),
        rule=rng.integers(-1, 3, len(circuit.rule)),
        inputs={"in": replace(a, rule=rng.integers(-1, 3, len(a.rule)))},
    )


def models_and_rules() -> list[Circuit]:
    """Circuits of which no two have the same model and rules."""
    others = [pair(), pair(model="iaf_psc_delta"), plastic(), plastic(rule=[-1, -1]), plastic(rule=[0, 0])]
    return [*others, plastic(plasticity=(ShortTerm(0.5), LEARNING))]
