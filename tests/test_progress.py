from evocircuits.nn.train import Progress as TrainingProgress
from evocircuits.progress import shown_progress, shown_training
from evocircuits.search.run import Progress


def at(epoch: int, seconds_left: float = 5.0) -> Progress:
    return Progress(epoch, 3, 0.75, 0.5, 100, 42.0, seconds_left)


def test_away_from_a_terminal_each_committed_epoch_is_one_line(capsys):
    with shown_progress() as on_progress:
        for progress in (at(0), at(1, 83.0), at(1), at(2), at(3, 0.0)):
            on_progress(progress)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "epoch 1/3  best 0.750  median 0.500  42 evaluations/s  1 min 23 s left",
        "epoch 2/3  best 0.750  median 0.500  42 evaluations/s  5 s left",
        "epoch 3/3  best 0.750  median 0.500  42 evaluations/s  0 s left",
    ]


def test_away_from_a_terminal_each_trained_network_is_one_line(capsys):
    with shown_training(2) as on_progress:
        for epoch in (1, 2):
            on_progress(TrainingProgress("motif", 0, epoch, 2, 1.0, 0.5 * epoch))
    assert capsys.readouterr().err == "motif, seed 0, epoch 2/2: validation accuracy 100.0%\n"
