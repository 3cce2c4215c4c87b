import pytest
from starlette.datastructures import QueryParams

from evocircuits.browser.choice import PAGE, Choice, chips
from evocircuits.browser.pages import with_query
from evocircuits.errors import InputError

EVERYTHING = (
    "task=order&run=order-s1&sort=energy&front=energy&front=neurons&min_score=.5&min_neurons=2&max_neurons=20"
    "&max_synapses=90&min_ei=1&max_ei=6.5&tag=kept&tag=new&text=seed+gradient&structure=mutual+inhibition&shape=3fa9"
    "&page=3"
)


def read(query: str) -> Choice:
    return Choice.read(QueryParams(query))


def test_an_address_says_the_words_of_a_query():
    choice = read(EVERYTHING)
    assert choice.words == {
        "task": "order",
        "run": "order-s1",
        "sort": "energy",
        "front": ("energy", "neurons"),
        "min_score": 0.5,
        "min_neurons": 2,
        "max_neurons": 20,
        "max_synapses": 90,
        "ei": (1.0, 6.5),
        "tag": ("kept", "new"),
        "text": "seed gradient",
        "structure": "mutual inhibition",
        "shape": "3fa9",
        "group": False,
    }
    assert choice.offset == 2 * PAGE


@pytest.mark.parametrize("query", [EVERYTHING, "", "group=on", "min_ei=2", "task=order&tag=a", "min_score=0"])
def test_what_was_read_can_be_written_as_an_address_again(query):
    choice = read(query)
    assert read(with_query("", choice.address_words()).lstrip("?")) == choice


def test_what_is_empty_asks_for_nothing():
    assert read("task=&min_neurons=&tag=&front=&text=+&page=&min_ei=") == Choice()
    assert not read("sort=energy&page=4").narrowed
    assert read("group=1").narrowed


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("max_neurons=many", "max_neurons: expected a whole number; got 'many'"),
        ("max_neurons=2.5", "max_neurons: expected a whole number"),
        ("min_score=nan", "min_score: expected a number; got 'nan'"),
        ("min_ei=inf", "min_ei: expected a number"),
        ("page=99999999999", "page: expected a number of at most nine digits"),
        ("sort=beauty", "sort: expected one of score, energy"),
        ("front=energy", "front: expected a task"),
        ("min_ei=3&max_ei=2", "ei: expected 0 ≤ least ≤ most"),
        ("limit=5", "address: expected task, .*; got 'limit'"),
    ],
)
def test_what_cannot_be_asked_is_told(query, told):
    with pytest.raises(InputError, match=told):
        read(query)


def test_pages_begin_at_one():
    assert read("page=-3").offset == read("page=0").offset == read("").offset == 0


def test_every_choice_can_be_taken_back_alone():
    choice = read(EVERYTHING)
    told = chips(choice)
    assert len(told) == 15
    for text, words in told:
        without = read(with_query("", words).lstrip("?"))
        gone = {one for one, _ in told} - {one for one, _ in chips(without)}
        fronts = {"front of score and energy", "front of score and neurons"}
        assert gone == ({"order"} | fronts if text == "order" else {text})
        assert without.page == 1
