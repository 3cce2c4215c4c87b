"""`MotifClassifier` among scikit-learn's estimators."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from evocircuits.errors import InputError
from evocircuits.nn.estimator import MotifClassifier
from tests.library.motifs import motif

SMALL = {"copies": 4, "epochs": 4, "steps": 24, "window": 12, "random_state": 0}

NOT_APPLICABLE = {"check_array_api_input": "scikit-learn's array API is off unless SCIPY_ARRAY_API is set"}
"""Checks that scikit-learn itself skips, and why."""


def test_scikit_learns_checks_pass_but_for_those_that_do_not_apply():
    found = check_estimator(MotifClassifier(motif(), **SMALL), on_skip=None, on_fail=None)
    failed = {row["check_name"]: row["exception"] for row in found if row["status"] == "failed"}
    assert failed == {}
    skipped = {row["check_name"] for row in found if row["status"] == "skipped"}
    assert skipped <= set(NOT_APPLICABLE)
    assert len(found) > 40


def test_digits_are_told_apart():
    images, classes = load_digits(n_class=3, return_X_y=True)
    net = MotifClassifier(motif(), copies=8, epochs=8, random_state=1).fit(images[:200], classes[:200])
    assert net.score(images[200:400], classes[200:400]) > 0.85


def test_labels_may_be_words_and_it_works_in_pipelines():
    points, side = make_blobs(120, centers=2, random_state=1)
    words = np.array(["left", "right"])[side]
    pipeline = make_pipeline(StandardScaler(), MotifClassifier(motif(), **SMALL))
    assert cross_val_score(pipeline, points, words, cv=3).mean() > 0.9


def test_equal_seeds_give_equal_networks():
    points, side = make_blobs(60, centers=3, random_state=2)
    one, two = (MotifClassifier(motif(), **SMALL).fit(points, side).predict_proba(points) for _ in range(2))
    assert np.array_equal(one, two)
    assert np.allclose(one.sum(1), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"motif": "3fa9"}, "motif: expected a Motif; got str"),
        ({"copies": 0}, "copies: expected a whole number ≥ 1; got 0"),
        ({"window": 99}, "expected 1 ≤ window ≤ steps"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        MotifClassifier(**{"motif": motif()} | SMALL | changes).fit(np.eye(4), [0, 1, 0, 1])
