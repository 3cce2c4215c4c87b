"""The browser's pages: how soon they come in a library of 100,000 motifs, and what a run waits for their readers."""

import http.client
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import urlsplit

import numpy as np
from library import filled
from report import Row, at_most, figure, tell
from timing import clock_seconds, in_turn, process_seconds

from evocircuits.browser import Access, open_site
from evocircuits.library import Library

REPEATS = 9
PAGES = {
    "first page": ("/runs", 300),
    "gallery": ("/motifs", 500),
    "gallery, of a task": ("/motifs?task=localise", 500),
    "gallery, by energy, page 500": ("/motifs?sort=energy&page=500", 500),
    "gallery, front of score and energy": ("/motifs?task=localise&front=energy", 500),
    "gallery, words that most have": ("/motifs?text=strength", 500),
    "gallery, words that none has": ("/motifs?text=zzzz", 500),
    "gallery, one of each shape": ("/motifs?group=on", 500),
    "gallery, by size, E:I and score": (
        "/motifs?task=order&min_score=.5&max_neurons=30&min_ei=2&max_ei=6",
        500,
    ),
}
CLIENTS, LASTS_s, EVERY_s = 20, 60, 0.5
COMMITS = round(LASTS_s / EVERY_s)
STATE = 100_000
"""Bytes of an island."""
NOTE = """Pages: processor time of server and reader; by the clock, on a machine that others use too, in the JSON.
Commits: by the clock, the longest beside clients of the run's library less that beside clients of another one."""
READ = ("/runs", "/motifs", "/motifs?sort=energy", "/runs/r", "/runs/r/charts.json", "/pulse")


def measure(parts: tuple[str, ...] = ()) -> list[Row]:
    """The rows of the groups named, or of all."""
    return [row for name in parts or GROUPS for row in GROUPS[name]()]


def pages() -> list[Row]:
    """What it takes from the request to the last byte, in the server's threads and the reader's one after the other."""
    library = filled()
    tell("browse: pages")
    with served(library) as access:
        calls = [_fetched(access, address) for address, _ in PAGES.values()]
        taken_ms, clock_ms = (
            1000 * in_turn(*calls, repeats=REPEATS, timed=timed) for timed in (process_seconds, clock_seconds)
        )
    names = [f"100,000 motifs: {name}" for name in PAGES]
    limits = [most for _, most in PAGES.values()]
    return [
        *(at_most(name, ms, "ms", most) for name, ms, most in zip(names, taken_ms, limits, strict=True)),
        *(
            figure(f"{name}, by the clock", ms, "ms", detail=True)
            for name, ms in zip(names, clock_ms, strict=True)
        ),
    ]


def clients() -> list[Row]:
    """How long commits of a run take beside clients that read its library without a pause; and, as processors are
    short then, beside as many that read another one.
    """
    with tempfile.TemporaryDirectory() as folder:
        own, other = (Library(f"sqlite:///{folder}/{name}.db") for name in ("own", "other"))
        for library in (own, other):
            library.start_run("r", {"epochs": 1000}, 1, {})
            _commit(library, range(1, 1 + COMMITS), every_s=0.0)
        tell(f"browse: {CLIENTS} clients for {LASTS_s} s, twice")
        (beside_other, _), (beside_own, read) = (
            _beside(library, own.url, 1 + COMMITS * k) for k, library in enumerate((other, own), start=1)
        )
    waited_ms = 1000 * (max(beside_own) - max(beside_other))
    return [
        at_most(f"longest wait of {COMMITS} commits for {CLIENTS} clients", max(0.0, waited_ms), "ms", 100),
        figure("commits beside clients", 1000 * np.array(beside_own), "ms"),
        figure("commits beside clients of another library", 1000 * np.array(beside_other), "ms"),
        at_most("pages that failed meanwhile", float(sum(status != 200 for status in read)), "pages", 0),
        figure("pages read meanwhile", float(len(read)), "pages"),
    ]


def _beside(library: Library, url: str, first: int) -> tuple[list[float], list[int]]:
    """Seconds of commits to the library at `url` while clients read that one, and the status of what they read."""
    over, read = Event(), []
    with served(library) as access:
        readers = [Thread(target=_read, args=(access, over, read)) for _ in range(CLIENTS)]
        for reader in readers:
            reader.start()
        with multiprocessing.get_context("spawn").Pool(1) as pool:  # as a run is a process of its own
            taken = pool.apply(_committed, (url, first))
        over.set()
        for reader in readers:
            reader.join()
    return taken, read


def _committed(url: str, first: int) -> list[float]:
    return _commit(Library(url), range(first, first + COMMITS), EVERY_s)


def _commit(library: Library, epochs: range, every_s: float) -> list[float]:
    """Seconds of the commit of each epoch."""
    taken = []
    for epoch in epochs:
        report = {"epoch": epoch, "best": 0.5, "median": 0.4, "evaluations": 1, "seconds": 1.0, "islands": []}
        taken.append(clock_seconds(lambda: library.commit_epoch("r", epoch, {0: bytes(STATE)}, report)))  # noqa: B023
        time.sleep(max(0.0, every_s - taken[-1]))
    return taken


def _read(access: Access, over: Event, read: list[int]) -> None:
    calls = [_fetched(access, address) for address in READ]
    while not over.is_set():
        read += [call() for call in calls]


def _fetched(access: Access, address: str) -> Callable[[], int]:
    """A call that asks for a page, and returns the status of the answer."""
    host = urlsplit(access.link).netloc

    def call() -> int:
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("GET", address, headers={"Cookie": f"{access.cookie}={access.token}"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    return call


@contextmanager
def served(library: Library) -> Iterator[Access]:
    """The library's pages, served by a thread."""
    site = open_site(library)
    thread = Thread(target=site.serve)
    thread.start()
    try:
        yield site.access
    finally:
        site.server.should_exit = True
        thread.join()


GROUPS = {"pages": pages, "clients": clients}
