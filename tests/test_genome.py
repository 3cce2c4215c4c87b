"""Genomes: innovation ids, what is refused, JSON."""

import hashlib
import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.errors import InputError
from evocircuits.genome import (
    PATTERNS,
    Genome,
    Pattern,
    PopulationGene,
    Port,
    ProjectionGene,
    innovation,
    varied,
)
from evocircuits.plasticity import ShortTerm, SpikeTiming

REFERENCE = Path(__file__).parents[1] / "runs" / "reference" / "localise.motif.json"


def population(id: int, **changes) -> PopulationGene:
    constants = {
        "tau_m_ms": 10.0,
        "threshold_mV": 15.0,
        "t_ref_ms": 2.0,
        "tau_syn_ex_ms": 2.0,
        "tau_syn_in_ms": 5.0,
    }
    return PopulationGene(**{"id": id, "excitatory": True, "size": 3} | constants | changes)


def projection(id: int, source: int, target: int, **changes) -> ProjectionGene:
    rule = {"pattern": Pattern("all_to_all"), "strength": 0.5, "delay_ms": 1.0}
    return ProjectionGene(**{"id": id, "source": source, "target": target} | rule | changes)


EAR = Port("ear", 2)
OUT = Port("out", 3)


def genome(**changes) -> Genome:
    parts = {
        "inputs": (EAR,),
        "outputs": (OUT,),
        "populations": (population(1, port="out"), population(2, excitatory=False, size=4)),
        "projections": (projection(10, EAR.id, 1), projection(11, 1, 2), projection(12, 2, 1)),
    }
    return Genome(**parts | changes)


@given(st.lists(st.one_of(st.text("abc", min_size=1), st.integers(0, 2**52 - 1)), min_size=1, max_size=4))
def test_innovation_ids_repeat_and_fit_52_bits(ancestry):
    assert innovation(*ancestry) == innovation(*ancestry)
    assert 0 <= innovation(*ancestry) < 2**52


def test_innovation_ids_depend_on_content_and_order():
    ids = [
        innovation("split", 1, 2),
        innovation("split", 2, 1),
        innovation("split", 12),
        innovation("add", 1, 2),
    ]
    assert len(set(ids)) == len(ids)


def test_an_innovation_id_is_the_same_on_every_machine():
    # 52 bits are 13 hexadecimal digits
    assert innovation("port", "ear") == int(hashlib.sha256(b"port|ear").hexdigest()[:13], 16)
    assert Port("ear", 2).id == Port("ear", 7).id == innovation("port", "ear")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"populations": (population(1, port="out"), population(1))},
            "expected distinct innovation ids; 1 came twice",
        ),
        (
            {"populations": (population(1, port="out"), population(10))},
            "expected distinct innovation ids; 10 came twice",
        ),
        ({"inputs": (EAR, EAR)}, f"expected distinct innovation ids; {EAR.id} came twice"),
        (
            {"populations": (population(1, port="out", size=0), population(2))},
            "population 1: size: expected a value > 0; got 0",
        ),
        (
            {"populations": (population(1, port="out"), population(2, tau_m_ms=0.0))},
            "population 2: tau_m_ms: expected a value > 0; got 0.0",
        ),
        (
            {"populations": (population(1, port="out"), population(2, tau_syn_in_ms=float("nan")))},
            "population 2: tau_syn_in_ms: expected a value > 0; got nan",
        ),
        (
            {"populations": (population(1, port="out"), population(2, t_ref_ms=-1.0))},
            "population 2: t_ref_ms: expected a value ≥ 0; got -1.0",
        ),
        (
            {"populations": (population(1, port="out"), population(2, threshold_mV=-1.0))},
            "population 2: threshold_mV: expected a value > 0; got -1.0",
        ),
        (
            {"projections": (projection(10, 3, 1),)},
            "projection 10: expected a known source and target; got 3→1",
        ),
        (
            {"projections": (projection(10, 1, 3),)},
            "projection 10: expected a known source and target; got 1→3",
        ),
        ({"projections": (projection(10, 1, EAR.id),)}, "projection 10: expected a known source and target"),
        (
            {"projections": (projection(10, 1, 2, strength=0.0),)},
            "projection 10: expected strength and delay > 0; got 0.0",
        ),
        (
            {"projections": (projection(10, 1, 2, strength=-1.0),)},
            "projection 10: expected strength and delay > 0",
        ),
        (
            {"projections": (projection(10, 1, 2, strength=float("nan")),)},
            "projection 10: expected strength and delay > 0",
        ),
        (
            {"projections": (projection(10, 1, 2, delay_ms=0.0),)},
            "projection 10: expected strength and delay > 0",
        ),
        (
            {"projections": (projection(10, 1, 2, plasticity=SpikeTiming(max_weight=0.49)),)},
            "projection 10: expected the max_weight of its rule ≥ its strength 0.5; got 0.49",
        ),
        (
            {"outputs": (Port("out", 4),)},
            "output port 'out': expected excitatory populations of 4 neurons in all; got 3 E",
        ),
        (
            {"outputs": (OUT, Port("eye", 1))},
            "output port 'eye': expected excitatory populations of 1 neurons in all",
        ),
        (
            {"populations": (population(1, port="out", excitatory=False), population(2))},
            "output port 'out': expected excitatory populations",
        ),
    ],
)
def test_a_genome_that_cannot_be_is_one_clear_line(changes, message):
    with pytest.raises(InputError) as error:
        genome(**changes)
    assert str(error.value).startswith(f"genome: {message}")
    assert "\n" not in str(error.value)


