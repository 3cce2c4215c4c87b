from evocircuits.library import Library, Note, Training, records, take
from evocircuits.lineage import Birth
from evocircuits.motif import Motif
from tests.library.motifs import motif, score
from tests.library.test_certificates import certificate


def test_records_hold_all_but_the_states_of_islands(library):
    one, two = motif(0.6, score(0.7), score(0.2, task="localise")), motif(0.5)
    library.add([one, two], births=[Birth("00ff", (), "found", "order-s1-abc", 1, 3)])
    library.tag(one.id, "kept")
    library.note(one.id, "a note")
    library.add_certificate(certificate(one.id))
    trained = Training(one.id, "digits", "motif", 0, 30, 32, "0.1.0", {"accuracy": 0.9})
    library.add_trainings([trained])
    library.start_run("r", {"task": "order"}, 1, {"python": "3"})
    library.commit_epoch("r", 1, {0: b"state"}, {"best": 0.5})
    library.note("r", "a run")
    saved = list(records(library.database, lambda lost: None))
    motifs = {row["motif"]["id"]: row for row in saved if "motif" in row}
    assert Motif.from_dict(motifs[one.id]["motif"]) == library.get(one.id)
    assert motifs[one.id]["tags"] == ["kept"]
    assert [note["text"] for note in motifs[one.id]["notes"]] == ["a note"]
    assert motifs[one.id]["certificates"] == [certificate(one.id).to_dict()]
    assert motifs[one.id]["trainings"] == [vars(trained)]
    assert motifs[two.id] == {"motif": two.to_dict()} | {
        name: [] for name in ("tags", "notes", "certificates", "trainings")
    }
    [run] = [row for row in saved if "run" in row]
    assert run["run"] == vars(library.run("r"))
    assert [note["text"] for note in run["notes"]] == ["a run"]
    births = [row["birth"] for row in saved if "birth" in row]
    assert {birth["child"] for birth in births} == {one.id, two.id, "00ff"}
    assert births[0]["child"] == "00ff"


def test_what_is_taken_in_is_found_again_and_may_be_taken_twice(library):
    one = motif(0.6, score(0.7))
    notes = [Note("a note", "2026-01-02T03:04:05+00:00")]
    for _ in range(2):
        take(library.database, [(one, ("kept", "good"), notes), (motif(0.5), (), ())])
    assert library.get(one.id) == one
    assert library.tags(one.id) == ("good", "kept")
    assert library.notes(one.id) == tuple(notes)
    assert len(library.listing()) == 2


def test_a_library_goes_from_one_backend_to_the_other(postgres_url, file_url):
    there, here = Library(postgres_url), Library(file_url)
    there.add([motif(0.5 + k / 100, score(0.5 + k / 100)) for k in range(5)])
    rows = [row for row in records(there.database, lambda lost: None) if "motif" in row]
    take(here.database, [(Motif.from_dict(row["motif"]), row["tags"], ()) for row in rows])
    assert here.rows_hash() == there.rows_hash()
    assert here.listing() == there.listing()
