from dataclasses import replace

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.measure import score_circuit
from evocircuits.task_picture import EXAMPLES, draw_task
from evocircuits.tasks import TASKS, get_task


def drawn(name: str, path=None, **changes):
    task = get_task(name)
    genome = task.reference()
    circuit = develop(genome, dt_ms=task.dt_ms)
    score = replace(score_circuit(circuit, task, seed=1, n_trials=4), **changes)
    return draw_task(task, circuit, path, score=score, genome=genome)


def texts(figure) -> list[str]:
    return [
        text.get_text()
        for part in (figure, *figure.axes)
        for text in part.findobj(match=type(figure.texts[0]))
    ]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_shows_its_circuit_two_trials_and_its_score(name, tmp_path):
    figure = drawn(name, tmp_path / "task.svg")
    written = texts(figure)
    assert name in written
    assert [ax.get_title(loc="left")[:5] for ax in figure.axes[2 : 2 + EXAMPLES]] == ["trial"] * EXAMPLES
    assert any("of the way, 4 trials" in text for text in written)
    assert (tmp_path / "task.svg").stat().st_size > 10_000


def test_the_raster_holds_the_spikes_of_its_trial():
    task = get_task("order")
    circuit = develop(task.reference(), dt_ms=task.dt_ms)
    example = task.example(circuit, task.trials(np.random.default_rng(0), EXAMPLES))
    figure = drawn("order")
    for trial, ax in enumerate(figure.axes[2 : 2 + EXAMPLES]):
        marks = [line.get_xdata() for line in ax.lines]
        assert sum(map(len, marks)) == 2 + np.sum(example.spikes.trial == trial)


@pytest.mark.parametrize("raw", [-0.4, 0.0, 0.5, 1.0, 1.7])
def test_a_score_anywhere_stays_on_its_scale(raw):
    ax = drawn("order", raw=raw, low=raw - 0.1, high=raw + 0.1).axes[-1]
    low, high = ax.get_xlim()
    assert low < raw - 0.1 < raw + 0.1 < high
