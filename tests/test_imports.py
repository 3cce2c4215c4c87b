"""Who imports whom, and what `import evocircuits` costs."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest
from importlinter import cli

ROOT = Path(__file__).parents[1]
HEAVY = ("ray", "torch", "sqlalchemy", "numba", "matplotlib", "deap", "pydantic", "scipy", "ribs", "pandas")


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd="/"
    ).stdout


def test_imports_flow_in_one_direction(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    status = cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == cli.EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_importing_the_package_loads_nothing_heavy():
    loaded = python("import sys, json, evocircuits; print(json.dumps(list(sys.modules)))")
    assert {name.partition(".")[0] for name in json.loads(loaded)} & set(HEAVY) == set()


def test_importing_the_package_is_quick():
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        python("import evocircuits")
        seconds.append(time.perf_counter() - start)
    assert median(seconds) < 0.5


@pytest.mark.parametrize(
    "name", ["Circuit", "Genome", "Motif", "develop", "simulate", "Library", "evolve", "nn", "tasks"]
)
def test_public_names_load_when_first_used(name):
    assert python(f"import evocircuits as ec; ec.{name}; print({name!r} in dir(ec))").strip() == "True"


def test_an_unknown_name_is_an_attribute_error():
    code = "import evocircuits as ec\ntry: ec.nothing\nexcept AttributeError as error: print(error)"
    assert python(code).strip() == "module 'evocircuits' has no attribute 'nothing'"


def test_public_names_stay_what_they_are_whatever_else_is_loaded():
    code = """
import evocircuits as ec
for name in (*ec.__all__, *ec.__all__):
    getattr(ec, name)
print(callable(ec.develop), callable(ec.simulate), callable(ec.evolve), ec.develop.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "True", "develop"]
