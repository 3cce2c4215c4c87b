import pytest

from evocircuits.lineage_picture import draw_lineage
from tests.test_lineage import FORK, lineage


def drawn_names(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_circuit_is_drawn_once_with_its_name(tmp_path):
    figure = draw_lineage(FORK, tmp_path / "a.svg", motifs={"m"})
    assert sorted(drawn_names(figure)) == sorted(["m", "a", "b", "f", "x", "y"])
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_mothers_stand_in_one_line_and_others_beside_it():
    dots = [line for line in draw_lineage(FORK).axes[0].lines if line.get_marker() == "o"]
    x = [line.get_xdata()[0] for line in dots]
    assert sorted(x).count(0.0) == 4
    assert len(set(x)) == 2


def test_lines_side_by_side_do_not_share_a_lane():
    both = lineage(m="a x z", a="", x="y", y="", z="w", w="")
    dots = [line for line in draw_lineage(both).axes[0].lines if line.get_marker() == "o"]
    assert len({line.get_xdata()[0] for line in dots}) == 3


@pytest.mark.parametrize("one", [lineage(), lineage(m=""), lineage(m="a", a="m")])
def test_small_and_odd_ones_can_be_drawn(one):
    draw_lineage(one)


def test_of_many_only_motifs_and_founders_are_named():
    chain = {f"c{k}": f"c{k + 1}" for k in range(300)} | {"c300": ""}
    figure = draw_lineage(lineage(m="c0", **chain), motifs={"m"})
    assert sorted(drawn_names(figure)) == ["c300", "m"]
    assert figure.get_figheight() <= 40
