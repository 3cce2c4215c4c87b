import pytest

from evocircuits.errors import InputError
from evocircuits.library import Query


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"colour": "red"}, "query: expected task, run, .*; got 'colour'"),
        ({"sort": "beauty"}, "sort: expected one of score, energy, .*; got 'beauty'"),
        ({"front": "score", "task": "order"}, "front: expected one of energy, .*; got 'score'"),
        ({"front": ("energy",)}, "front: expected a task"),
        ({"front": ("energy",), "task": "order", "group": True}, "front or group; got both"),
        ({"limit": -1}, "limit: expected a number ≥ 0; got -1"),
        ({"offset": -1}, "offset: expected"),
        ({"ei": (3, 2)}, "ei: expected 0 ≤ least ≤ most; got 3 and 2"),
        ({"ei": (-1, None)}, "ei: expected"),
        ({"ei": (float("nan"), None)}, "ei: expected"),
        ({"ei": (1, 2, 3)}, "ei: expected two"),
    ],
)
def test_what_cannot_be_asked_is_one_line(words, match):
    with pytest.raises(InputError, match=match):
        Query.of(**words)


def test_one_word_stands_for_a_list_of_one():
    query = Query.of(task="order", front="energy", tag="kept")
    assert (query.front, query.tag) == (("energy",), ("kept",))
