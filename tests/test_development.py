"""Development: patterns drawn by hand, weights that make the promised potential, delays and their gradients."""

import json
from dataclasses import fields, replace
from math import e
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import MAX_CHANNELS, MAX_NEURONS, Afferents, Circuit
from evocircuits.development import (
    CAPACITANCE_pF,
    count_synapses,
    count_wires,
    develop,
    peak_psp_mV_per_pA,
    rheobase_pA,
    wires,
)
from evocircuits.errors import InputError
from evocircuits.genome import PATTERNS, Genome, Pattern, PopulationGene, Port, ProjectionGene
from evocircuits.plasticity import ShortTerm, SpikeTiming
from evocircuits.simulator import Record, Spikes, Stimulus, simulate

EAR = Port("ear", 1)
OUT = Port("out", 1)


def population(id: int, **changes) -> PopulationGene:
    constants = {
        "tau_m_ms": 10.0,
        "threshold_mV": 15.0,
        "t_ref_ms": 2.0,
        "tau_syn_ex_ms": 2.0,
        "tau_syn_in_ms": 5.0,
    }
    return PopulationGene(**{"id": id, "excitatory": True, "size": 1} | constants | changes)


def wired(pattern: Pattern, n_source: int, n_target: int, **rule) -> Circuit:
    """Two populations, neurons 0… and n_source…, and one projection from the first to the second."""
    rule = {"strength": 0.5, "delay_ms": 1.0} | rule
    genome = Genome(
        inputs=(),
        outputs=(),
        populations=(population(1, size=n_source), population(2, size=n_target)),
        projections=(ProjectionGene(10, 1, 2, pattern, **rule),),
    )
    return develop(genome, dt_ms=0.1)


def picture(pattern: Pattern, n_source: int, n_target: int) -> list[str]:
    """A row for each source, x where it connects to a target."""
    circuit = wired(pattern, n_source, n_target)
    chosen = np.full((n_source, n_target), ".")
    chosen[circuit.source, circuit.target - n_source] = "x"
    assert (chosen == "x").sum() == len(circuit.source)
    return ["".join(row) for row in chosen]


def test_patterns_between_equal_sizes():
    assert picture(Pattern("one_to_one"), 4, 4) == ["x...", ".x..", "..x.", "...x"]
    assert picture(Pattern("all_to_all"), 4, 4) == ["xxxx", "xxxx", "xxxx", "xxxx"]
    assert picture(Pattern("all_but_self"), 4, 4) == [".xxx", "x.xx", "xx.x", "xxx."]
    assert picture(Pattern("neighbours", 1), 4, 4) == [".x..", "x.x.", ".x.x", "..x."]
    assert picture(Pattern("neighbours", 2.4), 4, 4) == [".xx.", "x.xx", "xx.x", ".xx."]
    assert picture(Pattern("shifted", 1), 4, 4) == [".x..", "..x.", "...x", "...."]
    assert picture(Pattern("shifted", -2), 4, 4) == ["....", "....", "x...", ".x.."]
    assert picture(Pattern("shifted", 9), 4, 4) == ["...."] * 4


def test_patterns_between_unequal_sizes_are_aligned_end_to_end():
    assert picture(Pattern("one_to_one"), 2, 4) == ["xx..", "..xx"]
    assert picture(Pattern("one_to_one"), 4, 2) == ["x.", "x.", ".x", ".x"]
    assert picture(Pattern("one_to_one"), 2, 5) == ["xxx..", "...xx"]
    assert picture(Pattern("all_but_self"), 2, 4) == ["..xx", "xx.."]
    assert picture(Pattern("all_to_all"), 1, 3) == ["xxx"]
    assert picture(Pattern("shifted", 1), 2, 4) == ["..xx", "...."]
    assert picture(Pattern("neighbours", 1), 2, 6) == ["...xxx", "xxx..."]


def test_a_single_member_of_the_larger_side_connects_to_all_of_the_smaller():
    assert picture(Pattern("single", 2), 1, 4) == ["..x."]
    assert picture(Pattern("single", 2), 4, 1) == [".", ".", "x", "."]
    assert picture(Pattern("single", 0), 1, 1) == ["x"]
    assert picture(Pattern("single", 1), 2, 3) == [".x.", ".x."]
    assert picture(Pattern("single", 1), 3, 2) == ["..", "xx", ".."]
    assert picture(Pattern("single", 1), 2, 2) == [".x", ".x"]
    assert picture(Pattern("single", 4), 1, 4) == picture(Pattern("single", -1), 1, 4) == ["...."]


