"""What `evocircuits doctor` finds, on this machine and where something is amiss."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from evocircuits.cli import main
from evocircuits.library import Library


@pytest.fixture
def doctor(capsys, tmp_path, monkeypatch):
    """The command's status and its findings by what was looked at, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)

    def call(*options: str) -> tuple[int, dict[str, dict]]:
        with pytest.raises(SystemExit) as exit_:
            main(["doctor", "--json", *(options or ("--executor", "serial"))])
        findings = json.loads(capsys.readouterr().out)["findings"]
        return exit_.value.code, {f["what"]: f for f in findings}

    return call


def test_all_is_well_here_and_nothing_is_left_behind(doctor, tmp_path):
    status, found = doctor()
    assert status == 0
    assert {f["verdict"] for f in found.values()} <= {"ok", "note"}
    assert found["numpy"]["found"] == importlib.metadata.version("numpy")
    assert found["library"]["found"].endswith("none yet, the first run makes it")
    assert list(tmp_path.iterdir()) == []


def test_it_reads_as_a_table(doctor, capsys):
    with pytest.raises(SystemExit):
        main(["doctor", "--executor", "serial"])
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["found", "what", "to", "do"]
    assert lines[0].split()[:2] == ["ok", "python"]


def test_ray_is_started_and_asked(doctor, ray_executor):
    status, found = doctor("--executor", "ray")
    assert status == 0
    assert found["ray"]["found"].endswith("a cluster starts and stops here")


def test_where_no_cluster_answers_one_finding_says_so(tmp_path):
    """In a process of its own: this one may be connected already."""
    program = "from evocircuits.cli import main; main(['doctor', '--json', '--executor', '127.0.0.1:9'])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    found = {f["what"]: f for f in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert found["ray"]["verdict"] == "wrong"
    assert "none answers" in found["ray"]["found"]
    assert found["library"]["verdict"] == "ok"


@pytest.mark.parametrize(
    ("requirement", "found", "remedy"),
    [
        ("numpy>=99", importlib.metadata.version("numpy"), "pip install 'numpy>=99'"),
        ("no-such-package>=1", "missing", "pip install 'no-such-package>=1'"),
    ],
)
def test_a_package_that_is_missing_or_too_old_comes_with_what_to_do(
    doctor, monkeypatch, requirement, found, remedy
):
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [requirement, 'torch; extra == "nn"'])
    status, findings = doctor()
    of_package = findings[requirement.partition(">=")[0]]
    assert status == 1
    assert (of_package["verdict"], of_package["found"], of_package["remedy"]) == ("wrong", found, remedy)


def test_a_kernel_cache_that_others_can_write_is_wrong(doctor, monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    kernel = SimpleNamespace(stats=SimpleNamespace(cache_path=str(folder)))
    monkeypatch.setattr("evocircuits.simulator.kernels.in_masks", kernel)
    status, found = doctor()
    assert status == 1
    assert found["kernel cache"]["remedy"].startswith(f"chmod go-w {folder}")
    folder.chmod(0o700)
    assert doctor()[1]["kernel cache"]["verdict"] == "ok"


def test_a_library_is_opened_and_a_damaged_one_is_wrong(doctor):
    Library()
    assert doctor()[1]["library"]["found"] == "sqlite:///runs/library.db: 0 runs"
    Path("runs/library.db").write_bytes(b"no database" * 1000)
    status, found = doctor()
    assert status == 1
    assert "expected an evocircuits library" in found["library"]["found"]
    assert Path("runs/library.db").read_bytes() == b"no database" * 1000
