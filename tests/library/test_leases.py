"""One driver a run: a second one is refused until the first has ended, or gave no sign of life for too long."""

import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from evocircuits.errors import InputError
from evocircuits.library import LeaseLost, Library
from evocircuits.library.leases import _is_dead, _new_holder
from tests.library.motifs import motif, score

WAIT_s = 60.0


@pytest.fixture
def other(library, url) -> Library:
    """The same library, opened by somebody else."""
    return Library(url)


def leases(library) -> list[str]:
    query = text("SELECT run_id FROM lease ORDER BY run_id")
    return library.database.read(lambda connection: list(connection.scalars(query)))


def move_away(library) -> None:
    """Let every lease be held on another machine, where nobody can tell whether its holder lives."""
    query = text("UPDATE lease SET holder = 'elsewhere 1 x'")
    library.database.write(lambda connection: connection.execute(query))


def expiry(library) -> float:
    """When the lease ends, in seconds since 1970."""
    query = text("SELECT expires FROM lease")
    return library.database.read(lambda connection: connection.scalar(query))


def expire(library) -> None:
    library.database.write(lambda connection: connection.execute(text("UPDATE lease SET expires = 1")))


class TestDriver:
    def test_that_comes_second_is_refused_in_one_line(self, library, other):
        told = rf"run r: expected a run that nobody drives; process {os.getpid()} on .*status r --watch"
        with library.lease("r"):
            library.start_run("r", {}, 1, {})
            for call in (
                lambda: other.start_run("r", {}, 1, {}),
                lambda: other.commit_epoch("r", 1, {0: b""}, {}),
                lambda: other.finish_run("r", [motif(0.6, score())]),
                lambda: other.set_status("r", "failed"),
                lambda: other.extend_run("r", {"epochs": 3}),
            ):
                with pytest.raises(InputError, match=told) as caught:
                    call()
                assert "\n" not in str(caught.value)
            with pytest.raises(InputError, match=told), other.lease("r"):
                pass
            assert library.run("r").epoch == 0
        assert library.motifs() == []

    def test_goes_on_after_the_first_has_ended(self, library, other):
        with library.lease("r"):
            library.start_run("r", {}, 1, {})
        assert leases(library) == []
        with other.lease("r"):
            other.commit_epoch("r", 1, {0: b"state"}, {})
        with pytest.raises(ZeroDivisionError), library.lease("r"):
            raise ZeroDivisionError
        with other.lease("r"):
            other.finish_run("r", [])

    def test_may_be_asked_to_stop_by_anybody(self, library, other):
        with library.lease("r"):
            library.start_run("r", {}, 1, {})
            other.request_stop("r")
            assert library.commit_epoch("r", 1, {0: b"state"}, {}) == "stopping"

    def test_of_another_run_is_let_in(self, library, other):
        with library.lease("r"), other.lease("s"):
            library.start_run("r", {}, 1, {})
            other.start_run("s", {}, 1, {})
            library.commit_epoch("r", 1, {0: b"r"}, {})
            other.commit_epoch("s", 1, {0: b"s"}, {})
            assert leases(library) == ["r", "s"]
        assert (library.island_states("r"), library.island_states("s")) == ((1, {0: b"r"}), (1, {0: b"s"}))

    def test_that_needs_none_writes_where_nobody_drives(self, library):
        library.start_run("r", {}, 1, {})
        library.commit_epoch("r", 1, {0: b"state"}, {})
        assert leases(library) == []


class TestExpiry:
    def test_lets_another_take_over_and_the_first_can_store_nothing_more(self, library, other):
        with library.lease("r"):
            library.start_run("r", {}, 1, {})
            expire(library)
            with other.lease("r"):
                other.commit_epoch("r", 1, {0: b"theirs"}, {})
                with pytest.raises(LeaseLost, match=r"run r: process .* has taken it over"):
                    library.commit_epoch("r", 1, {0: b"ours"}, {})
            with pytest.raises(LeaseLost, match="another driver has taken it over"):
                library.finish_run("r", [])
        assert library.island_states("r") == (1, {0: b"theirs"})

    def test_alone_takes_nothing_away(self, library):
        with library.lease("r"):
            library.start_run("r", {}, 1, {})
            expire(library)
            library.commit_epoch("r", 1, {0: b"state"}, {})

    def test_is_put_off_by_every_commit_and_by_renewing(self, library):
        with library.lease("r", seconds=1000) as lease:
            library.start_run("r", {}, 1, {})
            for sign_of_life in (lease.renew, lambda: library.commit_epoch("r", 1, {0: b""}, {})):
                expire(library)
                sign_of_life()
                assert 900 < expiry(library) - time.time() < 1100

    def test_is_put_off_while_the_driver_is_busy(self, library, other):
        with library.lease("r", seconds=1.0):
            first, latest = expiry(other), time.monotonic() + WAIT_s
            while expiry(other) == first:
                assert time.monotonic() < latest
                time.sleep(0.1)

    def test_is_renewed_by_no_thread_once_it_is_lost(self, library, other):
        with library.lease("r", seconds=0.2):
            move_away(library)
            expire(library)
            with other.lease("r"):
                time.sleep(0.3)
                other.start_run("r", {}, 1, {})


PROGRAM = """
import sys, time
from evocircuits.library import Library
library = Library({url!r})
with library.lease("r", seconds=600):
    library.start_run("r", {{}}, 1, {{}})
    print("driving", flush=True)
    time.sleep(600)
"""


def driver(url: str) -> subprocess.Popen:
    """A process that drives the run."""
    program = PROGRAM.format(url=url)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "driving\n"
    return process


class TestKilledHolder:
    def test_of_this_machine_is_known_to_be_dead(self, library, url):
        process = driver(url)
        with pytest.raises(InputError, match=f"process {process.pid} on"):
            library.start_run("r", {}, 1, {})
        process.send_signal(signal.SIGKILL)
        process.wait()
        with library.lease("r"):
            assert library.start_run("r", {}, 1, {}).status == "running"

    def test_elsewhere_is_waited_for_until_its_lease_expires(self, library, url):
        process = driver(url)
        process.send_signal(signal.SIGKILL)
        process.wait()
        move_away(library)
        with pytest.raises(InputError, match="nobody drives"):
            library.start_run("r", {}, 1, {})
        expire(library)
        with library.lease("r"):
            library.start_run("r", {}, 1, {})


def test_a_process_is_dead_only_if_it_was_here_and_is_gone():
    here, own, word = _new_holder().rsplit(" ", 2)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert not _is_dead(f"{here} {own} {word}")
    assert _is_dead(f"{here} {ended.pid} {word}")
    assert not _is_dead(f"elsewhere {ended.pid} {word}")
    assert not _is_dead("nonsense")


def test_in_memory_a_lease_needs_no_thread():
    library = Library("sqlite://")
    with library.lease("r", seconds=0.01):
        library.start_run("r", {}, 1, {})
        time.sleep(0.05)
        library.commit_epoch("r", 1, {0: b"state"}, {})
