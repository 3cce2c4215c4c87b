from dataclasses import replace

import pytest

from evocircuits.errors import InputError
from evocircuits.library import Library, Training
from tests.library.motifs import motif


@pytest.fixture
def library(tmp_path):
    kept = Library(f"sqlite:///{tmp_path}/library.db")
    kept.add([motif(0.6), motif(0.5)])
    return kept


def trained(motif_id: str, **changes) -> Training:
    fields = {"data": "digits", "arm": "dense", "seed": 0, "epochs": 30, "copies": 32, "version": "0.1.0"}
    return Training(
        motif_id, **(fields | {"result": {"test_accuracy": 0.97, "curve": [0.5, 0.97]}} | changes)
    )


def test_networks_come_back_with_their_motif_in_order(library):
    id = motif(0.6).id
    rows = [trained(id, arm=arm, seed=seed) for arm in ("dense", "motif") for seed in (0, 1)]
    library.add_trainings([*rows[::-1], trained(motif(0.5).id)])
    assert library.trainings(id[:10]) == rows
    assert len(library.trainings(motif(0.5).id)) == 1


def test_an_equally_made_network_takes_the_place_of_the_first(library):
    first = trained(motif().id)
    again = replace(first, version="0.2.0", result={"test_accuracy": 0.98})
    other = replace(first, epochs=10)
    library.add_trainings([first, other])
    library.add_trainings([again])
    assert library.trainings(motif().id) == [other, again]


def test_none_is_stored_of_a_motif_that_is_not_there(library):
    with pytest.raises(InputError):
        library.add_trainings([trained(motif().id), trained("ffff")])
    assert library.trainings(motif().id) == []
