import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from evocircuits.browser import drawing
from evocircuits.browser.drawing import SHADES, Picture, live_svg, node_names, thumbnail
from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.layout import lines
from evocircuits.plasticity import ShortTerm
from tests.circuits import circuit, circuits, pair, random_circuit, vars_of
from tests.library.motifs import genome

SVG = "{http://www.w3.org/2000/svg}"


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)


def numbers(path: str) -> np.ndarray:
    return np.array(re.findall(r"-?[\d.]+", path), float).reshape(-1, 2)


def test_every_neuron_and_channel_is_a_node_and_every_synapse_a_line():
    picture = Picture.of(circuit(), genome())
    svg = parsed(live_svg(picture, "a circuit"))
    nodes = [g.get("class") for g in svg.iter("g") if "node" in g.get("class", "").split()]
    assert nodes == ["node e"] * 3 + ["node i"] * 2 + ["node in"] * 2
    drawn = [path.get("class").split() for path in svg.iter("path") if "s" in path.get("class").split()]
    assert len(drawn) == circuit().n_synapses
    assert sum("i" in classes for classes in drawn) == 3


def test_nodes_are_named_by_population_and_place():
    picture = Picture.of(circuit(), genome())
    assert node_names(picture.circuit, picture.layout) == [
        "E1·0",
        "E1·1",
        "E1·2",
        "I1·0",
        "I1·1",
        "ear·0",
        "ear·1",
    ]


def test_ends_are_the_nodes_that_a_line_joins():
    picture = Picture.of(circuit(), genome())
    for line, (source, target) in zip(lines(circuit(), picture.layout), picture.ends, strict=True):
        assert picture.places[source] == pytest.approx(line.start * (100, -100))
        assert picture.places[target] == pytest.approx(line.end * (100, -100))


@given(circuits)
@settings(max_examples=30, deadline=None)
def test_a_line_begins_and_ends_at_the_edge_of_its_nodes(drawn):
    picture = Picture.of(drawn)
    for line, curve, (source, target) in zip(picture.synapses, picture.curves, picture.ends, strict=True):
        points = numbers(curve.split("M")[1])
        near = [np.hypot(*(points[i] - picture.places[k])) for i, k in ((0, source), (-1, target))]
        assert max(near) < 4.5 * picture.radius
        if not np.array_equal(line.start, line.end):
            assert min(near) > 0.9 * min(picture.radius, 0.4 * np.hypot(*(line.end - line.start)) * 100)


def test_arrows_excite_and_bars_inhibit():
    picture = Picture.of(pair())
    strokes = {
        line.excitatory: curve.split("M")[2].count("L")
        for line, curve in zip(picture.synapses, picture.curves, strict=True)
    }
    assert strokes == {True: 2, False: 1}


def test_shades_go_from_the_shortest_delay_to_the_longest():
    picture = Picture.of(random_circuit())
    delays = np.array([line.delay_ms for line in picture.synapses])
    assert picture.shades[delays.argmin()] == 0
    assert picture.shades[delays.argmax()] == SHADES - 1
    assert all(np.diff(picture.shades[np.argsort(delays)]) >= 0)
    alike = replace(pair(), delay_ms=[1.0, 1.0], inputs={})
    assert set(Picture.of(alike).shades) == {SHADES // 2}


def test_plastic_synapses_are_dashed():
    wired = genome().with_genes(
        projections=[replace(j, plasticity=ShortTerm()) for j in genome().projections]
    )
    svg = live_svg(Picture.of(develop(wired, dt_ms=0.1), wired), "plastic")
    assert svg.count(" plastic ") == circuit().n_synapses
    assert " plastic" not in live_svg(Picture.of(circuit()), "static")


def test_marked_synapses_stand_out():
    picture = Picture.of(circuit())
    marked = np.zeros(len(picture.synapses), bool)
    marked[[1, 4]] = True
    assert live_svg(picture, "marked", marked=marked).count(' own"') == 2


@given(circuits)
@settings(max_examples=20, deadline=None)
def test_a_thumbnail_is_a_document_of_its_own_with_all_its_lines_in_view(drawn):
    svg = parsed(thumbnail(drawn))
    assert svg.tag == f"{SVG}svg"
    left, top, width, height = map(float, svg.get("viewBox").split())
    paths = [path.get("d") for path in svg.iter(f"{SVG}path") if path.get("class").startswith("s ")]
    assert sum(len(re.findall(r"M[^M]*[QC]", path)) for path in paths) == drawn.n_synapses
    neurons = Picture.of(drawn).places
    assert (neurons >= (left, top)).all()
    assert (neurons <= (left + width, top + height)).all()


def test_a_thumbnail_follows_light_and_dark():
    assert "prefers-color-scheme:dark" in thumbnail(circuit())


def test_of_too_many_synapses_the_strongest_are_drawn(monkeypatch):
    monkeypatch.setattr(drawing, "MOST_LINES", 40)
    whole = random_circuit()
    picture = Picture.of(whole)
    weights = np.concatenate([whole.weight_pA, whole.inputs["in"].weight_pA])
    drawn = np.concatenate([picture.circuit.weight_pA, picture.circuit.inputs["in"].weight_pA])
    assert sorted(drawn) == sorted(weights)[-40:]
    assert picture.left_out == whole.n_synapses - 40
    assert len(picture.places) == whole.n_neurons + 3


def test_hostile_names_are_escaped():
    named = Circuit(**{**vars_of(circuit()), "outputs": {"<script>alert(1)</script>": [0]}})
    assert "<script" not in live_svg(Picture.of(named), "</svg><script>")
    parsed(live_svg(Picture.of(named), '"onload="alert(1)'))


def test_a_circuit_of_nothing_is_drawn():
    columns = vars_of(circuit())
    empty = Circuit(**{name: [] if isinstance(value, list) else value for name, value in columns.items()})
    parsed(thumbnail(empty))
    parsed(live_svg(Picture.of(empty), "nothing"))
