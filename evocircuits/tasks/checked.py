"""A user's task, tried before it is used: what it owes is there, and it plays two trials."""

import re
from collections.abc import Container
from pathlib import Path

import numpy as np

from evocircuits.checks import checked_count, checked_number, checked_positive, shown
from evocircuits.circuit import Circuit
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, PopulationGene, Port, innovation
from evocircuits.tasks.base import Play, Ranges, Score, Task, Trials
from evocircuits.tasks.custom import file_of, installed, load_object, module_of, told

CONSTANTS = ("tau_m_ms", "t_ref_ms", "tau_syn_ex_ms", "tau_syn_in_ms", "delay_ms")
LONGEST_NAME = 32


def load_task(spec: str, taken: Container[str] = ()) -> Task:
    """The task that FILE.py:Class names, or FILE.py:instance, tried on two trials of a silent circuit.

    Raises `InputError` where `load_object` does, where it is no task, where something that a task owes is missing or
    wrong, and where its name is among those `taken`.
    """
    return checked_task(load_object(spec), file_of(spec), spec, taken)


def load_installed(name: str, taken: Container[str] = ()) -> Task:
    """The task that a package brings under that name, an entry point of the group `evocircuits.tasks`, tried as any.

    Raises `InputError` where it cannot be imported, where it calls itself otherwise, and where `load_task` does.
    """
    entry, path = installed()[name], module_of(name)
    with told(path, f"task {name}: expected {entry.value} to be imported"):
        made = entry.load()
    task = checked_task(made, path, entry.value, taken)
    if task.name != name:
        raise InputError(
            f"{path}: expected the task's name to be that of its entry point, {name!r}; got {task.name!r}"
        )
    return task


def checked_task(task: object, path: Path, spec: str, taken: Container[str]) -> Task:
    """What came of `path` under the name `spec`, a task or a class of tasks, as a task that was tried."""
    if isinstance(task, type) and issubclass(task, Task):
        with told(path, f"{task.__name__}: expected a class that is made without arguments"):
            task = task()
    if not isinstance(task, Task):
        raise InputError(
            f"{spec}: expected a subclass of evocircuits.tasks.Task, or an instance; got {shown(task)}"
        )
    where = f"{path}: {type(task).__name__}"
    _check_attributes(task, where)
    check_name(where, task.name, taken)
    _check_play(task, path)
    return task


def reference_of(task: Task) -> Genome | None:
    """The task's hand-wired solution; None where it has none."""
    try:
        return task.reference()
    except NotImplementedError:
        return None


def check_name(where: str, name: object, taken: Container[str]) -> None:
    """Refuse a name by which a task's results could not be told from others or not be written on a command line."""
    if not isinstance(name, str) or not re.fullmatch(rf"[^\W_][\w-]{{0,{LONGEST_NAME - 1}}}", name):
        raise InputError(
            f"{where}: name: expected at most {LONGEST_NAME} letters, digits, - and _; got {shown(name)}"
        )
    if name in taken:
        raise InputError(f"{where}: name: expected one that no other task has; got {name!r}, which is taken")


def _check_attributes(task: Task, where: str) -> None:
    missing = [name for name in Task.__annotations__ if not hasattr(task, name)]
    if missing:
        raise InputError(f"{where}: expected all that a task has; missing: {', '.join(missing)}")
    for name in ("inputs", "outputs"):
        ports = getattr(task, name)
        if not (isinstance(ports, tuple) and ports and all(isinstance(port, Port) for port in ports)):
            raise InputError(
                f"{where}: {name}: expected a tuple as (Port('name', size),); got {shown(ports)}"
            )
    names = [port.name for port in (*task.inputs, *task.outputs)]
    if len(set(names)) < len(names):
        raise InputError(f"{where}: expected ports of distinct names; got {', '.join(names)}")
    _check_ranges(task.ranges, where)
    checked_positive(f"{where}: dt_ms", task.dt_ms)
    bounds = [checked_number(f"{where}: {name}", getattr(task, name)) for name in ("chance", "ceiling")]
    if not bounds[0] < bounds[1]:
        raise InputError(f"{where}: expected chance < ceiling; got {bounds[0]:g} and {bounds[1]:g}")
    checked_count(f"{where}: held_out", task.held_out, least=2)
    checked_count(f"{where}: max_spikes", task.max_spikes)
    if not isinstance(task.claim, tuple):
        raise InputError(f"{where}: claim: expected a tuple as ('delays',) or (); got {shown(task.claim)}")


