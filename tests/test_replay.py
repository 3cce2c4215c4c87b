import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.plots import EXCITATORY, INHIBITORY
from evocircuits.replay import replay_html, write_replay
from evocircuits.tasks.forage import Forage
from evocircuits.tasks.forage_world import Life

NEVER_CLOSED = {"meta", "input"}

LIFE = Life(
    step_ms=20.0,
    position_m=np.array([[0.0, 0.0], [0.03, 0.0], [0.05, 0.02], [0.05, 0.05]]),
    heading=np.array([0.0, 0.0, np.pi / 4, np.pi / 2]),
    activation=np.array([[0, 0], [1, 1], [0.3, 1], [0.2, 0.25]]),
    source_m=np.tile([[1.0, 0.5], [-1.0, 0.25]], (4, 1, 1)),
    energy=np.array([1000, 900, 1800, 1750]),
    meal=1000,
    meals=np.array([0, 0, 1, 1]),
    heard=np.array([[0, 0], [2, 3], [0, 1], [0, 0]]),
    spike_ms=np.array([5.0, 12.0, 30.0, 44.5, 58.0]),
    neuron=np.array([0, 1, 0, 2, 0]),
    names=("left_motor", "right_motor", "I1"),
    excitatory=np.array([True, True, False]),
)


class Page(HTMLParser):
    """Checks that elements close in order; keeps their attributes and the text of scripts by their id."""

    def __init__(self, page: str):
        super().__init__()
        self.open, self.elements, self.scripts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self.scripts.append("")
        if tag not in NEVER_CLOSED:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data

    def having(self, name: str, value: str) -> list[dict]:
        return [attributes for _, attributes in self.elements if value in attributes.get(name, "").split()]


def frames(page: str) -> dict:
    return json.loads(Page(page).scripts[0])


