"""Listings, by the words of a query; on a library that the test fills."""

from dataclasses import replace

import pytest

from evocircuits.errors import InputError
from evocircuits.library import Query
from evocircuits.library.choose import counted
from tests.library.motifs import motif, score


def sized(hidden: int, raw: float, energy_pJ: float = 27.0, **changed):
    """A motif of 3 E and `hidden` I neurons."""
    return motif(0.6, score(raw, energy_pJ=energy_pJ), hidden=hidden, **changed)


@pytest.fixture
def four(library):
    """From good and dear to bad and cheap, and one that others beat."""
    motifs = [sized(4, 0.9, 40.0), sized(3, 0.8, 30.0), sized(2, 0.7, 20.0), sized(1, 0.6, 35.0)]
    library.add(motifs)
    return [m.id for m in motifs]


def ids(library, **words) -> list[str]:
    return [row.id for row in library.listing(**words)]


class TestOrder:
    def test_is_by_score_unless_a_cost_is_named(self, library, four):
        assert ids(library) == ids(library, task="order") == four
        assert ids(library, sort="energy") == [four[2], four[1], four[3], four[0]]
        assert ids(library, sort="neurons") == ids(library, sort="synapses") == four[::-1]

    def test_of_equal_costs_is_by_score(self, library, four):
        assert ids(library, task="order", sort="spikes") == four

    def test_without_a_task_goes_task_after_task_and_unscored_ones_come_last(self, library, four):
        elsewhere = motif(0.3, score(0.99, task="winner"))
        elsewhere = replace(elsewhere, provenance=replace(elsewhere.provenance, recipe={"task": "winner"}))
        library.add([motif(0.2), elsewhere])
        assert ids(library) == [*four, elsewhere.id, motif(0.2).id]
        assert ids(library, sort="energy")[-1] == motif(0.2).id

    def test_pages_follow_on_each_other(self, library, four):
        assert ids(library, limit=2) + ids(library, limit=2, offset=2) == four
        assert ids(library, limit=2, offset=7) == []
        assert ids(library, offset=3) == four[3:]


class TestCounted:
    @pytest.mark.parametrize(
        ("words", "n"),
        [
            ({}, 4),
            ({"task": "order", "max_neurons": 6}, 3),
            ({"text": "zzzz"}, 0),
            ({"limit": 1, "offset": 3}, 4),
            ({"task": "order", "front": ("energy",)}, 3),
            ({"group": True}, 4),
        ],
    )
    def test_is_of_all_pages(self, library, four, words, n):
        assert library.database.read(counted, Query.of(**words), 9) == n

    def test_goes_no_further_than_asked(self, library, four):
        assert library.database.read(counted, Query(), 3) == 3
        assert library.database.read(counted, Query(group=True), 3) == 3


class TestRow:
    def test_tells_sizes_score_and_tags(self, library, four):
        library.tag(four[0], "kept", "a")
        row = library.listing(limit=1)[0]
        assert (row.id, row.run, row.operator, row.tags) == (four[0], "order-s1-abc", "mutate", ("a", "kept"))
        assert (row.excitatory, row.inhibitory, row.score.raw, row.alike) == (3, 4, 0.9, 1)
        assert row.score == sized(4, 0.9, 40.0).scores[0]

    def test_is_about_the_task_asked_for(self, library):
        library.add([motif(0.6, score(0.7), score(0.2, task="localise"))])
        assert library.listing(task="localise")[0].score.raw == 0.2
        assert library.listing()[0].score.raw == 0.7
        assert library.listing(task="winner") == []

    def test_of_ids_leaves_out_what_is_no_motif(self, library, four):
        assert {row.id for row in library.rows([four[1], "00ff", four[3]])} == {four[1], four[3]}


class TestBounds:
    @pytest.mark.parametrize(
        ("words", "kept"),
        [
            ({"max_neurons": 5}, [2, 3]),
            ({"min_neurons": 6}, [0, 1]),
            ({"min_neurons": 5, "max_neurons": 6}, [1, 2]),
            ({"min_score": 0.5}, [0, 1]),  # normalised is 2 raw − 1
            ({"ei": (1.5, None)}, [2, 3]),
            ({"ei": (None, 1)}, [0, 1]),
            ({"ei": (1, 1.5)}, [1, 2]),
            ({"ei": (None, None)}, [0, 1, 2, 3]),
        ],
    )
    def test_are_kept(self, library, four, words, kept):
        assert ids(library, **words) == [four[k] for k in kept]
        assert ids(library, task="order", **words) == [four[k] for k in kept]

    def test_on_synapses_are_kept(self, library, four):
        sizes = [row.synapses for row in library.listing()]
        assert ids(library, max_synapses=sizes[2]) == four[2:]

    def test_on_polarity_count_no_inhibition_as_many_to_one(self, library):
        from evocircuits.development import develop
        from evocircuits.motif import Motif, Provenance
        from evocircuits.tasks import get_task

        task = get_task("localise")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        library.add([Motif(task.reference(), circuit, task.dt_ms, Provenance("hand-wired"))])
        assert ids(library, ei=(100, None)) == [circuit.id]
        assert ids(library, ei=(None, 1000)) == []


