"""What a run leaves, from islands made by hand."""

import numpy as np

from evocircuits.development import develop
from evocircuits.measure import score_circuit
from evocircuits.search.executor import SerialExecutor
from evocircuits.search.hall import Candidate
from evocircuits.search.harvest import ELITE_TRIALS, harvest
from evocircuits.search.recipe import Recipe
from evocircuits.search.selection import Individual
from evocircuits.search.state import Island
from evocircuits.search.variation import found
from evocircuits.tasks import get_task
from tests.search.small import REFERENCE, founder, individual, mediocre, small, users_tasks

VERSIONS = {"evocircuits": "9.9"}
RECIPE = small(seed=4, strategies=["population", "map_elites"], objectives=["score"])
ORDER = get_task("order")
GOOD, FAIR = mediocre(0.6), mediocre(0.52)


def candidate(genome, validation: float, **changes) -> Candidate:
    return Candidate(
        **dict(
            genome=genome,
            validation=validation,
            energy_pJ=1.0,
            epoch=2,
            island=1,
            operator="split",
            parents=("aa",),
        )
        | changes
    )


def harvested(recipe: Recipe, *islands: Island):
    return harvest(recipe, recipe.run_id, list(islands), SerialExecutor(), VERSIONS)


def identity(genome) -> str:
    return develop(genome, dt_ms=0.1).id


def elite(genome, score: float, *described: float) -> Individual:
    return Individual(genome, "strength", parents=("bb",), score=score, descriptors=described)


class TestWinners:
    def test_carry_scores_on_trials_of_their_own_and_where_they_come_from(self):
        [motif], result = harvested(RECIPE, Island(hall=[candidate(GOOD, 0.9)]))
        assert motif.genome == GOOD
        assert motif.scores == (score_circuit(motif.circuit, ORDER, seed=4, n_trials=500),)
        told = motif.provenance
        assert (told.origin, told.run, told.seed) == ("evolved", RECIPE.run_id, 4)
        assert (told.epoch, told.island, told.operator, told.parents) == (3, 1, "split", ("aa",))
        assert (told.recipe, told.versions) == (RECIPE.model_dump(mode="json"), VERSIONS)
        assert result["winners"] == [motif.id]
        assert "archive" not in result

    def test_may_be_founders_who_have_no_parents(self):
        orphan = candidate(founder(1), 0.5, operator="found", parents=(), epoch=0)
        [motif], _ = harvested(RECIPE, Island(hall=[orphan]))
        assert (motif.provenance.parents, motif.provenance.epoch) == ((), 1)

    def test_are_of_all_islands_the_best_of_each_structure_first(self):
        smaller = GOOD.with_genes(projections=GOOD.projections[:1])
        halls = ([candidate(FAIR, 0.8), candidate(smaller, 0.1)], [candidate(GOOD, 0.9)])
        motifs, result = harvested(RECIPE, *(Island(hall=hall) for hall in halls))
        assert [m.genome for m in motifs] == [GOOD, smaller, FAIR]
        assert result["winners"] == [m.id for m in motifs]
        motifs, _ = harvested(RECIPE.model_copy(update={"winners": 2}), *(Island(hall=h) for h in halls))
        assert [m.genome for m in motifs] == [GOOD, smaller]

    def test_are_circuits_that_differ(self):
        twins = [candidate(GOOD, 0.9), candidate(GOOD, 0.9, island=2), candidate(FAIR, 0.2)]
        motifs, _ = harvested(RECIPE, Island(hall=twins[:1]), Island(hall=twins[1:]))
        assert [m.genome for m in motifs] == [GOOD, FAIR]
        assert motifs[0].provenance.island == 1

    def test_may_be_none(self):
        motifs, result = harvested(RECIPE, Island([individual(-0.5, 1)]))
        assert (motifs, result["winners"]) == ([], [])


