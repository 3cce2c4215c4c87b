"""What is published: a wheel, built from the source distribution, that holds everything a run away from the clone needs
and nothing else, and is installed like any other.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"evocircuits": "evocircuits", "search": "evocircuits/search"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, so that nothing left over from an earlier build gets in and the clone stays as it is."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    left_behind = shutil.ignore_patterns("__pycache__", "*.db*")
    for folder in (*FOLDERS, "runs"):
        shutil.copytree(ROOT / folder, source / folder, symlinks=True, ignore=left_behind)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    (source / "runs" / "library.db").write_bytes(b"what a run wrote")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(built.glob("evocircuits-*.tar.gz"))) == 1
    return next(built.glob("evocircuits-*-py3-none-any.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_elsewhere(unpacked: Path, folder: Path, *arguments: str) -> str:
    """What Python prints with the unpacked wheel in place of the clone, started in another folder."""
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_module_and_recipe_and_nothing_that_a_run_wrote(wheel):
    expected = {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    recipes = [*(ROOT / "runs").glob("*.toml"), *(ROOT / "runs" / "reference").glob("*")]
    expected |= {f"evocircuits/recipes/{path.relative_to(ROOT / 'runs').as_posix()}" for path in recipes}
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {"evocircuits/search/run.py", "evocircuits/recipes/localise.toml"} <= found
    assert found == expected


def test_the_command_runs_from_the_wheel(unpacked, tmp_path):
    code = "from evocircuits.cli import main; main()"
    assert "evolve" in run_elsewhere(unpacked, tmp_path, "-c", code, "--help")


def test_a_recipe_is_found_by_name_from_the_wheel(unpacked, tmp_path):
    code = (
        "import evocircuits, evocircuits.search.recipe as recipe;"
        "print(evocircuits.__file__, recipe.__file__, recipe.load_recipe('localise').task)"
    )
    package, module, task = run_elsewhere(unpacked, tmp_path, "-c", code).split()
    assert Path(package) == unpacked / "evocircuits" / "__init__.py"
    assert Path(module) == unpacked / "evocircuits" / "search" / "recipe.py"
    assert task == "localise"


def test_the_wheel_is_small_and_says_that_it_is_typed(wheel):
    assert wheel.stat().st_size < 2_000_000
    with zipfile.ZipFile(wheel) as archive:
        assert "evocircuits/py.typed" in archive.namelist()


def test_it_is_installed_into_an_empty_environment(wheel, tmp_path):
    """All but what it depends on, which is borrowed from this environment."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
    ]
    subprocess.run(install, check=True, capture_output=True)
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def said(*command) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert said(python.with_name("evocircuits"), "--version") == f"evocircuits {version('evocircuits')}\n"
    place = said(
        python,
        "-c",
        "import evocircuits.search.recipe as recipe; print(recipe.load_recipe.__code__.co_filename)",
    )
    assert Path(place.strip()) == packages / "evocircuits" / "search" / "recipe.py"
