from sqlalchemy import select

from evocircuits.library import schema
from tests.library.motifs import motif, score


def listed(library) -> set[tuple]:
    c = schema.listing.c
    query = select(c.motif_id, c.task, c.own, c.trials, c.low)
    return library.database.read(lambda connection: set(map(tuple, connection.execute(query))))


def test_a_row_for_each_task_of_the_score_over_most_trials(library):
    lucky, solid, other = score(0.9, trials=10), score(0.7, trials=1000), score(0.6, task="localise")
    library.add([motif(0.6, lucky, solid, other)])
    id = motif(0.6).id
    assert listed(library) == {(id, "order", 1, 1000, solid.low), (id, "localise", 0, 1000, other.low)}


def test_without_a_score_on_its_own_task_a_motif_has_a_row_without_one(library):
    library.add([motif(0.6, score(0.6, task="localise")), motif(0.7)])
    one, two = motif(0.6).id, motif(0.7).id
    low = score(0.6).low
    assert listed(library) == {
        (one, "localise", 0, 1000, low),
        (one, "", 2, None, None),
        (two, "", 2, None, None),
    }


def test_a_score_that_comes_later_takes_the_place_of_none(library):
    library.add([motif(0.6)])
    library.add([motif(0.6, score(0.7))])
    library.add([motif(0.6, score(0.8, trials=2000))])
    assert listed(library) == {(motif(0.6).id, "order", 1, 2000, score(0.8).low)}


def test_words_are_origin_run_task_and_operator_in_small_letters(library):
    library.add([motif(0.6, score(), run="Order-S1")])
    words = library.database.read(lambda connection: connection.scalar(select(schema.listing.c.words)))
    assert words == "evolved order-s1 order mutate"