def test_a_single_synapse_has_the_delay_of_its_place():
    for k, delay_ms in enumerate((0.7, 1.0, 1.3)):
        wire = wired(Pattern("single", k), 1, 3, delay_ms=1.0, delay_gradient_ms=0.3)
        assert wire.delay_ms == pytest.approx([delay_ms])


@given(st.sampled_from(["one_to_one", "all_to_all", "all_but_self"]), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_every_member_of_both_sides_is_reached(kind, n_source, n_target):
    rows = picture(Pattern(kind), n_source, n_target)
    if kind == "all_but_self" and min(n_source, n_target) == 1:
        assert "x" not in "".join(rows)
    else:
        assert all("x" in row for row in rows)
        assert all("x" in column for column in zip(*rows, strict=True))


def test_a_sparse_pattern_follows_its_seed_and_probability():
    first, again, other = (picture(Pattern("sparse", 0.3, seed), 40, 40) for seed in (1, 1, 2))
    assert first == again != other
    assert "".join(first).count("x") / 1600 == pytest.approx(0.3, abs=0.05)
    assert picture(Pattern("sparse", 0.0), 3, 3) == ["..."] * 3
    assert picture(Pattern("sparse", 1.0), 3, 3) == ["xxx"] * 3


@pytest.mark.parametrize(
    ("tau_m_ms", "tau_syn_ms", "peak_mV_per_pA"),
    [
        # e^{−t/2} − e^{−t} peaks at t = 2 ln 2 with 1/2 − 1/4, times τm τs / C (τm − τs) = 2 / 250
        (2.0, 1.0, 2 / 250 / 4),
        (4.0, 2.0, 4 / 250 / 4),
        (1.0, 2.0, 2 / 250 / 4),
        (10.0, 10.0, 10 / 250 / e),  # t/C e^{−t/τ} at t = τ
    ],
)
def test_the_peak_of_a_potential_calculated_by_hand(tau_m_ms, tau_syn_ms, peak_mV_per_pA):
    assert peak_psp_mV_per_pA(tau_m_ms, tau_syn_ms) == pytest.approx(peak_mV_per_pA, rel=1e-12)


def test_the_peak_is_continuous_where_the_time_constants_meet():
    peaks = [peak_psp_mV_per_pA(10.0, 10.0 * (1 + apart)) for apart in (-1e-5, -1e-7, 0.0, 1e-7, 1e-5)]
    assert peaks == pytest.approx([peaks[2]] * 5, rel=1e-5)


@pytest.mark.parametrize("excitatory", [True, False])
@pytest.mark.parametrize(("tau_m_ms", "tau_syn_ms"), [(10.0, 2.0), (5.0, 5.0), (4.0, 9.0), (20.0, 0.5)])
def test_the_simulated_potential_peaks_at_strength_times_threshold(excitatory, tau_m_ms, tau_syn_ms):
    constants = {"tau_m_ms": tau_m_ms, "threshold_mV": 12.0}
    constants |= {"tau_syn_ex_ms" if excitatory else "tau_syn_in_ms": tau_syn_ms}
    genome = Genome(
        inputs=(EAR,),
        outputs=(),
        populations=(population(1, excitatory=excitatory), population(2, **constants)),
        projections=(
            ProjectionGene(10, EAR.id, 1, Pattern("all_to_all"), strength=3.0, delay_ms=0.1),
            ProjectionGene(11, 1, 2, Pattern("all_to_all"), strength=0.4, delay_ms=0.1),
        ),
    )
    stimulus = Stimulus(1, 60.0, {"ear": Spikes([1.0], [0], [0])})
    circuit = develop(genome, dt_ms=0.01)
    recording = simulate(circuit, stimulus, dt_ms=0.01, record=Record(voltage=(1,)), dtype=np.float64)
    assert recording.counts.tolist() == [[1, 0]]
    extreme_mV = recording.voltage_mV.max() if excitatory else recording.voltage_mV.min()
    assert extreme_mV == pytest.approx((1 if excitatory else -1) * 0.4 * 12.0, rel=1e-4)


@pytest.mark.parametrize(("tau_m_ms", "threshold_mV"), [(10.0, 15.0), (2.5, 20.0)])
def test_a_bias_of_one_rheobase_just_reaches_threshold(tau_m_ms, threshold_mV):
    rheobase = rheobase_pA(tau_m_ms, threshold_mV)
    for share, fires in ((0.999, False), (1.001, True)):
        cell = population(1, tau_m_ms=tau_m_ms, threshold_mV=threshold_mV, bias_pA=share * rheobase)
        circuit = develop(Genome((), (), (cell,), ()), dt_ms=0.1)
        recording = simulate(circuit, Stimulus(1, 300.0), dt_ms=0.1, dtype=np.float64)
        assert (recording.counts.sum() > 0) == fires


@pytest.mark.parametrize(("strength", "spikes"), [(0.999, 0), (1.001, 1)])
def test_a_strength_of_one_just_reaches_threshold(strength, spikes):
    genome = Genome(
        inputs=(EAR,),
        outputs=(),
        populations=(population(1),),
        projections=(ProjectionGene(10, EAR.id, 1, Pattern("all_to_all"), strength, delay_ms=1.0),),
    )
    stimulus = Stimulus(1, 60.0, {"ear": Spikes([1.0], [0], [0])})
    assert simulate(develop(genome, dt_ms=0.01), stimulus, dt_ms=0.01).counts.sum() == spikes


def test_delays_are_whole_steps_and_at_least_one():
    for delay_ms, expected_ms in ((1.0, 1.0), (0.26, 0.3), (0.24, 0.2), (0.001, 0.1)):
        assert wired(Pattern("all_to_all"), 1, 1, delay_ms=delay_ms).delay_ms == pytest.approx([expected_ms])


def test_a_gradient_runs_along_the_larger_side_around_its_middle():
    along_target = wired(Pattern("all_to_all"), 2, 5, delay_ms=1.0, delay_gradient_ms=0.2)
    expected_ms = 1.0 + 0.2 * (np.array([0, 1, 2, 3, 4]) - 2)
    for source in (0, 1):
        assert along_target.delay_ms[along_target.source == source] == pytest.approx(expected_ms)
    along_source = wired(Pattern("all_to_all"), 4, 2, delay_ms=1.0, delay_gradient_ms=-0.2)
    for target in (4, 5):
        assert along_source.delay_ms[along_source.target == target] == pytest.approx([1.3, 1.1, 0.9, 0.7])
    tie = wired(Pattern("all_to_all"), 3, 3, delay_ms=1.0, delay_gradient_ms=0.3)
    assert tie.delay_ms == pytest.approx(np.tile([0.7, 1.0, 1.3], 3))


def test_two_projections_of_opposite_gradient_are_a_delay_line():
    genome = Genome(
        inputs=(Port("left", 1), Port("right", 1)),
        outputs=(Port("out", 5),),
        populations=(population(1, size=5, port="out"),),
        projections=(
            ProjectionGene(10, Port("left", 1).id, 1, Pattern("all_to_all"), 0.5, 2.0, delay_gradient_ms=0.1),
            ProjectionGene(
                11, Port("right", 1).id, 1, Pattern("all_to_all"), 0.5, 2.0, delay_gradient_ms=-0.1
            ),
        ),
    )
    circuit = develop(genome, dt_ms=0.01)
    difference_ms = circuit.inputs["left"].delay_ms - circuit.inputs["right"].delay_ms
    assert difference_ms == pytest.approx([-0.4, -0.2, 0.0, 0.2, 0.4])


def test_a_circuit_laid_out_by_hand():
    genome = Genome(
        inputs=(Port("a", 2), Port("b", 3)),
        outputs=(Port("out", 3),),
        populations=(
            population(1, size=2, port="out", bias_pA=7.0),
            population(2, size=2, excitatory=False, tau_m_ms=5.0, threshold_mV=10.0, t_ref_ms=1.0),
            population(3, size=1, port="out", tau_syn_ex_ms=10.0, tau_syn_in_ms=4.0),
        ),
        projections=(
            ProjectionGene(10, Port("b", 3).id, 2, Pattern("all_to_all"), 1.0, 0.5),
            ProjectionGene(11, 2, 3, Pattern("all_to_all"), 1.0, 0.5),
            ProjectionGene(12, 1, 3, Pattern("all_to_all"), e / 10, 0.5),
        ),
    )
    circuit = develop(genome, dt_ms=0.1)
    assert circuit.excitatory.tolist() == [True, True, False, False, True]
    assert circuit.tau_m_ms.tolist() == [10, 10, 5, 5, 10]
    assert circuit.threshold_mV.tolist() == [15, 15, 10, 10, 15]
    assert circuit.t_ref_ms.tolist() == [2, 2, 1, 1, 2]
    assert circuit.bias_pA.tolist() == [7, 7, 0, 0, 0]
    assert circuit.tau_syn_ex_ms.tolist() == [2, 2, 2, 2, 10]
    assert circuit.tau_syn_in_ms.tolist() == [5, 5, 5, 5, 4]
    assert circuit.c_m_pF.tolist() == [CAPACITANCE_pF] * 5 == [250.0] * 5
    assert circuit.reset_mV.tolist() == [0.0] * 5
    assert circuit.outputs["out"].tolist() == [0, 1, 4]
    assert list(circuit.inputs) == ["a", "b"]
    assert (circuit.inputs["a"].channels, len(circuit.inputs["a"].target)) == (2, 0)
    assert circuit.inputs["b"].channel.tolist() == [0, 0, 1, 1, 2, 2]
    assert circuit.inputs["b"].target.tolist() == [2, 3, 2, 3, 2, 3]
    assert circuit.source.tolist() == [2, 3, 0, 1]
    assert circuit.target.tolist() == [4, 4, 4, 4]
    # inhibition has τ 4 ms on 10 ms: ratio 2.5, peak 10/250 × 2.5^(−5/3); excitation meets τ 10 ms: 1.5 e / (10/250/e)
    inhibition_pA, excitation_pA = 15 * 25 * 2.5 ** (5 / 3), 0.1 * e * 15 * 25 * e
    assert circuit.weight_pA == pytest.approx([inhibition_pA] * 2 + [excitation_pA] * 2)


def test_rules_reach_every_synapse_of_their_projection_and_equal_ones_are_shared():
    depressing, facilitating = ShortTerm(0.5, 800.0, 0.0), ShortTerm(0.1, 100.0, 1000.0)
    genome = Genome(
        inputs=(Port("a", 2), Port("b", 1)),
        outputs=(),
        populations=(population(1, size=2), population(2, size=3, excitatory=False)),
        projections=(
            ProjectionGene(10, 1, 2, Pattern("all_to_all"), 0.5, 1.0, plasticity=facilitating),
            ProjectionGene(11, Port("a", 2).id, 1, Pattern("one_to_one"), 0.5, 1.0),
            ProjectionGene(12, Port("a", 2).id, 1, Pattern("one_to_one"), 0.5, 1.0, plasticity=depressing),
            ProjectionGene(13, 2, 1, Pattern("one_to_one"), 0.5, 1.0),
            ProjectionGene(14, Port("b", 1).id, 2, Pattern("all_to_all"), 0.5, 1.0, plasticity=facilitating),
            ProjectionGene(15, 2, 2, Pattern("one_to_one"), 0.5, 1.0, plasticity=ShortTerm(0.5, 800.0, 0.0)),
        ),
    )
    circuit = develop(genome, dt_ms=0.1)
    assert circuit.plasticity == (facilitating, depressing)
    assert circuit.rule.tolist() == [0] * 6 + [-1] * 3 + [1] * 3
    assert circuit.inputs["a"].rule.tolist() == [-1, -1, 1, 1]
    assert circuit.inputs["b"].rule.tolist() == [0, 0, 0]
    everything_static = [replace(j, plasticity=None) for j in genome.projections]
    static = develop(genome.with_genes(projections=everything_static), dt_ms=0.1)
    assert replace(circuit, rule=None, plasticity=(), inputs=static.inputs) == static


def test_the_bound_of_spike_timing_is_in_the_unit_of_the_weights():
    rule = SpikeTiming(max_weight=0.8, learning_rate=0.02)
    genome = Genome(
        inputs=(EAR,),
        outputs=(),
        populations=(
            population(1, tau_syn_ex_ms=10.0, tau_syn_in_ms=4.0),
            population(2, excitatory=False, threshold_mV=10.0, tau_m_ms=5.0, tau_syn_ex_ms=5.0),
        ),
        projections=(
            ProjectionGene(10, EAR.id, 1, Pattern("all_to_all"), 0.4, 1.0, plasticity=rule),
            ProjectionGene(11, 2, 1, Pattern("all_to_all"), 0.4, 1.0, plasticity=rule),
            ProjectionGene(12, 1, 2, Pattern("all_to_all"), 0.8, 1.0, plasticity=rule),
            ProjectionGene(13, 1, 1, Pattern("all_to_all"), 0.2, 1.0, plasticity=rule),
        ),
    )
    circuit = develop(genome, dt_ms=0.1)
    # peaks per pA: at equal time constants τ/C/e, for 4 ms on 10 ms 10/250 × 2.5^(−5/3)
    of_threshold_pA = [0.8 * 15 * 25 * e, 0.8 * 15 * 25 * 2.5 ** (5 / 3), 0.8 * 10 * 50 * e]
    assert [r.max_weight for r in circuit.plasticity] == pytest.approx(of_threshold_pA)
    assert {replace(r, max_weight=0.8) for r in circuit.plasticity} == {rule}
    assert circuit.inputs["ear"].rule.tolist() == [0]
    assert circuit.rule.tolist() == [1, 2, 0]  # the last one has the unit of the first
    assert circuit.weight_pA == pytest.approx(np.array(of_threshold_pA)[[1, 2, 0]] * [0.5, 1.0, 0.25])


@given(
    st.floats(1e-3, 20),
    st.floats(0.1, 50),
    st.floats(0.05, 50),
    st.floats(1.0, 30),
    st.sampled_from([1.0, 1.5]),
)
@settings(deadline=None)
def test_a_strength_at_its_bound_develops_to_a_weight_at_its_bound(
    strength, tau_m_ms, tau_syn_ex_ms, threshold_mV, room
):
    target = population(2, tau_m_ms=tau_m_ms, tau_syn_ex_ms=tau_syn_ex_ms, threshold_mV=threshold_mV)
    rule = SpikeTiming(max_weight=room * strength)
    projection = ProjectionGene(10, 2, 2, Pattern("all_to_all"), strength, 1.0, plasticity=rule)
    circuit = develop(Genome((), (), (target,), (projection,)), dt_ms=0.1)
    assert circuit.weight_pA[0] <= circuit.plasticity[0].max_weight
    assert circuit.plasticity[0].max_weight / circuit.weight_pA[0] == pytest.approx(room)


def test_the_reference_motif_develops_to_the_very_circuit_it_was_written_with():
    path = Path(__file__).parents[1] / "runs" / "reference" / "localise.motif.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    assert develop(Genome.from_dict(written["genome"]), dt_ms=written["dt_ms"]).id == written["id"]


def test_development_is_deterministic_and_counts_agree():
    genome = Genome(
        inputs=(EAR,),
        outputs=(),
        populations=(population(1, size=7), population(2, size=4, excitatory=False)),
        projections=(
            ProjectionGene(10, EAR.id, 1, Pattern("sparse", 0.6, 3), 0.5, 1.0),
            ProjectionGene(11, 1, 2, Pattern("sparse", 0.4, 4), 0.5, 1.0),
            ProjectionGene(12, 2, 1, Pattern("neighbours", 2), 0.5, 1.0),
        ),
    )
    circuit = develop(genome, dt_ms=0.1)
    assert develop(replace(genome), dt_ms=0.1).id == circuit.id
    assert count_synapses(genome) == circuit.n_synapses


def test_a_genome_without_projections_is_a_circuit_without_synapses():
    circuit = develop(Genome((), (OUT,), (population(1, port="out"),), ()), dt_ms=0.1)
    assert (circuit.n_neurons, circuit.n_synapses) == (1, 0)


@given(st.sampled_from(PATTERNS), st.floats(-3, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_wires_join_members_that_there_are_and_are_counted(kind, value, seed, n_source, n_target):
    pattern = Pattern(kind, value, seed)
    ends, place = wires(pattern, n_source, n_target)
    assert ends.shape == (3, len(place)) == (3, count_wires(pattern, n_source, n_target))
    assert len(set(zip(*ends[:2].tolist(), strict=True))) == len(place)
    for members, n in ((ends[0], n_source), (ends[1], n_target), (ends[2], 1)):
        assert np.all((members >= 0) & (members < n))
    assert np.all(np.abs(place) <= (max(n_source, n_target) - 1) / 2)


RULES = st.sampled_from([None, None, ShortTerm(0.3, 100.0, 0.0), SpikeTiming(max_weight=9.0, alpha=1.1)])


@st.composite
def genomes(draw) -> Genome:
    """Any valid genome of three populations, within what currents and times may be but beyond all tasks' ranges."""
    ports = tuple(Port(name, draw(st.integers(1, 4))) for name in ("a", "b")[: draw(st.integers(0, 2))])
    positive, bias = st.floats(1e-3, 1e4), st.sampled_from([0.0, -0.0, -50.0, 300.0])
    sizes = st.integers(1, 4)
    cells = tuple(
        PopulationGene(id, draw(st.booleans()), draw(sizes), *(draw(positive) for _ in range(5)), draw(bias))
        for id in (1, 2)
    )
    served = population(3, size=2, port="out")
    ids = (1, 2, 3)
    projections = tuple(
        ProjectionGene(
            id,
            draw(st.sampled_from([*ids, *(port.id for port in ports)])),
            draw(st.sampled_from(ids)),
            Pattern(draw(st.sampled_from(PATTERNS)), draw(st.floats(0, 2)), 1),
            draw(st.floats(1e-3, 9.0)),
            draw(positive),
            draw(st.floats(-100, 100)),
            plasticity=draw(RULES),
        )
        for id in range(10, 10 + draw(st.integers(0, 6)))
    )
    return Genome(ports, (Port("out", 2),), (*cells[:1], served, *cells[1:]), projections)


@given(genomes(), st.sampled_from([0.02, 0.1, 1.0]))
@settings(max_examples=200, deadline=None)
def test_a_valid_genome_develops_to_a_circuit_that_the_checks_would_leave_as_it_is(genome, dt_ms):
    circuit = develop(genome, dt_ms=dt_ms)
    inputs = {name: Afferents(**named(a)) for name, a in circuit.inputs.items()}
    checked = Circuit(**named(circuit) | {"inputs": inputs})
    assert circuit.to_dict() == checked.to_dict()
    assert circuit.id == checked.id == Circuit.from_dict(circuit.to_dict()).id
    assert_alike(circuit, checked)
    assert_alike(circuit.outputs, checked.outputs)
    for name in inputs:
        assert_alike(circuit.inputs[name], inputs[name])


def named(circuit) -> dict:
    return {f.name: getattr(circuit, f.name) for f in fields(circuit)}


def assert_alike(one, checked):
    """Arrays of the same values, types and flags, and equal values of every other kind."""
    one, checked = (
        x if isinstance(x, dict) else {f.name: getattr(x, f.name) for f in fields(x)} for x in (one, checked)
    )
    assert one.keys() == checked.keys()
    for name, expected in checked.items():
        if isinstance(expected, np.ndarray):
            assert np.array_equal(one[name], expected)
            assert one[name].tolist() == expected.tolist()
            assert str(one[name]) == str(expected)  # tells −0 from 0
            for flag in ("C_CONTIGUOUS", "ALIGNED", "WRITEABLE"):
                assert one[name].flags[flag] == expected.flags[flag]
            assert one[name].dtype == expected.dtype
        elif not isinstance(expected, dict):
            assert one[name] == expected
            assert type(one[name]) is type(expected)


def test_arrays_of_a_developed_circuit_cannot_be_written():
    circuit = wired(Pattern("all_to_all"), 2, 3)
    for name in ("tau_m_ms", "excitatory", "source", "weight_pA", "delay_ms", "rule"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(circuit, name)[0] = 0


@pytest.mark.parametrize(
    ("genome", "message"),
    [
        (
            Genome((), (), (population(1, tau_m_ms=float("inf")),), ()),
            r"Circuit.tau_m_ms: expected finite numbers",
        ),
        (
            Genome((), (), (population(1, bias_pA=float("nan")),), ()),
            r"Circuit.bias_pA: expected finite numbers",
        ),
        (
            Genome((), (), (population(1),), (ProjectionGene(10, 1, 1, Pattern("all_to_all"), 1e308, 1.0),)),
            r"Circuit.weight_pA: expected finite numbers",
        ),
        (
            Genome(
                (EAR,),
                (),
                (population(1),),
                (ProjectionGene(10, EAR.id, 1, Pattern("all_to_all"), 1.0, 1e308),),
            ),
            r"Afferents.delay_ms: expected finite numbers",
        ),
        (
            Genome((), (), (population(1, size=MAX_NEURONS + 1),), ()),
            r"expected at most 10000 neurons; got 10001",
        ),
        (
            Genome((Port("ear", MAX_CHANNELS + 1),), (), (population(1),), ()),
            r"expected at most 100000 input channels; got 100001",
        ),
    ],
)
def test_what_no_circuit_can_have_is_refused_as_by_the_circuit_itself(genome, message):
    with pytest.raises(InputError, match=message), np.errstate(all="ignore"):
        develop(genome, dt_ms=0.1)


@pytest.mark.parametrize("dt_ms", [0.0, -0.1])
def test_a_step_that_is_none_is_refused(dt_ms):
    genome = Genome((), (), (population(1),), (ProjectionGene(10, 1, 1, Pattern("all_to_all"), 1.0, 1.0),))
    with pytest.raises(InputError, match=r"Circuit.delay_ms: expected"), np.errstate(all="ignore"):
        develop(genome, dt_ms=dt_ms)
