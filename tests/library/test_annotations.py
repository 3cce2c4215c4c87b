import re

import pytest

from evocircuits.errors import InputError
from tests.library.motifs import motif, score


@pytest.fixture
def id(library) -> str:
    library.add([motif(0.6, score())])
    return motif(0.6).id


def test_tags_are_kept_once_and_can_be_taken_away(library, id):
    assert library.tag(id[:8], "kept", "good") == ("good", "kept")
    assert library.tag(id, "kept") == ("good", "kept") == library.tags(id)
    assert library.tag("best:order", "kept", "other", remove=True) == ("good",)


@pytest.mark.parametrize("tag", ["", "two words", "a,b", "x" * 41, "\x1b[31m", "a\nb"])
def test_a_tag_is_one_word(library, id, tag):
    with pytest.raises(InputError, match="tag: expected one word of at most 40 characters"):
        library.tag(id, "fine", tag)
    assert library.tags(id) == ()


def test_notes_are_kept_in_order_and_on_one_line(library, id):
    library.note(id[:8], "first\n  line")
    about, notes = library.note("best:order", "second")
    assert about == id
    assert sorted(note.text for note in notes) == ["first line", "second"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", note.written) for note in notes)
    assert library.notes(id) == notes


def test_notes_may_be_about_runs(library, id):
    library.start_run("order-s1-abc", {}, 1, {})
    assert library.note("order-s1", "before delays")[0] == "order-s1-abc"
    assert [note.text for note in library.notes("order-s1-abc")] == ["before delays"]
    assert library.notes(id) == ()


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001, "bell \a"])
def test_a_note_is_a_text(library, id, text):
    with pytest.raises(InputError, match="note: expected a text of 1 to 2000 characters"):
        library.note(id, text)


def test_a_note_about_nothing_is_refused(library, id):
    for subject in ("zz", "order"):
        with pytest.raises(InputError, match="expected the id of one motif or run"):
            library.note(subject, "text")
