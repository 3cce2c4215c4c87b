"""Tasks and other objects from a user's file: loaded once per content, tried, and refused in one line."""

import inspect
import linecache
import os
import pickle
import time
import traceback
from pathlib import Path

import numpy as np
import pytest

from evocircuits.development import develop
from evocircuits.errors import InputError
from evocircuits.measure import evaluate, score_circuit
from evocircuits.search.variation import Space, found
from evocircuits.tasks import TASKS, Task, absolute_spec, custom, file_digest, get_task, reference_of
from evocircuits.tasks.custom import carry, contents, load_object

ECHOLOCATE = Path(__file__).with_name("echolocate.py")
SOURCE = ECHOLOCATE.read_text(encoding="utf-8")

WRONG = [
    ("    dt_ms = 0.1\n", "", "Echolocate: expected all that a task has; missing: dt_ms"),
    ("    name = ", "    title = ", "Echolocate: expected all that a task has; missing: name"),
    ('name = "echolocate"', 'name = "order"', "name: expected one that no other task has; got 'order'"),
    ('name = "echolocate"', 'name = "a b"', "name: expected at most 32 letters, digits, - and _; got 'a b'"),
    ('name = "echolocate"', "name = 7", "name: expected at most 32 letters, digits, - and _; got 7"),
    ('(Port("left", 1), Port("right", 1))', '["left"]', "inputs: expected a tuple as (Port('name', size),)"),
    ('Port("near", 1)', 'Port("left", 1)', "expected ports of distinct names; got left, right, left"),
    ("ceiling = 1.0", "ceiling = 0.2", "expected chance < ceiling; got 0.333333 and 0.2"),
    ("ceiling = 1.0", "ceiling = None", "ceiling: expected a finite number; got None"),
    ("dt_ms = 0.1", "dt_ms = 0", "dt_ms: expected a finite number > 0; got 0"),
    ('claim = ("delays",)', 'claim = ("delays")', "claim: expected a tuple as ('delays',) or (); got 'delays'"),
    ("ranges = Ranges", "ranges = dict", "ranges: expected Ranges(…); got {"),
    ("t_ref_ms=(0.5, 20.0)", "t_ref_ms=(20.0, 0.5)", "ranges: t_ref_ms: expected (low, high), 0 < low ≤ high"),
    ('"delay_ms": 5.0', '"delay_ms": 50.0', "typical['delay_ms']: expected a value within (0.1, 20.0); got 50"),
    ('            "delay_ms": 5.0,\n', "", "typical['delay_ms']: expected a value within (0.1, 20.0); got None"),
    ("def trials(self, rng", "def trial(self, rng", "got TypeError: Can't instantiate abstract class"),
    ("def trials(self, rng", "def __init__(self, x): ...\n    def trials(self, rng", "without arguments; got Type"),
    ("rng.uniform(2, 10, n)", "undefined", "line 45: Echolocate: expected trials(rng, n) to draw n trials; got Na"),
    ("Stimulus(n, 50.0, spikes)", "Stimulus(n, -1.0, spikes)", "draw n trials; got Stimulus.duration_ms: exp"),
    ("rng.uniform(2, 10, n)", "np.random.uniform(2, 10, n)", "equal generators; got others: draw from rng alone"),
    ("balanced_answers(rng, n,", "balanced_answers(rng, (n := 5),", "expected 2 trials from trials(rng, 2); got 5"),
    ("50.0, spikes), answer)", "50.0, spikes), list(answer))", "expected an array of answers, one a trial; got ["),
    ("50.0, spikes), answer)", "50.0, spikes), answer - 9)", "expected answers that are whole numbers ≥ 0; got"),
    ("output_counts(port.name)", "output_counts('nose')", "line 56: Echolocate: expected a circuit to play two"),
    ("return Score(credit,", "return Score(credit[:1],", "expected a Score with credit float[trials]; got Score"),
    ("float(0.6 *", "float('nan') + float(0.6 *", "expected a finite score; got"),
    ("return Genome(self.inputs", "return Genome(self.inputs[::-1]", "a reference() with the task's own ports"),
    ("0.4, delay_ms=", "-0.4, delay_ms=", "expected a hand-wired genome from reference(), or no such"),
]  # fmt: skip
"""What is changed in the file, into what, and what is then said."""


