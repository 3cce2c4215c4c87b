import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import torch

from evocircuits.nn import CountReadout, LatencyEncoder, columns, draw_network, hybrid, network_svg

SVG = "{http://www.w3.org/2000/svg}"


def texts_of(root) -> list[str]:
    return [node.text or "" for node in root.iter(f"{SVG}text")]


def test_every_module_has_a_box_with_its_name_and_its_parameters(delay_line, tmp_path):
    net = torch.nn.Sequential(
        LatencyEncoder(steps=9, window=5), columns(delay_line, 6, copies=2), CountReadout(3)
    )
    draw_network(net, tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    texts = texts_of(root)
    for title in ("0: LatencyEncoder", "0: DaleLinear", "1: MotifLayer", "2: CountReadout"):
        assert title in texts
    trained = net[1][1].trained
    assert f"{trained.afferent.raw.numel() + trained.synapse.raw.numel():,} parameters" in texts
    assert sum("motif=" in text for text in texts) == 1
    assert len(list(root.iter(f"{SVG}path"))) == 3  # encoder to columns, columns to readout, map to layer


def test_boxes_lie_within_the_picture_and_apart(delay_line):
    root = ElementTree.fromstring(network_svg(columns(delay_line, 6, copies=2)))
    boxes = [
        {k: float(node.get(k)) for k in ("x", "y", "width", "height")}
        for node in list(root.iter(f"{SVG}rect"))[1:]
    ]
    assert len(boxes) == 3
    assert all(b["x"] + b["width"] <= float(root.get("width")) for b in boxes)
    assert all(b["y"] + b["height"] < c["y"] for b, c in pairwise(boxes))
    assert boxes[-1]["y"] + boxes[-1]["height"] <= float(root.get("height"))


def test_routes_are_told(delay_line):
    texts = texts_of(ElementTree.fromstring(network_svg(hybrid(delay_line, delay_line, 3, copies=1))))
    assert any("in → first" in text for text in texts)
    assert {"first: MotifLayer", "second: MotifLayer"} <= set(texts)
