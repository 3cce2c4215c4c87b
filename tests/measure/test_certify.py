import json
from dataclasses import replace
from functools import cache

import pytest

from evocircuits.certificate import Certificate
from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, ProjectionGene
from evocircuits.measure import certify, minimal_motif, score_circuit
from evocircuits.measure.certify import MINIMAL
from evocircuits.motif import Motif, Provenance
from evocircuits.search.executor import SerialExecutor
from evocircuits.tasks import TASKS, get_task
from tests.measure import irrelevant

QUICK = ("order", "spacing", "synchrony", "temporal_xor", "winner", "route", "localise")


def motif_of(genome: Genome, task: str) -> Motif:
    dt_ms = get_task(task).dt_ms
    return Motif(genome, develop(genome, dt_ms=dt_ms), dt_ms, Provenance("hand-wired"))


def reference(task: str) -> Motif:
    return motif_of(get_task(task).reference(), task)


@cache
def needs(task: str) -> Certificate:
    return certify(reference(task), task, trials=300, sections=["needs"])


def with_useless_cells(task: str) -> Motif:
    """The reference and three inhibitory cells that an input drives, and that inhibit one another only."""
    genome = get_task(task).reference()
    port = genome.inputs[0]
    cells = PopulationGene(7, False, 3, 10.0, 15.0, 2.0, 2.0, 5.0)
    driven = ProjectionGene(8, port.id, 7, Pattern("all_to_all"), 2.0, 1.0)
    mutual = ProjectionGene(9, 7, 7, Pattern("all_but_self"), 1.0, 1.0)
    return motif_of(
        genome.with_genes(
            populations=[*genome.populations, cells], projections=[*genome.projections, driven, mutual]
        ),
        task,
    )


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
        planted = {
            "population I2",
            "projection I2 → I2",
            "projection rate → I2",
            *(f"neuron I2[{k}]" for k in range(3)),
        }
        useless = {v.finding for v in certificate.verdicts if v.word == "useless"}
        assert planted <= useless
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
    motif = reference(task)
    certificate = certify(motif, task, trials=60, sections=["minimal"])
    assert certificate.minimal is minimal_motif(motif, certificate) is None
    assert certificate.notes == ("nothing can go without loss: the circuit is its own minimal form",)


@cache
def whole() -> tuple[Certificate, dict]:
    """A certificate of all sections, and the pieces it was made of."""
    told: dict = {}
    motif = reference("route")
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
                reference("route"),
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
    motif = replace(reference("winner"), genome=get_task("order").reference())
    certificate = certify(motif, "winner", trials=100, sections=["needs"])
    assert "neurons were tested one by one" in certificate.notes[0]
    assert certificate.verdict("neuron I1") == certificate.verdict("neuron E4") == "necessary"
    assert not any(row.key.startswith(("population", "projection")) for row in certificate.findings)


def test_a_baseline_is_a_control():
    motif = reference("order")
    silent = replace(motif.circuit, weight_pA=0 * motif.circuit.weight_pA, inputs=motif.circuit.inputs)
    certificate = certify(motif, "order", trials=100, sections=[], baseline=silent)
    row = certificate.finding("random search")
    assert (row.kind, row.effect) == ("control", -1.0)
    assert certificate.verdict("random search") == "specific"


def test_a_circuit_at_chance_needs_nothing_and_has_no_minimal_form():
    motif = irrelevant.deaf_motif(0)
    certificate = certify(motif, "temporal_xor", trials=100, sections=["minimal"])
    assert certificate.minimal is None
    assert "no better than chance" in certificate.notes[0]


def test_a_closed_loop_meets_no_other_input():
    motif = reference("cartpole")
    certificate = certify(motif, "cartpole", trials=20, controls=2, sections=["robustness"])
    assert certificate.notes == (
        "the circuit decides what it meets: its input and the time step were left as they are",
    )
    assert not any("input" in row.key or "step" in row.key for row in certificate.findings)
    assert certificate.verdict("a loss of 5 % of the neurons") == "not withstood"


def test_the_task_says_how_many_trials_make_a_certificate():
    assert certify(reference("cartpole"), "cartpole", controls=2, sections=[]).trials == 200
    assert certify(reference("order"), "order", sections=[]).trials == 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "winner"}, "task winner: expected a circuit with ports .*rate.*; got .*'a': 1"),
        ({"task": "love"}, "task: expected one of order, "),
        ({"sections": ["love"]}, "sections: expected some of needs, .*; got 'love'"),
        ({"trials": 5}, "certify: trials: expected a whole number ≥ 20; got 5"),
        ({"controls": 1}, "certify: controls: expected a whole number ≥ 2; got 1"),
    ],
)
def test_wrong_requests_are_one_clear_line(changes, message):
    with pytest.raises(InputError, match=message):
        certify(reference("order"), **{"task": "order", "trials": 20} | changes)


def test_nothing_is_called_necessary_where_nothing_matters():
    """At most once in eight circuits; `irrelevant` counts in as many as one likes, of which 8 % may be."""
    found = irrelevant.certificates(8, trials=128)
    assert irrelevant.lively(found) > 0.5
    assert irrelevant.false_positives(found) <= 1