@pytest.fixture
def written(tmp_path):
    """Writes a file of that text and returns its path."""

    def write(text: str, name: str = "mine.py") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write


def refused(spec: str, load=get_task) -> str:
    with pytest.raises(InputError) as caught:
        load(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestAnObjectFromAFile:
    def test_is_what_the_file_defines_under_that_name(self, written):
        path = written("BEST = 3\ndef double(x):\n    return 2 * x\n")
        assert load_object(f"{path}:BEST") == 3
        assert load_object(f"{path}:double")(4) == 8

    def test_is_found_from_the_working_directory_and_from_home(self, written, tmp_path, monkeypatch):
        written("BEST = 3\n")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert load_object("mine.py:BEST") == load_object("~/mine.py:BEST") == 3

    def test_comes_of_a_file_that_is_executed_once_per_content(self, written):
        path = written("THINGS = []\nOTHERS = []\n")
        things = load_object(f"{path}:THINGS")
        assert load_object(f"{path}:THINGS") is things
        written("THINGS = []\nOTHERS = [1]\n")
        assert load_object(f"{path}:THINGS") is not things
        assert load_object(f"{path}:OTHERS") == [1]

    def test_may_be_a_dataclass_of_annotations_in_text_and_be_pickled_even_when_the_file_has_changed(
        self, written
    ):
        text = """
from __future__ import annotations
from dataclasses import dataclass
@dataclass(frozen=True)
class Point:
    x: float
    other: Point | None = None
"""
        point = load_object(f"{written(text)}:Point")
        one = point(1.0, point(2.0))
        load_object(f"{written(text + '# changed')}:Point")
        assert pickle.loads(pickle.dumps(one)) == one

    def test_shows_its_own_lines_in_tracebacks(self, written):
        path = written("def fail():\n    raise RuntimeError('on purpose')\n")
        fail = load_object(f"{path}:fail")
        with pytest.raises(RuntimeError) as caught:
            fail()
        linecache.checkcache()
        assert "raise RuntimeError('on purpose')" in "".join(traceback.format_exception(caught.value))
        assert inspect.getsource(fail).startswith("def fail()")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "x = 1\ny = = 2\n",
                "mine.py, line 2: expected a file that can be executed; got SyntaxError: invalid",
            ),
            (
                "x = 1\n\n1 / 0\n",
                "line 3: expected a file that can be executed; got ZeroDivisionError: division",
            ),
            (
                "import not_there_at_all\n",
                "line 1: expected a file that can be executed; got ModuleNotFoundError",
            ),
            ("import sys\nsys.exit(3)\n", "line 2: expected a file that can be executed; got SystemExit: 3"),
            ("x = '''\n", "line 1: expected a file that can be executed; got SyntaxError"),
            ("\0", "mine.py: expected a file that can be executed; got"),
            (
                "_hidden, shown = 1, 2\nimport os\nfrom pathlib import Path\n",
                "in that file, it has shown; got 'Name'",
            ),
            ("", "in that file, it defines nothing; got 'Name'"),
        ],
    )
    def test_that_cannot_be_had_is_one_line_naming_the_place(self, written, text, message):
        assert message in refused(f"{written(text)}:Name", load_object)

    def test_of_a_file_that_is_not_there_or_of_no_python_file_is_one_line(self, tmp_path):
        gone = tmp_path / "gone.py"
        assert refused(f"{gone}:Name", load_object) == (
            f"{gone}: expected a file that can be read; got: no such file or directory"
        )
        assert "expected FILE.py:Name, as in my_tasks.py:MyTask; got 'a.txt:Name'" in refused(
            "a.txt:Name", load_object
        )

    def test_asked_for_without_a_name_lists_the_names(self, written):
        assert "it has a, b; got ''" in refused(written("a, b = 1, 2\n"), load_object)

    def test_leaves_no_module_behind_when_it_fails(self, written):
        path = written("1 / 0\n")
        refused(f"{path}:Name", load_object)
        Path(path).write_text("Name = 1\n")
        assert load_object(f"{path}:Name") == 1


