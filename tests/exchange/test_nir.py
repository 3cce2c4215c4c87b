"""Circuits through NIR and back: the same circuit, the same spikes; and files that are not what they seem, refused."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evocircuits.circuit import MODELS, Circuit
from evocircuits.errors import InputError
from evocircuits.exchange import nir_file
from evocircuits.exchange.nir import from_nir, read_nir, to_nir, write_nir
from evocircuits.exchange.nir_circuit import circuit_from
from evocircuits.exchange.nir_file import graph_in
from evocircuits.simulator import Record, simulate
from tests.circuits import pair, plastic
from tests.exchange.nir_files import SPOILT
from tests.library.motifs import motif
from tests.simulator.circuits import equal_neurons, random_circuit, random_stimulus

DT_MS = 0.1


def drawn(seed: int, **changes) -> Circuit:
    return random_circuit(np.random.default_rng(seed), **{"n": 8} | changes)


def types(circuit: Circuit) -> dict[str, str]:
    return {name: type(node).__name__ for name, node in to_nir(circuit, dt_ms=DT_MS).nodes.items()}


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.1, 0.8), st.sampled_from(MODELS))
def test_a_graph_gives_back_the_very_circuit(seed, n, density, model):
    circuit = drawn(seed, n=n, density=density, model=model)
    found = from_nir(to_nir(circuit, dt_ms=DT_MS))
    assert (found.circuit.id, found.dt_ms, found.notes) == (circuit.id, DT_MS, ())


def test_a_file_gives_back_the_very_circuit_and_its_spikes(tmp_path):
    for seed, model in ((1, "iaf_psc_exp"), (2, "iaf_psc_delta")):
        circuit = drawn(seed, n=12, bias=0.8, model=model)
        write_nir(circuit, tmp_path / "a.nir", dt_ms=DT_MS)
        back = read_nir(tmp_path / "a.nir").circuit
        assert back.id == circuit.id
        stimulus = random_stimulus(np.random.default_rng(3), n_trials=2, n_steps=1000)
        one, two = (
            simulate(c, stimulus, dt_ms=DT_MS, record=Record(spikes=True), dtype=np.float64)
            for c in (circuit, back)
        )
        assert len(one.spikes.time_ms) > 50
        for column in ("time_ms", "trial", "channel"):
            assert np.array_equal(getattr(one.spikes, column), getattr(two.spikes, column))
    assert [path.name for path in tmp_path.iterdir()] == ["a.nir"]


def test_without_its_metadata_a_graph_has_the_same_circuit_to_twelve_digits():
    circuit = drawn(3, bias=0.5)
    graph = to_nir(circuit, dt_ms=DT_MS)
    for node in graph.nodes.values():
        node.metadata = {}
    found = from_nir(graph)
    assert found.notes == (
        "node 'neurons' tells no t_ref_ms in its metadata: its neurons are never refractory",
    )
    back = found.circuit
    sends = np.isin(np.arange(circuit.n_neurons), circuit.source)
    assert np.array_equal(back.excitatory[sends], circuit.excitatory[sends])
    for name in ("tau_m_ms", "c_m_pF", "bias_pA", "threshold_mV", "reset_mV", "weight_pA", "delay_ms"):
        assert np.allclose(getattr(back, name), getattr(circuit, name), rtol=1e-12), name
    assert np.array_equal(back.target, circuit.target)
    excited = np.unique(circuit.target[circuit.excitatory[circuit.source]])
    assert np.allclose(back.tau_syn_ex_ms[excited], circuit.tau_syn_ex_ms[excited], rtol=1e-12)


def test_what_other_tools_changed_in_a_graph_holds():
    circuit = drawn(4)
    graph = to_nir(circuit, dt_ms=DT_MS)
    graph.nodes["neurons"].v_threshold = graph.nodes["neurons"].v_threshold * 2
    graph.nodes["delays"].delay = graph.nodes["delays"].delay + 0.001
    graph.nodes["input_0_axons"].weight = graph.nodes["input_0_axons"].weight * 3
    back = from_nir(graph).circuit
    assert np.array_equal(back.threshold_mV, 2 * circuit.threshold_mV)
    assert np.allclose(back.delay_ms, circuit.delay_ms + 1)
    assert np.allclose(back.inputs["in"].weight_pA, 3 * circuit.inputs["in"].weight_pA)
    assert np.array_equal(back.tau_m_ms, circuit.tau_m_ms)


def test_the_nodes_are_those_of_nir():
    circuit = drawn(5)
    assert types(circuit) == {
        "neurons": "LIF",
        "currents_ex": "LI",
        "currents_in": "LI",
        "input_0": "Input",
        "input_0_axons": "Linear",
        "input_0_delays": "Delay",
        "input_0_synapses_ex": "Linear",
        "axons": "Linear",
        "delays": "Delay",
        "synapses_ex": "Linear",
        "synapses_in": "Linear",
        "output_0_taps": "Linear",
        "output_0": "Output",
    }
    alike = types(replace(circuit, tau_syn_in_ms=circuit.tau_syn_ex_ms))
    assert (alike["neurons"], alike["synapses"]) == ("CubaLIF", "Linear")
    assert not {"currents_ex", "synapses_ex"} & set(alike)
    excited = types(replace(circuit, excitatory=np.ones(8, bool)))
    assert excited["neurons"] == "CubaLIF"
    assert types(drawn(5, model="iaf_psc_delta"))["neurons"] == "LIF"


def test_the_numbers_are_in_seconds_and_our_units():
    circuit = pair(tau_syn_in_ms=[2.0, 5.0])
    graph = to_nir(circuit, dt_ms=DT_MS)
    cells = graph.nodes["neurons"]
    assert isinstance(cells, nir.CubaLIF)
    assert np.allclose(cells.tau_mem, [0.01, 0.02])
    assert np.allclose(cells.r, [0.04, 0.08])  # 10 ms / 250 pF = 0.04 GΩ
    assert np.allclose(cells.tau_syn, [0.002, 0.002])
    assert np.allclose(cells.w_in, cells.tau_syn)
    assert np.allclose(cells.v_leak, [0.0, 2.4])  # 0.08 GΩ × 30 pA
    assert np.allclose(graph.nodes["delays"].delay, [0.001, 0.0001])
    assert np.array_equal(graph.nodes["synapses"].weight, [[0.0, 0.0], [100.0, 0.0]])
    assert np.array_equal(graph.nodes["axons"].weight, [[1.0, 0.0], [0.0, 1.0]])
    assert graph.metadata["dt_ms"] == DT_MS
    assert np.array_equal(cells.metadata["t_ref_ms"], circuit.t_ref_ms)
    assert from_nir(graph).circuit == circuit  # also the synapse of weight 0


def test_a_motif_keeps_its_genome(tmp_path):
    kept = motif()
    write_nir(kept, tmp_path / "a.nir")
    found = read_nir(tmp_path / "a.nir")
    assert (found.circuit, found.genome, found.dt_ms) == (kept.circuit, kept.genome, kept.dt_ms)


@pytest.mark.parametrize("compression", ["gzip", 9, None])
def test_a_file_that_nir_itself_wrote_again_is_the_same(tmp_path, compression):
    circuit = drawn(6)
    write_nir(circuit, tmp_path / "a.nir", dt_ms=DT_MS)
    nir.write(tmp_path / "b.nir", nir.read(tmp_path / "a.nir"), compression=compression)
    assert read_nir(tmp_path / "b.nir").circuit == circuit


def foreign(recurrent: np.ndarray, **changes) -> nir.NIRGraph:
    """A graph as snnTorch and Norse write them: no delays, no metadata, affine maps, two layers."""
    ones = np.ones(2)
    cells = {
        "tau_mem": 0.02 * ones,
        "r": ones,
        "v_leak": 0 * ones,
        "v_threshold": ones,
        "tau_syn": 0.005 * ones,
    }
    nodes = {
        "input": nir.Input(np.array([3])),
        "fc": nir.Affine(np.array([[1.0, 2.0, 0.0], [0.0, 0.5, 4.0]]), np.zeros(2)),
        "lif": nir.CubaLIF(**cells),
        "rec": nir.Linear(recurrent),
        "fc2": nir.Linear(np.array([[7.0, -1.0], [8.0, -2.0]])),
        "lif2": nir.CubaLIF(**cells),
        "output": nir.Output(np.array([2])),
    } | changes
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "fc2"), ("fc2", "lif2")]
    return nir.NIRGraph(nodes, [*edges, ("lif2", "output")], type_check=False)


def test_a_graph_of_other_tools_is_read_as_far_as_it_can_be_said():
    found = from_nir(foreign(np.array([[0.0, -3.0], [6.0, 0.0]])), dt_ms=1.0)
    circuit = found.circuit
    assert circuit.excitatory.tolist() == [True, False, True, True]
    pairs = zip(circuit.source.tolist(), circuit.target.tolist(), strict=True)
    weights = dict(
        zip(pairs, circuit.weight_pA * 0.005, strict=True)
    )  # w_in 1 steps the current by w / τ_syn
    expected = {(0, 1): 6, (1, 0): 3, (0, 2): 7, (0, 3): 8, (1, 2): 1, (1, 3): 2}
    assert weights == pytest.approx(expected)
    assert circuit.inputs["input"].channel.tolist() == [0, 1, 1, 2]
    assert circuit.outputs["output"].tolist() == [2, 3]
    assert np.allclose(circuit.tau_m_ms, 20)
    assert np.allclose(circuit.c_m_pF, 20)
    assert set(circuit.delay_ms) == {1.0}
    assert len(found.notes) == 3
    assert "synapses without a delay, or one below dt_ms = 1, take one step" in found.notes


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (foreign(np.array([[0.0, 3.0], [6.0, 0.0]])), "one sign from each neuron"),
        (
            foreign(np.zeros((2, 2)), fc=nir.Affine(np.ones((2, 3)), np.ones(2))),
            "node 'fc': expected no bias",
        ),
        (
            foreign(np.zeros((2, 2)), fc=nir.Linear(np.ones((3, 3)))),
            "node 'lif': expected what precedes it to have 2",
        ),
        (foreign(np.zeros((2, 2)), lif2=nir.IF(np.ones(2), np.ones(2))), "expected one of Input, Output"),
        (
            foreign(
                np.zeros((2, 2)),
                lif2=nir.LIF(tau=np.ones(2), r=np.ones(2), v_leak=np.zeros(2), v_threshold=np.ones(2)),
            ),
            "all pass currents, or all step membranes",
        ),
    ],
)
def test_what_has_no_twin_here_is_refused(graph, message):
    with pytest.raises(InputError, match=message) as caught:
        from_nir(graph, dt_ms=1.0)
    assert "\n" not in str(caught.value)


def test_a_graph_without_a_time_step_needs_one():
    with pytest.raises(InputError, match="got none: give the time step, as dt_ms="):
        from_nir(foreign(np.zeros((2, 2))))


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (plastic(), "expected static synapses, as NIR has no plasticity"),
        (pair(outputs={}), "a circuit with input synapses and output neurons"),
        (pair(inputs={}), "a circuit with input synapses and output neurons"),
        (equal_neurons(0), "a circuit with input synapses and output neurons"),
        (drawn(7, n=300, density=0.1), "expected at most 2000000 numbers"),
        ("3fa9", "expected a motif or a circuit; got str"),
    ],
)
def test_what_nir_cannot_say_is_refused(circuit, message):
    with pytest.raises(InputError, match=message):
        to_nir(circuit, dt_ms=DT_MS)


def test_a_circuit_needs_its_time_step_and_a_place_that_can_be_written(tmp_path):
    with pytest.raises(InputError, match="to_nir: dt_ms: expected a finite number > 0; got None"):
        to_nir(pair())
    with pytest.raises(InputError, match="expected a file that can be written"):
        write_nir(pair(), tmp_path / "no" / "folder" / "a.nir", dt_ms=DT_MS)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    """A file of five neurons with a genome in its metadata."""
    path = tmp_path_factory.mktemp("nir") / "good.nir"
    one = replace(motif(), circuit=replace(motif().circuit, tau_syn_in_ms=motif().circuit.tau_syn_ex_ms))
    assert one.circuit.n_neurons == 5
    write_nir(one, path)
    return path.read_bytes()


def read_apart(paths: list[Path]) -> list[dict]:
    """What becomes of each file in a confined process: status, seconds of CPU, MB, and its line or graph."""
    command = [sys.executable, str(Path(__file__).with_name("nir_forks.py")), *map(str, paths)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(path: Path, row: dict) -> str:
    """What a user is told of that file; empty where it is read."""
    answer = Path(f"{path}.answer").read_bytes()
    if row["status"] == 3:
        return answer.decode()
    try:
        circuit_from(graph_in(answer))
    except InputError as error:
        return str(error)
    return ""


IN_THE_PARENT = ("a file that is too large",)


@pytest.fixture(scope="module")
def verdicts(good, tmp_path_factory) -> dict[str, tuple[dict, str]]:
    """Of each hostile file what its reading took, and what is said."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = {}
    for name in SPOILT:
        if name not in IN_THE_PARENT:
            paths[name] = folder / f"{len(paths)}.nir"
            paths[name].write_bytes(good)
            SPOILT[name][0](paths[name])
    rows = read_apart(list(paths.values()))
    return {name: (row, told(path, row)) for (name, path), row in zip(paths.items(), rows, strict=True)}


