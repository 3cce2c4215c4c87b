"""The narrow table that listings look through, kept in step with motifs and scores."""

from collections.abc import Iterable, Sequence
from json import loads

from sqlalchemy import Connection, delete, insert, select

from evocircuits.library import schema
from evocircuits.library.checksum import sealed

OF_SCORE = ("trials", "seed", "low", "normalised", "spikes", "energy_pJ")
_OF_MOTIF = ("id", "task", "run", "shape", "n_excitatory", "n_inhibitory", "n_synapses", "provenance")


def renew(connection: Connection, ids: Sequence[str]) -> None:
    """Write the rows of these motifs anew."""
    motifs = connection.execute(
        select(*(schema.motif.c[name] for name in _OF_MOTIF)).where(schema.motif.c.id.in_(ids))
    ).mappings()
    score = schema.score.c
    columns = (score.motif_id, score.task, *(score[name] for name in OF_SCORE))
    scores = connection.execute(select(*columns).where(score.motif_id.in_(ids))).mappings()
    rows = rows_for(motifs.all(), scores.all())
    connection.execute(delete(schema.listing).where(schema.listing.c.motif_id.in_(ids)))
    if rows:
        connection.execute(insert(schema.listing), rows)


def rows_for(motifs: Iterable, scores: Iterable) -> list[dict]:
    """What stands in the table of these motifs and all their scores, both as mappings of their columns."""
    leading: dict[str, dict[str, dict]] = {}
    for score in scores:
        of_motif = leading.setdefault(score["motif_id"], {})
        if score["task"] not in of_motif or _rank(score) < _rank(of_motif[score["task"]]):
            of_motif[score["task"]] = score
    rows = []
    for motif in motifs:
        known = _of_motif(motif)
        of_motif = leading.get(motif["id"], {})
        for task, score in sorted(of_motif.items()):
            told = {"task": task, "own": int(task == motif["task"]), "words": _words(known, task)}
            rows.append(sealed(known | told | {name: score[name] for name in OF_SCORE}))
        if motif["task"] not in of_motif:
            told = {"task": "", "own": 2, "words": _words(known, motif["task"])}
            rows.append(sealed(known | told | dict.fromkeys(OF_SCORE)))
    return rows


def _words(known: dict, task: str | None) -> str:
    return " ".join(filter(None, (known["origin"], known["run"], task, known["operator"]))).lower()


def _rank(score) -> tuple:
    """Over most trials first."""
    return -score["trials"], score["seed"]


def _of_motif(motif) -> dict:
    copied = {name: motif[name] for name in ("run", "shape", "n_excitatory", "n_inhibitory", "n_synapses")}
    neurons = motif["n_excitatory"] + motif["n_inhibitory"]
    told = loads(motif["provenance"])
    copied |= {name: told[name] for name in ("origin", "operator")}
    return {"motif_id": motif["id"], "n_neurons": neurons, **copied}
