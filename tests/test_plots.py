import numpy as np
import pytest

from evocircuits.draw import draw_history, draw_learning_curves, draw_raster
from evocircuits.errors import InputError
from evocircuits.simulator import Record, Stimulus, simulate
from tests.circuits import circuit


def trained(**curves) -> dict:
    return {"runs": [{"arm": arm, "validation_accuracy": c} for arm, many in curves.items() for c in many]}


def test_raster_shows_every_spike_of_one_trial():
    drawn, ear = circuit(), np.zeros((200, 2, 2))
    ear[10::20] = 1
    stimulus = Stimulus.from_dense({"ear": ear}, dt_ms=0.1)
    recording = simulate(drawn, stimulus, dt_ms=0.1, record=Record(spikes=True))
    figure = draw_raster(recording.spikes, drawn, stimulus=stimulus.spikes, trial=1, duration_ms=20)
    shown = sum(len(line.get_xdata()) for line in figure.axes[0].lines)
    assert shown == 2 * 10 + recording.counts[1].sum()
    assert recording.counts[1].sum() > 0
    assert {t.get_text() for t in figure.axes[0].texts} == {"ear", "hidden", "place"}


def test_history_has_best_and_median(tmp_path):
    reports = [{"epoch": e, "best": 0.5 + e / 10, "median": 0.5 + e / 20} for e in (1, 2, 3)]
    figure = draw_history(reports, tmp_path / "h.svg", marks={"chance": 0.5})
    best, median, chance = figure.axes[0].lines
    assert best.get_ydata() == pytest.approx([0.6, 0.7, 0.8])
    assert median.get_ydata() == pytest.approx([0.55, 0.6, 0.65])
    assert chance.get_ydata()[0] == 0.5
    assert [t.get_text() for t in figure.axes[0].texts] == ["chance", "median", "best"]


def test_labels_of_close_lines_do_not_overlap():
    reports = [{"epoch": 1, "best": 0.5, "median": 0.5}, {"epoch": 2, "best": 0.9, "median": 0.9}]
    figure = draw_history(reports, marks={"ceiling": 0.9, "reference": 0.899})
    ax = figure.axes[0]
    heights = sorted(ax.transData.transform((0, t.get_position()[1]))[1] for t in ax.texts)
    assert np.diff(heights).min() * 72 / figure.dpi >= 9
    assert heights[-1] <= ax.transData.transform((0, ax.get_ylim()[1]))[1] + 1e-6


def test_learning_curves_have_mean_and_interval(tmp_path):
    figure = draw_learning_curves(
        trained(motif=[[0.5, 0.8], [0.7, 0.9], [0.6, 1.0]], dense=[[0.4, 0.6]]),
        tmp_path / "c.png",
        title="digits",
    )
    ax = figure.axes[0]
    motif, dense = ax.lines
    assert motif.get_ydata() == pytest.approx([60, 90])
    assert dense.get_ydata() == pytest.approx([40, 60])
    (band,) = ax.collections
    # s = 10 %, n = 3, t(2) = 4.303: the half width is 24.84 %
    at_first = [y for x, y in band.get_paths()[0].vertices if x == 1]
    assert (min(at_first), max(at_first)) == pytest.approx((60 - 24.84, 60 + 24.84), abs=0.01)
    assert {t.get_text() for t in ax.texts} == {"motif 90.0 %", "dense 60.0 %"}


@pytest.mark.parametrize("wrong", [{}, {"motif": [[]]}, {"motif": [[0.1], [0.1, 0.2]]}])
def test_learning_curves_of_nothing(wrong):
    with pytest.raises(InputError, match="learning curves: "):
        draw_learning_curves(trained(**wrong))


def test_no_reports():
    with pytest.raises(InputError, match="expected at least one epoch"):
        draw_history([])
