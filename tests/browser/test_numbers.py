"""What pages compute: charts, arms of networks, marks, trees, differences; and that they keep no run waiting."""

import asyncio
import re
import sqlite3
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from anyio.to_thread import current_default_thread_limiter
from sqlalchemy import event

from evocircuits.browser import charts
from evocircuits.browser.app import AT_ONCE
from evocircuits.browser.changes import genes, numbers, own_synapses
from evocircuits.browser.drawing import Picture
from evocircuits.browser.family import MOST, family_tree
from evocircuits.browser.forest import forest
from evocircuits.browser.marks import interval_bar, spark_line
from evocircuits.browser.runs import Summary
from evocircuits.browser.trained import Interval, groups
from evocircuits.development import develop
from evocircuits.library import Library
from evocircuits.library.runs import RunRow
from evocircuits.lineage import Birth, Lineage
from tests.browser.asgi import Client
from tests.browser.shelves import (
    FINISHED,
    RUNNING,
    certificate,
    filled,
    lineage_of,
    reference,
    report,
    trainings,
)
from tests.library.motifs import motif, score


class TestCharts:
    def test_history_has_best_median_and_every_island(self):
        chart = charts.history([report(k) for k in (1, 2, 3)], {"target": 0.9})
        lines = {trace["name"]: trace["y"] for trace in chart["data"]}
        assert lines["best"] == [0.5, 0.75, 0.875]
        assert lines["median"] == pytest.approx([0.3, 0.55, 0.675])
        assert lines["island 1"] == pytest.approx([0.48, 0.73, 0.855])
        assert chart["layout"]["shapes"][0]["y0"] == 0.9
        assert chart["layout"]["annotations"][0]["text"] == "target"

    def test_before_the_first_epoch_there_is_nothing_to_draw(self):
        assert (
            charts.history([], {})
            is charts.speed([])
            is charts.diversity([])
            is charts.objective([], "score")
            is None
        )
        assert charts.fronts([report(1)], ["score", "energy"]) is None
        assert charts.found([], []) is charts.archive([], ["neurons", "spikes"]) is None

    def test_objectives_are_bands_around_the_median(self):
        data = charts.objective([report(1), report(2)], "energy")["data"]
        assert [trace["y"] for trace in data] == [[10, 10], [200, 200], [20, 20], [60, 60], [40, 40]]
        assert [trace.get("fill") for trace in data] == [None, "tonexty", None, "tonexty", None]

    def test_an_island_that_tells_nothing_leaves_a_gap(self):
        first, second = report(1), report(2)
        del first["islands"][1]["diversity"]
        lines = [trace["y"] for trace in charts.diversity([first, second])["data"]]
        assert lines == [
            [0.38, pytest.approx(0.36)],
            [None, pytest.approx(0.36)],
            [0.38, pytest.approx(0.36)],
        ]

    def test_speed_is_evaluations_per_second(self):
        assert charts.speed([report(1)])["data"][0]["y"] == [100.0]

    def test_fronts_are_points_by_epoch_in_the_first_two_objectives(self):
        told = [report(1), report(2)]
        told[0]["islands"][0]["front"] = [[0.5, 20.0, 3], [0.4, 10.0, 2]]
        told[1]["islands"][1]["front"] = [[0.9, 30.0, 3]]
        (trace,) = charts.fronts(told, ["score", "energy", "neurons"])["data"]
        assert (trace["y"], trace["x"], trace["customdata"]) == (
            [0.5, 0.4, 0.9],
            [20.0, 10.0, 30.0],
            [1, 1, 2],
        )

    def test_an_archive_has_the_best_of_each_cell_and_leads_to_its_motif(self):
        rows = [
            {"motif": "a", "cell": [0, 1], "score": 0.3},
            {"motif": "b", "cell": [0, 1], "score": 0.7},
            {"motif": "c", "cell": [9, 11], "score": 0.5},
        ]
        (trace,) = charts.archive(rows, ["neurons", "spikes"])["data"]
        assert (len(trace["z"]), len(trace["z"][0])) == (12, 10)
        assert (trace["z"][1][0], trace["customdata"][1][0]) == (0.7, "/motifs/b")
        assert trace["z"][11][9] == 0.5
        assert sum(value is not None for row in trace["z"] for value in row) == 2
        assert charts.archive(rows, ["neurons"]) is None

    def test_motifs_of_the_front_are_joined_in_the_order_of_energy(self, library):
        rows = library.listing(task="place", limit=5)
        chart = charts.found(rows, [rows[2].id, rows[0].id])
        rest, front = chart["data"]
        assert (len(rest["x"]), len(front["x"])) == (3, 2)
        assert front["x"] == sorted(front["x"])
        assert set(front["customdata"]) == {f"/motifs/{rows[k].id}" for k in (0, 2)}

    def test_runs_are_compared_by_what_they_spent(self):
        chart = charts.histories([("one", [report(1), report(2)]), ("<b>two</b>", [report(1)])])
        assert [trace["x"] for trace in chart["data"]] == [[400, 800], [400]]
        assert chart["data"][1]["name"] == "&lt;b&gt;two&lt;/b&gt;"

    def test_learning_and_costs_are_of_every_arm(self):
        (group,) = groups(trainings(reference("order", 1.0)))
        lines = [
            trace
            for trace in charts.learning(group)["data"]
            if not trace.get("fill") and trace.get("showlegend")
        ]
        assert [trace["name"] for trace in lines] == ["dense", "motif"]
        assert len({trace["line"]["dash"] for trace in lines}) == 2
        points = charts.costs(group)["data"]
        assert [point["x"] for point in points] == [[10_000.0], [10_000.0]]
        assert len({point["marker"]["symbol"] for point in points}) == 2


