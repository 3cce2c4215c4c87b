"""What pages say, read without a browser."""

import json
import re
from urllib.parse import quote

import pytest

from evocircuits.browser.pages import Assets, duration, figure, plain, setting, with_query
from evocircuits.library import Library
from tests.browser.asgi import Client
from tests.browser.shelves import EPOCHS, FINISHED, MANY, RUNNING
from tests.library.motifs import motif, score


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (0, "0"),
        (-0.0123456, "−0.0123"),
        (999, "999"),
        (12345.6, "12\u202f346"),
        (-2000, "−2\u202f000"),
    ],
)
def test_figures_have_three_digits(value, told):
    assert figure(value) == told


def test_times_are_told_in_two_units():
    assert [duration(s) for s in (4.4, 65, 3600 * 5 + 130)] == ["4 s", "1 min 05 s", "5 h 02 min"]


def test_settings_and_names_are_words():
    assert [setting(v) for v in (None, {}, ["score", "energy"], 3)] == ["–", "–", "score, energy", "3"]
    assert plain("add_population+strength") == "add population + strength"


def test_addresses_say_only_what_says_something():
    assert with_query(
        "/motifs", {"task": None, "tag": (), "min_score": 0, "text": "a b", "front": ["x", "y"]}
    ) == ("/motifs?min_score=0&text=a+b&front=x&front=y")
    assert with_query("/motifs", {"text": ""}) == "/motifs"


def test_every_file_that_pages_load_is_there_and_kept_for_ever(client):
    assets = Assets.found()
    assert {"app.css", "app.js", "circuit.js", "charts.js", "plotly.min.js"} <= set(assets.files)
    for name in assets.files:
        answer = client.get(assets.address(name))
        assert (answer.status, len(answer.body)) == (200, assets.files[name].stat().st_size)
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/static/..%2fapp.py").status == 404


def test_pages_load_nothing_from_elsewhere_and_hold_no_script(client):
    motif_page = f"/motifs/{client.library.best('order').id}"
    pages = ("/runs", f"/runs/{FINISHED}", "/motifs", motif_page, "/networks", "/compare")
    for address in pages:
        text = client.get(address).text
        assert re.findall(r"(?:src|href)=\"(?:https?:)?//", text) == []
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.findall(r"<[^>]* (?:on\w+|style)=", text) == []


def test_the_first_page_leads_to_the_runs_those_under_way_first(client):
    assert client.get("/").headers["location"] == "/runs"
    text = client.get("/runs").text
    assert text.index(RUNNING) < text.index(FINISHED)
    assert f"{EPOCHS}/{EPOCHS}" in text
    assert f'data-pulse="{client.get("/pulse").text}"' in text


def test_a_run_is_found_by_the_beginning_of_its_id(client):
    assert client.get("/runs/order").headers["location"] == f"/runs/{FINISHED}"
    missing = client.get("/runs/zebra")
    assert missing.status == 404
    assert "expected an id or the beginning of one" in missing.text


def test_a_run_tells_its_history_islands_operators_recipe_and_winners(client):
    text = client.get(f"/runs/{FINISHED}").text
    assert "0.969" in text  # the best of the last epoch
    assert re.search(r"<td>strength</td><td[^>]*>200</td><td[^>]*>60</td><td[^>]*>30</td>", text)
    assert "score, energy" in text
    assert client.library.best("order").id in text
    assert "The hand-wired reference of order scores 0.990" in text
    assert "data-watch" not in text
    assert "data-watch" in client.get(f"/runs/{RUNNING}").text


def test_of_the_winners_of_a_run_the_best_stands_first(client):
    text = client.get(f"/runs/{FINISHED}").text
    shown = re.findall(r'class="open" href="/motifs/([0-9a-f]{64})"', text)
    assert len(shown) == 3
    assert shown[0] == client.library.best("order").id


def test_runs_side_by_side_tell_what_differs_first(client):
    text = client.get(f"/compare-runs?run={FINISHED}&run={RUNNING}").text
    rows = re.findall(r'<tr( class="differs")?><th scope="row">([\w ]+)', text)
    names = [name for _, name in rows]
    assert [name for marked, name in rows if marked] == ["task"]
    assert names.index("task") < names.index("epochs")
    assert client.get(f"/compare-runs?run={FINISHED}").status == 400


def test_the_gallery_pages(client):
    first, second = client.get("/motifs?task=place").text, client.get("/motifs?task=place&page=2").text
    assert f"1–48 of {MANY}" in first
    assert f"49–{MANY} of {MANY}" in second
    shown = [set(re.findall(r'href="/motifs/([0-9a-f]{64})"', text)) for text in (first, second)]
    assert [len(ids) for ids in shown] == [48, MANY - 48]
    assert not shown[0] & shown[1]
    assert 'rel="next"' not in second


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("tag=kept", 1),
        ("structure=feed-forward+inhibition", 1),
        (f"run={FINISHED}", 4),
        ("text=first+worked", 1),
        ("max_neurons=3", 1),
        ("task=place&front=energy", 1),
        ("task=place&min_score=0.309", 5),
        ("max_neurons=0", 0),
    ],
)
def test_the_gallery_chooses_as_the_command_line_does(client, query, n):
    text = client.get(f"/motifs?{query}").text
    assert len(set(re.findall(r'href="/motifs/([0-9a-f]{64})"', text))) == n
    assert (f"of {n}</p>" in text) or (n == 0 and "No motif is like that" in text)


