"""Motifs: identity, scores, JSON, and what is refused when one is read."""

import json
from dataclasses import replace

import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.genome import Genome, Pattern, PopulationGene, Port, ProjectionGene
from evocircuits.motif import Motif, MotifScore, Provenance


def score(raw: float = 0.75, task: str = "order", trials: int = 100, seed: int = 7) -> MotifScore:
    costs = {"spikes": 4.5, "synaptic_events": 30.0, "energy_pJ": 27.0, "version": "0.1.0"}
    return MotifScore(task, raw, raw - 0.05, raw + 0.05, 2 * raw - 1, trials, seed, **costs)


def motif(*scores: MotifScore) -> Motif:
    ear, out = Port("ear", 2), Port("out", 2)
    genome = Genome(
        inputs=(ear,),
        outputs=(out,),
        populations=(PopulationGene(1, True, 2, 10.0, 15.0, 2.0, 2.0, 5.0, port="out"),),
        projections=(ProjectionGene(10, ear.id, 1, Pattern("one_to_one"), 0.7, 1.0),),
    )
    provenance = Provenance(
        "evolved", "run-1", 1, 4, 2, "mutate", ("ab", "cd"), {"task": "order"}, {"numpy": "2.0"}
    )
    return Motif(genome, develop(genome, dt_ms=0.1), 0.1, provenance, scores)


def test_a_motif_has_its_circuits_id():
    assert motif().id == motif().circuit.id == motif(score()).id


def test_the_score_on_a_task_is_the_one_over_most_trials():
    kept = motif(
        score(0.9, trials=100),
        score(0.7, trials=5000),
        score(0.8, trials=100, seed=8),
        score(0.99, task="localise"),
    )
    assert kept.score_on("order").raw == 0.7
    assert kept.score_on("localise").raw == 0.99
    assert kept.score_on("other") is None


def test_a_score_of_the_same_task_trials_and_seed_is_replaced():
    once = motif().with_score(score(0.7))
    assert [s.raw for s in once.scores] == [0.7]
    assert [s.raw for s in once.with_score(score(0.8)).scores] == [0.8]
    assert [s.raw for s in once.with_score(score(0.8, seed=8)).scores] == [0.7, 0.8]
    assert [s.raw for s in once.with_score(score(0.8, trials=200)).scores] == [0.7, 0.8]
    assert [s.raw for s in once.with_score(score(0.8, task="localise")).scores] == [0.7, 0.8]


def test_json_and_back_is_the_same_motif():
    kept = motif(score(), score(task="localise"))
    assert Motif.from_dict(json.loads(json.dumps(kept.to_dict()))) == kept


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d.pop("genome"), "motif: expected the fields circuit, dt_ms"),
        (lambda d: d.update(colour="red"), "motif: expected the fields circuit, dt_ms"),
        (lambda d: d.update(id="0" * 64), "motif: expected id "),
        (lambda d: d["circuit"]["weight_pA"].append(1.0), "Circuit.weight_pA: expected 0 values; got 1"),
        (lambda d: d["circuit"].update(bias_pA=[1.0, 1.0]), "motif: expected id "),
        (lambda d: d["genome"].pop("inputs"), "genome: expected the fields"),
        (lambda d: d["provenance"].update(colour="red"), "motif: expected the fields of Motif.to_dict()"),
        (lambda d: d.update(provenance=None), "motif: expected the fields of Motif.to_dict()"),
        (lambda d: d["scores"][0].pop("raw"), "motif: expected the fields of Motif.to_dict()"),
        (lambda d: d["scores"][0].update(raw="much"), "motif: score raw: expected a number; got 'much'"),
        (lambda d: d["scores"][0].update(raw=float("nan")), "motif: score raw: expected a number; got nan"),
        (lambda d: d["scores"][0].update(low=True), "motif: score low: expected a number; got True"),
        (lambda d: d["scores"][0].update(trials="many"), "motif: score trials: expected"),
        (lambda d: d["scores"][0].update(task=None), "motif: score task: expected"),
        (lambda d: d.update(scores={"raw": 1}), "motif: "),
        (lambda d: d.update(dt_ms=0), "motif: dt_ms: expected a time step > 0; got 0"),
        (lambda d: d.update(dt_ms="0.1"), "motif: dt_ms: expected a time step > 0; got '0.1'"),
        (lambda d: d.update(dt_ms=float("nan")), "motif: dt_ms: expected a time step > 0; got nan"),
    ],
)
def test_a_malformed_motif_is_one_clear_line(spoil, message):
    data = json.loads(json.dumps(motif(score()).to_dict()))
    spoil(data)
    with pytest.raises(InputError) as error:
        Motif.from_dict(data)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [None, [], "motif", {}, 3])
def test_what_is_no_motif_at_all_is_one_clear_line(data):
    with pytest.raises(InputError, match=r"^motif: expected the fields circuit, dt_ms, genome"):
        Motif.from_dict(data)


def test_adding_a_score_leaves_the_first_motif_alone():
    first = motif()
    first.with_score(score())
    assert first.scores == ()
    assert replace(first) == first
