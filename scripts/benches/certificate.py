"""Certificates: whether they say of hand-wired references what textbooks say, how often they claim too much, and what a
whole one takes.

What is counted is kept as lines of a file, so that a stopped bench goes on; delete a line to count again. The group
`shipped` certifies, in place of measuring, what runs/reference/ holds: of every open-loop task the best evolved motif
(TASK.motif.json) and the hand-wired one (TASK.hand-wired.motif.json), each with its certificate beside it
(TASK.certificate.json, TASK.hand-wired.certificate.json), wherever that is missing or of another motif or version.
"""

import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from report import Row, at_least, at_most, figure, tell
from search_runs import with_line

from evocircuits.certificate import Certificate
from evocircuits.exchange import read_motif, write_motif
from evocircuits.measure import certify, score_circuit
from evocircuits.search.executor import Executor, open_executor
from evocircuits.tasks import TASKS, Task
from tests.measure import irrelevant, planted

RUNS = Path(__file__).parents[2] / "runs"
STORE, SHIPPED = RUNS / "bench" / "certificate.jsonl", RUNS / "reference"
REPETITIONS, AT_ONCE, MOST_FALSE = 200, 10, 16
LONGEST_s = 60
WORKERS = 2


def measure(groups: tuple[str, ...] = ("textbooks", "false", "time")) -> list[Row]:
    """Verdicts on references and on planted cells, false positives, and seconds."""
    return [row for group in groups for row in GROUPS[group]()]


def certify_shipped(folder: Path = SHIPPED, executor: str = "ray") -> list[Row]:
    """Bring the certificates in `folder` up to date; each motif's score, and how many verdicts there are on it."""
    rows = []
    with open_executor(executor) as pool:
        for task in (task for task in TASKS.values() if task.open_loop):
            for path in _shipped(task, folder):
                certificate = _certificate_beside(path, task, pool)
                name = path.name.removesuffix(".motif.json")
                rows += [
                    figure(f"{name}: certified score, normalised", certificate.score, ""),
                    figure(f"{name}: verdicts", len(certificate.verdicts), ""),
                ]
    return rows


def _shipped(task: Task, folder: Path) -> list[Path]:
    """The motif files of a task, the hand-wired one written where it is missing or another."""
    by_hand, path = planted.hand_wired(task.name), folder / f"{task.name}.hand-wired.motif.json"
    if not path.exists() or read_motif(path).id != by_hand.id:
        score = score_circuit(by_hand.circuit, task, seed=0, n_trials=task.held_out)
        write_motif(by_hand.with_score(score), path)
    evolved = folder / f"{task.name}.motif.json"
    return [path, evolved] if evolved.exists() else [path]


def _certificate_beside(path: Path, task: Task, pool: Executor) -> Certificate:
    motif, there = read_motif(path), path.with_name(path.name.replace(".motif.", ".certificate."))
    if there.exists():
        found = Certificate.from_dict(json.loads(there.read_text(encoding="utf-8")))
        if (found.motif, found.version) == (motif.id, version("evocircuits")):
            return found
    tell(f"certificate: {there.name}")
    certificate = certify(motif, task.name, pool=pool)
    text = json.dumps(certificate.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    there.write_text(text + "\n", encoding="utf-8")
    return certificate


def _textbooks() -> list[Row]:
    """Whether what a reference claims to need is necessary, and cells planted in it are useless."""
    rows = []
    for task in (task for task in TASKS.values() if task.claim):
        line = with_line(f"textbook/{task.name}", lambda task=task: _claims(task), STORE)
        found, claimed = line["necessary"], line["claim"]
        name = f"certificate: {task.name}: necessary of the claimed {', '.join(claimed)}"
        rows.append(at_least(name, len(found), "", len(claimed)))
    line = with_line("planted/winner", _useless, STORE)
    name = "certificate: winner: useless of the planted population, projections and neurons"
    return [*rows, at_least(name, len(line["useless"]), "", len(planted.USELESS))]


def _claims(task: Task) -> dict:
    tell(f"certificate: {task.name}")
    found = certify(planted.hand_wired(task.name), task.name, sections=["needs"])
    necessary = [what for what in task.claim if found.verdict(what) == "necessary"]
    return {"claim": list(task.claim), "necessary": necessary, "findings": len(found.findings)}


def _useless() -> dict:
    found = certify(planted.with_useless_cells("winner"), "winner", sections=["needs"])
    useless = {v.finding for v in found.verdicts if v.word == "useless"}
    return {"useless": sorted(planted.USELESS & useless)}


def _false_positives() -> list[Row]:
    """Of circuits in which nothing matters, how many have a verdict that something does."""
    lines = []
    for first in range(0, REPETITIONS, AT_ONCE):
        tell(f"certificate: irrelevant circuits {first}…{first + AT_ONCE - 1} of {REPETITIONS}")
        lines.append(with_line(f"irrelevant/{first}", lambda first=first: _irrelevant(first), STORE))
    false, certain, lively, rows = (
        sum(line[name] for line in lines) for name in ("false", "certain", "lively", "findings")
    )
    where = f"of {REPETITIONS} circuits where nothing matters"
    return [
        at_most(f"certificate: verdicts that something does, {where}", false, "circuits", MOST_FALSE),
        at_most(f"certificate: p < .05 of any size, {where}", certain, "circuits", MOST_FALSE),
        figure("certificate: rows of these in which the change made a difference", 100 * lively / rows, "%"),
    ]


def _irrelevant(first: int) -> dict:
    found = irrelevant.certificates(range(first, first + AT_ONCE), trials=1000)
    return {
        "false": irrelevant.false_positives(found),
        "certain": irrelevant.certain(found),
        "lively": irrelevant.lively(found),
        "findings": sum(len(certificate.findings) for certificate in found),
    }


def _time() -> list[Row]:
    """A whole certificate of twenty neurons, with everything compiled."""
    motif = planted.twenty_neurons()
    certify(motif, "localise", trials=40, controls=2)
    began = time.process_time()
    certify(motif, "localise")
    spent_s = time.process_time() - began
    with open_executor("ray", WORKERS) as pool:
        certify(motif, "localise", trials=40, controls=2, pool=pool)
        began = time.perf_counter()
        certify(motif, "localise", pool=pool)
        lasted_s = time.perf_counter() - began
    what = "certificate: 20 neurons on localise, 1,000 trials"
    return [
        figure(f"{what}, processor time in one process", spent_s, "s"),
        at_most(f"{what}, {WORKERS} workers", lasted_s, "s", LONGEST_s),
    ]


GROUPS: dict[str, Callable[[], list[Row]]] = {
    "textbooks": _textbooks,
    "false": _false_positives,
    "time": _time,
    "shipped": certify_shipped,
}