def test_a_motif_is_found_by_the_beginning_of_its_id_and_as_the_best(client):
    id = client.library.best("order").id
    for name in (id[:10], "best:order", quote("best:order")):
        assert client.get(f"/motifs/{name}").headers["location"] == f"/motifs/{id}"
    assert client.get("/motifs/best:nothing").status == 404
    assert client.get("/motifs/..%2f..%2fetc%2fpasswd").status == 404


def test_a_motif_tells_everything(client):
    id = client.library.best("order").id
    text = client.get(f"/motifs/{id}").text
    for told in (
        "1.000",
        "inhibition is necessary",
        "feed-forward inhibition × 1",
        "Its minimal form has 2 neurons",
        "half the time step was not tried",
        "4 births, 2 founders",
        "crossover",
        "the first that worked",
        "kept",
        FINISHED,
        "95.",  # the dense arm's accuracy
        f'ec.Library().get("{id[:12]}")',
        f"evocircuits train {id[:12]}",
    ):
        assert told in text, told
    lonely = client.get(f"/motifs/{client.library.best('place').id}").text
    assert "evocircuits certify" in lonely
    assert "evocircuits browse --task FILE.py:Class" in lonely


def test_a_motif_is_taken_along(client):
    id = client.library.best("order").id
    answer = client.get(f"/motifs/{id}/download/motif.json")
    assert json.loads(answer.body)["id"] == id
    assert answer.headers["content-disposition"] == f'attachment; filename="{id[:8]}.motif.json"'
    for name, start in {
        "svg": b"<?xml",
        "pdf": b"%PDF",
        "lineage.svg": b"<?xml",
        "certificate-0.svg": b"<?xml",
    }.items():
        assert client.get(f"/motifs/{id}/download/{name}").body.startswith(start)
    assert client.get(f"/motifs/{id}/download/certificate-1.svg").status == 404


def test_only_tasks_that_are_known_are_played(client):
    id = client.library.best("order").id
    for task in ("/elsewhere/mine.py:Task", "gym:CartPole-v1", "data:x.npz"):
        answer = client.get(f"/motifs/{id}/trials.json?task={quote(task, safe='')}")
        assert answer.status == 404
        assert "browse --task FILE.py:Class" in answer.text


def test_motifs_side_by_side_mark_what_differs(client):
    ids = [m.id for m in client.library.motifs(task="place", limit=2)]
    text = client.get("/compare?" + "&".join(f"id={id}" for id in ids)).text
    marked = re.findall(r'<tr class="differs"><th scope="row">([^<]+)', text)
    assert "ear → E1" in marked
    assert "excitatory neurons" not in marked
    order = client.library.best("order").id
    wired = client.get(f"/compare?id={ids[0]}&id={order}").text
    assert "0 synapses of its own" not in wired
    assert client.get(f"/compare?id={ids[0]}").text.count("<input name=") >= 2
    assert (
        client.get("/compare?" + "&".join(f"id={m.id}" for m in client.library.motifs(limit=5))).status == 400
    )


def test_networks_tell_arms_the_most_accurate_first(client):
    text = client.get("/networks").text
    assert text.index('<th scope="row">dense</th>') < text.index('<th scope="row">motif</th>')
    assert "4 epochs, 8 copies" in text


def test_what_cannot_be_asked_is_a_page_with_a_remedy(client):
    answer = client.get("/motifs?max_neurons=many")
    assert answer.status == 400
    assert "max_neurons: expected a whole number" in answer.text
    assert "That cannot be asked" in answer.text
    task = client.get(f"/motifs/{client.library.best('order').id}/trials.json?task=zebra")
    assert '<p class="remedy">name your own: evocircuits browse --task' in task.text


def test_an_empty_library_says_what_to_do_next(tmp_path):
    client = Client(Library(f"sqlite:///{tmp_path}/library.db"))
    assert "evocircuits evolve order" in client.get("/runs").text
    assert "evocircuits evolve order" in client.get("/motifs").text
    assert "evocircuits train" in client.get("/networks").text


def test_a_library_that_is_gone_or_damaged_is_told(tmp_path):
    library = Library(f"sqlite:///{tmp_path}/library.db")
    library.add([motif(0.6, score(0.9))])
    client, file = Client(library), tmp_path / "library.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * 20000)
    answer = client.get("/motifs")
    assert answer.status == 500
    assert "restore a copy" in answer.text
    file.unlink()
    answer = client.get("/motifs")
    assert answer.status >= 500
    assert "evocircuits library" in answer.text
    file.write_bytes(whole)
    assert client.get("/motifs").status == 200


def test_a_fault_of_ours_is_a_page_without_inner_workings(client, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(client.library, "listing", broken)
    answer = client.get("/motifs")
    assert answer.status == 500
    assert "Something is wrong" in answer.text
    assert "a secret" not in answer.text
    assert isinstance(answer.failure, ZeroDivisionError)  # which the server writes to its terminal


def test_a_form_that_is_none_is_refused(client):
    id = client.library.best("order").id
    for fields in ({"text": ""}, {"text": "x" * 2001}, {"text": "x" * 30000}):
        assert client.post(f"/motifs/{id}/notes", fields).status == 400
    assert client.post(f"/motifs/{id}/tags", {"add": "a" * 41}).status == 400
    assert client.post("/motifs/zebra/tags", {"add": "a"}).status == 404
    assert client.library.tags(id) == ("kept",)
