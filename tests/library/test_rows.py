import pytest
from sqlalchemy import create_engine, func, select

from evocircuits.errors import InputError
from evocircuits.library import rows, schema
from tests.library.motifs import motif, score


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        schema.create_all(opened)
        yield opened


def test_a_motif_given_twice_is_one_row_with_both_scores(connection):
    rows.add_motifs(connection, [motif(0.6, score(0.7, seed=1)), motif(0.6, score(0.8, seed=2))])
    (stored,) = rows.read_motifs(connection, select(schema.motif))
    assert [s.raw for s in stored.scores] == [0.7, 0.8]


def test_the_score_over_most_trials_stands_for_its_task(connection):
    lucky, solid = score(0.9, trials=10), score(0.7, trials=1000)
    rows.add_motifs(connection, [motif(0.6, lucky, solid, score(0.6, task="localise"))])
    ranked = rows.scores_over_most_trials()
    found = connection.execute(select(ranked.c.task, ranked.c.low).order_by(ranked.c.task)).all()
    assert found == [("localise", score(0.6).low), ("order", solid.low)]


def test_an_id_is_found_by_its_beginning_and_percent_signs_match_nothing(connection):
    one = motif(0.6)
    rows.add_motifs(connection, [one])
    assert rows.resolve(connection, schema.motif.c.id, one.id[:6], "motif", "ls") == one.id
    with pytest.raises(InputError, match="none fits"):
        rows.resolve(connection, schema.motif.c.id, "%", "motif", "ls")


def test_a_run_links_exactly_the_motifs_it_found(connection):
    run = {"id": "r", "recipe": "{}", "seed": 1, "versions": "{}"}
    connection.execute(schema.run.insert(), [schema.sealed(run) | {"status": "running", "epoch": 0}])
    rows.add_motifs(connection, [motif(0.5), motif(0.6)], found_by="r")
    rows.add_motifs(connection, [motif(0.6)], found_by="r")
    links = connection.scalars(select(schema.found.c.motif_id)).all()
    assert links == [motif(0.6).id]
    assert connection.scalar(select(func.count()).select_from(schema.motif)) == 2


def test_changing_an_unknown_run_is_one_clear_line(connection):
    with pytest.raises(InputError, match="run 'r': expected a run of this library"):
        rows.set_run(connection, "r", status="failed")
