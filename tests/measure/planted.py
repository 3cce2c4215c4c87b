"""Motifs of which is known what a certificate must say: hand-wired references, and those with cells of no use."""

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task

USELESS_CELLS = 3
USELESS = {"population I2", "projection rate → I2", "projection I2 → I2"} | {
    f"neuron I2[{k}]" for k in range(USELESS_CELLS)
}
"""What is of no use in `with_useless_cells("winner")`."""


def motif_of(genome: Genome, task: str, origin: str) -> Motif:
    """The genome as a motif."""
    dt_ms = get_task(task).dt_ms
    return Motif(genome, develop(genome, dt_ms=dt_ms), dt_ms, Provenance(origin))


def hand_wired(task: str) -> Motif:
    """The reference of a task."""
    return motif_of(get_task(task).reference(), task, "hand-wired")


def with_useless_cells(task: str) -> Motif:
    """The reference and inhibitory cells that an input drives, and that inhibit one another only."""
    genome = get_task(task).reference()
    port = genome.inputs[0]
    cells = PopulationGene(7, False, USELESS_CELLS, 10.0, 15.0, 2.0, 2.0, 5.0)
    driven = ProjectionGene(8, port.id, 7, Pattern("all_to_all"), 2.0, 1.0)
    mutual = ProjectionGene(9, 7, 7, Pattern("all_but_self"), 1.0, 1.0)
    planted = genome.with_genes(
        populations=[*genome.populations, cells], projections=[*genome.projections, driven, mutual]
    )
    return motif_of(planted, task, "planted")


def twenty_neurons() -> Motif:
    """Thirteen places of `localise` that hear both ears through delays, and a pool of seven inhibitory cells."""
    task = get_task("localise")
    place = PopulationGene(1, True, 13, 0.3, 15.0, 1.0, 0.1, 2.0, port="place")
    pool = PopulationGene(2, False, 7, 0.5, 15.0, 1.0, 0.2, 2.0)
    ears = [
        ProjectionGene(10 + k, port.id, 1, Pattern("all_to_all"), 0.6, 0.5, gradient_ms)
        for k, (port, gradient_ms) in enumerate(zip(task.inputs, (-0.05, 0.05), strict=True))
    ]
    onto_pool = ProjectionGene(20, 1, 2, Pattern("one_to_one"), 0.7, 0.1)
    from_pool = ProjectionGene(21, 2, 1, Pattern("all_to_all"), 0.05, 0.1)
    genome = Genome(task.inputs, task.outputs, (place, pool), (*ears, onto_pool, from_pool))
    return motif_of(genome, "localise", "planted")
