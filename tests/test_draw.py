import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.draw import EXCITATORY, INHIBITORY, draw_circuit, draw_map
from evocircuits.errors import InputError
from evocircuits.layout import lay_out, lines
from evocircuits.measure.descriptors import named
from evocircuits.plasticity import ShortTerm, SpikeTiming
from tests.circuits import circuit, random_circuit, vars_of
from tests.library.motifs import genome


def colour_of(patch) -> tuple:
    return patch.get_edgecolor()[:3]


def to_hex(markers) -> str:
    from matplotlib.colors import to_hex

    return to_hex(markers.get_facecolor()[0])


def widest(figure: Figure) -> float:
    first = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)][:-2]
    return max(p.get_linewidth() for p in first)


def test_one_line_per_synapse():
    figure = draw_circuit(circuit(), genome=genome())
    lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    keys = 2  # the legend's own arrow and bar
    assert len(lines) == circuit().n_synapses + keys


def test_arrows_excite_and_bars_inhibit():
    figure = draw_circuit(circuit(), genome=genome())
    lines = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    bars = [p for p in lines if type(p.get_arrowstyle()).__name__ == "BracketB"]
    assert len(bars) == 3 + 1
    assert len(lines) - len(bars) == 12 + 1
    blue, orange = colour_of(bars[0]), colour_of(next(p for p in lines if p not in bars))
    assert blue[2] > blue[0]
    assert orange[0] > orange[2]


def test_width_grows_with_strength():
    weak, strong = (
        draw_circuit(develop(genome(0.1), dt_ms=0.1)),
        draw_circuit(develop(genome(0.9), dt_ms=0.1)),
    )
    assert widest(weak) < widest(strong)


def plastic_circuit(*rules) -> Circuit:
    """The small circuit with one rule, or none, for each of its projections: from the ear, onto I, onto E."""
    wired = zip(genome().projections, rules, strict=True)
    return develop(
        genome().with_genes(projections=[replace(j, plasticity=rule) for j, rule in wired]), dt_ms=0.1
    )


def dashes_of(figure: Figure) -> list[int]:
    """For each synapse in the order drawn: 0 for a whole line, else how many strokes its pattern has."""
    patches = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)][:-2]
    patterns = [p.get_linestyle() for p in patches]
    return [0 if pattern in ("-", "solid") else len(pattern[1]) // 2 for pattern in patterns]


def legend_of(figure: Figure) -> set[str]:
    return {t.get_text() for t in figure.axes[0].texts} & {"short-term", "spike-timing"}


def test_plastic_synapses_are_dashed_by_their_kind_and_the_legend_says_so():
    spike_timing = SpikeTiming(max_weight=5.0)
    figure = draw_circuit(plastic_circuit(ShortTerm(), None, spike_timing))
    assert [dashes_of(figure).count(strokes) for strokes in (0, 1, 2)] == [6, 6, 3]
    assert legend_of(figure) == {"short-term", "spike-timing"}
    figure = draw_circuit(plastic_circuit(None, ShortTerm(), None))
    assert [dashes_of(figure).count(strokes) for strokes in (0, 1, 2)] == [9, 6, 0]
    assert legend_of(figure) == {"short-term"}
    assert legend_of(draw_circuit(plastic_circuit(spike_timing, None, None))) == {"spike-timing"}


def test_static_synapses_are_whole_lines_without_a_word_in_the_legend():
    figure = draw_circuit(circuit())
    assert set(dashes_of(figure)) == {0}
    assert legend_of(figure) == set()


def test_dashes_are_as_long_as_any_heads_outline_so_that_heads_stay_whole():
    drawn = plastic_circuit(ShortTerm(), None, SpikeTiming(max_weight=5.0))
    for stronger in (0.01, 1.0, 10.0):
        figure = draw_circuit(
            replace(drawn, weight_pA=stronger * drawn.weight_pA, plasticity=[ShortTerm()] * 2)
        )
        patches = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)][:-2]
        for patch in patches:
            if patch.get_linestyle() not in ("-", "solid"):
                _, pattern = patch.get_linestyle()
                dash, gap = np.array(pattern[:2]) * patch.get_linewidth()  # Matplotlib counts in line widths
                scale = patch.get_mutation_scale()
                triangle, bar = 2 * scale * (np.hypot(0.4, 0.2) + 0.2), 2 * scale * 0.55
                assert dash >= max(triangle, bar)
                assert gap > patch.get_linewidth()


def test_every_line_knows_its_kind():
    drawn = plastic_circuit(SpikeTiming(max_weight=5.0), ShortTerm(), None)
    kinds = [line.rule for line in lines(drawn, lay_out(drawn, genome()))]
    assert kinds == ["spike_timing"] * 6 + ["short_term"] * 6 + [None] * 3


