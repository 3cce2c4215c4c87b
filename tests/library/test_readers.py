"""Readers keep no run from committing: they fetch what they read whole, and work on it later."""

import sqlite3
import threading
import time

import pytest
from sqlalchemy import event

from evocircuits.library import Library, records, verify
from evocircuits.library.checksum import opened
from tests.library.conftest import file_of
from tests.library.motifs import motif, score

LONGEST_WAIT_ms = 100
COMMITS = 20

READS = {
    "listing": lambda library: library.listing(limit=20),
    "front": lambda library: library.listing(task="order", front="energy"),
    "groups": lambda library: library.listing(group=True, limit=5),
    "text": lambda library: library.listing(text="order"),
    "motifs": lambda library: library.motifs(limit=20),
    "get": lambda library: library.get("best:order"),
    "lineage": lambda library: library.lineage("best:order"),
    "run": lambda library: library.run("r"),
    "runs": lambda library: library.runs(),
    "states": lambda library: library.island_states("r"),
    "hash": lambda library: library.rows_hash(),
    "export": lambda library: list(records(library.database, lambda _: None)),
}


@pytest.fixture
def library(file_url) -> Library:
    """A library in a file, with motifs and a run under way."""
    library = Library(file_url)
    library.add([motif(0.1 + i / 1000, score(0.5 + i / 1000)) for i in range(300)])
    library.start_run("r", {}, 1, {})
    library.commit_epoch("r", 1, {0: b"state" * 1000}, {"epoch": 1})
    return library


@pytest.mark.parametrize("read", READS)
def test_a_writer_can_commit_while_a_reader_works_on_what_it_read(library, read, monkeypatch):
    """Whenever a row is opened, nobody holds the file: a commit that waits for nothing succeeds."""
    at_work = 0

    def opened_and_written(table: str, row: dict) -> dict:
        nonlocal at_work
        at_work += 1
        if at_work < 20:
            with sqlite3.connect(file_of(library), timeout=0) as writer:
                writer.execute("UPDATE run SET epoch = epoch")
        return opened(table, row)

    for module in ("motifs", "motif_row", "runs", "ancestry", "annotations"):
        monkeypatch.setattr(f"evocircuits.library.{module}.opened", opened_and_written)
    READS[read](library)
    assert at_work or read == "hash"


def test_reading_leaves_no_transaction_open(library):
    for read in READS.values():
        read(library)
        with sqlite3.connect(file_of(library), timeout=0) as writer:
            writer.execute("UPDATE run SET epoch = epoch")
    assert verify(library.database) == []


def test_no_transaction_of_a_reader_takes_long(library):
    """In seconds of its own, so that what else the machine does is no matter."""
    began, took_ms = 0.0, []
    engine = library.database.engine

    @event.listens_for(engine, "begin")
    def begin(_connection):
        nonlocal began
        began = time.thread_time()

    @event.listens_for(engine, "commit")
    def commit(_connection):
        took_ms.append(1000 * (time.thread_time() - began))

    for read in READS.values():
        read(library)
    assert len(took_ms) > len(READS)
    assert max(took_ms) < LONGEST_WAIT_ms / 2


def test_commits_go_through_while_clients_read_without_a_pause(library, file_url):
    over, failures = threading.Event(), []

    def client(k: int) -> None:
        own = Library(file_url)
        try:
            while not over.is_set():
                for name in list(READS)[k % 3 : -2 : 3]:
                    READS[name](own)
        except Exception as failure:
            failures.append(failure)

    clients = [threading.Thread(target=client, args=(k,)) for k in range(4)]
    for thread in clients:
        thread.start()
    try:
        for epoch in range(2, 2 + COMMITS):
            library.commit_epoch("r", epoch, {0: bytes(100_000)}, {"epoch": epoch})
    finally:
        over.set()
        for thread in clients:
            thread.join()
    assert failures == []
    assert library.run("r").epoch == 1 + COMMITS
