"""The examples in the docstrings of public names run, each by itself in an empty folder."""

import doctest

import pytest

import evocircuits as ec


@pytest.mark.parametrize("name", ec._HOME)
def test_every_public_name_has_an_example_that_runs(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [example] = doctest.DocTestFinder(recurse=False).find(getattr(ec, name), name, module=False, globs={})
    assert example.examples, f"{name}: no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=said.append)
    assert not said, "".join(said)