def pictures(page: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def test_every_frame_is_there_and_y_points_down():
    told = frames(replay_html(LIFE))
    assert told["step_ms"] == 20
    assert told["position"] == [[0, 0], [0.03, 0], [0.05, -0.02], [0.05, -0.05]]
    assert told["heading"] == [0, 0, -45, -90]
    assert told["activation"] == LIFE.activation.tolist()
    assert told["sources"] == [[[1, -0.5], [-1, -0.25]]] * 4
    assert told["energy"] == [1, 0.9, 1.8, 1.75]
    assert told["meals"] == [0, 0, 1, 1]
    assert told["heard"] == LIFE.heard.tolist()
    (slider,) = Page(replay_html(LIFE)).having("id", "time")
    assert (slider["type"], slider["min"], slider["max"]) == ("range", "0", "3")


def test_the_page_loads_nothing_from_elsewhere():
    page = replay_html(LIFE)
    for tag, attributes in Page(page).elements:
        assert not {"src", "href", "xlink:href", "action"} & set(attributes)
        assert tag not in ("link", "iframe", "object", "img")
    assert not re.search(r"https?:|//|url\(|@import|fetch\(|import\(", page)
    assert "default-src 'none'" in page


def test_the_page_can_be_played_paused_and_read_in_light_and_dark():
    page = replay_html(LIFE)
    ids = {attributes["id"] for _, attributes in Page(page).elements if "id" in attributes}
    (listed,) = re.findall(r"\[([^\]]*)\]\.map\(byId\)", page)
    asked = {*re.findall(r'byId\("(\w+)"\)', page), *re.findall(r'"(\w+)"', listed)}
    assert {"play", "time", "speed", "body", "trail", "reach", "told"} == asked
    assert asked <= ids
    assert "prefers-color-scheme: dark" in page
    assert "prefers-reduced-motion" in page


def test_pictures_are_well_formed_and_show_every_spike_in_the_colour_of_its_polarity():
    page = replay_html(LIFE)
    world, energy, raster = pictures(page)
    marks = {path.get("class"): path.get("d") for path in raster.iter("path")}
    assert marks["excitatory spikes"].count("M") == 4
    assert marks["inhibitory spikes"].count("M") == 1
    assert f"--excitatory: {EXCITATORY}; --inhibitory: {INHIBITORY}" in page
    assert [text.text for text in raster.iter("text")][:3] == list(LIFE.names)
    assert len(energy.find("polyline[@class='energy']").get("points").split()) == 4
    assert world.find("polyline[@class='path']").get("points").split()[2] == "0.050,-0.020"
    assert len(world.findall("g[@class='source']")) == 2


def test_spikes_stand_where_the_slider_will_be():
    """A spike at half of the life is in the middle of the plot."""
    raster = pictures(replay_html(LIFE))[2]
    left, width = frames(replay_html(LIFE))["plot"]
    (third,) = re.findall(r"M([\d.]+) ", raster.find("path[@class='inhibitory spikes']").get("d"))
    assert float(third) == pytest.approx(left + width * 44.5 / 60, abs=0.06)


def test_a_meal_is_marked_where_and_when_it_was_eaten():
    (mark,) = Page(replay_html(LIFE)).having("class", "eaten")
    assert (mark["data-frame"], mark["cx"], mark["cy"]) == ("2", "0.050", "-0.020")


def test_the_view_holds_all_places():
    far = replace(LIFE, position_m=LIFE.position_m * [1, 300])
    left, top, width, height = map(float, pictures(replay_html(far))[0].get("viewBox").split())
    for x, y in [*frames(replay_html(far))["position"], *frames(replay_html(far))["sources"][0]]:
        assert left < x < left + width
        assert top < y < top + height


@pytest.mark.parametrize(
    "hostile", ["</title><script>alert(1)</script>", "$life ${energy} &amp; \"'<svg>", "$"]
)
def test_text_is_escaped(hostile):
    page = replay_html(replace(LIFE, names=(hostile, "b", "c")), title=hostile)
    assert len(Page(page).scripts) == 2
    assert "alert" not in "".join(Page(page).scripts)
    assert unescape(re.search(r"<title>(.*?)</title>", page)[1]) == hostile
    assert unescape(re.search(r"<h1>(.*?)</h1>", page)[1]) == hostile
    assert next(pictures(page)[2].iter("text")).text == hostile


def test_the_sum_of_a_life_is_told():
    assert "0.06 s, 1 meal, net +0.75 meals, 5 spikes of 3 neurons, alive at the end" in replay_html(LIFE)
    starved = replace(LIFE, energy=np.array([1000, 600, 300, 0]), meals=np.zeros(4, int))
    assert "0 meals, net -1.00 meals, 5 spikes of 3 neurons, starved" in replay_html(starved)


def test_silence_stillness_and_many_neurons_are_no_trouble():
    names = tuple(f"E{i}" for i in range(300))
    nothing = replace(
        LIFE,
        position_m=np.zeros((4, 2)),
        spike_ms=np.zeros(0),
        neuron=np.zeros(0, int),
        names=names,
        excitatory=np.ones(300, bool),
    )
    page = replay_html(nothing)
    assert not re.search(r"\bnan\b|\binf\b", page)
    assert len(pictures(page)) == 3
    assert not {text.text for text in pictures(page)[2].iter("text")} & set(names)


def test_a_life_of_the_task_becomes_a_file(tmp_path):
    task = Forage()
    life = task.life(develop(task.reference(), dt_ms=task.dt_ms), task.trials(np.random.default_rng(3), 2))
    path = tmp_path / "new" / "life.html"
    write_replay(life, path, title="A forager")
    page = path.read_text(encoding="utf-8")
    assert page == replay_html(life, title="A forager")
    assert len(page) < 300_000
    assert {len(v) for k, v in frames(page).items() if k not in ("step_ms", "thrust", "plot")} == {
        life.n_frames
    }
    marks = [path.get("d") for path in pictures(page)[2].iter("path")]
    assert sum(d.count("M") for d in marks[:2]) == len(life.spike_ms)


def test_other_suffixes_and_places_that_cannot_be_written_are_one_clear_line(tmp_path):
    with pytest.raises(InputError, match=r"life\.svg: expected a page's suffix, \.html; got '\.svg'"):
        write_replay(LIFE, tmp_path / "life.svg")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"life\.html: expected a file that can be written"):
        write_replay(LIFE, tmp_path / "file" / "life.html")
