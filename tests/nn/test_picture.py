import xml.etree.ElementTree as ElementTree

import torch

from evocircuits.nn import CountReadout, LatencyEncoder, columns, draw_network, hybrid, network_svg


def test_every_module_has_a_box_with_its_name_and_its_parameters(delay_line, tmp_path):
    net = torch.nn.Sequential(LatencyEncoder(steps=9, window=5), columns(delay_line, 6, copies=2), CountReadout(3))
    draw_network(net, tmp_path / "net.svg")
    root = ElementTree.parse(tmp_path / "net.svg").getroot()
    texts = [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for kind in ("LatencyEncoder", "DaleLinear", "MotifLayer", "CountReadout"):
        assert any(kind in text for text in texts)
    assert f"{net[1][1].trained.afferent.raw.numel() + net[1][1].trained.synapse.raw.numel():,} parameters" in texts
    assert sum("motif=" in text for text in texts) == 1


def test_routes_are_told(delay_line):
    net = hybrid(delay_line, delay_line, 3, copies=1)
    root = ElementTree.fromstring(network_svg(net))
    assert any("in → first" in (node.text or "") for node in root.iter())