class TestReferences:
    def test_are_scored_on_the_same_trials(self):
        _, result = harvested(RECIPE, Island(hall=[candidate(GOOD, 0.9)]))
        expected = score_circuit(develop(REFERENCE, dt_ms=0.1), ORDER, seed=4, n_trials=500)
        assert result["references"] == [vars(expected)]

    def test_are_none_where_nobody_has_wired_one(self, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Fore", "Late"))
        _, result = harvested(recipe, Island(hall=[candidate(GOOD, 0.9)]))
        assert result["references"][0] is None
        assert result["references"][1]["task"] == "late"
        assert result["references"][1]["raw"] == 1.0


class TestGeneralists:
    def test_are_scored_on_every_task_in_order(self, tmp_path):
        recipe = small(task=users_tasks(tmp_path, "Late", "Aft"))
        [motif], _ = harvested(recipe, Island(hall=[candidate(FAIR, 0.1)]))
        late, aft = motif.scores
        assert (late.task, aft.task) == ("late", "aft")
        assert 0.6 < late.raw < 0.95
        assert aft.raw < 0.4


class TestArchives:
    HALL = (candidate(GOOD, 0.9),)
    OF_TWO = (
        (elite(founder(1), 0.5, 2.0, 10.0), elite(founder(2), 0.2, 2.0, 500.0)),
        (elite(founder(3), 0.7, 2.0, 10.0), elite(FAIR, 0.1, 30.0, 10.0)),
    )

    def archives(self) -> list[Island]:
        """Islands 1 and 3 keep archives; what lives on 0 and 2 does not matter."""
        one, two = (Island(list(some)) for some in self.OF_TWO)
        return [Island([individual(0.9, 9)], list(self.HALL)), one, Island([individual(0.8, 8)]), two]

    def test_of_all_islands_are_one_whose_elites_are_motifs(self):
        motifs, result = harvested(RECIPE, *self.archives())
        assert [m.genome for m in motifs[:1]] == [GOOD]
        assert result["winners"] == [motifs[0].id]
        assert {m.genome for m in motifs[1:]} == {founder(2), founder(3), FAIR}
        assert [row["motif"] for row in result["archive"]] == [m.id for m in motifs[1:]]
        for motif in motifs[1:]:
            told = motif.provenance
            assert (told.epoch, told.island, told.operator, told.parents) == (None, None, "strength", ("bb",))

    def test_say_where_each_elite_is_and_what_it_scores(self):
        motifs, result = harvested(RECIPE, *self.archives())
        rows = {row["motif"]: row for row in result["archive"]}
        here = rows[identity(founder(3))]
        same, more, larger = (rows[identity(g)]["cell"] for g in (founder(3), founder(2), FAIR))
        assert here["descriptors"] == {"neurons": 2.0, "spikes": 10.0}
        assert (more[0], more[1] > same[1]) == (same[0], True)
        assert (larger[0] > same[0], larger[1]) == (True, same[1])
        for motif in motifs[1:]:
            assert rows[motif.id]["score"] == motif.scores[0].normalised

    def test_are_scored_on_no_more_trials_than_the_winners_or_than_many_need(self):
        motifs, _ = harvested(RECIPE, *self.archives())
        assert {m.scores[0].trials for m in motifs} == {500}
        recipe = RECIPE.model_copy(update={"held_out_trials": ELITE_TRIALS + 100})
        motifs, _ = harvested(recipe, *self.archives())
        assert [m.scores[0].trials for m in motifs] == [ELITE_TRIALS + 100] + 3 * [ELITE_TRIALS]

    def test_of_several_tasks_go_by_the_worst(self, tmp_path):
        tasks = users_tasks(tmp_path, "Late", "Aft")
        recipe = small(task=tasks, strategies=["map_elites"])
        motifs, result = harvested(recipe, Island([elite(GOOD, 0.0, 2.0, 10.0)]))
        assert [s.normalised for s in motifs[0].scores] == [1.0, -1.0]
        assert result["archive"][0]["score"] == -1.0


def test_scores_of_few_samples_are_of_all_that_were_held_out(tmp_path):
    number = np.arange(50)
    values = {"time_ms": np.full(50, 5.0), "channel": number % 2, "sample": number}
    np.savez(tmp_path / "clicks.npz", **values, label=number % 2)
    recipe = small(task=f"data:{tmp_path}/clicks.npz")
    genome = found(np.random.default_rng(0), recipe.space)
    motifs, result = harvested(recipe, Island(hall=[candidate(genome, 0.5)]))
    assert motifs[0].scores[0].trials == recipe.tasks[0].stock == 10
    assert result["references"] == [None]
