"""Folders in the manner of model hubs: what is saved comes back, and what is not as it should be is refused."""

import json
import struct
import sys
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from evocircuits import nn
from evocircuits.errors import InputError
from evocircuits.exchange.hub import from_pretrained, save_pretrained
from tests.library.motifs import motif, score

STEPS, TRIALS, FEATURES = 40, 3, 4


def network(dtype: torch.dtype = torch.float32) -> torch.nn.Sequential:
    """Trained a little: no weight is where it started."""
    first = nn.DaleLinear(FEATURES, 4, gain=0.7, sign="softplus", dtype=dtype)
    layer = nn.MotifLayer(motif(), 2, dt_ms=0.1, slope=5.0, dtype=dtype)
    second = nn.DaleLinear(6, 2, dtype=dtype)
    last = nn.MotifLayer(
        motif(0.7), 1, gains="shared", train=("weights", "thresholds"), dt_ms=0.1, dtype=dtype
    )
    net = torch.nn.Sequential(first, layer, second, last, nn.CountReadout(3)).to(dtype)
    net(stimulus(dtype))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=dtype)
    return net


def stimulus(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    drawn = torch.rand(STEPS, TRIALS, FEATURES, generator=torch.Generator().manual_seed(2))
    return 20 * (drawn < 0.3).to(dtype)


def test_a_motif_comes_back_with_scores_and_provenance(tmp_path):
    kept = motif(0.6, score(), score(0.3, task="localise"))
    save_pretrained(kept, tmp_path / "new" / "folder")
    assert from_pretrained(tmp_path / "new" / "folder") == kept
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "README.md",
        "config.json",
        "motif.json",
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_comes_back_and_computes_the_same(tmp_path, dtype):
    net = network(dtype)
    save_pretrained(net, tmp_path)
    back = from_pretrained(tmp_path)
    x = stimulus(dtype)
    assert bool((net(x) != 0).any())
    assert torch.equal(back(x), net(x))
    for one, two in zip(net.parameters(), back.parameters(), strict=True):
        assert torch.equal(one, two)
    assert back[1].wiring.steepness[0, 1] == pytest.approx(net[1].wiring.steepness[0, 1])
    assert back[3].to_motif().circuit == net[3].to_motif().circuit
    assert sorted(path.name for path in tmp_path.glob("motif_*")) == ["motif_0.json", "motif_1.json"]


def test_a_layer_and_a_classifier_come_back(tmp_path):
    layer = nn.MotifLayer(motif(), 3, dt_ms=0.1)
    save_pretrained(layer, tmp_path / "layer")
    assert torch.equal(from_pretrained(tmp_path / "layer").trained()[0], layer.trained()[0])
    images = torch.rand(8, 5, generator=torch.Generator().manual_seed(3))
    net = nn.classifier("motif", motif(), images, classes=2, seed=1, copies=2)
    torch.nn.init.normal_(net.readout.linear.weight)
    save_pretrained(net, tmp_path / "net")
    assert torch.equal(from_pretrained(tmp_path / "net")(images), net(images))


def test_the_card_tells_what_it_is_and_nothing_that_is_markup(tmp_path):
    kept = motif(0.6, replace(score(), task="<script>|x"))
    save_pretrained(kept, tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: evocircuits\n")
    assert "3 excitatory and 2 inhibitory iaf_psc_exp neurons" in card
    assert "| scriptx | 0.750 | 0.720–0.780 | 0.50 | 1000 | 4.5 |" in card
    assert "<" not in card
    save_pretrained(kept, tmp_path, card="my own words\n")
    assert (tmp_path / "README.md").read_text() == "my own words\n"


def test_the_card_of_a_network_lists_its_layers(tmp_path):
    save_pretrained(network(), tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| 0 | DaleLinear: in_features 4, out_features 4, gain 0.7, sign softplus |" in card
    assert f"motif {motif().id[:8]}" in card


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("3fa9", "expected a motif, a MotifLayer, a Sequential or a classifier; got str"),
        (torch.nn.Linear(2, 2), "got Linear"),
        (torch.nn.Sequential(torch.nn.Linear(2, 2)), "expected layers of evocircuits.nn"),
        (torch.nn.Sequential(nn.DaleLinear(2, 2)), "expected a network with a MotifLayer; got none"),
        (torch.nn.Sequential(nn.MotifLayer(motif()), nn.CountReadout(2)), "has no width yet"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path, what, message):
    with pytest.raises(InputError, match=message):
        save_pretrained(what, tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="expected a folder that can be written"):
        save_pretrained(motif(), tmp_path / "file" / "folder")


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> dict[str, bytes]:
    """The files of a saved network."""
    folder = tmp_path_factory.mktemp("saved")
    save_pretrained(network(), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_config(**changes):
    def spoil(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return spoil


def with_layer(k: int, **changes):
    def spoil(folder):
        config = json.loads((folder / "config.json").read_text())
        config["layers"][k] |= changes
        (folder / "config.json").write_text(json.dumps(config))

    return spoil


def with_weights(change):
    def spoil(folder):
        state = load_file(folder / "model.safetensors")
        change(state)
        save_file(state, folder / "model.safetensors")

    return spoil


def written(name: str, content: bytes):
    return lambda folder: (folder / name).write_bytes(content)


def first_doubled(state: dict) -> None:
    name = next(iter(state))
    state[name] = torch.cat([state[name]] * 2)


PICKLE = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
SPOILT = {
    "no config": (
        lambda folder: (folder / "config.json").unlink(),
        "config.json: expected a file written by",
    ),
    "a config that is no JSON": (written("config.json", b"{"), "config.json: expected a file written by"),
    "a deep config": (written("config.json", b"[" * 100_000), "config.json: expected a file written by"),
    "a huge config": (written("config.json", b" " * 1_000_001), "more than 1000000 bytes"),
    "another format": (with_config(format="x"), "expected format 'evocircuits-pretrained', version 1"),
    "another version": (with_config(version=2), "expected format 'evocircuits-pretrained', version 1"),
    "another kind": (with_config(kind="pickle"), "expected motif or network; got 'pickle'"),
    "no layers": (with_config(layers=None), "expected a network as save_pretrained describes it"),
    "another form": (with_config(form="Lambda"), "expected a network as save_pretrained describes it"),
    "a form that does not fit": (with_config(form="Classifier"), "expected the weights and layers"),
    "an unknown layer": (with_layer(0, type="Linear"), "expected a layer of"),
    "a layer that is no text": (
        with_layer(0, type=["x"]),
        "expected the weights and layers|expected a layer of",
    ),
    "an unknown value": (with_layer(0, bias=True), "expected the weights and layers"),
    "a huge layer": (
        with_layer(0, in_features=10**6, out_features=10**6),
        "expected layers whose weights are there",
    ),
    "countless copies": (with_layer(1, copies=10**6), "expected layers whose weights are there"),
    "a size that is none": (with_layer(0, in_features=True), "expected whole numbers"),
    "a motif elsewhere": (with_layer(1, motif="../../motif_0.json"), "expected a file motif_0.json"),
    "a motif that is missing": (with_layer(1, motif="motif_7.json"), "no such file"),
    "another motif's weights": (
        with_layer(1, motif="motif_1.json", copies=3),
        "expected the weights and layers",
    ),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "expected weights in safetensors"),
    "a pickle of weights": (written("model.safetensors", PICKLE), "expected weights in safetensors"),
    "an endless header": (
        written("model.safetensors", struct.pack("<Q", 2**62)),
        "expected weights in safetensors",
    ),
    "a deep header": (
        written("model.safetensors", struct.pack("<Q", 200_000) + b"[" * 200_000),
        "expected weights in safetensors",
    ),
    "weights that were cut": (
        lambda folder: (folder / "model.safetensors").write_bytes(
            (folder / "model.safetensors").read_bytes()[:-8]
        ),
        "expected the weights and layers",
    ),
    "a weight too many": (
        with_weights(lambda s: s.update(x=torch.ones(1))),
        "expected the weights and layers",
    ),
    "a weight too few": (with_weights(lambda s: s.pop(next(iter(s)))), "expected the weights and layers"),
    "a weight of another shape": (with_weights(first_doubled), "expected the weights and layers"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_folder_that_is_not_what_it_seems_is_refused_in_one_line(saved, tmp_path, name):
    for file, content in saved.items():
        (tmp_path / file).write_bytes(content)
    spoil, message = SPOILT[name]
    spoil(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_motif_in_place_of_another_is_refused(tmp_path):
    save_pretrained(motif(), tmp_path)
    save_pretrained(motif(0.7), tmp_path / "other")
    (tmp_path / "motif.json").write_bytes((tmp_path / "other" / "motif.json").read_bytes())
    with pytest.raises(InputError, match="expected the motif"):
        from_pretrained(tmp_path)


def hub(monkeypatch, fetch) -> None:
    """A package huggingface_hub in place of the real one, which would need a network."""
    module = ModuleType("huggingface_hub")
    module.snapshot_download = fetch
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)


def test_a_repository_is_fetched_with_nothing_but_the_files_that_are_read(tmp_path, monkeypatch):
    save_pretrained(motif(), tmp_path)
    asked = []

    def fetch(repo, *, revision, allow_patterns):
        asked.append((repo, revision, allow_patterns))
        return str(tmp_path)

    hub(monkeypatch, fetch)
    assert from_pretrained("owner/name", revision="v1") == motif()
    patterns = ["config.json", "README.md", "motif.json", "motif_*.json", "model.safetensors"]
    assert asked == [("owner/name", "v1", patterns)]


def test_a_repository_that_cannot_be_had_is_refused(monkeypatch):
    def fetch(repo, **asked):
        raise OSError("no\nnetwork")

    hub(monkeypatch, fetch)
    with pytest.raises(InputError, match="or a repository that can be fetched; no network"):
        from_pretrained("owner/name")
    with pytest.raises(InputError, match="no such folder"):
        from_pretrained("../nothing/there")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match="pip install huggingface_hub"):
        from_pretrained("owner/name")