def test_a_run_in_numbers():
    told = Summary(
        RunRow("r", {"task": ["a", "b"], "epochs": 6}, 1, {}, "running", 2, [report(1), report(2)])
    )
    assert (told.task, told.epochs, told.evaluations, told.seconds, told.rate) == (
        "a + b",
        6,
        800,
        8.0,
        100.0,
    )
    assert told.seconds_left == 16.0
    assert told.operators[0] == ("strength", {"uses": 80, "better": 24, "kept": 12})
    fresh = Summary(RunRow("r", {"epochs": 6}, 1, {}, "running", 0, []))
    assert (fresh.rate, fresh.seconds_left, fresh.last, fresh.bests) == (None, None, {}, [])


def test_intervals_are_students():
    # of 1, 2, 3: mean 2, standard error 1/√3, t = 4.303
    interval = Interval.of([1.0, 2.0, 3.0])
    assert (interval.mean, interval.high - interval.mean) == pytest.approx(
        (2.0, 4.303 / np.sqrt(3)), abs=1e-3
    )
    assert Interval.of([5.0]) == Interval(5.0, 5.0, 5.0)
    assert Interval.of_shares([0.1, 0.9]) == Interval(0.5, 0.0, 1.0)


def test_arms_are_of_one_comparison_each():
    rows = trainings(reference("order", 1.0))
    (group,) = groups(rows)
    assert [(arm.name, arm.seeds) for arm in group.arms] == [("dense", 3), ("motif", 3)]
    assert len(group.arms[0].curve) == 4
    assert len(groups([*rows, *trainings(motif(0.6))])) == 2


def test_marks_lie_between_chance_and_ceiling():
    bar = interval_bar(score(0.75, low=0.5, high=1.0), 0.5, 1.0)
    assert 'cx="100.0"' in bar  # half of the way
    assert re.search(r'class="interval" x="0.0" y="3" width="200.0"', bar)
    assert 'cx="0.0"' in interval_bar(score(0.2), 0.5, 1.0)
    assert 'cx="100.0"' in interval_bar(score(0.75))  # by its normalised score alone
    assert spark_line([]) == ""
    line = ET.fromstring(spark_line([0.0, 1.0]))
    assert line[0].get("points") == "3.0,21.0 93.0,3.0"


def test_a_tree_has_a_row_for_everyone_and_links_to_motifs():
    child = reference("order", 1.0)
    births = {birth.child: birth for birth in lineage_of(child)}
    tree = family_tree(Lineage(child.id, births), {child.id: "order 1.000", "b" * 64: "order 0.500"})
    svg = ET.fromstring(tree)
    assert len(list(svg.iter("circle"))) == 4
    assert [a.get("href") for a in svg.iter("a")] == ["/motifs/" + "b" * 64]
    assert [path.get("class") for path in svg.iter("path")].count("donor") == 1
    rows = [circle.get("cy") for circle in svg.iter("circle")]
    assert len(set(rows)) == 4
    assert "add + strength" in tree
    assert tree.count("founder <") == 2
    assert "order 1.000" in tree


def test_a_tree_of_unknown_birth_and_a_long_one():
    assert "of unknown birth" in family_tree(Lineage("a" * 64, {}), {})
    chain = {f"{k:064}": Birth(f"{k:064}", (f"{k + 1:064}",), "delay") for k in range(MOST + 50)}
    assert family_tree(Lineage(f"{0:064}", chain), {}).count("<circle") == MOST


