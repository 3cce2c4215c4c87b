"""Version 2: leases, lineage, tags, notes, certificates, trainings; and the narrow table that listings look through.

`listing` and `lineage` are filled from the motifs, as far as these tell. Rows of `found` get checksums.
"""

import hashlib
import json
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_BATCH = 200
_OF_SCORE = ("trials", "seed", "low", "normalised", "spikes", "energy_pJ")


def upgrade() -> None:
    """Create the tables, and fill those that are derived."""
    _create_found_anew()
    _create_lease()
    _create_listing()
    _create_lineage()
    _create_annotations()
    connection = op.get_bind()
    for motifs in _batches(connection):
        scores = _scores(connection, [motif["id"] for motif in motifs])
        _insert("listing", [row for motif in motifs for row in _listed(motif, scores.get(motif["id"], {}))])
        _insert("lineage", [row for motif in motifs for row in _born(motif)])


def _text(length: int) -> sa.String:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def _motif_id() -> sa.Column:
    return sa.Column("motif_id", _text(64), sa.ForeignKey("motif.id"), primary_key=True)


def _key(name: str, kind, *constraints, **options) -> sa.Column:
    return sa.Column(name, kind, *constraints, primary_key=True, **options)


def _checksum(**options) -> sa.Column:
    return sa.Column("checksum", sa.String(64), nullable=False, **options)


def _create_found_anew() -> None:
    found = op.get_bind().execute(sa.text("SELECT run_id, motif_id FROM found")).mappings().all()
    op.drop_table("found")
    op.create_table("found", _key("run_id", _text(64), sa.ForeignKey("run.id")), _motif_id(), _checksum())
    op.create_index("ix_found_motif_id", "found", ["motif_id"])
    _insert("found", [dict(row) for row in found])


def _create_lease() -> None:
    op.create_table(
        "lease",
        _key("run_id", _text(64)),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
    )


def _create_listing() -> None:
    numbers = ("n_excitatory", "n_inhibitory", "n_neurons", "n_synapses")
    op.create_table(
        "listing",
        _motif_id(),
        _key("task", _text(64)),
        sa.Column("own", sa.Integer, nullable=False),
        sa.Column("trials", sa.BigInteger),
        sa.Column("seed", sa.BigInteger),
        *(sa.Column(name, sa.Float) for name in ("low", "normalised", "spikes", "energy_pJ")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in numbers),
        sa.Column("shape", _text(64), nullable=False),
        sa.Column("run", _text(64)),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("operator", sa.Text),
        sa.Column("words", sa.Text, nullable=False),
        _checksum(),
    )
    best = [
        sa.text("low DESC"),
        "energy_pJ",
        "motif_id",
        "normalised",
        "spikes",
        *numbers,
        "run",
        "words",
        "shape",
    ]
    op.create_index("ix_listing_shape", "listing", ["shape"])
    op.create_index("ix_listing_run", "listing", ["run"])
    op.create_index("listing_best", "listing", ["task", *best])
    op.create_index("listing_own", "listing", ["own", "task", *best])


def _create_lineage() -> None:
    op.create_table(
        "lineage",
        _key("child", _text(64)),
        _key("run", _text(64)),
        _key("place", sa.Integer, autoincrement=False),
        sa.Column("parent", _text(64)),
        sa.Column("operator", sa.Text),
        sa.Column("epoch", sa.BigInteger),
        sa.Column("island", sa.BigInteger),
        _checksum(),
    )
    op.create_index("ix_lineage_parent", "lineage", ["parent"])
    op.create_index("lineage_run", "lineage", ["run"])


def _create_annotations() -> None:
    op.create_table(
        "certificate",
        _motif_id(),
        _key("task", _text(64)),
        _key("trials", sa.BigInteger, autoincrement=False),
        _key("seed", sa.BigInteger, autoincrement=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("certificate", sa.Text, nullable=False),
        _checksum(),
    )
    op.create_table(
        "training",
        _motif_id(),
        _key("data", _text(64)),
        _key("arm", _text(64)),
        _key("seed", sa.BigInteger, autoincrement=False),
        _key("epochs", sa.Integer, autoincrement=False),
        _key("copies", sa.Integer, autoincrement=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        _checksum(),
    )
    for table, name in (("structure", "name"), ("tag", "tag")):
        op.create_table(table, _motif_id(), _key(name, _text(64)), _checksum())
        op.create_index(f"ix_{table}_{name}", table, [name])
    op.create_table(
        "note",
        sa.Column("motif_id", _text(64), sa.ForeignKey("motif.id")),
        sa.Column("run_id", _text(64), sa.ForeignKey("run.id")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written", _text(32), nullable=False),
        _key("checksum", sa.String(64)),
    )
    op.create_index("ix_note_motif_id", "note", ["motif_id"])
    op.create_index("ix_note_run_id", "note", ["run_id"])


def _batches(connection) -> Iterator[list]:
    names = "id, task, run, shape, n_excitatory, n_inhibitory, n_synapses, provenance"
    query = sa.text(f"SELECT {names} FROM motif WHERE id > :last ORDER BY id LIMIT {_BATCH}")
    last = ""
    while rows := connection.execute(query, {"last": last}).mappings().all():
        yield rows
        last = rows[-1]["id"]


def _scores(connection, ids: list[str]) -> dict[str, dict]:
    """Of each motif on each task the score over most trials."""
    of_ids = sa.bindparam("ids", expanding=True)
    query = sa.text(
        f"SELECT motif_id, task, {', '.join(_OF_SCORE)} FROM score WHERE motif_id IN :ids "
        "ORDER BY task, trials, seed DESC"
    )
    leading: dict[str, dict] = {}
    for score in connection.execute(query.bindparams(of_ids), {"ids": ids}).mappings():
        leading.setdefault(score["motif_id"], {})[score["task"]] = score
    return leading


def _listed(motif, scores: dict) -> list[dict]:
    known = {name: motif[name] for name in ("run", "shape", "n_excitatory", "n_inhibitory", "n_synapses")}
    known |= {"motif_id": motif["id"], "n_neurons": motif["n_excitatory"] + motif["n_inhibitory"]}
    told = json.loads(motif["provenance"])
    known |= {name: told[name] for name in ("origin", "operator")}
    rows = []
    for task, score in scores.items():
        told = {"task": task, "own": int(task == motif["task"]), "words": _words(known, task)}
        rows.append(known | told | {name: score[name] for name in _OF_SCORE})
    if motif["task"] not in scores:
        told = {"task": "", "own": 2, "words": _words(known, motif["task"])}
        rows.append(known | told | dict.fromkeys(_OF_SCORE))
    return rows


def _words(known: dict, task: str | None) -> str:
    return " ".join(filter(None, (known["origin"], known["run"], task, known["operator"]))).lower()


def _born(motif) -> list[dict]:
    told = json.loads(motif["provenance"])
    plain = {"child": motif["id"], "run": told["run"] or ""}
    plain |= {name: told[name] for name in ("operator", "epoch", "island")}
    if motif["id"] in told["parents"]:
        return []
    return [plain | {"place": k, "parent": parent} for k, parent in enumerate(told["parents"] or [None])]


def _insert(table: str, rows: list[dict]) -> None:
    if rows:
        columns = [sa.column(name) for name in (*rows[0], "checksum")]
        op.bulk_insert(sa.table(table, *columns), [row | {"checksum": _sealed(row)} for row in rows])


def _sealed(row: dict) -> str:
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
