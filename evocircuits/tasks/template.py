"""A first task of one's own: a file that works as it is written, to be changed step by step.

`evocircuits new task echolocate` writes echolocate.py, with the class Echolocate; `evocircuits tasks
echolocate.py:Echolocate` then says what it asks and draws its reference.
"""

import re
from pathlib import Path

from evocircuits.checks import shown
from evocircuits.errors import InputError
from evocircuits.tasks import TASKS

_TEXT = '''"""A task of one's own. It works as it is: look at it, evolve a circuit for it, then change it.

    evocircuits tasks @file@:@Class@
    evocircuits evolve RECIPE.toml            with the line: task = "@file@:@Class@"

The file must stand alone: it travels with a run, and what it imports from beside it does not.
"""

import numpy as np

from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene, innovation
from evocircuits.simulator import Recording, Spikes, Stimulus
from evocircuits.tasks import Ranges, Score, Task, Trials
from evocircuits.tasks.base import argmax_credit, balanced_answers

FEW, MANY = 2, 6
DURATION_ms = 100.0


class @Class@(Task):
    """Two inputs spike, one of them more often: the output of the same side should spike more."""

    name = "@name@"
    summary = "Tell which of two inputs spikes more often."
    source = "where the idea comes from, as Barlow & Levick 1965"

    # Named groups of input channels (all excitatory) and of output neurons.
    inputs = (Port("left", 1), Port("right", 1))
    outputs = (Port("more_left", 1), Port("more_right", 1))

    # The step of the simulation, and what guessing and a perfect observer of the inputs would score.
    dt_ms = 0.1
    chance = 0.5
    ceiling = 1.0

    # What the reference below needs (as "inhibition", "delays"), and cannot do without; () for nothing.
    claim = ()
    # What one who is told only how many spikes each input had could score: None where counts are all there is.
    count_only_ceiling = None

    # Bounds of what evolution may vary, and where it starts.
    ranges = Ranges(
        tau_m_ms=(1.0, 50.0),
        t_ref_ms=(0.5, 20.0),
        tau_syn_ex_ms=(0.5, 20.0),
        tau_syn_in_ms=(0.5, 50.0),
        delay_ms=(0.1, 20.0),
        typical={
            "tau_m_ms": 10.0,
            "t_ref_ms": 2.0,
            "tau_syn_ex_ms": 2.0,
            "tau_syn_in_ms": 5.0,
            "delay_ms": 1.0,
        },
    )

    def trials(self, rng: np.random.Generator, n: int) -> Trials:
        """The stimulus of `n` trials, drawn from `rng` and nothing else, and the right answer of each.

        Spikes are events: their times in ms, and of each its trial and its channel.
        """
        answer = balanced_answers(rng, n, 2)  # 0: more on the left, 1: more on the right
        spikes = {}
        for side, port in enumerate(self.inputs):
            counts = np.where(answer == side, MANY, FEW)
            trial = np.repeat(np.arange(n), counts)
            time_ms = rng.uniform(5, DURATION_ms - 20, len(trial))
            spikes[port.name] = Spikes(time_ms, trial, np.zeros(len(trial), int))
        return Trials(Stimulus(n, DURATION_ms, spikes), answer)

    def score(self, trials: Trials, recording: Recording) -> Score:
        """What the circuit's spikes were worth: credit 0…1 for each trial, and a finer number to learn from."""
        counts = np.hstack([recording.output_counts(port.name) for port in self.outputs])
        credit = argmax_credit(counts, trials.answer)
        share = (counts[np.arange(trials.n), trials.answer] + 1) / (counts + 1).sum(axis=1)
        return Score(credit, float(0.6 * credit.mean() + 0.4 * share.mean()), self.chance, self.ceiling)

    def reference(self) -> Genome:
        """A solution wired by hand: each output relays its input. Leave the method out where you know none."""
        cells, wires = [], []
        for heard, said in zip(self.inputs, self.outputs, strict=True):
            id = innovation(self.name, said.name)  # any number of its own
            cells.append(
                PopulationGene(
                    id,
                    excitatory=True,
                    size=1,
                    tau_m_ms=10.0,
                    threshold_mV=15.0,
                    t_ref_ms=2.0,
                    tau_syn_ex_ms=2.0,
                    tau_syn_in_ms=5.0,
                    port=said.name,
                )
            )
            wire = innovation(self.name, heard.name, said.name)
            one = Pattern("one_to_one")  # strength 1.5: a spike lifts its target to 1.5 × its threshold
            wires.append(ProjectionGene(wire, heard.id, id, one, strength=1.5, delay_ms=1.0))
        return Genome(self.inputs, self.outputs, tuple(cells), tuple(wires))
'''


def task_text(name: str) -> str:
    """The Python text of a small task of that name.

    Raises `InputError` unless the name is up to 32 letters, digits, - and _ that begin with a letter.
    """
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,31}", name):
        raise InputError(
            f"new task: expected a name of at most 32 letters, digits, - and _; got {shown(name)}"
        )
    words = {"@name@": name, "@Class@": class_of(name), "@file@": file_name_of(name)}
    return re.sub("|".join(words), lambda found: words[found.group()], _TEXT)


def write_task(name: str, folder: str | Path = ".") -> str:
    """Write a small task of that name into a new file of `folder`; returns FILE.py:Class, by which it is used.

    Raises `InputError` for a name that cannot be one, or that a shipped task has, and where the file is there already
    or cannot be written.
    """
    text, path = task_text(name), Path(folder) / file_name_of(name)
    if name in TASKS:
        raise InputError(f"new task: expected a name that no other task has; got {name!r}, which is taken")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"{path}: expected no such file yet; it is there, and was left as it is") from None
    except OSError as error:
        raise InputError(f"{path}: expected a file that can be written; {error.strerror}") from None
    return f"{path}:{class_of(name)}"


def class_of(name: str) -> str:
    """The class of a task: echo-locate becomes EchoLocate, and score ScoreTask, as the text has a Score already."""
    joined = "".join(word[:1].upper() + word[1:] for word in re.split("[-_]+", name))
    taken = joined in ("None", "True", "False") or re.search(rf"\b{joined}\b", _TEXT)
    return f"{joined}Task" if taken else joined


def file_name_of(name: str) -> str:
    """The file of a task: echo-locate becomes echo_locate.py."""
    return f"{name.replace('-', '_')}.py"
