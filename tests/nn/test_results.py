import json
from dataclasses import asdict

import pytest

from evocircuits.nn import TrainingResult, TrainingRun


def result_of(*accuracies) -> TrainingResult:
    runs = (
        TrainingRun("dense", seed, (1.0, 0.5), (a, a), a, 1.0, 1.0, (2.0, 3.0), 1, 1.0)
        for seed, a in enumerate(accuracies)
    )
    return TrainingResult("id", "digits", 2, 1, tuple(runs))


def test_the_interval_is_students():
    """Mean 0.9, standard deviation 0.02, three seeds: ± 4.3027 × 0.02 / √3."""
    interval = result_of(0.88, 0.90, 0.92).summary()["dense"]
    assert interval.mean == pytest.approx(0.9)
    assert interval.high - interval.mean == pytest.approx(4.30265 * 0.02 / 3**0.5, rel=1e-4)
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)


def test_one_seed_has_no_spread():
    interval = result_of(0.9).summary()["dense"]
    assert (interval.low, interval.mean, interval.high) == (0.9, 0.9, 0.9)


def test_a_result_is_plain_json_and_its_runs_come_back_from_it():
    result = result_of(0.8, 0.9)
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (document["motif"], document["data"]) == ("id", "digits")
    assert document["summary"]["test_accuracy"]["dense"].keys() == {"mean", "low", "high"}
    assert tuple(TrainingRun.from_dict(run) for run in document["runs"]) == result.runs
    assert document["runs"][1] == json.loads(json.dumps(asdict(result.runs[1])))
