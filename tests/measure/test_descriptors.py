from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evocircuits.circuit import Afferents, Circuit
from evocircuits.errors import InputError
from evocircuits.measure import Evaluation
from evocircuits.measure.descriptors import DESCRIPTORS, describe, triad_census
from evocircuits.tasks import TASKS
from tests.circuits import circuits
from tests.simulator.circuits import equal_neurons

E, I = True, False  # noqa: E741
EVALUATION = Evaluation(graded=0.5, raw=0.5, energy_pJ=9.0, spikes=7.5, neurons=3, synapses=2)


def wired(polarities: list[bool], *synapses: tuple[int, int], delay_ms: float = 1.0) -> Circuit:
    """Neurons of those polarities with those synapses (source, target)."""
    source, target = zip(*synapses, strict=True) if synapses else ((), ())
    delays_ms = np.full(len(source), delay_ms)
    columns = {"source": source, "target": target, "weight_pA": np.ones(len(source)), "delay_ms": delays_ms}
    return equal_neurons(
        len(polarities), excitatory=polarities, **{k: np.array(v) for k, v in columns.items()}
    )


def driven(circuit: Circuit, channels: int, *synapses: tuple[int, int], delay_ms: float = 1.0) -> Circuit:
    """`circuit` with an input port and its synapses (channel, target)."""
    channel, target = np.array(synapses).T
    ones = np.ones(len(channel))
    return replace(circuit, inputs={"in": Afferents(channels, channel, target, ones, delay_ms * ones)})


def value(name: str, circuit: Circuit, evaluation: Evaluation = EVALUATION, task: str = "order") -> float:
    (one,) = describe([name], circuit, evaluation, TASKS[task])
    return one


def test_neurons_and_synapses_are_counted_inputs_included():
    circuit = driven(wired([E, I, E], (0, 1), (1, 2)), 2, (0, 0), (1, 0), (1, 2))
    assert describe(["neurons", "synapses"], circuit, EVALUATION, TASKS["order"]) == (3, 5)


def test_the_excitatory_share_is_of_neurons():
    assert value("excitatory_share", wired([E, E, I, E])) == 0.75


def test_spikes_are_those_of_a_trial():
    assert value("spikes", wired([E])) == 7.5


def test_the_mean_delay_is_relative_to_the_tasks_range():
    def at(delay_ms: float, task: str) -> float:
        circuit = driven(wired([E, E], (0, 1), delay_ms=delay_ms), 1, (0, 0), delay_ms=delay_ms)
        return value("mean_delay", circuit, task=task)

    assert [at(ms, "order") for ms in (0.1, np.sqrt(2.5), 25.0)] == pytest.approx([0, 0.5, 1])
    assert [at(ms, "localise") for ms in (0.02, 0.2, 2.0)] == pytest.approx([0, 0.5, 1])


def test_the_mean_delay_is_that_of_all_synapses():
    circuit = driven(wired([E, E], (0, 1), delay_ms=1.0), 1, (0, 0), (0, 1), delay_ms=4.0)
    assert value("mean_delay", circuit) == pytest.approx(np.log(3.0 / 0.1) / np.log(250))


def test_recurrence_is_the_share_of_synapses_between_neurons_on_a_path_back():
    # 0 → 1 → 2 → 0 return, and 3 onto itself; 2 → 3 and 3 → 4 do not, and an input cannot.
    ring = wired([E, E, E, I, E], (0, 1), (1, 2), (2, 0), (2, 3), (3, 3), (3, 4))
    assert value("recurrence", driven(ring, 1, (0, 0))) == pytest.approx(4 / 6)


MOTIFS = {
    "feed_forward_excitation": wired([E, E, E], (0, 1), (1, 2), (0, 2)),
    "mutual_excitation": wired([E, E], (0, 1), (1, 0)),
    "excitatory_chain": wired([E, E, E], (0, 1), (1, 2)),
    "feed_forward_inhibition": wired([E, I, E], (0, 1), (1, 2), (0, 2)),
    "feedback_inhibition": wired([E, I], (0, 1), (1, 0)),
    "lateral_inhibition": wired([E, I, E], (0, 1), (1, 2)),
    "mutual_inhibition": wired([I, I], (0, 1), (1, 0)),
    "disinhibition": wired([I, I, E], (0, 1), (1, 2)),
}


@pytest.mark.parametrize("name", MOTIFS)
def test_each_motif_by_itself_is_counted_once_and_as_nothing_else(name):
    assert triad_census(MOTIFS[name]) == dict.fromkeys(MOTIFS, 0) | {name: 1}


def test_input_channels_are_excitatory_sources():
    circuit = driven(wired([I, E], (0, 1)), 2, (0, 0), (1, 0), (1, 1))
    counts = triad_census(circuit)
    assert (counts["lateral_inhibition"], counts["feed_forward_inhibition"]) == (1, 1)
    assert sum(counts.values()) == 2


