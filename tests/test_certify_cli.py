"""The verb `certify`."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest

from evocircuits.certificate import Certificate
from evocircuits.cli import main
from evocircuits.library import Library
from evocircuits.measure import certify, score_circuit
from evocircuits.motif import Motif
from evocircuits.tasks import get_task
from tests.measure.planted import hand_wired, with_useless_cells

MOTIFS = {"hand-wired": hand_wired("order"), "useless": with_useless_cells("order")}
QUICK = ("--trials", 30, "--executor", "serial")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)


@pytest.fixture
def run(capsys):
    """Run a command in this process: (status, standard output, standard error)."""

    def call(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


def stored(motif: Motif) -> str:
    """The id of a motif that is in the default library now, with a score on `order`."""
    score = score_circuit(motif.circuit, get_task("order"), seed=0, n_trials=50)
    Library().add([motif.with_score(score)])
    return motif.id


@cache
def unbroken(which: str, trials: int) -> Certificate:
    """What `certify` finds about the hand-wired motif, or the one with useless cells, in one go."""
    return certify(MOTIFS[which], "order", trials=trials)


def test_verdicts_and_findings_are_printed_and_kept(run):
    id = stored(MOTIFS["hand-wired"])
    status, out, err = run("certify", id[:8], *QUICK)
    assert status == 0
    assert "inhibition is necessary (−1.00 [" in out
    assert re.search(r"^all delays equal +0\.00 \[0\.00, 0\.00\], p = 1\.000 +1\.000", out, re.MULTILINE)
    assert re.search(r"^measured \d+/\d+$", err, re.MULTILINE)
    assert Library().certificates(id) == [unbroken("hand-wired", 30)]
    assert Path(f"runs/pictures/{id[:8]}-order-certificate.svg").stat().st_size > 5000
    assert [path.name for path in Path("runs/certificates").iterdir()] == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_it_goes_on_where_it_stopped(run, how):
    id = stored(MOTIFS["useless"])
    command = ["certify", id, "--trials", "200", "--executor", "serial"]
    status, err = stopped_by(how, command, pieces=20)
    if how == signal.SIGINT:
        assert (status, err.splitlines()[-1]) == (
            130,
            "interrupted; the same command goes on where it stopped",
        )
    [journal] = Path("runs/certificates").glob("*.jsonl")
    done = len(pieces_of(journal))
    journal.write_text(journal.read_text() + '["half a li')
    assert Library().certificates(id) == []
    status, _, err = run(*command)
    assert status == 0
    assert int(re.search(r"measured (\d+)/", err)[1]) > done
    assert Library().certificates(id) == [unbroken("useless", 200)]


def stopped_by(how: signal.Signals, command: list[str], pieces: int) -> tuple[int, str]:
    """Status and messages of a command that gets a signal once it has kept so many pieces."""
    main = [sys.executable, "-c", "from evocircuits.cli import main; main()"]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # which background jobs of a shell do not
    with subprocess.Popen([*main, *command], stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        while process.poll() is None and len(kept_pieces()) < pieces:
            time.sleep(0.001)
        process.send_signal(how)
        _, err = process.communicate()
    return process.returncode, err


def kept_pieces() -> list[str]:
    return [line for path in Path("runs/certificates").glob("*.jsonl") for line in pieces_of(path)]


def pieces_of(journal: Path) -> list[str]:
    return [line for line in journal.read_text().splitlines() if line]


def test_the_minimal_form_is_offered_and_kept_as_a_child_without_measuring_again(run):
    id = stored(MOTIFS["useless"])
    _, out, _ = run("certify", id, *QUICK)
    assert "minimal form: 2 neurons, 3 synapses, 1.000" in out
    assert "keep it with --minimal" in out
    assert len(Library().listing()) == 1
    status, out, err = run("certify", id, *QUICK, "--minimal")
    small = next(motif for motif in Library().motifs() if motif.id != id)
    assert (status, err) == (0, "")
    assert f"kept as {small.id[:8]}" in out
    assert (small.provenance.parents, small.circuit.n_neurons) == ((id,), 2)
    assert small.score_on("order").raw == 1.0


def test_the_best_of_random_search_is_a_control_and_json_has_all(run):
    id, library = stored(MOTIFS["hand-wired"]), Library()
    library.start_run("order-s1-random", {"task": "order", "search": "random", "epochs": 1}, 1, {})
    library.commit_epoch("order-s1-random", 1, {}, {"evaluations": 5000, "best": 1.0})
    library.finish_run("order-s1-random", [from_run("order-s1-random")])
    status, out, _ = run("certify", id, *QUICK, "--draw", "it.png", "--json")
    document = json.loads(out)
    certificate = Certificate.from_dict(document["certificate"])
    assert (status, document["picture"]) == (0, "it.png")
    assert Path("it.png").exists()
    assert (
        certificate.finding("random search").what == "the best that random search found in 5,000 evaluations"
    )
    assert certificate.verdict("random search") is None


def from_run(run: str) -> Motif:
    """A motif of that run, as good as the hand-wired one."""
    found = MOTIFS["useless"]
    score = score_circuit(found.circuit, get_task("order"), seed=0, n_trials=50)
    return replace(found, provenance=replace(found.provenance, run=run), scores=(score,))


def test_without_a_score_the_task_must_be_named(run):
    motif = MOTIFS["hand-wired"]
    Library().add([motif])
    status, _, err = run("certify", motif.id, *QUICK)
    assert (status, "has no score on any task; name one with --task" in err) == (2, True)