@pytest.mark.parametrize("name", [name for name in SPOILT if name not in IN_THE_PARENT])
def test_a_hostile_file_is_refused_in_one_line(verdicts, name):
    row, message = verdicts[name]
    assert re.search(SPOILT[name][1], message), message
    assert row["status"] in (0, 3)
    assert row["s"] < 2
    assert row["MB"] < 200
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize(
    "name", [*IN_THE_PARENT, "a bomb of gzip", "a link to another file", "a type that is none"]
)
def test_reading_it_says_which_file_is_meant(good, tmp_path, name):
    spoil, message = SPOILT[name]
    path = tmp_path / "bad.nir"
    path.write_bytes(good)
    spoil(path)
    with pytest.raises(InputError, match=message) as caught:
        read_nir(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "missing.nir", tmp_path):
        with pytest.raises(InputError, match="no such file"):
            read_nir(path)


def test_damaged_files_are_refused_or_read_and_never_take_much(good, tmp_path):
    """Bytes changed at random and files cut short: some would lead HDF5 into gigabytes."""
    rng, paths = np.random.default_rng(1), []
    for k in range(200):
        content = np.frombuffer(good, np.uint8).copy()
        places = rng.integers(len(content), size=rng.integers(1, 30))
        content[places] = rng.integers(256, size=len(places))
        paths.append(tmp_path / f"{k}.nir")
        paths[-1].write_bytes(
            content[: rng.integers(1, len(content)) if rng.random() < 0.2 else None].tobytes()
        )
    rows = read_apart(paths)
    assert max(row["MB"] for row in rows) < 250
    assert max(row["s"] for row in rows) < 5
    messages = [told(path, row) for path, row in zip(paths, rows, strict=True) if row["status"] in (0, 3)]
    assert 100 < sum(message != "" for message in messages) < 200
    assert not any("\n" in message for message in messages)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os.abort()", "takes HDF5 more memory or time than it may, or ends it"),
        ("import time; time.sleep(60)", "takes HDF5 more memory or time than it may, or ends it"),
    ],
)
def test_a_reader_that_ends_or_hangs_is_one_line(good, tmp_path, monkeypatch, code, message):
    (tmp_path / "reader.py").write_text(code)
    (tmp_path / "a.nir").write_bytes(good)
    monkeypatch.setattr(nir_file.nir_reader, "__file__", str(tmp_path / "reader.py"))
    monkeypatch.setattr(nir_file, "LONGEST_s", 2)
    with pytest.raises(InputError, match=message):
        read_nir(tmp_path / "a.nir")


def test_the_confined_process_can_open_no_file_and_gets_no_memory(tmp_path):
    (tmp_path / "secret").write_text("secret")
    code = """
import sys
from evocircuits.exchange import nir_reader
nir_reader.confine()
for attempt in (lambda: open(sys.argv[1]), lambda: bytearray(200_000_000)):
    try:
        attempt()
        print("done")
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "secret")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OSError", "MemoryError"]
