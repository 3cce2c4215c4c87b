import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from evocircuits.circuit import Afferents, Circuit
from evocircuits.develop import develop
from evocircuits.draw import (
    EXCITATORY,
    INHIBITORY,
    draw_circuit,
    draw_history,
    draw_learning_curves,
    draw_raster,
)
from evocircuits.errors import InputError
from evocircuits.layout import lay_out
from evocircuits.simulator import Record, Stimulus, simulate
from tests.library.motifs import genome


def circuit() -> Circuit:
    return develop(genome(), dt_ms=0.1)


def random_circuit(n: int = 20, s: int = 100) -> Circuit:
    rng = np.random.default_rng(1)
    ones = np.ones(n)
    return Circuit(
        excitatory=np.arange(n) < 0.8 * n,
        tau_m_ms=10 * ones,
        c_m_pF=250 * ones,
        threshold_mV=15 * ones,
        reset_mV=0 * ones,
        t_ref_ms=2 * ones,
        bias_pA=0 * ones,
        tau_syn_ex_ms=2 * ones,
        tau_syn_in_ms=2 * ones,
        source=rng.integers(0, n, s),
        target=rng.integers(0, n, s),
        weight_pA=rng.uniform(0, 900, s),
        delay_ms=rng.uniform(0.1, 5, s),
        inputs={"in": Afferents(3, [0, 1, 2], [4, 5, 6], [300.0] * 3, [1.0] * 3)},
        outputs={"out": [0, 1]},
    )


class TestLayout:
    def test_inputs_left_outputs_right_hidden_between(self):
        layout = lay_out(circuit(), genome())
        assert layout.channels["ear"][:, 0].max() < layout.neurons[3:, 0].min()
        assert layout.neurons[3:, 0].max() < layout.neurons[:3, 0].min()

    def test_index_runs_down(self):
        layout = lay_out(circuit(), genome())
        assert np.all(np.diff(layout.neurons[:3, 1]) < 0)
        assert np.all(np.diff(layout.channels["ear"][:, 1]) < 0)

    @pytest.mark.parametrize("drawn", [circuit(), random_circuit(), random_circuit(60, 300)])
    def test_no_two_share_a_place(self, drawn):
        layout = lay_out(drawn)
        places = np.concatenate([layout.neurons, *layout.channels.values()])
        apart = np.abs(places[:, None] - places[None]).sum(axis=2) + np.eye(len(places))
        assert apart.min() >= 0.9 * layout.pitch

    def test_populations_of_a_genome_stand_apart(self):
        with_twins = genome(hidden=2)
        sizes = [g.size for g in lay_out(circuit(), with_twins).groups]
        assert sizes == [2, 3, 2]

    def test_chains_do_not_stretch_the_picture(self):
        n = 12
        chain = random_circuit(n, 1)
        links = dict(
            source=np.arange(2, n - 1),
            target=np.arange(3, n),
            weight_pA=np.ones(n - 3),
            delay_ms=np.ones(n - 3),
        )
        ports = {"inputs": {"in": Afferents(1, [0], [2], [1.0], [1.0])}, "outputs": {"out": [0]}}
        unlike = {"tau_m_ms": 10.0 + np.arange(n)}
        layout = lay_out(Circuit(**{**vars_of(chain), **links, **unlike, **ports}))
        assert layout.column.max() == 4

    def test_nothing_to_lay_out_but_one_neuron(self):
        alone = {name: value[:1] for name, value in vars_of(random_circuit(8, 0)).items() if value != {}}
        layout = lay_out(Circuit(**alone))
        assert layout.neurons.shape == (1, 2)
        draw_circuit(Circuit(**alone))


def vars_of(drawn: Circuit) -> dict:
    kept = {name: value for name, value in drawn.to_dict().items() if name not in ("inputs", "outputs")}
    return kept | {"inputs": {}, "outputs": {}}


