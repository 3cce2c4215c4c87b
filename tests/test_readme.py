"""Every command and example of the README runs, in order, from an empty library."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from evocircuits.tasks import TASKS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|python)\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def steps() -> list[list[str]]:
    """Command lines of bash blocks, one a step, and python blocks whole; the scripts install and are tested by use."""
    found = []
    for language, block in BLOCKS:
        if language == "python":
            found.append([sys.executable, "-c", block])
        else:
            found += [["bash", "-ec", line] for line in block.splitlines() if not line.startswith("scripts/")]
    return found


@pytest.mark.timeout(900)
def test_every_command_and_example_runs(tmp_path):
    shutil.copytree(ROOT / "runs" / "reference", tmp_path / "runs" / "reference")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment.pop("EVOCIRCUITS_LIBRARY", None)
    assert len(steps()) > 8
    for command in steps():
        if command[-1].startswith("evocircuits browse"):
            assert "evocircuits" in first_page(command[-1], tmp_path, environment)
            continue
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"


def first_page(line: str, folder: Path, environment: dict) -> str:
    """What is behind the link that a server prints, which is then interrupted. It takes a port that is free."""
    command = [*shlex.split(line, comments=True), "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as server:
        link = re.search(r"http://\S+", server.stdout.readline())[0]
        page = build_opener(HTTPCookieProcessor(CookieJar())).open(link, timeout=60).read().decode()
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0
    return page


def test_every_task_stands_in_the_table():
    table = TEXT.split("<!-- tasks: written")[1].split("<!-- tasks: end -->")[0]
    rows = re.findall(r"^\| \[`(\w+)`\]\((\S+)\)", table, flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(TASKS)
    assert all((ROOT / path).is_file() for _, path in rows)


def test_scripts_named_in_the_readme_exist_and_can_be_run():
    scripts = set(re.findall(r"\bscripts/[\w.-]*\w", TEXT))
    assert {"scripts/quickstart", "scripts/test"} <= scripts
    assert all(
        os.access(ROOT / name, os.F_OK if name.endswith((".yaml", ".ipynb")) else os.X_OK) for name in scripts
    )


def test_local_links_and_pictures_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target
