"""What every executor does."""

import pytest

from evocircuits.errors import InputError
from evocircuits.search.executor import SerialExecutor, open_executor


def _add(a, b):
    return a + b


def _fail():
    raise ValueError("boom")


@pytest.fixture(params=["serial", "ray"])
def executor(request):
    return SerialExecutor() if request.param == "serial" else request.getfixturevalue("ray_executor")


def test_future_holds_the_result(executor):
    assert executor.submit(_add, 1, 2).result(timeout=60) == 3


def test_future_holds_the_exception(executor):
    with pytest.raises(ValueError, match="boom"):
        executor.submit(_fail).result(timeout=60)


def test_an_executor_that_works_passes_the_check(executor):
    executor.check()


@pytest.mark.parametrize(
    ("kind", "workers", "expected"),
    [
        ("serial", 0, "workers: expected at least 1; got 0"),
        ("ray", -1, "workers: expected at least 1; got -1"),
        ("dask", None, "executor: expected ray, serial, or a cluster's address"),
        ("localhost:6379", 2, "workers: expected none, since a cluster has its own; got 2"),
    ],
)
def test_others_are_refused(kind, workers, expected):
    with pytest.raises(InputError, match=f"^{expected}"):
        open_executor(kind, workers)
