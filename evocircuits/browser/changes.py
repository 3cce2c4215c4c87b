"""What differs between motifs: numbers, genes and wiring, put side by side so that they can be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evocircuits.browser.drawing import Picture
from evocircuits.browser.pages import figure
from evocircuits.genome import Genome, PopulationGene, ProjectionGene
from evocircuits.motif import Motif
from evocircuits.report import energy, pattern_words, rule_words


@dataclass(frozen=True)
class Row:
    """One thing that all motifs are asked, and what each says; `differs` where they do not all say the same."""

    what: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all say the same."""
        return len(set(self.cells)) > 1


def numbers(motifs: Sequence[Motif]) -> list[Row]:
    """Sizes of motifs, and their scores and costs on every task that any of them was scored on."""
    told: list[tuple[str, Callable[[Motif], str]]] = [
        ("excitatory neurons", lambda m: str(int(m.circuit.excitatory.sum()))),
        ("inhibitory neurons", lambda m: str(int((~m.circuit.excitatory).sum()))),
        ("synapses", lambda m: str(m.circuit.n_synapses)),
        ("delays", _delays),
        ("time step", lambda m: f"{m.dt_ms:g} ms"),
    ]
    rows = [Row(what, tuple(map(tell, motifs))) for what, tell in told]
    for task in sorted({score.task for motif in motifs for score in motif.scores}):
        scores = [motif.score_on(task) for motif in motifs]
        rows.append(Row(f"{task}: score", tuple(f"{s.raw:.3f}" if s else "–" for s in scores)))
        rows.append(
            Row("of the way to the ceiling", tuple(f"{s.normalised:.0%}" if s else "–" for s in scores))
        )
        rows.append(Row("spikes per trial", tuple(f"{s.spikes:.1f}" if s else "–" for s in scores)))
        rows.append(Row("energy per trial", tuple(energy(s.energy_pJ) if s else "–" for s in scores)))
    return rows


def genes(motifs: Sequence[Motif]) -> tuple[list[Row], list[Row]]:
    """Populations, and projections between them, that any motif has; a gene is the same where its innovation id is."""
    names = gene_names([motif.genome for motif in motifs])
    populations = _aligned([{p.id: p for p in m.genome.populations} for m in motifs], _population)
    projections = _aligned([{j.id: j for j in m.genome.projections} for m in motifs], _projection)
    ends = {j.id: f"{names[j.source]} → {names[j.target]}" for m in motifs for j in m.genome.projections}
    return (
        [Row(names[id], cells) for id, cells in populations],
        [Row(ends[id], cells) for id, cells in projections],
    )


def own_synapses(motifs: Sequence[Motif], pictures: Sequence[Picture]) -> list[np.ndarray]:
    """Of each motif bool[synapses]: which of those drawn join a pair that is not joined in every other motif."""
    joined = [_joined(motif, picture) for motif, picture in zip(motifs, pictures, strict=True)]
    common = set.intersection(*map(set, joined))
    return [np.array([pair not in common for pair in pairs], bool) for pairs in joined]


def gene_names(genomes: Sequence[Genome]) -> dict[int, str]:
    """Every port and population by a name, the same in all genomes: E1, E2, …, I1, … as they come."""
    names, counts = {port.id: port.name for genome in genomes for port in genome.inputs}, {True: 0, False: 0}
    for genome in genomes:
        for gene in genome.populations:
            if gene.id not in names:
                counts[gene.excitatory] += 1
                names[gene.id] = f"{'E' if gene.excitatory else 'I'}{counts[gene.excitatory]}"
    return names


def _joined(motif: Motif, picture: Picture) -> list[tuple]:
    """The ends of every synapse as (population or port, place in it), which mean the same in other motifs."""
    nodes = [(p.id, k) for p in motif.genome.populations for k in range(p.size)]
    if len(nodes) != picture.circuit.n_neurons:  # a circuit that was changed after it was developed
        nodes = [("neuron", k) for k in range(picture.circuit.n_neurons)]
    nodes += [(port, k) for port, a in picture.circuit.inputs.items() for k in range(a.channels)]
    return [(nodes[source], nodes[target]) for source, target in picture.ends.tolist()]


def _delays(motif: Motif) -> str:
    delays = np.concatenate([motif.circuit.delay_ms, *(a.delay_ms for a in motif.circuit.inputs.values())])
    if len(delays) == 0:
        return "none"
    low, high = figure(float(delays.min())), figure(float(delays.max()))
    return f"{low} ms" if low == high else f"{low} to {high} ms"


def _aligned(owners: Sequence[dict], tell: Callable) -> list[tuple[int, tuple[str, ...]]]:
    """What all have comes first."""
    ids = dict.fromkeys(id for genes in owners for id in genes)
    ordered = sorted(ids, key=lambda id: not all(id in genes for genes in owners))
    return [(id, tuple(tell(genes[id]) if id in genes else "–" for genes in owners)) for id in ordered]


def _population(gene: PopulationGene) -> str:
    times = f"τ {figure(gene.tau_m_ms)}, refractory {figure(gene.t_ref_ms)}"
    synapses = f"synapses {figure(gene.tau_syn_ex_ms)} / {figure(gene.tau_syn_in_ms)} ms"
    bias = f", bias {figure(gene.bias_pA)} pA" if gene.bias_pA else ""
    port = f" → {gene.port}" if gene.port else ""
    return f"{gene.size} × {times}, {synapses}{bias}{port}"


def _projection(gene: ProjectionGene) -> str:
    gradient = f" {gene.delay_gradient_ms:+.3g} per step".replace("-", "−") if gene.delay_gradient_ms else ""
    told = f"{pattern_words(gene.pattern)}, strength {figure(gene.strength)}"
    plastic = f", {rule_words(gene.plasticity)}" if gene.plasticity else ""
    return f"{told}, delay {figure(gene.delay_ms)}{gradient} ms{plastic}"
