import json
from dataclasses import replace
from functools import cache

import pytest

from evocircuits.certificate import Certificate
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.measure import Baseline, ablated, certify, minimal_motif, score_circuit
from evocircuits.measure.certify import MINIMAL
from evocircuits.search.executor import SerialExecutor
from evocircuits.tasks import TASKS, get_task
from tests.measure import irrelevant
from tests.measure.planted import USELESS, hand_wired, with_useless_cells

QUICK = ("order", "spacing", "synchrony", "temporal_xor", "winner", "route", "localise")


@cache
def needs(task: str) -> Certificate:
    return certify(hand_wired(task), task, trials=300, sections=["needs"])


class TestTextbooks:
    @pytest.mark.parametrize("task", QUICK)
    def test_what_a_reference_claims_to_need_is_necessary(self, task):
        assert {needs(task).verdict(claim) for claim in TASKS[task].claim} == {"necessary"}

    def test_the_jeffress_bank_needs_its_delays_each_in_its_place(self):
        certificate = needs("localise")
        assert certificate.verdict("places of delays") == "necessary"
        assert certificate.finding("delays").score == pytest.approx(0, abs=0.05)
        assert "that delays differ is necessary (−0.8" in " ".join(v.text for v in certificate.verdicts)

    def test_the_winner_circuit_needs_inhibition_through_its_pool(self):
        certificate = needs("winner")
        needed = ("inhibition", "recurrence", "neuron I1", "projection E1 → I1", "projection I1 → E1")
        assert {certificate.verdict(key) for key in (*needed, "polarity I1")} == {"necessary"}

    def test_the_gate_needs_inhibition_of_inhibition(self):
        certificate = needs("route")
        needed = ("inhibition I → I", "inhibition I → E", "projection I2 → I1", "population I2")
        assert {certificate.verdict(key) for key in needed} == {"necessary"}
        assert "disinhibition" in {row.name for row in certificate.structures}

    def test_order_does_without_its_differences_of_delay(self):
        """The veto comes in time through equal delays, too."""
        assert needs("order").verdict("delays") == "irrelevant"


class TestUselessCells:
    def test_are_found_useless_by_population_projection_and_neuron(self):
        certificate = certify(with_useless_cells("winner"), "winner", trials=300, sections=["needs"])
        useless = {v.finding for v in certificate.verdicts if v.word == "useless"}
        assert useless >= USELESS
        assert certificate.verdict("neuron I1") == "necessary"
        assert certificate.verdict("polarity I2") is not None

    def test_are_not_in_the_minimal_form(self):
        motif = with_useless_cells("order")
        certificate = certify(motif, "order", trials=100, sections=["minimal"])
        assert (certificate.minimal.neurons, certificate.minimal.synapses) == (2, 3)
        assert certificate.verdict(MINIMAL) == "enough"
        small = minimal_motif(motif, certificate)
        assert small.provenance.parents == (motif.id,)
        assert develop(small.genome, dt_ms=small.dt_ms) == small.circuit
        assert score_circuit(small.circuit, get_task("order"), seed=0, n_trials=100).raw == 1.0


@pytest.mark.parametrize("task", ["order", "route"])
def test_a_circuit_without_anything_to_spare_has_no_minimal_form(task):
    motif = hand_wired(task)
    certificate = certify(motif, task, trials=60, sections=["minimal"])
    assert certificate.minimal is minimal_motif(motif, certificate) is None
    assert certificate.notes == ("nothing can go without loss: the circuit is its own minimal form",)


@cache
def whole() -> tuple[Certificate, dict]:
    """A certificate of all sections, and the pieces it was made of."""
    told: dict = {}
    motif = hand_wired("route")
    return certify(motif, "route", trials=40, controls=20, on_finished=told.__setitem__), told


