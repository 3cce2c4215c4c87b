import os
import time

import pytest

from evocircuits.search.executor import SerialExecutor


def _add(a, b):
    return a + b


def _fail():
    raise ValueError("boom")


def _die_once(marker):
    if not os.path.exists(marker):
        open(marker, "w").close()
        os._exit(1)
    return "alive"


@pytest.fixture(params=["serial", "ray"])
def executor(request):
    return SerialExecutor() if request.param == "serial" else request.getfixturevalue("ray_executor")


def test_future_holds_the_result(executor):
    assert executor.submit(_add, 1, 2).result(timeout=60) == 3


def test_future_holds_the_exception(executor):
    with pytest.raises(ValueError, match="boom"):
        executor.submit(_fail).result(timeout=60)


def test_ray_runs_a_task_again_when_its_worker_dies(ray_executor, tmp_path):
    assert ray_executor.submit(_die_once, str(tmp_path / "died")).result(timeout=60) == "alive"


def test_ray_workers_run_side_by_side(ray_executor):
    if ray_executor.workers < 2:
        pytest.fail("expected two workers")
    [f.result() for f in [ray_executor.submit(time.sleep, 0) for _ in range(2)]]
    started = time.perf_counter()
    [f.result() for f in [ray_executor.submit(time.sleep, 1.0) for _ in range(2)]]
    assert time.perf_counter() - started < 1.9
