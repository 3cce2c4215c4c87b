from dataclasses import replace

import pytest
from sqlalchemy import func, select

from evocircuits.errors import InputError
from evocircuits.library import Pruned, prune, schema, verify
from evocircuits.lineage import Birth
from evocircuits.motif import Provenance
from tests.library.conftest import file_of
from tests.library.motifs import motif, score
from tests.library.test_certificates import certificate


@pytest.fixture
def ids(library) -> list[str]:
    """Ten motifs of a finished run, the best first; the last but two is its winner."""
    motifs = [motif(0.9 - k / 100, score(0.9 - k / 100)) for k in range(10)]
    library.start_run("r", {"epochs": 1}, 1, {})
    library.commit_epoch("r", 1, {0: b"state"}, {"epoch": 1})
    library.finish_run("r", motifs, {"winners": [motifs[7].id]})
    return [m.id for m in motifs]


def left(library) -> list[str]:
    return [row.id for row in library.listing()]


def n_births(library) -> int:
    query = select(func.count()).select_from(schema.lineage)
    return library.database.read(lambda connection: connection.scalar(query))


def test_without_options_every_motif_stays(library, ids):
    assert prune(library.database) == Pruned(motifs=0, runs=0, births=0)
    assert left(library) == ids


def test_the_best_and_whatever_somebody_cares_for_is_kept(library, ids):
    library.tag(ids[4], "kept")
    library.note(ids[5], "look again")
    library.add_certificate(certificate(ids[6]))
    done = prune(library.database, keep=2)
    assert left(library) == [*ids[:2], *ids[4:8]]
    assert (done.motifs, done.runs) == (4, 0)
    assert verify(library.database) == []
    assert library.get(ids[0]).id == ids[0]


def test_the_best_of_every_task_are_kept(library, ids):
    library.add([motif(0.1, score(0.2), score(0.9, task="localise"))])
    prune(library.database, keep=1)
    assert set(left(library)) == {ids[0], ids[7], motif(0.1).id}


def test_births_that_lead_to_no_motif_go_once_the_run_cannot_go_on(library, ids):
    child = replace(motif(0.2, score(0.2)), provenance=Provenance("evolved", "r", parents=("mother",)))
    births = [Birth("dead", (), "found", "r", 1, 0), Birth("mother", (), "found", "r", 1, 0)]
    library.add([child], births=births)
    before = n_births(library)
    assert prune(library.database).births == 0
    assert prune(library.database, states=True) == Pruned(motifs=0, runs=1, births=1)
    assert n_births(library) == before - 1
    assert library.lineage(child.id).founders == ["mother"]


def test_runs_without_their_islands_are_not_extended(library, ids):
    prune(library.database, states=True)
    assert library.run("r").reports[-1]["winners"] == [ids[7]]
    with pytest.raises(InputError, match="they were pruned"):
        library.extend_run("r", {"epochs": 2})
    assert library.start_run("r", {"epochs": 1}, 1, {}).status == "finished"


def test_runs_under_way_keep_their_islands_and_births(library):
    library.start_run("r", {"epochs": 2}, 1, {})
    library.commit_epoch("r", 1, {0: b"state"}, {"epoch": 1}, [Birth("a", (), "found", "r", 1, 0)])
    assert prune(library.database, keep=0, states=True) == Pruned(motifs=0, runs=0, births=0)
    assert library.island_states("r") == (1, {0: b"state"})
    assert n_births(library) == 1


def test_a_dry_run_tells_the_same_and_changes_nothing(library, ids):
    library.add([], births=[Birth("dead", (), "found", "r", 1, 0)])
    before = library.rows_hash(), n_births(library)
    told = prune(library.database, keep=3, states=True, dry_run=True)
    assert (library.rows_hash(), n_births(library)) == before
    assert prune(library.database, keep=3, states=True) == told
    assert told.motifs == 6


def test_the_room_is_given_back(library, ids):
    library.add([motif(0.1 + k / 1000, score(0.1)) for k in range(60)])
    if library.database.is_sqlite:
        before = file_of(library).stat().st_size
        prune(library.database, keep=1)
        assert file_of(library).stat().st_size < before / 2
    with pytest.raises(InputError, match="keep: expected a number ≥ 0"):
        prune(library.database, keep=-1)
