"""Circuits that several test files draw or lay out."""

import numpy as np

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import develop
from tests.library.motifs import genome


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
