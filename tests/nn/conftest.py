import numpy as np
import pytest
import torch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene
from evocircuits.motif import Motif, Provenance

DT_MS = 0.02


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def delay_line_genome() -> Genome:
    """Two ears, 13 coincidence cells behind delay lines of opposite direction, and inhibition among them."""
    left, right = Port("left", 1), Port("right", 1)
    place = PopulationGene(1, True, 13, 0.3, 15.0, 1.0, 0.2, 2.0, port="place")
    veto = PopulationGene(2, False, 3, 1.0, 15.0, 1.0, 0.2, 2.0)
    everything = Pattern("all_to_all")
    projections = (
        ProjectionGene(3, left.id, 1, everything, 0.6, 0.5, -0.05),
        ProjectionGene(4, right.id, 1, everything, 0.6, 0.5, 0.05),
        ProjectionGene(5, 1, 2, everything, 0.3, 0.2),
        ProjectionGene(6, 2, 1, everything, 0.2, 0.1),
        ProjectionGene(7, 1, 1, Pattern("neighbours", 1), 0.1, 0.3),
    )
    return Genome((left, right), (Port("place", 13),), (place, veto), projections)


def random_circuit(rng: np.random.Generator) -> Circuit:
    """Any circuit: constants, polarities, delays and weights drawn, loops and parallel synapses included."""
    n, s = int(rng.integers(1, 13)), int(rng.integers(0, 40))
    weights = {"weight_pA": rng.lognormal(6, 1, s), "delay_ms": rng.uniform(0.4, 2.0, s)}
    inputs = {
        name: Afferents(
            channels,
            rng.integers(0, channels, 4 * channels),
            rng.integers(0, n, 4 * channels),
            rng.lognormal(7, 1, 4 * channels),
            rng.uniform(0.4, 2.0, 4 * channels),
        )
        for name, channels in (("a", 2), ("b", 3))
    }
    return Circuit(
        excitatory=rng.random(n) < 0.7,
        tau_m_ms=rng.uniform(0.3, 10, n),
        c_m_pF=rng.uniform(100, 300, n),
        threshold_mV=rng.uniform(5, 20, n),
        reset_mV=rng.uniform(-5, 3, n),
        t_ref_ms=rng.uniform(0, 2, n),
        bias_pA=rng.uniform(-50, 300, n),
        tau_syn_ex_ms=rng.uniform(0.1, 2, n),
        tau_syn_in_ms=rng.uniform(0.1, 4, n),
        source=rng.integers(0, n, s),
        target=rng.integers(0, n, s),
        inputs=inputs,
        outputs={"x": rng.permutation(n)[: max(1, n // 2)], "y": rng.integers(0, n, 2)},
        **weights,
    )


def as_motif(circuit: Circuit, dt_ms: float = 0.1) -> Motif:
    return Motif(delay_line_genome(), circuit, dt_ms, Provenance(origin="test"))


@pytest.fixture
def delay_line() -> Motif:
    return Motif(
        delay_line_genome(), develop(delay_line_genome(), dt_ms=DT_MS), DT_MS, Provenance(origin="test")
    )
