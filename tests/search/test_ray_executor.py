"""Work on Ray: what happens when workers die."""

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numba
import pytest

from evocircuits.errors import InputError
from evocircuits.genome import Genome
from evocircuits.measure import evaluate
from evocircuits.measure.caution import digest
from evocircuits.search.executor import ClusterLost, WorkerDied
from evocircuits.search.ray_executor import RayExecutor, _connect
from evocircuits.tasks import get_task
from evocircuits.tasks.order import Order
from tests.search.small import USERS_TASKS


def _meet(own, other):
    """Returns once the other call has begun too."""
    Path(own).touch()
    for _ in range(600):
        if Path(other).exists():
            return True
        time.sleep(0.1)
    return False


def _die(marker, times):
    """Dies so many times before it returns how often it was called."""
    calls = len(list(Path(marker).parent.glob(f"{Path(marker).name}-*")))
    Path(f"{marker}-{calls}").touch()
    if calls < times:
        os._exit(1)
    return calls + 1


class Deadly(Order):
    """A task that ends the process of whoever plays it with three neurons."""

    def play(self, circuit, trials, *, max_spikes):
        if circuit.n_neurons == 3:
            os._exit(3)
        return super().play(circuit, trials, max_spikes=max_spikes)


def _evaluate_all(genomes):
    return [evaluate(Genome.from_dict(g), Deadly(), (1, k), 16).raw for k, g in enumerate(genomes)]


def _print_and_die(marker):
    print("said before the end", flush=True)
    return _die(marker, 1)


def _sleep(marker, seconds):
    """Sleeps when called for the first time."""
    if not Path(marker).exists():
        Path(marker).touch()
        time.sleep(seconds)
    return "awake"


def _touch_own(folder):
    (Path(folder) / str(os.getpid())).touch()


@numba.njit
def _forever():
    x = 0
    while x >= 0:
        x = (x + 1) % 1000
    return x


def _compiled_loop(marker):
    if not Path(marker).exists():
        Path(marker).touch()
        _forever()
    return "out of it"


@pytest.fixture
def hasty(ray_executor):
    """An executor on the same cluster whose workers have two seconds."""
    with RayExecutor(step_limit_s=2.0) as executor:
        yield executor