class TestASpecification:
    def test_with_an_absolute_path_means_the_same_anywhere(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        spec = absolute_spec("mine.py:Task")
        assert spec == f"{tmp_path.resolve()}/mine.py:Task"
        assert absolute_spec("data:mine.npz") == f"data:{tmp_path.resolve()}/mine.npz"
        monkeypatch.chdir("/")
        assert absolute_spec(spec) == spec
        assert absolute_spec("order") == "order"

    def test_has_the_digest_of_its_file(self, written, tmp_path):
        spec = f"{written('x = 1')}:x"
        before = file_digest(spec)
        assert len(before) == 64
        assert file_digest(f"data:{tmp_path}/mine.py") == before
        written("x = 2")
        assert file_digest(spec) != before
        assert file_digest("order") is None
        assert "expected a file that can be read" in refused(f"{tmp_path}/gone.py:x", file_digest)

    def test_has_the_digest_of_its_file_also_when_that_has_long_been_there(self, written):
        path = written("x = 1")
        long_ago_s = time.time() - 1000
        os.utime(path, (long_ago_s, long_ago_s))
        before = file_digest(f"{path}:x")
        assert file_digest(f"{path}:x") == before
        written("x = 2")
        assert file_digest(f"{path}:x") != before


class TestAUsersTask:
    def test_is_had_by_its_specification_and_stays_the_same_object(self):
        task = get_task(f"{ECHOLOCATE}:Echolocate")
        assert isinstance(task, Task)
        assert task.name == "echolocate"
        assert get_task(os.path.relpath(f"{ECHOLOCATE}:Echolocate")) is task

    def test_is_solved_by_its_reference(self):
        task = get_task(f"{ECHOLOCATE}:Echolocate")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        score = score_circuit(circuit, task, seed=1, n_trials=300)
        assert score.task == "echolocate"
        assert score.raw > 0.95

    def test_lets_founders_be_evaluated(self):
        task = get_task(f"{ECHOLOCATE}:Echolocate")
        for seed in range(3):
            genome = found(np.random.default_rng(seed), Space(task, 20, 60))
            evaluation = evaluate(genome, task, (seed,), 9)
            assert evaluation.valid
            assert evaluation == evaluate(genome, task, (seed,), 9)

    def test_may_be_an_instance_in_the_file(self, written):
        path = written(SOURCE + "\nHARDER = Echolocate()\nHARDER.name = 'harder'\n")
        assert get_task(f"{path}:HARDER").name == "harder"

    def test_is_made_anew_when_its_file_was_edited(self, written):
        path = written(SOURCE)
        before = get_task(f"{path}:Echolocate")
        written(SOURCE.replace('claim = ("delays",)', "claim = ()"))
        after = get_task(f"{path}:Echolocate")
        assert (before.claim, after.claim) == (("delays",), ())
        assert get_task(f"{path}:Echolocate") is after

    def test_may_build_on_a_shipped_task_under_a_name_of_its_own(self, written):
        text = "from evocircuits.tasks.order import Order\nclass Mine(Order):\n    name = 'mine'\n"
        task = get_task(f"{written(text)}:Mine")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        assert score_circuit(circuit, task, seed=1, n_trials=50).raw == 1.0

    def test_may_have_no_reference(self, written):
        without = SOURCE[: SOURCE.index("    def reference")]
        for text in (without, without + "    def reference(self):\n        raise NotImplementedError\n"):
            assert reference_of(get_task(f"{written(text)}:Echolocate")) is None
        assert reference_of(TASKS["order"]) == TASKS["order"].reference()

    @pytest.mark.parametrize(("old", "new", "message"), WRONG)
    def test_that_lacks_something_is_refused_in_one_line(self, written, old, new, message):
        assert SOURCE.count(old) == 1
        path = written(SOURCE.replace(old, new))
        told = refused(f"{path}:Echolocate")
        assert told.startswith(path)
        assert message in told

    def test_that_is_none_is_refused_in_one_line(self, written):
        path = written("class Cat: ...\n")
        assert f"{path}:Cat: expected a subclass of evocircuits.tasks.Task, or an instance; got" in refused(
            f"{path}:Cat"
        )

    def test_of_an_unknown_name_is_told_what_there_is(self):
        told = refused("smell")
        assert told.endswith("forage, or FILE.py:Class, data:FILE.npz, or gym:ID; got 'smell'")
        assert "it has ECHO_ms, JITTER_ms, Echolocate; got 'Bat'" in refused(f"{ECHOLOCATE}:Bat")


class TestAnInstalledTask:
    """A package as pip lays it down: a module, and beside it what says which entry points it has."""

    @pytest.fixture
    def package(self, tmp_path, monkeypatch):
        """Installs a module of that name and text, whose entry points are those lines."""

        def install(name: str, text: str, *lines: str) -> Path:
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
            told = tmp_path / f"{name}-1.0.dist-info"
            told.mkdir()
            (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (told / "entry_points.txt").write_text("\n".join(["[evocircuits.tasks]", *lines]))
            return tmp_path / f"{name}.py"

        monkeypatch.syspath_prepend(tmp_path)
        custom.installed.cache_clear()
        yield install
        custom.installed.cache_clear()

    def test_is_had_by_its_name_like_a_shipped_one(self, package):
        path = package("bats", SOURCE, "echolocate = bats:Echolocate")
        task = get_task("echolocate")
        assert (task.name, type(task).__module__) == ("echolocate", "bats")
        assert get_task("echolocate") is task
        assert absolute_spec("echolocate") == "echolocate"
        assert file_digest("echolocate") == file_digest(f"{path}:Echolocate")
        circuit = develop(task.reference(), dt_ms=task.dt_ms)
        assert score_circuit(circuit, task, seed=1, n_trials=50).task == "echolocate"

    @pytest.mark.parametrize(
        ("line", "name", "said"),
        [
            (
                "bat = mice:Echolocate",
                "bat",
                "expected the task's name to be that of its entry point, 'bat'; got 'echo",
            ),
            ("bat = mice:Bat", "bat", "task bat: expected mice:Bat to be imported; got AttributeError"),
            ("bat = gone:Bat", "bat", "task bat: expected an entry point of a module that is there"),
            ("bat = mice:SOURCE", "bat", "expected a subclass of evocircuits.tasks.Task"),
        ],
    )
    def test_that_is_none_is_refused_in_one_line(self, package, line, name, said):
        package("mice", f"SOURCE = 3\n{SOURCE}", line)
        assert said in refused(name)


class TestAFileOnAnotherMachine:
    @pytest.fixture(autouse=True)
    def nothing_stays(self, monkeypatch):
        monkeypatch.setattr(custom, "_carried", {})

    def test_is_what_it_was_where_it_came_from(self, written):
        path = Path(written(SOURCE))
        spec = f"{path}:Echolocate"
        files, digest = contents([spec, "order", "gym:CartPole-v1"]), file_digest(spec)
        assert list(files) == [str(path)]
        path.unlink()
        assert "expected a file that can be read" in refused(spec)
        carry(files)
        assert get_task(spec).name == "echolocate"
        assert file_digest(spec) == digest

    def test_gives_way_to_a_later_one(self, written):
        spec = "/nowhere/mine.py:NAME"
        for name in ("one", "two"):
            carry({"/nowhere/mine.py": f"NAME = {name!r}".encode()})
            assert load_object(spec) == name
