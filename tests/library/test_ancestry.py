"""Births as a run hands them over, and the lineage that is read from them."""

from dataclasses import replace

from sqlalchemy import func, select

from evocircuits.library import schema
from evocircuits.lineage import Birth
from evocircuits.motif import Motif
from tests.library.motifs import motif, score


def born_of(strength: float, *parents: str, run: str | None = "r") -> Motif:
    plain = motif(strength, score(), run=run)
    return replace(plain, provenance=replace(plain.provenance, parents=parents))


def birth(child: str, *parents: str, epoch: int = 1, run: str = "r") -> Birth:
    return Birth(child, parents, "strength", run, epoch, 0)


def n_rows(library) -> int:
    query = select(func.count()).select_from(schema.lineage)
    return library.database.read(lambda connection: connection.scalar(query))


def started(library, *epochs: list[Birth]) -> None:
    """A run that has committed these births, epoch after epoch."""
    library.start_run("r", {"epochs": len(epochs)}, 1, {})
    for number, births in enumerate(epochs, start=1):
        library.commit_epoch("r", number, {0: b"state"}, {"epoch": number}, births)


def test_a_motif_alone_tells_of_its_parents(library):
    library.add([born_of(0.6, "aa", "bb")])
    lineage = library.lineage("best:order")
    assert lineage.births == {lineage.id: Birth(lineage.id, ("aa", "bb"), "mutate", "r", 2, 0)}
    assert lineage.unknown == ["aa", "bb"]
    assert lineage.founders == []


def test_births_of_a_run_lead_to_the_founders(library):
    winner = born_of(0.6, "c", "x")
    epochs = (
        [birth("a"), birth("b", "a"), birth("x")],
        [birth("c", "b", epoch=2), birth(winner.id, "c", "x", epoch=2)],
    )
    started(library, *epochs)
    library.finish_run("r", [winner])
    lineage = library.lineage(winner.id)
    assert lineage.births.keys() == {winner.id, "a", "b", "c", "x"}
    assert lineage.births["c"] == birth("c", "b", epoch=2)
    assert lineage.births[winner.id].operator == "strength"  # as the run told, and not the motif
    assert lineage.founders == ["a", "x"]
    assert lineage.unknown == []
    assert lineage.mothers == [winner.id, "c", "b", "a"]


def test_of_a_child_born_twice_the_first_birth_stands(library):
    started(
        library, [birth("a"), birth("b", "a"), birth("b", "z")], [birth("a", "b", epoch=2), birth("b", "y")]
    )
    library.add([born_of(0.6, "b")])
    lineage = library.lineage("best:order")
    assert lineage.births["b"].parents == ("a",)
    assert lineage.births["a"].parents == ()


def test_nobody_is_his_own_parent(library):
    started(library, [birth("a"), birth("a", "a"), birth("b", "a"), birth("b", "b", "a")])
    library.add([born_of(0.6, "b")])
    assert library.lineage("best:order").mothers[1:] == ["b", "a"]


def test_a_finished_run_forgets_who_has_no_descendant(library):
    winner = born_of(0.6, "b")
    births = [birth("a"), birth("b", "a"), birth("dead", "a"), birth("alive", "dead2"), birth("dead2", "a")]
    started(library, [*births, birth("gone", "dead")])
    library.finish_run("r", [winner], living=["alive"])
    query = select(schema.lineage.c.child).order_by(schema.lineage.c.child)
    left = library.database.read(lambda connection: list(connection.scalars(query)))
    assert left == sorted(["a", "alive", "b", "dead2", winner.id])


def test_other_runs_are_left_alone(library):
    library.add([], births=[birth("other", run="s")])
    started(library, [birth("dead")])
    library.finish_run("r", [])
    assert n_rows(library) == 1


def test_the_lineage_in_a_motifs_own_run_counts(library):
    library.add(
        [], births=[birth("p", "there", run="q"), birth("p", "here", run="r"), birth("p", "far", run="s")]
    )
    library.add([born_of(0.6, "p", run="r"), born_of(0.7, "p", run="unknown")])
    assert library.lineage(motif(0.6).id).births["p"].parents == ("here",)
    assert library.lineage(motif(0.7).id).births["p"].parents == ("there",)
    assert "far" not in library.lineage(motif(0.6).id).unknown


def test_who_is_his_own_ancestor_through_several_runs_ends_no_loop(library):
    library.add([], births=[birth("p", "q", run="1"), birth("q", "p", run="2")])
    library.add([born_of(0.6, "p")])
    lineage = library.lineage("best:order")
    assert [id for id, _, _ in lineage.walk()][1:] == ["p", "q", "p"]
    assert lineage.depths()["q"] == 2


def test_long_lineages_are_read_at_once(library):
    births = [birth("0"), *(birth(str(k), str(k - 1)) for k in range(1, 3000))]
    library.add([born_of(0.6, "2999")], births=births)
    assert len(library.lineage("best:order").births) == 3001
