"""Small hand-made motifs for the tests of library, exchange, drawing and command line."""

from evocircuits.development import develop
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene
from evocircuits.motif import Motif, MotifScore, Provenance


def genome(strength: float = 0.6, hidden: int = 2) -> Genome:
    ear, place = Port("ear", 2), Port("place", 3)
    populations = (
        PopulationGene(1, True, 3, 10.0, 15.0, 2.0, 2.0, 4.0, port="place"),
        PopulationGene(2, False, hidden, 5.0, 15.0, 1.0, 2.0, 4.0),
    )
    projections = (
        ProjectionGene(10, ear.id, 1, Pattern("all_to_all"), strength, 1.0, delay_gradient_ms=0.3),
        ProjectionGene(11, 1, 2, Pattern("all_to_all"), 0.5, 1.0),
        ProjectionGene(12, 2, 1, Pattern("one_to_one"), 0.8, 0.5),
    )
    return Genome((ear,), (place,), populations, projections)


def score(raw: float = 0.75, task: str = "order", trials: int = 1000, seed: int = 7, **changed) -> MotifScore:
    row = dict(
        task=task, raw=raw, low=raw - 0.03, high=raw + 0.03, normalised=2 * raw - 1, trials=trials, seed=seed
    )
    costs = dict(spikes=4.5, synaptic_events=30.0, energy_pJ=27.0, version="0.1.0")
    return MotifScore(**(row | costs | changed))


def motif(
    strength: float = 0.6, *scores: MotifScore, run: str | None = "order-s1-abc", hidden: int = 2
) -> Motif:
    recipe, versions = {"task": "order", "epochs": 2}, {"evocircuits": "0.1.0"}
    provenance = Provenance("evolved", run, 1, 2, 0, "mutate", ("00ff",), recipe, versions)
    chosen = genome(strength, hidden)
    return Motif(chosen, develop(chosen, dt_ms=0.1), 0.1, provenance, scores)
