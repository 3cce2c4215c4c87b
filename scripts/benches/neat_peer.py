"""neat-python as a peer: the exclusive or in spikes that it ships as its spiking example, evolved as the example does.

Problem, settings and fitness are those of examples/xor/evolve-spiking.py and config-spiking of neat-python 2.0.0
(github.com/CodeReclaimers/neat-python, commit f1a9931): Izhikevich cells in steps of .05 ms, each input a constant
current of 0 or 1 times a weight from beginning to end. The answer is how far apart the two outputs' first spikes are:
within 1 ms means 1, 11 ms or more 0, what is between in proportion, and −1 stands for an output without a spike in
20 ms. Fitness is 10 less the squared errors of the four cases, and 9.9 solves it.

The same is computed with less ado: nothing is stored for plots, and a trial ends with the second output's first spike.
One thread.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import neat

CASES = (((0, 0), 0), ((0, 1), 1), ((1, 0), 1), ((1, 1), 0))
DURATION_ms = 20.0
SOLVED = 9.9
POPULATION = 500

NEVER = {"mutate_power": 0.0, "mutate_rate": 0.0, "replace_rate": 0.0}
OFTEN = {"mutate_power": 5.0, "replace_rate": 0.1}
VARIED = {
    "bias": {"init_mean": 0.0, "init_stdev": 2.0, "min_value": -10.0, "max_value": 10.0, "mutate_rate": 0.7}
    | OFTEN,
    "weight": {"init_mean": 0.0, "init_stdev": 10.0, "min_value": -100, "max_value": 100, "mutate_rate": 0.8}
    | OFTEN,
    **{
        name: {"init_mean": value, "init_stdev": 0.0, "min_value": -30.0, "max_value": 30.0} | NEVER
        for name, value in (("a", 0.02), ("b", 0.2), ("c", -65.0), ("d", 8.0))
    },
}
"""Attributes of nodes and connections. As published, the reset c = −65 is cut off at its least value of −30."""
SETTINGS = {
    "NEAT": {
        "fitness_criterion": "max",
        "fitness_threshold": SOLVED,
        "pop_size": POPULATION,
        "reset_on_extinction": False,
        "no_fitness_termination": False,
    },
    "IZGenome": {
        "num_inputs": 2,
        "num_hidden": 0,
        "num_outputs": 2,
        "initial_connection": "full",
        "feed_forward": False,
        "compatibility_disjoint_coefficient": 1.0,
        "compatibility_weight_coefficient": 0.5,
        "conn_add_prob": 0.2,
        "conn_delete_prob": 0.2,
        "node_add_prob": 0.1,
        "node_delete_prob": 0.1,
        "enabled_default": True,
        "enabled_mutate_rate": 0.01,
        "enabled_rate_to_true_add": 0.0,
        "enabled_rate_to_false_add": 0.0,
        "single_structural_mutation": False,
        "structural_mutation_surer": "default",
    },
    "DefaultSpeciesSet": {"compatibility_threshold": 4.0},
    "DefaultStagnation": {"species_fitness_func": "mean", "max_stagnation": 50, "species_elitism": 2},
    "DefaultReproduction": {"elitism": 2, "survival_threshold": 0.2, "min_species_size": 2},
}


class _Over(Exception):
    """The search is over: solved, or its limits are reached."""


def run_neat(seed: int, evaluations: int, seconds: float, *, least_reset_mV: float = -30.0) -> dict:
    """One search, until the first genome that solves the problem or a limit of evaluations or seconds.

    `least_reset_mV`: the least value of c; −65 makes the cells the regular spiking ones that the settings speak of.
    Returns `solved`, `evaluations`, `seconds`, `evaluations_per_s`, `best_fitness`, and neat-python's `version`.
    """
    best, done, started = float("-inf"), 0, time.perf_counter()

    def evaluate(genomes: list, config: neat.Config) -> None:
        nonlocal best, done
        for _, genome in genomes:
            if done >= evaluations or time.perf_counter() - started >= seconds:
                raise _Over
            genome.fitness = fitness(neat.iznn.IZNN.create(genome, config))
            done, best = done + 1, max(best, genome.fitness)
            if genome.fitness >= SOLVED:
                raise _Over

    with _random(seed), suppress(_Over, neat.CompleteExtinctionException):
        neat.Population(_config(least_reset_mV)).run(evaluate)
    passed_s = time.perf_counter() - started
    return {
        "solved": best >= SOLVED,
        "evaluations": done,
        "seconds": passed_s,
        "evaluations_per_s": done / passed_s,
        "best_fitness": best,
        "version": version("neat-python"),
    }


def fitness(net: neat.iznn.IZNN) -> float:
    """10 less the squared errors of the four cases."""
    return 10.0 - sum((response(*_first_spikes_ms(net, inputs)) - answer) ** 2 for inputs, answer in CASES)


def response(first_ms: float | None, second_ms: float | None) -> float:
    """What two first spikes mean: from 1 at most 1 ms apart down to 0 at least 11 ms apart; −1 if one is missing."""
    if first_ms is None or second_ms is None:
        return -1.0
    return min(1.0, max(0.0, 1.1 - 0.1 * abs(first_ms - second_ms)))


def _first_spikes_ms(net: neat.iznn.IZNN, inputs: tuple[int, int]) -> list[float | None]:
    net.reset()
    net.set_inputs(inputs)
    dt_ms, first_ms = net.get_time_step_msec(), [None, None]
    for step in range(int(DURATION_ms / dt_ms)):
        for output, fired in enumerate(net.advance(dt_ms)):
            if fired and first_ms[output] is None:
                first_ms[output] = step * dt_ms
        if None not in first_ms:
            break
    return first_ms


def _config(least_reset_mV: float) -> neat.Config:
    attributes = {f"{name}_{key}": value for name, keys in VARIED.items() for key, value in keys.items()}
    attributes |= {f"{name}_init_type": "gaussian" for name in VARIED} | {"c_min_value": least_reset_mV}
    sections = SETTINGS | {"IZGenome": SETTINGS["IZGenome"] | attributes}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "settings.ini")
        path.write_text(
            "\n".join(
                f"[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items())
                for title, rows in sections.items()
            )
        )
        kinds = neat.DefaultReproduction, neat.DefaultSpeciesSet, neat.DefaultStagnation
        return neat.Config(neat.iznn.IZGenome, *kinds, str(path))


@contextmanager
def _random(seed: int) -> Iterator[None]:
    """Python's global generator, which neat-python draws from, seeded within and put back after."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Evolve neat-python's spiking exclusive or.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluations", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--least-reset", type=float, default=-30.0, metavar="mV")
    args = parser.parse_args()
    print(
        json.dumps(
            run_neat(args.seed, args.evaluations, args.seconds, least_reset_mV=args.least_reset), indent=1
        )
    )
