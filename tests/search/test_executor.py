import os
import time
from pathlib import Path

import pytest

from evocircuits.search.executor import SerialExecutor


def _add(a, b):
    return a + b


def _fail():
    raise ValueError("boom")


def _meet(own, other):
    """Returns once the other call has begun too."""
    Path(own).touch()
    for _ in range(600):
        if Path(other).exists():
            return True
        time.sleep(0.1)
    return False


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


def test_ray_workers_run_side_by_side(ray_executor, tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    futures = [ray_executor.submit(_meet, one, two), ray_executor.submit(_meet, two, one)]
    assert all(future.result(timeout=120) for future in futures)