def test_workers_run_side_by_side(ray_executor, tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    futures = [ray_executor.submit(_meet, one, two), ray_executor.submit(_meet, two, one)]
    assert all(future.result(timeout=120) for future in futures)


def test_a_function_whose_worker_dies_is_run_again_as_often_as_it_takes(ray_executor, tmp_path):
    assert ray_executor.submit(_die, str(tmp_path / "died"), 4).result(timeout=120) == 5


def test_a_second_death_tells_which_evaluation_was_the_last(ray_executor):
    two = get_task("order").reference()
    three = two.with_genes(populations=[*two.populations, replace(two.populations[1], id=7)])
    genomes = [two.to_dict(), three.to_dict()]
    with pytest.raises(WorkerDied) as death:
        ray_executor.submit(_evaluate_all, genomes).result(timeout=120)
    assert death.value.note.genome == genomes[1]
    assert death.value.note.digest == digest(genomes[1])
    assert (death.value.note.task, death.value.note.seed, death.value.note.n_trials) == ("order", (1, 1), 16)


def test_deaths_leave_standard_output_alone(ray_executor, tmp_path, capfd):
    assert ray_executor.submit(_print_and_die, str(tmp_path / "died")).result(timeout=120) == 2
    time.sleep(1)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_every_node_is_visited_before_work_begins(ray_executor, tmp_path):
    ray_executor.everywhere(_touch_own, str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1  # of the one node


def test_what_is_wrong_on_a_node_is_one_line(ray_executor):
    others = ray_executor._versions | {"deap": "9.9"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_executor, "_versions", others)
        with pytest.raises(
            InputError, match=r"^cluster: expected deap 9\.9 on every node, as on this one; .*\)$"
        ):
            ray_executor.everywhere(len, [])


def test_what_workers_print_is_kept_in_a_file(tmp_path):
    program = """
import sys
from pathlib import Path
import ray  # before evocircuits can say how it is to be set up
from evocircuits.search.executor import open_executor
from tests.search.test_ray_executor import _print_and_die

with open_executor("ray", 1, log=Path(sys.argv[1]) / "logs" / "run.log") as executor:
    print(executor.submit(_print_and_die, sys.argv[1] + "/died").result(timeout=120))
    import time; time.sleep(2)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    assert (done.stdout, done.stderr) == ("2\n", "")
    lines = (tmp_path / "logs" / "run.log").read_text().splitlines()
    said = [line for line in lines if line.endswith(": said before the end")]
    assert len(said) == 2
    assert all(re.match(r"([\d.]+ \d+|ray raylet): ", line) for line in lines)


def test_what_takes_too_long_is_ended_and_run_again(hasty, tmp_path):
    began = time.monotonic()
    assert hasty.submit(_sleep, str(tmp_path / "slept"), 300).result(timeout=120) == "awake"
    assert time.monotonic() - began < 100


def test_a_compiled_loop_without_end_is_ended_too(hasty, tmp_path):
    assert hasty.submit(_compiled_loop, str(tmp_path / "looped")).result(timeout=120) == "out of it"


def test_a_head_that_does_not_answer_is_lost(hasty):
    hasty.check()
    hasty._head = "127.0.0.1:9"
    with pytest.raises(ClusterLost, match=r"the head of the Ray cluster at 127\.0\.0\.1:9 is gone"):
        hasty.check()


def _task_name(spec):
    return get_task(spec).name


def test_a_users_file_travels_to_workers_who_have_none(ray_executor):
    spec = "/nowhere/mine.py:Fore"
    with pytest.raises(InputError, match=r"/nowhere/mine\.py: expected a file that can be read"):
        ray_executor.submit(_task_name, spec).result(timeout=120)
    with RayExecutor(files={"/nowhere/mine.py": USERS_TASKS.encode()}) as executor:
        assert executor.submit(_task_name, spec).result(timeout=120) == "fore"


class TestOfARunningCluster:
    """The session's own, joined by the programs of other drivers."""

    PROGRAM = """
import sys
from evocircuits.search.executor import open_executor
from evocircuits.errors import InputError

try:
    with open_executor(sys.argv[1]) as executor:
        print(executor.in_flight, executor.submit(len, [1, 2, 3]).result(timeout=60))
        executor.check()
except InputError as error:
    print(error)
"""

    @pytest.fixture
    def address(self, ray_executor) -> str:
        return ray_executor._head

    def said(self, address: str, **environment: str) -> str:
        """What a further driver says."""
        environment = os.environ | environment
        program = [sys.executable, "-c", self.PROGRAM, address]
        done = subprocess.run(
            program, env=environment, capture_output=True, text=True, check=True, timeout=250
        )
        return done.stdout

    def test_another_driver_works_on_it_and_leaves_it_running(self, address, ray_executor):
        assert self.said(address) == "4 3\n"
        assert ray_executor.submit(len, [1, 2]).result(timeout=60) == 2

    def test_nobody_gets_in_without_the_token(self, address):
        for environment in ({"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "a guess"}):
            said = self.said(address, **environment)
            assert re.match(
                r"ray: expected a cluster at \S+ with Ray \S+, Python \S+ and this user's token", said
            )

    @pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9"])
    def test_where_nothing_answers_one_line_says_so_soon(self, address):
        began = time.monotonic()
        with pytest.raises(
            InputError, match=rf"^ray: expected a cluster at {address}; none answers \(start one"
        ):
            _connect(None, address, heard=False)
        assert time.monotonic() - began < 10

    @pytest.mark.parametrize("address", ["nonsense", "host:", ":1", "host:port"])
    def test_what_is_no_address_is_told(self, address):
        with pytest.raises(InputError, match=r"^ray: expected auto, HOST:PORT or ray://HOST:PORT; got"):
            _connect(None, address, heard=False)