class TestCircuit:
    def test_one_line_per_synapse(self):
        figure = draw_circuit(circuit(), genome=genome())
        lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
        keys = 2  # the legend's own arrow and bar
        assert len(lines) == circuit().n_synapses + keys

    def test_arrows_excite_and_bars_inhibit(self):
        figure = draw_circuit(circuit(), genome=genome())
        lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
        bars = [p for p in lines if type(p.get_arrowstyle()).__name__ == "BracketB"]
        assert len(bars) == 3 + 1
        assert len(lines) - len(bars) == 12 + 1
        blue, orange = colour_of(bars[0]), colour_of(next(p for p in lines if p not in bars))
        assert blue[2] > blue[0]
        assert orange[0] > orange[2]

    def test_width_grows_with_strength(self):
        weak, strong = (
            draw_circuit(develop(genome(0.1), dt_ms=0.1)),
            draw_circuit(develop(genome(0.9), dt_ms=0.1)),
        )
        assert widest(weak) < widest(strong)

    def test_neurons_have_their_markers_and_colours(self):
        markers = draw_circuit(circuit()).axes[0].collections
        e, i = markers[0], markers[1]
        assert (len(e.get_offsets()), len(i.get_offsets())) == (3, 2)
        assert (to_hex(e), to_hex(i)) == (EXCITATORY.lower(), INHIBITORY.lower())
        assert len(e.get_paths()[0].vertices) < len(i.get_paths()[0].vertices)

    def test_few_delays_are_written_many_are_shaded(self):
        few = {t.get_text() for t in draw_circuit(circuit()).axes[0].texts}
        assert {"0.7", "1", "1.3", "0.5", "numbers: delay in ms"} <= few
        many = random_circuit()
        texts = {t.get_text() for t in draw_circuit(many).axes[0].texts}
        assert f"delay {many.delay_ms.min():.3g} to {many.delay_ms.max():.3g} ms" in texts

    def test_ports_are_named(self):
        texts = [t.get_text() for t in draw_circuit(circuit(), title="a title").axes[0].texts]
        assert {"ear", "place", "a title", "3 E + 2 I neurons, 15 synapses"} <= set(texts)

    def test_into_given_axes(self):
        ax = Figure().add_subplot()
        assert draw_circuit(circuit(), ax=ax) is ax.figure

    @pytest.mark.parametrize(
        ("name", "start"), [("a.svg", b"<?xml"), ("new/b.PNG", b"\x89PNG"), ("c.pdf", b"%PDF")]
    )
    def test_suffix_decides_the_format(self, tmp_path, name, start):
        draw_circuit(random_circuit(), tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)

    def test_equal_circuits_give_equal_files(self, tmp_path):
        for name in ("a.svg", "b.svg"):
            draw_circuit(random_circuit(), tmp_path / name)
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()

    def test_hostile_names_are_escaped(self, tmp_path):
        named = Circuit(**{**vars_of(circuit()), "outputs": {"<script>$x_{$": [0]}})
        draw_circuit(named, tmp_path / "a.svg", title="</svg> $\\frac{$")
        ET.parse(tmp_path / "a.svg")

    def test_wrong_places(self, tmp_path):
        with pytest.raises(InputError, match="expected a picture's suffix"):
            draw_circuit(circuit(), tmp_path / "a.docx")
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="expected a file that can be written"):
            draw_circuit(circuit(), tmp_path / "file" / "a.svg")


def trained(**curves) -> dict:
    return {"runs": [{"arm": arm, "validation_accuracy": c} for arm, many in curves.items() for c in many]}


def colour_of(patch) -> tuple:
    return patch.get_edgecolor()[:3]


def to_hex(markers) -> str:
    from matplotlib.colors import to_hex

    return to_hex(markers.get_facecolor()[0])


def widest(figure: Figure) -> float:
    first = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)][:-2]
    return max(p.get_linewidth() for p in first)


class TestPlots:
    def test_raster_shows_every_spike_of_one_trial(self):
        drawn, ear = circuit(), np.zeros((200, 2, 2))
        ear[10::20] = 1
        stimulus = Stimulus.from_dense({"ear": ear}, dt_ms=0.1)
        recording = simulate(drawn, stimulus, dt_ms=0.1, record=Record(spikes=True))
        figure = draw_raster(recording.spikes, drawn, stimulus=stimulus.spikes, trial=1, duration_ms=20)
        shown = sum(len(line.get_xdata()) for line in figure.axes[0].lines)
        assert shown == 2 * 10 + recording.counts[1].sum()
        assert recording.counts[1].sum() > 0
        assert {t.get_text() for t in figure.axes[0].texts} == {"ear", "hidden", "place"}

    def test_history_has_best_and_median(self, tmp_path):
        reports = [{"epoch": e, "best": 0.5 + e / 10, "median": 0.5 + e / 20} for e in (1, 2, 3)]
        figure = draw_history(reports, tmp_path / "h.svg", marks={"chance": 0.5})
        best, median, chance = figure.axes[0].lines
        assert best.get_ydata() == pytest.approx([0.6, 0.7, 0.8])
        assert median.get_ydata() == pytest.approx([0.55, 0.6, 0.65])
        assert chance.get_ydata()[0] == 0.5
        assert [t.get_text() for t in figure.axes[0].texts] == ["chance", "median", "best"]

    def test_labels_of_close_lines_do_not_overlap(self):
        reports = [{"epoch": 1, "best": 0.5, "median": 0.5}, {"epoch": 2, "best": 0.9, "median": 0.9}]
        figure = draw_history(reports, marks={"ceiling": 0.9, "reference": 0.899})
        ax = figure.axes[0]
        heights = sorted(ax.transData.transform((0, t.get_position()[1]))[1] for t in ax.texts)
        assert np.diff(heights).min() * 72 / figure.dpi >= 9
        assert heights[-1] <= ax.transData.transform((0, ax.get_ylim()[1]))[1] + 1e-6

    def test_learning_curves_have_mean_and_interval(self, tmp_path):
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
    def test_learning_curves_of_nothing(self, wrong):
        with pytest.raises(InputError, match="learning curves: "):
            draw_learning_curves(trained(**wrong))

    def test_no_reports(self):
        with pytest.raises(InputError, match="expected at least one epoch"):
            draw_history([])
