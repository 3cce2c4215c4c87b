"""The spiking exclusive or: ours on it as a task of one's own, and neat-python, which ships it as an example."""

from contextlib import chdir
from pathlib import Path

from neat_peer import run_neat
from report import Row, at_least, figure
from search_runs import Case, measured, with_line

ROOT = Path(__file__).parents[2]
RECIPE = "scripts/benches/spiking_xor.toml"
SEEDS, PEER_SEEDS = range(1, 11), range(1, 4)
LIMIT_s = 60
EVALUATIONS = 20_000
RESETS = {"as published": -30.0, "with its reset mended": -65.0}
"""The least reset potential that neat-python's cells may have, in mV."""


def xor() -> list[Row]:
    """How many runs solve it in time, and what the peer does in 20,000 evaluations."""
    with chdir(ROOT):  # a line names the recipe, and the recipe its task, from there
        lines = measured([Case("xor", RECIPE, seed, LIMIT_s, bar=1.0) for seed in SEEDS])
    solved = [line for line in lines if line["normalised"] == 1 and line["seconds"] < LIMIT_s]
    rows = [
        at_least(f"spiking xor: runs of {len(lines)} that solve it in < {LIMIT_s} s", len(solved), "", 9),
        figure("spiking xor: run time", [line["seconds"] for line in lines], "s"),
        figure("spiking xor: evaluations", [line["evaluations"] for line in lines], ""),
    ]
    for name, reset_mV in RESETS.items():
        peers = [
            with_line(
                f"xor/neat-python, {name}/{seed}",
                lambda seed=seed, reset_mV=reset_mV: run_neat(
                    seed, EVALUATIONS, 600, least_reset_mV=reset_mV
                ),
            )
            for seed in PEER_SEEDS
        ]
        rows += [
            figure(
                f"neat-python, {name}: runs of {len(peers)} that solve it",
                sum(p["solved"] for p in peers),
                "",
            ),
            figure(f"neat-python, {name}: evaluations", [p["evaluations"] for p in peers], ""),
            figure(
                f"neat-python, {name}: evaluations per second", [p["evaluations_per_s"] for p in peers], "1/s"
            ),
        ]
    return rows