def test_a_synapse_of_iaf_psc_delta_is_as_strong_as_the_step_it_makes():
    # 1 ms × 1500 pA on 250 pF is 6 mV of a threshold of 15 mV
    drawn = replace(circuit(), model="iaf_psc_delta", weight_pA=np.full(9, 1500.0))
    inner = lines(drawn, lay_out(drawn, genome()))[6:]
    assert [line.strength for line in inner] == pytest.approx([0.4] * 9)


def test_neurons_have_their_markers_and_colours():
    markers = draw_circuit(circuit()).axes[0].collections
    e, i = markers[0], markers[1]
    assert (len(e.get_offsets()), len(i.get_offsets())) == (3, 2)
    assert (to_hex(e), to_hex(i)) == (EXCITATORY.lower(), INHIBITORY.lower())
    assert len(e.get_paths()[0].vertices) < len(i.get_paths()[0].vertices)


def test_few_delays_are_written_many_are_shaded():
    few = {t.get_text() for t in draw_circuit(circuit()).axes[0].texts}
    assert {"0.7", "1", "1.3", "0.5", "numbers: delay in ms"} <= few
    many = random_circuit()
    texts = {t.get_text() for t in draw_circuit(many).axes[0].texts}
    assert f"delay {many.delay_ms.min():.3g} to {many.delay_ms.max():.3g} ms" in texts


def test_ports_are_named():
    texts = [t.get_text() for t in draw_circuit(circuit(), title="a title").axes[0].texts]
    assert {"ear", "place", "a title", "3 E + 2 I neurons, 15 synapses"} <= set(texts)


def test_into_given_axes():
    ax = Figure().add_subplot()
    assert draw_circuit(circuit(), ax=ax) is ax.figure


@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<?xml"), ("new/b.PNG", b"\x89PNG"), ("c.pdf", b"%PDF")]
)
def test_suffix_decides_the_format(tmp_path, name, start):
    draw_circuit(random_circuit(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_equal_circuits_give_equal_files(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw_circuit(random_circuit(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_hostile_names_are_escaped(tmp_path):
    named = Circuit(**{**vars_of(circuit()), "outputs": {"<script>$x_{$": [0]}})
    draw_circuit(named, tmp_path / "a.svg", title="</svg> $\\frac{$")
    ET.parse(tmp_path / "a.svg")


def test_wrong_places(tmp_path):
    with pytest.raises(InputError, match="expected a picture's suffix"):
        draw_circuit(circuit(), tmp_path / "a.docx")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="expected a file that can be written"):
        draw_circuit(circuit(), tmp_path / "file" / "a.svg")


def test_a_map_has_a_colour_for_the_best_of_each_cell_and_blanks_elsewhere():
    rows = [((0, 1), 0.2), ((0, 1), 0.6), ((0, 1), 0.4), ((9, 11), 0.9), ((3, 0), -0.1)]
    figure = draw_map(rows, named(["neurons", "spikes"]), title="an archive")
    ax, bar = figure.axes
    scores = ax.collections[0].get_array().filled(np.nan)
    assert scores.shape == (12, 10)
    filled = {(int(i), int(j)): float(scores[j, i]) for j, i in np.argwhere(np.isfinite(scores))}
    assert filled == {(0, 1): 0.6, (9, 11): 0.9, (3, 0): -0.1}
    assert ax.get_title("left") == "3 of 120 cells, best 0.900 (ring)"
    assert [t.get_text() for t in figure.texts] == ["an archive"]
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("neurons", "spikes per trial", "score")


def test_a_ring_is_in_the_middle_of_a_maps_best_cell():
    (ring,) = draw_map([((9, 2), 0.9), ((0, 0), 0.3)], named(["neurons", "recurrence"])).axes[0].lines
    # the last half octave below 64, and the third of ten bins of a share
    assert ring.get_xydata()[0] == pytest.approx([64 / 2**0.25, 0.25])


@pytest.mark.parametrize("score", [-0.4, 0.0, 0.7])
def test_a_map_of_one_circuit_has_a_range_of_colours_up_to_its_score(tmp_path, score):
    figure = draw_map([((4, 7), score)], named(["mean_delay", "census"]), tmp_path / "m.svg")
    ET.parse(tmp_path / "m.svg")
    assert figure.axes[0].collections[0].get_clim() == pytest.approx((score - 0.1, score))


def test_a_map_of_nothing():
    with pytest.raises(InputError, match="expected at least one individual"):
        draw_map([], named(["neurons", "spikes"]))
