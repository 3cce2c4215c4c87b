"""The library's tests run on both backends: on SQLite in a file, and on a PostgreSQL server of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evocircuits.library import Library
from tests.library import postgres


@pytest.fixture
def file_url(tmp_path) -> str:
    """An SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/new/folder/library.db"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """Started when first asked for; skipped where PostgreSQL's programs are not installed."""
    if (programs := postgres.binaries()) is None:
        pytest.skip("PostgreSQL's initdb and pg_ctl are not installed")
    pytest.importorskip("psycopg")
    with postgres.server(programs) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server) -> str:
    """An empty PostgreSQL database."""
    return postgres_server.emptied()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request) -> str:
    """An empty database of either backend."""
    return request.getfixturevalue({"sqlite": "file_url", "postgresql": "postgres_url"}[request.param])


@pytest.fixture
def library(url) -> Iterator[Library]:
    """An empty library on either backend."""
    opened = Library(url)
    yield opened
    opened.database.engine.dispose()


def file_of(library: Library) -> Path:
    return Path(library.url.removeprefix("sqlite:///"))