class TestWhole:
    def test_has_rows_of_every_kind(self):
        certificate, _ = whole()
        assert {row.kind for row in certificate.findings} == {"knock-out", "change", "control", "robustness"}
        for key in ("weight noise of 50 %", "weights of 2 bits", "half the time step", "random", "rewired"):
            certificate.finding(key)
        assert certificate.census

    def test_goes_through_json(self):
        certificate, _ = whole()
        assert Certificate.from_dict(json.loads(json.dumps(certificate.to_dict()))) == certificate

    def test_verdicts_quote_their_findings(self):
        certificate, _ = whole()
        for verdict in certificate.verdicts:
            assert verdict.text.endswith(f"({certificate.finding(verdict.finding).figures})")

    def test_beats_its_controls(self):
        certificate, _ = whole()
        row = certificate.finding("random")
        assert (row.n, row.percentile) == (20, 100.0)
        assert row.p == pytest.approx(1 / 21)
        assert row.score == pytest.approx(certificate.score + row.effect, abs=0.06)

    def test_withstands_what_changes_nothing(self):
        certificate, _ = whole()
        assert certificate.finding("half the time step").effect == pytest.approx(0, abs=0.03)
        withstood = [v.text for v in certificate.verdicts if v.word == "withstood"]
        assert any(text.startswith("it withstands weight noise of ") for text in withstood)

    def test_resumes_from_any_part_and_is_the_same_on_any_pool(self):
        certificate, told = whole()
        half = dict(json.loads(json.dumps(list(told.items())[::2])))
        again, seen = {}, []
        with SerialExecutor() as pool:
            resumed = certify(
                hand_wired("route"),
                "route",
                trials=40,
                controls=20,
                pool=pool,
                finished=half,
                on_finished=again.__setitem__,
                on_progress=lambda done, of: seen.append((done, of)),
            )
        assert resumed == certificate
        assert half.keys().isdisjoint(again)
        assert half | again == told
        assert seen[-1] == (len(told), len(told))
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_the_genome_does_not_tell_is_noted_and_neurons_stand_alone():
    motif = replace(hand_wired("winner"), genome=get_task("order").reference())
    certificate = certify(motif, "winner", trials=100, sections=["needs"])
    assert "neurons were tested one by one" in certificate.notes[0]
    assert certificate.verdict("neuron I1") == certificate.verdict("neuron E4") == "necessary"
    assert not any(row.key.startswith(("population", "projection")) for row in certificate.findings)


def test_a_baseline_is_a_control():
    motif = hand_wired("order")
    silent = replace(motif.circuit, weight_pA=0 * motif.circuit.weight_pA, inputs=motif.circuit.inputs)
    certificate = certify(motif, "order", trials=100, sections=[], baseline=Baseline(silent, 5000))
    row = certificate.finding("random search")
    assert (row.kind, row.effect) == ("control", -1.0)
    assert row.what == "the best that random search found in 5,000 evaluations"
    assert certificate.verdict("random search") == "specific"


def test_a_circuit_at_chance_needs_nothing_and_has_no_minimal_form():
    motif = irrelevant.guessing_motif(0)
    certificate = certify(motif, irrelevant.COIN, trials=100, sections=["minimal"])
    assert certificate.minimal is None
    assert "no better than chance" in certificate.notes[0]


def test_a_closed_loop_has_a_certificate_too():
    certificate = certify(hand_wired("cartpole"), "cartpole", trials=30, controls=2, sections=["needs"])
    assert certificate.verdict("inhibition") == certificate.verdict("recurrence") == "necessary"


def test_a_closed_loop_meets_no_other_input():
    """Here by a circuit that soon lets the pole fall."""
    good = hand_wired("cartpole")
    bad = replace(good, circuit=ablated(good.circuit, "inhibition"))
    certificate = certify(bad, "cartpole", trials=30, controls=2, sections=["robustness"])
    assert certificate.notes[-1] == (
        "the circuit decides what it meets: its input and the time step were left as they are"
    )
    assert not any("input" in row.key or "step" in row.key for row in certificate.findings)
    assert {row.n for row in certificate.findings} == {20, 30}


def test_the_task_says_how_many_trials_make_a_certificate():
    assert certify(hand_wired("cartpole"), "cartpole", controls=2, sections=[]).trials == 200
    assert certify(hand_wired("order"), "order", sections=[]).trials == 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "winner"}, "task winner: expected a circuit with ports .*rate.*; got .*'a': 1"),
        ({"task": "love"}, "task: expected one of order, "),
        ({"sections": ["love"]}, "sections: expected some of needs, .*; got 'love'"),
        ({"trials": 5}, "certify: trials: expected a whole number ≥ 30; got 5"),
        ({"controls": 1}, "certify: controls: expected a whole number ≥ 2; got 1"),
    ],
)
def test_wrong_requests_are_one_clear_line(changes, message):
    with pytest.raises(InputError, match=message):
        certify(hand_wired("order"), **{"task": "order", "trials": 30} | changes)


def test_nothing_is_said_to_matter_where_nothing_does():
    """At most once in eight circuits; `irrelevant` counts in as many as one likes, of which 8 % may be."""
    found = irrelevant.certificates(range(8), trials=128)
    assert irrelevant.lively(found) > 0.5 * sum(len(c.findings) for c in found)
    assert irrelevant.false_positives(found) <= 1