def test_findings_stand_by_kind_the_largest_loss_first():
    told = forest(certificate(reference("order", 1.0)))
    assert [title for title, _ in told.groups] == [
        "knocked out",
        "changed",
        "other circuits in its place",
        "strained",
    ]
    assert [row.what for row in told.groups[0][1]] == ["without inhibition", "without neuron 1"]
    assert [row.word for row in told.groups[0][1]] == ["necessary", "useless"]
    assert told.low == pytest.approx(-0.63)


class TestCompared:
    def test_numbers_that_differ_are_marked(self):
        one, other = motif(0.6, score(0.9)), motif(0.6, score(0.8), hidden=3)
        rows = {row.what: row for row in numbers([one, other])}
        assert rows["inhibitory neurons"].cells == ("2", "3")
        assert rows["inhibitory neurons"].differs
        assert not rows["excitatory neurons"].differs
        assert rows["order: score"].cells == ("0.900", "0.800")

    def test_genes_are_the_same_where_their_ids_are(self):
        one, other = motif(0.6), motif(0.7)
        populations, projections = genes([one, other])
        assert [row.differs for row in populations] == [False, False]
        assert {row.what: row.differs for row in projections} == {
            "ear → E1": True,
            "E1 → I1": False,
            "I1 → E1": False,
        }

    def test_synapses_of_its_own_join_what_is_not_joined_elsewhere(self):
        one = motif(0.6)
        fewer = one.genome.with_genes(projections=one.genome.projections[:2])  # without I1 → E1
        other = replace(one, genome=fewer, circuit=develop(fewer, dt_ms=0.1))
        pictures = [Picture.of(m.circuit, m.genome) for m in (one, other)]
        mine, theirs = own_synapses([one, other], pictures)
        assert not theirs.any()
        assert [line.excitatory for line, own in zip(pictures[0].synapses, mine, strict=True) if own] == [
            False
        ] * 3
        assert not own_synapses([one, motif(0.9)], [pictures[0]] * 2)[0].any()


PAGES = (
    "/runs",
    f"/runs/{FINISHED}",
    f"/runs/{FINISHED}/charts.json",
    "/motifs?task=place&page=2",
    "/motifs?text=first&front=energy&task=order",
    "/motifs/{id}",
    "/motifs/{id}/thumbnail.svg",
    "/compare?id={id}&id=best:place",
    "/networks",
)


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Library:
    return filled(tmp_path_factory.mktemp("own") / "library.db")


def test_no_page_holds_the_library_for_long_or_writes_to_it(own):
    """So that no commit of a run waits for one."""
    client, id, began, took_ms, said = Client(own), own.best("order").id, {}, [], []
    engine = own.database.engine

    @event.listens_for(engine, "begin")
    def begin(connection):
        began[connection] = time.thread_time()

    @event.listens_for(engine, "commit")
    def commit(connection):
        took_ms.append(1000 * (time.thread_time() - began.pop(connection)))

    @event.listens_for(engine, "before_cursor_execute")
    def execute(_connection, _cursor, statement, *_):
        said.append(statement.split()[0])

    file = own.url.removeprefix("sqlite:///")
    for page in PAGES:
        assert client.get(page.format(id=id)).status == 200
        assert began == {}
        with sqlite3.connect(file, timeout=0) as writer:  # which fails at once where anybody reads
            writer.execute("UPDATE run SET epoch = epoch")
    assert len(took_ms) > len(PAGES)
    assert max(took_ms) < 50
    assert set(said) <= {"SELECT", "WITH", "PRAGMA", "BEGIN"}


def test_few_requests_are_answered_at_once(own):
    """Threads that take turns hold what they read longer."""

    async def most() -> float:
        app = Client(own).app.app
        async with app.router.lifespan_context(app):
            return current_default_thread_limiter().total_tokens

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests has a loop in this one
        assert thread.submit(asyncio.run, most()).result() == AT_ONCE


def test_a_run_goes_on_while_pages_are_read(own):
    client = Client(own)
    beats = [client.get("/pulse").text]
    for epoch in range(2, 6):
        assert client.get("/pulse").text == beats[-1]
        own.commit_epoch(RUNNING, epoch, {0: bytes(50_000)}, report(epoch))
        assert f"epoch {epoch} of" in client.get(f"/runs/{RUNNING}").text
        beats.append(client.get("/pulse").text)
    assert len(set(beats)) == 5