def test_two_populations_may_serve_one_port():
    populations = (
        population(1, port="out", size=1),
        population(2, size=9),
        population(3, port="out", size=2),
    )
    assert genome(populations=populations).population(3).port == "out"


def test_a_pattern_has_a_known_kind():
    assert [Pattern(kind).kind for kind in PATTERNS] == list(PATTERNS)
    with pytest.raises(
        InputError, match=r"pattern: expected one of one_to_one, all_to_all, .*; got 'spiral'"
    ):
        Pattern("spiral")


def test_genes_and_genomes_are_immutable():
    for gene, field in (
        (genome(), "populations"),
        (population(1), "size"),
        (projection(1, 1, 1), "strength"),
        (EAR, "size"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(gene, field, 1)


def test_look_ups_by_id():
    assert genome().population(2).size == 4
    assert (genome().size_of(EAR.id), genome().size_of(1), genome().size_of(2)) == (2, 3, 4)
    assert [j.id for j in genome().incoming(1)] == [10, 12]


def test_with_genes_gives_a_new_genome_and_checks_it():
    first = genome()
    second = first.with_genes(projections=first.projections[:1])
    assert [j.id for j in second.projections] == [10]
    assert second.populations == first.populations
    assert len(first.projections) == 3
    with pytest.raises(InputError, match="output port 'out'"):
        first.with_genes(populations=first.populations[1:], projections=())


def test_valid_genes_give_the_genome_that_checked_ones_give():
    first = genome()
    assert first.with_valid_genes(projections=first.projections[:1]) == first.with_genes(
        projections=first.projections[:1]
    )
    more = [*first.populations, population(3, size=9)]
    second = first.with_valid_genes(populations=more)
    assert second == first.with_genes(populations=more)
    assert hash(second) == hash(first.with_genes(populations=more))
    assert (second.size_of(3), second.structure - first.structure) == (9, {3})
    assert first == genome()


@given(st.sampled_from([population(1), projection(2, 1, 1, plasticity=ShortTerm())]), st.booleans())
def test_a_varied_gene_is_the_replaced_one(gene, frozen):
    changed = varied(gene, id=7, frozen=frozen)
    assert changed == replace(gene, id=7, frozen=frozen)
    assert hash(changed) == hash(replace(gene, id=7, frozen=frozen))
    assert gene.id != 7


def test_ports_have_names():
    with pytest.raises(InputError, match=r"^genome: port: expected a name; got None$"):
        Port(None, 2)


def test_json_and_back_is_the_same_genome():
    pattern = Pattern("sparse", 0.25, 7)
    first = genome(projections=(projection(10, 1, 2, pattern=pattern, delay_gradient_ms=-0.02, frozen=True),))
    assert Genome.from_dict(json.loads(json.dumps(first.to_dict()))) == first


@pytest.mark.parametrize("rule", [ShortTerm(0.2, 100.0, 50.0), SpikeTiming(max_weight=0.5, alpha=1.1)])
def test_json_and_back_keeps_the_rule_of_a_projection(rule):
    first = genome(projections=(projection(10, 1, 2, plasticity=rule), projection(11, 2, 1)))
    data = json.loads(json.dumps(first.to_dict()))
    assert Genome.from_dict(data) == first
    assert ["plasticity" in row for row in data["projections"]] == [True, False]


def test_a_static_genome_is_written_as_before_there_was_plasticity():
    (row,) = genome(projections=(projection(10, 1, 2),)).to_dict()["projections"]
    assert row == {
        "id": 10,
        "source": 1,
        "target": 2,
        "pattern": {"kind": "all_to_all", "value": 0.0, "seed": 0},
        "strength": 0.5,
        "delay_ms": 1.0,
        "delay_gradient_ms": 0.0,
        "frozen": False,
    }
    assert Genome.from_dict(
        genome().to_dict() | {"projections": [row | {"plasticity": None}]}
    ).projections == (projection(10, 1, 2),)


def test_the_reference_motifs_genome_round_trips_unchanged():
    written = json.loads(REFERENCE.read_text(encoding="utf-8"))["genome"]
    read = Genome.from_dict(written)
    assert read.to_dict() == written
    assert all(j.plasticity is None for j in read.projections)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("inputs"),
        lambda d: d.update(populations=None),
        lambda d: d["populations"][0].pop("size"),
        lambda d: d["populations"][0].update(colour="red"),
        lambda d: d["populations"][0].update(size=2.5),
        lambda d: d["populations"][0].update(size=True),
        lambda d: d["populations"][0].update(excitatory=1),
        lambda d: d["populations"][0].update(port=5),
        lambda d: d["populations"][0].update(bias_pA=float("nan")),
        lambda d: d["populations"][0].update(bias_pA=float("inf")),
        lambda d: d["populations"][0].update(bias_pA=10**400),
        lambda d: d["populations"][0].update(tau_m_ms="10"),
        lambda d: d["projections"][0].update(strength=None),
        lambda d: d["projections"][0].update(pattern="all_to_all"),
        lambda d: d["projections"][0].update(pattern={"kind": "shifted", "value": "one"}),
        lambda d: d["projections"][0].update(pattern={"kind": "shifted", "value": float("inf")}),
        lambda d: d["projections"][0].update(pattern={"kind": "sparse", "value": 0.5, "seed": 1.5}),
        lambda d: d["projections"][0].update(pattern={"kind": "sparse", "value": 0.5, "seed": -1}),
        lambda d: d["projections"][0].update(pattern={"kind": ["sparse"]}),
        lambda d: d["projections"][0].update(plasticity="hebb"),
        lambda d: d["projections"][0].update(plasticity={"rule": "hebb"}),
        lambda d: d["projections"][0].update(plasticity={"rule": "short_term", "tau_rec_ms": float("nan")}),
        lambda d: d["projections"][0].update(plasticity={"rule": "spike_timing", "max_weight": 0.1}),
        lambda d: d["projections"].append(None),
        lambda d: d["inputs"][0].update(size="two"),
        lambda d: d["inputs"][0].update(size=0),
        lambda d: d["inputs"][0].update(name=None),
    ],
)
def test_a_malformed_dictionary_is_one_clear_line(spoil):
    data = genome().to_dict()
    spoil(data)
    with pytest.raises(InputError) as error:
        Genome.from_dict(data)
    assert str(error.value).startswith(("genome: ", "pattern: ", "plasticity", "ShortTerm."))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("data", [None, [], "genome", {}, 3])
def test_what_is_no_genome_at_all_is_one_clear_line(data):
    with pytest.raises(InputError, match=r"^genome: expected the fields of Genome.to_dict\(\); "):
        Genome.from_dict(data)


def test_a_change_leaves_ids_alone():
    assert replace(population(1), tau_m_ms=20.0).id == 1
