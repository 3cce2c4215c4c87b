from concurrent.futures import Future

import pytest

from evocircuits.measure.work import Here, Job, Work


def squares(numbers: list[int]) -> list[int]:
    return [n * n for n in numbers]


def refuse(numbers: list[int]) -> list[int]:
    raise RuntimeError("no")


def job(*numbers: int, function=squares) -> Job:
    return Job(tuple(map(str, numbers)), function, (list(numbers),))


class Late:
    """A pool whose futures are done only when they are asked for."""

    def __init__(self, in_flight: int):
        self.in_flight, self.waiting, self.most = in_flight, {}, 0

    def submit(self, function, *values) -> Future:
        future: Future = Future()
        self.waiting[future] = (function, values)
        self.most = max(self.most, len(self.waiting))
        return future

    def result(self, future: Future):
        function, values = self.waiting.pop(future)
        return function(*values)


@pytest.mark.parametrize("pool", [None, Here(), Late(1), Late(3)])
def test_results_are_there_by_key_on_any_pool(pool):
    told = []
    work = Work(pool, on_finished=lambda key, value: told.append((key, value)))
    work.run([job(1, 2), job(3), job(4, 5)])
    assert work.results == {"1": 1, "2": 4, "3": 9, "4": 16, "5": 25}
    assert told == list(work.results.items())


def test_no_more_is_submitted_than_keeps_the_pool_busy():
    pool, made = Late(2), []
    Work(pool).run(made.append(n) or job(n) for n in range(9))
    assert (pool.most, len(made)) == (2, 9)


def test_what_is_finished_is_not_missing():
    work = Work(finished={"1": 1})
    assert work.missing(["1", "2", "2", "3"]) == ["2", "3"]


def test_progress_counts_expected_keys():
    seen = []
    work = Work(finished={"1": 1, "old": 0}, on_progress=lambda done, of: seen.append((done, of)))
    work.missing(["1", "2", "3"])
    work.run([job(2), job(3)])
    assert seen == [(2, 3), (3, 3)]


def test_what_was_done_before_an_error_was_told():
    told = []
    work = Work(on_finished=lambda key, value: told.append(key))
    with pytest.raises(RuntimeError, match="no"):
        work.run([job(1), job(2, function=refuse), job(3)])
    assert told == ["1"]
