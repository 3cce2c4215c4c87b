from dataclasses import replace

import pytest
import torch

from evocircuits.errors import InputError
from evocircuits.nn import count, energy, load_data, train, train_arms
from evocircuits.nn.assemble import classifier

FEW = 800


@pytest.fixture(scope="module")
def digits():
    data = load_data("digits")
    return replace(
        data, train=data.train._replace(inputs=data.train.inputs[:FEW], classes=data.train.classes[:FEW])
    )


@pytest.fixture(scope="module")
def motif():
    from .conftest import DT_MS, Motif, Provenance, delay_line_genome, develop

    return Motif(
        delay_line_genome(), develop(delay_line_genome(), dt_ms=DT_MS), DT_MS, Provenance(origin="test")
    )


@pytest.fixture(scope="module")
def trained(motif, digits):
    heard = []
    result = train_arms(motif, digits, seeds=2, epochs=3, copies=8, on_progress=heard.append)
    return result, heard


def test_every_arm_learns(trained):
    result, _ = trained
    assert [(run.arm, run.seed) for run in result.runs] == [
        (a, s) for a in ("motif", "random", "dense") for s in (0, 1)
    ]
    for run in result.runs:
        assert run.train_loss[2] < run.train_loss[1] < run.train_loss[0] < 2.3
        assert run.test_accuracy > 0.3
    assert result.summary()["dense"].mean > 0.85


def test_progress_tells_of_every_epoch(trained):
    result, heard = trained
    assert len(heard) == 3 * 2 * 3
    for run in result.runs:
        told = [p for p in heard if (p.arm, p.seed) == (run.arm, run.seed)]
        assert [p.epoch for p in told] == [1, 2, 3]
        assert tuple(p.validation_accuracy for p in told) == run.validation_accuracy
        assert tuple(p.train_loss for p in told) == run.train_loss


def test_a_run_repeats_with_its_seed_whatever_runs_beside_it(motif, digits, trained):
    (alone,) = train_arms(motif, digits, seeds=1, epochs=3, copies=8, arms=["motif"], workers=1).runs
    assert replace(alone, seconds=0.0) == replace(trained[0].runs[0], seconds=0.0)


def test_what_was_done_earlier_is_not_done_again(motif, digits, trained, monkeypatch):
    earlier, ended = trained[0].runs, []
    made = replace(earlier[0], arm="shuffled", seed=1)
    monkeypatch.setattr(train, "train_one", lambda *_, **__: made)
    arms = ["motif", "shuffled"]
    result = train_arms(
        motif,
        digits,
        seeds=2,
        epochs=3,
        arms=arms,
        done=[*earlier, replace(made, seed=0)],
        on_run=ended.append,
    )
    assert result.runs == (*earlier[:2], replace(made, seed=0), made)
    assert ended == [made]


def test_costs_are_those_of_a_test_sample(motif, digits):
    (run,) = train_arms(motif, digits, seeds=1, epochs=1, copies=2, arms=["gru"], workers=1).runs
    net = classifier("gru", motif, digits.train.inputs[:128], classes=10, seed=0, copies=2)
    counts = count(net, digits.test.inputs[:128])
    assert run.parameters == sum(p.numel() for p in net.parameters())
    assert run.spikes == counts.spikes == 0
    # The input's share of operations is the same before training and after it.
    assert run.synaptic_events == pytest.approx(counts.effective_acs + counts.effective_macs, rel=0.05)
    assert run.energy_pJ[0] == pytest.approx(energy(counts).total_pJ.low, rel=0.05)


def test_what_is_tested_has_the_mean_weights_of_the_last_epochs(motif, digits, monkeypatch):
    """Of three epochs of thirteen batches the last."""
    met, tested = [], []

    class Watched(train.AveragedModel):
        def update_parameters(self, net):
            met.append(net.readout.linear.weight.detach().clone())
            super().update_parameters(net)

    def accuracy(net, part):
        if len(part.classes) != 180:
            tested.append(net.readout.linear.weight.detach().clone())
        return 0.0

    monkeypatch.setattr(train, "AveragedModel", Watched)
    monkeypatch.setattr(train, "_accuracy", accuracy)
    train_arms(motif, digits, seeds=1, epochs=3, copies=2, arms=["motif"], workers=1)
    assert len(met) == 13
    torch.testing.assert_close(tested[0], torch.stack(met).mean(0))
    assert not torch.allclose(tested[0], met[-1], rtol=0.01)


def test_an_error_in_the_progress_call_ends_training(motif, digits):
    def fail(progress):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        train_arms(motif, digits, seeds=2, epochs=500, copies=1, arms=["motif"], on_progress=fail)


def test_wrong_requests_are_refused(motif, digits):
    with pytest.raises(InputError, match=r"expected arms of motif, random, .*, gru; got sparse"):
        train_arms(motif, digits, arms=["motif", "sparse"])
    with pytest.raises(InputError, match="≥ 1"):
        train_arms(motif, digits, epochs=0)
