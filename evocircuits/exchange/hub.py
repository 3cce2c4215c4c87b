"""Motifs and motif networks as folders in the manner of model hubs: a description, weights, and a card for people.

    ec.exchange.save_pretrained(motif, "localiser")             # or a network of MotifLayers
    ec.exchange.from_pretrained("localiser")                    # or "owner/name" on the Hugging Face hub

A folder holds README.md, config.json, and `motif.json`, or for a network `motif_0.json`, … and `model.safetensors`:
JSON and plain arrays, so that reading a stranger's folder runs no code.
"""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.exchange.card import motif_card, network_card
from evocircuits.exchange.motif_file import read_motif, write_motif
from evocircuits.motif import Motif

FORMAT = "evocircuits-pretrained"
VERSION = 1
CONFIG, CARD, MOTIF, WEIGHTS = "config.json", "README.md", "motif.json", "model.safetensors"
MAX_CONFIG_BYTES = 1_000_000
REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def save_pretrained(what, folder: str | os.PathLike, *, card: str | None = None) -> None:
    """Write a motif, or a network that consists of this package's layers, into a folder, which is made.

    `card`: the text of README.md, in place of one that tells what the motif is, scores and where it came from.

    Raises `InputError` for anything else, for a network that has not yet seen an input (its readout has no width), and
    for a folder that cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(what, Motif):
            write_motif(what, folder / MOTIF)
            config, text = {"kind": "motif", "motif": MOTIF, "id": what.id}, motif_card(what)
        else:
            from evocircuits.exchange.hub_network import describe, save_weights

            described, motifs = describe(what)
            for name, motif in motifs.items():
                write_motif(motif, folder / name)
            save_weights(what, folder / WEIGHTS)
            config, text = {"kind": "network", **described}, network_card(described, list(motifs.values()))
        config = {"format": FORMAT, "version": VERSION, **config}
        _write(folder / CONFIG, json.dumps(config, indent=1, allow_nan=False) + "\n")
        _write(folder / CARD, text if card is None else card)
    except OSError as error:
        raise InputError(
            f"{folder}: expected a folder that can be written; {error.strerror or error}"
        ) from None


def from_pretrained(source: str | os.PathLike, *, revision: str | None = None):
    """The motif or the network in a folder, or in a repository `owner/name` of the Hugging Face hub.

    A repository is fetched by the package huggingface_hub, at `revision` if given; only the files above are.

    Raises `InputError`, one line, where there is no such folder, where a file is missing, malformed or too large, and
    where the weights are not those of the network.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = _fetched(str(source), revision)
    config = _config(folder / CONFIG)
    if config.get("kind") == "motif":
        return _motif(folder, config)
    if config.get("kind") == "network":
        from evocircuits.exchange.hub_network import rebuilt

        return rebuilt(config, folder, WEIGHTS)
    raise InputError(f"{folder / CONFIG}: kind: expected motif or network; got {shown(config.get('kind'))}")


def read_motif_folder(folder: str | os.PathLike) -> Motif:
    """The motif in a folder. Raises `InputError` for a network's folder, and as `from_pretrained`."""
    folder = Path(folder)
    config = _config(folder / CONFIG)
    if config.get("kind") != "motif":
        raise InputError(f"{folder}: expected the folder of a motif; got kind {shown(config.get('kind'))}")
    return _motif(folder, config)


def _motif(folder: Path, config: dict) -> Motif:
    motif = read_motif(folder / MOTIF)
    if config.get("id") != motif.id:
        raise InputError(f"{folder}: expected the motif {shown(config.get('id'))}; got {motif.id[:12]}…")
    return motif


def _fetched(repo: str, revision: str | None) -> Path:
    if not REPO.fullmatch(repo):
        raise InputError(f"{repo}: expected a folder, or owner/name on the Hugging Face hub; no such folder")
    fetch = _snapshot_download(repo)
    patterns = [CONFIG, CARD, MOTIF, "motif_*.json", WEIGHTS]
    try:
        return Path(fetch(repo, revision=revision, allow_patterns=patterns))
    except Exception as error:  # the hub's client and its network have exceptions of their own
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{repo}: expected a folder, or a repository that can be fetched; {reason}"
        ) from None


def _snapshot_download(repo: str) -> Callable:
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise InputError(
            f"{repo}: expected a folder; no such folder, and to fetch it from the Hugging Face hub needs: "
            "pip install huggingface_hub"
        ) from None
    return snapshot_download


def _config(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
        if len(content) > MAX_CONFIG_BYTES:
            raise ValueError(f"more than {MAX_CONFIG_BYTES} bytes")
        config = json.loads(content)
    except OSError as error:
        raise InputError(f"{path}: expected a file written by save_pretrained; {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"{path}: expected a file written by save_pretrained; {reason}") from None
    known = isinstance(config, dict) and (config.get("format"), config.get("version")) == (FORMAT, VERSION)
    if not known:
        raise InputError(f"{path}: expected format {FORMAT!r}, version {VERSION}; got another")
    return config


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
