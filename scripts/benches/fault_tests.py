"""Faults that the tests bring about: how many of them there are, and that they pass."""

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
CHOSEN = {
    "evaluation": (
        "tests/search/test_ray_executor.py tests/measure/test_caution.py tests/search/test_run.py "
        "tests/measure/test_fitness.py",
        "dies or death or too_long or without_end or quarantined or refused or caution or cut_short",
    ),
    "score": ("tests/measure/test_fitness.py tests/search/test_run.py", "no_number or no_numbers"),
    "size": (
        "tests/test_development.py tests/test_circuit.py tests/search/test_recipe.py",
        "large or most or limit",
    ),
    "cache": ("tests/test_compilation.py", ""),
    "request": ("tests/browser/test_access.py", ""),
    "name": ("tests/browser/test_accessibility.py", "hostile or policy"),
}
"""The files of each group, and the words one of which is in a test's name."""


def passed_and_failed(group: str) -> dict[str, int]:
    """How many tests of the group pass, and how many do not (a skipped one does not)."""
    files, words = CHOSEN[group]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            *files.split(),
            "-k",
            words,
        ]
        subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        [suite] = ElementTree.parse(report).getroot().iter("testsuite")
    tests = int(suite.get("tests"))
    failed = sum(int(suite.get(name)) for name in ("failures", "errors", "skipped"))
    return {"passed": tests - failed, "failed": failed}
