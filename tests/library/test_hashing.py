from itertools import count

import pytest

from evocircuits.library import Library
from tests.library.motifs import motif, score

_numbers = count()


@pytest.fixture
def hash_of(tmp_path):
    """The hash of a library of these motifs."""

    def call(*motifs) -> str:
        library = Library(f"sqlite:///{tmp_path}/{next(_numbers)}.db")
        library.add(motifs)
        return library.rows_hash()

    return call


def test_order_of_insertion_does_not_matter(hash_of):
    several = [
        motif(0.5, score()),
        motif(0.6, score(0.8)),
        motif(0.7, score(0.9), score(0.2, task="localise")),
    ]
    assert hash_of(*several) == hash_of(*several[::-1])


def test_every_change_shows(hash_of):
    libraries = (
        [motif(0.5, score())],
        [motif(0.51, score())],
        [motif(0.5, score(0.76))],
        [motif(0.5, score(), run="x")],
        [],
    )
    assert len({hash_of(*motifs) for motifs in libraries}) == len(libraries)


def test_both_backends_give_the_same(library, hash_of):
    several = [
        motif(0.5 + i / 1000, score(), score(0.2, task="a_b"), score(0.2, task="ab")) for i in range(5)
    ]
    library.add(several)
    assert library.rows_hash() == hash_of(*several)


def test_more_than_one_page_is_read(hash_of, monkeypatch):
    several = [motif(0.5 + i / 1000, score(), score(0.2, task="localise")) for i in range(7)]
    expected = hash_of(*several)
    monkeypatch.setattr("evocircuits.library.hashing._BATCH", 2)
    assert hash_of(*several) == expected


def test_of_one_run_ignores_others(library):
    library.add([motif(0.5, score())])
    before = library.rows_hash("order-s1-abc")
    library.add([motif(0.6, score(), run="order-s2-abc")])
    assert library.rows_hash("order-s1-abc") == before != library.rows_hash()


def test_tags_and_notes_are_no_part_of_it(library):
    library.add([motif(0.5, score())])
    before = library.rows_hash()
    library.tag(motif(0.5).id, "kept")
    library.note(motif(0.5).id, "a note")
    assert library.rows_hash() == before
