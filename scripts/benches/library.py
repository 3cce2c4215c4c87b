"""The library: listings of 100,000 motifs, what it takes to add more, and what births cost a run."""

import atexit
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from library_births import births
from report import Row, at_most, figure, tell
from timing import clock_seconds, in_turn, seconds

from evocircuits.development import develop
from evocircuits.exchange import read_motif
from evocircuits.library import Library, listing, schema
from evocircuits.library.ancestry import rows_for
from evocircuits.library.checksum import sealed
from evocircuits.library.motifs import prepared
from evocircuits.lineage import Birth
from evocircuits.motif import Motif

MODEL = Path(__file__).parents[2] / "runs" / "reference" / "localise.motif.json"
"""The motif whose genome and circuit stand in every row."""
MOTIFS, AT_ONCE, ADDED = 100_000, 2000, 1000
TASKS = ("localise", "order", "burst", "winner", "latch")
RUNS = 200
REPEATS = 9
LISTINGS = {
    "all": {},
    "all, after the first 50,000": {"offset": 50_000},
    "of a task": {"task": "localise"},
    "of a run": {"run": "localise-s5-"},
    "by energy": {"sort": "energy"},
    "of a task, by size": {"task": "localise", "sort": "neurons"},
    "of bounded score, size and E:I": {"task": "order", "min_score": 0.5, "max_neurons": 30, "ei": (2, 6)},
    "of bounds that hold for none": {"min_score": 0.99999, "max_neurons": 6},
    "front of score and energy": {"task": "localise", "front": ("energy",)},
    "front of score and three costs": {"task": "localise", "front": ("energy", "neurons", "synapses")},
    "with words that most have": {"text": "strength"},
    "with words that none has": {"text": "zzzz"},
    "grouped by shape": {"group": True},
    "of a task, grouped by shape": {"task": "localise", "group": True},
    "with a tag": {"tag": "kept"},
}


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


def many() -> list[Row]:
    """Listings of 20 motifs and the addition of 1,000, in a library of 100,000."""
    library = filled()
    tell("library: listings")
    calls = [_listed(library, words) for words in LISTINGS.values()]
    taken_ms = 1000 * in_turn(*calls, repeats=REPEATS)
    tell("library: additions")
    taken_s, clock_s = [], []
    for repeat in range(2):
        taken_s.append(seconds(_added(library, 2 * repeat)))
        clock_s.append(clock_seconds(_added(library, 2 * repeat + 1)))
    return [
        *(
            at_most(f"100,000 motifs, 20 listed: {name}", ms, "ms", 200)
            for name, ms in zip(LISTINGS, taken_ms, strict=True)
        ),
        at_most("100,000 motifs: 1,000 more", np.array(taken_s), "s", 2),
        figure("100,000 motifs: 1,000 more, by the clock", np.array(clock_s), "s"),
    ]


def _listed(library: Library, words: dict) -> Callable:
    return lambda: library.listing(limit=20, **words)


def _added(library: Library, number: int) -> Callable:
    """Adds motifs that are new to it, developed before."""
    motifs = list(_variants(number))
    return lambda: library.add(motifs)


def _variants(number: int) -> Iterator[Motif]:
    model = read_motif(MODEL)
    for k in range(ADDED):
        stretched = 1 + 1e-6 * (number * ADDED + k + 1)
        projections = [replace(j, strength=j.strength * stretched) for j in model.genome.projections]
        genome = model.genome.with_genes(projections=projections)
        yield replace(model, genome=genome, circuit=develop(genome, dt_ms=model.dt_ms))


@cache
def filled() -> Library:
    """A library of 100,000 motifs for all that measure one; it takes minutes to make, and goes with the process."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    library = Library(f"sqlite:///{folder}/library.db")
    _fill(library)
    return library


def _fill(library: Library) -> None:
    """Rows of motifs that differ in what is listed and searched, with three scores and a birth each."""
    [model], rng = prepared([read_motif(MODEL)]), np.random.default_rng(1)
    with library.database.transaction(writes=True) as connection:
        runs = {"recipe": '{"epochs":2}', "seed": 1, "versions": "{}"}
        rows = [sealed(runs | {"id": _run(k)}) | {"status": "finished", "epoch": 0} for k in range(RUNS)]
        connection.execute(schema.run.insert(), rows)
    for first in range(0, MOTIFS, AT_ONCE):
        tell(f"library: {first:,} of {MOTIFS:,} motifs")
        motifs = [_motif(k, model.row, rng) for k in range(first, first + AT_ONCE)]
        scores = [score for motif in motifs for score in _scores(motif, model.scores[0], rng)]
        born = [row for k, motif in enumerate(motifs, start=first) for row in rows_for(_birth(k, motif))]
        tags = [sealed({"motif_id": motif["id"], "tag": "kept"}) for motif in motifs[::100]]
        with library.database.transaction(writes=True) as connection:
            connection.execute(schema.motif.insert(), motifs)
            connection.execute(schema.score.insert(), scores)
            connection.execute(schema.listing.insert(), listing.rows_for(motifs, scores))
            connection.execute(schema.lineage.insert(), born)
            connection.execute(schema.tag.insert(), tags)
            found = [sealed({"run_id": motif["run"], "motif_id": motif["id"]}) for motif in motifs]
            connection.execute(schema.found.insert(), found)


def _run(k: int) -> str:
    return f"{TASKS[k % len(TASKS)]}-s{k}-{k:06x}"


def _named(kind: str, k: int) -> str:
    return sha256(f"{kind} {k}".encode()).hexdigest()


def _motif(k: int, model: dict, rng: np.random.Generator) -> dict:
    """One in ten is of a shape that others have, too."""
    run = _run(k * RUNS // MOTIFS)
    changed = {"id": _named("motif", k), "shape": _named("shape", k if k % 10 else k // 100), "run": run}
    excitatory, inhibitory, synapses = map(int, rng.integers((5, 0, 20), (60, 10, 300)))
    changed |= {"n_excitatory": excitatory, "n_inhibitory": inhibitory, "n_synapses": synapses}
    plain = {name: value for name, value in model.items() if name != "checksum"}
    return sealed(plain | changed | {"task": run.partition("-")[0]})


def _scores(motif: dict, model: dict, rng: np.random.Generator) -> Iterator[dict]:
    """Two on its own task and one on any."""
    plain = {name: value for name, value in model.items() if name != "checksum"}
    for seed, task in enumerate((motif["task"], motif["task"], str(rng.choice(TASKS))), start=1):
        raw, spikes, energy_pJ = map(float, rng.random(3) * (1, 400, 2000))
        numbers = {"raw": raw, "low": raw - 0.02, "high": raw + 0.02, "normalised": raw, "spikes": spikes}
        keys = {"motif_id": motif["id"], "task": task, "trials": 1000 * seed, "seed": seed}
        yield sealed(plain | keys | numbers | {"energy_pJ": energy_pJ})


def _birth(k: int, motif: dict) -> Birth:
    parents = (_named("motif", k - 1),) if k % 50 else ()
    return Birth(motif["id"], parents, "strength+copy", motif["run"], k % 7, k % 6)


GROUPS = {"many": many, "births": births}
