"""The citation file is what the Citation File Format 1.2.0 asks for, and names this version."""

from importlib.metadata import metadata
from pathlib import Path

import yaml

CITATION = yaml.safe_load((Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_all_that_the_format_requires():
    assert CITATION["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(CITATION)
    assert all(set(author) in ({"name"}, {"family-names", "given-names"}) for author in CITATION["authors"])


def test_it_names_this_version_and_its_license():
    ours = metadata("evocircuits")
    assert CITATION["version"] == ours["Version"]
    assert CITATION["license"] == ours["License-Expression"]
