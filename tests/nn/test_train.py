import json
import subprocess
import sys

import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import train
from evocircuits.nn.train import DigitsResult, TrainingRun, load_digits, train_digits


@pytest.fixture(scope="module")
def motif():
    from .conftest import DT_MS, Motif, Provenance, delay_line_genome, develop

    return Motif(
        delay_line_genome(), develop(delay_line_genome(), dt_ms=DT_MS), DT_MS, Provenance(origin="test")
    )


@pytest.fixture(scope="module")
def trained(motif):
    heard = []
    result = train_digits(motif, seeds=2, epochs=2, copies=8, on_progress=heard.append)
    return result, heard


def test_the_split_is_fixed_disjoint_and_stratified():
    digits = load_digits()
    assert [len(classes) for _, classes in digits] == [1257, 180, 360]
    for images, classes in digits:
        assert images.min() == 0
        assert images.max() == 1
        shares = classes.bincount().double() / len(classes)
        assert shares.min() > 0.09
        assert shares.max() < 0.11
    again = load_digits()
    assert all(
        torch.equal(a, b)
        for one, two in zip(digits, again, strict=True)
        for a, b in zip(one, two, strict=True)
    )
    rows = torch.cat([images for images, _ in digits])
    assert len(rows.unique(dim=0)) == 1797


def test_every_arm_learns(trained):
    result, _ = trained
    assert [(run.arm, run.seed) for run in result.runs] == [
        (a, s) for a in ("motif", "random", "dense") for s in (0, 1)
    ]
    for run in result.runs:
        assert run.train_loss[1] < run.train_loss[0] < 2.3
        assert run.test_accuracy > 0.5
    dense = result.summary()["dense"]
    assert dense.mean > 0.9


def test_progress_tells_of_every_epoch(trained):
    result, heard = trained
    assert len(heard) == 3 * 2 * 2
    for run in result.runs:
        told = [p for p in heard if (p.arm, p.seed) == (run.arm, run.seed)]
        assert [p.epoch for p in told] == [1, 2]
        assert tuple(p.validation_accuracy for p in told) == run.validation_accuracy
        assert tuple(p.train_loss for p in told) == run.train_loss


def test_a_run_repeats_with_its_seed_whatever_runs_beside_it(motif, trained):
    (alone,) = train_digits(motif, seeds=1, epochs=2, copies=8, arms=["motif"], workers=1).runs
    beside = trained[0].runs[0]
    for field in ("train_loss", "validation_accuracy", "test_accuracy", "spikes", "synaptic_events"):
        assert getattr(alone, field) == getattr(beside, field)


def test_the_result_is_plain_json(trained, motif):
    document = json.loads(json.dumps(trained[0].to_dict(), allow_nan=False))
    assert document["motif"] == motif.id
    assert len(document["runs"]) == 6
    assert set(document["summary"]["test_accuracy"]["dense"]) == {"mean", "low", "high"}


def result_of(*accuracies):
    runs = (
        TrainingRun("dense", seed, (1.0,), (a,), a, 1.0, 1.0, 1, 1.0) for seed, a in enumerate(accuracies)
    )
    return DigitsResult("id", 1, 1, tuple(runs))


def test_the_interval_is_students():
    """Mean 0.9, standard deviation 0.02, three seeds: ± 4.3027 × 0.02 / √3."""
    interval = result_of(0.88, 0.90, 0.92).summary()["dense"]
    assert interval.mean == pytest.approx(0.9)
    assert interval.high - interval.mean == pytest.approx(4.30265 * 0.02 / 3**0.5, rel=1e-4)
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)


def test_one_seed_has_no_spread():
    interval = result_of(0.9).summary()["dense"]
    assert (interval.low, interval.mean, interval.high) == (0.9, 0.9, 0.9)


def test_test_accuracy_is_that_of_the_best_validation_epoch(motif, monkeypatch):
    """Validation accuracies .3, .9, .5: what is tested are the weights of epoch 2."""
    seen, given = [], iter([0.3, 0.9, 0.5])

    def accuracy(net, images, classes):
        if len(classes) == 180:
            seen.append(net.readout.linear.weight.detach().clone())
            return next(given)
        tested.append(net.readout.linear.weight.detach().clone())
        return 0.0

    tested = []
    monkeypatch.setattr(train, "_accuracy", accuracy)
    train_digits(motif, seeds=1, epochs=3, copies=2, arms=["motif"], workers=1)
    assert torch.equal(tested[0], seen[1])
    assert not torch.equal(tested[0], seen[2])


def test_an_error_in_the_progress_call_ends_training(motif):
    def fail(progress):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        train_digits(motif, seeds=2, epochs=500, copies=1, arms=["motif"], on_progress=fail)


def test_wrong_requests_are_refused(motif):
    with pytest.raises(InputError, match=r"expected arms of motif, random, .*, delayed; got sparse"):
        train_digits(motif, arms=["motif", "sparse"])
    with pytest.raises(InputError, match="≥ 1"):
        train_digits(motif, epochs=0)


@pytest.mark.parametrize(
    ("missing", "call"), [("torch", "import evocircuits.nn"), ("sklearn", "load_digits()")]
)
def test_a_missing_extra_is_named_with_its_install_command(missing, call):
    program = f"import sys; sys.modules[{missing!r}] = None\n"
    program += "from evocircuits.errors import InputError\n"
    program += "try:\n    from evocircuits.nn.train import load_digits\n"
    program += f"    {call}\nexcept InputError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert "pip install 'evocircuits[nn]'" in done.stdout
