"""A small library that has something for every page."""

from pathlib import Path

import numpy as np

from evocircuits.certificate import Certificate, Finding, Minimal, Structure, Verdict
from evocircuits.development import develop
from evocircuits.library import Library, Training
from evocircuits.lineage import Birth
from evocircuits.motif import Motif, Provenance
from evocircuits.tasks import get_task
from tests.library.motifs import motif, score

FINISHED, RUNNING = "order-s1-aaaaaa", "burst-s2-bbbbbb"
EPOCHS = 5
MANY = 60
RECIPE = {
    "task": "order",
    "epochs": EPOCHS,
    "objectives": ["score", "energy"],
    "descriptors": ["neurons", "spikes"],
}


def filled(file: Path) -> Library:
    """In that file: a finished run and one under way, many motifs, two of which play a task that is known."""
    library = Library(f"sqlite:///{file}")
    many = [motif(0.2 + k / 100, score(0.6 + k / 1000, task="place")) for k in range(MANY)]
    best, other = reference("order", 1.0, run=FINISHED), reference("burst", 0.9)
    library.start_run(FINISHED, RECIPE, 1, {"evocircuits": "0.1.0"})
    for epoch in range(1, EPOCHS + 1):
        library.commit_epoch(FINISHED, epoch, {}, report(epoch))
    elites = [
        {
            "motif": m.id,
            "cell": [k, k + 1],
            "score": 0.9 - k / 10,
            "descriptors": {"neurons": 2, "spikes": 4.0},
        }
        for k, m in enumerate([best, *many[:3]])
    ]
    told = {"winners": [*(m.id for m in many[:2]), best.id], "archive": elites}
    library.finish_run(FINISHED, [best, *many[:3]], told | {"references": [vars(score(0.99))]})
    library.add([*many, other], births=lineage_of(best))
    library.start_run(RUNNING, RECIPE | {"task": "burst"}, 2, {"evocircuits": "0.1.0"})
    library.commit_epoch(RUNNING, 1, {}, report(1))
    library.add_certificate(certificate(best))
    library.add_trainings(trainings(best))
    library.tag(best.id, "kept")
    library.note(best.id, "the first that worked")
    return library


def reference(task: str, raw: float, run: str | None = None) -> Motif:
    """The hand-wired circuit of a task, as if it had been evolved for it."""
    asked = get_task(task)
    genome = asked.reference()
    provenance = Provenance("evolved", run, 1, EPOCHS, 0, "add+strength", ("a" * 64,), {"task": task})
    scored = score(raw, task=task, low=raw - 0.01, high=raw)
    return Motif(genome, develop(genome, dt_ms=asked.dt_ms), asked.dt_ms, provenance, (scored,))


def lineage_of(child: Motif) -> list[Birth]:
    """A mother, and a grandmother with another parent, both founders."""
    founders = Birth("b" * 64, (), "found", FINISHED, 1, 0), Birth("c" * 64, (), "found", FINISHED, 1, 1)
    mother = Birth("a" * 64, ("b" * 64, "c" * 64), "crossover", FINISHED, 2, 0)
    return [*founders, mother, Birth(child.id, ("a" * 64,), "add+strength", FINISHED, EPOCHS, 0)]


def report(epoch: int) -> dict:
    """Of an epoch with two islands."""
    best = 1 - 0.5**epoch
    islands = [
        {
            "island": k,
            "strategy": "population",
            "best": best - k / 50,
            "median": best - 0.2,
            "restarts": 0,
            "structures": 5,
            "diversity": 0.4 - epoch / 50,
            "qd_score": 3.0 + epoch,
            "objectives": {"score": [0, 0.2, 0.4, 0.6, best], "energy": [10, 20, 40, 60, 200]},
            "operators": {
                "strength": {"uses": 20, "better": 6, "kept": 3},
                "add": {"uses": 8, "better": 1, "kept": 1},
            },
        }
        for k in range(2)
    ]
    totals = {"evaluations": 400, "simulated_s": 12.5, "seconds": 4.0}
    return {"epoch": epoch, "best": best, "median": best - 0.2, **totals, "islands": islands}


def certificate(of: Motif) -> Certificate:
    def finding(kind: str, key: str, effect: float, p: float) -> Finding:
        return Finding(kind, key, f"without {key}", effect, effect - 0.03, effect + 0.03, p, p, 0.5, 1000)

    findings = (
        finding("knock-out", "inhibition", -0.5, 0.0001),
        finding("knock-out", "neuron 1", 0.0, 0.9),
        finding("change", "delays", -0.4, 0.001),
        finding("control", "random", -0.6, 0.01),
        finding("robustness", "noise", -0.05, 0.02),
    )
    verdicts = (
        Verdict("necessary", "inhibition is necessary", "inhibition"),
        Verdict("useless", "neuron 1 is useless", "neuron 1"),
    )
    return Certificate(
        motif=of.id,
        task="order",
        trials=1000,
        seed=0,
        score=0.99,
        low=0.98,
        high=1.0,
        findings=findings,
        verdicts=verdicts,
        census=(),
        structures=(Structure("feed-forward inhibition", 1, "a → I1 → E1"),),
        minimal=Minimal({}, {}, 2, 3, 0.97, 0.95, 0.99),
        notes=("half the time step was not tried",),
        version="0.1.0",
    )


def trainings(of: Motif) -> list[Training]:
    """Two arms of three seeds."""
    rng = np.random.default_rng(0)
    made = {"motif": of.id, "data": "digits", "epochs": 4, "copies": 8, "version": "0.1.0"}
    return [
        Training(arm=arm, seed=seed, result=_result(arm, seed, level + 0.01 * float(rng.normal())), **made)
        for arm, level in (("motif", 0.9), ("dense", 0.95))
        for seed in range(3)
    ]


def _result(arm: str, seed: int, level: float) -> dict:
    curve = [level - 0.3 / epoch for epoch in range(1, 5)]
    costs = {"spikes": 900.0, "synaptic_events": 9000.0, "energy_pJ": [8000.0, 12000.0], "parameters": 3000}
    loss = {"train_loss": [2 / epoch for epoch in range(1, 5)], "validation_accuracy": curve}
    return {"arm": arm, "seed": seed, "test_accuracy": level, "seconds": 3.0, **loss, **costs}
