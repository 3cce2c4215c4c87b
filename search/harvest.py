"""What a finished run leaves: its winners and its archives' elites as motifs, scored on trials never used before."""

from collections.abc import Iterable

from evocircuits.development import develop
from evocircuits.genome import Genome
from evocircuits.measure import score_circuit
from evocircuits.motif import Motif, MotifScore, Provenance
from evocircuits.search.archive import cells, map_elites
from evocircuits.search.births import circuit_id
from evocircuits.search.executor import Executor
from evocircuits.search.hall import Candidate, by_structure
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island
from evocircuits.search.strategies import strategy_of
from evocircuits.tasks import reference_of

ELITE_TRIALS = 1000
"""Over how many an archive's elites are scored, who are many."""


def harvest(
    recipe: Recipe, run_id: str, islands: list[Island], pool: Executor, versions: dict[str, str]
) -> tuple[list[Motif], dict]:
    """The motifs of a run, and its result in plain values: `winners`, `references` and, with archives, `archive`."""
    winners = _first_of_each_circuit([c for island in islands for c in island.hall], recipe)
    elites = _elites(recipe, islands)
    settings, n = recipe.model_dump(), recipe.held_out_trials
    references = [pool.submit(_reference_score, settings, k, n) for k in range(len(recipe.tasks))]
    scored = [
        (row, pool.submit(_scores, row.genome, settings, trials))
        for row, trials in [*((c, n) for c in winners), *((e, min(n, ELITE_TRIALS)) for e in elites)]
    ]
    motifs = [_motif(row, recipe, run_id, pool.result(scores), versions) for row, scores in scored]
    chosen = motifs[: len(winners)]
    result = {
        "winners": [motif.id for motif in chosen],
        "references": [score and vars(score) for score in map(pool.result, references)],
    }
    if elites:
        cells = zip(elites, motifs[len(winners) :], strict=True)
        result["archive"] = [_row(elite, motif, recipe) for elite, motif in cells]
    return motifs, result


def _first_of_each_circuit(candidates: list[Candidate], recipe: Recipe) -> list[Candidate]:
    """The best of each structure first, then the runners-up; of candidates with equal circuits the first."""
    chosen: dict[str, Candidate] = {}
    dt_ms = recipe.dt_ms
    for candidate in by_structure(candidates):
        chosen.setdefault(circuit_id(candidate.genome, dt_ms), candidate)
    return list(chosen.values())[: recipe.winners]


def _elites(recipe: Recipe, islands: list[Island]) -> list[Individual]:
    if recipe.search != "evolution":
        return []
    kept = [
        i
        for number, island in enumerate(islands)
        if strategy_of(recipe, number).archive
        for i in island.individuals
    ]
    return map_elites(kept, recipe.descriptors) if kept else []


def _row(elite: Individual, motif: Motif, recipe: Recipe) -> dict:
    described = dict(zip(recipe.descriptors, elite.descriptors, strict=True))
    [cell] = cells([elite], recipe.descriptors)
    score = min(s.normalised for s in motif.scores)
    return {"motif": motif.id, "cell": list(cell), "descriptors": described, "score": score}


def _motif(
    row: Candidate | Individual,
    recipe: Recipe,
    run_id: str,
    scores: Iterable[MotifScore],
    versions: dict[str, str],
) -> Motif:
    provenance = Provenance(
        origin="evolved",
        run=run_id,
        seed=recipe.seed,
        epoch=getattr(row, "epoch", -1) + 1 or None,
        island=getattr(row, "island", None),
        operator=row.operator,
        parents=row.parents,
        recipe=recipe.model_dump(mode="json"),
        versions=versions,
    )
    dt_ms = recipe.dt_ms
    return Motif(row.genome, develop(row.genome, dt_ms=dt_ms), dt_ms, provenance, tuple(scores))


def _scores(genome: Genome, settings: dict, n_trials: int) -> list[MotifScore]:
    recipe = Recipe(**settings)
    circuit = develop(genome, dt_ms=recipe.dt_ms)
    return [score_circuit(circuit, task, seed=recipe.seed, n_trials=n_trials) for task in recipe.tasks]


def _reference_score(settings: dict, k: int, n_trials: int) -> MotifScore | None:
    recipe = Recipe(**settings)
    task = recipe.tasks[k]
    if (genome := reference_of(task)) is None:
        return None
    circuit = develop(genome, dt_ms=task.dt_ms)
    return score_circuit(circuit, task, seed=recipe.seed, n_trials=n_trials)
