"""Kernels come from the cache where it holds them, and from the compiler where it does not."""

import importlib.util
import os
from pathlib import Path

import pytest

SOURCE = """
from evocircuits.compilation import compiler

@compiler(fastmath={"contract"})
def halved(x):
    return x / 2
"""


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "kernels.py"
    path.write_text(SOURCE)
    return path


def loaded(source: Path):
    """The kernel as a process that begins would have it."""
    spec = importlib.util.spec_from_file_location("kernels", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.halved


def is_cached(source: Path) -> bool:
    kernel = loaded(source)
    assert kernel(3.0) == 1.5
    return bool(kernel.stats.cache_hits)


def files(source: Path, pattern: str) -> list[Path]:
    return list((source.parent / "__pycache__").glob(pattern))


def test_what_was_compiled_is_kept(source):
    assert not is_cached(source)
    assert is_cached(source)


@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("left", [0, 1, 10, 40, -40, -1])
def test_a_file_that_was_cut_off_is_compiled_again(source, pattern, left):
    assert loaded(source)(3.0) == 1.5
    [file] = files(source, pattern)
    file.write_bytes(file.read_bytes()[:left])
    assert not is_cached(source)
    assert is_cached(source)


@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
def test_a_file_of_something_else_is_compiled_again(source, pattern):
    assert loaded(source)(3.0) == 1.5
    [file] = files(source, pattern)
    file.write_text("no kernel\n" * 100)
    assert not is_cached(source)
    assert is_cached(source)


def test_a_kernel_that_cannot_be_kept_runs(source, monkeypatch):
    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_room)
    assert loaded(source)(3.0) == 1.5
    assert not files(source, "*.nb?")
    assert loaded(source)(3.0) == 1.5
