"""Motifs out to other tools and in again, and a task of one's own, by the commands that people type."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evocircuits.cli import main
from evocircuits.development import develop
from evocircuits.exchange import save_pretrained, to_nir, write_nir
from evocircuits.genome import Genome
from evocircuits.library import Library
from evocircuits.motif import Motif, Provenance
from evocircuits.plasticity import ShortTerm
from evocircuits.tasks import get_task
from tests.library.motifs import genome, motif, score


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOCIRCUITS_LIBRARY", raising=False)


@pytest.fixture
def run(capsys):
    """Run a command in this process: (status, standard output, standard error)."""

    def call(*arguments) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return exit_.value.code, captured.out, captured.err

    return call


@pytest.fixture
def stored() -> Motif:
    one = motif(0.6, score(0.9))
    Library().add([one])
    return one


def plastic() -> Motif:
    """A motif with a depressing projection."""
    plain = genome()
    first, *others = plain.projections
    made = Genome(
        plain.inputs, plain.outputs, plain.populations, (replace(first, plasticity=ShortTerm()), *others)
    )
    return Motif(made, develop(made, dt_ms=0.1), 0.1, Provenance("evolved"))


class TestRoundTrips:
    @pytest.mark.parametrize(("to", "name"), [("motif", "{}.motif.json"), ("nir", "{}.nir"), ("hub", "{}")])
    def test_bring_back_the_same_motif(self, run, stored, tmp_path, to, name):
        name = name.format(stored.id[:8])
        assert run("export", stored.id[:8], "--to", to) == (0, f"{stored.id[:8]} written to {name}\n", "")
        other = f"sqlite:///{tmp_path}/other.db"
        assert run("import", name, "--library", other) == (0, f"{stored.id[:8]} from {name}\n", "")
        back = Library(other).get(stored.id)
        assert (back.genome, back.circuit, back.dt_ms) == (stored.genome, stored.circuit, stored.dt_ms)

    def test_go_where_the_user_says(self, run, stored):
        assert run("export", stored.id, "--to", "nir", "-o", "one.nir")[0] == 0
        assert json.loads(run("export", stored.id, "two.nir", "--to", "nir", "--json")[1]) == {
            "id": stored.id,
            "file": "two.nir",
        }
        assert json.loads(run("import", "one.nir", "two.nir", "--json")[1]) == {"imported": [stored.id] * 2}

    def test_of_a_changed_circuit_bring_single_neurons_and_synapses(self, run, stored, tmp_path):
        """The genome in the file does not tell of the change any more."""
        circuit = replace(stored.circuit, weight_pA=stored.circuit.weight_pA * 2)
        write_nir(replace(stored, circuit=circuit), "changed.nir")
        other = f"sqlite:///{tmp_path}/other.db"
        assert run("import", "changed.nir", "--library", other)[0] == 0
        [back] = Library(other).motifs()
        assert back.id not in (stored.id,)
        assert {population.size for population in back.genome.populations} == {1}
        assert develop(back.genome, dt_ms=back.dt_ms).id == back.id
        assert sorted(back.circuit.weight_pA) == pytest.approx(sorted(circuit.weight_pA))


class TestNest:
    def test_writes_a_script_that_nest_runs(self, run, stored):
        assert run("export", stored.id, "--to", "nest")[0] == 0
        [script] = Path().glob("*.nest.py")
        Path("in.json").write_text(
            '{"duration_ms": 40, "spikes": {"ear": [[1, 2, 3, 4, 5], [0, 1, 0, 1, 0]]}}'
        )
        subprocess.run([sys.executable, script, "in.json", "out.json"], check=True, capture_output=True)
        assert len(json.loads(Path("out.json").read_text())["neuron"]) > 0


class TestWhatIsAssumed:
    @pytest.fixture
    def silent_about_dt(self, stored) -> None:
        """A file as another tool writes it: no metadata."""
        import nir

        graph = to_nir(stored.circuit, dt_ms=0.1)
        graph.metadata = {}
        for node in graph.nodes.values():
            node.metadata = {}
        nir.write("foreign.nir", graph)

    def test_is_told_on_standard_error(self, run, silent_about_dt, tmp_path):
        status, out, err = run("import", "foreign.nir", "--dt-ms", 0.1)
        assert status == 0
        assert re.fullmatch(r"\w{8} from foreign.nir\n", out)
        assert "foreign.nir: " in err

    def test_is_not_the_time_step(self, run, silent_about_dt):
        status, out, err = run("import", "foreign.nir")
        assert (status, out) == (2, "")
        assert "expected dt_ms in the graph's metadata" in err


WRONG = {
    "a plastic circuit as NIR": (["export", "{plastic}", "--to", "nir"], "plastic"),
    "an unknown format": (["export", "{id}", "--to", "onnx"], "onnx"),
    "two places": (["export", "{id}", "a.json", "-o", "b.json"], "one place to write to; got a.json and b.json"),
    "a missing folder": (["export", "{id}", "--to", "nest", "-o", "no/it.py"], "no/it.py"),
    "a network's folder": (["import", "network"], "network: expected the folder of a motif; got kind 'network'"),
    "an empty folder": (["import", "empty"], "empty/config.json"),
    "no NIR file": (["import", "text.nir"], "text.nir: expected a NIR file"),
    "a missing NIR file": (["import", "gone.nir"], "gone.nir: expected a NIR file; no such file"),
    "a task's name that is taken": (["new", "task", "order"], "'order', which is taken"),
    "a task without a name": (["new", "task"], "NAME"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_one_line_and_status_2(run, stored, case):
    Library().add([plastic()])
    for folder in ("network", "empty"):
        Path(folder).mkdir()
    Path("network/config.json").write_text(
        '{"format": "evocircuits-pretrained", "version": 1, "kind": "network", "layers": [], "motifs": []}'
    )
    Path("text.nir").write_text("no HDF5")
    arguments, culprit = WRONG[case]
    ids = {"{id}": stored.id, "{plastic}": plastic().id}
    status, out, err = run(*(ids.get(argument, argument) for argument in arguments))
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", err)
    assert culprit in err


@pytest.mark.parametrize("package", ["nir", "h5py"])
def test_without_the_extra_one_line_names_it(stored, package):
    write_nir(stored, "it.nir")
    program = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from importlib import util\n"
        "found = util.find_spec\n"
        f"util.find_spec = lambda name, *a: None if name == {package!r} else found(name, *a)\n"
        "from evocircuits.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    arguments = ["export", stored.id, "--to", "nir"] if package == "nir" else ["import", "it.nir"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("pip install 'evocircuits[exchange]'\n")
    assert done.stderr.count("\n") == 1


def test_a_new_task_is_written_looked_at_and_used(run):
    status, out, err = run("new", "task", "echo-locate")
    spec, look = out.splitlines()
    assert (status, err) == (0, "")
    assert (spec, look) == ("echo_locate.py:EchoLocate", f"Look at it: evocircuits tasks {spec}")
    assert get_task(spec).name == "echo-locate"
    assert run(*look.removeprefix("Look at it: evocircuits ").split())[0] == 0
    assert Path("runs/pictures/echo-locate.svg").exists()
    assert run("new", "task", "echo-locate")[0] == 2


def test_what_was_evolved_for_a_task_of_ones_own_is_certified_by_its_file(run):
    run("new", "task", "mine")
    task = get_task("mine.py:Mine")
    relay = Motif(
        task.reference(), develop(task.reference(), dt_ms=task.dt_ms), task.dt_ms, Provenance("mine")
    )
    Library().add([relay])
    arguments = ("certify", relay.id, "--task", "mine.py:Mine", "--trials", 30, "--executor", "serial")
    status, out, _ = run(*arguments, "--json")
    document = json.loads(out)
    assert status == 0
    assert document["certificate"]["task"] == "mine"
    assert Path(document["picture"]).exists()
    assert [certificate.task for certificate in Library().certificates(relay.id)] == ["mine"]


def test_an_environment_is_a_task_like_any(run):
    status, out, _ = run("tasks", "gym:CartPole-v1", "--json")
    [document] = json.loads(out)["tasks"]
    assert status == 0
    assert (document["name"], document["outputs"], document["reference"]) == (
        "gym:CartPole-v1",
        {"action": 2},
        None,
    )
    assert run("tasks", "gym:NoSuchThing-v0")[0] == 2


def test_a_pretrained_folder_may_come_from_python(run, stored, tmp_path):
    save_pretrained(stored, "folder")
    other = f"sqlite:///{tmp_path}/other.db"
    assert run("import", "folder", "--library", other)[0] == 0
    assert Library(other).get(stored.id).circuit == stored.circuit
