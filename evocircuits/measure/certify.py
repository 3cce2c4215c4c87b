"""`certify`: a motif and a task → a certificate, row by row on a pool of workers, resumed where it was interrupted."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from typing import Any

from evocircuits.certificate import CensusRow, Certificate, Minimal, Structure
from evocircuits.checks import checked_count, shown
from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure.census import MOST_NODES, census
from evocircuits.measure.direct import direct_genome
from evocircuits.measure.examination import CONTROLS, Examination
from evocircuits.measure.fitness import check_fits
from evocircuits.measure.minimal import minimal_form
from evocircuits.measure.paired import REMOVAL, Batch, brings_spikes
from evocircuits.measure.parts import parts_of
from evocircuits.measure.plan import Item, changes, knock_outs, strains
from evocircuits.measure.structures import structures
from evocircuits.measure.table import content
from evocircuits.measure.verdicts import SMALLEST, corrected, verdicts
from evocircuits.measure.work import Pool, Work
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import Task, absolute_spec, get_task

SECTIONS = ("needs", "controls", "robustness", "minimal")
TRIALS = 1000
LEAST_TRIALS = 30
"""What never happens in so many trials may still happen in a tenth of all, which is what verdicts on strains tell."""
N_CONTROLS = 100
AT_ONCE, AT_ONCE_IN_LOOPS = 8, 120
"""Circuits that a worker gets at once: many play a closed loop in little more time than one."""
MINIMAL, RANDOM_SEARCH = "minimal form", "random search"
"""Keys of findings."""


@dataclass(frozen=True)
class Baseline:
    """The best circuit that random search found, in so many evaluations."""

    circuit: Circuit
    evaluations: int


def certify(
    motif: Motif,
    task: str,
    *,
    trials: int | None = None,
    seed: int = 0,
    pool: Pool | None = None,
    finished: Mapping[str, Any] | None = None,
    on_finished: Callable[[str, Any], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    sections: Collection[str] = SECTIONS,
    controls: int = N_CONTROLS,
    baseline: Baseline | None = None,
) -> Certificate:
    """Find out by experiment what makes a motif work on `task`, named as for `get_task`.

    All that is changed meets the same held-out trials as the intact circuit: `trials` of them (default: `TRIALS`, or as
    few as the task asks for). Circuits that are drawn at random for one row meet a share of their own each, and
    `controls` of each kind a quarter of the number. `seed` draws the trials, apart from those of every search and
    score, and all else. `baseline` is one more control. `sections`: which of `SECTIONS` to work through; census and
    structures are always there.

    `pool` runs the work (default: this process); the certificate is the same on any. `on_finished` is told of each
    piece that is done, its key and plain value, and `finished` holds those that an earlier session with the same
    arguments was told of. `on_progress` is told how many pieces are done, of how many that are known so far.

    Raises `InputError` for a task that is unknown or that the circuit does not fit, unknown sections, and too few
    trials or controls.
    """
    known = get_task(task)
    check_fits(motif.circuit, known)
    if unknown := [name for name in sections if name not in SECTIONS]:
        raise InputError(
            f"certify: sections: expected some of {', '.join(SECTIONS)}; got {shown(unknown[0])}"
        )
    controls = checked_count("certify: controls", controls, least=2)
    n = usual_trials(known) if trials is None else trials
    n = checked_count("certify: trials", n, least=LEAST_TRIALS, most=known.stock)
    work = Work(pool, finished, on_finished, on_progress)
    exam = _examination(motif, task, seed, n, work)
    items = list(_items(exam, known, sections, baseline))
    rewirings, drawn = exam.controls("rewired", controls), {}
    if "controls" in sections:
        drawn = {"random": exam.controls("random", controls), "rewired": rewirings}
    notes = list(_notes(exam, known, sections, drawn))
    drawn = {kind: circuits for kind, circuits in drawn.items() if _differing(exam.circuit, circuits)}
    work.run(chain(exam.of_intact("tests"), exam.of_items(items), exam.of_controls(drawn)))
    findings = [exam.finding(item) for item in items]
    findings += [exam.finding_of_controls(kind, controls) for kind in drawn]
    minimal, left = _minimal(exam, motif, notes) if "minimal" in sections else (None, None)
    if left is not None:
        items.append(left)
        findings.append(exam.finding(left))
    rows, named = _structure(exam, rewirings, notes)
    findings, intact = corrected(findings), exam.intact("tests")
    return Certificate(
        motif=motif.id,
        task=known.name,
        trials=n,
        seed=seed,
        **intact,
        findings=tuple(findings),
        verdicts=tuple(verdicts(findings, items, intact["low"])),
        census=tuple(rows),
        structures=tuple(named),
        minimal=minimal,
        notes=tuple(notes),
        version=version("evocircuits"),
    )


def usual_trials(task: Task) -> int:
    """Of a certificate: `TRIALS`, or as few as the task asks for or has."""
    return min(n for n in (TRIALS, task.held_out, task.stock) if n is not None)


def minimal_motif(motif: Motif, certificate: Certificate) -> Motif | None:
    """The minimal form of a motif, which its certificate found, as a motif of its own; None where there is none."""
    found = certificate.minimal
    if found is None:
        return None
    provenance = Provenance(
        origin="minimal form", seed=certificate.seed, operator="remove", parents=(motif.id,)
    )
    return Motif(Genome.from_dict(found.genome), Circuit.from_dict(found.circuit), motif.dt_ms, provenance)


def _examination(motif: Motif, task: str, seed: int, n: int, work: Work) -> Examination:
    open_loop, quarter = get_task(task).open_loop, max(LEAST_TRIALS, n // 4)
    # In a closed loop all draws of a row meet all its trials, of which only their shares count.
    purposes = {"tests": n, "draws": n if open_loop else quarter, "controls": quarter, REMOVAL: n}
    return Examination(
        motif.circuit,
        parts_of(motif.circuit, motif.genome),
        {purpose: Batch(absolute_spec(task), seed, purpose, size) for purpose, size in purposes.items()},
        work,
        AT_ONCE if open_loop else AT_ONCE_IN_LOOPS,
    )


def _items(
    exam: Examination, task: Task, sections: Collection[str], baseline: Baseline | None
) -> Iterator[Item]:
    if "needs" in sections:
        yield from knock_outs(exam.circuit, exam.parts)
        yield from changes(exam.circuit, exam.parts)
    if baseline is not None:
        what = f"the best that random search found in {baseline.evaluations:,} evaluations"
        yield Item("control", RANDOM_SEARCH, what, what, lambda rng: baseline.circuit)
    if "robustness" in sections:
        yield from strains(exam.circuit, task, spiking=brings_spikes(exam.batches["tests"]))


def _notes(
    exam: Examination, task: Task, sections: Collection[str], drawn: dict[str, list[Circuit]]
) -> Iterator[str]:
    if not exam.parts.told:
        yield "the genome does not tell which neurons and synapses belong together: neurons were tested one by one"
    if not task.open_loop and "robustness" in sections:
        yield "the circuit decides what it meets: its input and the time step were left as they are"
    for kind, circuits in drawn.items():
        different, (_, what) = _differing(exam.circuit, circuits), CONTROLS[kind]
        if different < len(circuits) / 2:
            yield f"of {len(circuits)} {what}, {different} differ from the circuit and from each other"


def _differing(circuit: Circuit, others: list[Circuit]) -> int:
    return len({content(other) for other in others} - {content(circuit)})


def _minimal(exam: Examination, motif: Motif, notes: list[str]) -> tuple[Minimal | None, Item | None]:
    """The minimal form, and the item by which it is compared."""
    circuit = exam.circuit
    exam.work.run(exam.of_intact(REMOVAL))
    intact = exam.intact(REMOVAL)
    if intact["low"] <= 0:
        notes.append("the circuit does no better than chance: there is no minimal form")
        return None, None
    # Within the interval, and without losing anything worth a name.
    least = max(intact["low"], intact["score"] - SMALLEST)
    small = minimal_form(circuit, exam.parts, exam.scores, least)
    if (small.n_neurons, small.n_synapses) == (circuit.n_neurons, circuit.n_synapses):
        notes.append("nothing can go without loss: the circuit is its own minimal form")
        return None, None
    genome = direct_genome(small)
    small = small if genome is None else develop(genome, dt_ms=motif.dt_ms)
    neurons, synapses = small.n_neurons, small.n_synapses
    left = f"{neurons} of {circuit.n_neurons} neurons and {synapses} of {circuit.n_synapses} synapses"
    item = Item("knock-out", MINIMAL, left, f"all but {left} removed", lambda rng: small, whole=True)
    exam.work.run(exam.of_items([item]))
    row = exam.score_of(small)
    return Minimal((genome or motif.genome).to_dict(), small.to_dict(), neurons, synapses, **row), item


def _structure(
    exam: Examination, rewirings: list[Circuit], notes: list[str]
) -> tuple[list[CensusRow], list[Structure]]:
    circuit = exam.circuit
    if circuit.n_neurons + sum(a.channels for a in circuit.inputs.values()) > MOST_NODES:
        notes.append(f"more than {MOST_NODES} neurons and channels: too many for a census")
        return [], []
    return census(circuit, rewirings), structures(circuit, exam.parts.names())
