"""Evaluations under caution: the same values, noted first, and refused where asked."""

import pytest

from evocircuits.measure import evaluate
from evocircuits.measure.caution import Caution, caution, digest, noting, refusing
from evocircuits.measure.fitness import evaluate_all
from evocircuits.tasks import get_task


@pytest.mark.parametrize("name", ["order", "cartpole"])
def test_noted_evaluations_are_those_of_a_pool_in_its_order(name):
    task, notes = get_task(name), []
    genomes = [task.reference(), task.reference().with_genes(projections=task.reference().projections[:-1])]
    together = evaluate_all(genomes, task, (1, 2), 8)
    with noting(notes.append):
        one_by_one = evaluate_all(genomes, task, (1, 2), 8)
    assert one_by_one == together
    assert [note.genome for note in notes] == [genome.to_dict() for genome in genomes]
    assert {(note.task, note.seed, note.n_trials) for note in notes} == {(name, (1, 2), 8)}
    assert [note.digest for note in notes] == [digest(genome) for genome in genomes]


def test_a_note_comes_before_the_evaluation():
    def refuse(note):
        raise KeyError(note.task)

    with noting(refuse), pytest.raises(KeyError, match="order"):
        evaluate(get_task("order").reference(), get_task("order"), (1, 2), 8)


def test_refused_genomes_are_invalid_and_others_are_not():
    task = get_task("order")
    whole, less = task.reference(), task.reference().with_genes(projections=task.reference().projections[:-1])
    with refusing([digest(less)]):
        found = evaluate_all([whole, less], task, (1, 2), 8)
    assert [evaluation.valid for evaluation in found] == [True, False]
    assert found[1].reason == "the genome was the end of its process"
    assert evaluate(less, task, (1, 2), 8).valid


def test_caution_within_caution_keeps_both_and_ends_with_its_block():
    with refusing(["a"]), noting(print), refusing(["b"]):
        assert caution().refused == {"a", "b"}
        assert caution().note is print
    assert caution() == Caution()
    with pytest.raises(ZeroDivisionError), noting(print):
        raise ZeroDivisionError
    assert caution() == Caution()