class TestFront:
    def test_has_what_no_other_beats(self, library, four):
        assert ids(library, task="order", front="energy") == four[:3]
        assert ids(library, task="order", front=("energy", "neurons")) == four
        assert ids(library, task="order", front="energy", sort="energy") == four[:3][::-1]
        assert ids(library, task="order", front="energy", limit=1, offset=1) == [four[1]]

    def test_is_of_what_else_is_asked(self, library, four):
        assert ids(library, task="order", front="energy", max_neurons=4) == [four[3]]
        assert ids(library, task="localise", front="energy") == []

    def test_of_equals_has_the_first(self, library):
        same = [sized(2, 0.7), motif(0.7, score(0.7))]
        library.add(same)
        assert ids(library, task="order", front="energy") == [min(m.id for m in same)]


class TestText:
    @pytest.mark.parametrize("text", ["mutate", "MUTATE", "s1-ab", "order mut", "ord"])
    def test_is_found_in_run_task_and_operator(self, library, four, text):
        assert ids(library, text=text) == four

    def test_is_found_at_the_beginning_of_an_id(self, library, four):
        assert ids(library, text=four[2][:12]) == [four[2]]

    def test_is_found_in_tags_and_notes(self, library, four):
        library.tag(four[1], "for-paper")
        library.note(four[2], "Adds two banks")
        library.start_run("order-s1-abc", {}, 1, {})
        library.note("order-s1-abc", "a note about no motif")
        assert ids(library, text="paper") == [four[1]]
        assert ids(library, text="BANKS two") == [four[2]]
        assert ids(library, text="banks nonsense") == []

    @pytest.mark.parametrize("text", ["%", "_", "/", "'; DROP TABLE motif; --"])
    def test_signs_mean_themselves(self, library, four, text):
        assert ids(library, text=text) == []


def test_tags_must_all_be_there(library, four):
    library.tag(four[1], "kept", "good")
    library.tag(four[3], "kept")
    assert ids(library, tag="kept") == [four[1], four[3]]
    assert ids(library, tag=("kept", "good")) == [four[1]]
    assert ids(library, tag="kep") == []


class TestShape:
    def test_groups_circuits_that_differ_in_order_only(self, library, four):
        twin = reordered(sized(3, 0.8))
        library.add([twin])
        pair = {twin.id, four[1]}
        assert set(ids(library, shape=twin.id[:10])) == set(ids(library, shape=four[1])) == pair
        rows = library.listing(group=True)
        assert [row.alike for row in rows] == [1, 2, 1, 1]
        assert len(ids(library, group=True)) == 4
        assert ids(library, group=True, limit=2, offset=2) == four[2:]
        assert ids(library, group=True, task="order", max_neurons=5) == four[2:]

    def test_may_be_that_of_the_best(self, library, four):
        assert ids(library, shape="best:order") == [four[0]]

    def test_of_no_motif_is_one_line(self, library, four):
        with pytest.raises(InputError, match="motif 'zz': expected an id"):
            library.listing(shape="zz")


def reordered(one):
    """The same circuit with its hidden neurons in reverse, which is another motif of the same shape."""
    c = one.circuit
    new = [*range(3), *reversed(range(3, c.n_neurons))]
    place = {old: k for k, old in enumerate(new)}
    columns = {
        name: getattr(c, name)[new]
        for name in ("excitatory", "tau_m_ms", "c_m_pF", "threshold_mV", "reset_mV", "t_ref_ms", "bias_pA")
    }
    columns |= {name: getattr(c, name)[new] for name in ("tau_syn_ex_ms", "tau_syn_in_ms")}
    ends = {name: [place[int(n)] for n in getattr(c, name)] for name in ("source", "target")}
    inputs = {port: replace(a, target=[place[int(n)] for n in a.target]) for port, a in c.inputs.items()}
    other = replace(c, **columns, **ends, inputs=inputs)
    assert other.id != c.id
    assert other.shape == c.shape
    return replace(one, circuit=other)


def test_structure_is_what_a_certificate_names(library, four):
    from tests.library.test_certificates import certificate

    library.add_certificate(certificate(four[2], structures=("mutual inhibition",)))
    assert ids(library, structure="mutual inhibition") == [four[2]]
    assert ids(library, structure="disinhibition") == []


def test_motifs_come_in_the_same_order(library, four):
    assert [m.id for m in library.motifs(sort="energy", max_neurons=6)] == ids(
        library, sort="energy", max_neurons=6
    )
