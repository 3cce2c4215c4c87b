"""Controls for temporal tasks: what spike counts alone could tell, and trials whose times tell nothing."""

from collections import Counter, defaultdict

import numpy as np

from evocircuits.simulator import Spikes, Stimulus
from evocircuits.tasks.base import Task, Trials


def count_only_accuracy(task: Task, rng: np.random.Generator, n: int) -> float:
    """The raw score of the best decision from the input channels' total spike counts.

    The observer learns the commonest answer of each pattern of counts on `n` trials and is scored on `n` others.
    """
    known: dict[tuple, Counter] = defaultdict(Counter)
    for counts, answer in _counts_and_answers(task, task.trials(rng, n)):
        known[counts][answer] += 1
    overall = sum(known.values(), Counter())
    decided = {counts: answers.most_common(1)[0][0] for counts, answers in known.items()}
    default = overall.most_common(1)[0][0]
    test = _counts_and_answers(task, task.trials(rng, n))
    return float(np.mean([decided.get(counts, default) == answer for counts, answer in test]))


def shuffle_times(trials: Trials, rng: np.random.Generator) -> Trials:
    """The same spike counts with spike times permuted across trials, port by port."""
    stimulus = trials.stimulus
    spikes = {
        name: Spikes(rng.permutation(s.time_ms), s.trial, s.channel) for name, s in stimulus.spikes.items()
    }
    return Trials(Stimulus(stimulus.n_trials, stimulus.duration_ms, spikes), trials.answer)


def _counts_and_answers(task: Task, trials: Trials) -> list[tuple[tuple[int, ...], int]]:
    columns = []
    for port in task.inputs:
        spikes = trials.stimulus.spikes[port.name]
        counts = np.zeros((trials.stimulus.n_trials, port.size), int)
        np.add.at(counts, (spikes.trial, spikes.channel), 1)
        columns.append(counts)
    return list(zip(map(tuple, np.hstack(columns).tolist()), trials.answer.tolist(), strict=True))