def _check_ranges(ranges: object, where: str) -> None:
    if not isinstance(ranges, Ranges):
        raise InputError(f"{where}: ranges: expected Ranges(…); got {shown(ranges)}")
    for name in (*CONSTANTS, "strength"):
        bounds = getattr(ranges, name)
        if not (isinstance(bounds, tuple) and len(bounds) == 2 and 0 < bounds[0] <= bounds[1]):
            raise InputError(
                f"{where}: ranges: {name}: expected (low, high), 0 < low ≤ high; got {shown(bounds)}"
            )
        typical = ranges.typical.get(name)
        if name in CONSTANTS and not (typical and bounds[0] <= typical <= bounds[1]):
            raise InputError(
                f"{where}: ranges: typical[{name!r}]: expected a value within {bounds}; got {shown(typical)}"
            )


def _check_play(task: Task, path: Path) -> None:
    """Refuse a task whose batches, scores or reference are not what an evaluation needs."""
    kind = type(task).__name__
    with told(path, f"{kind}: expected trials(rng, n) to draw n trials"):
        trials, again = (task.trials(np.random.default_rng(0), 2) for _ in range(2))
        n = trials.n
    if n != 2:
        raise InputError(f"{path}: {kind}: expected 2 trials from trials(rng, 2); got {n}")
    if isinstance(trials, Trials):
        _check_answers(trials.answer, f"{path}: {kind}")
        if not _same(trials, again):
            raise InputError(
                f"{path}: {kind}: expected the same trials from equal generators; got others: draw from rng alone"
            )
    with told(path, f"{kind}: expected a circuit to play two trials and be scored"):
        play = task.play(_silent(task), trials)
    score = play.score if isinstance(play, Play) else play
    if not isinstance(score, Score) or np.shape(score.credit) != (2,):
        raise InputError(f"{path}: {kind}: expected a Score with credit float[trials]; got {shown(score)}")
    if not np.all(np.isfinite([*score.credit, score.graded])):
        raise InputError(
            f"{path}: {kind}: expected a finite score; got {shown(score.credit)}, graded {shown(score.graded)}"
        )
    with told(path, f"{kind}: expected a hand-wired genome from reference(), or no such method"):
        reference = reference_of(task)
        same = reference is None or (reference.inputs, reference.outputs) == (task.inputs, task.outputs)
    if not same:
        raise InputError(f"{path}: {kind}: expected a reference() with the task's own ports; got others")


def _check_answers(answer: np.ndarray, where: str) -> None:
    if not isinstance(answer, np.ndarray) or len(answer) != 2:
        raise InputError(f"{where}: expected an array of answers, one a trial; got {shown(answer)}")
    if answer.ndim == 1 and (answer.dtype.kind not in "iu" or answer.min() < 0):
        raise InputError(f"{where}: expected answers that are whole numbers ≥ 0; got {shown(answer)}")


def _same(one: Trials, two: Trials) -> bool:
    """Whether two batches have the same answers and spikes."""
    columns = ("time_ms", "trial", "channel")
    pairs = [(one.answer, two.answer)]
    for port, spikes in one.stimulus.spikes.items():
        pairs += [(getattr(spikes, c), getattr(two.stimulus.spikes[port], c)) for c in columns]
    return all(np.array_equal(a, b) for a, b in pairs)


def _silent(task: Task) -> Circuit:
    """What the task gives, and for each output that is left neurons that hear nothing."""
    populations, projections = task.given()
    typical = [task.ranges.typical[name] for name in CONSTANTS[:-1]]
    served = {p.port for p in populations}
    for port in task.outputs:
        if port.name not in served:
            cells = innovation("silent", port.name), True, port.size, typical[0], 15.0, *typical[1:]
            populations = (*populations, PopulationGene(*cells, port=port.name))
    return develop(
        Genome(task.inputs, task.outputs, tuple(populations), tuple(projections)), dt_ms=task.dt_ms
    )