def test_channels_of_different_ports_are_different_sources():
    one = Afferents(1, [0], [0], [1.0], [1.0])
    other = Afferents(1, [0], [1], [1.0], [1.0])
    both = replace(wired([I, E], (0, 1)), inputs={"one": one, "other": other})
    assert triad_census(both) == dict.fromkeys(MOTIFS, 0) | {"lateral_inhibition": 1}
    assert triad_census(replace(both, inputs={"one": one}))["lateral_inhibition"] == 1
    same = replace(both, inputs={"one": Afferents(1, [0, 0], [0, 1], [1.0, 1.0], [1.0, 1.0])})
    assert triad_census(same) == dict.fromkeys(MOTIFS, 0) | {"feed_forward_inhibition": 1}


def test_parallel_synapses_count_once_and_autapses_not_at_all():
    counts = triad_census(wired([E, I, E], (0, 1), (0, 1), (1, 2), (1, 1), (0, 0)))
    assert counts == dict.fromkeys(MOTIFS, 0) | {"lateral_inhibition": 1}


def census_by_hand(circuit: Circuit) -> dict[str, int]:
    """Every path a → b → c in turn."""
    onto = set(zip(circuit.source.tolist(), circuit.target.tolist(), strict=True))
    polarity = dict(enumerate(circuit.excitatory.tolist()))
    for port, a in circuit.inputs.items():
        onto |= {((port, c), t) for c, t in zip(a.channel.tolist(), a.target.tolist(), strict=True)}
        polarity |= {(port, c): E for c in range(a.channels)}
    counts = dict.fromkeys(MOTIFS, 0)
    for a, b, c in product(polarity, range(circuit.n_neurons), range(circuit.n_neurons)):
        if a == b or b == c or (a, b) not in onto or (b, c) not in onto:
            continue
        kind = (polarity[a], polarity[b])
        if kind == (E, E):
            counts["mutual_excitation"] += a == c and a < b
            counts["feed_forward_excitation"] += a != c and (a, c) in onto
            counts["excitatory_chain"] += a != c and (a, c) not in onto
        elif kind == (E, I):
            counts["feedback_inhibition"] += a == c
            counts["feed_forward_inhibition"] += a != c and (a, c) in onto
            counts["lateral_inhibition"] += a != c and (a, c) not in onto
        elif kind == (I, I):
            counts["mutual_inhibition"] += a == c and a < b
            counts["disinhibition"] += a != c
    return counts


@given(circuits)
def test_the_census_counts_every_path(circuit):
    assert triad_census(circuit) == census_by_hand(circuit)


def test_the_census_as_a_number_is_the_share_of_motifs_with_inhibition():
    # 0 → 1 → 2 and 0 → 2 excite; 0 and 1 each drive the inhibitory 3, which inhibits 1: feedback to 1, and forward
    # from 0, which excites 1 as well; 0 → 1 → 3 with 0 → 3 is another forward excitation.
    circuit = wired([E, E, E, I], (0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (3, 1))
    counts = triad_census(circuit)
    assert {name: n for name, n in counts.items() if n} == {
        "feed_forward_excitation": 2,
        "feed_forward_inhibition": 1,
        "feedback_inhibition": 1,
    }
    assert value("census", circuit) == 0.5


@given(st.one_of(circuits, st.just(wired([])), st.just(wired([E, I]))), st.sampled_from(sorted(TASKS)))
def test_values_are_finite_and_have_a_place_in_the_range(circuit, task):
    for evaluation in (EVALUATION, replace(EVALUATION, spikes=0.0), Evaluation.invalid("why")):
        values = describe(list(DESCRIPTORS), circuit, evaluation, TASKS[task])
        assert np.isfinite(values).all()
        places = [d.position(v) for d, v in zip(DESCRIPTORS.values(), values, strict=True)]
        assert 0 <= min(places) <= max(places) <= 1


def test_places_are_linear_or_logarithmic_and_end_with_the_range():
    share, neurons = DESCRIPTORS["excitatory_share"], DESCRIPTORS["neurons"]
    assert [share.position(v) for v in (-1, 0, 0.3, 1, 2)] == pytest.approx([0, 0, 0.3, 1, 1])
    assert [neurons.position(v) for v in (1, 2, 4, 16, 64, 1e6)] == pytest.approx([0, 0, 0.2, 0.6, 1, 1])


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_the_edges_of_bins_are_equally_spaced_places(name):
    descriptor = DESCRIPTORS[name]
    places = [descriptor.position(edge) for edge in descriptor.edges]
    assert places == pytest.approx(np.linspace(0, 1, descriptor.bins + 1))


@pytest.mark.parametrize("name", ["neurons", "synapses"])
def test_every_bin_of_a_count_holds_a_whole_number(name):
    edges = DESCRIPTORS[name].edges
    assert (np.ceil(edges[:-1] - 1e-9) < edges[1:]).all()


def test_names_that_are_unknown_or_repeated_and_no_names_are_one_clear_line():
    for names, got in (
        (["neurons", "love"], "got 'love'"),
        (["spikes", "spikes"], "distinct"),
        ([], "one or more"),
    ):
        with pytest.raises(InputError, match=got) as caught:
            describe(names, wired([E]), EVALUATION, TASKS["order"])
        assert all(name in str(caught.value) for name in DESCRIPTORS)
